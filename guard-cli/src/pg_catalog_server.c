/*
 * pg_catalog_server.c
 *	  Statements about the server: facts, sessions, scratch databases.
 */
#include "pg_catalog_server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "mg_sql.h"
#include "pg_catalog_permit.h"

#define END_POLL_MS		  2
#define CANCEL_GRACE_MS	  200
#define TERMINATE_WAIT_MS 100
#define END_LIMIT_MS	  10000

static bool
is_true(const PGresult *result, int row, int column)
{
	return !PQgetisnull(result, row, column) && strcmp(PQgetvalue(result, row, column), "t") == 0;
}

bool
mg_server_facts(MgPg *pg, MgServerFacts *facts, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_server_facts, 0, NULL, &result, err))
		return false;
	memset(facts, 0, sizeof *facts);
	facts->version = atoi(PQgetvalue(result, 0, 0));
	facts->own_session = atoi(PQgetvalue(result, 0, 1)) == pg->backend_pid;
	facts->in_recovery = is_true(result, 0, 2);
	facts->read_only = is_true(result, 0, 3);
	facts->superuser = is_true(result, 0, 4);
	facts->may_create_database = is_true(result, 0, 5);
	facts->may_create_schema = is_true(result, 0, 6);
	facts->role = mg_pg_value(pg->arena, result, 0, 7);
	facts->database = mg_pg_value(pg->arena, result, 0, 8);
	facts->extension = mg_pg_value(pg->arena, result, 0, 9);
	facts->may_use_extension = is_true(result, 0, 10);
	facts->prepared = mg_pg_value(pg->arena, result, 0, 11);
	PQclear(result);
	return true;
}

bool
mg_server_missing_privileges(MgPg *pg, char **names, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_server_missing_privileges, 0, NULL, &result, err))
		return false;
	*names = mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

bool
mg_server_sessions(MgPg *pg, const char *own_prefix, MgSessions *sessions, MgError *err)
{
	const char *values[] = { own_prefix };
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_server_sessions, 1, values, &result, err))
		return false;
	sessions->count = PQntuples(result);
	sessions->items = mg_alloc(pg->arena, (size_t) sessions->count * sizeof(MgSession));
	for (int i = 0; i < sessions->count; i++)
	{
		MgSession *s = &sessions->items[i];

		s->pid = atoi(PQgetvalue(result, i, 0));
		s->user = mg_strdup(pg->arena, PQgetvalue(result, i, 1));
		s->application_name = mg_strdup(pg->arena, PQgetvalue(result, i, 2));
		s->client = mg_pg_value(pg->arena, result, i, 3);
		s->state = mg_strdup(pg->arena, PQgetvalue(result, i, 4));
		s->transaction_ms =
			PQgetisnull(result, i, 5) ? -1 : strtoll(PQgetvalue(result, i, 5), NULL, 10);
		s->wraparound = is_true(result, i, 6);
	}
	PQclear(result);
	return true;
}

bool
mg_server_create_role(MgPg *pg, const char *name, MgError *err)
{
	return mg_pg_exec(pg, mg_printf(pg->arena, "CREATE ROLE %s", mg_pg_identifier(pg, name)), 0,
					  NULL, NULL, err);
}

bool
mg_server_database_size(MgPg *pg, long long *bytes, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_server_database_size, 0, NULL, &result, err))
		return false;
	*bytes = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return true;
}

bool
mg_server_invalid_indexes(MgPg *pg, MgStrings *names, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_server_invalid_indexes, 0, NULL, names, err);
}

bool
mg_server_living_sessions(MgPg *pg, const char *prefix, MgStrings *names, MgError *err)
{
	const char *values[] = { prefix };

	return mg_pg_strings(pg, mg_sql_sessions_of_run, 1, values, names, err);
}

bool
mg_server_living_here(MgPg *pg, const char *prefix, MgStrings *names, MgError *err)
{
	const char *values[] = { prefix };

	return mg_pg_strings(pg, mg_sql_sessions_of_run_here, 1, values, names, err);
}

