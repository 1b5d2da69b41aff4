/*
 * sd_snapshot_deparse.c
 *	  Text of stored expressions and queries, without waiting for anybody.
 *
 * The server's own functions open the table of an expression, and so wait for
 * whoever alters it.  Here an expression of one table is deparsed over a made-up
 * range table that carries nothing but the column names.  Queries do name other
 * tables, and those are locked first, if that can be done at once.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_int.h"

typedef struct ExprEntry
{
	uint64 key;
	const char *node;
	const char *text;
} ExprEntry;

void
sd_deparse_init(SdSnap *snap)
{
	snap->exprs = sd_hash(snap, "safedeploy expressions", sizeof(uint64), sizeof(ExprEntry));
	snap->deparse_cxt =
		AllocSetContextCreate(snap->cxt, "safedeploy deparse context", ALLOCSET_SMALL_SIZES);
}

/* Deparsing context of tables of a given name, each with its list of column names. */
static List *
fabricated_context(List *names, List *columns)
{
	PlannedStmt *stmt = makeNode(PlannedStmt);
	ListCell *name;
	ListCell *list;

	forboth (name, names, list, columns)
	{
		RangeTblEntry *rte = makeNode(RangeTblEntry);

		rte->rtekind = RTE_VALUES;
		rte->eref = makeAlias(lfirst(name), lfirst(list));
		rte->inFromCl = true;
		stmt->rtable = lappend(stmt->rtable, rte);
	}
	return deparse_context_for_plan_tree(stmt, names);
}

/* Column names as the deparser wants them: a dropped one is an empty string. */
static List *
column_names(SdRel *rel)
{
	List *names = NIL;

	for (int i = 1; i <= rel->natts; i++)
		names = lappend(names, makeString(pstrdup(rel->columns[i].name ? rel->columns[i].name : "")));
	return names;
}

/* Context of the columns of one table, kept for the next expression of the same table. */
static List *
rel_context(SdSnap *snap, SdRel *rel)
{
	if (snap->deparse_rel != rel)
	{
		MemoryContext old;

		MemoryContextReset(snap->deparse_cxt);
		old = MemoryContextSwitchTo(snap->deparse_cxt);
		snap->deparse_rel = NULL;
		snap->deparse_context =
			fabricated_context(list_make1(pstrdup(rel->name)), list_make1(column_names(rel)));
		snap->deparse_rel = rel;
		MemoryContextSwitchTo(old);
	}
	return snap->deparse_context;
}

/* Copies a text out of the scratch context and empties that. */
static const char *
keep_text(SdSnap *snap, const char *text, MemoryContext old)
{
	const char *result;

	MemoryContextSwitchTo(old);
	result = pstrdup(text);
	MemoryContextReset(snap->tmp_cxt);
	return result;
}

const char *
sd_deparse_plain(Node *node)
{
	return deparse_expression(node, NIL, false, false);
}

/* Of an expression without columns, such as a default; many tables share their texts. */
const char *
sd_deparse_free(SdSnap *snap, const char *node)
{
	uint64 key;
	ExprEntry *entry;
	bool found;
	MemoryContext old;

	if (node == NULL)
		return NULL;
	key = hash_bytes_extended((const unsigned char *) node, strlen(node), 0);
	entry = hash_search(snap->exprs, &key, HASH_ENTER, &found);
	if (found && strcmp(entry->node, node) == 0)
		return entry->text;
	if (!found)
	{
		entry->node = NULL;
		entry->text = NULL;
	}

	old = MemoryContextSwitchTo(snap->tmp_cxt);
	{
		const char *text = deparse_expression(sd_read_node(node), NIL, false, false);

		text = keep_text(snap, text, snap->cxt);
		MemoryContextSwitchTo(old);
		if (!found)
		{
			entry->node = MemoryContextStrdup(snap->cxt, node);
			entry->text = text;
		}
		return text;
	}
}

/* System columns have no name in a made-up range table. */
static bool
has_system_column(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno < 0;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_system_column, context, 0);
	return expression_tree_walker(node, has_system_column, context);
}

/*
 * A subtransaction around a deparser that locks relations, many times each: its
 * rollback is what releases exactly those locks.
 */
