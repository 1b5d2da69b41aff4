/*
 * sd_ddl_type.c
 *	  Statements for domains, composite, range, base and shell types.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* " COLLATE x" of a map, or nothing. */
static char *
collate(SdNode *map)
{
	const char *collation = sd_ddl_text(map, "collation", NULL);

	return collation ? psprintf(" COLLATE %s", collation) : pstrdup("");
}

/* Domains */

static void
constraint_comments(SdDdl *ddl, const char *name)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "comment", "constraints", name);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "comment", "constraints", name);

	/* a constraint that was not there had no comment either */
	if (ddl->new == NULL || sd_ddl_node(ddl, ddl->new, "core", "constraints", name) == NULL)
		new = NULL;
	sd_ddl_comment(ddl, psprintf("CONSTRAINT %s ON DOMAIN %s", quote_identifier(name), ddl->identity),
				   old, new);
}

static bool
is_valid(SdNode *constraint)
{
	SdNode *validated = sd_ddl_get(constraint, "validated");

	return validated == NULL || validated->boolean;
}

static void
add_constraint(SdDdl *ddl, const char *name, SdNode *constraint)
{
	const char *definition = sd_ddl_text(constraint, "definition", "");

	sd_ddl_step(ddl, "ALTER DOMAIN %s ADD CONSTRAINT %s %s%s", ddl->identity,
				quote_identifier(name), definition, is_valid(constraint) ? "" : " NOT VALID");
}

/* Whether one of the constraints is what keeps nulls out. */
static bool
has_not_null(SdNode *constraints)
{
	for (SdNode *con = constraints ? constraints->first : NULL; con != NULL; con = con->next)
		if (strcmp(sd_ddl_text(con, "type", ""), "not null") == 0)
			return true;
	return false;
}

static void
create_domain(SdDdl *ddl)
{
	SdNode *constraints = sd_ddl_node(ddl, ddl->old, "core", "constraints", NULL);
	const char *value = sd_ddl_old(ddl, "core", "default", NULL);
	const char *collation = sd_ddl_old(ddl, "core", "collation", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE DOMAIN %s AS %s", ddl->identity,
					 sd_ddl_old(ddl, "core", "base", ""));
	if (collation != NULL)
		appendStringInfo(&buf, " COLLATE %s", collation);
	if (value != NULL)
		appendStringInfo(&buf, " DEFAULT %s", value);
	if (sd_ddl_old(ddl, "core", "not_null", NULL) != NULL && !has_not_null(constraints))
		appendStringInfoString(&buf, " NOT NULL");
	for (SdNode *con = constraints ? constraints->first : NULL; con != NULL; con = con->next)
		if (is_valid(con))
			appendStringInfo(&buf, "\n\tCONSTRAINT %s %s", quote_identifier(sd_ddl_key(con)),
							 sd_ddl_text(con, "definition", ""));
	sd_ddl_step(ddl, "%s", buf.data);
	for (SdNode *con = constraints ? constraints->first : NULL; con != NULL; con = con->next)
	{
		sd_ddl_mark(con);
		if (!is_valid(con))
			add_constraint(ddl, sd_ddl_key(con), con);
		constraint_comments(ddl, sd_ddl_key(con));
	}
}

/* The same constraint but for its being checked. */
static bool
same_but_validated(SdDdl *ddl, SdNode *old, SdNode *new)
{
	return is_valid(old) && !is_valid(new) &&
		   sd_ddl_same(ddl, sd_ddl_get(old, "definition"), sd_ddl_get(new, "definition"));
}

static void
alter_constraints(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "constraints", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "constraints", NULL);

	sd_ddl_mark(old);
	sd_ddl_mark(new);
	for (SdNode *con = new ? new->first : NULL; con != NULL; con = con->next)
	{
		SdNode *wanted = old ? sd_map_find(old, sd_ddl_key(con)) : NULL;

		if (!sd_ddl_same(ddl, wanted, con) && !(wanted && same_but_validated(ddl, wanted, con)))
			sd_ddl_step(ddl, "ALTER DOMAIN %s DROP CONSTRAINT %s", ddl->identity,
						quote_identifier(sd_ddl_key(con)));
	}
	for (SdNode *con = old ? old->first : NULL; con != NULL; con = con->next)
	{
		SdNode *present = new ? sd_map_find(new, sd_ddl_key(con)) : NULL;

		if (present && same_but_validated(ddl, con, present))
			sd_ddl_step(ddl, "ALTER DOMAIN %s VALIDATE CONSTRAINT %s", ddl->identity,
						quote_identifier(sd_ddl_key(con)));
		else if (!sd_ddl_same(ddl, con, present))
		{
			add_constraint(ddl, sd_ddl_key(con), con);
			if (present != NULL)
			{
				/* the comment went with the one that was dropped */
				SdNode *comment =
					sd_ddl_node(ddl, ddl->old, "comment", "constraints", sd_ddl_key(con));

				sd_ddl_comment(ddl,
							   psprintf("CONSTRAINT %s ON DOMAIN %s",
										quote_identifier(sd_ddl_key(con)), ddl->identity),
							   comment, NULL);
				continue;
			}
		}
		constraint_comments(ddl, sd_ddl_key(con));
	}
	sd_ddl_mark(sd_ddl_node(ddl, ddl->old, "comment", "constraints", NULL));
	sd_ddl_mark(sd_ddl_node(ddl, ddl->new, "comment", "constraints", NULL));
}

