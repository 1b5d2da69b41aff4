/*
 * sd_effect_dml.c
 *	  Effects of queries and of changes of data, of TRUNCATE, COPY and LOCK.
 *
 * A statement goes as far as it is taken: it may be analysed only, as the query
 * of a view is; rewritten, which locks what is under views; planned, which locks
 * children and indexes; or run.  Whether a plan reads a table from end to end is
 * certain only when there is no other way to read it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_tree.h"

/* A query that is walked. */
typedef struct QueryWalk
{
	SdEffectContext *context;
	SdQueryLevel level;
	List *ctes;			/* names that are no relations here */
	LOCKMODE mode;		/* of the relations that are read */
	bool filtered;		/* a condition or limit may leave a table unread */
	bool opens_indexes; /* an INSERT, which locks indexes to its end; COPY lets them go before */
} QueryWalk;

static bool walk_node(Node *node, QueryWalk *walk);
static void write_table(QueryWalk *walk, Oid table, CmdType command, const List *columns,
						bool inherits, bool rows_for_sure);
static void touch_relation(QueryWalk *walk, Oid relation, LOCKMODE mode, bool inherits);

/* uncertain makes what follows uncertain, and returns what was before. */
static bool
uncertain(SdEffectContext *context)
{
	return sd_effect_certain(context, false);
}

/* touch_rule_query records the relations of a query that is stored in a rule. */
static bool
touch_rule_query(Node *node, QueryWalk *walk)
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
				QueryWalk action = *walk;

				action.filtered = true;
				write_table(&action, rte->relid, ((Query *) node)->commandType, NIL, rte->inh, false);
				continue;
			}
			/* entries of the view itself, for OLD and NEW, are no use of it */
			if (rte->rtekind == RTE_RELATION && (rte->inFromCl || rte->rellockmode > AccessShareLock))
				touch_relation(walk, rte->relid, Max(rte->rellockmode, walk->mode), rte->inh);
		}
		return query_tree_walker((Query *) node, touch_rule_query, (void *) walk, 0);
	}
	return expression_tree_walker(node, touch_rule_query, (void *) walk);
}

/* touch_rules records what the rules of a relation for one kind of command use. */
static void
touch_rules(QueryWalk *walk, Oid relation, char event)
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
touch_storage(QueryWalk *walk, Oid table, LOCKMODE mode)
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

/* touch_relation records that a query uses a relation of the catalog. */
static void
touch_relation(QueryWalk *walk, Oid relation, LOCKMODE mode, bool inherits)
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
			touch_rules(walk, relation, CMD_SELECT + '0');
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

/* is_cte tells whether a name means a WITH query. */
static bool
is_cte(const QueryWalk *walk, const RangeVar *name)
{
	ListCell *cell;

	if (name->schemaname != NULL)
		return false;
	foreach (cell, walk->ctes)
		if (strcmp(lfirst(cell), name->relname) == 0)
			return true;
	return false;
}

static void
touch_name(QueryWalk *walk, const RangeVar *name, LOCKMODE mode)
{
	SdRelation relation;

	if (is_cte(walk, name))
		return;
	relation = sd_scope_relation(walk->context->scope, name);
	if (sd_is_old(walk->context, &relation))
		touch_relation(walk, relation.oid, mode, name->inh);
}

/* sequence_name reads a name as a value of type regclass is read; NULL when it is none. */
static RangeVar *
sequence_name(const char *text)
{
	char *copy = pstrdup(text);
	List *names;

	if (!SplitIdentifierString(copy, '.', &names) || names == NIL || list_length(names) > 2)
		return NULL;
	return makeRangeVar(list_length(names) == 2 ? linitial(names) : NULL, llast(names), -1);
}

