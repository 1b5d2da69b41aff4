/*
 * sd_ddl_replication.c
 *	  Statements for publications and subscriptions.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* Publications */

/* "publish = 'insert, update'" and the like, of what is not at its default or differs. */
static char *
publish_options(SdDdl *ddl, bool all)
{
	SdNode *publish = sd_ddl_node(ddl, ddl->old, "core", "publish", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	/* the list is sorted and "all" of it is the default */
	if (all ? !(publish != NULL && publish->len == 4) : sd_ddl_changed(ddl, "core", "publish"))
		appendStringInfo(&buf, "publish = %s", sd_ddl_literal(sd_ddl_join(publish, ", ", false)));
	if (all ? sd_ddl_old(ddl, "core", "via_root", NULL) != NULL :
			  sd_ddl_changed(ddl, "core", "via_root"))
		appendStringInfo(&buf, "%spublish_via_partition_root = %s", buf.len > 0 ? ", " : "",
						 sd_ddl_old(ddl, "core", "via_root", "false"));
	if (all ? sd_ddl_old(ddl, "core", "generated_columns", NULL) != NULL :
			  sd_ddl_changed(ddl, "core", "generated_columns"))
		appendStringInfo(&buf, "%spublish_generated_columns = %s", buf.len > 0 ? ", " : "",
						 sd_ddl_old(ddl, "core", "generated_columns", NULL) ? "stored" : "none");
	return buf.data;
}

/* Appends "TABLE ONLY t (a, b) WHERE (…)"; the word TABLE stands before the first alone. */
static void
append_table(StringInfo buf, SdNode *table, bool name_only)
{
	SdNode *columns = name_only ? NULL : sd_ddl_get(table, "columns");
	const char *where = name_only ? NULL : sd_ddl_text(table, "where", NULL);

	appendStringInfo(buf, "%sONLY %s", buf->len > 0 ? ", " : "TABLE ", sd_ddl_key(table));
	if (columns != NULL)
		appendStringInfo(buf, " (%s)", sd_ddl_join(columns, ", ", true));
	if (where != NULL)
		appendStringInfo(buf, " WHERE (%s)", where);
}

static void
append_schema(StringInfo buf, SdNode *schema)
{
	appendStringInfo(buf, "%sTABLES IN SCHEMA %s", buf->len > 0 ? ", " : "", sd_ddl_scalar(schema));
}

static bool
has_schema(SdDdl *ddl, SdNode *schemas, SdNode *schema, bool are_new)
{
	for (SdNode *other = schemas ? schemas->first : NULL; other != NULL; other = other->next)
		if (sd_ddl_same(ddl, are_new ? schema : other, are_new ? other : schema))
			return true;
	return false;
}

/* What one side has and the other has not, in the words of ADD and DROP. */
static char *
publication_objects(SdDdl *ddl, SdNode *tables, SdNode *except_tables, SdNode *schemas,
					SdNode *except_schemas, bool names_only)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *table = tables ? tables->first : NULL; table != NULL; table = table->next)
	{
		SdNode *other = sd_ddl_counterpart(ddl, except_tables, sd_ddl_key(table), !names_only);

		if (other != NULL && sd_ddl_same(ddl, names_only ? other : table, names_only ? table : other))
			continue;
		append_table(&buf, table, names_only);
	}
	for (SdNode *schema = schemas ? schemas->first : NULL; schema != NULL; schema = schema->next)
		if (!has_schema(ddl, except_schemas, schema, !names_only))
			append_schema(&buf, schema);
	return buf.data;
}

static SdNode *
publication_part(SdDdl *ddl, SdNode *side, const char *key)
{
	SdNode *part = sd_ddl_node(ddl, side, "core", key, NULL);

	sd_ddl_mark(part);
	return part;
}

static void
create_publication(SdDdl *ddl)
{
	const char *options = publish_options(ddl, true);
	const char *objects =
		publication_objects(ddl, publication_part(ddl, ddl->old, "tables"), NULL,
							publication_part(ddl, ddl->old, "schemas"), NULL, false);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE PUBLICATION %s", ddl->identity);
	if (sd_ddl_old(ddl, "core", "all_tables", NULL) != NULL)
		appendStringInfoString(&buf, " FOR ALL TABLES");
	else if (objects[0] != '\0')
		appendStringInfo(&buf, " FOR %s", objects);
	if (options[0] != '\0')
		appendStringInfo(&buf, " WITH (%s)", options);
	sd_ddl_step(ddl, "%s", buf.data);
}

