/*
 * sd_ddl_routine.c
 *	  Statements for functions, procedures and aggregates.
 *
 * CREATE OR REPLACE keeps owner, privileges, comment and all that depends on the
 * routine, but sets back every attribute that it does not name; so it always names
 * them all.  It cannot change what callers were built on: the result, the modes,
 * names and types of arguments, and a default that was there.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* Attributes that ALTER can set alone. */
static const struct
{
	const char *facet;
	const char *key;
	const char *otherwise;
	const char *word; /* before the value */
	const char *const spelling[4][2];
} attributes[] = {
	{ "core",
	  "volatility",
	  "volatile",
	  "",
	  { { "volatile", "VOLATILE" }, { "stable", "STABLE" }, { "immutable", "IMMUTABLE" } } },
	{ "core", "strict", "false", "", { { "true", "STRICT" }, { "false", "CALLED ON NULL INPUT" } } },
	{ "security",
	  "security_definer",
	  "false",
	  "SECURITY ",
	  { { "true", "DEFINER" }, { "false", "INVOKER" } } },
	{ "security", "leakproof", "false", "", { { "true", "LEAKPROOF" }, { "false", "NOT LEAKPROOF" } } },
	{ "core",
	  "parallel",
	  "unsafe",
	  "PARALLEL ",
	  { { "unsafe", "UNSAFE" }, { "restricted", "RESTRICTED" }, { "safe", "SAFE" } } },
	{ "core", "cost", NULL, "COST ", { { NULL } } },
	{ "core", "rows", "1000", "ROWS ", { { NULL } } },
	{ "core", "support", NULL, "SUPPORT ", { { NULL } } },
};

/* What an attribute is when nothing is said; NULL for nothing at all. */
static const char *
attribute_default(SdDdl *ddl, int i)
{
	const char *language;

	if (strcmp(attributes[i].key, "cost") != 0)
		return attributes[i].otherwise;
	language = sd_ddl_old(ddl, "core", "language", "");
	return strcmp(language, "c") == 0 || strcmp(language, "internal") == 0 ? "1" : "100";
}

/* Attributes that are not at their default, or in a change those that differ. */
static void
append_attributes(SdDdl *ddl, StringInfo buf, bool all)
{
	for (int i = 0; i < lengthof(attributes); i++)
	{
		const char *otherwise = attribute_default(ddl, i);
		const char *value;

		if (!all && !sd_ddl_changed(ddl, attributes[i].facet, attributes[i].key))
			continue;
		value = sd_ddl_old(ddl, attributes[i].facet, attributes[i].key, otherwise);
		if (value == NULL || (all && otherwise != NULL && strcmp(value, otherwise) == 0))
			continue;
		appendStringInfo(buf, " %s%s", attributes[i].word,
						 sd_ddl_spell(attributes[i].spelling, value));
	}
}

/* Settings that differ; in a creation that is all of them. */
static void
append_settings(SdDdl *ddl, StringInfo buf, bool all)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "config", NULL);
	SdNode *new = all ? NULL : sd_ddl_node(ddl, ddl->new, "core", "config", NULL);

	sd_ddl_mark(old);
	sd_ddl_mark(sd_ddl_node(ddl, ddl->new, "core", "config", NULL));
	for (SdNode *setting = old ? old->first : NULL; setting != NULL; setting = setting->next)
	{
		const char *clause;

		if (new != NULL && sd_ddl_equal(setting, sd_map_find(new, sd_ddl_key(setting))))
			continue;
		clause = sd_ddl_setting(ddl, setting);
		if (clause != NULL)
			appendStringInfo(buf, " %s", clause);
	}
	for (SdNode *setting = new ? new->first : NULL; setting != NULL; setting = setting->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(setting)) == NULL)
			appendStringInfo(buf, " RESET %s", quote_identifier(sd_ddl_key(setting)));
}

