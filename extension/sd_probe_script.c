/*
 * sd_probe_script.c
 *	  What a script has done to rows before a statement asks something of them.
 *
 * Rows are probed as they are now.  A statement that may change them, or what an
 * expression means, makes every later answer about them unknown.  What is not
 * known to leave rows alone counts as changing all of them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_facts.h"
#include "sd_probe_int.h"
#include "sd_tree.h"

/* Rows of a table that a statement may have changed. */
typedef struct Touched
{
	Oid table;
	int statement;
} Touched;

/* A constraint that was made without looking at the rows. */
typedef struct Unchecked
{
	const char *schema;
	const char *table;
	Constraint *constraint;
} Unchecked;

struct SdProbeScript
{
	SdAnalysis *analysis;
	int all;		 /* statement that may have changed any rows, 0 for none */
	int meaning;	 /* statement that may have changed what expressions mean */
	int triggers;	 /* statement that made code which runs when rows change */
	List *touched;	 /* Touched */
	List *unchecked; /* Unchecked, newest first */
};

SdProbeScript *
sd_probe_script_create(SdAnalysis *analysis)
{
	SdProbeScript *script = palloc0(sizeof(SdProbeScript));

	script->analysis = analysis;
	return script;
}

/* note sets one of the numbers to the statement that is looked at, if it is the first. */
static void
note(SdProbeScript *script, int *number)
{
	if (*number == 0)
		*number = script->analysis->number;
}

void
sd_probe_script_opaque(SdProbeScript *script)
{
	note(script, &script->all);
}

static bool
is_touched(SdProbeScript *script, Oid table, int *statement)
{
	ListCell *cell;

	foreach (cell, script->touched)
	{
		Touched *touched = lfirst(cell);

		if (touched->table == table)
		{
			*statement = touched->statement;
			return true;
		}
	}
	return false;
}

const char *
sd_probe_script_reason(SdProbeScript *script, Oid table, bool expression)
{
	int statement = script->all;

	if (statement > 0 || is_touched(script, table, &statement))
		return psprintf("statement %d of the script may change the rows before", statement);
	if (expression && script->meaning > 0)
		return psprintf("statement %d of the script may change what the expression means",
						script->meaning);
	return NULL;
}

const Constraint *
sd_probe_script_constraint(SdProbeScript *script, const SdRelation *relation, const char *name)
{
	ListCell *cell;

	foreach (cell, script->unchecked)
	{
		Unchecked *unchecked = lfirst(cell);

		if (relation->schema != NULL && strcmp(unchecked->schema, relation->schema) == 0 &&
			strcmp(unchecked->table, relation->name) == 0 &&
			strcmp(unchecked->constraint->conname, name) == 0)
			return unchecked->constraint;
	}
	return NULL;
}

/* touch notes a table, and all that shares rows with it or follows its changes by foreign keys. */
static void
touch(SdProbeScript *script, Oid table)
{
	MemoryContext old;
	Touched *touched;
	int statement;
	ListCell *cell;
	Oid parent;

	if (is_touched(script, table, &statement))
		return;
	old = MemoryContextSwitchTo(script->analysis->context);
	touched = palloc(sizeof(Touched));
	touched->table = table;
	touched->statement = script->analysis->number;
	script->touched = lappend(script->touched, touched);
	MemoryContextSwitchTo(old);
	foreach (cell, sd_fact_children(table))
		touch(script, lfirst_oid(cell));
	parent = sd_fact_parent(table, NULL);
	if (OidIsValid(parent))
		touch(script, parent);
	foreach (cell, sd_fact_referencing(table))
		touch(script, ((SdConstraintFacts *) lfirst(cell))->table);
}

