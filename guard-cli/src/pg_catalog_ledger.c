/*
 * pg_catalog_ledger.c
 *	  Statements about the deploy lock and the ledger.
 */
#include "pg_catalog_ledger.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mg_sql.h"
#include "text.h"

/* Runs a statement that returns one value; NULL when there is no row. */
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

bool
mg_ledger_begin(MgPg *pg, const MgNewRun *run, MgError *err)
{
	const char *values[] = { run->id,	run->command, run->tool,  run->lock_name,
							 run->from, run->to,	  run->client };

	return mg_pg_exec(pg, mg_sql_ledger_begin_run, 7, values, NULL, err);
}

/* A message as the ledger keeps it: without secrets, and UTF-8 whatever it quotes. */
static const char *
said(MgPg *pg, const char *message)
{
	return mg_text_as_utf8(pg->arena, mg_log_redact(pg->arena, message));
}

bool
mg_ledger_event(MgPg *pg, const char *run_id, const char *state, const char *status,
				const char *message, const char *detail, MgError *err)
{
	const char *values[] = { run_id, state, status, said(pg, message),
							 mg_log_redact_json(pg->arena, detail) };

	return mg_pg_exec(pg, mg_sql_ledger_record_event, 5, values, NULL, err);
}

bool
mg_ledger_end(MgPg *pg, const char *run_id, int exit_code, const char *message, const char *detail,
			  MgError *err)
{
	const char *values[] = { run_id, mg_exit_result(exit_code), mg_printf(pg->arena, "%d", exit_code),
							 said(pg, message), mg_log_redact_json(pg->arena, detail) };

	return mg_pg_exec(pg, mg_sql_ledger_end_run, 5, values, NULL, err);
}

bool
mg_ledger_head(MgPg *pg, char **head, MgError *err)
{
	return one_value(pg, mg_sql_ledger_head, 0, NULL, head, err);
}

bool
mg_ledger_verify(MgPg *pg, const char *kept, MgRows *faults, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_ledger_verify, 1, &kept, faults, err);
}

bool
mg_lock_try(MgPg *pg, const char *name, const char *reason, const char *run_id, char **token,
			MgError *err)
{
	const char *values[] = { name, reason, run_id };

	return one_value(pg, mg_sql_lock_try, 3, values, token, err);
}

bool
mg_lock_release(MgPg *pg, const char *name, const char *token, MgError *err)
{
	const char *values[] = { name, token };

	return mg_pg_exec(pg, mg_sql_lock_unlock, 2, values, NULL, err);
}

bool
mg_lock_tag_session(MgPg *pg, const char *run_id, const char *token, MgError *err)
{
	const char *values[] = { run_id, token };

	return mg_pg_exec(pg, mg_sql_lock_tag_session, 2, values, NULL, err);
}

bool
mg_lock_holder(MgPg *pg, const char *name, char **text, MgError *err)
{
	const char *values[] = { name };

	return one_value(pg, mg_sql_lock_holder_text, 1, values, text, err);
}

bool
mg_lock_last_token(MgPg *pg, const char *name, char **token, MgError *err)
{
	const char *values[] = { name };

	if (!one_value(pg, mg_sql_lock_last_token, 1, values, token, err))
		return false;
	if (*token == NULL)
		*token = mg_strdup(pg->arena, "");
	return true;
}

bool
mg_ledger_others_since(MgPg *pg, const char *lock_name, const char *run_id, int *count, MgError *err)
{
	const char *values[] = { lock_name, run_id };
	char *text;

	if (!one_value(pg, mg_sql_ledger_others_since, 2, values, &text, err))
		return false;
	*count = text == NULL ? 0 : atoi(text);
	return true;
}

/* A member of a JSON object as text in the arena; NULL when it is not there. */
static const char *
member(MgArena *arena, const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (cJSON_IsString(item))
		return mg_strdup(arena, item->valuestring);
	if (cJSON_IsNumber(item))
		return mg_printf(arena, "%.0f", item->valuedouble);
	return NULL;
}

