/*
 * sd_ddl_table.c
 *	  Tables, also partitioned and foreign ones: what is not of their parts.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"
#include "sd_ddl_table.h"

SdNode *
sd_ddl_peek(SdNode *side, const char *facet, const char *collection, const char *name)
{
	SdNode *node = side ? sd_map_find(side, facet) : NULL;

	if (node != NULL && collection != NULL)
		node = node->type == SD_NODE_MAP ? sd_map_find(node, collection) : NULL;
	if (node != NULL && name != NULL)
		node = node->type == SD_NODE_MAP ? sd_map_find(node, name) : NULL;
	return node;
}

char *
sd_ddl_alter_words(SdDdl *ddl)
{
	bool early = ddl->stage == SD_DDL_BEFORE;

	return psprintf("ALTER %s %s", ddl->writer->keyword, early ? ddl->new_identity : ddl->identity);
}

char *
sd_ddl_index_name(SdDdl *ddl, const char *identity, const char *index)
{
	char *schema, *name, *rest;

	sd_diff_split_identity(identity, &schema, &name, &rest);
	return psprintf("%s.%s", schema, quote_identifier(index));
}

char *
sd_ddl_part(const char *collection, const char *name)
{
	return psprintf("%s.%s", collection, name);
}

void
sd_ddl_disturb(SdDdl *ddl, const char *part)
{
	if (!sd_ddl_listed(ddl->disturbed, part))
		ddl->disturbed = lappend(ddl->disturbed, unconstify(char *, part));
}

/* The step that hangs the table under its partitioned table; constraints and indexes go first. */
static void
attach_partition(SdDdl *ddl)
{
	const char *parent = sd_ddl_old(ddl, "core", "partition_of", NULL);
	const char *bound = sd_ddl_old(ddl, "core", "bound", NULL);

	if (parent == NULL)
		return;
	ddl->part = "attach";
	sd_ddl_step(ddl, "ALTER TABLE %s ATTACH PARTITION %s %s", parent, ddl->identity, bound);
	ddl->part = NULL;
}

static void
create_table(SdDdl *ddl)
{
	bool foreign = strcmp(ddl->kind, "foreign table") == 0;
	const char *persistence = sd_ddl_old(ddl, "core", "persistence", NULL);
	const char *key = sd_ddl_old(ddl, "core", "partition_key", NULL);
	const char *of_type = sd_ddl_old(ddl, "core", "of_type", NULL);
	SdNode *inherits = sd_ddl_node(ddl, ddl->old, "core", "inherits", NULL);
	StringInfoData sql;
	SdDdlStep *step;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %s%s%s %s (%s)", persistence ? persistence : "",
					 persistence ? " " : "", ddl->writer->keyword, ddl->identity,
					 sd_ddl_column_list(ddl));
	if (inherits != NULL)
		appendStringInfo(&sql, " INHERITS (%s)", sd_ddl_join(inherits, ", ", false));
	if (key != NULL)
		appendStringInfo(&sql, " PARTITION BY %s", key);
	if (foreign)
		appendStringInfo(&sql, " SERVER %s%s", sd_ddl_old(ddl, "core", "server", NULL),
						 sd_ddl_foreign_options(ddl, sd_ddl_peek(ddl->old, "core", "options", NULL)));
	sd_ddl_mark(sd_ddl_peek(ddl->old, "core", "options", NULL));
	appendStringInfoString(&sql, sd_ddl_storage_clauses(ddl));
	step = sd_ddl_step(ddl, "%s", sql.data);
	if (!foreign && key == NULL)
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_CERTAIN,
					 "the rows that the table had are gone");
	if (of_type != NULL)
		sd_ddl_step(ddl, "ALTER TABLE %s OF %s", ddl->identity, of_type);
	sd_ddl_columns_after_create(ddl);
	sd_ddl_parts(ddl);
	attach_partition(ddl);
	ddl->stage = SD_DDL_MAKE;
	sd_ddl_storage(ddl);
	sd_ddl_row_security(ddl);
	sd_ddl_part_comments(ddl);
	sd_ddl_mark(sd_ddl_peek(ddl->old, "order", "columns", NULL));
}

static bool
has_text(SdNode *list, SdNode *text)
{
	for (SdNode *item = list ? list->first : NULL; item != NULL; item = item->next)
		if (sd_ddl_equal(item, text))
			return true;
	return false;
}

/* Parents of plain inheritance. */
static void
alter_inheritance(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "inherits", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "inherits", NULL);
	/* a parent keeps its place only when all that come after it go and come back */
	bool same_so_far = true;
	SdNode *other = new ? new->first : NULL;

	if (sd_ddl_same(ddl, old, new))
		return;
	for (SdNode *item = new ? new->first : NULL; item != NULL; item = item->next)
		if (!has_text(old, item))
		{
			ddl->stage = SD_DDL_BEFORE;
			sd_ddl_step(ddl, "%s NO INHERIT %s", sd_ddl_alter_words(ddl), sd_ddl_scalar(item));
			ddl->stage = SD_DDL_MAKE;
		}
	for (SdNode *item = old ? old->first : NULL; item != NULL; item = item->next)
	{
		while (other != NULL && !has_text(old, other))
			other = other->next;
		same_so_far &= other != NULL && sd_ddl_equal(item, other);
		other = other ? other->next : NULL;
		if (same_so_far)
			continue;
		if (has_text(new, item))
			sd_ddl_step(ddl, "%s NO INHERIT %s", sd_ddl_alter_words(ddl), sd_ddl_scalar(item));
		ddl->part = "attach";
		sd_ddl_step(ddl, "%s INHERIT %s", sd_ddl_alter_words(ddl), sd_ddl_scalar(item));
		ddl->part = NULL;
	}
}

