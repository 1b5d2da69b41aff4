/*
 * pg_catalog_schema.c
 *	  Statements about snapshots and differences.
 */
#include "pg_catalog_schema.h"

#include <string.h>

#include "mg_sql.h"

#define IMPORT_LINES 500

static bool
one_value(MgPg *pg, const char *sql, int count, const char *const *values, char **value, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	*value = PQntuples(result) == 0 ? NULL : mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

static bool
fingerprint_of(MgPg *pg, MgSnapshot *snapshot, MgError *err)
{
	char *fingerprint;

	if (!one_value(pg, mg_sql_schema_snapshot_fingerprint, 1, &snapshot->id, &fingerprint, err))
		return false;
	if (fingerprint == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "snapshot %s is gone", snapshot->id);
	snapshot->fingerprint = fingerprint;
	return true;
}

bool
mg_schema_take(MgPg *pg, const char *label, const char *run_id, MgSnapshot *snapshot, MgError *err)
{
	const char *values[] = { label, run_id };
	char *id;

	if (!one_value(pg, mg_sql_schema_take_snapshot, 2, values, &id, err))
		return false;
	snapshot->id = id;
	return fingerprint_of(pg, snapshot, err);
}

bool
mg_schema_fingerprint(MgPg *pg, char **fingerprint, MgError *err)
{
	return one_value(pg, mg_sql_schema_fingerprint, 0, NULL, fingerprint, err);
}

/* Rows of (class, data loss, summary) into a list. */
static bool
collect(MgPg *pg, const char *sql, int count, const char *const *values, MgChanges *changes,
		MgError *err)
{
	PGresult *result;

	mg_strings_init(&changes->real, pg->arena);
	mg_strings_init(&changes->order, pg->arena);
	changes->loses_data = false;
	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
	{
		bool real = strcmp(PQgetvalue(result, i, 0), "real") == 0;

		mg_strings_add(real ? &changes->real : &changes->order, PQgetvalue(result, i, 2));
		if (strcmp(PQgetvalue(result, i, 1), "none") != 0)
			changes->loses_data = true;
	}
	PQclear(result);
	return true;
}

bool
mg_schema_changes(MgPg *pg, const char *from, const char *to, const MgStrings *ignore,
				  MgChanges *changes, MgError *err)
{
	const char *values[] = { from, to, mg_pg_array(pg->arena, ignore->items, ignore->count) };

	return collect(pg, mg_sql_schema_changes, 3, values, changes, err);
}

bool
mg_schema_compare_changes(MgPg *pg, const char *a, const char *b, const char *c, const char *d,
						  const MgStrings *ignore, MgChanges *changes, MgError *err)
{
	const char *values[] = { a, b, c, d, mg_pg_array(pg->arena, ignore->items, ignore->count) };

	return collect(pg, mg_sql_schema_change_sets, 5, values, changes, err);
}

/* Lines on their way from one database to another. */
typedef struct Transfer
{
	MgPg *to;
	MgArena *arena; /* of the lines alone, because a snapshot of a large schema passes through */
	char *lines[IMPORT_LINES];
	int count;
	char *id;
} Transfer;

static bool
flush_lines(Transfer *transfer, MgError *err)
{
	const char *values[] = { mg_pg_array(transfer->arena, transfer->lines, transfer->count),
							 transfer->id };
	char *id = NULL;
	bool ok = one_value(transfer->to, mg_sql_schema_import, 2, values, &id, err);

	mg_arena_free(transfer->arena);
	transfer->arena = mg_arena_new();
	if (ok && transfer->id == NULL)
		transfer->id = id;
	transfer->count = 0;
	return ok;
}

static bool
take_line(void *arg, int columns, char *const *cells, MgError *err)
{
	Transfer *transfer = arg;

	(void) columns;
	transfer->lines[transfer->count++] = mg_strdup(transfer->arena, cells[0]);
	return transfer->count < IMPORT_LINES || flush_lines(transfer, err);
}

bool
mg_schema_copy_snapshot(MgPg *from, const char *id, MgPg *to, MgSnapshot *copy, MgError *err)
{
	const char *values[] = { id };
	Transfer transfer = { .to = to, .arena = mg_arena_new() };
	bool ok;

	ok = mg_pg_each(from, mg_sql_schema_export, 1, values, take_line, &transfer, err) &&
		 (transfer.count == 0 || flush_lines(&transfer, err));
	mg_arena_free(transfer.arena);
	if (!ok)
		return false;
	copy->id = transfer.id;
	return fingerprint_of(to, copy, err);
}

char *
mg_changes_text(MgArena *arena, const MgStrings *list, int most)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	for (int i = 0; i < list->count && i < most; i++)
		mg_buf_addf(&text, "%s%s", i == 0 ? "" : "; ", list->items[i]);
	if (list->count > most)
		mg_buf_addf(&text, "; and %d more", list->count - most);
	return text.data;
}
