/*
 * pg_catalog_permit.c
 *	  Permits where the server protects what a run drops.
 */
#include "pg_catalog_permit.h"

#include <string.h>

#include "mg_sql.h"
#include "pg_catalog_ledger.h"

static bool
is_needed(MgPg *pg, bool *needed, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_permit_needed, 0, NULL, &result, err))
		return false;
	*needed = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	return true;
}

bool
mg_permit_run(MgPg *pg, const char *run_id, const char *token, const char *reason,
			  const char *objects, MgError *err)
{
	const char *values[] = { run_id, token, reason, objects };

	return mg_pg_exec(pg, mg_sql_permit_run, 4, values, NULL, err);
}

bool
mg_permit_clone(MgPg *pg, const char *run_id, MgError *err)
{
	bool needed;

	if (!is_needed(pg, &needed, err))
		return false;
	return !needed || (mg_lock_tag_session(pg, run_id, "", err) &&
					   mg_permit_run(pg, run_id, "", "rehearsal on a clone", "", err));
}

bool
mg_permit_database(MgPg *pg, const char *statement, const char *name, MgError *err)
{
	const char *values[] = { statement, name, "scratch database of migguard" };
	bool needed;

	if (!is_needed(pg, &needed, err))
		return false;
	return !needed || mg_pg_exec(pg, mg_sql_permit_database, 3, values, NULL, err);
}