/* touch_sequence records nextval() and the like of a sequence that is named. */
static void
touch_sequence(QueryWalk *walk, const FuncCall *call)
{
	static const char *const functions[] = { "nextval", "currval", "setval" };
	const char *name = strVal(llast(call->funcname));
	Node *argument = call->args == NIL ? NULL : linitial(call->args);
	LOCKMODE mode = NoLock;
	RangeVar *sequence;

	/* a query that is stored depends on the sequence; one that is run takes a number */
	if (walk->level == SD_QUERY_ANALYZED)
		mode = SD_STORED_SEQUENCE_LOCK;
	else if (walk->level == SD_QUERY_RUN)
		mode = RowExclusiveLock;
	if (mode == NoLock || argument == NULL)
		return;
	if (IsA(argument, TypeCast))
		argument = ((TypeCast *) argument)->arg;
	if (!IsA(argument, A_Const) || SD_CONSTANT_IS_NULL((A_Const *) argument) ||
		SD_CONSTANT_STRING((A_Const *) argument) == NULL)
		return;
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(name, functions[i]) != 0)
			continue;
		sequence = sequence_name(SD_CONSTANT_STRING((A_Const *) argument));
		if (sequence != NULL)
			(void) sd_locks_name(walk->context, sequence, mode);
	}
}

/* with_names adds the names of a WITH clause. */
static void
with_names(QueryWalk *walk, const WithClause *with)
{
	ListCell *cell;

	if (with == NULL)
		return;
	walk->ctes = list_copy(walk->ctes);
	foreach (cell, with->ctes)
		walk->ctes = lappend(walk->ctes, lfirst_node(CommonTableExpr, cell)->ctename);
}

/* walk_list walks what a statement has in several places. */
static void
walk_each(QueryWalk *walk, Node *nodes[], int count)
{
	for (int i = 0; i < count; i++)
		if (nodes[i] != NULL)
			walk_node(nodes[i], walk);
}

/* lock_rows_of finds what FOR UPDATE OF names in FROM, by its alias where there is one. */
static void
lock_rows_of(QueryWalk *walk, const char *name, Node *from)
{
	ListCell *cell;

	if (from == NULL)
		return;
	if (IsA(from, List))
	{
		foreach (cell, (List *) from)
			lock_rows_of(walk, name, lfirst(cell));
	}
	else if (IsA(from, JoinExpr))
	{
		lock_rows_of(walk, name, ((JoinExpr *) from)->larg);
		lock_rows_of(walk, name, ((JoinExpr *) from)->rarg);
	}
	else if (IsA(from, RangeVar))
	{
		RangeVar *relation = (RangeVar *) from;

		if (strcmp(name, relation->alias != NULL ? relation->alias->aliasname : relation->relname) ==
			0)
			touch_name(walk, relation, RowShareLock);
	}
}

