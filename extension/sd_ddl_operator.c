/*
 * sd_ddl_operator.c
 *	  Statements for operators and their classes and families, casts,
 *	  conversions, transforms, languages and access methods.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

/* Operators */

static const SdDdlOption operator_options[] = { { "function", "FUNCTION" }, { NULL } };

/* What ALTER OPERATOR may set: selectivity everywhere, the rest since 17 and only once. */
static const SdDdlOption estimator_options[] = { { "restrict", "RESTRICT" },
												 { "join", "JOIN" },
												 { NULL } };
static const SdDdlOption link_options[] = { { "commutator", "COMMUTATOR" },
											{ "negator", "NEGATOR" },
											{ "merges", "MERGES", SD_DDL_FLAG },
											{ "hashes", "HASHES", SD_DDL_FLAG },
											{ NULL } };

/* Operands of "s.op(left, right)"; NONE for one that is not there. */
static void
operands(const char *identity, char **name, char **left, char **right)
{
	char *types;

	*name = sd_ddl_name(identity);
	types = pstrdup(identity + strlen(*name) + 1);
	types[strlen(types) - 1] = '\0';
	if (!sd_ddl_split(types, ", ", left, right))
		elog(ERROR, "\"%s\" is not the identity of an operator", identity);
}

static void
create_operator(SdDdl *ddl)
{
	char *name;
	char *left;
	char *right;
	const char *options[3] = { sd_ddl_list(ddl, operator_options), sd_ddl_list(ddl, link_options),
							   sd_ddl_list(ddl, estimator_options) };
	StringInfoData buf;

	operands(ddl->identity, &name, &left, &right);
	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE OPERATOR %s (%s", name, options[0]);
	if (strcmp(left, "NONE") != 0)
		appendStringInfo(&buf, ", LEFTARG = %s", left);
	if (strcmp(right, "NONE") != 0)
		appendStringInfo(&buf, ", RIGHTARG = %s", right);
	for (int i = 1; i < lengthof(options); i++)
		if (options[i][0] != '\0')
			appendStringInfo(&buf, ", %s", options[i]);
	appendStringInfoChar(&buf, ')');
	sd_ddl_step(ddl, "%s", buf.data);
	(void) sd_ddl_old(ddl, "core", "returns", NULL); /* follows from the function */
}

static bool
alter_operator(SdDdl *ddl)
{
	const char *changes;

	if (sd_ddl_list_changed(ddl, operator_options) || sd_ddl_changed(ddl, "core", "returns") ||
		sd_ddl_list_changed(ddl, link_options))
		return false;
	changes = sd_ddl_list_changes(ddl, estimator_options);
	if (changes[0] != '\0')
		sd_ddl_step(ddl, "ALTER OPERATOR %s SET (%s)", ddl->identity, changes);
	return true;
}

/* Operator classes and families */

/* "s.<" of "OPERATOR(s.<)", which is how it stands in expressions. */
static const char *
bare_operator(const char *name)
{
	static const char wrapper[] = "OPERATOR(";
	size_t len = sizeof(wrapper) - 1;

	if (strncmp(name, wrapper, len) != 0)
		return name;
	return pnstrdup(name + len, strlen(name) - len - 1);
}

/* "1 (integer, integer)" and "s.<" as "OPERATOR 1 s.< (integer, integer)". */
static char *
member_sql(SdNode *member, bool is_operator)
{
	const char *key = sd_ddl_key(member);
	const char *types = strchr(key, '(');
	int number = atoi(key);
	const char *value = sd_ddl_scalar(member);
	static const char order[] = " for order by ";
	char *name;
	char *family;

	if (!is_operator)
		return psprintf("FUNCTION %d %s %s", number, types, value);
	if (sd_ddl_split(value, order, &name, &family))
		return psprintf("OPERATOR %d %s %s FOR ORDER BY %s", number, bare_operator(name), types,
						family);
	return psprintf("OPERATOR %d %s %s", number, bare_operator(value), types);
}

/* Members as they stand after AS or ADD, appended to buf. */
static void
append_members(SdDdl *ddl, StringInfo buf, SdNode *members, SdNode *except, bool is_operator)
{
	for (SdNode *member = members ? members->first : NULL; member != NULL; member = member->next)
		if (!sd_ddl_same(ddl, member, sd_ddl_counterpart(ddl, except, sd_ddl_key(member), true)))
			appendStringInfo(buf, "%s\n\t%s", buf->len > 0 ? "," : "",
							 member_sql(member, is_operator));
}

static SdNode *
members_of(SdDdl *ddl, SdNode *side, const char *key)
{
	SdNode *members = sd_ddl_node(ddl, side, "core", key, NULL);

	sd_ddl_mark(members);
	return members;
}

static void
create_opclass(SdDdl *ddl)
{
	char *name;
	char *method;
	const char *type = sd_ddl_old(ddl, "core", "type", "");
	const char *storage = sd_ddl_old(ddl, "core", "storage", NULL);
	StringInfoData buf;

	if (!sd_ddl_split(ddl->identity, " USING ", &name, &method))
		elog(ERROR, "\"%s\" is not the identity of an operator class", ddl->identity);
	initStringInfo(&buf);
	append_members(ddl, &buf, members_of(ddl, ddl->old, "operators"), NULL, true);
	append_members(ddl, &buf, members_of(ddl, ddl->old, "functions"), NULL, false);
	/* a class must say something; that it stores its own type says nothing new */
	if (storage != NULL || buf.len == 0)
		appendStringInfo(&buf, "%s\n\tSTORAGE %s", buf.len > 0 ? "," : "", storage ? storage : type);
	sd_ddl_step(ddl, "CREATE OPERATOR CLASS %s%s FOR TYPE %s USING %s FAMILY %s AS%s", name,
				sd_ddl_old(ddl, "core", "default", NULL) ? " DEFAULT" : "", type, method,
				sd_ddl_old(ddl, "core", "family", ""), buf.data);
}

static void
add_members(SdDdl *ddl, SdNode *operators, SdNode *but_operators, SdNode *functions,
			SdNode *but_functions)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_members(ddl, &buf, operators, but_operators, true);
	append_members(ddl, &buf, functions, but_functions, false);
	if (buf.len > 0)
		sd_ddl_step(ddl, "ALTER OPERATOR FAMILY %s ADD%s", ddl->identity, buf.data);
}

