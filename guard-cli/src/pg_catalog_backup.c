/*
 * pg_catalog_backup.c
 *	  Statements about backups, and rows on their way out and in.
 */
#include "pg_catalog_backup.h"

#include <stdlib.h>
#include <string.h>

#include "mg_sql.h"
#include "pg_internal.h"
#include "signals.h"
#include "text.h"

const char *
mg_backup_database(MgPg *pg)
{
	return mg_strdup(pg->arena, PQdb(pg->conn));
}

bool
mg_backup_snapshot(MgPg *pg, const char **name, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_backup_snapshot_begin, 0, NULL, NULL, err) ||
		!mg_pg_exec(pg, mg_sql_backup_snapshot_export, 0, NULL, &result, err))
		return false;
	*name = mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

bool
mg_backup_place(MgPg *pg, const char *restore_point, MgBackup *backup, MgError *err)
{
	PGresult *result;
	MgError fault;

	mg_err_init(&fault, pg->arena);
	if (restore_point == NULL)
		backup->restore_point_error = "none was wanted";
	else if (mg_pg_exec(pg, mg_sql_backup_restore_point, 1, &restore_point, NULL, &fault))
		backup->restore_point = restore_point;
	else if (mg_signals_pending() != 0)
		return mg_pg_interrupted(err);
	else
		backup->restore_point_error = fault.message;
	if (!mg_pg_exec(pg, mg_sql_backup_place, 0, NULL, &result, err))
		return false;
	backup->lsn = mg_pg_value(pg->arena, result, 0, 0);
	backup->system_identifier = mg_pg_value(pg->arena, result, 0, 1);
	backup->server_version = mg_pg_value(pg->arena, result, 0, 2);
	backup->database = mg_pg_value(pg->arena, result, 0, 3);
	PQclear(result);
	return true;
}

/* A manifest that cannot name a table is none that a restore can be compared with. */
static bool
names_are_text(MgPg *pg, const MgBackup *backup, MgError *err)
{
	for (int i = 0; i < backup->table_count; i++)
	{
		const char *name = backup->tables[i].name;

		if (mg_text_is_utf8(name, strlen(name)))
			continue;
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "the name of table %s is not UTF-8",
				   mg_text_as_utf8(pg->arena, name));
		return mg_err_hint(err,
						   "Rename it, or have another program make the backup: --kind external.");
	}
	return true;
}

bool
mg_backup_tables(MgPg *pg, MgBackup *backup, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_backup_tables, 0, NULL, &result, err))
		return false;
	backup->table_count = PQntuples(result);
	backup->tables = mg_alloc(pg->arena, (size_t) (backup->table_count + 1) * sizeof(MgBackupTable));
	for (int i = 0; i < backup->table_count; i++)
		backup->tables[i] = (MgBackupTable){ .name = mg_pg_value(pg->arena, result, i, 0),
											 .plain = mg_pg_value(pg->arena, result, i, 1),
											 .bytes = atoll(PQgetvalue(result, i, 2)),
											 .condition = mg_pg_value(pg->arena, result, i, 3),
											 .rows = -1 };
	PQclear(result);
	return names_are_text(pg, backup, err);
}

