/*
 * sd_rules_immutable.c
 *	  Expressions that have to give the same result tomorrow: of CHECK constraints,
 *	  indexes and generated columns.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "sd_compat.h"
#include "sd_lookup.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"
#include "sd_try.h"

/* An expression, and the columns that it may name. */
typedef struct Question
{
	SdAnalysis *analysis;
	const SdRelation *relation; /* of the catalog, or NULL */
	List *columns;				/* ColumnDef of a table or column that is made */
	Node *raw;
	ParseExprKind kind;
	bool mutable;
} Question;

/* made_column finds a column among the definitions; NULL when it is not there or has no known type. */
static Node *
made_column(const Question *question, const char *name)
{
	ListCell *cell;

	foreach (cell, question->columns)
	{
		ColumnDef *column = lfirst(cell);
		int32 typmod;
		Oid type;

		if (!IsA(column, ColumnDef) || column->typeName == NULL || strcmp(column->colname, name) != 0)
			continue;
		type = sd_lookup_type(column->typeName, &typmod);
		if (OidIsValid(type))
			return (Node *) makeVar(1, 1, type, typmod, get_typcollation(type), 0);
	}
	return NULL;
}

/* column_variable resolves the columns of an expression without opening a table. */
static Node *
column_variable(ParseState *pstate, ColumnRef *ref)
{
	const Question *question = pstate->p_ref_hook_state;
	FormData_pg_attribute column;
	const char *name;
	Node *made;

	if (!IsA(llast(ref->fields), String))
		return NULL;
	name = strVal(llast(ref->fields));
	made = made_column(question, name);
	if (made != NULL || question->relation == NULL ||
		!sd_lookup_column(question->analysis, question->relation, name, &column))
		return made;
	return (Node *) makeVar(1, column.attnum, column.atttypid, column.atttypmod,
							column.attcollation, 0);
}

/* ask_mutable transforms the expression as the server does. */
static void
ask_mutable(void *arg)
{
	Question *question = arg;
	ParseState *pstate = make_parsestate(NULL);
	Node *expr;

	pstate->p_pre_columnref_hook = column_variable;
	pstate->p_ref_hook_state = question;
	expr = transformExpr(pstate, copyObject(question->raw), question->kind);
	assign_expr_collations(pstate, expr);
	/* a function that is inlined counts for what it does */
	if (question->kind != EXPR_KIND_CHECK_CONSTRAINT)
		expr = (Node *) expression_planner((Expr *) expr);
	question->mutable = contain_mutable_functions(expr);
	free_parsestate(pstate);
}

/* calls_something tells whether an expression is more than columns, constants and plain operators. */
static bool
calls_something(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) || IsA(node, TypeCast) || IsA(node, SQLValueFunction))
		return true;
	return raw_expression_tree_walker(node, calls_something, context);
}

/* is_plain recognises the commonest checks: a column against a constant, or not null. */
static bool
is_plain(Node *node)
{
	A_Expr *expr = (A_Expr *) node;

	if (IsA(node, NullTest))
		return IsA(((NullTest *) node)->arg, ColumnRef);
	return IsA(node, A_Expr) && expr->kind == AEXPR_OP && expr->lexpr != NULL &&
		   expr->rexpr != NULL && IsA(expr->lexpr, ColumnRef) && IsA(expr->rexpr, A_Const);
}

/* judge reports an expression that is not immutable; one that cannot be resolved is left alone. */
static void
judge(Question *question, SdRuleId rule, int location, const char *object, const char *message,
	  LOCKMODE lock)
{
	SdFinding finding;

	if (question->raw == NULL || is_plain(question->raw) ||
		!sd_walk_tree(question->raw, calls_something, NULL) ||
		!sd_try(ask_mutable, question, NULL) || !question->mutable)
		return;
	finding = sd_finding(question->analysis, rule, question->relation);
	finding.location = location;
	finding.object = object;
	finding.lock = lock;
	finding.message = message;
	sd_report(question->analysis, &finding);
}

