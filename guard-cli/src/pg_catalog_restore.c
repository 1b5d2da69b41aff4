/*
 * pg_catalog_restore.c
 *	  Databases put in the place of others, and the ledger that goes with them.
 */
#include "pg_catalog_restore.h"

#include <poll.h>
#include <string.h>

#include "mg_sql.h"
#include "pg_catalog_server.h"

#define END_POLL_MS	 50
#define END_LIMIT_MS 60000

static bool statement(MgPg *pg, MgError *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool
statement(MgPg *pg, MgError *err, const char *fmt, ...)
{
	va_list args;
	char *sql;

	va_start(args, fmt);
	sql = mg_vprintf(pg->arena, fmt, args);
	va_end(args);
	return mg_pg_exec(pg, sql, 0, NULL, NULL, err);
}

bool
mg_restore_admin(MgArena *arena, const MgTarget *target, const char *database,
				 const char *application_name, MgPg **pg, MgError *err)
{
	static const char *const names[] = { "postgres", "template1" };
	MgError fault;

	for (int i = 0; i < 2; i++)
	{
		mg_err_init(&fault, arena);
		if (strcmp(database, names[i]) != 0 &&
			mg_pg_open(arena, mg_target_with_database(arena, target, names[i]), application_name,
					   pg, &fault))
			return true;
	}
	*err = fault;
	return false;
}

bool
mg_restore_find(MgPg *pg, MgStrings *names, MgStrings *comments, MgError *err)
{
	PGresult *result;

	mg_strings_init(names, pg->arena);
	mg_strings_init(comments, pg->arena);
	if (!mg_pg_exec(pg, mg_sql_restore_find, 0, NULL, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
	{
		mg_strings_add(names, mg_pg_value(pg->arena, result, i, 0));
		mg_strings_add(comments, mg_pg_value(pg->arena, result, i, 1));
	}
	PQclear(result);
	return true;
}

bool
mg_restore_unfinished(MgPg *pg, const char *lock, const char *run_id, MgStrings *ids, MgError *err)
{
	const char *values[] = { lock, run_id };

	return mg_pg_strings(pg, mg_sql_restore_unfinished, 2, values, ids, err);
}

bool
mg_restore_obstacles(MgPg *pg, MgStrings *list, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_restore_obstacles, 0, NULL, list, err);
}

bool
mg_restore_create(MgPg *admin, MgPg *source, const char *name, const char *comment, MgError *err)
{
	MgStrings tablespace;

	return mg_pg_strings(source, mg_sql_restore_tablespace, 0, NULL, &tablespace, err) &&
		   mg_server_create_database(admin, source, name, "template0",
									 mg_printf(admin->arena, " TABLESPACE %s",
											   mg_pg_identifier(admin, tablespace.items[0])),
									 comment, err);
}

bool
mg_restore_comment(MgPg *admin, const char *name, const char *comment, MgError *err)
{
	return statement(admin, err, "COMMENT ON DATABASE %s IS %s", mg_pg_identifier(admin, name),
					 mg_pg_literal(admin, comment));
}

bool
mg_restore_properties(MgPg *admin, const char *from, const char *to, MgError *err)
{
	const char *values[] = { from, to };
	MgStrings statements;

	if (!mg_pg_strings(admin, mg_sql_restore_properties, 2, values, &statements, err))
		return false;
	for (int i = 0; i < statements.count; i++)
		if (!statement(admin, err, "%s", statements.items[i]))
			return false;
	return true;
}

bool
mg_restore_allow(MgPg *admin, const char *name, bool allow, MgError *err)
{
	return statement(admin, err, "ALTER DATABASE %s ALLOW_CONNECTIONS %s",
					 mg_pg_identifier(admin, name), allow ? "true" : "false");
}

bool
mg_restore_hold(MgPg *admin, const char *name, int spared, MgError *err)
{
	const char *values[] = { name, mg_printf(admin->arena, "%d", spared) };
	MgStrings count;

	if (!mg_restore_allow(admin, name, false, err))
		return false;
	for (int waited = 0; waited < END_LIMIT_MS; waited += END_POLL_MS)
	{
		if (!mg_pg_strings(admin, mg_sql_restore_sessions, 2, values, &count, err))
			return false;
		if (strcmp(count.items[0], "0") == 0)
			return true;
		poll(NULL, 0, END_POLL_MS);
	}
	return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s sessions in database \"%s\" do not end",
					  count.items[0], name);
}

/* Number and hash of the last event. */
static bool
read_head(MgPg *pg, const char *head[2], MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, mg_sql_restore_head, 0, NULL, &result, err))
		return false;
	head[0] = mg_pg_value(pg->arena, result, 0, 0);
	head[1] = mg_pg_value(pg->arena, result, 0, 1);
	PQclear(result);
	return true;
}

