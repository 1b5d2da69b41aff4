/*
 * sd_rules_order.c
 *	  Family "timeout": statements that are harmless alone and not one after the
 *	  other, in the transaction that holds the locks of both.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_ahead.h"
#include "sd_compat.h"
#include "sd_estimate.h"
#include "sd_facts.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"
#include "sd_tree.h"

/* A data change of fewer rows is no backfill. */
#define BACKFILL_ROWS 1000

/* A data change of more rows in one statement bloats, and writes WAL in one go. */
#define UNBATCHED_ROWS 10000

/* Where rows were never counted, this many bytes are taken for one. */
#define GUESSED_ROW_BYTES 100

/* More subtransactions than this overflow what a backend shows to others (PGPROC_MAX_CACHED_SUBXIDS). */
#define CHEAP_SAVEPOINTS 64

/* rows_of guesses the rows of a table; 0 when there is nothing to go by. */
static int64
rows_of(SdSize size)
{
	if (size.rows >= 0)
		return size.rows;
	return size.bytes > 0 ? size.bytes / GUESSED_ROW_BYTES : 0;
}

/* locks_now tells whether the statement itself locks a table against everything. */
static bool
locks_now(SdAnalysis *analysis, Oid relation)
{
	ListCell *cell;

	foreach (cell, analysis->track->now.locked)
	{
		const SdLock *lock = lfirst(cell);

		if (lock->relation == relation && lock->mode == AccessExclusiveLock)
			return true;
	}
	return false;
}

/*
 * strong_held returns a lock of an earlier statement that stops users of a table
 * with rows, and that the statement itself does not take.
 */
static const SdHeld *
strong_held(SdAnalysis *analysis, LOCKMODE mode)
{
	ListCell *cell;

	foreach (cell, analysis->track->held)
	{
		const SdHeld *held = lfirst(cell);

		if (held->mode >= mode && !locks_now(analysis, held->relation) &&
			sd_relation_size(analysis->sizes, held->relation).bytes != 0)
			return held;
	}
	return NULL;
}

/* long_read returns a table of many rows that a query without a condition reads; InvalidOid for none. */
static Oid
long_read(SdAnalysis *analysis, Node *statement)
{
	SelectStmt *stmt = (SelectStmt *) statement;
	ListCell *cell;

	if (!IsA(statement, SelectStmt) || stmt->whereClause != NULL || stmt->limitCount != NULL)
		return InvalidOid;
	foreach (cell, stmt->fromClause)
	{
		SdRelation relation;

		if (!IsA(lfirst(cell), RangeVar))
			continue;
		relation = sd_scope_relation(analysis->scope, lfirst_node(RangeVar, cell));
		if (relation.presence == SD_EXISTS && sd_has_storage(&relation) &&
			rows_of(sd_relation_size(analysis->sizes, relation.oid)) >= BACKFILL_ROWS)
			return relation.oid;
	}
	return InvalidOid;
}

/* check_read_while_locked reports a long statement after one that locked a table against everything. */
static void
check_read_while_locked(SdAnalysis *analysis, Node *statement)
{
	const SdNow *now = &analysis->track->now;
	const SdHeld *held;
	Oid reads = now->reads;
	SdFinding finding;

	if (now->same_validation || analysis->track->after_reported || analysis->track->held == NIL)
		return;
	if (!OidIsValid(reads))
		reads = long_read(analysis, statement);
	held = OidIsValid(reads) ? strong_held(analysis, AccessExclusiveLock) : NULL;
	if (held == NULL)
		return;
	analysis->track->after_reported = true;
	finding = sd_finding(analysis, SD_RULE_STATEMENT_AFTER_AX, NULL);
	finding.about = held->relation;
	finding.object = finding.names.table = sd_relation_name(held->relation);
	finding.size = sd_relation_size(analysis->sizes, held->relation);
	finding.message =
		psprintf("reads all of %s while nobody can read or write %s, which an earlier statement locked",
				 sd_relation_name(reads), finding.object);
	sd_report(analysis, &finding);
}