/* judge_constraint judges a CHECK or a generation expression. */
static void
judge_constraint(SdAnalysis *analysis, const SdRelation *relation, List *columns,
				 const Constraint *constraint, const char *object, LOCKMODE lock)
{
	Question question = {
		.analysis = analysis, .relation = relation, .columns = columns, .raw = constraint->raw_expr
	};

	if (constraint->contype == CONSTR_CHECK)
	{
		question.kind = EXPR_KIND_CHECK_CONSTRAINT;
		judge(&question, SD_RULE_CHECK_NOT_IMMUTABLE, constraint->location, object,
			  psprintf("a CHECK of %s does not always give the same result: rows that pass now can fail "
					   "in a restore",
					   object),
			  lock);
	}
	else if (constraint->contype == CONSTR_GENERATED)
	{
		question.kind = EXPR_KIND_GENERATED_COLUMN;
		judge(&question, SD_RULE_INDEX_NOT_IMMUTABLE, constraint->location, object,
			  psprintf("the statement fails: the expression of a generated column of %s is not "
					   "immutable",
					   object),
			  lock);
	}
}

/* judge_column judges the constraints of one column definition. */
static void
judge_column(SdAnalysis *analysis, const SdRelation *relation, List *columns,
			 const ColumnDef *column, const char *object, LOCKMODE lock)
{
	ListCell *cell;

	foreach (cell, column->constraints)
		judge_constraint(analysis, relation, columns, lfirst_node(Constraint, cell), object, lock);
}

static void
check_create_table(SdAnalysis *analysis, Node *statement)
{
	CreateStmt *stmt = (CreateStmt *) statement;
	const char *object;
	ListCell *cell;

	if (analysis->deferred)
		return;
	object = quote_identifier(stmt->relation->relname);
	foreach (cell, stmt->tableElts)
	{
		if (IsA(lfirst(cell), Constraint))
			judge_constraint(analysis, NULL, stmt->tableElts, lfirst_node(Constraint, cell), object,
							 NoLock);
		else if (IsA(lfirst(cell), ColumnDef))
			judge_column(analysis, NULL, stmt->tableElts, lfirst_node(ColumnDef, cell), object,
						 NoLock);
	}
}

static void
check_alter(SdAnalysis *analysis, const SdAlter *alter)
{
	Node *def = alter->cmd->def;

	if (analysis->deferred || alter->relation.presence != SD_EXISTS)
		return;
	if (alter->cmd->subtype == AT_AddConstraint)
		judge_constraint(analysis, &alter->relation, NIL, castNode(Constraint, def),
						 sd_shown(&alter->relation), alter->lock);
	else
		judge_column(analysis, &alter->relation, list_make1(def), castNode(ColumnDef, def),
					 sd_shown(&alter->relation), alter->lock);
}

static void
check_index(SdAnalysis *analysis, Node *statement)
{
	IndexStmt *stmt = (IndexStmt *) statement;
	LOCKMODE lock = stmt->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	bool computes = stmt->whereClause != NULL;
	Question question = { .analysis = analysis };
	SdRelation relation;
	ListCell *cell;

	foreach (cell, stmt->indexParams)
		computes |= lfirst_node(IndexElem, cell)->expr != NULL;
	if (!computes || analysis->deferred)
		return;
	relation = sd_scope_relation(analysis->scope, stmt->relation);
	if (relation.presence != SD_EXISTS)
		return;
	question.relation = &relation;
	foreach (cell, stmt->indexParams)
	{
		question.raw = lfirst_node(IndexElem, cell)->expr;
		question.kind = EXPR_KIND_INDEX_EXPRESSION;
		judge(&question, SD_RULE_INDEX_NOT_IMMUTABLE, -1, sd_shown(&relation),
			  psprintf("CREATE INDEX fails: an expression on %s is not immutable",
					   sd_shown(&relation)),
			  lock);
	}
	question.raw = stmt->whereClause;
	question.kind = EXPR_KIND_INDEX_PREDICATE;
	judge(&question, SD_RULE_INDEX_NOT_IMMUTABLE, -1, sd_shown(&relation),
		  psprintf("CREATE INDEX fails: its condition on %s is not immutable", sd_shown(&relation)),
		  lock);
}

const SdCheck sd_checks_immutable[] = {
	{ T_CreateStmt, -1, check_create_table },
	{ T_IndexStmt, -1, check_index },
	{ T_Invalid, 0, NULL },
};

const SdAlterCheck sd_alter_checks_immutable[] = {
	{ AT_AddConstraint, check_alter },
	{ AT_AddColumn, check_alter },
	{ 0, NULL },
};