static bool
has_event(MgPg *pg, const char *head[2], bool *has, MgError *err)
{
	MgStrings answer;

	if (!mg_pg_strings(pg, mg_sql_restore_has_event, 2, head, &answer, err))
		return false;
	*has = strcmp(answer.items[0], "t") == 0;
	return true;
}

/* A portion at a time; runs first, because events speak of them. */
static bool
copy_events(MgPg *live, MgPg *fresh, const char *from, MgError *err)
{
	while (from != NULL)
	{
		PGresult *result;
		const char *events;
		const char *runs;

		if (!mg_pg_exec(live, mg_sql_restore_events, 1, &from, &result, err))
			return false;
		events = mg_pg_value(live->arena, result, 0, 0);
		runs = mg_pg_value(live->arena, result, 0, 1);
		from = mg_pg_value(live->arena, result, 0, 2);
		PQclear(result);
		if (from != NULL && (!mg_pg_exec(fresh, mg_sql_restore_put_runs, 1, &runs, NULL, err) ||
							 !mg_pg_exec(fresh, mg_sql_restore_put_events, 1, &events, NULL, err)))
			return false;
	}
	return true;
}

static bool
carry_numbers(MgPg *live, MgPg *fresh, MgError *err)
{
	const char *numbers[2];
	PGresult *result;

	if (!mg_pg_exec(live, mg_sql_restore_numbers, 0, NULL, &result, err))
		return false;
	for (int i = 0; i < 2; i++)
		numbers[i] = mg_pg_value(live->arena, result, 0, i);
	PQclear(result);
	return mg_pg_exec(fresh, mg_sql_restore_put_numbers, 2, numbers, NULL, err);
}

bool
mg_restore_carry(MgPg *live, MgPg *fresh, MgError *err)
{
	const char *live_head[2];
	const char *fresh_head[2];
	bool whole;
	bool known;

	if (!read_head(live, live_head, err) || !read_head(fresh, fresh_head, err) ||
		!has_event(fresh, live_head, &whole, err) || !has_event(live, fresh_head, &known, err))
		return false;
	if (!whole && !known)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "the ledger of the backup is no part of that of the database");
		mg_err_detail(err, "Event %s of the backup is not the one that the database has.",
					  fresh_head[0]);
		return mg_err_hint(err,
						   "Give this restore up by --abort; restore with --into to look at both.");
	}
	return (whole || copy_events(live, fresh, fresh_head[0], err)) && carry_numbers(live, fresh, err);
}

bool
mg_restore_run_state(MgPg *pg, const char *run_id, const char **state, MgError *err)
{
	MgStrings answer;

	if (!mg_pg_strings(pg, mg_sql_restore_run_state, 1, &run_id, &answer, err))
		return false;
	*state = answer.items[0];
	return true;
}

bool
mg_restore_name_taken(MgPg *admin, const char *name, bool *taken, MgError *err)
{
	MgStrings answer;

	if (!mg_pg_strings(admin, mg_sql_restore_name_taken, 1, &name, &answer, err))
		return false;
	*taken = strcmp(answer.items[0], "t") == 0;
	return true;
}

bool
mg_restore_swap(MgPg *admin, const char *live, const char *fresh, const char *kept,
				const char *kept_comment, MgError *err)
{
	const char *name = mg_pg_identifier(admin, live);
	const char *aside = mg_pg_identifier(admin, kept);
	MgStrings comment;

	if (!mg_pg_strings(admin, mg_sql_restore_comment_of, 1, &live, &comment, err) ||
		!statement(admin, err, "BEGIN"))
		return false;
	if (statement(admin, err, "ALTER DATABASE %s RENAME TO %s", name, aside) &&
		statement(admin, err, "ALTER DATABASE %s RENAME TO %s", mg_pg_identifier(admin, fresh), name) &&
		statement(admin, err, "COMMENT ON DATABASE %s IS %s", name, comment.items[0]) &&
		mg_restore_comment(admin, kept, kept_comment, err) &&
		/* it may be looked at, by who may everything, and not changed by accident */
		statement(admin, err, "ALTER DATABASE %s CONNECTION LIMIT 0", aside) &&
		statement(admin, err, "ALTER DATABASE %s SET default_transaction_read_only TO on", aside) &&
		mg_restore_allow(admin, kept, true, err))
		return statement(admin, err, "COMMIT");
	mg_pg_exec(admin, "ROLLBACK", 0, NULL, NULL, err);
	return false;
}