/* Runs a query that returns one number. */
static bool
number(MgPg *pg, const char *sql, const char *parameter, int *value, MgError *err)
{
	const char *values[] = { parameter };
	PGresult *result;

	if (!mg_pg_exec(pg, sql, 1, values, &result, err))
		return false;
	*value = atoi(PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

/* Waits until no such session is left, at most ms milliseconds. */
static bool
await_none(MgPg *pg, const char *application_name, int ms, int *left, MgError *err)
{
	for (int waited = 0;; waited += END_POLL_MS)
	{
		if (!number(pg, mg_sql_sessions_count, application_name, left, err))
			return false;
		if (*left == 0 || waited >= ms)
			return true;
		poll(NULL, 0, END_POLL_MS);
	}
}

bool
mg_server_await_end(MgPg *pg, int backend_pid, int ms, MgError *err)
{
	int there;

	for (int waited = 0;; waited += END_POLL_MS)
	{
		if (!number(pg, mg_sql_session_there, mg_printf(pg->arena, "%d", backend_pid), &there, err))
			return false;
		if (there == 0 || waited >= ms)
			return true;
		poll(NULL, 0, END_POLL_MS);
	}
}

bool
mg_server_end_sessions(MgPg *pg, const char *application_name, int patience_ms, int *ended,
					   MgError *err)
{
	int left;
	int signalled;

	*ended = 0;
	/* a session whose client has just gone ends by itself, unless it is at work */
	if (!await_none(pg, application_name, patience_ms, &left, err))
		return false;
	if (left == 0)
		return true;
	*ended = left;
	if (!number(pg, mg_sql_sessions_cancel, application_name, &signalled, err) ||
		!await_none(pg, application_name, CANCEL_GRACE_MS, &left, err))
		return false;
	/* one more may start meanwhile, or wait where a cancel does not reach it: again and again */
	for (int waited = 0; left > 0 && waited < END_LIMIT_MS; waited += TERMINATE_WAIT_MS)
		if (!number(pg, mg_sql_sessions_terminate, application_name, &signalled, err) ||
			!await_none(pg, application_name, TERMINATE_WAIT_MS, &left, err))
			return false;
	if (left == 0)
		return true;
	mg_err_set(err, MG_EXIT_INTERRUPTED, "%d server sessions of \"%s\" do not end", left,
			   application_name);
	return mg_err_hint(err,
					   "Look at them in pg_stat_activity; a superuser may be needed to end them.");
}

bool
mg_server_scratch_databases(MgPg *pg, MgScratches *list, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_scratch_databases, 0, NULL, &result, err))
		return false;
	list->count = PQntuples(result);
	list->items = mg_alloc(pg->arena, (size_t) list->count * sizeof(MgScratch));
	for (int i = 0; i < list->count; i++)
	{
		list->items[i].name = mg_pg_value(pg->arena, result, i, 0);
		list->items[i].comment = mg_pg_value(pg->arena, result, i, 1);
	}
	PQclear(result);
	return true;
}

/* Settings of the database itself, which a dump of the schema does not have. */
static bool
copy_settings(MgPg *admin, MgPg *source, const char *name, MgError *err)
{
	PGresult *result;
	bool ok = true;

	if (!mg_pg_exec(source, mg_sql_database_settings, 0, NULL, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result) && ok; i++)
	{
		const char *setting = PQgetvalue(result, i, 0);
		const char *value = PQgetvalue(result, i, 1);

		/* lists are stored as they are written, everything else as one literal */
		const bool list =
			strcmp(setting, "search_path") == 0 || strstr(setting, "_preload_libraries") != NULL ||
			strcmp(setting, "temp_tablespaces") == 0 || strcmp(setting, "DateStyle") == 0;

		ok = mg_pg_exec(admin,
						mg_printf(admin->arena, "ALTER DATABASE %s SET %s TO %s",
								  mg_pg_identifier(admin, name),
								  strchr(setting, '.') != NULL ? setting :
																 mg_pg_identifier(admin, setting),
								  list && *value != '\0' ? value : mg_pg_literal(admin, value)),
						0, NULL, NULL, err);
	}
	PQclear(result);
	return ok;
}

/* Encoding and locale of source as options of CREATE DATABASE on the server of admin. */
static bool
locale_options(MgPg *admin, MgPg *source, MgBuf *options, MgError *err)
{
	static const char *const names[] = { "ENCODING", "LC_COLLATE", "LC_CTYPE" };
	PGresult *result;
	const char *provider;

	if (!mg_pg_exec(source, mg_sql_database_locale, 0, NULL, &result, err))
		return false;
	for (int i = 0; i < (int) (sizeof names / sizeof names[0]); i++)
		mg_buf_addf(options, " %s %s", names[i], mg_pg_literal(admin, PQgetvalue(result, 0, i)));
	provider = PQgetvalue(result, 0, 3);
	if (*provider != '\0' && admin->server_version >= 150000)
	{
		mg_buf_addf(options, " LOCALE_PROVIDER %s", provider);
		if (strcmp(provider, "libc") != 0)
			mg_buf_addf(options, " %s_LOCALE %s", provider,
						mg_pg_literal(admin, PQgetvalue(result, 0, 4)));
		if (!PQgetisnull(result, 0, 5))
			mg_buf_addf(options, " ICU_RULES %s", mg_pg_literal(admin, PQgetvalue(result, 0, 5)));
	}
	PQclear(result);
	return true;
}

