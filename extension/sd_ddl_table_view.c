/*
 * sd_ddl_table_view.c
 *	  Views and materialized views.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_table.h"

/* Options of a view, by the facets in which they stand. */
static const char *const view_options[][2] = {
	{ "core", "check_option" },
	{ "security", "security_barrier" },
	{ "security", "security_invoker" },
};

static char *
options_clause(SdDdl *ddl)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < lengthof(view_options); i++)
	{
		const char *value = sd_ddl_old(ddl, view_options[i][0], view_options[i][1], NULL);

		if (value != NULL)
			appendStringInfo(&sql, "%s%s=%s", sql.len > 0 ? ", " : " WITH (", view_options[i][1],
							 value);
	}
	if (sql.len > 0)
		appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* The query without the semicolon that the server prints after it. */
static char *
query_text(SdDdl *ddl)
{
	char *query = pstrdup(sd_ddl_old(ddl, "core", "definition", ""));
	size_t length = strlen(query);

	while (length > 0 && (query[length - 1] == ';' || query[length - 1] == '\n'))
		query[--length] = '\0';
	return query;
}

/* All that is in a map, but not the map, which would say that the column goes. */
static void
mark_members(SdNode *map)
{
	for (SdNode *member = map ? map->first : NULL; member != NULL; member = member->next)
		sd_ddl_mark(member);
}

/* Types of columns follow from the query; defaults do not. */
static void
write_columns(SdDdl *ddl)
{
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		SdNode *other = sd_ddl_peek(ddl->new, "core", "columns", sd_ddl_key(column));
		SdNode *value = sd_ddl_get(column, "default");
		SdNode *there = other ? sd_ddl_get(other, "default") : NULL;
		const char *name = quote_identifier(sd_ddl_key(column));

		if (!sd_ddl_same(ddl, value, there))
		{
			ddl->part = sd_ddl_part("defaults", sd_ddl_key(column));
			if (value != NULL)
				sd_ddl_step(ddl, "%s ALTER COLUMN %s SET DEFAULT %s", sd_ddl_alter_words(ddl), name,
							sd_ddl_scalar(value));
			else
				sd_ddl_step(ddl, "%s ALTER COLUMN %s DROP DEFAULT", sd_ddl_alter_words(ddl), name);
			ddl->part = NULL;
		}
		mark_members(column);
		mark_members(other);
	}
	sd_ddl_mark(sd_ddl_peek(ddl->old, "order", "columns", NULL));
	sd_ddl_mark(sd_ddl_peek(ddl->new, "order", "columns", NULL));
}

void
sd_ddl_create_view(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE VIEW %s%s AS %s", ddl->identity, options_clause(ddl), query_text(ddl));
	write_columns(ddl);
	sd_ddl_parts(ddl);
	sd_ddl_part_comments(ddl);
	sd_ddl_column_privileges(ddl);
}

/* CREATE OR REPLACE keeps the columns that are there. */
static bool
columns_stay(SdDdl *ddl)
{
	SdNode *old = sd_ddl_peek(ddl->old, "core", "columns", NULL);
	SdNode *new = sd_ddl_peek(ddl->new, "core", "columns", NULL);

	if (old == NULL || new == NULL || old->len != new->len ||
		!sd_ddl_equal(sd_ddl_peek(ddl->old, "order", "columns", NULL),
					  sd_ddl_peek(ddl->new, "order", "columns", NULL)))
		return false;
	for (SdNode *column = old->first; column != NULL; column = column->next)
	{
		SdNode *other = sd_map_find(new, sd_ddl_key(column));
		static const char *const keys[] = { "type", "collation" };

		if (other == NULL)
			return false;
		for (int i = 0; i < lengthof(keys); i++)
			if (!sd_ddl_same(ddl, sd_map_find(column, keys[i]), sd_map_find(other, keys[i])))
				return false;
	}
	return true;
}

bool
sd_ddl_alter_view(SdDdl *ddl)
{
	if (!columns_stay(ddl))
		return false;
	if (sd_ddl_changed(ddl, "core", "definition"))
		sd_ddl_step(ddl, "CREATE OR REPLACE VIEW %s%s AS %s", ddl->identity, options_clause(ddl),
					query_text(ddl));
	for (int i = 0; i < lengthof(view_options); i++)
	{
		const char *facet = view_options[i][0];
		const char *option = view_options[i][1];
		const char *value;

		if (!sd_ddl_changed(ddl, facet, option))
			continue;
		value = sd_ddl_old(ddl, facet, option, NULL);
		if (value != NULL)
			sd_ddl_step(ddl, "ALTER VIEW %s SET (%s=%s)", ddl->identity, option, value);
		else
			sd_ddl_step(ddl, "ALTER VIEW %s RESET (%s)", ddl->identity, option);
	}
	write_columns(ddl);
	sd_ddl_parts(ddl);
	sd_ddl_part_comments(ddl);
	sd_ddl_column_privileges(ddl);
	return true;
}

static const char computed_anew[] = "the rows are computed anew, from the tables as they are by then";

static bool
was_populated(SdDdl *ddl)
{
	return ddl->pair == NULL || ddl->pair->old == NULL || ddl->pair->old->populated;
}

void
sd_ddl_create_matview(SdDdl *ddl)
{
	const char *clauses = sd_ddl_storage_clauses(ddl);
	SdDdlStep *step =
		sd_ddl_step(ddl, "CREATE MATERIALIZED VIEW %s%s AS %s WITH %sDATA", ddl->identity, clauses,
					query_text(ddl), was_populated(ddl) ? "" : "NO ");

	if (was_populated(ddl))
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_POSSIBLE, computed_anew);
	write_columns(ddl);
	sd_ddl_parts(ddl);
	sd_ddl_storage(ddl);
	sd_ddl_part_comments(ddl);
}

bool
sd_ddl_alter_matview(SdDdl *ddl)
{
	if (sd_ddl_changed(ddl, "core", "definition") || !columns_stay(ddl))
		return false;
	write_columns(ddl);
	sd_ddl_parts(ddl);
	sd_ddl_storage(ddl);
	sd_ddl_part_comments(ddl);
	if (ddl->pair != NULL && ddl->pair->old->populated != ddl->pair->new->populated)
	{
		bool with = ddl->pair->old->populated;

		sd_ddl_loses(sd_ddl_step(ddl, "REFRESH MATERIALIZED VIEW %s%s", ddl->identity,
								 with ? "" : " WITH NO DATA"),
					 with ? SD_DDL_STRUCTURAL : SD_DDL_FULL, SD_DIFF_POSSIBLE,
					 with ? computed_anew : "the rows that were computed since are dropped");
	}
	return true;
}
