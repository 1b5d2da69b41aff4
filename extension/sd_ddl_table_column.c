/*
 * sd_ddl_table_column.c
 *	  Columns of tables: made with the table, added, dropped and changed.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"
#include "sd_ddl_table.h"

/* A column that a parent brings along. */
static bool
comes_from_parent(SdDdl *ddl, SdNode *column)
{
	return sd_map_find(column, "inherited") != NULL && sd_map_find(column, "local") == NULL;
}

static bool
is_partition(SdNode *side)
{
	return sd_ddl_peek(side, "core", "partition_of", NULL) != NULL;
}

/* The values of a foreign table are elsewhere. */
static bool
is_foreign(SdDdl *ddl)
{
	return strcmp(ddl->kind, "foreign table") == 0;
}

/* A column of the child itself stays one when the parents go, and becomes one when they do. */
static bool
is_own(SdNode *column)
{
	return sd_map_find(column, "inherited") == NULL || sd_map_find(column, "local") != NULL;
}

/* Columns of a typed table are those of its type. */
static bool
follows_type(SdDdl *ddl)
{
	SdNode *old = sd_ddl_peek(ddl->old, "core", "of_type", NULL);
	SdNode *new = sd_ddl_peek(ddl->new, "core", "of_type", NULL);

	if (old == NULL || new == NULL)
		return false;
	return sd_ddl_same(ddl, old, new);
}

/* A default that may need something that is not there yet is set by a step of its own. */
static bool
is_simple(const char *expression)
{
	return strchr(expression, '(') == NULL;
}

static char *
identity_clause(SdNode *identity)
{
	return psprintf(" GENERATED %s AS IDENTITY (SEQUENCE NAME %s%s)",
					strcmp(sd_ddl_text(identity, "kind", "always"), "always") == 0 ? "ALWAYS" :
																					 "BY DEFAULT",
					sd_ddl_text(identity, "sequence", ""),
					sd_ddl_sequence_clauses(identity, NULL, "", false));
}

/*
 * Whether the sequence of an identity is kept after a crash, where that is not as the table
 * has it; "now" is NULL for one that has just been made.
 */
static void
set_identity_persistence(SdDdl *ddl, SdNode *identity, SdNode *now)
{
	SdNode *wanted = identity ? sd_map_find(identity, "persistence") : NULL;
	const char *own = sd_ddl_scalar(sd_ddl_peek(ddl->old, "core", "persistence", NULL));
	const char *word = wanted ? sd_ddl_scalar(wanted) : own;

	if (identity == NULL || sd_ddl_equal(wanted, now ? sd_map_find(now, "persistence") : NULL))
		return;
	sd_ddl_step(ddl, "ALTER SEQUENCE %s SET %s", sd_ddl_text(identity, "sequence", ""),
				word != NULL && strcmp(word, "unlogged") == 0 ? "UNLOGGED" : "LOGGED");
}

static char *
generated_clause(SdNode *column)
{
	const char *kind = sd_ddl_text(column, "generated_kind", "stored");

	return psprintf(" GENERATED ALWAYS AS (%s) %s", sd_ddl_text(column, "generated", ""),
					strcmp(kind, "virtual") == 0 ? "VIRTUAL" : "STORED");
}

/* The constraint, of a server that has such, that keeps nulls out of a column; or NULL. */
SdNode *
sd_ddl_not_null(SdNode *side, const char *column)
{
	SdNode *constraints = sd_ddl_peek(side, "core", "constraints", NULL);
	const char *definition = psprintf("NOT NULL %s", quote_identifier(column));

	for (SdNode *con = constraints ? constraints->first : NULL; con != NULL; con = con->next)
	{
		const char *text = sd_ddl_scalar(sd_map_find(con, "definition"));

		if (text != NULL && strcmp(text, definition) == 0)
			return con;
	}
	return NULL;
}

