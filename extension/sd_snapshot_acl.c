/*
 * sd_snapshot_acl.c
 *	  Access privileges by role name, and options as maps.
 *
 * Who granted a privilege is left out: it changes with the order in which a
 * dump restores grants, and no check of a privilege looks at it.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "sd_snapshot_int.h"

/* In order of the names, which is how they are listed. */
static const struct
{
	AclMode mode;
	const char *plain;
	const char *grantable;
} privileges[] = {
#ifdef ACL_ALTER_SYSTEM
	{ ACL_ALTER_SYSTEM, "ALTER SYSTEM", "ALTER SYSTEM*" },
#endif
	{ ACL_CONNECT, "CONNECT", "CONNECT*" },
	{ ACL_CREATE, "CREATE", "CREATE*" },
	{ ACL_DELETE, "DELETE", "DELETE*" },
	{ ACL_EXECUTE, "EXECUTE", "EXECUTE*" },
	{ ACL_INSERT, "INSERT", "INSERT*" },
#ifdef ACL_MAINTAIN
	{ ACL_MAINTAIN, "MAINTAIN", "MAINTAIN*" },
#endif
	{ ACL_REFERENCES, "REFERENCES", "REFERENCES*" },
	{ ACL_SELECT, "SELECT", "SELECT*" },
#ifdef ACL_SET
	{ ACL_SET, "SET", "SET*" },
#endif
	{ ACL_CREATE_TEMP, "TEMPORARY", "TEMPORARY*" },
	{ ACL_TRIGGER, "TRIGGER", "TRIGGER*" },
	{ ACL_TRUNCATE, "TRUNCATE", "TRUNCATE*" },
	{ ACL_UPDATE, "UPDATE", "UPDATE*" },
	{ ACL_USAGE, "USAGE", "USAGE*" },
};

typedef struct Grant
{
	Oid grantee;
	AclMode privs;
	AclMode options;
} Grant;

static int
compare_grants(const void *a, const void *b)
{
	Oid x = ((const Grant *) a)->grantee;
	Oid y = ((const Grant *) b)->grantee;

	return x < y ? -1 : x > y;
}

/* One row a grantee, whoever granted; sorted by OID, so that two lists compare. */
static int
collect_grants(Acl *acl, Grant **result)
{
	AclItem *items = ACL_DAT(acl);
	int count = 0;
	Grant *grants = palloc0(sizeof(Grant) * (ACL_NUM(acl) + 1));

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		int g;

		if (ACLITEM_GET_PRIVS(items[i]) == 0)
			continue;
		for (g = 0; g < count; g++)
			if (grants[g].grantee == items[i].ai_grantee)
				break;
		if (g == count)
			grants[count++].grantee = items[i].ai_grantee;
		grants[g].privs |= ACLITEM_GET_PRIVS(items[i]);
		grants[g].options |= ACLITEM_GET_GOPTIONS(items[i]);
	}
	qsort(grants, count, sizeof(Grant), compare_grants);
	*result = grants;
	return count;
}

/* PUBLIC is a key of its own, so a role of that name, or one in quotes, is quoted. */
const char *
sd_grantee_name(SdSnap *snap, Oid grantee)
{
	const char *name;

	if (grantee == ACL_ID_PUBLIC)
		return "PUBLIC";
	name = sd_role_name(snap, grantee);
	return strcmp(name, "PUBLIC") == 0 || name[0] == '"' ? quote_identifier(name) : name;
}

static SdNode *
grants_node(SdSnap *snap, Grant *grants, int count)
{
	SdNode *map = sd_node_map();

	for (int g = 0; g < count; g++)
	{
		SdNode *list = sd_node_list();

		for (int p = 0; p < lengthof(privileges); p++)
			if (grants[g].privs & privileges[p].mode)
				sd_add_text(list, grants[g].options & privileges[p].mode ? privileges[p].grantable :
																		   privileges[p].plain);
		sd_put(map, sd_grantee_name(snap, grants[g].grantee), list);
	}
	return map;
}

/* The built-in default of a type of object, for an owner of that name. */
SdNode *
sd_acl_default_node(ObjectType objtype, const char *owner)
{
	Acl *acl = acldefault(objtype, BOOTSTRAP_SUPERUSERID);
	SdNode *map = sd_node_map();

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		AclItem *item = &ACL_DAT(acl)[i];
		SdNode *list = sd_node_list();

		for (int p = 0; p < lengthof(privileges); p++)
			if (ACLITEM_GET_PRIVS(*item) & privileges[p].mode)
				sd_add_text(list, privileges[p].plain);
		if (list->first == NULL)
			continue;
		sd_put(map, item->ai_grantee == ACL_ID_PUBLIC ? "PUBLIC" : owner, list);
	}
	return map;
}

SdNode *
sd_acl_all_node(SdSnap *snap, Acl *acl)
{
	Grant *grants;
	int count = collect_grants(acl, &grants);

	return grants_node(snap, grants, count);
}

/* Whether two lists grant the same, whoever granted it. */
bool
sd_acl_equal(Acl *a, Acl *b)
{
	Grant *x;
	Grant *y;
	int count = collect_grants(a, &x);

	if (collect_grants(b, &y) != count)
		return false;
	for (int g = 0; g < count; g++)
		if (x[g].grantee != y[g].grantee || x[g].privs != y[g].privs || x[g].options != y[g].options)
			return false;
	return true;
}

SdNode *
sd_acl_node(SdSnap *snap, Acl *acl, ObjectType objtype, Oid owner)
{
	if (acl == NULL || sd_acl_equal(acl, acldefault(objtype, owner)))
		return NULL;
	return sd_acl_all_node(snap, acl);
}

/* Options of foreign servers and settings of functions may hold what nobody should read here. */
static bool
is_secret(const char *option)
{
	static const char *const endings[] = { "password", "passwd",	"passphrase", "passcode",
										   "passwort", "secret",	"token",	  "private_key",
										   "api_key",  "access_key" };
	size_t len = strlen(option);

	for (int i = 0; i < lengthof(endings); i++)
	{
		size_t ending = strlen(endings[i]);

		if (len >= ending && pg_strcasecmp(option + len - ending, endings[i]) == 0)
			return true;
	}
	return pg_strcasecmp(option, "pass") == 0;
}

SdNode *
sd_options_node(SdSnap *snap, ArrayType *options)
{
	Datum *elems;
	int count;
	SdNode *map = NULL;

	if (options == NULL)
		return NULL;
	deconstruct_array(options, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char *name = TextDatumGetCString(elems[i]);
		char *sep = strchr(name, '=');

		if (sep != NULL)
			*sep = '\0';
		/* minor releases of 2026 keep a version of the column there, which is no option */
		if (strcmp(name, "pg_attver") == 0)
			continue;
		if (map == NULL)
			map = sd_node_map();
		sd_put_text(map, name, is_secret(name) ? "(hidden)" : sep != NULL ? sep + 1 : "");
	}
	return map;
}
