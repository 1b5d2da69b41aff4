/*
 * sd_effect_alter.c
 *	  Effects of ALTER TABLE and what is like it.
 *
 * The lock of the named relation is what the server itself says; the table below
 * says for each subcommand whether it goes on to all that inherits, and which
 * function knows what else it does.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "access/tableam.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"

void
sd_rewrite_table(SdEffectContext *context, Oid table)
{
	ListCell *cell;

	if (!sd_has_rows(sd_relkind(table)))
		return;
	sd_rewrites(context, table);
	sd_scans(context, table);
	foreach (cell, sd_indexes(context, table))
	{
		sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
		sd_builds(context, lfirst_oid(cell));
	}
}

/* class_form copies a relation's row of pg_class; false when there is none. */
static bool
class_form(Oid relation, FormData_pg_class *form)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(form, GETSTRUCT(tuple), sizeof(*form));
	ReleaseSysCache(tuple);
	return true;
}

void
sd_effect_change_owner(SdEffectContext *context, Oid relation, Oid owner)
{
	char relkind = sd_relkind(relation);
	List *sequences = sd_owned_sequences(context, relation, 0);
	ObjectAddress object;
	ListCell *cell;

	ObjectAddressSet(object, RelationRelationId, relation);
	sd_gives_to(context, &object, owner);
	foreach (cell, sequences)
	{
		object.objectId = lfirst_oid(cell);
		sd_gives_to(context, &object, owner);
	}
	sd_locks(context, relation, AccessExclusiveLock);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW &&
		relkind != RELKIND_PARTITIONED_TABLE)
		return;
	sd_locks_each(context, sd_indexes(context, relation), AccessExclusiveLock);
	sd_locks_each(context, sequences, AccessExclusiveLock);
}

static void
change_owner(const SdStep *step)
{
	FormData_pg_class form;

	/* an owner that stays changes nothing */
	Oid owner = get_rolespec_oid(step->cmd->newowner, true);

	if (class_form(step->table, &form) && owner != form.relowner)
		sd_effect_change_owner(step->context, step->table, owner);
}

/* set_persistence handles SET LOGGED and SET UNLOGGED. */
static void
set_persistence(const SdStep *step)
{
	SdEffectContext *context = step->context;
	char wanted =
		step->cmd->subtype == AT_SetLogged ? RELPERSISTENCE_PERMANENT : RELPERSISTENCE_UNLOGGED;
	FormData_pg_class form;
	ListCell *cell;

	if (!class_form(step->table, &form) || form.relpersistence == wanted)
		return;
	/* tables that foreign keys lead to, or from, must be logged alike */
	foreach (cell, wanted == RELPERSISTENCE_PERMANENT ? sd_foreign_keys(context, step->table) :
														sd_foreign_keys_to(context, step->table))
	{
		SdForeignKey *key = lfirst(cell);

		sd_locks(context, key->from, AccessShareLock);
		sd_locks(context, key->to, AccessShareLock);
	}
	sd_rewrite_table(context, step->table);
	if (PG_VERSION_NUM >= 150000)
		sd_locks_each(context, sd_owned_sequences(context, step->table, 0), AccessExclusiveLock);
}

static void
set_access_method(const SdStep *step)
{
	FormData_pg_class form;
	Oid wanted =
		get_table_am_oid(step->cmd->name != NULL ? step->cmd->name : default_table_access_method,
						 true);

	if (class_form(step->table, &form) && form.relam != wanted)
		sd_rewrite_table(step->context, step->table);
}

/* set_tablespace handles a move, which copies the file but does not look into it. */
static void
set_tablespace(const SdStep *step)
{
	FormData_pg_class form;
	Oid wanted = get_tablespace_oid(step->cmd->name, true);

	if (!class_form(step->table, &form))
		return;
	if (wanted == MyDatabaseTableSpace)
		wanted = InvalidOid;
	if (form.reltablespace == wanted)
		return;
	if (form.relkind == RELKIND_INDEX)
		sd_builds(step->context, step->table);
	else
		sd_rewrites(step->context, step->table);
}

static void
cluster_on(const SdStep *step)
{
	Oid index = get_relname_relid(step->cmd->name, get_rel_namespace(step->table));

	if (OidIsValid(index))
		sd_locks(step->context, index, step->lock);
}

static void
replica_identity(const SdStep *step)
{
	ReplicaIdentityStmt *stmt = castNode(ReplicaIdentityStmt, step->cmd->def);

	if (stmt->name != NULL)
		sd_locks(step->context, get_relname_relid(stmt->name, get_rel_namespace(step->table)),
				 ShareLock);
}

static void
drop_of(const SdStep *step)
{
	ObjectAddress table;

	ObjectAddressSet(table, RelationRelationId, step->table);
	sd_unties(step->context, &table, TypeRelationId, InvalidOid);
}

/* add_of reads the composite type that the table becomes one of. */
static void
add_of(const SdStep *step)
{
	ObjectAddress type = sd_resolve(step->context, OBJECT_TYPE, step->cmd->def);
	ObjectAddress table;

	sd_uses_type(step->context, castNode(TypeName, step->cmd->def), AccessShareLock);
	ObjectAddressSet(table, RelationRelationId, step->table);
	sd_ties(step->context, &table, &type);
}

/* alter_trigger goes on to the partitions, which have copies of the trigger. */
static void
alter_trigger(const SdStep *step)
{
	if (sd_relkind(step->table) == RELKIND_PARTITIONED_TABLE && step->stmt->relation->inh)
		sd_locks_each(step->context, sd_family_tree(step->context, step->table), step->lock);
}

