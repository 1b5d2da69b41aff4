/*
 * sd_tree.c
 *	  Questions about raw parse trees that need no catalog.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#include "sd_compat.h"
#include "sd_tree.h"

/* Conditions nested deeper than this are not looked into. */
#define MAX_DEPTH 100

RangeVar *
sd_created_relation(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return ((CreateStmt *) statement)->relation;
		case T_ViewStmt:
			return ((ViewStmt *) statement)->view;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) statement)->sequence;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->relation;
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) statement)->relation;
		default:
			return NULL;
	}
}

IntoClause *
sd_select_into(SelectStmt *stmt)
{
	while (stmt != NULL && stmt->op != SETOP_NONE)
		stmt = stmt->larg;
	return stmt == NULL ? NULL : stmt->intoClause;
}

/* column_name returns the name of a bare column reference, or NULL. */
static const char *
column_name(Node *node)
{
	List *fields;

	if (node == NULL || !IsA(node, ColumnRef))
		return NULL;
	fields = ((ColumnRef *) node)->fields;
	return IsA(llast(fields), String) ? strVal(llast(fields)) : NULL;
}

static const char *
proves_not_null(Node *expr, int depth)
{
	if (expr == NULL || depth > MAX_DEPTH)
		return NULL;
	if (IsA(expr, NullTest) && ((NullTest *) expr)->nulltesttype == IS_NOT_NULL)
		return column_name((Node *) ((NullTest *) expr)->arg);
	if (IsA(expr, BoolExpr) && ((BoolExpr *) expr)->boolop == AND_EXPR)
	{
		ListCell *cell;

		foreach (cell, ((BoolExpr *) expr)->args)
		{
			const char *column = proves_not_null(lfirst(cell), depth + 1);

			if (column != NULL)
				return column;
		}
	}
	return NULL;
}

const char *
sd_check_proves_not_null(Node *expr)
{
	return proves_not_null(expr, 0);
}

static bool
always_true(Node *expr, int depth)
{
	ListCell *cell;

	if (expr == NULL || depth > MAX_DEPTH)
		return false;
	switch (nodeTag(expr))
	{
		case T_A_Const:
			return !SD_CONSTANT_IS_NULL((A_Const *) expr) && SD_IS_TRUE_CONSTANT((A_Const *) expr);
		case T_TypeCast:
		{
			TypeCast *cast = (TypeCast *) expr;
			const char *type = strVal(llast(cast->typeName->names));
			const char *value;
			bool result;

			if (strcmp(type, "bool") != 0)
				return false;
			if (!IsA(cast->arg, A_Const))
				return always_true(cast->arg, depth + 1);
			if (SD_CONSTANT_IS_NULL((A_Const *) cast->arg))
				return false;
			value = SD_CONSTANT_STRING((A_Const *) cast->arg);
			if (value == NULL)
				return always_true(cast->arg, depth + 1);
			return parse_bool(value, &result) && result;
		}
		case T_A_Expr:
		{
			A_Expr *op = (A_Expr *) expr;

			return op->kind == AEXPR_OP && op->lexpr != NULL && op->rexpr != NULL &&
				   IsA(op->lexpr, A_Const) && IsA(op->rexpr, A_Const) &&
				   !SD_CONSTANT_IS_NULL((A_Const *) op->lexpr) &&
				   strcmp(strVal(llast(op->name)), "=") == 0 && equal(op->lexpr, op->rexpr);
		}
		case T_BoolExpr:
			if (((BoolExpr *) expr)->boolop == NOT_EXPR)
				return false;
			foreach (cell, ((BoolExpr *) expr)->args)
			{
				bool member = always_true(lfirst(cell), depth + 1);

				if (((BoolExpr *) expr)->boolop == AND_EXPR && !member)
					return false;
				if (((BoolExpr *) expr)->boolop == OR_EXPR && member)
					return true;
			}
			return ((BoolExpr *) expr)->boolop == AND_EXPR;
		default:
			return false;
	}
}

bool
sd_always_true(Node *expr)
{
	return always_true(expr, 0);
}

