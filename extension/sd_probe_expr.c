/*
 * sd_probe_expr.c
 *	  Expressions of a script as texts that mean the same under any search_path.
 *
 * An expression is transformed as the server would do it where the script has
 * got to, and written back with the names of everything in full.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_probe_int.h"

static bool
is_volatile(Oid function, void *context)
{
	return func_volatile(function) == PROVOLATILE_VOLATILE;
}

/* has_volatile looks for functions whose run may do something, or answer otherwise the next time. */
static bool
has_volatile(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_volatile, NULL))
		return true;
	return expression_tree_walker(node, has_volatile, context);
}

void
sd_probe_refuse_volatile(Node *expr)
{
	if (has_volatile(expr, NULL))
		sd_question_refuse("the expression calls a volatile function, which is not run here");
}

Node *
sd_probe_cook(Relation relation, Node *raw, ParseExprKind kind, bool condition)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item =
		addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	Node *expr;

	addNSItemToQuery(pstate, item, true, true, true);
	expr = transformExpr(pstate, copyObject(raw), kind);
	if (condition)
		expr = coerce_to_boolean(pstate, expr, "CHECK");
	assign_expr_collations(pstate, expr);
	sd_probe_refuse_volatile(expr);
	return expr;
}

const char *
sd_probe_text(Relation relation, Node *expr, const char *alias)
{
	int level = NewGUCNestLevel();
	const char *text;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	text = deparse_expression(expr, deparse_context_for(alias, RelationGetRelid(relation)), true,
							  false);
	AtEOXact_GUC(true, level);
	return text;
}

const char *
sd_probe_column_text(const char *alias, const char *column)
{
	return psprintf("%s.%s", alias, quote_identifier(column));
}

const char *
sd_probe_operator_text(Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	const char *text;

	if (!HeapTupleIsValid(tuple))
		sd_question_refuse("an operator is gone");
	form = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return text;
}

const char *
sd_probe_collation_text(Oid collation)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	const char *text;

	if (!HeapTupleIsValid(tuple))
		sd_question_refuse("a collation is gone");
	form = (Form_pg_collation) GETSTRUCT(tuple);
	text =
		quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));
	ReleaseSysCache(tuple);
	return text;
}

Oid
sd_probe_collation(Oid table, AttrNumber column)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(column));
	Oid result = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_attribute) GETSTRUCT(tuple))->attcollation;
		ReleaseSysCache(tuple);
	}
	return result;
}