/* All of a column that stands with its name; a default that has to wait is left out. */
static char *
column_sql(SdDdl *ddl, SdNode *column)
{
	StringInfoData sql;
	const char *collation = sd_ddl_text(column, "collation", NULL);
	const char *value = sd_ddl_text(column, "default", NULL);
	SdNode *identity = sd_ddl_get(column, "identity");
	SdNode *options = sd_map_find(column, "options");
	SdNode *con;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s %s", quote_identifier(sd_ddl_key(column)),
					 sd_ddl_text(column, "type", ""));
	if (options != NULL)
		appendStringInfoString(&sql, sd_ddl_foreign_options(ddl, options));
	if (collation != NULL)
		appendStringInfo(&sql, " COLLATE %s", collation);
	if (sd_map_find(column, "generated") != NULL)
		appendStringInfoString(&sql, generated_clause(column));
	else if (identity != NULL)
		appendStringInfoString(&sql, identity_clause(identity));
	else if (value != NULL && is_simple(value))
		appendStringInfo(&sql, " DEFAULT %s", value);
	con = sd_ddl_not_null(ddl->old, sd_ddl_key(column));
	if (con != NULL && sd_map_find(con, "validated") == NULL)
	{
		appendStringInfo(&sql, " CONSTRAINT %s NOT NULL%s", quote_identifier(sd_ddl_key(con)),
						 sd_map_find(con, "no_inherit") ? " NO INHERIT" : "");
		/* and is not made by itself */
		sd_ddl_mark(con);
	}
	else if (con == NULL && sd_ddl_true(column, "not_null"))
		appendStringInfoString(&sql, " NOT NULL");
	sd_ddl_mark(column);
	return sql.data;
}

/* Columns in their order; an old document may have been made without it. */
static SdNode *
columns_in_order(SdNode *side)
{
	SdNode *order = sd_ddl_peek(side, "order", "columns", NULL);
	SdNode *columns = sd_ddl_peek(side, "core", "columns", NULL);
	SdNode *result = sd_node_list();

	for (SdNode *name = order ? order->first : NULL; name != NULL; name = name->next)
		sd_add_text(result, sd_ddl_scalar(name));
	for (SdNode *column = columns && !order ? columns->first : NULL; column != NULL;
		 column = column->next)
		sd_add_text(result, sd_ddl_key(column));
	return result;
}

char *
sd_ddl_column_list(SdDdl *ddl)
{
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);
	SdNode *order = columns_in_order(ddl->old);
	StringInfoData sql;

	initStringInfo(&sql);
	for (SdNode *name = order->first; name != NULL; name = name->next)
	{
		SdNode *column = sd_map_find(columns, sd_ddl_scalar(name));

		if (column == NULL || (!is_partition(ddl->old) && comes_from_parent(ddl, column)))
			continue;
		/* a line each, so that a difference of two such statements shows the column */
		appendStringInfo(&sql, "%s\n\t%s", sql.len > 0 ? "," : "", column_sql(ddl, column));
	}
	if (sql.len > 0)
		appendStringInfoChar(&sql, '\n');
	return sql.data;
}

static void
set_default(SdDdl *ddl, const char *column, const char *expression)
{
	bool only = ddl->writer->keyword[0] == 'T';

	sd_ddl_step(ddl, "ALTER %s %s%s ALTER COLUMN %s SET DEFAULT %s", ddl->writer->keyword,
				only ? "ONLY " : "", ddl->identity, quote_identifier(column), expression);
}

/* A column as a statement of the stage names it. */
static const char *
column_now(SdDdl *ddl, const char *column)
{
	return quote_identifier(
		ddl->stage == SD_DDL_BEFORE ? sd_ddl_name_now(ddl, SD_DIFF_COLUMNS, column) : column);
}

static void
drop_default(SdDdl *ddl, const char *column)
{
	bool only = ddl->writer->keyword[0] == 'T';

	sd_ddl_step(ddl, "ALTER %s %s%s ALTER COLUMN %s DROP DEFAULT", ddl->writer->keyword,
				only ? "ONLY " : "", ddl->stage == SD_DDL_BEFORE ? ddl->new_identity : ddl->identity,
				column_now(ddl, column));
}

/* The sequence is written as its table is, unless it says otherwise. */
static void
set_persistence(SdDdl *ddl, SdNode *identity)
{
	bool unlogged = sd_ddl_peek(ddl->old, "core", "persistence", NULL) != NULL;

	if (sd_map_find(identity, "persistence") != NULL)
		unlogged = !unlogged;
	sd_ddl_step(ddl, "ALTER SEQUENCE %s SET %s", sd_ddl_text(identity, "sequence", ""),
				unlogged ? "UNLOGGED" : "LOGGED");
}