static bool
alter_domain(SdDdl *ddl)
{
	const char *value;

	if (sd_ddl_changed(ddl, "core", "base") || sd_ddl_changed(ddl, "core", "collation"))
		return false;
	if (sd_ddl_changed(ddl, "core", "default"))
	{
		value = sd_ddl_old(ddl, "core", "default", NULL);
		sd_ddl_step(ddl, "ALTER DOMAIN %s %s%s", ddl->identity,
					value ? "SET DEFAULT " : "DROP DEFAULT", value ? value : "");
	}
	if (sd_ddl_changed(ddl, "core", "not_null"))
	{
		bool set = sd_ddl_old(ddl, "core", "not_null", NULL) != NULL;

		if (!has_not_null(sd_ddl_node(ddl, set ? ddl->old : ddl->new, "core", "constraints", NULL)))
			sd_ddl_step(ddl, "ALTER DOMAIN %s %s NOT NULL", ddl->identity, set ? "SET" : "DROP");
	}
	alter_constraints(ddl);
	return true;
}

/* Composite types */

static char *
attribute_sql(SdNode *attribute)
{
	return psprintf("%s %s%s", quote_identifier(sd_ddl_text(attribute, "name", "")),
					sd_ddl_text(attribute, "type", ""), collate(attribute));
}

static SdNode *
find_attribute(SdNode *list, const char *name)
{
	for (SdNode *attribute = list ? list->first : NULL; attribute != NULL; attribute = attribute->next)
		if (strcmp(sd_ddl_text(attribute, "name", ""), name) == 0)
			return attribute;
	return NULL;
}

/* Comment and labels of an attribute; "fresh" when it has none now. */
static void
attribute_comment(SdDdl *ddl, const char *name, bool fresh)
{
	const char *target = psprintf("COLUMN %s.%s", ddl->identity, quote_identifier(name));
	SdNode *old = sd_ddl_node(ddl, ddl->old, "comment", "columns", name);
	SdNode *new = fresh ? NULL : sd_ddl_node(ddl, ddl->new, "comment", "columns", name);

	sd_ddl_comment(ddl, target, old, new);
	old = sd_ddl_node(ddl, ddl->old, "security", "columns", name);
	new = fresh ? NULL : sd_ddl_node(ddl, ddl->new, "security", "columns", name);
	sd_ddl_labels(ddl, target, sd_ddl_get(old, "security_labels"),
				  sd_ddl_get(new, "security_labels"));
}

/* Whether columns are of the type or of arrays of it, which keeps its attributes from changing. */
static bool
is_in_use(SdDdl *ddl)
{
	return sd_ddl_ask("SELECT a.attname FROM pg_catalog.pg_type t"
					  " JOIN pg_catalog.pg_attribute a ON a.atttypid IN (t.oid, t.typarray)"
					  " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')"
					  " WHERE t.oid = pg_catalog.to_regtype($1) AND NOT a.attisdropped"
					  " AND $2 = ''",
					  ddl->new_identity ? ddl->new_identity : ddl->identity, "") != NULL;
}

