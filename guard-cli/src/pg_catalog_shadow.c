/*
 * pg_catalog_shadow.c
 *	  Statements about warm shadows.
 */
#include "pg_catalog_shadow.h"

#include <string.h>

#include "mg_sql.h"
#include "pg_catalog_server.h"

/* The one value of a statement that returns one row. */
static bool
value(MgPg *pg, const char *sql, int count, const char *const *values, char **text, MgError *err)
{
	PGresult *result;

	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	*text = mg_pg_value(pg->arena, result, 0, 0);
	PQclear(result);
	return true;
}

bool
mg_shadow_server_name(MgPg *server, const char *home, const char *database, char **name, MgError *err)
{
	const char *values[] = { home, database };

	return value(server, mg_sql_shadow_name, 2, values, name, err);
}

bool
mg_shadow_server_home(MgPg *pg, const char **home, MgError *err)
{
	char *text;

	if (!value(pg, mg_sql_shadow_home, 0, NULL, &text, err))
		return false;
	*home = text;
	return true;
}

bool
mg_shadow_server_find(MgPg *server, const char *name, bool size, MgShadowFacts *facts, MgError *err)
{
	const char *values[] = { name, size ? "t" : "f" };
	MgRows rows;

	memset(facts, 0, sizeof *facts);
	if (!mg_pg_rows(server, mg_sql_shadow_find, 2, values, &rows, err))
		return false;
	facts->there = rows.count > 0;
	if (facts->there)
	{
		facts->comment = mg_rows_get(&rows, 0, "comment");
		facts->size = mg_rows_get(&rows, 0, "size");
	}
	return true;
}

bool
mg_shadow_server_orphans(MgPg *server, MgStrings *names, MgError *err)
{
	return mg_pg_strings(server, mg_sql_shadow_orphans, 0, NULL, names, err);
}

bool
mg_shadow_server_lock(MgPg *server, const char *name, bool alone, bool *got, MgError *err)
{
	const char *values[] = { name, alone ? "t" : "f" };
	char *text;

	if (!value(server, mg_sql_shadow_lock, 2, values, &text, err))
		return false;
	*got = strcmp(text, "t") == 0;
	return true;
}

bool
mg_shadow_server_unlock(MgPg *server, const char *name, bool alone, MgError *err)
{
	const char *values[] = { name, alone ? "t" : "f" };

	return mg_pg_exec(server, mg_sql_shadow_unlock, 2, values, NULL, err);
}

bool
mg_shadow_server_rename(MgPg *server, const char *from, const char *to, MgError *err)
{
	return mg_pg_exec(server,
					  mg_printf(server->arena, "ALTER DATABASE %s RENAME TO %s",
								mg_pg_identifier(server, from), mg_pg_identifier(server, to)),
					  0, NULL, NULL, err);
}

bool
mg_shadow_server_close(MgPg *server, const char *name, MgError *err)
{
	const char *quoted = mg_pg_identifier(server, name);

	/* not by ALLOW_CONNECTIONS, with which pg_upgrade refuses the whole cluster */
	return mg_pg_exec(server,
					  mg_printf(server->arena, "REVOKE ALL ON DATABASE %s FROM PUBLIC", quoted), 0,
					  NULL, NULL, err) &&
		   mg_pg_exec(server,
					  mg_printf(server->arena, "ALTER DATABASE %s CONNECTION LIMIT 0", quoted), 0,
					  NULL, NULL, err);
}

bool
mg_shadow_state(MgPg *pg, MgRows *state, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_shadow_state, 0, NULL, state, err);
}

bool
mg_shadow_faults(MgPg *pg, MgStrings *faults, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_shadow_faults, 0, NULL, faults, err);
}

bool
mg_shadow_clear(MgPg *pg, MgError *err)
{
	MgStrings statements;

	if (!mg_pg_strings(pg, mg_sql_shadow_clear, 0, NULL, &statements, err))
		return false;
	for (int i = 0; i < statements.count; i++)
		if (!mg_pg_exec(pg, statements.items[i], 0, NULL, NULL, err))
			return false;
	return true;
}

bool
mg_shadow_extension_rows(MgPg *pg, char **digest, MgError *err)
{
	MgStrings queries;
	MgBuf sql;
	MgBuf text;
	MgRows rows;

	*digest = mg_strdup(pg->arena, "");
	if (!mg_pg_strings(pg, mg_sql_shadow_extension_rows, 0, NULL, &queries, err))
		return false;
	if (queries.count == 0)
		return true;
	mg_buf_init(&sql, pg->arena);
	for (int i = 0; i < queries.count; i++)
		mg_buf_addf(&sql, "%s%s", i == 0 ? "" : " UNION ALL ", queries.items[i]);
	if (!mg_pg_rows(pg, sql.data, 0, NULL, &rows, err))
		return false;
	mg_buf_init(&text, pg->arena);
	for (int i = 0; i < rows.count; i++)
		mg_buf_addf(&text, "%s=%s;", mg_rows_get(&rows, i, "name"), mg_rows_get(&rows, i, "digest"));
	*digest = text.data;
	return true;
}
