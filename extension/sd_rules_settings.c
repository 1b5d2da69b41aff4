/*
 * sd_rules_settings.c
 *	  Family "timeout", the part about strong locks for little: options of tables,
 *	  rules, and statements that change nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_bodies.h"
#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

static void
report_rule(SdAnalysis *analysis, const SdRelation *relation, const char *what)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_RULE_DDL, relation);

	finding.lock = AccessExclusiveLock;
	finding.message =
		psprintf("%s %s: statements on it mean something else from now on", what, finding.object);
	sd_report(analysis, &finding);
}

static void
check_create_rule(SdAnalysis *analysis, Node *statement)
{
	SdRelation relation;

	if (sd_target(analysis, ((RuleStmt *) statement)->relation, false, &relation))
		report_rule(analysis, &relation, "a rule rewrites statements on");
}

static void
check_drop_rule(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	foreach (cell, ((DropStmt *) statement)->objects)
	{
		List *names = list_copy(lfirst(cell));
		SdRelation relation;

		relation =
			sd_scope_relation_list(analysis->scope, list_truncate(names, list_length(names) - 1));
		if (sd_is_target(analysis, &relation, ((DropStmt *) statement)->missing_ok))
			report_rule(analysis, &relation, "a rule goes that rewrote statements on");
	}
}

static void
check_switch_rule(SdAnalysis *analysis, const SdAlter *alter)
{
	report_rule(analysis, &alter->relation, "a rule is switched that rewrites statements on");
}

/* check_options judges the storage parameters of a table. */
static void
check_options(SdAnalysis *analysis, const SdAlter *alter)
{
	SdFinding finding;
	ListCell *cell;

	if (alter->relation.presence != SD_EXISTS || alter->relation.relkind == RELKIND_VIEW)
		return;
	if (AlterTableGetLockLevel(list_make1(alter->cmd)) == AccessExclusiveLock)
	{
		finding = sd_alter_finding(analysis, SD_RULE_RELOPTION_LOCK, alter, NULL);
		finding.message = psprintf("one of the options locks %s against reading and writing, which "
								   "most do not",
								   finding.object);
		sd_report(analysis, &finding);
	}
	if (alter->cmd->subtype != AT_SetRelOptions)
		return;
	foreach (cell, (List *) alter->cmd->def)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		bool on;

		if (strcmp(option->defname, "autovacuum_enabled") != 0 || option->arg == NULL ||
			!parse_bool(defGetString(option), &on) || on)
			continue;
		finding = sd_alter_finding(analysis, SD_RULE_AUTOVACUUM_OFF, alter, NULL);
		finding.message =
			psprintf("nothing cleans %s any more, nor gathers its statistics", finding.object);
		sd_report(analysis, &finding);
	}
}

static void
check_create_options(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	DefElem *option = sd_option(stmt->options, "autovacuum_enabled");
	SdFinding finding;
	bool on;

	if (option == NULL || option->arg == NULL || !parse_bool(defGetString(option), &on) || on)
		return;
	finding = sd_finding(analysis, SD_RULE_AUTOVACUUM_OFF, NULL);
	finding.object = finding.names.table = quote_identifier(stmt->relation->relname);
	finding.message = psprintf("nothing will clean %s, nor gather its statistics", finding.object);
	sd_report(analysis, &finding);
}

/* report_noop reports a lock that is taken for nothing. */
static void
report_noop(SdAnalysis *analysis, const SdAlter *alter, const char *why)
{
	SdFinding finding;

	/* with others in the same command the lock is not for nothing */
	if (list_length(alter->stmt->cmds) > 1 || alter->lock < ShareRowExclusiveLock)
		return;
	finding = sd_alter_finding(analysis, SD_RULE_NOOP_STILL_LOCKS, alter, NULL);
	finding.message = psprintf("changes nothing, but waits for %s and locks it", finding.object);
	finding.detail = why;
	sd_report(analysis, &finding);
}

