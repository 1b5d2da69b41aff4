/*
 * sd_snapshot_deparse.c
 *	  Text of stored expressions and queries, without waiting for anybody.
 *
 * The server's own functions open the table of an expression, and so wait for
 * whoever alters it.  Here an expression of one table is deparsed over a made-up
 * range table that carries nothing but the column names, and a query without the
 * tables that it names (sd_snapshot_detach.c).  What has to be opened all the
 * same is locked first, if that can be done at once; if not, it stays unread.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
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
	const Oid *oids; /* objects that it may name */
	int noids;
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

/*
 * Column names as the deparser wants them: a dropped one is an empty string.  The
 * system columns follow, by their numbers.
 */
static List *
column_names(SdRel *rel)
{
	static const char *const system[] = { "ctid", "xmin", "cmin", "xmax", "cmax", "tableoid" };
	List *names = NIL;

	for (int i = 1; i <= rel->natts; i++)
		names = lappend(names, makeString(pstrdup(rel->columns[i].name ? rel->columns[i].name : "")));
	for (int i = 0; i < lengthof(system); i++)
		names = lappend(names, makeString(pstrdup(system[i])));
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


/*
 * A subtransaction around a deparser that opens relations, many times each: its
 * rollback is what releases exactly those locks.
 */
typedef struct LockScope
{
	MemoryContext cxt;
	ResourceOwner owner;
	bool open;
} LockScope;

static LockScope
begin_locks(void)
{
	LockScope scope = { CurrentMemoryContext, CurrentResourceOwner, true };

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(scope.cxt);
	return scope;
}

static void
end_locks(LockScope scope)
{
	if (!scope.open)
		return;
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(scope.cxt);
	CurrentResourceOwner = scope.owner;
}

/*
 * Makes a tree ready for the deparser: without its tables where that can be, and
 * else with their locks, taken at once or not at all.  Returns false when
 * another session holds one of them; the walk then knows what is unread, and why.
 */
static bool
prepare(SdSnap *snap, Node *tree, SdRel *view, bool own_tree, LockScope *scope)
{
	List *opened = sd_detach(snap, tree, view, own_tree);
	ListCell *lc;

	scope->open = false;
	if (opened == NIL)
		return true;
	*scope = begin_locks();
	foreach (lc, opened)
	{
		Oid relid = lfirst_oid(lc);

		if (!ConditionalLockRelationOid(relid, AccessShareLock))
		{
			end_locks(*scope);
			sd_note_unread(snap, relid);
			return false;
		}
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
			elog(ERROR, "cache lookup failed for relation %u", relid);
	}
	return true;
}

/*
 * Gives system columns of the outermost range table, which has made-up columns
 * only, the place after the columns of the table.
 */
typedef struct Renumber
{
	int natts;
	int depth;
} Renumber;

static bool
renumber_system_columns(Node *node, Renumber *renumber)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var *var = (Var *) node;

		if (var->varattno < 0 && var->varlevelsup == renumber->depth)
			var->varattno = var->varattnosyn = renumber->natts - var->varattno;
		return false;
	}
	if (IsA(node, Query))
	{
		bool result;

		renumber->depth++;
		result = query_tree_walker((Query *) node, renumber_system_columns, renumber, 0);
		renumber->depth--;
		return result;
	}
	return expression_tree_walker(node, renumber_system_columns, renumber);
}

/* Over the columns of one table, of its rows OLD and NEW, or of none; NULL when that is unread. */
static const char *
deparse_over(SdSnap *snap, Node *node, SdRel *rel, List *context, bool prefix)
{
	LockScope scope;
	const char *text;

	if (rel != NULL)
	{
		Renumber renumber = { rel->natts, 0 };

		(void) renumber_system_columns(node, &renumber);
	}
	if (!prepare(snap, node, NULL, false, &scope))
		return SD_UNREAD_TEXT;
	text = sd_attach(snap, deparse_expression(node, context, prefix, false));
	end_locks(scope);
	return text;
}

