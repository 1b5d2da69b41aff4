/*
 * sd_rules_lock.c
 *	  Family "lock": statements that take a strong lock for a short time, and the
 *	  net under all rules, which names the lock of what no rule has reported.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "nodes/bitmapset.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_names.h"
#include "sd_effect_ask.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_tree.h"

/* lock_effect says what a lock keeps others from. */
static const char *
lock_effect(LOCKMODE mode)
{
	switch (mode)
	{
		case AccessExclusiveLock:
			return "nobody can read or write it";
		case ExclusiveLock:
		case ShareRowExclusiveLock:
		case ShareLock:
			return "nobody can write it";
		case ShareUpdateExclusiveLock:
			return "vacuum and other changes of it wait";
		default:
			return "some changes of it wait";
	}
}

static void
check_drop_index(SdAnalysis *analysis, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	ListCell *cell;

	if (stmt->concurrent)
		return;
	foreach (cell, stmt->objects)
	{
		SdRelation index = sd_scope_relation_list(analysis->scope, lfirst(cell));
		SdFinding finding;
		Oid table;

		if (!sd_is_target(analysis, &index, stmt->missing_ok))
			continue;
		finding = sd_finding(analysis, SD_RULE_DROP_INDEX_NONCONCURRENT, &index);
		finding.names.item = finding.object;
		finding.lock = AccessExclusiveLock;
		table = index.presence == SD_EXISTS ? IndexGetRelation(index.oid, true) : InvalidOid;
		/* the lock hurts the users of the table */
		if (OidIsValid(table))
			finding.size = sd_relation_size(analysis->sizes, table);
		finding.message =
			psprintf("dropping index %s locks its table%s%s against reading and writing",
					 sd_shown(&index), OidIsValid(table) ? " " : "",
					 OidIsValid(table) ? sd_relation_name(table) : "");
		sd_report_blocking(analysis, &finding);
	}
}

/* lock_finding starts a finding of a short lock of one relation. */
static SdFinding
lock_finding(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation, LOCKMODE mode,
			 const char *what)
{
	SdFinding finding = sd_finding(analysis, rule, relation);

	finding.lock = mode;
	finding.message = psprintf("%s %s: %s until the transaction ends", what, sd_shown(relation),
							   lock_effect(mode));
	return finding;
}

/* report_lock reports a short lock of one relation under a rule. */
static void
report_lock(SdAnalysis *analysis, SdRuleId rule, const SdRelation *relation, LOCKMODE mode,
			const char *what)
{
	SdFinding finding = lock_finding(analysis, rule, relation, mode, what);

	sd_report(analysis, &finding);
}

static void
check_lock_table(SdAnalysis *analysis, Node *statement)
{
	LockStmt *stmt = (LockStmt *) statement;
	ListCell *cell;

	/* weaker modes stop nobody's reading and writing */
	if (stmt->mode < ShareLock)
		return;
	foreach (cell, stmt->relations)
	{
		SdRelation relation;

		if (sd_target(analysis, lfirst_node(RangeVar, cell), false, &relation))
			report_lock(analysis, SD_RULE_EXPLICIT_LOCK_TABLE, &relation, stmt->mode, "locks");
	}
}

static void
check_create_trigger(SdAnalysis *analysis, Node *statement)
{
	CreateTrigStmt *stmt = (CreateTrigStmt *) statement;
	SdRelation relation;

	if (sd_target(analysis, stmt->relation, false, &relation))
		report_lock(analysis, SD_RULE_CREATE_TRIGGER, &relation, ShareRowExclusiveLock,
					"adds a trigger to");
}

/* is_same_name tells whether a name is that of the table which is being made. */
static bool
is_same_name(const RangeVar *made, const RangeVar *name)
{
	return strcmp(made->relname, name->relname) == 0 &&
		   (name->schemaname == NULL || made->schemaname == NULL ||
			strcmp(made->schemaname, name->schemaname) == 0);
}