static void
walk_select(const SelectStmt *stmt, QueryWalk *outer)
{
	QueryWalk walk = *outer;
	ListCell *cell;

	check_stack_depth();
	with_names(&walk, stmt->withClause);
	if (stmt->withClause != NULL)
		walk_node((Node *) stmt->withClause->ctes, &walk);
	if (stmt->op != SETOP_NONE)
	{
		walk_select(stmt->larg, &walk);
		walk_select(stmt->rarg, &walk);
		return;
	}
	walk.filtered = (stmt->whereClause != NULL && !sd_always_true(stmt->whereClause)) ||
					stmt->limitCount != NULL || outer->filtered ||
					list_length(stmt->fromClause) > 1 ||
					(stmt->fromClause != NIL && IsA(linitial(stmt->fromClause), JoinExpr));
	foreach (cell, stmt->lockingClause)
	{
		LockingClause *locking = lfirst_node(LockingClause, cell);
		ListCell *name;

		if (locking->lockedRels == NIL)
			walk.mode = RowShareLock;
		foreach (name, locking->lockedRels)
			lock_rows_of(&walk, lfirst_node(RangeVar, name)->relname, (Node *) stmt->fromClause);
	}
	walk_node((Node *) stmt->fromClause, &walk);
	walk.mode = AccessShareLock;
	walk_each(&walk,
			  (Node *[]){ (Node *) stmt->targetList, stmt->whereClause, (Node *) stmt->groupClause,
						  stmt->havingClause, (Node *) stmt->windowClause,
						  (Node *) stmt->valuesLists, (Node *) stmt->sortClause, stmt->limitOffset,
						  stmt->limitCount, (Node *) stmt->distinctClause },
			  10);
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

/* fire_triggers looks into the functions of the triggers of a table. */
static void
fire_triggers(SdEffectContext *context, Oid table, int16 event)
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

/* write_table records that rows of a table, and of what inherits from it, are written. */
static void
write_table(QueryWalk *walk, Oid table, CmdType command, const List *columns, bool inherits,
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
			write_table(walk, base, command, columns, inherits, rows_for_sure);
		touch_rules(walk, table, command + '0');
		if (walk->level >= SD_QUERY_RUN)
			fire_triggers(context, table, trigger_event(command));
		return;
	}
	if (walk->level >= SD_QUERY_REWRITTEN)
	{
		QueryWalk rules = *walk;

		touch_rules(&rules, table, command + '0');
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
	fire_triggers(context, table, trigger_event(command));
}

/* write_name is write_table for a name; the script's own tables are nobody's loss. */
static void
write_name(QueryWalk *walk, const RangeVar *name, CmdType command, const List *columns,
		   bool rows_for_sure)
{
	SdRelation relation = sd_scope_relation(walk->context->scope, name);

	if (sd_is_old(walk->context, &relation))
		write_table(walk, relation.oid, command, columns, name->inh, rows_for_sure);
}

/* given_columns lists the columns of an INSERT that get a value; the word DEFAULT is none. */
static List *
given_columns(const InsertStmt *stmt, const SelectStmt *select)
{
	List *result = list_copy(stmt->cols);
	ListCell *row;

	foreach (row, select == NULL ? NIL : select->valuesLists)
	{
		ListCell *column;
		ListCell *value;

		forboth (column, stmt->cols, value, lfirst_node(List, row))
			if (IsA(lfirst(value), SetToDefault))
				result = list_delete_ptr(result, lfirst(column));
	}
	return result;
}

static void
walk_insert(const InsertStmt *stmt, QueryWalk *outer)
{
	QueryWalk walk = *outer;
	SelectStmt *select = (SelectStmt *) stmt->selectStmt;

	with_names(&walk, stmt->withClause);
	if (stmt->withClause != NULL)
		walk_node((Node *) stmt->withClause->ctes, &walk);
	walk.opens_indexes = true;
	write_name(&walk, stmt->relation, CMD_INSERT, given_columns(stmt, select),
			   select == NULL || select->valuesLists != NIL);
	walk_each(&walk,
			  (Node *[]){ stmt->selectStmt, (Node *) stmt->onConflictClause,
						  (Node *) SD_RETURNING_LIST(stmt) },
			  3);
}

static void
walk_update(const UpdateStmt *stmt, QueryWalk *outer)
{
	QueryWalk walk = *outer;

	with_names(&walk, stmt->withClause);
	if (stmt->withClause != NULL)
		walk_node((Node *) stmt->withClause->ctes, &walk);
	walk.filtered = stmt->whereClause != NULL && !sd_always_true(stmt->whereClause);
	write_name(&walk, stmt->relation, CMD_UPDATE, stmt->targetList, false);
	walk.filtered = true;
	walk_each(&walk,
			  (Node *[]){ (Node *) stmt->targetList, stmt->whereClause, (Node *) stmt->fromClause,
						  (Node *) SD_RETURNING_LIST(stmt) },
			  4);
}

static void
walk_delete(const DeleteStmt *stmt, QueryWalk *outer)
{
	QueryWalk walk = *outer;

	with_names(&walk, stmt->withClause);
	if (stmt->withClause != NULL)
		walk_node((Node *) stmt->withClause->ctes, &walk);
	walk.filtered = (stmt->whereClause != NULL && !sd_always_true(stmt->whereClause)) ||
					stmt->usingClause != NIL;
	write_name(&walk, stmt->relation, CMD_DELETE, NIL, false);
	walk.filtered = true;
	walk_each(&walk,
			  (Node *[]){ stmt->whereClause, (Node *) stmt->usingClause,
						  (Node *) SD_RETURNING_LIST(stmt) },
			  3);
}

#if PG_VERSION_NUM >= 150000
static void
walk_merge(const MergeStmt *stmt, QueryWalk *outer)
{
	QueryWalk walk = *outer;
	ListCell *cell;

	with_names(&walk, stmt->withClause);
	if (stmt->withClause != NULL)
		walk_node((Node *) stmt->withClause->ctes, &walk);
	walk.filtered = true;
	walk_node(stmt->sourceRelation, &walk);
	walk_node(stmt->joinCondition, &walk);
	foreach (cell, stmt->mergeWhenClauses)
	{
		MergeWhenClause *clause = lfirst_node(MergeWhenClause, cell);

		if (clause->commandType != CMD_NOTHING)
			write_name(&walk, stmt->relation, clause->commandType, clause->targetList, false);
		walk_node(clause->condition, &walk);
		walk_node((Node *) clause->targetList, &walk);
		walk_node((Node *) clause->values, &walk);
	}
	/* the rows to join with are read whatever is done with them */
	write_name(&walk, stmt->relation, CMD_UPDATE, list_make1(makeNode(ResTarget)), false);
}
#endif

static bool
walk_node(Node *node, QueryWalk *walk)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			touch_name(walk, (RangeVar *) node, walk->mode);
			return false;
		case T_SelectStmt:
			walk_select((SelectStmt *) node, walk);
			return false;
		case T_InsertStmt:
			walk_insert((InsertStmt *) node, walk);
			return false;
		case T_UpdateStmt:
			walk_update((UpdateStmt *) node, walk);
			return false;
		case T_DeleteStmt:
			walk_delete((DeleteStmt *) node, walk);
			return false;
#if PG_VERSION_NUM >= 150000
		case T_MergeStmt:
			walk_merge((MergeStmt *) node, walk);
			return false;
#endif
		case T_SubLink:
		case T_RangeSubselect:
		{
			QueryWalk inner = *walk;

			/* a subquery may be read in part, or not at all */
			inner.filtered |= IsA(node, SubLink);
			inner.mode = IsA(node, SubLink) ? AccessShareLock : walk->mode;
			return raw_expression_tree_walker(node, walk_node, (void *) &inner);
		}
		case T_FuncCall:
			touch_sequence(walk, (FuncCall *) node);
			break;
#if PG_VERSION_NUM >= 140000
		case T_ReturnStmt:
			/* the server's own walker does not know it */
			return walk_node(((ReturnStmt *) node)->returnval, walk);
#endif
		default:
			break;
	}
	return raw_expression_tree_walker(node, walk_node, (void *) walk);
}

void
sd_effect_query(SdEffectContext *context, Node *query, SdQueryLevel level)
{
	QueryWalk walk = { context, level, NIL, AccessShareLock, false };

	walk_node(query, &walk);
}

void
sd_effect_view_query(SdEffectContext *context, Oid view)
{
	QueryWalk walk = { context, SD_QUERY_RUN, NIL, AccessShareLock, false };

	touch_rules(&walk, view, CMD_SELECT + '0');
}

void
sd_effect_data(SdEffectContext *context, Node *statement)
{
	IntoClause *into = IsA(statement, SelectStmt) ? sd_select_into((SelectStmt *) statement) : NULL;

	if (into != NULL)
		sd_makes_named(context, into->rel, RELKIND_RELATION);
	sd_effect_query(context, statement, SD_QUERY_RUN);
}

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
	QueryWalk walk = { context, SD_QUERY_RUN, NIL, AccessShareLock, false };
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
		write_table(&walk, relation.oid, CMD_INSERT, copied_columns(stmt, relation.oid), true, false);
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
		fire_triggers(context, table, TRIGGER_TYPE_TRUNCATE);
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
