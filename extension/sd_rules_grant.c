/*
 * sd_rules_grant.c
 *	  Family "security": privileges that are given and taken away.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_tree.h"

/* is_public tells whether one of the grantees is PUBLIC. */
static bool
is_public(List *grantees)
{
	ListCell *cell;

	foreach (cell, grantees)
		if (lfirst_node(RoleSpec, cell)->roletype == ROLESPEC_PUBLIC)
			return true;
	return false;
}

/* has_entry tells whether a list of rights has one for a role; without a list only the owner has any. */
static bool
has_entry(Oid relation, Oid role)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool result = false;
	bool isnull;
	Datum value;

	if (!HeapTupleIsValid(tuple))
		return false;
	value = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);
	if (isnull)
		result = ((Form_pg_class) GETSTRUCT(tuple))->relowner == role;
	else
	{
		Acl *acl = DatumGetAclP(value);

		for (int i = 0; i < ACL_NUM(acl); i++)
			result |= ACL_DAT(acl)[i].ai_grantee == role;
	}
	ReleaseSysCache(tuple);
	return result;
}

/* loses tells whether one of the grantees has rights on a relation, or may have. */
static bool
loses(const GrantStmt *stmt, Oid relation)
{
	ListCell *cell;

	foreach (cell, stmt->grantees)
	{
		RoleSpec *name = lfirst_node(RoleSpec, cell);
		Oid role = name->roletype == ROLESPEC_PUBLIC ? ACL_ID_PUBLIC : get_rolespec_oid(name, true);

		if ((OidIsValid(role) || name->roletype == ROLESPEC_PUBLIC) && has_entry(relation, role))
			return true;
	}
	/* those of single columns are not looked up */
	foreach (cell, stmt->privileges)
		if (lfirst_node(AccessPriv, cell)->cols != NIL)
			return true;
	return false;
}

/* revoked_object returns what an object is called that somebody loses rights on; NULL when nobody does. */
static const char *
revoked_object(SdAnalysis *analysis, const GrantStmt *stmt, Node *object)
{
	SdRelation relation;
	Oid oid;

	switch (stmt->objtype)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			relation = sd_scope_relation(analysis->scope, castNode(RangeVar, object));
			return relation.presence == SD_EXISTS && loses(stmt, relation.oid) ? sd_shown(&relation) :
																				 NULL;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			/* one that the script makes is nobody's yet */
			oid = sd_lookup_routine(stmt->objtype, castNode(ObjectWithArgs, object));
			return OidIsValid(oid) ? quote_identifier(get_func_name(oid)) : NULL;
		case OBJECT_SCHEMA:
			return sd_scope_schema(analysis->scope, strVal(object), &oid) == SD_EXISTS ?
					   quote_identifier(strVal(object)) :
					   NULL;
		default:
			return NULL;
	}
}

/* check_revoke reports rights that somebody has now and will not have. */
static void
check_revoke(SdAnalysis *analysis, const GrantStmt *stmt)
{
	SdFinding finding;
	SdNames names;
	ListCell *cell;

	sd_names_init(&names);
	foreach (cell, stmt->objects)
	{
		const char *name = stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA ?
							   psprintf("all of schema %s", quote_identifier(strVal(lfirst(cell)))) :
							   revoked_object(analysis, stmt, lfirst(cell));

		if (name != NULL)
			sd_names_add(&names, name);
	}
	if (names.count == 0)
		return;
	finding = sd_finding(analysis, SD_RULE_REVOKE_PRIVILEGE, NULL);
	finding.object = finding.names.table = sd_names_text(&names);
	finding.message = psprintf("privileges on %s are taken away", finding.object);
	sd_report(analysis, &finding);
}

static void
check_grant(SdAnalysis *analysis, Node *statement)
{
	GrantStmt *stmt = IsA(statement, GrantStmt) ? (GrantStmt *) statement :
												  ((AlterDefaultPrivilegesStmt *) statement)->action;
	bool future = !IsA(statement, GrantStmt);
	SdFinding finding;

	if (analysis->deferred)
		return;
	if (!stmt->is_grant)
	{
		if (!future)
			check_revoke(analysis, stmt);
		return;
	}
	finding = sd_finding(analysis, SD_RULE_GRANT_WIDEN, NULL);
	if (is_public(stmt->grantees))
	{
		finding.severity = SD_WARNING;
		finding.message = psprintf("every role of the server gets privileges%s",
								   future ? " on all that is made later" : "");
	}
	else if (stmt->grant_option)
		finding.message = "a role may pass the privileges on to others";
	else if (!future && stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		finding.message = "a role gets privileges on all objects of a schema at once";
	else if (stmt->privileges == NIL)
		finding.message =
			psprintf("a role gets all privileges%s", future ? " on all that is made later" : "");
	else
		return;
	sd_report(analysis, &finding);
}

/* check_role_attribute reports rights that go around all others. */
static void
check_role_attribute(SdAnalysis *analysis, Node *statement)
{
	static const struct
	{
		const char *option;
		const char *right;
	} rights[] = { { "superuser", "SUPERUSER" },
				   { "bypassrls", "BYPASSRLS" },
				   { "isreplication", "REPLICATION" },
				   { "createrole", "CREATEROLE" } };
	List *options = IsA(statement, CreateRoleStmt) ? ((CreateRoleStmt *) statement)->options :
													 ((AlterRoleStmt *) statement)->options;

	if (analysis->deferred)
		return;
	for (int i = 0; i < lengthof(rights); i++)
	{
		DefElem *option = sd_option(options, rights[i].option);
		SdFinding finding;

		if (option == NULL || option->arg == NULL || !SD_BOOLEAN_VALUE(option->arg))
			continue;
		finding = sd_finding(analysis, SD_RULE_GRANT_WIDEN, NULL);
		finding.severity = SD_WARNING;
		finding.message = psprintf("a role gets %s", rights[i].right);
		sd_report(analysis, &finding);
	}
}

const SdCheck sd_checks_grant[] = {
	{ T_GrantStmt, -1, check_grant },
	{ T_AlterDefaultPrivilegesStmt, -1, check_grant },
	{ T_CreateRoleStmt, -1, check_role_attribute },
	{ T_AlterRoleStmt, -1, check_role_attribute },
	{ T_Invalid, 0, NULL },
};
