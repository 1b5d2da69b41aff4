/*
 * clone.h
 *	  The scratch database of a rehearsal: the schema without the data.
 */
#ifndef MG_CLONE_H
#define MG_CLONE_H

#include "run.h"

typedef struct MgClone
{
	const char *name;
	const MgTarget *target; /* of the clone */
	MgPg *admin;			/* a session on its server; may be the run's own */
	MgPg *pg;				/* a session in the clone */
	bool created;
	MgSnapshot before;			/* S0 of the clone, stored in the clone */
	const char *shadow;			/* name of the warm shadow; NULL: there is to be none */
	const char *why_cold;		/* not made from the shadow; NULL: it is */
	const char *extension_rows; /* digest from before the rehearsal; NULL: unknown */
} MgClone;

/*
 * Creates the database, tags it with the run, fills it from the warm shadow or by
 * pg_dump -s, copies the rows of the tool's own tables, takes its first snapshot.  When that has
 * not the fingerprint of the run's S0, the differences are noted and the
 * snapshot is copied to the real database, to compare by changes later.
 * Whatever fails, mg_clone_drop is to be called.
 */
extern bool mg_clone_create(MgRun *run, MgClone *clone, MgError *err);

/* Drops it and closes its sessions; signals wait meanwhile. */
extern bool mg_clone_drop(MgRun *run, MgClone *clone, MgError *err);

/* Drops the scratch databases of runs that are dead, and shadows of databases that are gone. */
extern bool mg_clone_drop_dead(MgRun *run, MgError *err);

/* The parts, for shadow.c. */

/* Opens the session on its server, and finds the target there. */
extern bool mg_clone_server(MgRun *run, MgClone *clone, MgError *err);
/* Lets go of that session, if it is not the run's own. */
extern void mg_clone_leave(MgRun *run, MgClone *clone);
/* Its own session; closed means that the server knows it no more. */
extern bool mg_clone_open(MgRun *run, MgClone *clone, MgError *err);
extern bool mg_clone_close(MgClone *clone, MgError *err);
/* Drops the database, to make it once more. */
extern bool mg_clone_undo(MgRun *run, MgClone *clone, MgError *err);
/* Tells later runs whose the database is. */
extern char *mg_clone_comment(MgRun *run);

#endif
