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
	MgSnapshot before; /* S0 of the clone, stored in the clone */
} MgClone;

/*
 * Creates the database, tags it with the run, fills it by pg_dump -s, copies
 * the rows of the tool's own tables, takes its first snapshot.  When that has
 * not the fingerprint of the run's S0, the differences are noted and the
 * snapshot is copied to the real database, to compare by changes later.
 * Whatever fails, mg_clone_drop is to be called.
 */
extern bool mg_clone_create(MgRun *run, MgClone *clone, MgError *err);

/* Drops it and closes its sessions; signals wait meanwhile. */
extern bool mg_clone_drop(MgRun *run, MgClone *clone, MgError *err);

/* Drops the scratch databases of runs that are dead. */
extern bool mg_clone_drop_dead(MgRun *run, MgError *err);

#endif
