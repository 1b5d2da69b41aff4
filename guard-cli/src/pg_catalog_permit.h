/*
 * pg_catalog_permit.h
 *	  Permits where the server protects what a run drops (safedeploy.protect).
 */
#ifndef MG_PG_CATALOG_PERMIT_H
#define MG_PG_CATALOG_PERMIT_H

#include "pg.h"

/*
 * Permits the sessions of a run, as long as they hold this token, to take away
 * what a JSON array names, or anything (""); it is made once the gates of the
 * run have let it pass.
 */
extern bool mg_permit_run(MgPg *pg, const char *run_id, const char *token, const char *reason,
						  const char *objects, MgError *err);

/* The same in a clone, where no lock is held, for pg too; nothing where nothing is protected. */
extern bool mg_permit_clone(MgPg *pg, const char *run_id, MgError *err);

/* Permits one statement that drops a database of migguard's own, likewise. */
extern bool mg_permit_database(MgPg *pg, const char *statement, const char *name, MgError *err);

#endif