const char *
sd_deparse_plain(SdSnap *snap, Node *node)
{
	return deparse_over(snap, node, NULL, NIL, false);
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
	{
		sd_use_all(snap, entry->oids, entry->noids);
		return entry->text;
	}
	if (!found)
	{
		entry->node = NULL;
		entry->text = NULL;
	}

	old = MemoryContextSwitchTo(snap->tmp_cxt);
	{
		const char *text = sd_deparse_plain(snap, sd_read_node(snap, node));

		text = keep_text(snap, text, snap->cxt);
		MemoryContextSwitchTo(old);
		if (!found && snap->unread == NULL)
		{
			entry->node = MemoryContextStrdup(snap->cxt, node);
			entry->text = text;
			MemoryContextSwitchTo(snap->cxt);
			entry->oids = sd_node_oids(snap, node, &entry->noids);
			MemoryContextSwitchTo(old);
		}
		return text;
	}
}

/* Of an expression over the columns of one table; the result is in the current context. */
const char *
sd_deparse_node(SdSnap *snap, SdRel *rel, Node *node)
{
	return deparse_over(snap, node, rel, rel_context(snap, rel), false);
}

const char *
sd_deparse_column(SdSnap *snap, SdRel *rel, const char *node)
{
	MemoryContext old;

	if (node == NULL)
		return NULL;
	old = MemoryContextSwitchTo(snap->tmp_cxt);
	return keep_text(snap, sd_deparse_node(snap, rel, sd_read_node(snap, node)), old);
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
					 deparse_over(snap, sd_read_node(snap, node), rel, old_new_context(rel), true),
					 old);
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
	List *actions = castNode(List, sd_read_node(snap, node));
	Query *query = linitial_node(Query, actions);
	LockScope scope;
	const char *text;

	if (!prepare(snap, (Node *) query, rel, SD_DEPARSES_OWN_TREES, &scope))
		return keep_text(snap, SD_UNREAD_TEXT, old);
	rename_targets(query, query->setOperations, rel);
	text = sd_attach(snap, sd_compat_querydef(query, rel->oid));
	text = sd_canonical_query_text(text);
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

/* Everything after the name of the rule. */
static const char *
rule_text(SdSnap *snap, SdRel *rel, Form_pg_rewrite rule, Node *condition, List *actions)
{
	static const char *const events[] = { "SELECT", "UPDATE", "INSERT", "DELETE" };
	StringInfoData buf;
	ListCell *lc;

	if (SD_DEPARSES_OWN_TREES && actions != NIL)
		return sd_compat_ruledef(rule->oid, NameStr(rule->rulename));
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
		appendStringInfo(&buf, " %s%s", sd_compat_actiondef(lfirst_node(Query, lc)),
						 list_length(actions) > 1 ? ";" : "");
	if (list_length(actions) > 1)
		appendStringInfoString(&buf, " )");
	return sd_canonical_query_text(sd_attach(snap, buf.data));
}

const char *
sd_deparse_rule(SdSnap *snap, SdRel *rel, Form_pg_rewrite rule, const char *qual, const char *action)
{
	MemoryContext old = MemoryContextSwitchTo(snap->tmp_cxt);
	List *actions = castNode(List, sd_read_node(snap, action));
	Node *condition = qual ? sd_read_node(snap, qual) : NULL;
	Renumber renumber = { rel->natts, 0 };
	LockScope scope;
	const char *text;

	(void) renumber_system_columns(condition, &renumber);
	if (!prepare(snap, (Node *) list_make2(condition, actions), NULL, SD_DEPARSES_OWN_TREES, &scope))
		return keep_text(snap, SD_UNREAD_TEXT, old);
	text = rule_text(snap, rel, rule, condition, actions);
	end_locks(scope);
	return keep_text(snap, text, old);
}

/* SQL-standard body of a function; its parameters appear as $1 and so on. */
const char *
sd_deparse_body(SdSnap *snap, Oid proc, const char *node)
{
	MemoryContext old = MemoryContextSwitchTo(snap->tmp_cxt);
	Node *tree = sd_read_node(snap, node);
	LockScope scope;
	const char *text;

	if (!prepare(snap, tree, NULL, SD_DEPARSES_OWN_TREES, &scope))
		return keep_text(snap, SD_UNREAD_TEXT, old);
	text = sd_canonical_query_text(sd_attach(snap, sd_compat_sqlbody(tree, proc)));
	end_locks(scope);
	return keep_text(snap, text, old);
}
