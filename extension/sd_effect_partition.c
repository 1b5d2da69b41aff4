/*
 * sd_effect_partition.c
 *	  Effects of partitions and inheritance: making, attaching, detaching.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect_alter.h"
#include "sd_predict.h"

/* scan_default reads the default partition for rows that belong into a new one. */
static void
scan_default(SdEffectContext *context, Oid parent)
{
	Oid fallback = sd_default_partition(context, parent);
	ListCell *cell;

	if (!OidIsValid(fallback))
		return;
	foreach (cell, sd_family_tree(context, fallback))
	{
		sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
		sd_scans(context, lfirst_oid(cell));
	}
}

/* index_partition gives a partition the indexes of its parent that it lacks. */
static void
index_partition(SdEffectContext *context, Oid parent, const SdRelation *partition, Oid table)
{
	ListCell *cell;

	foreach (cell, sd_indexes(context, parent))
	{
		IndexStmt *copy = sd_copy_of_index(lfirst_oid(cell));

		sd_locks(context, lfirst_oid(cell), SD_PARENT_INDEX_LOCK);
		if (copy != NULL)
			sd_ensure_index(context, partition, table, copy, NoLock);
	}
}

/* has_key_like tells whether a table has a foreign key that can be that of its parent. */
static bool
has_key_like(SdEffectContext *context, Oid table, Oid parent, const SdForeignKey *wanted)
{
	ListCell *cell;
	ListCell *theirs;
	ListCell *ours;

	foreach (cell, OidIsValid(table) ? sd_foreign_keys(context, table) : NIL)
	{
		SdForeignKey *key = lfirst(cell);
		bool same = key->to == wanted->to && key->valid && !OidIsValid(key->parent) &&
					key->on_delete == wanted->on_delete && key->on_update == wanted->on_update &&
					equal(key->to_columns, wanted->to_columns) &&
					list_length(key->from_columns) == list_length(wanted->from_columns);

		if (!same)
			continue;
		forboth (ours, key->from_columns, theirs, wanted->from_columns)
			same &= strcmp(get_attname(table, lfirst_int(ours), false),
						   get_attname(parent, lfirst_int(theirs), false)) == 0;
		if (same)
			return true;
	}
	return false;
}

/* copy_foreign_keys gives a partition its parent's keys, and adds it to those that lead to it. */
static void
copy_foreign_keys(SdEffectContext *context, Oid parent, Oid table)
{
	ListCell *cell;

	foreach (cell, sd_foreign_keys(context, parent))
	{
		SdForeignKey *key = lfirst(cell);

		sd_locks_each(context, sd_family_tree(context, key->to), ShareRowExclusiveLock);
		/* of two keys that say the same one loses its triggers */
		if (has_key_like(context, table, parent, key))
			sd_locks(context, key->to, AccessExclusiveLock);
		else if (OidIsValid(table))
			sd_checks_foreign_key(context, table, key->to);
	}
	foreach (cell, sd_foreign_keys_to(context, parent))
		sd_locks(context, ((SdForeignKey *) lfirst(cell))->from, SD_CLONE_REFERENCED_LOCK);
}

void
sd_new_partition(SdEffectContext *context, Oid parent, const SdRelation *partition, Oid table,
				 const PartitionBoundSpec *bound)
{
	index_partition(context, parent, partition, table);
	copy_foreign_keys(context, parent, table);
	if (bound != NULL && !bound->is_default)
		scan_default(context, parent);
}

/* retie ties a table to what it inherits from, or sets it free. */
static void
retie(SdEffectContext *context, Oid child, const SdRelation *parent, bool inherits)
{
	ObjectAddress object;
	ObjectAddress from;

	if (!OidIsValid(child) || !sd_is_old(context, parent))
		return;
	ObjectAddressSet(object, RelationRelationId, child);
	ObjectAddressSet(from, RelationRelationId, parent->oid);
	if (inherits)
		sd_ties(context, &object, &from);
	else
		sd_unties(context, &object, from.classId, from.objectId);
}