/* check_many reports that a transaction locks several tables against everything. */
static void
check_many(SdAnalysis *analysis)
{
	SdTrack *track = analysis->track;
	SdFinding finding;
	SdNames names;
	ListCell *cell;

	if (track->many_reported || track->tables_closed < 2)
		return;
	sd_names_init(&names);
	foreach (cell, track->held)
	{
		const SdHeld *held = lfirst(cell);

		if (held->mode == AccessExclusiveLock && sd_lookup_is_table(held->relation))
			sd_names_add(&names, sd_relation_name(held->relation));
	}
	if (names.count < 2)
		return;
	track->many_reported = true;
	finding = sd_finding(analysis, SD_RULE_MULTI_TABLE_AX, NULL);
	finding.message = "one transaction locks several tables against reading and writing";
	finding.detail = psprintf("They are %s; whoever uses them in another order waits for this "
							  "transaction while it waits for him.",
							  sd_names_text(&names));
	sd_report(analysis, &finding);
}

/* reads_many tells whether a FROM clause has a table with many rows, or a function. */
static bool
reads_many(SdAnalysis *analysis, List *from)
{
	ListCell *cell;

	foreach (cell, from)
	{
		Node *item = lfirst(cell);

		if (IsA(item, RangeVar))
		{
			SdRelation relation = sd_scope_relation(analysis->scope, (RangeVar *) item);

			if (relation.presence == SD_EXISTS &&
				rows_of(sd_relation_size(analysis->sizes, relation.oid)) >= BACKFILL_ROWS)
				return true;
		}
		else if (IsA(item, JoinExpr))
		{
			if (reads_many(analysis, list_make2(((JoinExpr *) item)->larg, ((JoinExpr *) item)->rarg)))
				return true;
		}
		else
			return true;
	}
	return false;
}

/* A data change: its table, and how many rows it may touch. */
typedef struct DataChange
{
	RangeVar *target;
	Node *where;
	bool of_target; /* it touches rows of the target, as UPDATE and DELETE do */
	bool many;		/* it inserts many rows */
} DataChange;

/* data_change looks at a statement; the target is NULL when it changes no rows. */
static DataChange
data_change(SdAnalysis *analysis, Node *statement)
{
	DataChange change = { 0 };

	switch (nodeTag(statement))
	{
		case T_UpdateStmt:
			change.target = ((UpdateStmt *) statement)->relation;
			change.where = ((UpdateStmt *) statement)->whereClause;
			change.of_target = true;
			break;
		case T_DeleteStmt:
			change.target = ((DeleteStmt *) statement)->relation;
			change.where = ((DeleteStmt *) statement)->whereClause;
			change.of_target = true;
			break;
		case T_InsertStmt:
		{
			InsertStmt *stmt = (InsertStmt *) statement;
			SelectStmt *select = (SelectStmt *) stmt->selectStmt;

			if (select == NULL || select->valuesLists != NIL)
				break;
			change.target = stmt->relation;
			change.many = select->op != SETOP_NONE || reads_many(analysis, select->fromClause);
			change.where = select->limitCount;
			break;
		}
		case T_CopyStmt:
			if (((CopyStmt *) statement)->is_from)
				change.target = ((CopyStmt *) statement)->relation;
			change.many = true;
			break;
		default:
			if (SD_IS_MERGE(statement))
			{
				change.target = SD_MERGE_RELATION(statement);
				change.of_target = true;
			}
			break;
	}
	return change;
}

/* is_first_of_index tells whether some index of a table begins with a column. */
static bool
is_first_of_index(Oid table, const char *column)
{
	AttrNumber attnum = get_attnum(table, column);

	return attnum != InvalidAttrNumber && sd_lookup_leads_index(table, attnum);
}

/*
 * is_value tells whether a condition is "column = constant" of a column that
 * ANALYZE has looked at: the planner's guess is a good one then, and for most
 * other conditions it is not.
 */
static bool
is_value(SdAnalysis *analysis, const SdRelation *relation, Node *where)
{
	A_Expr *expr = (A_Expr *) where;
	List *fields;
	AttrNumber column;

	if (where == NULL || !IsA(where, A_Expr) || expr->kind != AEXPR_OP ||
		strcmp(strVal(llast(expr->name)), "=") != 0 || !IsA(expr->lexpr, ColumnRef) ||
		!IsA(expr->rexpr, A_Const))
		return false;
	fields = ((ColumnRef *) expr->lexpr)->fields;
	column = IsA(llast(fields), String) ? sd_fact_column(analysis, relation, strVal(llast(fields))) :
										  InvalidAttrNumber;
	return column != InvalidAttrNumber && sd_fact_stats(relation->oid, column).known;
}

