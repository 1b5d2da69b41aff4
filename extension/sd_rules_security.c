/*
 * sd_rules_security.c
 *	  Family "security": who may do what, before and after the statement.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "commands/policy.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* role_now returns the role that statements run as, or InvalidOid when it is not known or may do all. */
static Oid
role_now(SdAnalysis *analysis)
{
	Oid role = (Oid) analysis->track->settings[SD_SETTING_ROLE].now;

	if (analysis->deferred || !OidIsValid(role) || superuser_arg(role))
		return InvalidOid;
	return role;
}

/* report_denied reports that the role lacks a right; %n in the hint is the role, %r what "other" names. */
static void
report_denied(SdAnalysis *analysis, Oid role, const SdRelation *relation, const char *what,
			  const char *hint, const char *other)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_INSUFFICIENT_PRIVILEGE, relation);

	finding.names.new_name = quote_identifier(GetUserNameFromId(role, true));
	finding.names.other = other;
	finding.hint = hint;
	finding.message = psprintf("role %s %s", finding.names.new_name, what);
	sd_report(analysis, &finding);
}

/* check_owner reports a statement on a relation that belongs to another role. */
static void
check_owner(SdAnalysis *analysis, Oid role, const SdRelation *relation)
{
	if (relation->presence == SD_EXISTS && relation->persistence != RELPERSISTENCE_TEMP &&
		!sd_owns_relation(relation->oid, role))
		report_denied(analysis, role, relation, psprintf("does not own %s", sd_shown(relation)),
					  NULL, NULL);
}

/* owned_by_statement returns the relation whose owner alone may run a statement, or NULL. */
static const RangeVar *
owned_by_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) statement)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->relation;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) statement)->table;
		case T_RuleStmt:
			return ((RuleStmt *) statement)->relation;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) statement)->sequence;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) statement)->relation;
		default:
			return NULL;
	}
}

static void
check_ownership(SdAnalysis *analysis, Node *statement)
{
	Oid role = role_now(analysis);
	const RangeVar *name;
	SdRelation relation;
	ListCell *cell;

	if (!OidIsValid(role))
		return;
	if (IsA(statement, DropStmt))
	{
		foreach (cell, ((DropStmt *) statement)->objects)
		{
			relation = sd_scope_relation_list(analysis->scope, lfirst(cell));
			check_owner(analysis, role, &relation);
		}
		return;
	}
	name = owned_by_statement(statement);
	if (name == NULL)
		return;
	relation = sd_scope_relation(analysis->scope, name);
	check_owner(analysis, role, &relation);
}

/* check_creation reports a schema that nothing may be made in. */
static void
check_creation(SdAnalysis *analysis, Node *statement)
{
	Oid role = role_now(analysis);
	const RangeVar *name = sd_created_relation(statement);
	const char *schema;
	Oid namespace;

	if (!OidIsValid(role) || name == NULL || name->relpersistence == RELPERSISTENCE_TEMP)
		return;
	schema = sd_scope_creation_schema(analysis->scope, name);
	if (schema == NULL || sd_scope_schema(analysis->scope, schema, &namespace) != SD_EXISTS ||
		!OidIsValid(namespace) || sd_may_create_in(namespace, role))
		return;
	report_denied(analysis, role, NULL,
				  psprintf("may not make anything in schema %s", quote_identifier(schema)),
				  "Let the role make things there: GRANT CREATE ON SCHEMA %r TO %n;",
				  quote_identifier(schema));
}

static void
check_truncate(SdAnalysis *analysis, Node *statement)
{
	Oid role = role_now(analysis);
	ListCell *cell;

	if (!OidIsValid(role))
		return;
	foreach (cell, ((TruncateStmt *) statement)->relations)
	{
		SdRelation relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));

		if (relation.presence == SD_EXISTS &&
			pg_class_aclcheck(relation.oid, role, ACL_TRUNCATE) != ACLCHECK_OK)
			report_denied(analysis, role, &relation,
						  psprintf("may not truncate %s", sd_shown(&relation)),
						  "Give the right: GRANT TRUNCATE ON %t TO %n;", NULL);
	}
}