static void
create_composite(SdDdl *ddl)
{
	SdNode *attributes = sd_ddl_node(ddl, ddl->old, "core", "attributes", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE TYPE %s AS (", ddl->identity);
	for (SdNode *attribute = attributes ? attributes->first : NULL; attribute != NULL;
		 attribute = attribute->next)
		appendStringInfo(&buf, "%s\n\t%s", attribute == attributes->first ? "" : ",",
						 attribute_sql(attribute));
	appendStringInfoString(&buf, ")");
	sd_ddl_step(ddl, "%s", buf.data);
	for (SdNode *attribute = attributes ? attributes->first : NULL; attribute != NULL;
		 attribute = attribute->next)
		attribute_comment(ddl, sd_ddl_text(attribute, "name", ""), true);
}

/*
 * Attributes are kept as long as their order is that of the old side; from the
 * first that is out of place on, they are dropped and added at the end.
 */
static bool
alter_composite(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "attributes", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "attributes", NULL);
	SdNode *wanted = old ? old->first : NULL;

	for (SdNode *present = new ? new->first : NULL; present != NULL; present = present->next)
	{
		const char *name = sd_ddl_text(present, "name", "");
		SdDdlStep *step;

		if (wanted != NULL && strcmp(sd_ddl_text(wanted, "name", ""), name) == 0)
		{
			if (!sd_ddl_same(ddl, wanted, present))
			{
				/* made anew, the columns of the type can be converted */
				if (is_in_use(ddl))
					return false;
				sd_ddl_step(ddl, "ALTER TYPE %s ALTER ATTRIBUTE %s TYPE %s%s CASCADE", ddl->identity,
							quote_identifier(name), sd_ddl_text(wanted, "type", ""), collate(wanted));
			}
			attribute_comment(ddl, name, false);
			wanted = wanted->next;
			continue;
		}
		step = sd_ddl_step(ddl, "ALTER TYPE %s DROP ATTRIBUTE %s CASCADE", ddl->identity,
						   quote_identifier(name));
		if (find_attribute(old, name) != NULL)
			sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_CERTAIN,
						 "the attribute gets its old place, but not its values back");
		else
			sd_ddl_loses(step, SD_DDL_FULL, SD_DIFF_CERTAIN, "values of the attribute are lost");
	}
	for (; wanted != NULL; wanted = wanted->next)
	{
		const char *name = sd_ddl_text(wanted, "name", "");
		SdDdlStep *step = sd_ddl_step(ddl, "ALTER TYPE %s ADD ATTRIBUTE %s CASCADE", ddl->identity,
									  attribute_sql(wanted));

		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE,
					 "values that the attribute had do not come back");
		attribute_comment(ddl, name, true);
	}
	sd_ddl_mark(sd_ddl_node(ddl, ddl->new, "comment", "columns", NULL));
	return true;
}

/* Range types */

static const SdDdlOption range_options[] = { { "subtype", "SUBTYPE" },
											 { "opclass", "SUBTYPE_OPCLASS" },
											 { "collation", "COLLATION" },
											 { "canonical", "CANONICAL" },
											 { "subtype_diff", "SUBTYPE_DIFF" },
											 { "multirange", "MULTIRANGE_TYPE_NAME" },
											 { NULL } };

/*
 * Functions of a type take or return it, so it is there as a shell before them,
 * and its definition comes after them as a part.
 */
static void
make_shell(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE TYPE %s", ddl->identity);
	ddl->part = "definition";
}

/* The multirange is a type of its own and keeps its users when only its name differs. */
static void
rename_multirange(SdDdl *ddl, const char *old, const char *new)
{
	char *old_schema;
	char *new_schema;
	char *old_name;
	char *new_name;
	char *rest;

	sd_diff_split_identity(old, &old_schema, &old_name, &rest);
	sd_diff_split_identity(new, &new_schema, &new_name, &rest);
	if (strcmp(old_schema, new_schema) != 0)
		sd_ddl_step(ddl, "ALTER TYPE %s SET SCHEMA %s", new, old_schema);
	if (strcmp(old_name, new_name) != 0)
		sd_ddl_step(ddl, "ALTER TYPE %s.%s RENAME TO %s", old_schema, new_name, old_name);
}

static bool
alter_range(SdDdl *ddl)
{
	bool renamed = sd_ddl_changed(ddl, "core", "multirange");
	const char *old = sd_ddl_old(ddl, "core", "multirange", NULL);
	const char *new = sd_ddl_new(ddl, "core", "multirange", NULL);

	for (const SdDdlOption *option = range_options; option->key != NULL; option++)
		if (strcmp(option->key, "multirange") != 0 && sd_ddl_changed(ddl, "core", option->key))
			return false;
	if (renamed && old != NULL && new != NULL)
		rename_multirange(ddl, old, new);
	sd_ddl_common(ddl);
	return true;
}

static void
create_range(SdDdl *ddl)
{
	if (sd_ddl_old(ddl, "core", "canonical", NULL) != NULL)
		make_shell(ddl);
	sd_ddl_step(ddl, "CREATE TYPE %s AS RANGE (%s)", ddl->identity, sd_ddl_list(ddl, range_options));
	sd_ddl_common(ddl);
}

/* Base types */