typedef struct LockScope
{
	MemoryContext cxt;
	ResourceOwner owner;
} LockScope;

static LockScope
begin_locks(void)
{
	LockScope scope = { CurrentMemoryContext, CurrentResourceOwner };

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(scope.cxt);
	return scope;
}

static void
end_locks(LockScope scope)
{
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(scope.cxt);
	CurrentResourceOwner = scope.owner;
}

static void
lock_relation(SdSnap *snap, Oid relid, const char *what, const char *name)
{
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("could not read the definition of %s %s", what, name),
						errdetail("It refers to relation %s, which another session holds an exclusive "
								  "lock on.",
								  sd_rel_name(snap, relid)),
						errhint("Repeat when that session has ended its transaction.")));
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		elog(ERROR, "cache lookup failed for relation %u", relid);
}

static bool
collect_relations(Node *node, List **relids)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION)
			*relids = list_append_unique_oid(*relids, rte->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_relations, relids, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, collect_relations, relids);
}

/* Locks every relation that a tree names, or fails at once. */
static void
lock_relations(SdSnap *snap, Node *node, const char *what, const char *name)
{
	List *relids = NIL;
	ListCell *lc;

	(void) collect_relations(node, &relids);
	foreach (lc, relids)
		lock_relation(snap, lfirst_oid(lc), what, name);
}

/* Of an expression over the columns of one table; the result is in the current context. */
const char *
sd_deparse_node(SdSnap *snap, SdRel *rel, Node *node)
{
	if (has_system_column(node, NULL))
	{
		LockScope scope = begin_locks();
		char *text;

		lock_relation(snap, rel->oid, "relation", rel->qname);
		text = deparse_expression(node, deparse_context_for(rel->name, rel->oid), false, false);
		end_locks(scope);
		return text;
	}
	return deparse_expression(node, rel_context(snap, rel), false, false);
}

const char *
sd_deparse_column(SdSnap *snap, SdRel *rel, const char *node)
{
	MemoryContext old;

	if (node == NULL)
		return NULL;
	old = MemoryContextSwitchTo(snap->tmp_cxt);
	return keep_text(snap, sd_deparse_node(snap, rel, sd_read_node(node)), old);
}

/* A policy may hold sub-queries over other tables. */
const char *
sd_deparse_policy(SdSnap *snap, SdRel *rel, const char *name, const char *node)
{
	MemoryContext old;
	Node *tree;
	LockScope scope;
	const char *text;

	if (node == NULL)
		return NULL;
	old = MemoryContextSwitchTo(snap->tmp_cxt);
	tree = sd_read_node(node);
	if (!checkExprHasSubLink(tree))
		return keep_text(snap, sd_deparse_node(snap, rel, tree), old);
	scope = begin_locks();
	lock_relations(snap, tree, "policy", quote_identifier(name));
	text = sd_deparse_node(snap, rel, tree);
	end_locks(scope);
	return keep_text(snap, text, old);
}

static List *
old_new_context(SdRel *rel)
{
	return fabricated_context(list_make2("old", "new"),
							  list_make2(column_names(rel), column_names(rel)));
}

/* The condition of a trigger sees two rows, OLD and NEW. */
const char *
sd_deparse_when(SdSnap *snap, SdRel *rel, const char *node)
{
	MemoryContext old;

	if (node == NULL)
		return NULL;
	old = MemoryContextSwitchTo(snap->tmp_cxt);
	return keep_text(snap,
					 deparse_expression(sd_read_node(node), old_new_context(rel), true, false), old);
}

/* Gives the columns of a query the names that the view has for them now. */
static void
rename_targets(Query *query, Node *setop, SdRel *rel)
{
	int column = 1;
	ListCell *lc;

	foreach (lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (tle->resjunk)
			continue;
		if (column <= rel->natts && rel->columns[column].name != NULL)
			tle->resname = pstrdup(rel->columns[column].name);
		column++;
	}
	if (setop == NULL)
		return;
	if (IsA(setop, SetOperationStmt))
	{
		rename_targets(query, ((SetOperationStmt *) setop)->larg, rel);
		rename_targets(query, ((SetOperationStmt *) setop)->rarg, rel);
	}
	else if (IsA(setop, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) setop)->rtindex, query->rtable);

		rename_targets(rte->subquery, rte->subquery->setOperations, rel);
	}
}

