/*
 * pg_catalog_observe.c
 *	  Statements about what scripts would do and what sessions have done.
 */
#include "pg_catalog_observe.h"

#include <poll.h>
#include <string.h>

#include "mg_sql.h"

#define LOOK_EVERY_MS 10

bool
mg_catalog_observed(MgPg *pg, const char *run_id, const char *since, MgRows *rows, MgError *err)
{
	const char *const values[] = { run_id, since };

	return mg_pg_rows(pg, mg_sql_observed_statements, 2, values, rows, err);
}

bool
mg_catalog_present(MgPg *pg, const char *objects, MgStrings *present, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_observed_present, 1, &objects, present, err);
}

bool
mg_catalog_observed_digest(MgPg *pg, const char *run_id, char **digest, MgError *err)
{
	MgStrings list;

	if (!mg_pg_strings(pg, mg_sql_observed_digest, 1, &run_id, &list, err))
		return false;
	*digest = list.items[0];
	return true;
}

bool
mg_catalog_predict(MgPg *pg, const char *sql, bool in_transaction, MgRows *rows, MgError *err)
{
	const char *const values[] = { sql, in_transaction ? "on" : "off" };

	/* Names in the script mean what they mean to a session that runs it. */
	return mg_pg_exec(pg, mg_sql_search_path_reset, 0, NULL, NULL, err) &&
		   mg_pg_rows(pg, mg_sql_predicted_statements, 2, values, rows, err) &&
		   mg_pg_exec(pg, mg_sql_search_path_pin, 0, NULL, NULL, err);
}

bool
mg_catalog_await_alone(MgPg *pg, int patience_ms, bool *alone, MgError *err)
{
	MgStrings count;

	for (int waited = 0;; waited += LOOK_EVERY_MS)
	{
		if (!mg_pg_strings(pg, mg_sql_sessions_of_database, 0, NULL, &count, err))
			return false;
		*alone = strcmp(count.items[0], "0") == 0;
		if (*alone || waited >= patience_ms)
			return true;
		poll(NULL, 0, LOOK_EVERY_MS);
	}
}
