/*
 * sd_effect_query.c
 *	  Effects of queries: the walk over what the parser makes of them.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "sd_compat.h"
#include "sd_effect_query.h"
#include "sd_tree.h"

static bool walk_node(Node *node, SdQueryWalk *walk);

/* is_cte tells whether a name means a WITH query. */
static bool
is_cte(const SdQueryWalk *walk, const RangeVar *name)
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
touch_name(SdQueryWalk *walk, const RangeVar *name, LOCKMODE mode)
{
	SdRelation relation;

	if (is_cte(walk, name))
		return;
	relation = sd_scope_relation(walk->context->scope, name);
	if (sd_is_old(walk->context, &relation))
		sd_read_relation(walk, relation.oid, mode, name->inh);
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
touch_sequence(SdQueryWalk *walk, const FuncCall *call)
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
with_names(SdQueryWalk *walk, const WithClause *with)
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
walk_each(SdQueryWalk *walk, Node *nodes[], int count)
{
	for (int i = 0; i < count; i++)
		if (nodes[i] != NULL)
			walk_node(nodes[i], walk);
}

/* lock_rows_of finds what FOR UPDATE OF names in FROM, by its alias where there is one. */
static void
lock_rows_of(SdQueryWalk *walk, const char *name, Node *from)
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
walk_select(const SelectStmt *stmt, SdQueryWalk *outer)
{
	SdQueryWalk walk = *outer;
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

/* write_name is sd_write_table for a name; the script's own tables are nobody's loss. */
static void
write_name(SdQueryWalk *walk, const RangeVar *name, CmdType command, const List *columns,
		   bool rows_for_sure)
{
	SdRelation relation = sd_scope_relation(walk->context->scope, name);

	if (sd_is_old(walk->context, &relation))
		sd_write_table(walk, relation.oid, command, columns, name->inh, rows_for_sure);
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
walk_insert(const InsertStmt *stmt, SdQueryWalk *outer)
{
	SdQueryWalk walk = *outer;
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
walk_update(const UpdateStmt *stmt, SdQueryWalk *outer)
{
	SdQueryWalk walk = *outer;

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
walk_delete(const DeleteStmt *stmt, SdQueryWalk *outer)
{
	SdQueryWalk walk = *outer;

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
walk_merge(const MergeStmt *stmt, SdQueryWalk *outer)
{
	SdQueryWalk walk = *outer;
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
walk_node(Node *node, SdQueryWalk *walk)
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
			SdQueryWalk inner = *walk;

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
	SdQueryWalk walk = { context, level, NIL, AccessShareLock, false };

	walk_node(query, &walk);
}

void
sd_effect_view_query(SdEffectContext *context, Oid view)
{
	SdQueryWalk walk = { context, SD_QUERY_RUN, NIL, AccessShareLock, false };

	sd_read_rules(&walk, view, CMD_SELECT + '0');
}

void
sd_effect_data(SdEffectContext *context, Node *statement)
{
	IntoClause *into = IsA(statement, SelectStmt) ? sd_select_into((SelectStmt *) statement) : NULL;

	if (into != NULL)
		sd_makes_named(context, into->rel, RELKIND_RELATION);
	sd_effect_query(context, statement, SD_QUERY_RUN);
}