/* is_small_by_plan tells whether the planner knows that a statement changes few rows. */
static bool
is_small_by_plan(SdAnalysis *analysis, const SdRelation *relation, Node *statement, Node *where)
{
	const char *why;
	double rows = is_value(analysis, relation, where) ? sd_estimate_rows(statement, &why) : -1;

	return rows >= 0 && rows < UNBATCHED_ROWS;
}

/*
 * limits_rows tells whether a condition keeps a statement to few rows, as far as
 * its text shows: it bounds a column that an index begins with, or names rows by
 * a query.  Only conditions that all hold are looked at.
 */
static bool
limits_rows(Oid table, Node *where)
{
	ListCell *cell;

	if (where == NULL)
		return false;
	if (IsA(where, SubLink) || IsA(where, CurrentOfExpr))
		return true;
	if (IsA(where, BoolExpr) && ((BoolExpr *) where)->boolop == AND_EXPR)
	{
		foreach (cell, ((BoolExpr *) where)->args)
			if (limits_rows(table, lfirst(cell)))
				return true;
		return false;
	}
	if (IsA(where, A_Expr))
	{
		A_Expr *expr = (A_Expr *) where;
		const char *operator= strVal(llast(expr->name));
		Node *sides[] = { expr->lexpr, expr->rexpr };

		if (expr->kind != AEXPR_OP && expr->kind != AEXPR_IN && expr->kind != AEXPR_OP_ANY &&
			expr->kind != AEXPR_BETWEEN)
			return false;
		if (strcmp(operator, "<>") == 0)
			return false;
		for (int i = 0; i < lengthof(sides); i++)
		{
			List *fields;

			if (sides[i] == NULL || !IsA(sides[i], ColumnRef))
				continue;
			fields = ((ColumnRef *) sides[i])->fields;
			if (IsA(llast(fields), String) && (strcmp(strVal(llast(fields)), "ctid") == 0 ||
											   is_first_of_index(table, strVal(llast(fields)))))
				return true;
		}
	}
	return false;
}

/* check_data_change reports backfills: after a lock was taken, and in one go. */
static void
check_data_change(SdAnalysis *analysis, Node *statement)
{
	DataChange change = data_change(analysis, statement);
	const SdHeld *held;
	SdRelation relation;
	SdFinding finding;
	int64 rows;

	if (change.target == NULL)
		return;
	/* rows of another table than the target are not counted here */
	if (!change.of_target && !change.many)
		return;
	relation = sd_scope_relation(analysis->scope, change.target);
	if (relation.presence != SD_EXISTS || relation.persistence == RELPERSISTENCE_TEMP)
		return;
	rows = rows_of(sd_relation_size(analysis->sizes, relation.oid));
	if (change.of_target && (rows < BACKFILL_ROWS || limits_rows(relation.oid, change.where)))
		return;
	finding = sd_finding(analysis, SD_RULE_DDL_THEN_BACKFILL, &relation);
	finding.lock = RowExclusiveLock;
	held = strong_held(analysis, ShareRowExclusiveLock);
	if (held != NULL)
	{
		finding.message =
			psprintf("%s changes rows of %s while an earlier statement's lock on %s is held",
					 sd_command_name(statement), finding.object, sd_relation_name(held->relation));
		finding.detail = psprintf("%s is %s.", finding.object, sd_size_text(finding.size));
		sd_report(analysis, &finding);
	}
	if (!change.of_target || rows < UNBATCHED_ROWS ||
		is_small_by_plan(analysis, &relation, statement, change.where))
		return;
	finding = sd_finding(analysis, SD_RULE_UNBATCHED_BACKFILL, &relation);
	finding.lock = RowExclusiveLock;
	finding.message =
		psprintf("%s may change all rows of %s in one go (%s)", sd_command_name(statement),
				 finding.object, sd_size_text(finding.size));
	finding.detail = "No condition on the first column of an index limits it; the old rows stay "
					 "as bloat, and every row is locked until the transaction ends.";
	sd_report(analysis, &finding);
}