static void
create_opfamily(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE OPERATOR FAMILY %s", ddl->identity);
	add_members(ddl, members_of(ddl, ddl->old, "operators"), NULL,
				members_of(ddl, ddl->old, "functions"), NULL);
}

static void
drop_members(SdDdl *ddl, const char *word, SdNode *old, SdNode *new)
{
	for (SdNode *member = new ? new->first : NULL; member != NULL; member = member->next)
	{
		SdNode *wanted = sd_ddl_counterpart(ddl, old, sd_ddl_key(member), false);

		/* the types have their old names by now */
		if (!sd_ddl_same(ddl, wanted, member))
			sd_ddl_step(ddl, "ALTER OPERATOR FAMILY %s DROP %s %s", ddl->identity, word,
						sd_ddl_key(wanted ? wanted : member));
	}
}

static bool
alter_opfamily(SdDdl *ddl)
{
	SdNode *operators[2] = { members_of(ddl, ddl->old, "operators"),
							 members_of(ddl, ddl->new, "operators") };
	SdNode *functions[2] = { members_of(ddl, ddl->old, "functions"),
							 members_of(ddl, ddl->new, "functions") };

	drop_members(ddl, "OPERATOR", operators[0], operators[1]);
	drop_members(ddl, "FUNCTION", functions[0], functions[1]);
	add_members(ddl, operators[0], operators[1], functions[0], functions[1]);
	return true;
}

/* What was added to a family of the server. */

static void
create_family_members(SdDdl *ddl)
{
	add_members(ddl, members_of(ddl, ddl->old, "operators"), NULL,
				members_of(ddl, ddl->old, "functions"), NULL);
}

static void
drop_family_members(SdDdl *ddl)
{
	drop_members(ddl, "OPERATOR", NULL, members_of(ddl, ddl->new, "operators"));
	drop_members(ddl, "FUNCTION", NULL, members_of(ddl, ddl->new, "functions"));
}

