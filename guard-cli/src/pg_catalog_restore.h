/*
 * pg_catalog_restore.h
 *	  Databases put in the place of others, and the ledger that goes with them.
 */
#ifndef MG_PG_CATALOG_RESTORE_H
#define MG_PG_CATALOG_RESTORE_H

#include "pg.h"

/* A session in a database that is no part of this: postgres, or template1. */
extern bool mg_restore_admin(MgArena *arena, const MgTarget *target, const char *database,
							 const char *application_name, MgPg **pg, MgError *err);

/* Databases of restores with their comments, two texts each. */
extern bool mg_restore_find(MgPg *pg, MgStrings *names, MgStrings *comments, MgError *err);

/* Ids of restores under a lock that have no end, but for one. */
extern bool mg_restore_unfinished(MgPg *pg, const char *lock, const char *run_id, MgStrings *ids,
								  MgError *err);

/* Why the database of the session cannot be put aside, as sentences. */
extern bool mg_restore_obstacles(MgPg *pg, MgStrings *list, MgError *err);

extern bool mg_restore_name_taken(MgPg *admin, const char *name, bool *taken, MgError *err);

/* An empty database with encoding, locale and tablespace of that of source. */
extern bool mg_restore_create(MgPg *admin, MgPg *source, const char *name, const char *comment,
							  MgError *err);
extern bool mg_restore_comment(MgPg *admin, const char *name, const char *comment, MgError *err);

/* Gives database to what database from has and no dump holds. */
extern bool mg_restore_properties(MgPg *admin, const char *from, const char *to, MgError *err);

extern bool mg_restore_allow(MgPg *admin, const char *name, bool allow, MgError *err);
/* Lets nobody in any more and ends all sessions but that of process spared. */
extern bool mg_restore_hold(MgPg *admin, const char *name, int spared, MgError *err);

/* Adds to the ledger of fresh what that of live has more; both must be one history. */
extern bool mg_restore_carry(MgPg *live, MgPg *fresh, MgError *err);

/* "", "1 begun", "2 restored", "3 ended": how far the ledger has come with a run. */
extern bool mg_restore_run_state(MgPg *pg, const char *run_id, const char **state, MgError *err);

/* In one transaction: live gets the name kept and its comment, fresh the name and the comment of live. */
extern bool mg_restore_swap(MgPg *admin, const char *live, const char *fresh, const char *kept,
							const char *kept_comment, MgError *err);

#endif