/* stands_alone tells whether ALTER TABLE does what belongs into a statement of its own. */
static bool
stands_alone(const AlterTableStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		switch (lfirst_node(AlterTableCmd, cell)->subtype)
		{
			case AT_ValidateConstraint:
			case AT_AttachPartition:
			case AT_DetachPartition:
				return true;
			default:
				break;
		}
	}
	return false;
}

/* check_altered_again reports several ALTER TABLEs of one table that could be one. */
static void
check_altered_again(SdAnalysis *analysis, Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	bool reads = OidIsValid(analysis->track->now.reads);
	SdHeld *altered;
	SdRelation relation;
	SdFinding finding;

	if (!IsA(statement, AlterTableStmt) || !analysis->in_transaction || stands_alone(stmt))
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS)
		return;
	altered = sd_track_table(analysis, relation.oid);
	altered->statements++;
	altered->reads += reads;
	/* said once, and once more when it costs another reading of the table */
	if (altered->statements != 2 && !(reads && altered->reads == 2))
		return;
	finding = sd_finding(analysis, SD_RULE_MULTIPLE_ALTER_SAME_TABLE, &relation);
	if (altered->reads >= 2)
		finding.severity = SD_NOTICE;
	finding.message =
		psprintf("%s is altered by several statements that could be one%s", finding.object,
				 altered->reads >= 2 ? ", and is read as a whole by each of them" : "");
	sd_report(analysis, &finding);
}

/* check_savepoints counts the savepoints of a transaction. */
static void
check_savepoints(SdAnalysis *analysis, Node *statement)
{
	SdTrack *track = analysis->track;
	SdFinding finding;

	if (!IsA(statement, TransactionStmt) ||
		((TransactionStmt *) statement)->kind != TRANS_STMT_SAVEPOINT ||
		++track->savepoints <= CHEAP_SAVEPOINTS || track->savepoints_reported)
		return;
	track->savepoints_reported = true;
	finding = sd_finding(analysis, SD_RULE_SAVEPOINTS, NULL);
	finding.message = psprintf("more than %d savepoints in one transaction", CHEAP_SAVEPOINTS);
	finding.detail = "Every session that looks at a row of this transaction has to search its "
					 "subtransactions on disk from there on.";
	sd_report(analysis, &finding);
}

/* report_no_analyze reports statistics that are missing until somebody gathers them. */
static void
report_no_analyze(SdAnalysis *analysis, const SdRelation *relation, const char *what)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_NO_ANALYZE, relation);

	if (finding.size.bytes == 0 || sd_ahead(analysis, SD_AHEAD_ANALYZE, relation->name, NULL, false))
		return;
	finding.message =
		psprintf("%s, and the script does not analyse %s afterwards", what, finding.object);
	sd_report(analysis, &finding);
}

static void
check_index_statistics(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	bool computes = false;
	SdRelation relation;
	ListCell *cell;

	foreach (cell, stmt->indexParams)
		computes |= lfirst_node(IndexElem, cell)->expr != NULL;
	if (!computes || analysis->deferred)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence == SD_EXISTS)
		report_no_analyze(analysis, &relation, "an index on an expression has no statistics yet");
}

void
sd_check_order(SdAnalysis *analysis, Node *statement)
{
	SdTrack *track = analysis->track;

	if (analysis->deferred || analysis->predicts)
		return;
	sd_check_timeouts(analysis, statement);
	if (track->new_labels != NULL)
		sd_check_new_labels(analysis, statement);
	sd_check_rerun(analysis, statement);
	sd_check_room(analysis, statement);
	check_data_change(analysis, statement);
	check_read_while_locked(analysis, statement);
	check_altered_again(analysis, statement);
	check_savepoints(analysis, statement);
	if (track->now.locked != NIL)
	{
		sd_track_hold(analysis);
		sd_check_hot(analysis, statement);
	}
	if (analysis->in_transaction)
	{
		check_many(analysis);
		if (track->held != NIL)
			sd_check_lock_budget(analysis);
	}
	/* outside a transaction block the locks go when the statement ends */
	else if (analysis->depth == 0)
	{
		track->held = NIL;
		track->tables_closed = 0;
		track->transaction++;
	}
}

const SdCheck sd_checks_order[] = {
	{ T_IndexStmt, -1, check_index_statistics },
	{ T_Invalid, 0, NULL },
};
