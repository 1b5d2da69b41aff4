/*
 * shadow.h
 *	  The warm shadow: a scratch database with the schema alone, from which a
 *	  rehearsal starts by copying it, in place of a dump and a restore.
 *
 * What a shadow is taken for is never believed: its copy is compared with the
 * real schema each time.  A database gets the shadow's name only when it is
 * complete.  Nothing about a shadow makes a run fail; without one that fits, the
 * clone is made cold, and the reason is kept.
 */
#ifndef MG_SHADOW_H
#define MG_SHADOW_H

#include "clone.h"
#include "pg_catalog_shadow.h"

/*
 * Makes the clone from the shadow and opens its session, if there is a shadow
 * that is equal to the real schema; else clone->why_cold says why not, and
 * nothing is left.
 */
extern bool mg_shadow_start(MgRun *run, MgClone *clone, MgError *err);

/* Keeps a copy of the clone, cold and freshly filled, as the shadow; its session is another one then. */
extern bool mg_shadow_keep(MgRun *run, MgClone *clone, MgError *err);

/* Remembers what the rehearsal must leave alone, if the clone is to become the shadow. */
extern bool mg_shadow_watch(MgRun *run, MgClone *clone, MgError *err);

/*
 * The clone, at the schema that the run is to lead to, is kept until the run has
 * ended, if it may become the shadow.
 */
extern bool mg_shadow_park(MgRun *run, MgClone *clone);

/* The run has ended: when it was done, the parked clone becomes the shadow, else it is dropped. */
extern void mg_shadow_settle(MgRun *run);

/* Drops what was put aside, when the lock is released; what it does not come to is left to the next run. */
extern void mg_shadow_tidy(MgRun *run);

/* What the clone was made from, and why not from a shadow, for people. */
extern const char *mg_shadow_text(MgRun *run, const MgClone *clone);

/* For commands without a run: this database's shadow. */
typedef struct MgShadow
{
	MgPg *server; /* where it is; the given session when that is the same server */
	const char *name;
	MgShadowFacts facts;
} MgShadow;

/* Whatever it returns, mg_shadow_close is to be called. */
extern bool mg_shadow_find(const MgContext *context, MgPg *pg, MgShadow *shadow, MgError *err);
/* Its name, how large it is, and the run that left it. */
extern const char *mg_shadow_describe(MgArena *arena, const MgShadow *shadow);
extern bool mg_shadow_drop(MgShadow *shadow, MgError *err);
extern void mg_shadow_close(MgPg *pg, MgShadow *shadow);

#endif