/* report_referenced reports the tables that foreign keys of a list point at. */
static void
report_referenced(SdAnalysis *analysis, const RangeVar *made, List *constraints)
{
	ListCell *cell;

	foreach (cell, constraints)
	{
		Constraint *constraint;
		SdRelation relation;

		if (!IsA(lfirst(cell), Constraint))
			continue;
		constraint = lfirst_node(Constraint, cell);
		/* a new table may refer to itself */
		if (constraint->contype == CONSTR_FOREIGN && !is_same_name(made, constraint->pktable) &&
			sd_target(analysis, constraint->pktable, false, &relation))
			report_lock(analysis, SD_RULE_FK_LOCKS_REFERENCED, &relation, ShareRowExclusiveLock,
						"a foreign key of a new table refers to");
	}
}

/* check_create_table reports the locks that a new table takes of old ones. */
static void
check_create_table(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	SdRelation relation;
	ListCell *cell;

	if (stmt->if_not_exists &&
		sd_scope_relation_in(analysis->scope,
							 sd_scope_creation_schema(analysis->scope, stmt->relation),
							 stmt->relation->relname)
				.presence == SD_EXISTS)
		return;
	report_referenced(analysis, stmt->relation, stmt->constraints);
	report_referenced(analysis, stmt->relation, stmt->tableElts);
	foreach (cell, stmt->tableElts)
	{
		if (IsA(lfirst(cell), ColumnDef))
			report_referenced(analysis, stmt->relation, lfirst_node(ColumnDef, cell)->constraints);
	}
	if (stmt->partbound != NULL)
	{
		foreach (cell, stmt->inhRelations)
		{
			SdFinding finding;

			if (!sd_target(analysis, lfirst_node(RangeVar, cell), false, &relation))
				continue;
			finding = lock_finding(analysis, SD_RULE_CREATE_PARTITION_OF, &relation,
								   AccessExclusiveLock, "makes a partition of");
			finding.names.new_name = sd_hint_range(stmt->relation);
			sd_report(analysis, &finding);
		}
	}
}

/* check_alter_made reports what a change of the script's own table does to others. */
static void
check_alter_made(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	SdAlter alter = { .stmt = stmt };
	ListCell *cell;

	alter.relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (alter.relation.presence != SD_MADE)
		return;
	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_AddConstraint)
			report_referenced(analysis, stmt->relation, list_make1(cmd->def));
		else if (cmd->subtype == AT_AddColumn)
			report_referenced(analysis, stmt->relation, castNode(ColumnDef, cmd->def)->constraints);
		else if (cmd->subtype == AT_AttachPartition)
		{
			alter.cmd = cmd;
			sd_check_attach(analysis, &alter);
		}
	}
}

static void
check_detach_partition(SdAnalysis *analysis, const SdAlter *alter)
{
	PartitionCmd *cmd = castNode(PartitionCmd, alter->cmd->def);
	SdFinding finding;

	if (SD_PARTITION_CMD_CONCURRENT(cmd))
		return;
	finding = lock_finding(analysis, SD_RULE_DETACH_PARTITION_BLOCKING, &alter->relation,
						   alter->lock, "detaches a partition of");
	finding.names.other = finding.object;
	finding.names.table = sd_hint_range(cmd->name);
	sd_report(analysis, &finding);
}

/*
 * Statements whose effect on what exists is known to be none, or is told by
 * their rules alone.  What is neither here nor has a finding is reported as not judged.
 */