/* check_attribute reports statements that need a right of the role itself. */
static void
check_attribute(SdAnalysis *analysis, Node *statement)
{
	Oid role = role_now(analysis);
	HeapTuple tuple;
	Form_pg_authid form;

	if (!OidIsValid(role))
		return;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_authid) GETSTRUCT(tuple);
	if (IsA(statement, CreateRoleStmt) && !form->rolcreaterole)
		report_denied(analysis, role, NULL, "lacks CREATEROLE",
					  "Give the right: ALTER ROLE %n CREATEROLE;", NULL);
	else if (IsA(statement, CreatedbStmt) && !form->rolcreatedb)
		report_denied(analysis, role, NULL, "lacks CREATEDB",
					  "Give the right: ALTER ROLE %n CREATEDB;", NULL);
	else if (IsA(statement, AlterSystemStmt) || IsA(statement, CreateEventTrigStmt))
		report_denied(analysis, role, NULL,
					  psprintf("is no superuser, which %s needs", sd_command_name(statement)),
					  "Run it as a superuser.", NULL);
	ReleaseSysCache(tuple);
}

/* has_policy tells whether a table has a policy that lets somebody in. */
static bool
has_policy(SdAnalysis *analysis, Oid table, bool *any)
{
	Relation policies = table_open(PolicyRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool result = false;

	*any = false;
	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(policies, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_policy form = (Form_pg_policy) GETSTRUCT(tuple);
		ObjectAddress address = { PolicyRelationId, form->oid, 0 };

		if (sd_track_was_dropped(analysis, &address))
			continue;
		*any = true;
		result |= form->polpermissive;
	}
	systable_endscan(scan);
	table_close(policies, AccessShareLock);
	return result;
}

/* security_of reads whether row security is on for a table. */
static bool
security_of(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	bool result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
		ReleaseSysCache(tuple);
	}
	return result;
}

static void
check_enable_security(SdAnalysis *analysis, const SdAlter *alter)
{
	bool force = alter->cmd->subtype == AT_ForceRowSecurity;
	bool permissive;
	bool any;
	SdFinding finding;

	if (alter->relation.presence != SD_EXISTS || (!force && security_of(alter->relation.oid)))
		return;
	permissive = has_policy(analysis, alter->relation.oid, &any) ||
				 list_member_oid(analysis->track->with_policy, alter->relation.oid) ||
				 sd_ahead(analysis, SD_AHEAD_POLICY, alter->relation.name, NULL, true);
	finding = sd_alter_finding(analysis, SD_RULE_RLS_ENABLE, alter, NULL);
	if (permissive)
		finding.severity = SD_NOTICE;
	finding.message =
		permissive ? psprintf("from now on policies decide which rows of %s %s sees",
							  finding.object, force ? "even its owner" : "a role") :
					 psprintf("no policy lets anybody in: %s sees no row of %s any more",
							  force ? "even the owner" : "everyone but the owner", finding.object);
	sd_report(analysis, &finding);
}

/* report_policy reports a change of who sees which rows. */
static void
report_policy(SdAnalysis *analysis, const RangeVar *table, const char *message)
{
	SdRelation relation = sd_scope_relation(analysis->scope, table);
	SdFinding finding;

	/* without row security policies do nothing; rls-enable speaks of switching it on */
	if (relation.presence != SD_EXISTS || analysis->deferred || !security_of(relation.oid))
		return;
	finding = sd_finding(analysis, SD_RULE_POLICY_CHANGE, &relation);
	finding.lock = AccessExclusiveLock;
	finding.message = psprintf("%s %s", message, finding.object);
	sd_report(analysis, &finding);
}

static void
check_policy(SdAnalysis *analysis, Node *statement)
{
	if (IsA(statement, CreatePolicyStmt))
	{
		CreatePolicyStmt *stmt = (CreatePolicyStmt *) statement;

		report_policy(analysis, stmt->table,
					  stmt->permissive ? "a permissive policy shows and allows more rows of" :
										 "a restrictive policy hides and refuses rows of");
	}
	else if (IsA(statement, AlterPolicyStmt))
		report_policy(analysis, ((AlterPolicyStmt *) statement)->table,
					  "a changed policy decides which rows can be seen of");
	else
	{
		ListCell *cell;

		foreach (cell, ((DropStmt *) statement)->objects)
		{
			List *names = list_copy(lfirst(cell));
			RangeVar table = { .type = T_RangeVar };

			names = list_truncate(names, list_length(names) - 1);
			table.relname = strVal(llast(names));
			if (list_length(names) > 1)
				table.schemaname = strVal(list_nth(names, list_length(names) - 2));
			report_policy(analysis, &table, "a policy goes, which decided on rows of");
		}
	}
}