/* Defaults that had to wait, and what a child has differently from its parents. */
void
sd_ddl_columns_after_create(SdDdl *ddl)
{
	SdNode *columns = sd_ddl_peek(ddl->old, "core", "columns", NULL);

	for (SdNode *column = columns ? columns->first : NULL; column != NULL; column = column->next)
	{
		const char *name = sd_ddl_key(column);
		const char *value = sd_ddl_text(column, "default", NULL);
		bool inherited = !is_partition(ddl->old) && comes_from_parent(ddl, column);

		SdNode *identity = sd_map_find(column, "identity");

		sd_ddl_mark(column);
		if (identity != NULL && sd_map_find(identity, "persistence") != NULL)
			set_persistence(ddl, identity);
		if (value != NULL && (inherited || !is_simple(value)))
		{
			ddl->part = sd_ddl_part("defaults", name);
			set_default(ddl, name, value);
			ddl->part = NULL;
		}
		else if (value == NULL && inherited && sd_map_find(column, "generated") == NULL)
			drop_default(ddl, name);
		set_identity_persistence(ddl, sd_map_find(column, "identity"), NULL);
		if (inherited && sd_ddl_true(column, "not_null"))
			sd_ddl_step(ddl, "%s ALTER COLUMN %s SET NOT NULL", sd_ddl_alter_words(ddl),
						quote_identifier(name));
	}
}

static void
add_column(SdDdl *ddl, SdNode *column)
{
	const char *name = sd_ddl_key(column);
	const char *value = sd_ddl_text(column, "default", NULL);
	bool computed = sd_map_find(column, "generated") != NULL;
	bool fails = sd_map_find(column, "not_null") != NULL && value == NULL && !computed &&
				 sd_map_find(column, "identity") == NULL;
	SdDdlStep *step;

	ddl->part = sd_ddl_part("columns", name);
	if (value != NULL && !is_simple(value))
	{
		/* with its default at once, so that rows that are there get it too */
		step = sd_ddl_step(ddl, "%s ADD COLUMN %s DEFAULT %s", sd_ddl_alter_words(ddl),
						   column_sql(ddl, column), value);
		step->part = ddl->part;
	}
	else
		step = sd_ddl_step(ddl, "%s ADD COLUMN %s", sd_ddl_alter_words(ddl), column_sql(ddl, column));
	if (computed)
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE, "the values are computed anew");
	else if (!is_foreign(ddl))
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_CERTAIN,
					 fails ? "the values that the column had are gone; it takes no nulls and has no "
							 "default, so the step fails when there are rows" :
							 "the values that the column had are gone");
	set_identity_persistence(ddl, sd_map_find(column, "identity"), NULL);
	ddl->part = NULL;
}

static void
drop_column(SdDdl *ddl, SdNode *column)
{
	const char *name = sd_ddl_key(column);
	SdDdlStep *step;

	ddl->part = sd_ddl_part("columns", name);
	ddl->stage = SD_DDL_BEFORE;
	step = sd_ddl_step(ddl, "%s DROP COLUMN %s", sd_ddl_alter_words(ddl), column_now(ddl, name));
	if (sd_map_find(column, "generated") == NULL && !is_foreign(ddl))
		sd_ddl_loses(step, SD_DDL_FULL, SD_DIFF_CERTAIN, "what the column holds now is lost");
	sd_ddl_disturb(ddl, ddl->part);
	sd_ddl_mark(column);
	ddl->stage = SD_DDL_MAKE;
	ddl->part = NULL;
}

static void
alter_default(SdDdl *ddl, const char *name, SdNode *old, SdNode *new, bool retyped)
{
	SdNode *before = sd_ddl_get(old, "default");
	SdNode *after = sd_ddl_get(new, "default");
	const char *part = sd_ddl_part("defaults", name);
	bool anew = retyped || sd_ddl_listed(ddl->forced, part);

	if (sd_ddl_same(ddl, before, after) && !(anew && before != NULL))
		return;
	ddl->part = part;
	if (after != NULL && (anew || before == NULL))
	{
		ddl->stage = SD_DDL_BEFORE;
		drop_default(ddl, name);
		ddl->stage = SD_DDL_MAKE;
	}
	if (before != NULL)
		set_default(ddl, name, sd_ddl_scalar(before));
	ddl->part = NULL;
}