static const NodeTag judged[] = {
	T_InsertStmt,		 T_SelectStmt,		   T_CreateStmt,
	T_CreateTableAsStmt, T_CreateSeqStmt,	   T_CreateSchemaStmt,
	T_CreateEnumStmt,	 T_CreateRangeStmt,	   T_CreateDomainStmt,
	T_CompositeTypeStmt, T_CreateFunctionStmt, T_CommentStmt,
	T_TransactionStmt,	 T_VariableSetStmt,	   T_VariableShowStmt,
	T_ExplainStmt,		 T_PrepareStmt,		   T_DeallocateStmt,
	T_ExecuteStmt,		 T_DeleteStmt,		   T_UpdateStmt,
	T_TruncateStmt,		 T_CopyStmt,		   T_DoStmt,
	T_CallStmt,			 T_DiscardStmt,		   T_ListenStmt,
	T_NotifyStmt,		 T_UnlistenStmt,	   T_DeclareCursorStmt,
	T_FetchStmt,		 T_ClosePortalStmt,	   T_ConstraintsSetStmt,
	T_CheckPointStmt,	 T_DefineStmt,		   T_CreateForeignTableStmt,
	T_AlterTableStmt,	 T_RenameStmt,		   T_AlterObjectSchemaStmt,
	T_RuleStmt,			 T_CreatePolicyStmt,   T_AlterPolicyStmt,
	T_AlterSeqStmt,		 T_ViewStmt,		   T_IndexStmt,
	T_ReindexStmt,		 T_RefreshMatViewStmt, T_LockStmt,
	T_VacuumStmt,		 T_CreateStatsStmt,	   T_CreateTrigStmt,
	T_AlterDomainStmt,	 T_ClusterStmt,		   T_DropdbStmt,
	T_DropOwnedStmt,	 T_GrantStmt,		   T_AlterDefaultPrivilegesStmt,
	T_AlterFunctionStmt, T_AlterEnumStmt,	   T_CreateRoleStmt,
	T_AlterRoleStmt,
};

/* The same as a set, made when it is first asked. */
static const Bitmapset *judged_tags = NULL;

/* is_judged tells whether some rule has looked at such a statement. */
static bool
is_judged(Node *statement)
{
	if (IsA(statement, DropStmt))
	{
		switch (((DropStmt *) statement)->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
			case OBJECT_SCHEMA:
			case OBJECT_TYPE:
			case OBJECT_DOMAIN:
			case OBJECT_TRIGGER:
			case OBJECT_RULE:
			case OBJECT_POLICY:
				return true;
			default:
				return false;
		}
	}
	if (SD_IS_MERGE(statement))
		return true;
	if (judged_tags == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		Bitmapset *tags = NULL;

		for (int i = 0; i < lengthof(judged); i++)
			tags = bms_add_member(tags, judged[i]);
		judged_tags = tags;
		MemoryContextSwitchTo(old);
	}
	return bms_is_member(nodeTag(statement), judged_tags);
}

void
sd_check_locks(SdAnalysis *analysis, Node *statement)
{
	SdRelation relation;
	const char *shown;
	LOCKMODE mode;
	SdFinding finding;

	if (analysis->predicts)
		return;
	if (!analysis->reported && !is_judged(statement))
	{
		finding = sd_finding(analysis, SD_RULE_NO_RULE, NULL);
		finding.rewrites = finding.scans = SD_UNKNOWN;
		finding.message = psprintf("no rule judges %s", sd_command_name(statement));
		sd_report(analysis, &finding);
		return;
	}
	/* nothing is stronger than that */
	if (analysis->lock_reported == AccessExclusiveLock)
		return;
	mode = sd_ask_strongest_lock(analysis, Max(analysis->lock_reported, RowExclusiveLock),
								 &relation, &shown);
	if (mode == NoLock)
		return;
	finding = sd_finding(analysis, SD_RULE_LOCK_TAKEN, &relation);
	finding.object = finding.names.table = shown;
	finding.lock = mode;
	finding.message = psprintf("%s locks %s: %s until the transaction ends",
							   sd_command_name(statement), shown, lock_effect(mode));
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_lock[] = {
	{ T_DropStmt, OBJECT_INDEX, check_drop_index },
	{ T_LockStmt, -1, check_lock_table },
	{ T_CreateTrigStmt, -1, check_create_trigger },
	{ T_CreateStmt, -1, check_create_table },
	{ T_CreateForeignTableStmt, -1, check_create_table },
	{ T_AlterTableStmt, -1, check_alter_made },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_lock[] = {
	{ AT_DetachPartition, check_detach_partition },
	{ 0, NULL },
};
