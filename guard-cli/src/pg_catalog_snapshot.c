/*
 * pg_catalog_snapshot.c
 *	  Statements about snapshots.
 */
#include "pg_catalog_snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "mg_sql.h"
#include "text.h"

static const char *
number(MgArena *arena, long long value)
{
	return mg_printf(arena, "%lld", value);
}

/* The one value of a statement that returns one. */
static bool
one_value(MgPg *pg, const char *sql, int count, const char *const *values, char **value, MgError *err)
{
	PGresult *result = NULL;

	*value = NULL;
	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	if (PQntuples(result) == 1)
		*value = mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

bool
mg_snapshot_take(MgPg *pg, const char *label, const char *run_id, long long *id, MgError *err)
{
	const char *const values[] = { label, run_id };
	char *text;

	if (!one_value(pg, mg_sql_snapshot_take, 2, values, &text, err))
		return false;
	if (text == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "take_snapshot() returned nothing");
	*id = atoll(text);
	return true;
}

bool
mg_snapshot_drop(MgPg *pg, long long id, MgError *err)
{
	const char *const values[] = { number(pg->arena, id) };

	return mg_pg_exec(pg, mg_sql_snapshot_drop, 1, values, NULL, err);
}

bool
mg_snapshot_fingerprint(MgPg *pg, const char *facets, char **fingerprint, MgError *err)
{
	const char *const values[] = { facets };

	if (!one_value(pg, mg_sql_snapshot_fingerprint, 1, values, fingerprint, err))
		return false;
	if (*fingerprint == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "fingerprint() returned nothing");
	return true;
}

bool
mg_snapshot_stored(MgPg *pg, long long id, char **fingerprint, MgError *err)
{
	const char *const values[] = { number(pg->arena, id) };
	MgRows rows;

	if (!mg_pg_rows(pg, mg_sql_snapshot_stored, 1, values, &rows, err))
		return false;
	if (rows.count == 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "there is no snapshot %lld", id);
		strcpy(err->sqlstate, SD_SQLSTATE_NO_SUCH_SNAPSHOT);
		return mg_err_hint(err, "\"migguard snapshot --list\" shows the stored ones.");
	}
	if (mg_rows_get(&rows, 0, "unread") != NULL)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE, "snapshot %lld is not complete: %s not read", id,
				   mg_text_count(pg->arena, atoi(mg_rows_get(&rows, 0, "unread")), "object"));
		strcpy(err->sqlstate, MG_SQLSTATE_LOCKED);
		mg_err_detail(err, "%s", mg_rows_get(&rows, 0, "reasons"));
		return mg_err_hint(err, "Take another one when that session has ended its transaction.");
	}
	if (strcmp(mg_rows_get(&rows, 0, "complete"), "t") != 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "snapshot %lld is not complete", id);
		strcpy(err->sqlstate, SD_SQLSTATE_SNAPSHOT_INCOMPLETE);
		return mg_err_hint(err, "Import it again from its file.");
	}
	*fingerprint = mg_strdup(pg->arena, mg_rows_get(&rows, 0, "fingerprint"));
	return true;
}

bool
mg_snapshot_same_database(MgPg *a, MgPg *b, bool *same, MgError *err)
{
	char *here;
	char *there;

	if (!one_value(a, mg_sql_database_identity, 0, NULL, &here, err) ||
		!one_value(b, mg_sql_database_identity, 0, NULL, &there, err))
		return false;
	*same = here != NULL && there != NULL && strcmp(here, there) == 0;
	return true;
}

bool
mg_snapshot_labelled(MgPg *pg, const char *label, long long *id, MgError *err)
{
	const char *const values[] = { label };
	char *text;

	if (!one_value(pg, mg_sql_snapshot_labelled, 1, values, &text, err))
		return false;
	*id = text != NULL ? atoll(text) : 0;
	return true;
}

bool
mg_snapshot_header(MgPg *pg, long long id, MgRows *rows, MgError *err)
{
	const char *const values[] = { number(pg->arena, id) };

	if (!mg_pg_rows(pg, mg_sql_snapshot_header, 1, values, rows, err))
		return false;
	return rows->count == 1 ||
		   mg_err_set(err, MG_EXIT_INTERNAL, "snapshot %lld is not there any more", id);
}

