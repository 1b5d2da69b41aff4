/*
 * sd_effect_families.c
 *	  Which function knows what a statement does.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "sd_effect_int.h"
#include "sd_tree.h"
#include "sd_try.h"

/*
 * Every statement that the server has; one that is missing here is reported as
 * opaque.  sd_effect_nothing is for those that touch no relation.
 */
static const struct
{
	NodeTag tag;
	SdEffectFunction function;
} families[] = {
	{ T_AlterTableStmt, sd_effect_alter_table },
	{ T_AlterTableMoveAllStmt, sd_effect_move_all },
	{ T_DropStmt, sd_effect_drop_statement },
	{ T_DropOwnedStmt, sd_effect_drop_owned },
	{ T_ReassignOwnedStmt, sd_effect_reassign_owned },
	{ T_IndexStmt, sd_effect_index },
	{ T_ReindexStmt, sd_effect_reindex },
	{ T_ClusterStmt, sd_effect_cluster },
	{ T_SelectStmt, sd_effect_data },
	{ T_InsertStmt, sd_effect_data },
	{ T_UpdateStmt, sd_effect_data },
	{ T_DeleteStmt, sd_effect_data },
#if PG_VERSION_NUM >= 150000
	{ T_MergeStmt, sd_effect_data },
#endif
	{ T_CopyStmt, sd_effect_copy },
	{ T_TruncateStmt, sd_effect_truncate },
	{ T_LockStmt, sd_effect_lock_table },
	{ T_CreateStmt, sd_effect_create_table },
	{ T_CreateForeignTableStmt, sd_effect_create_table },
	{ T_CreateTableAsStmt, sd_effect_create_table_as },
	{ T_ViewStmt, sd_effect_create_view },
	{ T_CreateSeqStmt, sd_effect_create_sequence },
	{ T_AlterSeqStmt, sd_effect_alter_sequence },
	{ T_CompositeTypeStmt, sd_effect_create_composite },
	{ T_CreateTrigStmt, sd_effect_create_trigger },
	{ T_RuleStmt, sd_effect_create_rule },
	{ T_CreatePolicyStmt, sd_effect_create_policy },
	{ T_AlterPolicyStmt, sd_effect_alter_policy },
	{ T_CreateStatsStmt, sd_effect_create_statistics },
	{ T_CreateFunctionStmt, sd_effect_create_function },
	{ T_CreateSchemaStmt, sd_effect_create_schema },
	{ T_RefreshMatViewStmt, sd_effect_refresh },
	{ T_RenameStmt, sd_effect_rename },
	{ T_AlterObjectSchemaStmt, sd_effect_set_schema },
	{ T_AlterOwnerStmt, sd_effect_set_owner },
	{ T_CommentStmt, sd_effect_comment },
	{ T_SecLabelStmt, sd_effect_security_label },
	{ T_AlterObjectDependsStmt, sd_effect_depends },
	{ T_AlterExtensionContentsStmt, sd_effect_extension_contents },
	{ T_AlterDomainStmt, sd_effect_alter_domain },
	{ T_VacuumStmt, sd_effect_vacuum },
	{ T_ExplainStmt, sd_effect_explain },
	{ T_PrepareStmt, sd_effect_prepare },
	{ T_ExecuteStmt, sd_effect_execute },
	{ T_DeclareCursorStmt, sd_effect_declare },
	{ T_CallStmt, sd_effect_call },
	{ T_CreatePublicationStmt, sd_effect_create_publication },
	{ T_AlterPublicationStmt, sd_effect_alter_publication },
	{ T_CreateExtensionStmt, sd_effect_create_extension },
	{ T_AlterExtensionStmt, sd_effect_alter_extension },
	/* bodies are statements of their own */
	{ T_DoStmt, sd_effect_nothing },
	{ T_TransactionStmt, sd_effect_nothing },
	{ T_VariableSetStmt, sd_effect_nothing },
	{ T_VariableShowStmt, sd_effect_nothing },
	{ T_DeallocateStmt, sd_effect_nothing },
	{ T_DiscardStmt, sd_effect_nothing },
	{ T_ListenStmt, sd_effect_nothing },
	{ T_NotifyStmt, sd_effect_nothing },
	{ T_UnlistenStmt, sd_effect_nothing },
	{ T_FetchStmt, sd_effect_nothing },
	{ T_ClosePortalStmt, sd_effect_nothing },
	{ T_ConstraintsSetStmt, sd_effect_nothing },
	{ T_CheckPointStmt, sd_effect_nothing },
	{ T_LoadStmt, sd_effect_nothing },
	{ T_DefineStmt, sd_effect_nothing },
	{ T_CreateEnumStmt, sd_effect_nothing },
	{ T_CreateRangeStmt, sd_effect_nothing },
	{ T_CreateDomainStmt, sd_effect_nothing },
	{ T_AlterEnumStmt, sd_effect_alter_enum },
	{ T_AlterTypeStmt, sd_effect_nothing },
	{ T_AlterFunctionStmt, sd_effect_nothing },
	{ T_AlterOperatorStmt, sd_effect_nothing },
	{ T_AlterOpFamilyStmt, sd_effect_alter_opfamily },
	{ T_AlterCollationStmt, sd_effect_nothing },
	{ T_AlterStatsStmt, sd_effect_nothing },
	{ T_AlterEventTrigStmt, sd_effect_nothing },
	{ T_AlterDefaultPrivilegesStmt, sd_effect_nothing },
	{ T_AlterRoleStmt, sd_effect_nothing },
	{ T_AlterRoleSetStmt, sd_effect_nothing },
	{ T_AlterDatabaseStmt, sd_effect_nothing },
	{ T_AlterDatabaseSetStmt, sd_effect_nothing },
#if PG_VERSION_NUM >= 150000
	{ T_AlterDatabaseRefreshCollStmt, sd_effect_nothing },
#endif
	{ T_AlterSystemStmt, sd_effect_nothing },
	{ T_AlterTableSpaceOptionsStmt, sd_effect_nothing },
	{ T_AlterTSConfigurationStmt, sd_effect_nothing },
	{ T_AlterTSDictionaryStmt, sd_effect_nothing },
	{ T_AlterFdwStmt, sd_effect_nothing },
	{ T_AlterForeignServerStmt, sd_effect_nothing },
	{ T_AlterUserMappingStmt, sd_effect_nothing },
	{ T_CreateFdwStmt, sd_effect_nothing },
	{ T_CreateForeignServerStmt, sd_effect_nothing },
	{ T_CreateUserMappingStmt, sd_effect_nothing },
	{ T_DropUserMappingStmt, sd_effect_drop_mapping },
	{ T_CreateAmStmt, sd_effect_nothing },
	{ T_CreateCastStmt, sd_effect_nothing },
	{ T_CreateConversionStmt, sd_effect_nothing },
	{ T_CreateEventTrigStmt, sd_effect_create_event_trigger },
	{ T_CreateOpClassStmt, sd_effect_nothing },
	{ T_CreateOpFamilyStmt, sd_effect_nothing },
	{ T_CreatePLangStmt, sd_effect_nothing },
	{ T_CreateTransformStmt, sd_effect_nothing },
	{ T_CreateRoleStmt, sd_effect_nothing },
	{ T_DropRoleStmt, sd_effect_drop_role },
	{ T_CreatedbStmt, sd_effect_nothing },
	{ T_DropdbStmt, sd_effect_drop_database },
	{ T_CreateTableSpaceStmt, sd_effect_nothing },
	{ T_DropTableSpaceStmt, sd_effect_drop_tablespace },
	{ T_GrantStmt, sd_effect_grant },
	{ T_GrantRoleStmt, sd_effect_nothing },
	{ T_CreateSubscriptionStmt, sd_effect_nothing },
	{ T_AlterSubscriptionStmt, sd_effect_nothing },
	{ T_DropSubscriptionStmt, sd_effect_drop_subscription },
};

