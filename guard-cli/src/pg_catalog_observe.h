/*
 * pg_catalog_observe.h
 *	  Statements about what scripts would do and what sessions have done.
 */
#ifndef MG_PG_CATALOG_OBSERVE_H
#define MG_PG_CATALOG_OBSERVE_H

#include "pg.h"

/* Rows of run_statement, with the effects as JSON, of sessions that began after a time. */
extern bool mg_catalog_observed(MgPg *pg, const char *run_id, const char *since, MgRows *rows,
								MgError *err);
extern bool mg_catalog_observed_digest(MgPg *pg, const char *run_id, char **digest, MgError *err);

/* Which objects of a JSON array are there, each as "KIND OBJECT". */
extern bool mg_catalog_present(MgPg *pg, const char *objects, MgStrings *present, MgError *err);

/* Statements of a script, with the effects as JSON; nothing is run. */
extern bool mg_catalog_predict(MgPg *pg, const char *sql, bool in_transaction, MgRows *rows,
							   MgError *err);

/* Waits until no other session is in the database; *alone false when some stay. */
extern bool mg_catalog_await_alone(MgPg *pg, int patience_ms, bool *alone, MgError *err);

#endif