static void
alter_partition(SdDdl *ddl)
{
	bool moved = sd_ddl_changed(ddl, "core", "partition_of");
	bool rebound = sd_ddl_changed(ddl, "core", "bound");
	const char *parent = sd_ddl_scalar(sd_ddl_peek(ddl->new, "core", "partition_of", NULL));

	if (!moved && !rebound)
		return;
	if (parent != NULL)
	{
		ddl->stage = SD_DDL_BEFORE;
		ddl->part = "detach";
		sd_ddl_step(ddl, "ALTER TABLE %s DETACH PARTITION %s", parent, ddl->new_identity);
		ddl->part = NULL;
		ddl->stage = SD_DDL_MAKE;
	}
	attach_partition(ddl);
}

static bool
alter_table(SdDdl *ddl)
{
	if (sd_ddl_changed(ddl, "core", "partition_key"))
		sd_ddl_impossible(ddl, "the partition key of a table cannot be changed; the table has to be "
							   "made anew and filled by hand");
	if (sd_ddl_changed(ddl, "core", "server"))
		return false;
	if (strcmp(ddl->kind, "foreign table") == 0)
	{
		SdNode *old = sd_ddl_peek(ddl->old, "core", "options", NULL);
		SdNode *new = sd_ddl_peek(ddl->new, "core", "options", NULL);
		const char *changes = sd_ddl_foreign_changes(ddl, old, new);

		sd_ddl_mark(old);
		sd_ddl_mark(new);
		if (changes[0] != '\0')
			sd_ddl_step(ddl, "%s%s", sd_ddl_alter_words(ddl), changes);
	}
	alter_partition(ddl);
	alter_inheritance(ddl);
	if (sd_ddl_changed(ddl, "core", "persistence"))
	{
		bool unlogged = sd_ddl_old(ddl, "core", "persistence", NULL) != NULL;

		sd_ddl_step(ddl, "%s SET %s", sd_ddl_alter_words(ddl), unlogged ? "UNLOGGED" : "LOGGED");
	}
	if (sd_ddl_changed(ddl, "core", "of_type"))
	{
		const char *type = sd_ddl_old(ddl, "core", "of_type", NULL);

		if (sd_ddl_peek(ddl->new, "core", "of_type", NULL) != NULL)
		{
			ddl->stage = SD_DDL_BEFORE;
			sd_ddl_step(ddl, "%s NOT OF", sd_ddl_alter_words(ddl));
			ddl->stage = SD_DDL_MAKE;
		}
		if (type != NULL)
			sd_ddl_step(ddl, "%s OF %s", sd_ddl_alter_words(ddl), type);
	}
	sd_ddl_alter_columns(ddl);
	sd_ddl_parts(ddl);
	sd_ddl_storage(ddl);
	sd_ddl_row_security(ddl);
	sd_ddl_part_comments(ddl);
	return true;
}

const SdDdlKind sd_ddl_table_kinds[] = {
	{ "table", .keyword = "TABLE", .acl_keyword = "TABLE", .acl_type = OBJECT_TABLE, .has_owner = true,
	  .has_comment = true, .can_rename = true, .can_move = true, .loss = SD_DIFF_CERTAIN,
	  .lost = "rows of the table", .create = create_table, .alter = alter_table },
	{ "foreign table", .keyword = "FOREIGN TABLE", .acl_keyword = "TABLE", .acl_type = OBJECT_TABLE,
	  .has_owner = true, .has_comment = true, .can_rename = true, .can_move = true,
	  .create = create_table, .alter = alter_table },
	{ "view", .keyword = "VIEW", .acl_keyword = "TABLE", .acl_type = OBJECT_TABLE,
	  .has_owner = true, .has_comment = true, .can_rename = true, .can_move = true,
	  .create = sd_ddl_create_view, .alter = sd_ddl_alter_view },
	{ "materialized view", .keyword = "MATERIALIZED VIEW", .acl_keyword = "TABLE",
	  .acl_type = OBJECT_TABLE, .has_owner = true, .has_comment = true, .can_rename = true,
	  .can_move = true, .create = sd_ddl_create_matview, .alter = sd_ddl_alter_matview },
	{ "sequence", .keyword = "SEQUENCE", .acl_keyword = "SEQUENCE", .acl_type = OBJECT_SEQUENCE,
	  .has_owner = true, .has_comment = true, .can_rename = true, .can_move = true,
	  .loss = SD_DIFF_CERTAIN, .lost = "values that the sequence has given out",
	  .create = sd_ddl_create_sequence, .alter = sd_ddl_alter_sequence },
	{ "enum", .keyword = "TYPE", .acl_keyword = "TYPE", .acl_type = OBJECT_TYPE, .has_owner = true,
	  .has_comment = true, .can_rename = true, .can_move = true, .is_type = true,
	  .create = sd_ddl_create_enum, .alter = sd_ddl_alter_enum },
	{ .kind = NULL }
};