bool
mg_drift_records(MgPg *pg, const char *since, MgRows *rows, MgError *err)
{
	const char *const values[] = { since };

	return mg_pg_rows(pg, mg_sql_drift_records, 1, values, rows, err);
}

bool
mg_snapshot_definitions(MgPg *pg, long long old_id, long long new_id, const char *facets,
						MgRowHandler handler, void *arg, MgError *err)
{
	const char *const values[] = { number(pg->arena, old_id), number(pg->arena, new_id), facets };

	return mg_pg_each(pg, mg_sql_snapshot_definitions, 3, values, handler, arg, err);
}

bool
mg_snapshot_list(MgPg *pg, MgRows *rows, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_snapshot_list, 0, NULL, rows, err);
}

bool
mg_snapshot_diff(MgPg *pg, long long old_id, long long new_id, const char *facets, MgRows *rows,
				 MgError *err)
{
	const char *const values[] = { number(pg->arena, old_id),
								   new_id != 0 ? number(pg->arena, new_id) : NULL, facets };

	return mg_pg_rows(pg, mg_sql_snapshot_diff, 3, values, rows, err);
}

typedef struct LineSink
{
	MgLineHandler handler;
	void *arg;
} LineSink;

static bool
take_row(void *arg, int columns, char *const *cells, MgError *err)
{
	LineSink *sink = arg;

	(void) columns;
	return sink->handler(sink->arg, cells[0], err);
}

bool
mg_snapshot_export(MgPg *pg, long long id, MgLineHandler handler, void *arg, MgError *err)
{
	const char *const values[] = { number(pg->arena, id) };
	LineSink sink = { handler, arg };

	return mg_pg_each(pg, mg_sql_snapshot_export, 1, values, take_row, &sink, err);
}

static bool
send_lines(void *arg, const char *array, MgError *err)
{
	MgImport *import = arg;
	const char *const values[] = { array, import->id != 0 ? number(import->portion.arena, import->id) :
															NULL };
	bool first = import->id == 0;
	char *text;

	if (!one_value(import->pg, mg_sql_snapshot_import, 2, values, &text, err))
		return false;
	if (text == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "import_snapshot() returned nothing");
	import->id = atoll(text);
	return !first || import->started == NULL || import->started(import->arg, import->id, err);
}

void
mg_import_begin(MgImport *import, MgPg *pg, MgImportStarted started, void *arg)
{
	memset(import, 0, sizeof *import);
	import->pg = pg;
	import->started = started;
	import->arg = arg;
	mg_portion_begin(&import->portion, send_lines, import);
}

bool
mg_import_line(void *arg, const char *line, MgError *err)
{
	return mg_portion_add(&((MgImport *) arg)->portion, line, err);
}

bool
mg_import_end(MgImport *import, long long *id, MgError *err)
{
	char *ignored;

	if (!mg_portion_send(&import->portion, err))
		return false;
	if (import->id == 0)
		return mg_err_set(err, MG_EXIT_CONFIG, "the exported snapshot is empty");
	*id = import->id;
	return mg_snapshot_stored(import->pg, import->id, &ignored, err);
}

void
mg_import_free(MgImport *import)
{
	mg_portion_free(&import->portion);
}

bool
mg_snapshot_copy(MgPg *from, long long from_id, MgPg *to, long long *to_id, MgError *err)
{
	MgImport import;
	bool ok;

	mg_import_begin(&import, to, NULL, NULL);
	ok = mg_snapshot_export(from, from_id, mg_import_line, &import, err) &&
		 mg_import_end(&import, to_id, err);
	mg_import_free(&import);
	return ok;
}

bool
mg_transaction_begin(MgPg *pg, MgError *err)
{
	return mg_pg_exec(pg, mg_sql_transaction_begin, 0, NULL, NULL, err);
}

bool
mg_transaction_end(MgPg *pg, bool commit, MgError *err)
{
	return mg_pg_exec(pg, commit ? mg_sql_transaction_commit : mg_sql_transaction_rollback, 0, NULL,
					  NULL, err);
}
