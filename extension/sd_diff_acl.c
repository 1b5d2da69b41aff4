/*
 * sd_diff_acl.c
 *	  Compares access lists, one change a grantee.
 *
 * A snapshot leaves out a list that equals the built-in default, so a missing
 * one is expanded here before it is compared.
 */
#include "postgres.h"

#include "utils/acl.h"
#include "utils/builtins.h"

#include "sd_diff.h"

typedef struct Grantee
{
	const char *name;
	List *privileges; /* of char *, a trailing * is the grant option */
} Grantee;

/* Default rights by kind of object: of the owner, and of everyone. */
static const struct
{
	const char *kind;
	AclMode owner;
	AclMode everyone;
} defaults[] = {
	{ "table", ACL_ALL_RIGHTS_RELATION, 0 },
	{ "foreign table", ACL_ALL_RIGHTS_RELATION, 0 },
	{ "view", ACL_ALL_RIGHTS_RELATION, 0 },
	{ "materialized view", ACL_ALL_RIGHTS_RELATION, 0 },
	{ "sequence", ACL_ALL_RIGHTS_SEQUENCE, 0 },
	{ "schema", ACL_ALL_RIGHTS_SCHEMA, 0 },
	{ "function", ACL_ALL_RIGHTS_FUNCTION, ACL_EXECUTE },
	{ "procedure", ACL_ALL_RIGHTS_FUNCTION, ACL_EXECUTE },
	{ "aggregate", ACL_ALL_RIGHTS_FUNCTION, ACL_EXECUTE },
	{ "enum", ACL_ALL_RIGHTS_TYPE, ACL_USAGE },
	{ "domain", ACL_ALL_RIGHTS_TYPE, ACL_USAGE },
	{ "composite type", ACL_ALL_RIGHTS_TYPE, ACL_USAGE },
	{ "range", ACL_ALL_RIGHTS_TYPE, ACL_USAGE },
	{ "type", ACL_ALL_RIGHTS_TYPE, ACL_USAGE },
	{ "language", ACL_ALL_RIGHTS_LANGUAGE, ACL_USAGE },
	{ "foreign data wrapper", ACL_ALL_RIGHTS_FDW, 0 },
	{ "server", ACL_ALL_RIGHTS_FOREIGN_SERVER, 0 },
	{ "database", ACL_ALL_RIGHTS_DATABASE, ACL_CREATE_TEMP | ACL_CONNECT },
	{ "tablespace", ACL_ALL_RIGHTS_TABLESPACE, 0 },
#ifdef ACL_ALL_RIGHTS_PARAMETER_ACL
	{ "parameter", ACL_ALL_RIGHTS_PARAMETER_ACL, 0 },
#endif
};

static const struct
{
	AclMode mode;
	const char *name;
} rights[] = {
	{ ACL_INSERT, "INSERT" },	  { ACL_SELECT, "SELECT" },
	{ ACL_UPDATE, "UPDATE" },	  { ACL_DELETE, "DELETE" },
	{ ACL_TRUNCATE, "TRUNCATE" }, { ACL_REFERENCES, "REFERENCES" },
	{ ACL_TRIGGER, "TRIGGER" },	  { ACL_EXECUTE, "EXECUTE" },
	{ ACL_USAGE, "USAGE" },		  { ACL_CREATE, "CREATE" },
	{ ACL_CONNECT, "CONNECT" },	  { ACL_CREATE_TEMP, "TEMPORARY" },
#ifdef ACL_SET
	{ ACL_SET, "SET" },			  { ACL_ALTER_SYSTEM, "ALTER SYSTEM" },
#endif
#ifdef ACL_MAINTAIN
	{ ACL_MAINTAIN, "MAINTAIN" },
#endif
};