static bool
alter_publication(SdDdl *ddl)
{
	SdNode *tables[2] = { publication_part(ddl, ddl->old, "tables"),
						  publication_part(ddl, ddl->new, "tables") };
	SdNode *schemas[2] = { publication_part(ddl, ddl->old, "schemas"),
						   publication_part(ddl, ddl->new, "schemas") };
	const char *options;
	const char *objects;

	if (sd_ddl_changed(ddl, "core", "all_tables"))
		return false;
	objects = publication_objects(ddl, tables[1], tables[0], schemas[1], schemas[0], true);
	if (objects[0] != '\0')
	{
		/* while what is listed is there, under its present name */
		ddl->stage = SD_DDL_BEFORE;
		sd_ddl_step(ddl, "ALTER PUBLICATION %s DROP %s", ddl->new_identity, objects);
		ddl->stage = SD_DDL_MAKE;
	}
	options = publish_options(ddl, false);
	if (options[0] != '\0')
		sd_ddl_step(ddl, "ALTER PUBLICATION %s SET (%s)", ddl->identity, options);
	objects = publication_objects(ddl, tables[0], tables[1], schemas[0], schemas[1], false);
	if (objects[0] != '\0')
		sd_ddl_step(ddl, "ALTER PUBLICATION %s ADD %s", ddl->identity, objects);
	return true;
}

/* Subscriptions */

/* Parameters that ALTER SUBSCRIPTION SET knows, with what they are when nothing is said. */
static const struct
{
	const char *key;
	const char *word;
	const char *otherwise;
} parameters[] = {
	{ "slot", "slot_name", "NONE" },
	{ "synchronous_commit", "synchronous_commit", "off" },
	{ "binary", "binary", "false" },
	{ "streaming", "streaming", "off" },
	{ "disable_on_error", "disable_on_error", "false" },
	{ "origin", "origin", "any" },
	{ "password_required", "password_required", "true" },
	{ "run_as_owner", "run_as_owner", "false" },
};

static void
create_subscription(SdDdl *ddl)
{
	SdNode *publications = sd_ddl_node(ddl, ddl->old, "core", "publications", NULL);

	for (SdNode *facet = ddl->old->first; facet != NULL; facet = facet->next)
		for (SdNode *member = facet->first; member != NULL; member = member->next)
			sd_ddl_mark(member);
	sd_ddl_impossible(ddl,
					  "subscription %s to %s has to be made by hand: a snapshot does not keep its "
					  "connection string",
					  ddl->identity, sd_ddl_join(publications, ", ", true));
}

static bool
alter_subscription(SdDdl *ddl)
{
	static const char *const of_slot[] = { "failover", "two_phase" };
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(of_slot); i++)
		if (sd_ddl_changed(ddl, "core", of_slot[i]))
			sd_ddl_impossible(ddl,
							  "%s of a subscription is changed together with the slot on the "
							  "publishing server",
							  of_slot[i]);
	for (int i = 0; i < lengthof(parameters); i++)
		if (sd_ddl_changed(ddl, "core", parameters[i].key))
		{
			const char *value = sd_ddl_old(ddl, "core", parameters[i].key, parameters[i].otherwise);

			appendStringInfo(&buf, "%s%s = %s", buf.len > 0 ? ", " : "", parameters[i].word,
							 strcmp(value, "NONE") == 0 ? value : sd_ddl_literal(value));
		}
	if (buf.len > 0)
		sd_ddl_step(ddl, "ALTER SUBSCRIPTION %s SET (%s)", ddl->identity, buf.data);
	if (sd_ddl_changed(ddl, "core", "publications"))
		sd_ddl_step(ddl, "ALTER SUBSCRIPTION %s SET PUBLICATION %s WITH (refresh = false)",
					ddl->identity,
					sd_ddl_join(sd_ddl_node(ddl, ddl->old, "core", "publications", NULL), ", ", true));
	return true;
}

/* With a slot on the other server DROP would have to connect there, outside of a transaction. */
static void
drop_subscription(SdDdl *ddl)
{
	const char *slot = sd_ddl_new(ddl, "core", "slot", NULL);
	SdDdlStep *step;

	if (slot != NULL)
	{
		sd_ddl_step(ddl, "ALTER SUBSCRIPTION %s DISABLE", ddl->identity);
		step = sd_ddl_step(ddl, "ALTER SUBSCRIPTION %s SET (slot_name = NONE)", ddl->identity);
		step->reason =
			psprintf("replication slot \"%s\" on the publishing server has to be dropped there",
					 slot);
	}
	sd_ddl_step(ddl, "DROP SUBSCRIPTION %s", ddl->identity);
}

const SdDdlKind sd_ddl_replication_kinds[] = { { .kind = "publication",
												 .keyword = "PUBLICATION",
												 .has_owner = true,
												 .has_comment = true,
												 .can_rename = true,
												 .create = create_publication,
												 .alter = alter_publication },
											   { .kind = "subscription",
												 .keyword = "SUBSCRIPTION",
												 .has_owner = true,
												 .has_comment = true,
												 .can_rename = true,
												 .create = create_subscription,
												 .alter = alter_subscription,
												 .drop = drop_subscription },
											   { NULL } };
