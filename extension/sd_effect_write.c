/*
 * sd_effect_write.c
 *	  Effects of queries: rows that are written, with the keys, triggers and
 *	  defaults that go with them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "sd_compat.h"
#include "sd_effect_query.h"

/* uncertain makes what follows uncertain, and returns what was before. */
static bool
uncertain(SdEffectContext *context)
{
	return sd_effect_certain(context, false);
}

/* sets_column tells whether an INSERT or UPDATE gives one of some columns a value. */
static bool
sets_column(const List *targets, Oid table, const List *columns)
{
	ListCell *cell;

	foreach (cell, targets)
	{
		const char *name = lfirst_node(ResTarget, cell)->name;

		if (name != NULL && list_member_int(columns, get_attnum(table, name)))
			return true;
	}
	return false;
}

/* has_default tells whether one of some columns has a default. */
static bool
has_default(Oid table, const List *columns)
{
	ListCell *cell;

	foreach (cell, columns)
		if (OidIsValid(sd_default_of(table, lfirst_int(cell))))
			return true;
	return false;
}

/* check_keys records the look-ups of foreign keys of rows that are written. */
static void
check_keys(SdEffectContext *context, Oid table, const List *targets, bool inserts)
{
	bool before = uncertain(context);
	ListCell *cell;

	foreach (cell, sd_foreign_keys(context, table))
	{
		SdForeignKey *key = lfirst(cell);
		ListCell *member;

		/* a column that no value is given for is null, or has a default */
		if (targets != NIL && !sets_column(targets, table, key->from_columns) &&
			!(inserts && has_default(table, key->from_columns)))
			continue;
		foreach (member, sd_family_tree(context, key->to))
		{
			sd_locks(context, lfirst_oid(member), RowShareLock);
			sd_locks_each(context, sd_indexes(context, lfirst_oid(member)), RowShareLock);
		}
	}
	sd_effect_certain(context, before);
}

/*
 * follow_keys records what happens to rows that refer to rows which are deleted
 * ("targets" is NIL) or whose key changes.
 */
static void
follow_keys(SdEffectContext *context, Oid table, const List *targets, List *seen)
{
	bool before = uncertain(context);
	ListCell *cell;

	foreach (cell, sd_foreign_keys_to(context, table))
	{
		SdForeignKey *key = lfirst(cell);
		char action = targets == NIL ? key->on_delete : key->on_update;
		bool looks = action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
		ListCell *member;

		if (targets != NIL && !sets_column(targets, table, key->to_columns))
			continue;
		foreach (member, sd_family_tree(context, key->from))
		{
			LOCKMODE mode = looks ? RowShareLock : RowExclusiveLock;

			sd_locks(context, lfirst_oid(member), mode);
			sd_locks_each(context, sd_indexes(context, lfirst_oid(member)), mode);
			sd_scans(context, lfirst_oid(member));
		}
		if (looks || list_member_oid(seen, key->from))
			continue;
		/* rows of that table change in turn */
		check_keys(context, key->from, NIL, false);
		if (action == FKCONSTR_ACTION_CASCADE)
			follow_keys(context, key->from, targets == NIL ? NIL : targets,
						lappend_oid(list_copy(seen), key->from));
	}
	sd_effect_certain(context, before);
}

void
sd_fire_triggers(SdEffectContext *context, Oid table, int16 event)
{
	Relation triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *functions = NIL;
	ListCell *cell;
	bool before;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (!form->tgisinternal && (form->tgtype & event) != 0 &&
			form->tgenabled != TRIGGER_DISABLED && !sd_is_gone(context, TriggerRelationId, form->oid))
			functions = lappend_oid(functions, form->tgfoid);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	/* what they do is no effect on this table, and rules look into routines by themselves */
	if (!context->analysis->predicts)
		return;
	before = uncertain(context);
	foreach (cell, functions)
		sd_check_routine(context->analysis, lfirst_oid(cell));
	sd_effect_certain(context, before);
}

static int16
trigger_event(CmdType command)
{
	return command == CMD_INSERT ? TRIGGER_TYPE_INSERT :
		   command == CMD_DELETE ? TRIGGER_TYPE_DELETE :
								   TRIGGER_TYPE_UPDATE;
}