/* A list of revisions in an event's detail; false when it is not there. */
static bool
revisions(MgArena *arena, const cJSON *object, const char *name, MgRevisions *list)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(object, name);
	const cJSON *item;

	if (!cJSON_IsArray(items))
		return false;
	list->count = 0;
	list->ids = mg_alloc(arena, ((size_t) cJSON_GetArraySize(items) + 1) * sizeof(char *));
	cJSON_ArrayForEach (item, items)
	{
		if (cJSON_IsString(item))
			list->ids[list->count++] = mg_strdup(arena, item->valuestring);
	}
	return true;
}

/* A list of texts in an event's detail. */
static void
texts(MgArena *arena, const cJSON *object, const char *name, MgStrings *list)
{
	const cJSON *item;

	mg_strings_init(list, arena);
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(object, name))
		if (cJSON_IsString(item))
			mg_strings_add(list, item->valuestring);
}

static void
read_details(MgArena *arena, const MgRows *rows, int row, MgPastRun *run)
{
	static const char *const names[] = { "capture", "rehearse", "verify", "ending" };
	cJSON *json[4];

	for (int i = 0; i < 4; i++)
		json[i] = cJSON_Parse(
			mg_rows_get(rows, row, names[i]) == NULL ? "null" : mg_rows_get(rows, row, names[i]));
	run->s0 = member(arena, json[0], "snapshot_id");
	run->s0_fingerprint = member(arena, json[0], "fingerprint");
	run->captured = run->s0 != NULL && revisions(arena, json[0], "revisions", &run->from);
	run->touched = mg_rows_get(rows, row, "touched") != NULL;
	run->migrated = mg_rows_get(rows, row, "migrated") != NULL;
	revisions(arena, json[0], "target", &run->to);
	texts(arena, json[0], "pending", &run->pending);
	texts(arena, json[0], "invalid_indexes", &run->invalid_before);
	run->undoes = member(arena, json[0], "undoes");
	run->brings_back = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json[0], "brings_back"));
	/* what was reached is better knowledge than what was rehearsed; a rollback has its goal */
	for (int i = 3; i > 0 && run->s1 == NULL; i--)
	{
		run->s1 = member(arena, json[i], "snapshot_id");
		run->s1_fingerprint = member(arena, json[i], "fingerprint");
	}
	if (member(arena, json[0], "goal_snapshot_id") != NULL)
	{
		run->s1 = member(arena, json[0], "goal_snapshot_id");
		run->s1_fingerprint = member(arena, json[0], "goal_fingerprint");
	}
	for (int i = 0; i < 4; i++)
		cJSON_Delete(json[i]);
}

bool
mg_ledger_knows(MgPg *pg, const char *run_id, bool *known, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_ledger_run_known, 1, &run_id, &result, err))
		return false;
	*known = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	return true;
}

bool
mg_ledger_past_runs(MgPg *pg, const char *lock_name, const char *which, const char *own_id,
					MgPastRuns *runs, MgError *err)
{
	const char *values[] = { lock_name, which,
							 own_id != NULL ? own_id : "00000000-0000-0000-0000-000000000000" };
	MgRows rows;

	if (!mg_pg_rows(pg, mg_sql_ledger_past_runs, 3, values, &rows, err))
		return false;
	runs->count = rows.count;
	runs->items = mg_alloc(pg->arena, ((size_t) rows.count + 1) * sizeof(MgPastRun));
	for (int i = 0; i < rows.count; i++)
	{
		MgPastRun *run = &runs->items[i];
		const char *here = mg_rows_get(&rows, i, "here");

		run->id = mg_rows_get(&rows, i, "run_id");
		run->command = mg_rows_get(&rows, i, "command");
		run->tool = mg_rows_get(&rows, i, "tool");
		run->started_at = mg_rows_get(&rows, i, "started_at");
		run->last_state = mg_rows_get(&rows, i, "last_state");
		run->last_status = mg_rows_get(&rows, i, "last_status");
		run->last_message = mg_rows_get(&rows, i, "last_message");
		run->result = mg_rows_get(&rows, i, "result");
		run->rehearsal = mg_rows_get(&rows, i, "rehearse");
		run->here = here != NULL && (*here == 't');
		read_details(pg->arena, &rows, i, run);
	}
	return true;
}
