/*
 * pg_catalog_tool.h
 *	  Statements about the state of migration tools.
 */
#ifndef MG_PG_CATALOG_TOOL_H
#define MG_PG_CATALOG_TOOL_H

#include "pg.h"

/* Quoted and qualified names of the tables that look like Alembic's, in the order of names. */
extern bool mg_catalog_alembic_tables(MgPg *pg, MgStrings *tables, MgError *err);

/* The revisions in such a table. */
extern bool mg_catalog_alembic_revisions(MgPg *pg, const char *table, MgStrings *ids, MgError *err);

/* Schema in which the tool's session makes an unqualified table, quoted; "public" when none. */
extern bool mg_catalog_default_schema(MgPg *pg, char **schema, MgError *err);

typedef struct MgFlywayTable
{
	const char *quoted; /* and qualified */
	const char *schema;
	const char *name;
} MgFlywayTable;

/* Flyway's history tables of that name, in a schema or, when it is NULL, in any. */
extern bool mg_catalog_flyway_tables(MgPg *pg, const char *schema, const char *table,
									 MgFlywayTable **tables, int *count, MgError *err);

typedef struct MgFlywayRow
{
	int rank;
	const char *version; /* NULL: repeatable */
	const char *description;
	const char *type;
	const char *script;
	const char *checksum; /* signed decimal, NULL when there is none */
	bool success;
} MgFlywayRow;

/* The history in the order of ranks. */
extern bool mg_catalog_flyway_history(MgPg *pg, const char *table, MgFlywayRow **rows, int *count,
									  MgError *err);

typedef struct MgAppliedRow
{
	const char *version;
	const char *name;
	const char *checksum;
} MgAppliedRow;

/* Plain SQL migrations of a project, in the order of their numbers. */
extern bool mg_catalog_applied_migrations(MgPg *pg, const char *project, MgAppliedRow **rows,
										  int *count, MgError *err);

typedef struct MgScriptRow
{
	int line;
	const char *kind;  /* command tag, "META COMMAND", "SYNTAX ERROR" */
	bool runs_outside; /* cannot run in a transaction block */
	const char *text;
} MgScriptRow;

/* The statements of a script that matter for how it is run; see the statement. */
extern bool mg_catalog_script_statements(MgPg *pg, const char *text, MgScriptRow **rows, int *count,
										 MgError *err);

/* What psql runs to record a plain SQL migration and to take the record back. */
extern const char *mg_catalog_record_migration(void);
extern const char *mg_catalog_forget_migration(void);

/* What psql runs before and behind an undo file: key is that of Flyway's lock, table is quoted. */
extern char *mg_catalog_flyway_undo_begin(MgArena *arena, long long key);
extern char *mg_catalog_flyway_undo_end(MgArena *arena, const char *table);

#endif
