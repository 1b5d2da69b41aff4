/*
 * sd_effect_dml.c
 *	  Effects of COPY, TRUNCATE and LOCK TABLE.
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_effect_query.h"

/* copied_columns lists the columns that COPY FROM reads, as INSERT has them. */
static List *
copied_columns(const CopyStmt *stmt, Oid table)
{
	List *names = NIL;
	List *result = NIL;
	ListCell *cell;

	foreach (cell, stmt->attlist)
		names = lappend(names, strVal(lfirst(cell)));
	for (AttrNumber attnum = 1; stmt->attlist == NIL; attnum++)
	{
		char *name = get_attname(table, attnum, true);

		if (name == NULL)
			break;
		names = lappend(names, name);
	}
	foreach (cell, names)
	{
		ResTarget *target = makeNode(ResTarget);

		target->name = lfirst(cell);
		result = lappend(result, target);
	}
	return result;
}

void
sd_effect_copy(SdEffectContext *context, Node *statement)
{
	CopyStmt *stmt = (CopyStmt *) statement;
	SdQueryWalk walk = { context, SD_QUERY_RUN, NIL, AccessShareLock, false };
	SdRelation relation;

	if (stmt->relation == NULL)
	{
		sd_effect_query(context, stmt->query, SD_QUERY_RUN);
		return;
	}
	relation = sd_scope_relation(context->scope, stmt->relation);
	if (!sd_is_old(context, &relation))
		return;
	if (stmt->is_from)
	{
		sd_write_table(&walk, relation.oid, CMD_INSERT, copied_columns(stmt, relation.oid), true,
					   false);
		return;
	}
	sd_locks(context, relation.oid, AccessShareLock);
	sd_scans(context, relation.oid);
}

/* truncated lists what TRUNCATE empties: with CASCADE, all that refers to it. */
static List *
truncated(SdEffectContext *context, const TruncateStmt *stmt)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, stmt->relations)
	{
		RangeVar *name = lfirst_node(RangeVar, cell);
		SdRelation relation = sd_scope_relation(context->scope, name);

		if (sd_is_old(context, &relation))
			result =
				list_concat_unique_oid(result, name->inh ? sd_family_tree(context, relation.oid) :
														   list_make1_oid(relation.oid));
	}
	/* the list grows while it is walked */
	for (int i = 0; stmt->behavior == DROP_CASCADE && i < list_length(result); i++)
		foreach (cell, sd_foreign_keys_to(context, list_nth_oid(result, i)))
			result = list_concat_unique_oid(result,
											sd_family_tree(context,
														   ((SdForeignKey *) lfirst(cell))->from));
	return result;
}

void
sd_effect_truncate(SdEffectContext *context, Node *statement)
{
	TruncateStmt *stmt = (TruncateStmt *) statement;
	ListCell *cell;

	foreach (cell, truncated(context, stmt))
	{
		Oid table = lfirst_oid(cell);

		sd_locks(context, table, AccessExclusiveLock);
		if (get_rel_relispartition(table))
			sd_locks(context, sd_partition_parent(table), SD_TRUNCATED_PARENT_LOCK);
		if (sd_has_rows(sd_relkind(table)))
			sd_locks_each(context, sd_indexes(context, table), AccessExclusiveLock);
		if (stmt->restart_seqs)
			sd_locks_each(context, sd_owned_sequences(context, table, 0), AccessExclusiveLock);
		sd_fire_triggers(context, table, TRIGGER_TYPE_TRUNCATE);
	}
}

/* lock_view locks a view's relations, as LOCK TABLE does; the tree of a query is what it is of. */
static void
lock_relation(SdEffectContext *context, Oid relation, LOCKMODE mode, bool inherits)
{
	ListCell *cell;

	check_stack_depth();
	sd_locks(context, relation, mode);
	if (sd_relkind(relation) == RELKIND_VIEW)
	{
		foreach (cell, sd_view_relations(context, relation))
			lock_relation(context, lfirst_oid(cell), mode, true);
	}
	else if (inherits)
		sd_locks_each(context, sd_family_tree(context, relation), mode);
}

void
sd_effect_lock_table(SdEffectContext *context, Node *statement)
{
	LockStmt *stmt = (LockStmt *) statement;
	ListCell *cell;

	foreach (cell, stmt->relations)
	{
		RangeVar *name = lfirst_node(RangeVar, cell);
		SdRelation relation = sd_scope_relation(context->scope, name);

		if (sd_is_old(context, &relation))
			lock_relation(context, relation.oid, stmt->mode, name->inh);
	}
}