const char *
sd_deparse_view(SdSnap *snap, SdRel *rel, const char *node)
{
	MemoryContext old = MemoryContextSwitchTo(snap->tmp_cxt);
	const char *what = rel->kind == RELKIND_MATVIEW ? "materialized view" : "view";
	List *actions = castNode(List, sd_read_node(node));
	Query *query = linitial_node(Query, actions);
	LockScope scope = begin_locks();
	const char *text;

	lock_relations(snap, (Node *) query, what, rel->qname);
	rename_targets(query, query->setOperations, rel);
	text = sd_canonical_query_text(sd_compat_querydef(query, rel->oid));
	end_locks(scope);
	return keep_text(snap, text, old);
}

/*
 * The condition of a rule stands in the range table of its first action, whose
 * first two entries are OLD and NEW.  The others matter by their names: a table of
 * a sub-query that has the name of one of them gets an alias.
 */
static List *
rule_context(SdRel *rel, List *actions)
{
	List *names = list_make2("old", "new");
	List *columns = list_make2(column_names(rel), column_names(rel));

	if (actions != NIL && linitial_node(Query, actions)->commandType != CMD_UTILITY)
	{
		Query *query = getInsertSelectQuery(linitial_node(Query, actions), NULL);

		for (int i = 2; i < list_length(query->rtable); i++)
		{
			Alias *alias = list_nth_node(RangeTblEntry, query->rtable, i)->eref;

			names = lappend(names, alias->aliasname);
			columns = lappend(columns, alias->colnames);
		}
	}
	return fabricated_context(names, columns);
}

const char *
sd_deparse_rule(SdSnap *snap, SdRel *rel, Form_pg_rewrite rule, const char *qual, const char *action)
{
	static const char *const events[] = { "SELECT", "UPDATE", "INSERT", "DELETE" };
	MemoryContext old = MemoryContextSwitchTo(snap->tmp_cxt);
	const char *name = quote_identifier(NameStr(rule->rulename));
	List *actions = castNode(List, sd_read_node(action));
	Node *condition = qual ? sd_read_node(qual) : NULL;
	LockScope scope = begin_locks();
	StringInfoData buf;
	ListCell *lc;

	lock_relation(snap, rel->oid, "rule", name);
	lock_relations(snap, condition, "rule", name);
	lock_relations(snap, (Node *) actions, "rule", name);
	initStringInfo(&buf);
	appendStringInfo(&buf, "ON %s TO %s", events[rule->ev_type - '1'], rel->qname);
	if (condition != NULL)
		appendStringInfo(&buf, " WHERE %s",
						 deparse_expression(condition, rule_context(rel, actions), true, false));
	appendStringInfoString(&buf, rule->is_instead ? " DO INSTEAD" : " DO ALSO");
	if (actions == NIL)
		appendStringInfoString(&buf, " NOTHING");
	else if (list_length(actions) > 1)
		appendStringInfoString(&buf, " (");
	foreach (lc, actions)
		appendStringInfo(&buf, " %s%s", sd_compat_actiondef(lfirst_node(Query, lc), rule->oid),
						 list_length(actions) > 1 ? ";" : "");
	if (list_length(actions) > 1)
		appendStringInfoString(&buf, " )");
	end_locks(scope);
	return keep_text(snap, sd_canonical_query_text(buf.data), old);
}

/* SQL-standard body of a function; its parameters appear as $1 and so on. */
const char *
sd_deparse_body(SdSnap *snap, Oid proc, const char *identity, const char *node)
{
	MemoryContext old = MemoryContextSwitchTo(snap->tmp_cxt);
	Node *tree = sd_read_node(node);
	LockScope scope = begin_locks();
	const char *text;

	lock_relations(snap, tree, "function", identity);
	text = sd_canonical_query_text(sd_compat_sqlbody(tree, proc));
	end_locks(scope);
	return keep_text(snap, text, old);
}
