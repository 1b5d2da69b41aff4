/*
 * pg_catalog_tool.c
 *	  Statements about the state of migration tools.
 */
#include "pg_catalog_tool.h"

#include <stdlib.h>
#include <string.h>

#include "mg_sql.h"

/* The statement with a text in the place of a mark such as @TABLE@. */
static char *
with_mark(MgArena *arena, const char *sql, const char *mark, const char *text)
{
	const char *at = strstr(sql, mark);

	return mg_printf(arena, "%.*s%s%s", (int) (at - sql), sql, text, at + strlen(mark));
}

static char *
for_table(MgArena *arena, const char *sql, const char *table)
{
	return with_mark(arena, sql, "@TABLE@", table);
}

static bool
is_true(const PGresult *result, int row, int column)
{
	return strcmp(PQgetvalue(result, row, column), "t") == 0;
}

bool
mg_catalog_alembic_tables(MgPg *pg, MgStrings *tables, MgError *err)
{
	return mg_pg_strings(pg, mg_sql_alembic_tables, 0, NULL, tables, err);
}

bool
mg_catalog_alembic_revisions(MgPg *pg, const char *table, MgStrings *ids, MgError *err)
{
	return mg_pg_strings(pg, for_table(pg->arena, mg_sql_alembic_revisions, table), 0, NULL, ids,
						 err);
}

bool
mg_catalog_default_schema(MgPg *pg, char **schema, MgError *err)
{
	MgStrings found;

	if (!mg_pg_strings(pg, mg_sql_default_schema, 0, NULL, &found, err))
		return false;
	*schema = mg_strdup(pg->arena, found.count > 0 ? found.items[0] : "public");
	return true;
}

bool
mg_catalog_flyway_tables(MgPg *pg, const char *schema, const char *table, MgFlywayTable **tables,
						 int *count, MgError *err)
{
	const char *const values[] = { schema, table };
	PGresult *result = NULL;

	if (!mg_pg_exec(pg, mg_sql_flyway_tables, 2, values, &result, err))
		return false;
	*count = PQntuples(result);
	*tables = mg_alloc(pg->arena, (size_t) (*count + 1) * sizeof **tables);
	for (int i = 0; i < *count; i++)
		(*tables)[i] = (MgFlywayTable){ .quoted = mg_pg_value(pg->arena, result, i, 0),
										.schema = mg_pg_value(pg->arena, result, i, 1),
										.name = mg_pg_value(pg->arena, result, i, 2) };
	PQclear(result);
	return true;
}

bool
mg_catalog_flyway_history(MgPg *pg, const char *table, MgFlywayRow **rows, int *count, MgError *err)
{
	PGresult *result = NULL;

	if (!mg_pg_exec(pg, for_table(pg->arena, mg_sql_flyway_history, table), 0, NULL, &result, err))
		return false;
	*count = PQntuples(result);
	*rows = mg_alloc(pg->arena, (size_t) (*count + 1) * sizeof **rows);
	for (int i = 0; i < *count; i++)
		(*rows)[i] = (MgFlywayRow){
			.rank = atoi(PQgetvalue(result, i, 0)),
			.version = mg_pg_value(pg->arena, result, i, 1),
			.description = mg_pg_value(pg->arena, result, i, 2),
			.type = mg_pg_value(pg->arena, result, i, 3),
			.script = mg_pg_value(pg->arena, result, i, 4),
			.checksum = mg_pg_value(pg->arena, result, i, 5),
			.success = is_true(result, i, 6),
		};
	PQclear(result);
	return true;
}

bool
mg_catalog_applied_migrations(MgPg *pg, const char *project, MgAppliedRow **rows, int *count,
							  MgError *err)
{
	PGresult *result = NULL;

	if (!mg_pg_exec(pg, mg_sql_applied_migrations, 1, &project, &result, err))
		return false;
	*count = PQntuples(result);
	*rows = mg_alloc(pg->arena, (size_t) (*count + 1) * sizeof **rows);
	for (int i = 0; i < *count; i++)
		(*rows)[i] = (MgAppliedRow){
			.version = mg_pg_value(pg->arena, result, i, 0),
			.name = mg_pg_value(pg->arena, result, i, 1),
			.checksum = mg_pg_value(pg->arena, result, i, 2),
		};
	PQclear(result);
	return true;
}

bool
mg_catalog_script_statements(MgPg *pg, const char *text, MgScriptRow **rows, int *count, MgError *err)
{
	PGresult *result = NULL;

	if (!mg_pg_exec(pg, mg_sql_script_statements, 1, &text, &result, err))
		return false;
	*count = PQntuples(result);
	*rows = mg_alloc(pg->arena, (size_t) (*count + 1) * sizeof **rows);
	for (int i = 0; i < *count; i++)
		(*rows)[i] = (MgScriptRow){
			.line = atoi(PQgetvalue(result, i, 0)),
			.kind = mg_pg_value(pg->arena, result, i, 1),
			.runs_outside = is_true(result, i, 2),
			.text = mg_pg_value(pg->arena, result, i, 3),
		};
	PQclear(result);
	return true;
}

const char *
mg_catalog_record_migration(void)
{
	return mg_sql_record_migration;
}

const char *
mg_catalog_forget_migration(void)
{
	return mg_sql_forget_migration;
}

char *
mg_catalog_flyway_undo_begin(MgArena *arena, long long key)
{
	return with_mark(arena, mg_sql_flyway_undo_begin, "@KEY@", mg_printf(arena, "%lld", key));
}

char *
mg_catalog_flyway_undo_end(MgArena *arena, const char *table)
{
	return for_table(arena, mg_sql_flyway_undo_end, table);
}