/* check_security_off reports that policies of a table decide nothing any more. */
static void
check_security_off(SdAnalysis *analysis, const SdAlter *alter)
{
	SdFinding finding;

	if (alter->relation.presence != SD_EXISTS || !security_of(alter->relation.oid))
		return;
	finding = sd_alter_finding(analysis, SD_RULE_POLICY_CHANGE, alter, NULL);
	finding.severity = SD_WARNING;
	finding.message = psprintf("%s shows all of its rows to whoever may read it", finding.object);
	sd_report(analysis, &finding);
}

/* report_trigger_off reports triggers that do not fire any more. */
static void
check_disable_trigger(SdAnalysis *analysis, const SdAlter *alter)
{
	SdFinding finding;

	if (alter->relation.presence != SD_EXISTS)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_DISABLE_TRIGGER, alter, NULL);
	finding.names.item = alter->cmd->name != NULL ? quote_identifier(alter->cmd->name) :
						 alter->cmd->subtype == AT_DisableTrigAll ? "ALL" :
																	"USER";
	if (alter->cmd->subtype == AT_DisableTrigAll)
		finding.message = psprintf("foreign keys of %s are not enforced while its triggers are off",
								   finding.object);
	else
		finding.message =
			psprintf("triggers of %s do not fire: %s", finding.object, finding.names.item);
	sd_report(analysis, &finding);
}

static void
check_replication_role(SdAnalysis *analysis, Node *statement)
{
	VariableSetStmt *stmt = (VariableSetStmt *) statement;
	const char *value;
	SdFinding finding;

	if (stmt->kind != VAR_SET_VALUE || stmt->name == NULL ||
		pg_strcasecmp(stmt->name, "session_replication_role") != 0)
		return;
	value = sd_set_value(stmt);
	if (value == NULL || pg_strcasecmp(value, "replica") != 0)
		return;
	finding = sd_finding(analysis, SD_RULE_DISABLE_TRIGGER, NULL);
	finding.hint = "Leave session_replication_role alone, and set it back at once where it must be: "
				   "RESET session_replication_role;";
	finding.message = "triggers and foreign keys of every table are off in this session from here on";
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_security[] = {
	{ T_AlterTableStmt, -1, check_ownership },
	{ T_RenameStmt, -1, check_ownership },
	{ T_IndexStmt, -1, check_ownership },
	{ T_CreatePolicyStmt, -1, check_ownership },
	{ T_RuleStmt, -1, check_ownership },
	{ T_AlterSeqStmt, -1, check_ownership },
	{ T_AlterObjectSchemaStmt, -1, check_ownership },
	{ T_DropStmt, OBJECT_TABLE, check_ownership },
	{ T_DropStmt, OBJECT_VIEW, check_ownership },
	{ T_DropStmt, OBJECT_MATVIEW, check_ownership },
	{ T_DropStmt, OBJECT_SEQUENCE, check_ownership },
	{ T_DropStmt, OBJECT_INDEX, check_ownership },
	{ T_CreateStmt, -1, check_creation },
	{ T_ViewStmt, -1, check_creation },
	{ T_CreateSeqStmt, -1, check_creation },
	{ T_TruncateStmt, -1, check_truncate },
	{ T_CreateRoleStmt, -1, check_attribute },
	{ T_CreatedbStmt, -1, check_attribute },
	{ T_AlterSystemStmt, -1, check_attribute },
	{ T_CreateEventTrigStmt, -1, check_attribute },
	{ T_CreatePolicyStmt, -1, check_policy },
	{ T_AlterPolicyStmt, -1, check_policy },
	{ T_DropStmt, OBJECT_POLICY, check_policy },
	{ T_VariableSetStmt, -1, check_replication_role },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_security[] = {
	{ AT_EnableRowSecurity, check_enable_security },
	{ AT_ForceRowSecurity, check_enable_security },
	{ AT_DisableRowSecurity, check_security_off },
	{ AT_DisableTrig, check_disable_trigger },
	{ AT_DisableTrigAll, check_disable_trigger },
	{ AT_DisableTrigUser, check_disable_trigger },
	{ 0, NULL },
};
