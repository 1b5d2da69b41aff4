/*
 * pg_catalog_lint.c
 *	  Statements about scripts: what is dangerous in them, and what they are made of.
 */
#include "pg_catalog_lint.h"

#include <stdlib.h>

#include "mg_sql.h"

bool
mg_catalog_rules_on(MgPg *pg, const char *rules, MgError *err)
{
	return mg_pg_exec(pg, mg_sql_rules_on, 1, &rules, NULL, err);
}

bool
mg_catalog_probe_on(MgPg *pg, const char *rows, const char *time, bool examples, MgError *err)
{
	const char *const values[] = { rows, time, examples ? "on" : "off" };

	return mg_pg_exec(pg, mg_sql_probe_on, 3, values, NULL, err);
}

bool
mg_catalog_analyze(MgPg *pg, const char *sql, bool in_transaction, long long lock_timeout_ms,
				   MgRows *rows, MgError *err)
{
	const char *const values[] = { sql, in_transaction ? "on" : "off" };
	const char *const waits[] = { mg_printf(pg->arena, "%lldms", lock_timeout_ms) };
	const char *const waits_no_more[] = { "0" };

	/* Names mean what they mean to a session that runs the script, and waits are as long. */
	return mg_pg_exec(pg, mg_sql_search_path_reset, 0, NULL, NULL, err) &&
		   mg_pg_exec(pg, mg_sql_analyze_settings, 1, waits, NULL, err) &&
		   mg_pg_rows(pg, mg_sql_analyze, 2, values, rows, err) &&
		   mg_pg_exec(pg, mg_sql_analyze_settings, 1, waits_no_more, NULL, err) &&
		   mg_pg_exec(pg, mg_sql_search_path_pin, 0, NULL, NULL, err);
}

static bool
read_parts(MgPg *pg, const char *statement, const char *sql, const char *text, MgScriptPart **parts,
		   int *count, MgError *err)
{
	const char *const values[] = { sql };
	MgRows rows;

	if (!mg_pg_rows(pg, statement, 1, values, &rows, err))
		return false;
	*count = rows.count;
	*parts = mg_alloc(pg->arena, (size_t) (rows.count + 1) * sizeof(MgScriptPart));
	for (int i = 0; i < rows.count; i++)
	{
		(*parts)[i].position = atol(mg_rows_get(&rows, i, "position"));
		(*parts)[i].length = atol(mg_rows_get(&rows, i, "length"));
		(*parts)[i].text = mg_rows_get(&rows, i, text);
	}
	return true;
}

bool
mg_catalog_script_comments(MgPg *pg, const char *sql, MgScriptPart **parts, int *count, MgError *err)
{
	return read_parts(pg, mg_sql_script_comments, sql, "text", parts, count, err);
}

bool
mg_catalog_script_outline(MgPg *pg, const char *sql, MgScriptPart **parts, int *count, MgError *err)
{
	return read_parts(pg, mg_sql_script_outline, sql, "hash", parts, count, err);
}