static void
alter_identity(SdDdl *ddl, const char *name, SdNode *old, SdNode *new)
{
	SdNode *before = sd_ddl_get(old, "identity");
	SdNode *after = sd_ddl_get(new, "identity");
	const char *column = quote_identifier(name);
	const char *words = sd_ddl_alter_words(ddl);
	const char *clauses;

	if (sd_ddl_same(ddl, before, after))
		return;
	sd_ddl_mark(before);
	sd_ddl_mark(after);
	if (before == NULL)
		sd_ddl_step(ddl, "%s ALTER COLUMN %s DROP IDENTITY", words, column);
	else if (after == NULL)
	{
		sd_ddl_loses(sd_ddl_step(ddl, "%s ALTER COLUMN %s ADD%s", words, column,
								 identity_clause(before)),
					 SD_DDL_STRUCTURAL, SD_DIFF_CERTAIN,
					 "the sequence of the column starts anew, the value that it had reached is gone");
		set_identity_persistence(ddl, before, NULL);
	}
	else
	{
		const char *kind = sd_ddl_text(before, "kind", "always");
		const char *sequence = sd_ddl_text(before, "sequence", "");

		if (strcmp(kind, sd_ddl_text(after, "kind", "always")) != 0)
			sd_ddl_step(ddl, "%s ALTER COLUMN %s SET GENERATED %s", words, column,
						strcmp(kind, "always") == 0 ? "ALWAYS" : "BY DEFAULT");
		if (!sd_ddl_same(ddl, sd_map_find(before, "sequence"), sd_map_find(after, "sequence")))
		{
			char *schemas[2], *names[2], *rests[2];

			/* it has moved with its table already */
			sd_diff_split_identity(sequence, &schemas[0], &names[0], &rests[0]);
			sd_diff_split_identity(sd_ddl_text(after, "sequence", ""), &schemas[1], &names[1],
								   &rests[1]);
			if (strcmp(names[0], names[1]) != 0)
				sd_ddl_step(ddl, "ALTER SEQUENCE %s.%s RENAME TO %s", schemas[0], names[1], names[0]);
		}
		if (!sd_ddl_equal(sd_map_find(before, "persistence"), sd_map_find(after, "persistence")))
			set_persistence(ddl, before);
		clauses = sd_ddl_sequence_clauses(before, after, "", true);
		if (clauses[0] != '\0')
			sd_ddl_step(ddl, "ALTER SEQUENCE %s%s", sequence, clauses);
		set_identity_persistence(ddl, before, after);
	}
}

/* A generated column that becomes a plain one, or another one; false when it has to be made anew. */
static bool
alter_generated(SdDdl *ddl, const char *name, SdNode *old, SdNode *new)
{
	bool forced = sd_ddl_listed(ddl->forced, sd_ddl_part("defaults", name));
	SdNode *before = sd_map_find(old, "generated");
	SdNode *after = sd_map_find(new, "generated");

	if (sd_ddl_same(ddl, before, after) &&
		sd_ddl_equal(sd_map_find(old, "generated_kind"), sd_map_find(new, "generated_kind")))
		return after == NULL || !forced;
	if (before != NULL || after == NULL || sd_map_find(new, "generated_kind") != NULL)
		return false;
	sd_ddl_mark(after);
	ddl->part = sd_ddl_part("defaults", name);
	ddl->stage = SD_DDL_BEFORE;
	sd_ddl_step(ddl, "%s ALTER COLUMN %s DROP EXPRESSION", sd_ddl_alter_words(ddl),
				column_now(ddl, name));
	ddl->stage = SD_DDL_MAKE;
	ddl->part = NULL;
	return true;
}