static Grantee *
find_grantee(List *acl, const char *name)
{
	ListCell *cell;

	foreach (cell, acl)
		if (strcmp(((Grantee *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

/* The grantee's entry, made when it is not there. */
static Grantee *
get_grantee(List **acl, const char *name)
{
	Grantee *grantee = find_grantee(*acl, name);

	if (grantee == NULL)
	{
		grantee = palloc0(sizeof(Grantee));
		grantee->name = name;
		*acl = lappend(*acl, grantee);
	}
	return grantee;
}

static void
add_rights(List **acl, const char *name, AclMode mode)
{
	if (name == NULL || mode == 0)
		return;
	for (int i = 0; i < lengthof(rights); i++)
		if (mode & rights[i].mode)
		{
			Grantee *grantee = get_grantee(acl, name);

			grantee->privileges = lappend(grantee->privileges, unconstify(char *, rights[i].name));
		}
}

static char *
owner_name(const SdDiffObject *object)
{
	JsonbValue name;

	if (!sd_diff_get(sd_diff_find(object->definition, "owner", NULL), "name", &name) &&
		!sd_diff_get(sd_diff_find(object->definition, "environment", NULL), "owner", &name))
		return NULL;
	return sd_diff_value_string(&name);
}

/* The list as entries; the owner of before answers to the name of the owner of now. */
static List *
read_acl(JsonbContainer *container, const SdDiffPair *pair, bool column, const char *from,
		 const char *to)
{
	List *acl = NIL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	Grantee *grantee = NULL;

	if (container == NULL)
	{
		for (int i = 0; !column && i < lengthof(defaults); i++)
			if (strcmp(defaults[i].kind, pair->kind) == 0)
			{
				add_rights(&acl, to, defaults[i].owner);
				add_rights(&acl, "PUBLIC", defaults[i].everyone);
			}
		return acl;
	}
	it = JsonbIteratorInit(container);
	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *name = sd_diff_value_string(&value);

			if (from != NULL && to != NULL && strcmp(name, from) == 0)
				name = unconstify(char *, to);
			grantee = get_grantee(&acl, name);
		}
		else if (token == WJB_ELEM && grantee != NULL && value.type == jbvString)
			grantee->privileges = lappend(grantee->privileges, sd_diff_value_string(&value));
	}
	return acl;
}

static bool
has_exactly(const Grantee *grantee, const char *privilege)
{
	ListCell *cell;

	if (grantee == NULL)
		return false;
	foreach (cell, grantee->privileges)
		if (strcmp(lfirst(cell), privilege) == 0)
			return true;
	return false;
}

/* What a has and b has not; a plain privilege is contained in one with grant option. */
static char *
missing_from(const Grantee *a, const Grantee *b)
{
	StringInfoData text;
	ListCell *cell;

	if (a == NULL)
		return NULL;
	initStringInfo(&text);
	foreach (cell, a->privileges)
	{
		const char *privilege = lfirst(cell);

		if (has_exactly(b, privilege) || has_exactly(b, psprintf("%s*", privilege)))
			continue;
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", privilege);
	}
	return text.len > 0 ? text.data : NULL;
}

static Jsonb *
privileges_jsonb(const Grantee *grantee)
{
	JsonbParseState *state = NULL;
	ListCell *cell;

	if (grantee == NULL)
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach (cell, grantee->privileges)
	{
		JsonbValue value;

		value.type = jbvString;
		value.val.string.val = lfirst(cell);
		value.val.string.len = strlen(lfirst(cell));
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

void
sd_diff_walk_acl(SdDiff *diff, SdDiffPair *pair, SdDiffFacet facet, SdDiffCollection collection,
				 int depth, const char *const *path, JsonbContainer *old_acl, JsonbContainer *new_acl)
{
	bool column = collection != SD_DIFF_COLLECTIONS;
	const char *old_owner = owner_name(pair->old);
	const char *new_owner = owner_name(pair->new);
	List *old = read_acl(old_acl, pair, column, old_owner, new_owner);
	List *new = read_acl(new_acl, pair, column, NULL, new_owner);
	List *all = list_copy(old);
	ListCell *cell;

	foreach (cell, new)
		if (find_grantee(old, ((Grantee *) lfirst(cell))->name) == NULL)
			all = lappend(all, lfirst(cell));
	foreach (cell, all)
	{
		const char *name = ((Grantee *) lfirst(cell))->name;
		Grantee *was = find_grantee(old, name);
		Grantee *is = find_grantee(new, name);
		char *granted = missing_from(is, was);
		char *revoked = missing_from(was, is);
		const char *full[16];
		SdDiffChange *change;
		MemoryContext caller;

		if (granted == NULL && revoked == NULL)
			continue;
		Assert(depth < lengthof(full));
		memcpy(full, path, sizeof(char *) * depth);
		full[depth] = name;
		change = sd_diff_emit(diff, pair,
							  revoked == NULL ? SD_DIFF_ADD :
							  granted == NULL ? SD_DIFF_DROP :
												SD_DIFF_ALTER,
							  facet, "privilege", collection, depth + 1, full);
		caller = MemoryContextSwitchTo(diff->context);
		change->granted = granted ? pstrdup(granted) : NULL;
		change->revoked = revoked ? pstrdup(revoked) : NULL;
		change->old = privileges_jsonb(was);
		change->new = privileges_jsonb(is);
		MemoryContextSwitchTo(caller);
	}
}