bool
mg_server_create_database(MgPg *admin, MgPg *source, const char *name, const char *template_name,
						  const char *more, const char *comment, MgError *err)
{
	const char *quoted = mg_pg_identifier(admin, name);
	MgBuf options;

	mg_buf_init(&options, admin->arena);
	if (!locale_options(admin, source, &options, err) ||
		!mg_pg_exec(admin,
					mg_printf(admin->arena, "CREATE DATABASE %s TEMPLATE %s%s%s", quoted,
							  mg_pg_identifier(admin, template_name), options.data, more),
					0, NULL, NULL, err))
		return false;
	mg_failpoint("database.created");
	return mg_pg_exec(admin,
					  mg_printf(admin->arena, "COMMENT ON DATABASE %s IS %s", quoted,
								mg_pg_literal(admin, comment)),
					  0, NULL, NULL, err);
}

bool
mg_server_create_scratch(MgPg *admin, MgPg *source, const char *name, const char *template_name,
						 const char *comment, MgError *err)
{
	return mg_server_create_database(admin, source, name, template_name, "", comment, err) &&
		   copy_settings(admin, source, name, err);
}

bool
mg_server_drop_database(MgPg *pg, const char *name, MgError *err)
{
	const char *statement =
		mg_printf(pg->arena, "DROP DATABASE IF EXISTS %s WITH (FORCE)", mg_pg_identifier(pg, name));

	return mg_permit_database(pg, statement, name, err) &&
		   mg_pg_exec(pg, statement, 0, NULL, NULL, err);
}

bool
mg_server_read_rows(MgPg *pg, const char *table, char **rows, MgError *err)
{
	PGresult *result;
	bool there;

	*rows = NULL;
	if (!mg_pg_exec(pg, mg_sql_table_exists, 1, &table, &result, err))
		return false;
	there = is_true(result, 0, 0);
	PQclear(result);
	if (!there)
		return true;
	if (!mg_pg_exec(pg, mg_printf(pg->arena, "SELECT pg_catalog.json_agg(t) FROM %s AS t", table),
					0, NULL, &result, err))
		return false;
	*rows = mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

bool
mg_server_write_rows(MgPg *pg, const char *table, const char *rows, MgError *err)
{
	if (strcmp(table, "safedeploy.applied_migration") == 0)
		return mg_pg_exec(pg, mg_sql_copy_applied_migrations, 1, &rows, NULL, err);
	return mg_pg_exec(pg,
					  mg_printf(pg->arena,
								"INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT r.* FROM "
								"pg_catalog.json_populate_recordset(NULL::%s, $1) AS r",
								table, table),
					  1, &rows, NULL, err);
}

bool
mg_server_assertion(MgPg *pg, const char *sql, bool *holds, char **got, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, sql, 0, NULL, &result, err))
		return false;
	*holds = PQntuples(result) == 1 && PQnfields(result) >= 1 && is_true(result, 0, 0);
	if (PQntuples(result) != 1)
		*got = mg_printf(pg->arena, "%d rows", PQntuples(result));
	else if (PQgetisnull(result, 0, 0))
		*got = mg_strdup(pg->arena, "NULL");
	else
		*got = mg_strdup(pg->arena, PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

bool
mg_server_user_session(MgPg *pg, long long timeout_ms, MgError *err)
{
	const char *values[] = { mg_printf(pg->arena, "%lld", timeout_ms) };

	return mg_pg_exec(pg, "RESET search_path", 0, NULL, NULL, err) &&
		   mg_pg_exec(pg, mg_sql_session_read_only, 1, values, NULL, err);
}

bool
mg_server_can_preload(MgArena *arena, const MgTarget *target, const char *application_name)
{
	static const char option[] = "-c local_preload_libraries=safedeploy";
	MgTarget armed = *target;
	MgError ignored;
	MgPg *pg = NULL;
	size_t count = 0;
	bool merged = false;

	while (target->keywords[count] != NULL)
		count++;
	armed.keywords = mg_alloc(arena, (count + 2) * sizeof(char *));
	armed.values = mg_alloc(arena, (count + 2) * sizeof(char *));
	for (size_t i = 0; i < count; i++)
	{
		armed.keywords[i] = target->keywords[i];
		armed.values[i] = target->values[i];
		if (strcmp(target->keywords[i], "options") == 0)
		{
			armed.values[i] = mg_printf(arena, "%s %s", target->values[i], option);
			merged = true;
		}
	}
	if (!merged)
	{
		armed.keywords[count] = "options";
		armed.values[count] = option;
	}
	mg_err_init(&ignored, arena);
	if (!mg_pg_open(arena, &armed, application_name, &pg, &ignored))
		return false;
	mg_pg_close(pg);
	return true;
}

int
mg_server_socket(MgPg *pg)
{
	return PQsocket(pg->conn);
}