/* has_trigger tells whether a table has a trigger that is not the server's own. */
static bool
has_trigger(Oid table)
{
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool result = false;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = !((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal;
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return result;
}

/* runs_code tells whether a change of a table's rows runs triggers or rules that somebody wrote. */
static bool
runs_code(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Form_pg_class form;
	bool result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = form->relhasrules || has_trigger(table) ||
			 (form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE);
	ReleaseSysCache(tuple);
	return result;
}

/* change_rows notes a data change. */
static void
change_rows(SdProbeScript *script, const RangeVar *name)
{
	SdRelation relation = sd_scope_relation(script->analysis->scope, name);
	ListCell *cell;

	/* a table of the script's own has no triggers but those that it made */
	if (relation.presence == SD_MADE && script->triggers == 0)
		return;
	if (relation.presence != SD_EXISTS || script->triggers > 0 || runs_code(relation.oid))
	{
		note(script, &script->all);
		return;
	}
	foreach (cell, sd_fact_children(relation.oid))
		if (runs_code(lfirst_oid(cell)))
			note(script, &script->all);
	touch(script, relation.oid);
}

/* changes_nothing tells whether a function that a query calls is one of the server's that leaves rows alone. */
static bool
changes_nothing(const FuncCall *call)
{
	static const char *const others[] = { "query_to_xml", "query_to_xmlschema",
										  "query_to_xml_and_xmlschema", "cursor_to_xml",
										  "set_config" };
	const char *name = strVal(llast(call->funcname));
	FuncCandidateList candidate = sd_function_candidates(call->funcname);

	if (candidate == NULL)
		return false;
	for (int i = 0; i < lengthof(others); i++)
		if (strcmp(name, others[i]) == 0)
			return false;
	for (; candidate != NULL; candidate = candidate->next)
		if (get_func_namespace(candidate->oid) != PG_CATALOG_NAMESPACE)
			return false;
	return true;
}

/* follow_query notes what a query or data change does. */
static void
follow_query(SdProbeScript *script, Node *statement)
{
	SdContents contents = sd_statement_contents(statement);
	ListCell *cell;

	if (contents.too_deep)
		note(script, &script->all);
	foreach (cell, contents.data_changes)
		sd_probe_script_follow(script, lfirst(cell));
	foreach (cell, contents.calls)
		if (!changes_nothing(lfirst_node(FuncCall, cell)))
			note(script, &script->all);
	/* a view may call anything */
	foreach (cell, contents.relations)
	{
		SdRelation relation = sd_scope_relation(script->analysis->scope, lfirst_node(RangeVar, cell));

		if (relation.presence == SD_EXISTS && relation.relkind == RELKIND_VIEW &&
			get_rel_namespace(relation.oid) != PG_CATALOG_NAMESPACE)
			note(script, &script->all);
	}
}

/* follow_setting notes a setting that may change how values are read or compared. */
static void
follow_setting(SdProbeScript *script, const VariableSetStmt *stmt)
{
	static const char *const harmless[] = {
		"search_path",
		"lock_timeout",
		"statement_timeout",
		"idle_in_transaction_session_timeout",
		"transaction_timeout",
		"application_name",
		"client_min_messages",
		"client_encoding",
		"maintenance_work_mem",
		"work_mem",
		"standard_conforming_strings",
		"check_function_bodies",
		"row_security",
		"default_tablespace",
		"default_table_access_method",
		"role",
		"session_authorization",
		"synchronous_commit",
		"max_parallel_maintenance_workers",
		"xmloption",
		"default_with_oids",
		"escape_string_warning",
		"TRANSACTION",
		"SESSION CHARACTERISTICS",
	};

	if (stmt->name != NULL)
		for (int i = 0; i < lengthof(harmless); i++)
			if (pg_strcasecmp(stmt->name, harmless[i]) == 0)
				return;
	note(script, &script->meaning);
	/* which triggers fire */
	if (stmt->name == NULL || pg_strcasecmp(stmt->name, "session_replication_role") == 0)
		note(script, &script->triggers);
}

/* keep_unchecked remembers a constraint that is to be validated later. */
static void
keep_unchecked(SdProbeScript *script, const SdRelation *relation, const Constraint *constraint)
{
	MemoryContext old;
	Unchecked *unchecked;

	if (constraint->conname == NULL || relation->schema == NULL)
		return;
	old = MemoryContextSwitchTo(script->analysis->context);
	unchecked = palloc(sizeof(Unchecked));
	unchecked->schema = pstrdup(relation->schema);
	unchecked->table = pstrdup(relation->name);
	unchecked->constraint = copyObject((Constraint *) constraint);
	script->unchecked = lcons(unchecked, script->unchecked);
	MemoryContextSwitchTo(old);
}

/* touch_named notes a table by its name; one that nobody knows is any. */
static void
touch_named(SdProbeScript *script, const RangeVar *name)
{
	SdRelation relation = sd_scope_relation(script->analysis->scope, name);

	if (relation.presence == SD_EXISTS)
		touch(script, relation.oid);
	else if (relation.presence != SD_MADE)
		note(script, &script->all);
}

static void
follow_alter_table(SdProbeScript *script, AlterTableStmt *stmt)
{
	SdRelation relation = sd_scope_relation(script->analysis->scope, stmt->relation);
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		switch ((int) cmd->subtype)
		{
			case AT_AddConstraint:
			{
				Constraint *constraint = castNode(Constraint, cmd->def);

				if (constraint->skip_validation)
					keep_unchecked(script, &relation, constraint);
				break;
			}
			case AT_AttachPartition:
			case AT_DetachPartition:
			case SD_AT_DETACH_FINALIZE:
				touch_named(script, castNode(PartitionCmd, cmd->def)->name);
				touch_named(script, stmt->relation);
				break;
			case AT_AddInherit:
			case AT_DropInherit:
				touch_named(script, (RangeVar *) cmd->def);
				touch_named(script, stmt->relation);
				break;
			case AT_AlterColumnType:
			case AT_DropColumn:
			case SD_AT_SET_EXPRESSION:
			case AT_AddOf:
				touch_named(script, stmt->relation);
				break;
			default:
				break;
		}
	}
}

static void
follow_drop(SdProbeScript *script, DropStmt *stmt)
{
	ListCell *cell;

	switch (stmt->removeType)
	{
		case OBJECT_TABLE:
			/* rows of its parents go with it */
			foreach (cell, stmt->objects)
			{
				SdRelation relation = sd_scope_relation_list(script->analysis->scope, lfirst(cell));

				if (relation.presence == SD_EXISTS)
					touch(script, relation.oid);
			}
			break;
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_PUBLICATION:
			break;
		default:
			/* columns may go, or lose their type */
			note(script, &script->all);
			break;
	}
}

void
sd_probe_script_follow(SdProbeScript *script, Node *statement)
{
	ListCell *cell;

	switch ((int) nodeTag(statement))
	{
		case T_SelectStmt:
			follow_query(script, statement);
			break;
		case T_InsertStmt:
			follow_query(script, statement);
			change_rows(script, ((InsertStmt *) statement)->relation);
			break;
		case T_UpdateStmt:
			follow_query(script, statement);
			change_rows(script, ((UpdateStmt *) statement)->relation);
			break;
		case T_DeleteStmt:
			follow_query(script, statement);
			change_rows(script, ((DeleteStmt *) statement)->relation);
			break;
		case T_CopyStmt:
			if (((CopyStmt *) statement)->is_from)
				change_rows(script, ((CopyStmt *) statement)->relation);
			else if (((CopyStmt *) statement)->query != NULL)
				follow_query(script, ((CopyStmt *) statement)->query);
			break;
		case T_TruncateStmt:
			foreach (cell, ((TruncateStmt *) statement)->relations)
				change_rows(script, lfirst_node(RangeVar, cell));
			break;
		case T_AlterTableStmt:
			follow_alter_table(script, (AlterTableStmt *) statement);
			break;
		case T_VariableSetStmt:
			follow_setting(script, (VariableSetStmt *) statement);
			break;
		case T_DropStmt:
			follow_drop(script, (DropStmt *) statement);
			break;
		case T_RenameStmt:
			/* a table's and a column's new name is known to the scope */
			switch (((RenameStmt *) statement)->renameType)
			{
				case OBJECT_TYPE:
				case OBJECT_DOMAIN:
				case OBJECT_FUNCTION:
				case OBJECT_COLLATION:
				case OBJECT_ATTRIBUTE:
					note(script, &script->meaning);
					break;
				default:
					break;
			}
			break;
		case T_CreateTrigStmt:
		case T_RuleStmt:
		case T_CreateEventTrigStmt:
			note(script, &script->triggers);
			break;
		case T_CreateFunctionStmt:
		case T_AlterFunctionStmt:
		case T_CreateCastStmt:
		case T_CreateOpClassStmt:
		case T_CreateOpFamilyStmt:
		case T_AlterOpFamilyStmt:
		case T_AlterOperatorStmt:
		case T_DefineStmt:
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateRangeStmt:
		case T_CompositeTypeStmt:
		case T_AlterEnumStmt:
		case T_AlterDomainStmt:
		case T_AlterTypeStmt:
		case T_AlterObjectSchemaStmt:
		case T_CreateSchemaStmt:
			note(script, &script->meaning);
			break;
		case T_TransactionStmt:
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
		case T_ViewStmt:
		case T_IndexStmt:
		case T_CreateSeqStmt:
		case T_AlterSeqStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateStatsStmt:
		case T_AlterStatsStmt:
		case T_CommentStmt:
		case T_SecLabelStmt:
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_AlterOwnerStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_DropRoleStmt:
		case T_VacuumStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_LockStmt:
		case T_ConstraintsSetStmt:
		case T_VariableShowStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
		case T_NotifyStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
		case T_CheckPointStmt:
		case T_DiscardStmt:
			break;
		default:
			note(script, &script->all);
			break;
	}
}