/* What is done besides locking the relation that is named. */
static const struct
{
	AlterTableType kind;
	bool inherits; /* it is done to all that inherits as well */
	SdStepFunction function;
} steps[] = {
	{ AT_AddColumn, false, sd_step_add_column },
	{ AT_ColumnDefault, true, sd_step_drop_default },
	{ AT_DropNotNull, !SD_LOOKS_AT_CHILDREN, sd_step_drop_not_null },
	{ AT_SetNotNull, true, sd_step_set_not_null },
	{ SD_AT_SET_EXPRESSION, true, sd_step_set_expression },
	{ AT_DropExpression, true, sd_step_drop_default },
	{ AT_SetStatistics, true, NULL },
	{ AT_SetOptions, false, NULL },
	{ AT_ResetOptions, false, NULL },
	{ AT_SetStorage, true, NULL },
	{ SD_AT_SET_COMPRESSION, false, NULL },
	{ AT_DropColumn, false, sd_step_drop_column },
	{ AT_AddConstraint, false, sd_step_add_constraint },
	{ AT_AlterConstraint, false, sd_step_alter_constraint },
	{ AT_ValidateConstraint, false, sd_step_validate },
	{ AT_DropConstraint, false, sd_step_drop_constraint },
	{ AT_AlterColumnType, true, sd_step_alter_type },
	{ AT_AlterColumnGenericOptions, false, NULL },
	{ AT_ChangeOwner, false, change_owner },
	{ AT_ClusterOn, false, cluster_on },
	{ AT_DropCluster, false, NULL },
	{ AT_SetLogged, false, set_persistence },
	{ AT_SetUnLogged, false, set_persistence },
	{ AT_DropOids, false, NULL },
	{ SD_AT_SET_ACCESS_METHOD, false, set_access_method },
	{ AT_SetTableSpace, false, set_tablespace },
	{ AT_SetRelOptions, false, NULL },
	{ AT_ResetRelOptions, false, NULL },
	{ AT_EnableTrig, false, alter_trigger },
	{ AT_EnableAlwaysTrig, false, alter_trigger },
	{ AT_EnableReplicaTrig, false, alter_trigger },
	{ AT_DisableTrig, false, alter_trigger },
	{ AT_EnableTrigAll, false, alter_trigger },
	{ AT_DisableTrigAll, false, alter_trigger },
	{ AT_EnableTrigUser, false, alter_trigger },
	{ AT_DisableTrigUser, false, alter_trigger },
	{ AT_EnableRule, false, NULL },
	{ AT_EnableAlwaysRule, false, NULL },
	{ AT_EnableReplicaRule, false, NULL },
	{ AT_DisableRule, false, NULL },
	{ AT_AddInherit, false, sd_step_inherit },
	{ AT_DropInherit, false, sd_step_no_inherit },
	{ AT_AddOf, false, add_of },
	{ AT_DropOf, false, drop_of },
	{ AT_ReplicaIdentity, false, replica_identity },
	{ AT_EnableRowSecurity, false, NULL },
	{ AT_DisableRowSecurity, false, NULL },
	{ AT_ForceRowSecurity, false, NULL },
	{ AT_NoForceRowSecurity, false, NULL },
	{ AT_GenericOptions, false, NULL },
	{ AT_AttachPartition, false, sd_step_attach },
	{ AT_DetachPartition, false, sd_step_detach },
	{ SD_AT_DETACH_FINALIZE, false, sd_step_detach_finalize },
	{ AT_AddIdentity, SD_IDENTITY_IS_INHERITED, sd_step_add_identity },
	{ AT_SetIdentity, SD_IDENTITY_IS_INHERITED, sd_step_set_identity },
	{ AT_DropIdentity, SD_IDENTITY_IS_INHERITED, sd_step_drop_identity },
};

/* alter_one records the effects of one subcommand; false when nobody knows it. */
static bool
alter_one(SdStep *step)
{
	SdEffectContext *context = step->context;
	Oid named = step->table;
	ListCell *cell;

	for (int i = 0; i < lengthof(steps); i++)
	{
		List *tables = list_make1_oid(named);

		if (steps[i].kind != step->cmd->subtype)
			continue;
		if (step->relation.relkind == RELKIND_COMPOSITE_TYPE)
		{
			/* tables of the type are altered like it */
			tables = lcons_oid(named, sd_typed_tables(context, named));
			sd_locks_each(context, tables, step->lock);
		}
		else if (steps[i].inherits && step->stmt->relation->inh && OidIsValid(named))
		{
			tables = sd_family_tree(context, named);
			sd_locks_each(context, tables, step->lock);
		}
		foreach (cell, steps[i].function != NULL ? tables : NIL)
		{
			step->table = lfirst_oid(cell);
			steps[i].function(step);
		}
		step->table = named;
		return true;
	}
	return false;
}

void
sd_effect_alter_table(SdEffectContext *context, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	SdStep step = { context, stmt };
	ListCell *cell;

	step.lock = AlterTableGetLockLevel(stmt->cmds);
	step.relation = sd_locks_name(context, stmt->relation, step.lock);
	if (step.relation.presence != SD_EXISTS && step.relation.presence != SD_MADE)
		return;
	step.table = sd_is_old(context, &step.relation) ? step.relation.oid : InvalidOid;
	foreach (cell, stmt->cmds)
	{
		step.cmd = lfirst_node(AlterTableCmd, cell);
		if (!alter_one(&step))
			sd_effects_opaque(context->effects, "this subcommand of ALTER TABLE is not known");
	}
}
