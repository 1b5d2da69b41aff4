/*
 * pg_catalog_report.c
 *	  Statements about the ledger and the locks.
 */
#include "pg_catalog_report.h"

#include <string.h>

#include "mg_sql.h"

bool
mg_report_history(MgPg *pg, const char *limit, MgRows *rows, MgError *err)
{
	const char *const values[] = { limit };

	return mg_pg_rows(pg, mg_sql_history, 1, values, rows, err);
}

bool
mg_report_find_run(MgPg *pg, const char *prefix, const char **run_id, MgError *err)
{
	const char *const values[] = { prefix };
	MgBuf list;
	MgRows rows;

	if (!mg_pg_rows(pg, mg_sql_run_find, 1, values, &rows, err))
		return false;
	if (rows.count == 1)
	{
		*run_id = mg_rows_get(&rows, 0, "run_id");
		return true;
	}
	if (rows.count == 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "no run has an id that begins with \"%s\"", prefix);
		strcpy(err->sqlstate, SD_SQLSTATE_NO_SUCH_RUN);
		return mg_err_hint(err, "\"migguard history\" shows the runs.");
	}
	mg_buf_init(&list, pg->arena);
	for (int i = 0; i < rows.count; i++)
		mg_buf_addf(&list, "%s%s (%s)", i > 0 ? "\n" : "", mg_rows_get(&rows, i, "run_id"),
					mg_rows_get(&rows, i, "command"));
	mg_err_set(err, MG_EXIT_CONFIG, "more than one run has an id that begins with \"%s\"", prefix);
	mg_err_detail(err, "%s", list.data);
	return mg_err_hint(err, "Give more of the id.");
}

bool
mg_report_run(MgPg *pg, const char *run_id, MgRows *run, MgRows *events, MgError *err)
{
	const char *const values[] = { run_id };

	return mg_pg_rows(pg, mg_sql_run_show, 1, values, run, err) &&
		   mg_pg_rows(pg, mg_sql_run_events, 1, values, events, err);
}

bool
mg_report_unfinished(MgPg *pg, MgRows *rows, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_unfinished_runs, 0, NULL, rows, err);
}

bool
mg_report_last_good(MgPg *pg, const char *lock_name, MgRows *rows, MgError *err)
{
	const char *const values[] = { lock_name };

	return mg_pg_rows(pg, mg_sql_last_known_good, 1, values, rows, err);
}

bool
mg_report_lock_holders(MgPg *pg, MgRows *rows, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_lock_holders, 0, NULL, rows, err);
}

bool
mg_report_break_lock(MgPg *pg, const char *name, const char *reason, bool *broken, MgError *err)
{
	const char *const values[] = { name, reason };
	MgRows rows;

	if (!mg_pg_rows(pg, mg_sql_lock_break, 2, values, &rows, err))
		return false;
	*broken = rows.cells[0] != NULL && strcmp(rows.cells[0], "t") == 0;
	return true;
}