void
sd_step_attach(const SdStep *step)
{
	SdEffectContext *context = step->context;
	PartitionCmd *cmd = castNode(PartitionCmd, step->cmd->def);
	SdRelation child = sd_locks_name(context, cmd->name, AccessExclusiveLock);
	Oid table = sd_is_old(context, &child) ? child.oid : InvalidOid;
	ListCell *cell;

	retie(context, table, &step->relation, true);
	if (step->relation.relkind == RELKIND_INDEX || step->relation.relkind == RELKIND_PARTITIONED_INDEX)
	{
		sd_locks(context,
				 OidIsValid(table) ? IndexGetRelation(table, true) :
									 sd_table_of_made_index(context, &child),
				 AccessShareLock);
		sd_locks(context,
				 OidIsValid(step->table) ? IndexGetRelation(step->table, true) :
										   sd_table_of_made_index(context, &step->relation),
				 AccessShareLock);
		return;
	}
	if (OidIsValid(table))
	{
		foreach (cell, sd_family_tree(context, table))
		{
			sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
			if (sd_predict_attach(lfirst_oid(cell), step->table, cmd->bound, NIL, NIL) != SD_NO)
				sd_scans(context, lfirst_oid(cell));
		}
	}
	if (!OidIsValid(step->table))
		return;
	if (sd_parents(context, step->table) != NIL)
		sd_locks_each(context, sd_parents(context, step->table), AccessShareLock);
	sd_new_partition(context, step->table, &child, table, cmd->bound);
}

/* has_cloned_trigger tells whether a partition has a trigger that its parent gave it. */
static bool
has_cloned_trigger(SdEffectContext *context, Oid partition)
{
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(partition));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		found = OidIsValid(form->tgparentid) && !sd_is_gone(context, TriggerRelationId, form->oid);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return found;
}

/* detach records what leaves a partition behind: indexes on their own, foreign keys of its own. */
static void
detach(SdEffectContext *context, Oid parent, Oid child)
{
	ListCell *cell;

	/* those triggers are dropped */
	if (has_cloned_trigger(context, child))
		sd_locks(context, child, AccessExclusiveLock);
	foreach (cell, sd_indexes(context, child))
		if (get_rel_relispartition(lfirst_oid(cell)))
			sd_locks(context, lfirst_oid(cell), AccessExclusiveLock);
	foreach (cell, sd_foreign_keys(context, child))
	{
		SdForeignKey *key = lfirst(cell);

		if (OidIsValid(key->parent))
			sd_locks(context, key->to, SD_DETACH_REFERENCED_LOCK);
	}
	foreach (cell, sd_foreign_keys_to(context, child))
	{
		SdForeignKey *key = lfirst(cell);

		/* nothing may refer to what leaves */
		if (!OidIsValid(key->parent))
			continue;
		sd_locks(context, key->from, ShareLock);
		sd_scans(context, key->from);
		sd_effect_drop(context, sd_address(NIL, ConstraintRelationId, key->oid, 0));
	}
}

void
sd_step_detach(const SdStep *step)
{
	SdEffectContext *context = step->context;
	PartitionCmd *cmd = castNode(PartitionCmd, step->cmd->def);
	bool concurrently = SD_PARTITION_CMD_CONCURRENT(cmd);
	SdRelation child = sd_locks_name(context, cmd->name, SD_DETACHED_LOCK);

	if (!sd_is_old(context, &child) || !OidIsValid(step->table))
		return;
	if (!concurrently)
		sd_locks(context, sd_default_partition(context, step->table), AccessExclusiveLock);
	detach(context, step->table, child.oid);
	retie(context, child.oid, &step->relation, false);
}

void
sd_step_detach_finalize(const SdStep *step)
{
	SdRelation child = sd_locks_name(step->context, castNode(PartitionCmd, step->cmd->def)->name,
									 AccessExclusiveLock);

	if (!sd_is_old(step->context, &child) || !OidIsValid(step->table))
		return;
	detach(step->context, step->table, child.oid);
	retie(step->context, child.oid, &step->relation, false);
}

void
sd_step_inherit(const SdStep *step)
{
	SdRelation parent =
		sd_locks_name(step->context, castNode(RangeVar, step->cmd->def), ShareUpdateExclusiveLock);

	retie(step->context, step->table, &parent, true);
	/* a circle is looked for below the child */
	if (OidIsValid(step->table))
		sd_locks_each(step->context, sd_family_tree(step->context, step->table), AccessShareLock);
}

void
sd_step_no_inherit(const SdStep *step)
{
	SdRelation parent =
		sd_locks_name(step->context, castNode(RangeVar, step->cmd->def), AccessShareLock);

	retie(step->context, step->table, &parent, false);
}