/* Text between dollar quotes that do not occur in it. */
static char *
dollar_quoted(const char *text)
{
	char *tag = pstrdup("$$");
	size_t len = strlen(text);

	for (int n = 0; strstr(text, tag) != NULL || (len > 0 && text[len - 1] == '$' && n == 0); n++)
		tag = n == 0 ? pstrdup("$body$") : psprintf("$body%d$", n);
	return psprintf("%s%s%s", tag, text, tag);
}

static void
append_argument(StringInfo buf, SdNode *argument)
{
	static const char *const modes[][2] = { { "in", "" },
											{ "table", "" },
											{ "out", "OUT " },
											{ "inout", "INOUT " },
											{ "variadic", "VARIADIC " },
											{ NULL } };
	const char *name = sd_ddl_text(argument, "name", NULL);
	const char *value = sd_ddl_text(argument, "default", NULL);

	appendStringInfo(buf, "%s%s%s%s", sd_ddl_spell(modes, sd_ddl_text(argument, "mode", "in")),
					 name ? quote_identifier(name) : "", name ? " " : "",
					 sd_ddl_text(argument, "type", ""));
	if (value != NULL)
		appendStringInfo(buf, " DEFAULT %s", value);
}

/* Arguments, or those of the table that is returned. */
static char *
arguments_list(SdNode *arguments, bool table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *argument = arguments ? arguments->first : NULL; argument != NULL;
		 argument = argument->next)
	{
		if ((strcmp(sd_ddl_text(argument, "mode", "in"), "table") == 0) != table)
			continue;
		if (buf.len > 0)
			appendStringInfoString(&buf, ", ");
		append_argument(&buf, argument);
	}
	return buf.data;
}

static void
append_result(SdDdl *ddl, StringInfo buf, SdNode *arguments)
{
	const char *returns = sd_ddl_old(ddl, "core", "returns", NULL);
	const char *table = arguments_list(arguments, true);

	if (table[0] != '\0')
		appendStringInfo(buf, " RETURNS TABLE (%s)", table);
	else if (returns != NULL)
		appendStringInfo(buf, " RETURNS %s", returns);
}

static void
append_transforms(SdDdl *ddl, StringInfo buf)
{
	SdNode *types = sd_ddl_node(ddl, ddl->old, "core", "transforms", NULL);
	const char *separator = " TRANSFORM";

	for (SdNode *type = types ? types->first : NULL; type != NULL; type = type->next)
	{
		appendStringInfo(buf, "%s FOR TYPE %s", separator, sd_ddl_scalar(type));
		separator = ",";
	}
}

static void
append_body(SdDdl *ddl, StringInfo buf)
{
	const char *library = sd_ddl_old(ddl, "core", "library", NULL);
	const char *body = sd_ddl_old(ddl, "core", "body", "");

	if (strcmp(sd_ddl_old(ddl, "core", "sql_body", "false"), "true") == 0)
		appendStringInfo(buf, "\n%s", body);
	else if (library != NULL)
		appendStringInfo(buf, "\nAS %s, %s", sd_ddl_literal(library), sd_ddl_literal(body));
	else if (strcmp(sd_ddl_old(ddl, "core", "language", ""), "internal") == 0)
		appendStringInfo(buf, "\nAS %s", sd_ddl_literal(body));
	else
		appendStringInfo(buf, "\nAS %s", dollar_quoted(body));
}

static void
write_routine(SdDdl *ddl, bool replace)
{
	SdNode *arguments = sd_ddl_node(ddl, ddl->old, "core", "arguments", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE%s %s %s(%s)", replace ? " OR REPLACE" : "", ddl->writer->keyword,
					 sd_ddl_name(ddl->identity), arguments_list(arguments, false));
	append_result(ddl, &buf, arguments);
	appendStringInfo(&buf, "\nLANGUAGE %s", sd_ddl_old(ddl, "core", "language", "sql"));
	append_transforms(ddl, &buf);
	if (strcmp(sd_ddl_old(ddl, "core", "window", "false"), "true") == 0)
		appendStringInfoString(&buf, " WINDOW");
	append_attributes(ddl, &buf, true);
	append_settings(ddl, &buf, true);
	append_body(ddl, &buf);
	sd_ddl_step(ddl, "%s", buf.data);
}