static const char *const alignments[][2] = {
	{ "c", "char" }, { "s", "int2" }, { "i", "int4" }, { "d", "double" }, { NULL }
};
static const char *const storages[][2] = {
	{ "p", "plain" }, { "e", "external" }, { "x", "extended" }, { "m", "main" }, { NULL }
};
static const char *const lengths[][2] = { { "-1", "VARIABLE" }, { NULL } };

static const SdDdlOption base_options[] = {
	{ "input", "INPUT" },
	{ "output", "OUTPUT" },
	{ "length", "INTERNALLENGTH", SD_DDL_WORD, NULL, lengths },
	{ "by_value", "PASSEDBYVALUE", SD_DDL_FLAG },
	{ "alignment", "ALIGNMENT", SD_DDL_WORD, NULL, alignments },
	{ "category", "CATEGORY", SD_DDL_LITERAL, "U" },
	{ "preferred", "PREFERRED" },
	{ "default", "DEFAULT", SD_DDL_LITERAL },
	{ "element", "ELEMENT" },
	{ "delimiter", "DELIMITER", SD_DDL_LITERAL, "," },
	{ "collatable", "COLLATABLE" },
	{ NULL }
};

/* Options that ALTER TYPE can set. */
static const SdDdlOption settable_options[] = { { "receive", "RECEIVE" },
												{ "send", "SEND" },
												{ "typmod_in", "TYPMOD_IN" },
												{ "typmod_out", "TYPMOD_OUT" },
												{ "analyze", "ANALYZE" },
												{ "subscript", "SUBSCRIPT" },
												{ "storage", "STORAGE", SD_DDL_WORD, NULL, storages },
												{ NULL } };

static void
write_base(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE TYPE %s (%s, %s)", ddl->identity, sd_ddl_list(ddl, base_options),
				sd_ddl_list(ddl, settable_options));
}

static void
create_base(SdDdl *ddl)
{
	make_shell(ddl);
	if (sd_ddl_old(ddl, "core", "shell", NULL) == NULL)
		write_base(ddl);
	sd_ddl_common(ddl);
}

static bool
alter_base(SdDdl *ddl)
{
	const char *changes;
	bool is_shell = sd_ddl_new(ddl, "core", "shell", NULL) != NULL;

	if (sd_ddl_changed(ddl, "core", "shell"))
	{
		if (!is_shell)
			return false;
		write_base(ddl);
		sd_ddl_common(ddl);
		return true;
	}
	for (const SdDdlOption *option = base_options; option->key != NULL; option++)
		if (sd_ddl_changed(ddl, "core", option->key))
			sd_ddl_impossible(ddl,
							  "no statement changes the %s of a base type; made anew, it would take "
							  "every column of the type along",
							  option->word);
	/* values that are not plain may lie in another table */
	if (strcmp(sd_ddl_old(ddl, "core", "storage", ""), "p") == 0 &&
		sd_ddl_changed(ddl, "core", "storage"))
		sd_ddl_impossible(ddl, "no statement makes the storage of a base type plain again");
	changes = sd_ddl_list_changes(ddl, settable_options);
	if (changes[0] != '\0')
		sd_ddl_step(ddl, "ALTER TYPE %s SET (%s)", ddl->identity, changes);
	sd_ddl_common(ddl);
	return true;
}

/* The functions of a type go with it, for each needs the other. */
static void
drop_base(SdDdl *ddl)
{
	SdDdlStep *step = sd_ddl_step(ddl, "DROP TYPE %s CASCADE", ddl->identity);

	sd_ddl_loses(step, SD_DDL_FULL, SD_DIFF_NONE, NULL);
}

#define TYPE_KIND                                                                           \
	.acl_keyword = "TYPE", .acl_type = OBJECT_TYPE, .has_owner = true, .has_comment = true, \
	.can_rename = true, .can_move = true, .is_type = true

const SdDdlKind sd_ddl_type_kinds[] = {
	{ .kind = "domain", .keyword = "DOMAIN", TYPE_KIND, .create = create_domain, .alter = alter_domain },
	{ .kind = "composite type",
	  .keyword = "TYPE",
	  TYPE_KIND,
	  .create = create_composite,
	  .alter = alter_composite },
	{ .kind = "range",
	  .keyword = "TYPE",
	  TYPE_KIND,
	  .plain = true,
	  .create = create_range,
	  .alter = alter_range },
	{ .kind = "type",
	  .keyword = "TYPE",
	  TYPE_KIND,
	  .plain = true,
	  .create = create_base,
	  .alter = alter_base,
	  .drop = drop_base },
	{ NULL }
};