DefElem *
sd_option(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

bool
sd_option_is_on(List *options, const char *name)
{
	DefElem *option = sd_option(options, name);
	bool on;

	if (option == NULL)
		return false;
	if (option->arg == NULL)
		return true;
	if (IsA(option->arg, Integer))
		return intVal(option->arg) != 0;
	/* a value that the server refuses counts as on: nothing is lost by that */
	return !parse_bool(defGetString(option), &on) || on;
}

/* lower_option returns a string option in lower case, or the fallback. */
static const char *
lower_option(List *options, const char *name, const char *fallback)
{
	DefElem *option = sd_option(options, name);

	if (option == NULL || option->arg == NULL || !IsA(option->arg, String))
		return fallback;
	return asc_tolower(strVal(option->arg), strlen(strVal(option->arg)));
}

bool
sd_function_body(CreateFunctionStmt *stmt, SdBodyText *body)
{
	DefElem *as = sd_option(stmt->options, "as");

	if (as == NULL || as->arg == NULL || !IsA(as->arg, List) || list_length((List *) as->arg) != 1)
		return false;
	body->language = lower_option(stmt->options, "language", "sql");
	body->text = strVal(linitial((List *) as->arg));
	body->location = as->location;
	return true;
}

bool
sd_do_body(DoStmt *stmt, SdBodyText *body)
{
	DefElem *as = sd_option(stmt->args, "as");

	if (as == NULL || as->arg == NULL || !IsA(as->arg, String))
		return false;
	body->language = lower_option(stmt->args, "language", "plpgsql");
	body->text = strVal(as->arg);
	body->location = as->location;
	return true;
}

static bool
collect_contents(Node *node, SdContents *contents)
{
	if (node == NULL)
		return false;
	if (IsA(node, InsertStmt) || IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || SD_IS_MERGE(node))
		contents->data_changes = lappend(contents->data_changes, node);
	else if (IsA(node, FuncCall))
		contents->calls = lappend(contents->calls, node);
	else if (IsA(node, RangeVar))
		contents->relations = lappend(contents->relations, node);
	return raw_expression_tree_walker(node, collect_contents, (void *) contents);
}

SdContents
sd_statement_contents(Node *statement)
{
	volatile SdContents result = { 0 };
	MemoryContext context = CurrentMemoryContext;

	/* walking a tree takes nothing but memory, so no subtransaction is needed */
	PG_TRY();
	{
		SdContents contents = { 0 };

		raw_expression_tree_walker(statement, collect_contents, (void *) &contents);
		result.data_changes = contents.data_changes;
		result.calls = contents.calls;
		result.relations = contents.relations;
	}
	PG_CATCH();
	{
		int code = geterrcode();

		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION ||
			ERRCODE_TO_CATEGORY(code) == ERRCODE_INSUFFICIENT_RESOURCES)
			PG_RE_THROW();
		FlushErrorState();
		result.too_deep = true;
	}
	PG_END_TRY();
	return (SdContents){ result.data_changes, result.calls, result.relations, result.too_deep };
}

bool
sd_walk_tree(Node *tree, bool (*walker)(Node *node, void *context), void *context)
{
	volatile bool result = false;
	MemoryContext caller = CurrentMemoryContext;

	/* as above, no subtransaction is needed */
	PG_TRY();
	{
		result = walker(tree, context);
	}
	PG_CATCH();
	{
		int code = geterrcode();

		MemoryContextSwitchTo(caller);
		if (ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION ||
			ERRCODE_TO_CATEGORY(code) == ERRCODE_INSUFFICIENT_RESOURCES)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

const char *
sd_command_name(Node *statement)
{
	return GetCommandTagName(CreateCommandTag(statement));
}

Node *
sd_inner_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ExplainStmt:
			/* without ANALYZE nothing is run */
			return sd_option_is_on(((ExplainStmt *) statement)->options, "analyze") ?
					   ((ExplainStmt *) statement)->query :
					   NULL;
		case T_PrepareStmt:
			return ((PrepareStmt *) statement)->query;
		case T_CopyStmt:
			return ((CopyStmt *) statement)->query;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->query;
		case T_DeclareCursorStmt:
			return ((DeclareCursorStmt *) statement)->query;
		default:
			return NULL;
	}
}

/* detaches_concurrently looks for DETACH PARTITION ... CONCURRENTLY. */
static bool
detaches_concurrently(AlterTableStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DetachPartition &&
			SD_PARTITION_CMD_CONCURRENT(castNode(PartitionCmd, cmd->def)))
			return true;
	}
	return false;
}

bool
sd_is_concurrent(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return ((IndexStmt *) statement)->concurrent;
		case T_DropStmt:
			return ((DropStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return SD_REINDEX_CONCURRENT((ReindexStmt *) statement);
		case T_AlterTableStmt:
			return detaches_concurrently((AlterTableStmt *) statement);
		default:
			return false;
	}
}

bool
sd_runs_in_transaction(Node *statement)
{
	if (sd_is_concurrent(statement))
		return false;
	switch (nodeTag(statement))
	{
		case T_ReindexStmt:
			return ((ReindexStmt *) statement)->kind == REINDEX_OBJECT_INDEX ||
				   ((ReindexStmt *) statement)->kind == REINDEX_OBJECT_TABLE;
		case T_VacuumStmt:
			return !((VacuumStmt *) statement)->is_vacuumcmd;
		case T_ClusterStmt:
			return ((ClusterStmt *) statement)->relation != NULL;
		case T_AlterDatabaseStmt:
			return sd_option(((AlterDatabaseStmt *) statement)->options, "tablespace") == NULL;
		case T_CreateSubscriptionStmt:
		{
			List *options = ((CreateSubscriptionStmt *) statement)->options;

			/* it makes a slot on the other server unless told not to */
			return (sd_option(options, "create_slot") != NULL &&
					!sd_option_is_on(options, "create_slot")) ||
				   (sd_option(options, "connect") != NULL && !sd_option_is_on(options, "connect"));
		}
		case T_TransactionStmt:
			return ((TransactionStmt *) statement)->kind != TRANS_STMT_COMMIT_PREPARED &&
				   ((TransactionStmt *) statement)->kind != TRANS_STMT_ROLLBACK_PREPARED;
		case T_DiscardStmt:
			return ((DiscardStmt *) statement)->target != DISCARD_ALL;
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterSystemStmt:
		case T_DropSubscriptionStmt:
			return false;
		default:
			return true;
	}
}