/* Casts */

static void
create_cast(SdDdl *ddl)
{
	static const char *const contexts[][2] = { { "implicit", " AS IMPLICIT" },
											   { "assignment", " AS ASSIGNMENT" },
											   { "explicit", "" },
											   { NULL } };
	const char *method = sd_ddl_old(ddl, "core", "method", "");
	const char *function = sd_ddl_old(ddl, "core", "function", NULL);
	const char *context = sd_ddl_old(ddl, "core", "context", "explicit");

	sd_ddl_step(ddl, "CREATE CAST %s %s%s%s", ddl->identity,
				strcmp(method, "function") == 0 ? "WITH FUNCTION " :
				strcmp(method, "inout") == 0	? "WITH INOUT" :
												  "WITHOUT FUNCTION",
				strcmp(method, "function") == 0 && function ? function : "",
				sd_ddl_spell(contexts, context));
}

/* Conversions */

static void
create_conversion(SdDdl *ddl)
{
	sd_ddl_step(ddl, "CREATE%s CONVERSION %s FOR %s TO %s FROM %s",
				sd_ddl_old(ddl, "core", "default", NULL) ? " DEFAULT" : "", ddl->identity,
				sd_ddl_literal(sd_ddl_old(ddl, "core", "from", "")),
				sd_ddl_literal(sd_ddl_old(ddl, "core", "to", "")),
				sd_ddl_old(ddl, "core", "function", ""));
}

/* Transforms */