static void
alter_column(SdDdl *ddl, SdNode *old, SdNode *new)
{
	const char *name = sd_ddl_key(old);
	bool retyped = sd_ddl_column_retyped(ddl, old, new);
	bool inherited = comes_from_parent(ddl, old) && comes_from_parent(ddl, new);
	bool nullable;
	SdNode *options[2] = { sd_map_find(old, "options"), sd_map_find(new, "options") };
	static const char *const lineage[] = { "inherited", "local" };

	if (!alter_generated(ddl, name, old, new))
	{
		drop_column(ddl, new);
		add_column(ddl, old);
		return;
	}
	if (sd_map_find(old, "generated") == NULL)
		alter_default(ddl, name, old, new, retyped);
	if (retyped && !inherited && !follows_type(ddl))
		sd_ddl_alter_type(ddl, name, old, new);
	if (retyped)
		sd_ddl_disturb(ddl, sd_ddl_part("columns", name));
	nullable = !sd_ddl_true(old, "not_null");
	/* an identity must be there for as long as the column has one, and takes no nulls */
	if (nullable)
		alter_identity(ddl, name, old, new);
	if (nullable != !sd_ddl_true(new, "not_null") &&
		(nullable || sd_ddl_not_null(ddl->old, name) == NULL))
		sd_ddl_step(ddl, "%s ALTER COLUMN %s %s NOT NULL", sd_ddl_alter_words(ddl),
					quote_identifier(name), nullable ? "DROP" : "SET");
	if (!nullable)
		alter_identity(ddl, name, old, new);
	if (options[0] != NULL || options[1] != NULL)
	{
		const char *changes = sd_ddl_foreign_changes(ddl, options[0], options[1]);

		sd_ddl_mark(options[0]);
		sd_ddl_mark(options[1]);
		if (changes[0] != '\0')
			sd_ddl_step(ddl, "%s ALTER COLUMN %s%s", sd_ddl_alter_words(ddl),
						quote_identifier(name), changes);
	}
	/* whether it is inherited follows from the parents */
	for (int i = 0; i < lengthof(lineage); i++)
	{
		sd_ddl_mark(sd_map_find(old, lineage[i]));
		sd_ddl_mark(sd_map_find(new, lineage[i]));
	}
	if (!is_partition(ddl->old) && !is_partition(ddl->new) && is_own(old) != is_own(new))
		sd_ddl_impossible(ddl,
						  "column %s %s a column of the table itself, which no statement can undo",
						  quote_identifier(name), is_own(new) ? "has become" : "is no longer");
}

/* A column that is there all the while. */
static bool
column_stays(SdDdl *ddl, const char *name)
{
	SdNode *there = sd_ddl_peek(ddl->new, "core", "columns", name);

	/* one that was dropped has been marked as a whole */
	return sd_ddl_peek(ddl->old, "core", "columns", name) != NULL && there != NULL && !there->used;
}

/* What the order of the columns will be is said with those that are added, or by itself. */
static void
note_order(SdDdl *ddl)
{
	SdNode *old = columns_in_order(ddl->old);
	SdNode *new = columns_in_order(ddl->new);
	SdNode *name = old->first;
	bool same = true;
	bool said = false;
	ListCell *cell;

	sd_ddl_mark(sd_ddl_peek(ddl->old, "order", "columns", NULL));
	sd_ddl_mark(sd_ddl_peek(ddl->new, "order", "columns", NULL));
	for (SdNode *other = new->first; other != NULL; other = other->next)
	{
		if (!column_stays(ddl, sd_ddl_scalar(other)))
			continue;
		same = same && name != NULL && sd_ddl_equal(name, other);
		name = name ? name->next : NULL;
	}
	if (same)
		return;
	foreach (cell, ddl->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->stage != SD_DDL_MAKE || step->part == NULL ||
			strstr(step->sql, " ADD COLUMN ") == NULL)
			continue;
		step->level = SD_DDL_STRUCTURAL;
		step->reason = psprintf("%s%sthe column stands at the end of the table now",
								step->reason ? step->reason : "", step->reason ? "; " : "");
		said = true;
	}
	if (!said)
		sd_ddl_impossible(ddl,
						  "the columns stand in another order, which only a new table could change");
}

void
sd_ddl_alter_columns(SdDdl *ddl)
{
	SdNode *old = sd_ddl_peek(ddl->old, "core", "columns", NULL);
	SdNode *new = sd_ddl_peek(ddl->new, "core", "columns", NULL);

	/* what is computed from others goes before them */
	for (int computed = 1; computed >= 0; computed--)
		for (SdNode *column = new ? new->first : NULL; column != NULL; column = column->next)
			if (sd_map_find(old, sd_ddl_key(column)) == NULL &&
				(sd_map_find(column, "generated") != NULL) == computed)
			{
				if (comes_from_parent(ddl, column) || follows_type(ddl))
					sd_ddl_mark(column);
				else
					drop_column(ddl, column);
			}
	for (int computed = 0; computed <= 1; computed++)
	{
		SdNode *order = columns_in_order(ddl->old);

		for (SdNode *name = order->first; name != NULL; name = name->next)
		{
			SdNode *column = sd_map_find(old, sd_ddl_scalar(name));
			SdNode *other = column ? sd_map_find(new, sd_ddl_scalar(name)) : NULL;

			if (column == NULL || (sd_map_find(column, "generated") != NULL) != computed)
				continue;
			if (other != NULL)
				alter_column(ddl, column, other);
			else if (comes_from_parent(ddl, column) || follows_type(ddl))
				sd_ddl_mark(column);
			else
				add_column(ddl, column);
		}
	}
	note_order(ddl);
}
