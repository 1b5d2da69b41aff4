/*
 * sd_ddl_misc.c
 *	  Statements for schemas, extensions, collations, statistics, event triggers
 *	  and default privileges.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* Schemas */

static void
create_schema(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE SCHEMA %s", ddl->identity);
}

/* Extensions */

static void
create_extension(SdDdl *ddl)
{
	const char *version = sd_ddl_old(ddl, "version", "version", NULL);
	SdDdlStep *step = sd_ddl_step(ddl, "CREATE EXTENSION %s WITH SCHEMA %s%s%s", ddl->identity,
								  sd_ddl_old(ddl, "core", "schema", "public"),
								  version ? " VERSION " : "", version ? sd_ddl_literal(version) : "");

	sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE,
				 "data that the extension held, and columns of its types, do not come back");
}

static bool
alter_extension(SdDdl *ddl)
{
	if (sd_ddl_changed(ddl, "core", "schema"))
		sd_ddl_step(ddl, "ALTER EXTENSION %s SET SCHEMA %s", ddl->identity,
					sd_ddl_old(ddl, "core", "schema", "public"));
	if (sd_ddl_changed(ddl, "version", "version"))
	{
		const char *old = sd_ddl_old(ddl, "version", "version", "");
		const char *new = sd_ddl_new(ddl, "version", "version", "");
		const char *path =
			sd_ddl_ask("SELECT p.path FROM pg_catalog.pg_extension_update_paths($1::pg_catalog.name) p"
					   " WHERE p.source || ' ' || p.target = $2",
					   sd_ddl_unquote(ddl->identity), psprintf("%s %s", new, old));

		if (path != NULL)
			sd_ddl_step(ddl, "ALTER EXTENSION %s UPDATE TO %s", ddl->identity, sd_ddl_literal(old));
		else
			sd_ddl_impossible(ddl, "extension %s has no update script from version %s to %s",
							  ddl->identity, new, old);
	}
	return true;
}

/* Collations */

static const SdDdlOption collation_options[] = { { "provider", "PROVIDER" },
												 { "lc_collate", "LC_COLLATE", SD_DDL_LITERAL },
												 { "lc_ctype", "LC_CTYPE", SD_DDL_LITERAL },
												 { "locale", "LOCALE", SD_DDL_LITERAL },
												 { "deterministic", "DETERMINISTIC" },
												 { "rules", "RULES", SD_DDL_LITERAL },
												 { NULL } };

static void
create_collation(SdDdl *ddl)
{
	/* the version is that of the library which will do the comparing */
	(void) sd_ddl_old(ddl, "version", "version", NULL);
	sd_ddl_step(ddl, "CREATE COLLATION %s (%s)", ddl->identity, sd_ddl_list(ddl, collation_options));
}

static bool
alter_collation(SdDdl *ddl)
{
	if (sd_ddl_list_changed(ddl, collation_options))
		return false;
	if (sd_ddl_changed(ddl, "version", "version"))
	{
		const char *old = sd_ddl_old(ddl, "version", "version", NULL);
		const char *actual = sd_ddl_ask("SELECT pg_catalog.pg_collation_actual_version("
										"pg_catalog.to_regcollation($1)) WHERE $2 IS NOT NULL",
										ddl->identity, "");

		if (old == NULL)
			sd_ddl_impossible(ddl, "no statement takes the recorded version of a collation away");
		else if (actual != NULL && strcmp(actual, old) == 0)
			sd_ddl_step(ddl, "ALTER COLLATION %s REFRESH VERSION", ddl->identity);
		else
			sd_ddl_impossible(ddl,
							  "no statement records version %s of a collation whose library now has "
							  "version %s",
							  old, actual ? actual : "none");
	}
	return true;
}

/* Extended statistics */

static void
create_statistics(SdDdl *ddl)
{
	SdNode *kinds = sd_ddl_node(ddl, ddl->old, "core", "kinds", NULL);
	SdNode *columns = sd_ddl_node(ddl, ddl->old, "core", "columns", NULL);
	SdNode *expressions = sd_ddl_node(ddl, ddl->old, "core", "expressions", NULL);
	const char *target = sd_ddl_old(ddl, "storage", "statistics", NULL);
	StringInfoData kinds_sql;
	StringInfoData on;

	initStringInfo(&kinds_sql);
	initStringInfo(&on);
	/* statistics of expressions are always made where there are any */
	for (SdNode *kind = kinds ? kinds->first : NULL; kind != NULL; kind = kind->next)
		if (strcmp(sd_ddl_scalar(kind), "expressions") != 0)
			appendStringInfo(&kinds_sql, "%s%s", kinds_sql.len > 0 ? ", " : " (",
							 sd_ddl_scalar(kind));
	if (kinds_sql.len > 0)
		appendStringInfoChar(&kinds_sql, ')');
	appendStringInfoString(&on, sd_ddl_join(columns, ", ", true));
	for (SdNode *expr = expressions ? expressions->first : NULL; expr != NULL; expr = expr->next)
		appendStringInfo(&on, "%s(%s)", on.len > 0 ? ", " : "", sd_ddl_scalar(expr));
	sd_ddl_step(ddl, "CREATE STATISTICS %s%s ON %s FROM %s", ddl->identity, kinds_sql.data, on.data,
				sd_ddl_old(ddl, "core", "table", ""));
	if (target != NULL)
		sd_ddl_step(ddl, "ALTER STATISTICS %s SET STATISTICS %s", ddl->identity, target);
}