static void
create_routine(SdDdl *ddl)
{
	write_routine(ddl, false);
}

static bool
same_text(SdDdl *ddl, SdNode *a, SdNode *b, const char *key)
{
	return sd_ddl_same(ddl, sd_ddl_get(a, key), sd_ddl_get(b, key));
}

/* Whether CREATE OR REPLACE may turn one list of arguments into the other. */
static bool
arguments_replaceable(SdDdl *ddl)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "core", "arguments", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "core", "arguments", NULL);

	/* they may differ by names alone that are changed back */
	if (!sd_ddl_changed(ddl, "core", "arguments"))
		return true;
	if ((old ? old->len : 0) != (new ? new->len : 0))
		return false;
	for (SdNode *a = old ? old->first : NULL, *b = new ? new->first : NULL; a != NULL;
		 a = a->next, b = b->next)
	{
		bool input = strcmp(sd_ddl_text(b, "mode", "in"), "in") == 0;

		if (!same_text(ddl, a, b, "type") || !same_text(ddl, a, b, "mode"))
			return false;
		if (!same_text(ddl, a, b, "name") && !(input && sd_ddl_get(b, "name") == NULL))
			return false;
		if (sd_ddl_get(b, "default") != NULL && sd_ddl_get(a, "default") == NULL)
			return false;
	}
	return true;
}

static bool
alter_routine(SdDdl *ddl)
{
	static const char *const replaced[] = { "body",		"sql_body",	  "library",
											"language", "transforms", "arguments" };
	bool replace = false;
	StringInfoData buf;

	if (sd_ddl_changed(ddl, "core", "returns") || sd_ddl_changed(ddl, "core", "window") ||
		!arguments_replaceable(ddl))
		return false;
	for (int i = 0; i < lengthof(replaced); i++)
		replace |= sd_ddl_changed(ddl, "core", replaced[i]);
	/* ALTER cannot take a support function away */
	replace |=
		sd_ddl_changed(ddl, "core", "support") && sd_ddl_old(ddl, "core", "support", NULL) == NULL;
	if (replace)
	{
		write_routine(ddl, true);
		return true;
	}
	initStringInfo(&buf);
	append_attributes(ddl, &buf, false);
	append_settings(ddl, &buf, false);
	if (buf.len > 0)
		sd_ddl_step(ddl, "ALTER %s%s", sd_ddl_address(ddl->writer, ddl->identity), buf.data);
	return true;
}

static const char *const modify_words[][2] = { { "read only", "READ_ONLY" },
											   { "shareable", "SHAREABLE" },
											   { "read write", "READ_WRITE" },
											   { NULL } };

static const SdDdlOption aggregate_options[] = {
	{ "transition_function", "SFUNC" },
	{ "state_type", "STYPE" },
	{ "state_space", "SSPACE" },
	{ "final_function", "FINALFUNC" },
	{ "final_extra", "FINALFUNC_EXTRA", SD_DDL_FLAG },
	{ "final_modify", "FINALFUNC_MODIFY", SD_DDL_WORD, NULL, modify_words },
	{ "combine_function", "COMBINEFUNC" },
	{ "serial_function", "SERIALFUNC" },
	{ "deserial_function", "DESERIALFUNC" },
	{ "initial", "INITCOND", SD_DDL_LITERAL },
	{ "moving_transition_function", "MSFUNC" },
	{ "moving_inverse_function", "MINVFUNC" },
	{ "moving_state_type", "MSTYPE" },
	{ "moving_state_space", "MSSPACE" },
	{ "moving_final_function", "MFINALFUNC" },
	{ "moving_final_extra", "MFINALFUNC_EXTRA", SD_DDL_FLAG },
	{ "moving_final_modify", "MFINALFUNC_MODIFY", SD_DDL_WORD, NULL, modify_words },
	{ "moving_initial", "MINITCOND", SD_DDL_LITERAL },
	{ "sort_operator", "SORTOP" },
	{ "parallel", "PARALLEL", SD_DDL_WORD, "unsafe" },
	{ NULL }
};

