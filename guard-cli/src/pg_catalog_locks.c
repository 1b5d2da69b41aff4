/*
 * pg_catalog_locks.c
 *	  Statements about who waits for whom: before the tool is started, and beside it.
 */
#include "pg_catalog_locks.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mg_sql.h"
#include "text.h"

/* A column that not every one of the statements has. */
static const char *
text_at(MgArena *arena, const PGresult *result, int row, const char *name)
{
	int column = PQfnumber(result, name);

	return column < 0 ? NULL : mg_pg_value(arena, result, row, column);
}

static long long
number_at(const PGresult *result, int row, const char *name)
{
	int column = PQfnumber(result, name);

	return column < 0 || PQgetisnull(result, row, column) ? -1 :
															atoll(PQgetvalue(result, row, column));
}

static void
read_sessions(MgArena *arena, const PGresult *result, MgLockSessions *list)
{
	list->count = PQntuples(result);
	list->items = mg_alloc(arena, (size_t) (list->count + 1) * sizeof(MgLockSession));
	for (int i = 0; i < list->count; i++)
		list->items[i] =
			(MgLockSession){ .part = text_at(arena, result, i, "part"),
							 .pid = (int) number_at(result, i, "pid"),
							 .lock = text_at(arena, result, i, "lock"),
							 .kind = text_at(arena, result, i, "kind"),
							 .user = text_at(arena, result, i, "usename"),
							 .application_name = text_at(arena, result, i, "application_name"),
							 .client = text_at(arena, result, i, "client"),
							 .state = text_at(arena, result, i, "state"),
							 .query = text_at(arena, result, i, "query"),
							 .transaction = text_at(arena, result, i, "transaction"),
							 .transaction_ms = number_at(result, i, "transaction_ms"),
							 .phase = text_at(arena, result, i, "phase"),
							 .lockers_total = (int) number_at(result, i, "lockers_total"),
							 .lockers_done = (int) number_at(result, i, "lockers_done"),
							 .percent = (int) number_at(result, i, "percent") };
}

bool
mg_locks_ask(MgLater *later, const char *application_name, MgError *err)
{
	return mg_later_send(later, mg_sql_lock_watch, 1, &application_name, err);
}

bool
mg_locks_ask_end(MgLater *later, const char *application_name, bool terminate, MgError *err)
{
	return mg_later_send(later, terminate ? mg_sql_sessions_terminate : mg_sql_sessions_cancel, 1,
						 &application_name, err);
}

bool
mg_locks_take(MgLater *later, MgArena *arena, bool *done, MgLockSessions *list, MgError *err)
{
	PGresult *result;

	*done = false;
	if (!mg_later_take(later, &result, err))
		return false;
	if (result == NULL)
		return true;
	*done = true;
	read_sessions(arena, result, list);
	PQclear(result);
	return true;
}

bool
mg_locks_blockers(MgPg *pg, MgArena *arena, const char *wanted, const char *own_prefix,
				  bool snapshots, MgLockSessions *list, MgError *err)
{
	const char *const values[] = { wanted, own_prefix, snapshots ? "on" : "off" };
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_lock_blockers, 3, values, &result, err))
		return false;
	read_sessions(arena, result, list);
	PQclear(result);
	return true;
}

bool
mg_locks_end_blocker(MgPg *pg, const MgLockSession *blocker, bool terminate, bool *done, MgError *err)
{
	char pid[16];
	const char *const values[] = { pid, terminate ? "terminate" : "cancel", blocker->transaction };
	PGresult *result;

	snprintf(pid, sizeof pid, "%d", blocker->pid);
	if (!mg_pg_exec(pg, mg_sql_lock_end_session, 3, values, &result, err))
		return false;
	*done = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
	PQclear(result);
	return true;
}

static bool
is_kind(const MgLockSession *session, const char *kind)
{
	return session->kind != NULL && strcmp(session->kind, kind) == 0;
}

/* What it is, where that is worth more than its process id. */
static const char *
what_text(const MgLockSession *session)
{
	const char *name = session->application_name;

	if (is_kind(session, "autovacuum worker"))
		return session->query != NULL && strstr(session->query, "to prevent wraparound") != NULL ?
				   "an autovacuum against wraparound, which does not give way" :
				   "an autovacuum, which gives way by itself";
	if (name != NULL && (strcmp(name, "pg_dump") == 0 || strcmp(name, "pg_dumpall") == 0))
		return "a dump";
	return NULL;
}

char *
mg_locks_text(MgArena *arena, const MgLockSession *session)
{
	const char *what = what_text(session);
	MgBuf text;

	mg_buf_init(&text, arena);
	if (session->pid == 0)
		mg_buf_addf(&text, "prepared transaction \"%s\" (user %s",
					session->application_name != NULL ? session->application_name : "?",
					session->user != NULL ? session->user : "?");
	else
		mg_buf_addf(&text, "process %d (%s%suser %s, application \"%s\"", session->pid,
					what != NULL ? what : "", what != NULL ? ", " : "",
					session->user != NULL ? session->user : "?",
					session->application_name != NULL ? session->application_name : "");
	if (session->client != NULL)
		mg_buf_addf(&text, ", from %s", session->client);
	if (session->state != NULL && strcmp(session->state, "active") != 0)
		mg_buf_addf(&text, ", %s", session->state);
	if (session->transaction_ms >= 0)
		mg_buf_addf(&text, ", transaction of %s",
					mg_text_duration(arena, session->transaction_ms * 1000));
	if (session->lock != NULL)
		mg_buf_addf(&text, ", %s", session->lock);
	if (session->query != NULL && *session->query != '\0')
		mg_buf_addf(&text, ": %s", session->query);
	mg_buf_add(&text, ")");
	return mg_log_redact(arena, text.data);
}
