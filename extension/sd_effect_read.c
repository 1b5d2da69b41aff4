/*
 * sd_effect_read.c
 *	  Effects of queries: relations that are read, also by views and rules.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "sd_compat.h"
#include "sd_effect_query.h"

/* touch_rule_query records the relations of a query that is stored in a rule. */
static bool
touch_rule_query(Node *node, SdQueryWalk *walk)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell *cell;

		foreach (cell, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

			/* what the action of a rule writes, where its condition holds */
			if (foreach_current_index(cell) + 1 == ((Query *) node)->resultRelation)
			{
				SdQueryWalk action = *walk;

				action.filtered = true;
				sd_write_table(&action, rte->relid, ((Query *) node)->commandType, NIL, rte->inh,
							   false);
				continue;
			}
			/* entries of the view itself, for OLD and NEW, are no use of it */
			if (rte->rtekind == RTE_RELATION && (rte->inFromCl || rte->rellockmode > AccessShareLock))
				sd_read_relation(walk, rte->relid, Max(rte->rellockmode, walk->mode), rte->inh);
		}
		return query_tree_walker((Query *) node, touch_rule_query, (void *) walk, 0);
	}
	return expression_tree_walker(node, touch_rule_query, (void *) walk);
}

void
sd_read_rules(SdQueryWalk *walk, Oid relation, char event)
{
	Relation rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *actions = NIL;
	ListCell *cell;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum action =
			heap_getattr(tuple, Anum_pg_rewrite_ev_action, RelationGetDescr(rules), &isnull);

		if (((Form_pg_rewrite) GETSTRUCT(tuple))->ev_type == event && !isnull)
			actions = lappend(actions, TextDatumGetCString(action));
	}
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	foreach (cell, actions)
	{
		ListCell *query;

		foreach (query, (List *) stringToNode(lfirst(cell)))
			touch_rule_query(lfirst(query), walk);
	}
}

/* touch_storage records that a table, or a part of it, may be read. */
static void
touch_storage(SdQueryWalk *walk, Oid table, LOCKMODE mode)
{
	SdEffectContext *context = walk->context;
	List *indexes = sd_indexes(context, table);
	bool before;

	sd_locks(context, table, mode);
	if (walk->level < SD_QUERY_PLANNED)
		return;
	if (mode > AccessShareLock)
		sd_locks_each(context, indexes, mode);
	if (walk->level < SD_QUERY_RUN)
		return;
	before = sd_effect_certain(context, true);
	sd_effect_certain(context, before && indexes == NIL && !walk->filtered);
	sd_scans(context, table);
	sd_effect_certain(context, before);
}

void
sd_read_relation(SdQueryWalk *walk, Oid relation, LOCKMODE mode, bool inherits)
{
	SdEffectContext *context = walk->context;
	char relkind = sd_relkind(relation);
	ListCell *cell;
	bool before;

	check_stack_depth();
	if (relkind == RELKIND_VIEW)
	{
		sd_locks(context, relation, mode);
		if (walk->level >= SD_QUERY_REWRITTEN)
		{
			LOCKMODE outer = walk->mode;

			walk->mode = mode == RowShareLock ? mode : AccessShareLock;
			sd_read_rules(walk, relation, CMD_SELECT + '0');
			walk->mode = outer;
		}
		return;
	}
	touch_storage(walk, relation, mode);
	if (!inherits || walk->level < SD_QUERY_PLANNED)
		return;
	/* partitions that a condition excludes are not touched */
	before = sd_effect_certain(context, true);
	sd_effect_certain(context, before && !(walk->filtered && relkind == RELKIND_PARTITIONED_TABLE));
	foreach (cell, sd_family_tree(context, relation))
		if (lfirst_oid(cell) != relation)
			touch_storage(walk, lfirst_oid(cell), mode);
	sd_effect_certain(context, before);
}