/*
 * Arguments of an aggregate: "*" without any, with ORDER BY after the direct ones.
 * A variadic argument that is both direct and aggregated is written twice.
 */
static char *
aggregate_arguments(SdDdl *ddl)
{
	SdNode *arguments = sd_ddl_node(ddl, ddl->old, "core", "arguments", NULL);
	bool ordered = sd_ddl_old(ddl, "core", "kind", NULL) != NULL;
	int direct = atoi(sd_ddl_old(ddl, "core", "direct_arguments", "0"));
	int count = 0;
	StringInfoData buf;

	if (arguments == NULL)
		return pstrdup("*");
	initStringInfo(&buf);
	for (SdNode *argument = arguments->first; argument != NULL; argument = argument->next)
	{
		if (ordered && count == direct)
			appendStringInfoString(&buf, count > 0 ? " ORDER BY " : "ORDER BY ");
		else if (count > 0)
			appendStringInfoString(&buf, ", ");
		append_argument(&buf, argument);
		count++;
	}
	if (ordered && count == direct)
	{
		appendStringInfoString(&buf, " ORDER BY ");
		append_argument(&buf, arguments->last);
	}
	return buf.data;
}

static void
write_aggregate(SdDdl *ddl, bool replace)
{
	const char *kind = sd_ddl_old(ddl, "core", "kind", "");

	sd_ddl_step(ddl, "CREATE%s AGGREGATE %s(%s) (%s%s)", replace ? " OR REPLACE" : "",
				sd_ddl_name(ddl->identity), aggregate_arguments(ddl),
				sd_ddl_list(ddl, aggregate_options),
				strcmp(kind, "hypothetical") == 0 ? ", HYPOTHETICAL" : "");
	(void) sd_ddl_old(ddl, "core", "returns", NULL); /* follows from the functions */
}

static void
create_aggregate(SdDdl *ddl)
{
	write_aggregate(ddl, false);
}

static bool
alter_aggregate(SdDdl *ddl)
{
	if (sd_ddl_changed(ddl, "core", "returns") || sd_ddl_changed(ddl, "core", "kind") ||
		sd_ddl_changed(ddl, "core", "direct_arguments") || !arguments_replaceable(ddl))
		return false;
	if (sd_ddl_list_changed(ddl, aggregate_options) || sd_ddl_changed(ddl, "core", "arguments"))
		write_aggregate(ddl, true);
	return true;
}

/* Other statements than CREATE call an aggregate without arguments name(*). */
static char *
aggregate_address(const char *identity)
{
	char *name = sd_ddl_name(identity);

	return strcmp(identity + strlen(name), "()") == 0 ? psprintf("%s(*)", name) : pstrdup(identity);
}

const SdDdlKind sd_ddl_routine_kinds[] = { { .kind = "function",
											 .keyword = "FUNCTION",
											 .acl_keyword = "FUNCTION",
											 .acl_type = OBJECT_FUNCTION,
											 .has_owner = true,
											 .has_comment = true,
											 .can_rename = true,
											 .can_move = true,
											 .create = create_routine,
											 .alter = alter_routine },
										   { .kind = "procedure",
											 .keyword = "PROCEDURE",
											 .acl_keyword = "PROCEDURE",
											 .acl_type = OBJECT_FUNCTION,
											 .has_owner = true,
											 .has_comment = true,
											 .can_rename = true,
											 .can_move = true,
											 .create = create_routine,
											 .alter = alter_routine },
										   { .kind = "aggregate",
											 .keyword = "AGGREGATE",
											 .acl_keyword = "FUNCTION",
											 .acl_type = OBJECT_FUNCTION,
											 .has_owner = true,
											 .has_comment = true,
											 .can_rename = true,
											 .can_move = true,
											 .create = create_aggregate,
											 .alter = alter_aggregate,
											 .address = aggregate_address },
										   { NULL } };
