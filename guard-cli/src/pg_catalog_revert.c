/*
 * pg_catalog_revert.c
 *	  Statements that lead the schema back, and the rows of the tool's own tables.
 */
#include "pg_catalog_revert.h"

#include <string.h>

#include "failpoint.h"
#include "mg_sql.h"
#include "pg_catalog_server.h"

bool
mg_revert_propose(MgPg *pg, const char *to, const MgStrings *ignore, MgRevert *revert, MgError *err)
{
	const char *values[] = { to, mg_pg_array(pg->arena, ignore->items, ignore->count) };
	MgRows rows;

	mg_strings_init(&revert->statements, pg->arena);
	mg_strings_init(&revert->losses, pg->arena);
	mg_strings_init(&revert->reasons, pg->arena);
	revert->transactional = true;
	if (!mg_pg_rows(pg, mg_sql_schema_revert, 2, values, &rows, err))
		return false;
	for (int i = 0; i < rows.count; i++)
	{
		const char *sql = mg_rows_get(&rows, i, "sql");
		const char *object = mg_rows_get(&rows, i, "object");
		const char *reason = mg_rows_get(&rows, i, "reason");
		const char *loss = mg_rows_get(&rows, i, "data_loss");

		if (sql == NULL)
		{
			mg_strings_addf(&revert->reasons, "%s: %s", object, reason);
			continue;
		}
		mg_strings_add(&revert->statements, sql);
		if (strcmp(mg_rows_get(&rows, i, "transactional"), "t") != 0)
			revert->transactional = false;
		if (loss != NULL && strcmp(loss, "none") != 0)
			mg_strings_addf(&revert->losses, "%s: %s", object,
							reason != NULL ? reason : "its data is not brought back");
	}
	return true;
}

bool
mg_revert_session(MgPg *pg, const char *run_id, const char *fence_token, long long lock_timeout_ms,
				  long long statement_timeout_ms, MgError *err)
{
	const char *values[] = { run_id, fence_token, mg_printf(pg->arena, "%lld", lock_timeout_ms),
							 mg_printf(pg->arena, "%lld", statement_timeout_ms) };

	return mg_pg_exec(pg, mg_sql_session_of_run, 4, values, NULL, err);
}

/* Makes the rows of a table those that are wanted. */
static bool
replace_rows(MgPg *pg, const char *table, const char *rows, MgError *err)
{
	const char *values[] = { rows != NULL ? rows : "[]" };
	PGresult *result;
	bool there;

	if (strcmp(table, "safedeploy.applied_migration") == 0)
		return mg_pg_exec(pg, mg_sql_forget_migrations_but, 1, values, NULL, err);
	if (!mg_pg_exec(pg, mg_sql_table_exists, 1, &table, &result, err))
		return false;
	there = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	if (!there)
		return true;
	return mg_pg_exec(pg, mg_printf(pg->arena, "DELETE FROM %s", table), 0, NULL, NULL, err) &&
		   mg_server_write_rows(pg, table, values[0], err);
}

static bool
run_all(MgPg *pg, const MgStrings *statements, const MgStrings *tables, char *const *rows,
		MgError *err)
{
	for (int i = 0; i < statements->count; i++)
	{
		if (!mg_pg_exec(pg, statements->items[i], 0, NULL, NULL, err))
			return mg_err_detail(err, "The statement was: %s", statements->items[i]);
		mg_failpoint("repair.statement");
	}
	for (int i = 0; tables != NULL && i < tables->count; i++)
		if (!replace_rows(pg, tables->items[i], rows[i], err))
			return false;
	return true;
}

bool
mg_revert_run(MgPg *pg, const MgStrings *statements, bool transactional, const MgStrings *tables,
			  char *const *rows, MgError *err)
{
	MgError ignored;

	if (!transactional)
		return run_all(pg, statements, tables, rows, err);
	if (!mg_pg_exec(pg, "BEGIN", 0, NULL, NULL, err))
		return false;
	if (run_all(pg, statements, tables, rows, err))
		return mg_pg_exec(pg, "COMMIT", 0, NULL, NULL, err);
	mg_err_init(&ignored, pg->arena);
	(void) mg_pg_exec(pg, "ROLLBACK", 0, NULL, NULL, &ignored);
	return false;
}