/* use_defaults records the sequences that defaults of a table take numbers from. */
static void
use_defaults(SdEffectContext *context, Oid table, const List *named)
{
	ListCell *cell;

	foreach (cell, sd_default_sequences(context, table))
	{
		SdDefaultSequence *sequence = lfirst(cell);
		ListCell *name;
		bool given = false;

		foreach (name, named)
			given |= get_attnum(table, lfirst_node(ResTarget, name)->name) == sequence->attnum;
		if (!given)
			sd_locks(context, sequence->oid, RowExclusiveLock);
	}
}

/* base_of_view returns the relation that an updatable view stands for. */
static Oid
base_of_view(SdEffectContext *context, Oid view)
{
	List *used = sd_view_relations(context, view);

	return list_length(used) == 1 ? linitial_oid(used) : InvalidOid;
}

/* lock_bounds records that rows of a partition are checked against its bounds. */
static void
lock_bounds(SdEffectContext *context, Oid table)
{
	while (get_rel_relispartition(table))
	{
		table = sd_partition_parent(table);
		sd_locks(context, table, AccessShareLock);
	}
}

void
sd_write_table(SdQueryWalk *walk, Oid table, CmdType command, const List *columns, bool inherits,
			   bool rows_for_sure)
{
	SdEffectContext *context = walk->context;
	char relkind = sd_relkind(table);
	bool before;
	ListCell *cell;

	sd_locks(context, table, RowExclusiveLock);
	if (relkind == RELKIND_VIEW)
	{
		Oid base = base_of_view(context, table);

		if (walk->level < SD_QUERY_REWRITTEN)
			return;
		if (OidIsValid(base))
			sd_write_table(walk, base, command, columns, inherits, rows_for_sure);
		sd_read_rules(walk, table, command + '0');
		if (walk->level >= SD_QUERY_RUN)
			sd_fire_triggers(context, table, trigger_event(command));
		return;
	}
	if (walk->level >= SD_QUERY_REWRITTEN)
	{
		SdQueryWalk rules = *walk;

		sd_read_rules(&rules, table, command + '0');
	}
	if (walk->level < SD_QUERY_PLANNED)
		return;
	before = sd_effect_certain(context, true);
	if (command == CMD_INSERT)
	{
		sd_effect_certain(context, before && rows_for_sure);
		if (walk->level < SD_QUERY_RUN)
		{
			sd_effect_certain(context, before);
			return;
		}
		if (walk->opens_indexes)
			sd_locks_meanwhile(context, sd_indexes(context, table), RowExclusiveLock);
		lock_bounds(context, table);
		use_defaults(context, table, columns);
		sd_effect_certain(context, false);
		if (relkind == RELKIND_PARTITIONED_TABLE)
			sd_locks_each(context, sd_family_tree(context, table), RowExclusiveLock);
	}
	else
	{
		foreach (cell, inherits ? sd_family_tree(context, table) : list_make1_oid(table))
		{
			sd_effect_certain(context, before && (lfirst_oid(cell) == table || !walk->filtered ||
												  relkind != RELKIND_PARTITIONED_TABLE));
			sd_locks(context, lfirst_oid(cell), RowExclusiveLock);
			if (sd_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
				sd_locks_each(context, sd_indexes(context, lfirst_oid(cell)), RowExclusiveLock);
			if (walk->level < SD_QUERY_RUN)
				continue;
			sd_effect_certain(context, false);
			if (command == CMD_UPDATE)
				lock_bounds(context, lfirst_oid(cell));
			sd_effect_certain(context, before && !walk->filtered &&
										   sd_indexes(context, lfirst_oid(cell)) == NIL);
			sd_scans(context, lfirst_oid(cell));
		}
	}
	sd_effect_certain(context, before);
	if (walk->level < SD_QUERY_RUN)
		return;
	if (command != CMD_DELETE)
		check_keys(context, table, columns, command == CMD_INSERT);
	if (command != CMD_INSERT)
		follow_keys(context, table, command == CMD_DELETE ? NIL : columns, list_make1_oid(table));
	if (command != CMD_DELETE)
		sd_effect_expressions(context, table);
	sd_fire_triggers(context, table, trigger_event(command));
}