bool
mg_backup_count_rows(MgPg *pg, const MgBackupTable *table, long long *rows, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg,
					mg_printf(pg->arena, "SELECT pg_catalog.count(*) FROM ONLY %s %s", table->name,
							  table->condition),
					0, NULL, &result, err))
		return false;
	*rows = atoll(PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

bool
mg_backup_targets(MgPg *pg, const MgStrings *kinds, const MgStrings *objects, MgStrings *tables,
				  const char **refused, MgError *err)
{
	const char *values[] = { mg_pg_array(pg->arena, kinds->items, kinds->count),
							 mg_pg_array(pg->arena, objects->items, objects->count) };
	PGresult *result;

	mg_strings_init(tables, pg->arena);
	*refused = NULL;
	if (!mg_pg_exec(pg, mg_sql_backup_targets, 2, values, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
	{
		if (*refused == NULL)
			*refused = mg_pg_value(pg->arena, result, i, 1);
		if (strcmp(PQgetvalue(result, i, 2), "t") == 0)
			mg_strings_add(tables, mg_pg_value(pg->arena, result, i, 0));
	}
	PQclear(result);
	return true;
}

bool
mg_backup_known_tables(MgPg *pg, MgStrings *tables, MgError *err)
{
	/* names mean what they mean to a session of this role */
	if (!mg_pg_exec(pg, mg_sql_search_path_reset, 0, NULL, NULL, err))
		return false;
	for (int i = 0; i < tables->count; i++)
	{
		const char *name = tables->items[i];
		PGresult *result;

		if (!mg_pg_exec(pg, mg_sql_backup_table, 1, &name, &result, err))
			return false;
		if (PQntuples(result) == 1)
			tables->items[i] = mg_pg_value(pg->arena, result, 0, 0);
		else
			mg_err_set(err, MG_EXIT_CONFIG, "there is no table %s", name);
		PQclear(result);
		if (err->set)
			return false;
	}
	return mg_pg_exec(pg, mg_sql_search_path_pin, 0, NULL, NULL, err);
}

bool
mg_backup_sequences(MgPg *pg, const MgStrings *tables, MgBackup *backup, MgError *err)
{
	const char *values[] = { mg_pg_array(pg->arena, tables->items, tables->count) };
	MgStrings names;

	if (!mg_pg_strings(pg, mg_sql_backup_sequences, 1, values, &names, err))
		return false;
	backup->sequences = mg_alloc(pg->arena, (size_t) (names.count + 1) * sizeof(MgBackupSequence));
	for (int i = 0; i < names.count; i++)
	{
		PGresult *result;

		if (!mg_pg_exec(pg,
						mg_printf(pg->arena, "SELECT last_value, is_called FROM %s", names.items[i]),
						0, NULL, &result, err))
			return false;
		backup->sequences[backup->sequence_count++] =
			(MgBackupSequence){ .name = names.items[i],
								.value = mg_pg_value(pg->arena, result, 0, 0),
								.called = strcmp(PQgetvalue(result, 0, 1), "t") == 0 };
		PQclear(result);
	}
	return true;
}

bool
mg_backup_set_sequence(MgPg *pg, const MgBackupSequence *sequence, MgError *err)
{
	const char *values[] = { sequence->name, sequence->value, sequence->called ? "t" : "f" };

	return mg_pg_exec(pg,
					  "SELECT pg_catalog.setval($1::pg_catalog.regclass, $2::pg_catalog.int8, $3)",
					  3, values, NULL, err);
}

/* The first result of a COPY; false with the error when it did not begin. */
static bool
begin_copy(MgPg *pg, const char *statement, ExecStatusType wanted, MgError *err)
{
	bool cancelled = false;
	PGresult *result;
	bool ok;

	if (!mg_pg_send(pg, statement, 0, NULL, err))
		return false;
	result = mg_pg_next_result(pg, &cancelled);
	ok = result != NULL && PQresultStatus(result) == wanted;
	if (!ok && cancelled)
		mg_pg_interrupted(err);
	else if (!ok)
		mg_pg_error(pg, result, err);
	PQclear(result);
	while (!ok && (result = mg_pg_next_result(pg, &cancelled)) != NULL)
		PQclear(result);
	return ok;
}

/* What is left of a COPY: its end, and the number of rows. */
static bool
end_copy(MgPg *pg, long long *rows, MgError *err)
{
	bool cancelled = false;
	bool ok = false;
	PGresult *result;

	while ((result = mg_pg_next_result(pg, &cancelled)) != NULL)
	{
		if (PQresultStatus(result) == PGRES_COMMAND_OK)
		{
			*rows = atoll(PQcmdTuples(result));
			ok = true;
		}
		else
		{
			ok = cancelled ? mg_pg_interrupted(err) : mg_pg_error(pg, result, err);
			if (mg_pg_is_copy(result))
			{
				PQclear(result);
				break;
			}
		}
		PQclear(result);
	}
	return ok || mg_pg_error(pg, NULL, err);
}

bool
mg_backup_copy_out(MgPg *pg, const char *table, bool (*take)(void *, const char *, size_t),
				   void *arg, long long *rows, MgError *err)
{
	char *data;
	bool taken = true;
	int len;

	if (!begin_copy(pg, mg_printf(pg->arena, "COPY %s TO STDOUT (FORMAT binary)", table),
					PGRES_COPY_OUT, err))
		return false;
	/* waits in libpq: rows come all the time, and a signal is seen between two of them */
	while ((len = PQgetCopyData(pg->conn, &data, 0)) > 0)
	{
		if (taken && (!take(arg, data, (size_t) len) || mg_signals_pending() != 0))
		{
			taken = false;
			mg_pg_cancel(pg);
		}
		PQfreemem(data);
	}
	if (taken)
		return end_copy(pg, rows, err);
	if (mg_signals_pending() != 0)
		mg_pg_interrupted(err);
	else
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "rows of %s could not be written", table);
	return end_copy(pg, rows, err) && false;
}

static bool
send_bytes(void *to, const char *data, size_t len)
{
	MgPg *pg = to;

	return mg_signals_pending() == 0 && PQputCopyData(pg->conn, data, (int) len) == 1;
}

bool
mg_backup_copy_in(MgPg *pg, const char *table, MgCopyGive give, void *arg, MgError *err)
{
	long long rows;
	bool ok;

	if (!begin_copy(pg, mg_printf(pg->arena, "COPY %s FROM STDIN (FORMAT binary)", table),
					PGRES_COPY_IN, err))
		return false;
	PQsetnonblocking(pg->conn, 0);
	ok = give(arg, send_bytes, pg, err);
	PQputCopyEnd(pg->conn, ok ? NULL : "the backup could not be read");
	if (ok)
		return end_copy(pg, &rows, err);
	/* a server that refuses the rows has the better reason */
	if (mg_signals_pending() != 0)
		mg_pg_interrupted(err);
	return end_copy(pg, &rows, err) && false;
}

bool
mg_backup_dead_trials(MgPg *pg, MgStrings *names, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_backup_dead_trials, 0, NULL, names, err);
}

bool
mg_backup_needed(MgPg *pg, MgStrings *manifests, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_backup_kept, 0, NULL, manifests, err);
}

bool
mg_backup_of_run(MgPg *pg, const char *run_id, const char **path, const char **sha256, MgError *err)
{
	PGresult *result;

	*path = *sha256 = NULL;
	if (!mg_pg_exec(pg, mg_sql_backup_of_run, 1, &run_id, &result, err))
		return false;
	if (PQntuples(result) == 1)
	{
		*path = mg_pg_value(pg->arena, result, 0, 0);
		*sha256 = mg_pg_value(pg->arena, result, 0, 1);
	}
	PQclear(result);
	return true;
}