void
sd_effects_inner(SdEffects *effects, Node *statement)
{
	for (int i = 0; i < lengthof(families); i++)
	{
		if (families[i].tag != nodeTag(statement))
			continue;
		families[i].function(&effects->context, statement);
		return;
	}
	sd_effects_opaque(effects, psprintf("what %s does is not known", sd_command_name(statement)));
}

/* is_for tells whether an event trigger is fired by a command; those without tags are by all. */
static bool
is_for(HeapTuple trigger, TupleDesc desc, const char *tag)
{
	bool isnull;
	Datum tags = heap_getattr(trigger, Anum_pg_event_trigger_evttags, desc, &isnull);
	Datum *elements;
	int n;

	if (isnull)
		return true;
	deconstruct_array(DatumGetArrayTypeP(tags), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		if (pg_strcasecmp(TextDatumGetCString(elements[i]), tag) == 0)
			return true;
	return false;
}

/* fire_event_triggers looks into what the database runs beside a command; the extension's own only watch. */
static void
fire_event_triggers(SdEffects *effects, Node *statement)
{
	CommandTag tag = CreateCommandTag(statement);
	Relation rel;
	SysScanDesc scan;
	HeapTuple tuple;
	List *functions = NIL;
	ListCell *cell;

	if (!command_tag_event_trigger_ok(tag))
		return;
	rel = table_open(EventTriggerRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_event_trigger form = (Form_pg_event_trigger) GETSTRUCT(tuple);

		if (form->evtenabled != TRIGGER_DISABLED &&
			is_for(tuple, RelationGetDescr(rel), GetCommandTagName(tag)) &&
			getExtensionOfObject(ProcedureRelationId, form->evtfoid) !=
				get_extension_oid("safedeploy", true))
			functions = lappend_oid(functions, form->evtfoid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach (cell, functions)
		sd_check_routine(effects->context.analysis, lfirst_oid(cell));
	foreach (cell, sd_made_event_triggers(&effects->context))
	{
		FuncCall *call = makeNode(FuncCall);

		call->funcname = lfirst_node(CreateEventTrigStmt, cell)->funcname;
		call->location = -1;
		sd_check_call(effects->context.analysis, call);
	}
}

/* A statement whose prediction may fail: trees hold what the server's walker does not know. */
typedef struct Attempt
{
	SdEffects *effects;
	Node *statement;
} Attempt;

static void
attempt(void *arg)
{
	Attempt *what = arg;

	sd_effects_inner(what->effects, what->statement);
	if (what->effects->context.analysis->predicts)
	{
		bool before = sd_effect_certain(&what->effects->context, false);

		fire_event_triggers(what->effects, what->statement);
		sd_effect_certain(&what->effects->context, before);
	}
}

/* is_simple_column recognises ADD COLUMN with nothing to be looked up but a type of the server. */
static bool
is_simple_column(const AlterTableCmd *cmd)
{
	const ColumnDef *column;
	ListCell *cell;

	if (cmd->subtype != AT_AddColumn)
		return false;
	column = castNode(ColumnDef, cmd->def);
	if (column->typeName == NULL || column->typeName->typmods != NIL ||
		column->typeName->pct_type || list_length(column->typeName->names) != 2 ||
		strcmp(strVal(linitial(column->typeName->names)), "pg_catalog") != 0)
		return false;
	foreach (cell, column->constraints)
	{
		const Constraint *constraint = lfirst_node(Constraint, cell);

		if (constraint->contype != CONSTR_NULL && constraint->contype != CONSTR_NOTNULL &&
			(constraint->contype != CONSTR_DEFAULT || !IsA(constraint->raw_expr, A_Const)))
			return false;
	}
	return true;
}

/*
 * cannot_fail recognises the commonest statements, in which nothing is asked of the
 * server that it may refuse: they need no subtransaction around the question.
 */
static bool
cannot_fail(const SdEffects *effects, Node *statement)
{
	ListCell *cell;

	/* with event triggers code of the database is looked into */
	if (effects->context.analysis->predicts)
		return false;
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return sd_scope_relation(effects->context.scope, ((IndexStmt *) statement)->relation).relkind ==
				   RELKIND_RELATION;
		case T_AlterTableStmt:
			foreach (cell, ((AlterTableStmt *) statement)->cmds)
				if (!is_simple_column(lfirst_node(AlterTableCmd, cell)))
					return false;
			return true;
		default:
			return false;
	}
}

void
sd_effects_statement(SdEffects *effects, Node *statement)
{
	SdAnalysis *analysis = effects->context.analysis;
	bool before = effects->certain;
	Attempt what = { effects, statement };
	char *error;

	/* the body of a routine that is only made does nothing yet */
	if (analysis->deferred)
		return;
	effects->certain = before && !analysis->conditional;
	if (IsA(statement, TransactionStmt) && analysis->inside == NULL)
		sd_effects_follow(effects, (TransactionStmt *) statement);
	if (cannot_fail(effects, statement))
		attempt(&what);
	else if (!sd_try(attempt, &what, &error))
		sd_effects_opaque(effects, psprintf("it cannot be predicted: %s", error));
	effects->certain = before;
}

void
sd_effect_nothing(SdEffectContext *context, Node *statement)
{
}