static bool
alter_statistics(SdDdl *ddl)
{
	static const char *const keys[] = { "table", "kinds", "columns", "expressions" };

	for (int i = 0; i < lengthof(keys); i++)
		if (sd_ddl_changed(ddl, "core", keys[i]))
			return false;
	if (sd_ddl_changed(ddl, "storage", "statistics"))
		sd_ddl_step(ddl, "ALTER STATISTICS %s SET STATISTICS %s", ddl->identity,
					sd_ddl_old(ddl, "storage", "statistics", "-1"));
	return true;
}

/* Event triggers: they would fire for the statements that come after them */

static void
enable_event_trigger(SdDdl *ddl)
{
	static const char *const verbs[][2] = { { "origin", "ENABLE" },
											{ "disabled", "DISABLE" },
											{ "replica", "ENABLE REPLICA" },
											{ "always", "ENABLE ALWAYS" },
											{ NULL } };

	sd_ddl_step(ddl, "ALTER EVENT TRIGGER %s %s", ddl->identity,
				sd_ddl_spell(verbs, sd_ddl_old(ddl, "core", "enabled", "origin")));
}

static void
create_event_trigger(SdDdl *ddl)
{
	SdNode *tags = sd_ddl_node(ddl, ddl->old, "core", "tags", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *tag = tags ? tags->first : NULL; tag != NULL; tag = tag->next)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : " WHEN TAG IN (",
						 sd_ddl_literal(sd_ddl_scalar(tag)));
	if (buf.len > 0)
		appendStringInfoChar(&buf, ')');
	sd_ddl_step(ddl, "CREATE EVENT TRIGGER %s ON %s%s EXECUTE FUNCTION %s()", ddl->identity,
				sd_ddl_old(ddl, "core", "event", ""), buf.data,
				sd_ddl_old(ddl, "core", "function", ""));
	if (strcmp(sd_ddl_old(ddl, "core", "enabled", "origin"), "origin") != 0)
		enable_event_trigger(ddl);
}

static bool
alter_event_trigger(SdDdl *ddl)
{
	static const char *const keys[] = { "event", "function", "tags" };

	for (int i = 0; i < lengthof(keys); i++)
		if (sd_ddl_changed(ddl, "core", keys[i]))
			return false;
	if (sd_ddl_changed(ddl, "core", "enabled"))
		enable_event_trigger(ddl);
	return true;
}

static void
drop_event_trigger(SdDdl *ddl)
{
	ddl->stage = SD_DDL_BEFORE;
	sd_ddl_step(ddl, "DROP EVENT TRIGGER %s", ddl->identity);
}

const SdDdlKind sd_ddl_misc_kinds[] = { { .kind = "schema",
										  .keyword = "SCHEMA",
										  .acl_keyword = "SCHEMA",
										  .acl_type = OBJECT_SCHEMA,
										  .has_owner = true,
										  .has_comment = true,
										  .can_rename = true,
										  .create = create_schema },
										{ .kind = "extension",
										  .keyword = "EXTENSION",
										  .has_comment = true,
										  .loss = SD_DIFF_POSSIBLE,
										  .lost = "data that the extension holds",
										  .create = create_extension,
										  .alter = alter_extension },
										{ .kind = "collation",
										  .keyword = "COLLATION",
										  .has_owner = true,
										  .has_comment = true,
										  .can_rename = true,
										  .can_move = true,
										  .create = create_collation,
										  .alter = alter_collation },
										{ .kind = "statistics",
										  .keyword = "STATISTICS",
										  .has_owner = true,
										  .has_comment = true,
										  .can_rename = true,
										  .can_move = true,
										  .create = create_statistics,
										  .alter = alter_statistics },
										{ .kind = "event trigger",
										  .keyword = "EVENT TRIGGER",
										  .late = true,
										  .has_owner = true,
										  .has_comment = true,
										  .can_rename = true,
										  .create = create_event_trigger,
										  .alter = alter_event_trigger,
										  .drop = drop_event_trigger },
										{ NULL } };