static void
check_column_noop(SdAnalysis *analysis, const SdAlter *alter)
{
	AlterTableCmd *cmd = alter->cmd;
	const char *name =
		cmd->subtype == AT_AddColumn ? castNode(ColumnDef, cmd->def)->colname : cmd->name;
	FormData_pg_attribute column;
	bool there;

	/* most new columns are meant to be new */
	if (alter->relation.presence != SD_EXISTS || analysis->deferred ||
		((cmd->subtype == AT_AddColumn || cmd->subtype == AT_DropColumn) && !cmd->missing_ok))
		return;
	there = sd_lookup_column(analysis, &alter->relation, name, &column);
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			if (there && cmd->missing_ok)
				report_noop(analysis, alter, "The column is there already.");
			break;
		case AT_DropColumn:
			if (!there && cmd->missing_ok &&
				sd_scope_column(analysis->scope, &alter->relation, name).presence != SD_MADE)
				report_noop(analysis, alter, "The column is not there.");
			break;
		case AT_SetNotNull:
			if (there && column.attnotnull)
				report_noop(analysis, alter, "The column is NOT NULL already.");
			break;
		case AT_DropNotNull:
			if (there && !column.attnotnull)
				report_noop(analysis, alter, "The column may be null already.");
			break;
		case AT_ColumnDefault:
			if (there && sd_lookup_same_default(alter->relation.oid, &column, cmd->def))
				report_noop(analysis, alter, "The column has this default already.");
			break;
		default:
			break;
	}
}

static void
check_other_noop(SdAnalysis *analysis, const SdAlter *alter)
{
	Oid owner = InvalidOid;
	HeapTuple tuple;

	if (alter->relation.presence != SD_EXISTS || analysis->deferred)
		return;
	if (alter->cmd->subtype == AT_DropConstraint)
	{
		if (alter->cmd->missing_ok &&
			sd_scope_constraint(analysis->scope, &alter->relation, alter->cmd->name).presence !=
				SD_MADE &&
			!OidIsValid(get_relation_constraint_oid(alter->relation.oid, alter->cmd->name, true)))
			report_noop(analysis, alter, "The constraint is not there.");
		return;
	}
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(alter->relation.oid));
	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	/* PUBLIC, which the parser lets through, is nobody */
	if (alter->cmd->newowner->roletype == ROLESPEC_PUBLIC)
		return;
	if (OidIsValid(owner) && get_rolespec_oid(alter->cmd->newowner, true) == owner)
		report_noop(analysis, alter, "The owner is the same already.");
}

/* check_do_loop reports a subtransaction for each round of a loop. */
static void
check_do_loop(SdAnalysis *analysis, Node *statement)
{
	SdBodyText body;
	SdFinding finding;

	if (!sd_do_body((DoStmt *) statement, &body) || strcmp(body.language, "plpgsql") != 0 ||
		!sd_body_catches_in_loop(body.text))
		return;
	finding = sd_finding(analysis, SD_RULE_SAVEPOINTS, NULL);
	finding.message = "each round of a loop is a subtransaction, because it catches errors";
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_settings[] = {
	{ T_RuleStmt, -1, check_create_rule },
	{ T_DropStmt, OBJECT_RULE, check_drop_rule },
	{ T_CreateStmt, -1, check_create_options },
	{ T_DoStmt, -1, check_do_loop },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_settings[] = {
	{ AT_EnableRule, check_switch_rule },		 { AT_EnableAlwaysRule, check_switch_rule },
	{ AT_EnableReplicaRule, check_switch_rule }, { AT_DisableRule, check_switch_rule },
	{ AT_SetRelOptions, check_options },		 { AT_ResetRelOptions, check_options },
	{ AT_AddColumn, check_column_noop },		 { AT_DropColumn, check_column_noop },
	{ AT_SetNotNull, check_column_noop },		 { AT_DropNotNull, check_column_noop },
	{ AT_ColumnDefault, check_column_noop },	 { AT_DropConstraint, check_other_noop },
	{ AT_ChangeOwner, check_other_noop },		 { 0, NULL },
};