static void
write_transform(SdDdl *ddl, bool replace)
{
	const char *from = sd_ddl_old(ddl, "core", "from_sql", NULL);
	const char *to = sd_ddl_old(ddl, "core", "to_sql", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	if (from != NULL)
		appendStringInfo(&buf, "FROM SQL WITH FUNCTION %s(internal)", from);
	if (to != NULL)
		appendStringInfo(&buf, "%sTO SQL WITH FUNCTION %s(internal)", from ? ", " : "", to);
	sd_ddl_step(ddl, "CREATE%s %s (%s)", replace ? " OR REPLACE" : "",
				sd_ddl_address(ddl->writer, ddl->identity), buf.data);
}

static void
create_transform(SdDdl *ddl)
{
	write_transform(ddl, false);
}

static bool
alter_transform(SdDdl *ddl)
{
	bool from = sd_ddl_changed(ddl, "core", "from_sql");
	bool to = sd_ddl_changed(ddl, "core", "to_sql");

	if (from || to)
		write_transform(ddl, true);
	return true;
}

/* "for t language l" with the words of statements. */
static char *
transform_address(const char *identity)
{
	char *type;
	char *language;

	if (!sd_ddl_split(identity, " language ", &type, &language))
		elog(ERROR, "\"%s\" is not the identity of a transform", identity);
	return psprintf("FOR %s LANGUAGE %s", type + strlen("for "), language);
}

/* Languages */

static void
write_language(SdDdl *ddl, bool replace, bool trusted)
{
	const char *handler = sd_ddl_old(ddl, "core", "handler", NULL);
	const char *inline_handler = sd_ddl_old(ddl, "core", "inline", NULL);
	const char *validator = sd_ddl_old(ddl, "core", "validator", NULL);

	sd_ddl_step(ddl, "CREATE%s%s LANGUAGE %s HANDLER %s%s%s%s%s", replace ? " OR REPLACE" : "",
				trusted ? " TRUSTED" : "", ddl->identity, handler ? handler : "",
				inline_handler ? " INLINE " : "", inline_handler ? inline_handler : "",
				validator ? " VALIDATOR " : "", validator ? validator : "");
}

/* Privileges on a language can only be changed while it is trusted. */
static void
write_language_and_privileges(SdDdl *ddl, bool exists, bool changed)
{
	SdNode *old = sd_ddl_node(ddl, ddl->old, "security", "acl", NULL);
	SdNode *new = sd_ddl_node(ddl, ddl->new, "security", "acl", NULL);
	bool trusted = sd_ddl_old(ddl, "core", "trusted", NULL) != NULL;
	bool was_trusted = sd_ddl_new(ddl, "core", "trusted", NULL) != NULL;
	bool granted = !sd_ddl_equal(old, new);

	sd_ddl_mark(old);
	sd_ddl_mark(new);
	if (exists ? (changed && trusted) || (granted && !was_trusted) : trusted || granted)
		write_language(ddl, exists, trusted || granted);
	sd_ddl_owner(ddl);
	sd_ddl_privileges(ddl, psprintf("LANGUAGE %s", ddl->identity), NULL, OBJECT_LANGUAGE, old, new,
					  sd_ddl_old(ddl, "owner", "name", NULL), sd_ddl_new(ddl, "owner", "name", NULL));
	if (!trusted && (exists ? changed || granted : true))
		write_language(ddl, exists || granted, false);
	sd_ddl_comment(ddl, sd_ddl_address(ddl->writer, ddl->identity),
				   sd_ddl_node(ddl, ddl->old, "comment", "self", NULL),
				   sd_ddl_node(ddl, ddl->new, "comment", "self", NULL));
	sd_ddl_labels(ddl, sd_ddl_address(ddl->writer, ddl->identity),
				  sd_ddl_node(ddl, ddl->old, "security", "security_labels", NULL),
				  sd_ddl_node(ddl, ddl->new, "security", "security_labels", NULL));
}

static void
create_language(SdDdl *ddl)
{
	write_language_and_privileges(ddl, false, true);
}

static bool
alter_language(SdDdl *ddl)
{
	static const char *const keys[] = { "handler", "inline", "validator", "trusted" };
	bool changed = false;

	for (int i = 0; i < lengthof(keys); i++)
		changed |= sd_ddl_changed(ddl, "core", keys[i]);
	write_language_and_privileges(ddl, true, changed);
	return true;
}

/* Access methods */

static void
create_access_method(SdDdl *ddl)
{
	bool table = strcmp(sd_ddl_old(ddl, "core", "type", ""), "table") == 0;

	sd_ddl_step(ddl, "CREATE ACCESS METHOD %s TYPE %s HANDLER %s", ddl->identity,
				table ? "TABLE" : "INDEX", sd_ddl_old(ddl, "core", "handler", ""));
}

const SdDdlKind sd_ddl_operator_kinds[] = {
	{ .kind = "operator",
	  .keyword = "OPERATOR",
	  .has_owner = true,
	  .has_comment = true,
	  .can_move = true,
	  .create = create_operator,
	  .alter = alter_operator },
	{ .kind = "operator class",
	  .keyword = "OPERATOR CLASS",
	  .has_owner = true,
	  .has_comment = true,
	  .can_rename = true,
	  .can_move = true,
	  .create = create_opclass },
	{ .kind = "operator family",
	  .keyword = "OPERATOR FAMILY",
	  .has_owner = true,
	  .has_comment = true,
	  .can_rename = true,
	  .can_move = true,
	  .create = create_opfamily,
	  .alter = alter_opfamily },
	{ .kind = "operator family members",
	  .keyword = "OPERATOR FAMILY",
	  .plain = true,
	  .create = create_family_members,
	  .alter = alter_opfamily,
	  .drop = drop_family_members },
	{ .kind = "cast", .keyword = "CAST", .has_comment = true, .create = create_cast },
	{ .kind = "conversion",
	  .keyword = "CONVERSION",
	  .has_owner = true,
	  .has_comment = true,
	  .can_rename = true,
	  .can_move = true,
	  .create = create_conversion },
	{ .kind = "transform",
	  .keyword = "TRANSFORM",
	  .has_comment = true,
	  .create = create_transform,
	  .alter = alter_transform,
	  .address = transform_address },
	{ .kind = "language",
	  .keyword = "LANGUAGE",
	  .plain = true,
	  .can_rename = true,
	  .create = create_language,
	  .alter = alter_language },
	{ .kind = "access method",
	  .keyword = "ACCESS METHOD",
	  .has_comment = true,
	  .create = create_access_method },
	{ NULL }
};
