/*
 * pg_catalog_schema.c
 *	  Differences between snapshots, in the sentences of a run.
 */
#include "pg_catalog_schema.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mg_sql.h"
#include "pg_catalog_snapshot.h"
#include "signals.h"
#include "text.h"

/*
 * A lock that hides something may be gone in a moment; after that long what it
 * hides is unknown, and nothing is proved.
 */
#define UNREAD_PATIENCE_MS 5000
#define UNREAD_PAUSE_MS	   200

static bool
describe(MgPg *pg, long long id, MgSnapshot *snapshot, MgError *err)
{
	char *fingerprint;

	if (!mg_snapshot_stored(pg, id, &fingerprint, err))
		return false;
	snapshot->id = mg_printf(pg->arena, "%lld", id);
	snapshot->fingerprint = fingerprint;
	return true;
}

/*
 * In a database whose encoding is SQL_ASCII a name may be bytes that are no text.  Neither the
 * ledger nor a manifest can say it, so nothing that has to name it again would find it.
 */
static bool
names_are_text(MgPg *pg, long long id, MgError *err)
{
	const char *values[] = { mg_printf(pg->arena, "%lld", id) };
	PGresult *result;

	if (!mg_pg_counts_bytes(pg))
		return true;
	if (!mg_pg_exec(pg, mg_sql_snapshot_names, 1, values, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result) && !err->set; i++)
	{
		const char *name = PQgetvalue(result, i, 1);

		if (mg_text_is_utf8(name, strlen(name)))
			continue;
		mg_err_set(err, MG_EXIT_CONFIG, "the name of %s %s is not UTF-8", PQgetvalue(result, i, 0),
				   mg_text_as_utf8(pg->arena, name));
		mg_err_detail(err, "The database has encoding SQL_ASCII, which checks no name.");
		mg_err_hint(err, "Rename it.");
	}
	PQclear(result);
	return !err->set;
}

/* Whether to try again; false as well when a signal has come. */
static bool
is_patient(const MgError *err, int *waited)
{
	if ((err != NULL && strcmp(err->sqlstate, MG_SQLSTATE_LOCKED) != 0) ||
		*waited >= UNREAD_PATIENCE_MS || mg_signals_pending() != 0)
		return false;
	if (*waited == 0)
		mg_log_verbose("waiting for a lock of another session to read the schema");
	poll(NULL, 0, UNREAD_PAUSE_MS);
	*waited += UNREAD_PAUSE_MS;
	return true;
}

bool
mg_schema_take(MgPg *pg, const char *label, const char *run_id, MgSnapshot *snapshot, MgError *err)
{
	MgError first;
	long long id;
	int waited = 0;

	do
	{
		mg_err_init(&first, pg->arena);
		if (!mg_snapshot_take(pg, label, run_id, &id, err))
			return false;
		if (describe(pg, id, snapshot, &first) && names_are_text(pg, id, &first))
			return true;
		if (!mg_snapshot_drop(pg, id, err))
			return false;
	} while (is_patient(&first, &waited));
	*err = first;
	return false;
}

bool
mg_schema_fingerprint(MgPg *pg, char **fingerprint, MgError *err)
{
	MgError first;
	int waited = 0;

	do
	{
		mg_err_init(&first, pg->arena);
		if (mg_snapshot_fingerprint(pg, NULL, fingerprint, &first))
			return true;
	} while (is_patient(&first, &waited));
	*err = first;
	return false;
}

/* Rows of (class, data loss, summary, op where it is known) into a list. */
static bool
collect(MgPg *pg, const char *sql, int count, const char *const *values, MgChanges *changes,
		MgError *err)
{
	PGresult *result;

	changes->unknown = 0;
	mg_strings_init(&changes->real, pg->arena);
	mg_strings_init(&changes->order, pg->arena);
	mg_strings_init(&changes->lost, pg->arena);
	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
	{
		const char *class = PQgetvalue(result, i, 0);
		const char *summary = PQgetvalue(result, i, 2);
		bool unknown = PQnfields(result) > 3 && strcmp(PQgetvalue(result, i, 3), "unknown") == 0;

		changes->unknown += unknown;
		if (strcmp(class, "real") == 0)
			mg_strings_add(&changes->real, summary);
		else if (strcmp(class, "order") == 0)
			mg_strings_add(&changes->order, summary);
		if (!unknown && strcmp(PQgetvalue(result, i, 1), "none") != 0)
			mg_strings_add(&changes->lost, summary);
	}
	PQclear(result);
	return true;
}

bool
mg_schema_written(MgPg *pg, const MgStrings *names, MgRows *rows, MgError *err)
{
	const char *values[] = { mg_pg_array(pg->arena, names->items, names->count) };

	return mg_pg_rows(pg, mg_sql_written_values, 1, values, rows, err);
}

bool
mg_schema_changes(MgPg *pg, const char *from, const char *to, const MgStrings *ignore,
				  MgChanges *changes, MgError *err)
{
	const char *values[] = { from, to, mg_pg_array(pg->arena, ignore->items, ignore->count) };
	int waited = 0;

	do
	{
		if (!collect(pg, mg_sql_schema_changes, 3, values, changes, err))
			return false;
	} while (to == NULL && changes->unknown > 0 && is_patient(NULL, &waited));
	return true;
}

bool
mg_schema_compare_changes(MgPg *pg, const char *a, const char *b, const char *c, const char *d,
						  const MgStrings *ignore, MgChanges *changes, MgError *err)
{
	const char *values[] = { a, b, c, d, mg_pg_array(pg->arena, ignore->items, ignore->count) };

	return collect(pg, mg_sql_schema_change_sets, 5, values, changes, err);
}

bool
mg_schema_copy_snapshot(MgPg *from, const char *id, MgPg *to, MgSnapshot *copy, MgError *err)
{
	long long copied;

	return mg_snapshot_copy(from, strtoll(id, NULL, 10), to, &copied, err) &&
		   describe(to, copied, copy, err);
}

char *
mg_changes_text(MgArena *arena, const MgStrings *list, int most)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	for (int i = 0; i < list->count && i < most; i++)
	{
		/* each is a sentence by itself, but here a part of one */
		int length = (int) strlen(list->items[i]);

		if (length > 0 && list->items[i][length - 1] == '.')
			length--;
		mg_buf_addf(&text, "%s%.*s", i == 0 ? "" : "; ", length, list->items[i]);
	}
	if (list->count > most)
		mg_buf_addf(&text, "; and %d more", list->count - most);
	return text.data;
}
