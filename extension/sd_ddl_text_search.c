/*
 * sd_ddl_text_search.c
 *	  Statements for text search configurations, dictionaries, parsers and
 *	  templates.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* Dictionaries */

static void
create_dictionary(SdDdl *ddl)
{
	const char *options = sd_ddl_old(ddl, "core", "options", NULL);

	sd_ddl_step(ddl, "CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %s%s%s)", ddl->identity,
				sd_ddl_old(ddl, "core", "template", ""), options ? ", " : "", options ? options : "");
}

/* Names of the options of "a = 'x', b = 'y'", as they are written. */
static List *
option_names(const char *options)
{
	const char *p = options ? options : "";
	List *names = NIL;
	bool at_name = true;

	for (;;)
	{
		SdDiffToken token = sd_diff_next_token(&p);

		if (token.type == 0)
			return names;
		if (at_name && token.type == 'i')
			names = lappend(names, pnstrdup(token.start, token.length));
		at_name = token.type == 'o' && *token.start == ',';
	}
}

static bool
has_name(List *names, const char *name)
{
	ListCell *lc;

	foreach (lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

static bool
alter_dictionary(SdDdl *ddl)
{
	const char *old;
	List *kept;
	ListCell *lc;
	StringInfoData buf;

	if (sd_ddl_changed(ddl, "core", "template"))
		return false;
	if (!sd_ddl_changed(ddl, "core", "options"))
		return true;
	old = sd_ddl_old(ddl, "core", "options", NULL);
	kept = option_names(old);
	initStringInfo(&buf);
	/* an option without a value is taken away */
	foreach (lc, option_names(sd_ddl_new(ddl, "core", "options", NULL)))
		if (!has_name(kept, lfirst(lc)))
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", (char *) lfirst(lc));
	if (old != NULL)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", old);
	sd_ddl_step(ddl, "ALTER TEXT SEARCH DICTIONARY %s (%s)", ddl->identity, buf.data);
	return true;
}

/* Configurations */

static void
write_mapping(SdDdl *ddl, const char *verb, SdNode *mapping)
{
	sd_ddl_step(ddl, "ALTER TEXT SEARCH CONFIGURATION %s %s MAPPING FOR %s WITH %s", ddl->identity,
				verb, quote_identifier(sd_ddl_key(mapping)), sd_ddl_join(mapping, ", ", false));
}

static void
create_configuration(SdDdl *ddl)
{
	SdNode *mappings = sd_ddl_node(ddl, ddl->old, "core", "mappings", NULL);

	sd_ddl_mark(mappings);
	sd_ddl_step(ddl, "CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)", ddl->identity,
				sd_ddl_old(ddl, "core", "parser", ""));
	for (SdNode *mapping = mappings ? mappings->first : NULL; mapping != NULL; mapping = mapping->next)
		write_mapping(ddl, "ADD", mapping);
}

static bool
alter_configuration(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "mappings", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "mappings", NULL);

	if (sd_ddl_changed(ddl, "core", "parser"))
		return false;
	sd_ddl_mark(old);
	sd_ddl_mark(new);
	for (SdNode *mapping = new ? new->first : NULL; mapping != NULL; mapping = mapping->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(mapping)) == NULL)
			sd_ddl_step(ddl, "ALTER TEXT SEARCH CONFIGURATION %s DROP MAPPING FOR %s",
						ddl->identity, quote_identifier(sd_ddl_key(mapping)));
	for (SdNode *mapping = old ? old->first : NULL; mapping != NULL; mapping = mapping->next)
	{
		SdNode *present = new ? sd_map_find(new, sd_ddl_key(mapping)) : NULL;

		if (!sd_ddl_same(ddl, mapping, present))
			write_mapping(ddl, present ? "ALTER" : "ADD", mapping);
	}
	return true;
}

/* Parsers and templates: functions and nothing else */

static const SdDdlOption parser_options[] = {
	{ "start", "START" },		{ "gettoken", "GETTOKEN" }, { "end", "END" },
	{ "headline", "HEADLINE" }, { "lextypes", "LEXTYPES" }, { NULL }
};
static const SdDdlOption template_options[] = { { "init", "INIT" }, { "lexize", "LEXIZE" }, { NULL } };

static void
create_parser(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE TEXT SEARCH PARSER %s (%s)", ddl->identity,
				sd_ddl_list(ddl, parser_options));
}

static void
create_template(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE TEXT SEARCH TEMPLATE %s (%s)", ddl->identity,
				sd_ddl_list(ddl, template_options));
}

const SdDdlKind sd_ddl_text_search_kinds[] = { { .kind = "text search dictionary",
												 .keyword = "TEXT SEARCH DICTIONARY",
												 .has_owner = true,
												 .has_comment = true,
												 .can_rename = true,
												 .can_move = true,
												 .create = create_dictionary,
												 .alter = alter_dictionary },
											   { .kind = "text search configuration",
												 .keyword = "TEXT SEARCH CONFIGURATION",
												 .has_owner = true,
												 .has_comment = true,
												 .can_rename = true,
												 .can_move = true,
												 .create = create_configuration,
												 .alter = alter_configuration },
											   { .kind = "text search parser",
												 .keyword = "TEXT SEARCH PARSER",
												 .has_comment = true,
												 .can_rename = true,
												 .can_move = true,
												 .create = create_parser },
											   { .kind = "text search template",
												 .keyword = "TEXT SEARCH TEMPLATE",
												 .has_comment = true,
												 .can_rename = true,
												 .can_move = true,
												 .create = create_template },
											   { NULL } };
