/*
 * sd_snapshot_canon.c
 *	  Canonical form of stored expressions and queries.
 *
 * The text that the deparser prints is not always one that, read again, prints
 * the same.  Whatever is read from a catalog is brought here into the form that
 * it has after a dump and a restore, so that both have the same hash.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "sd_snapshot_int.h"

static Node *
replace_case_test(Node *node, Node *element)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CaseTestExpr))
		return copyObject(element);
	return expression_tree_mutator(node, replace_case_test, (void *) element);
}

static void
make_explicit(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RelabelType:
			((RelabelType *) node)->relabelformat = COERCE_EXPLICIT_CAST;
			break;
		case T_FuncExpr:
			((FuncExpr *) node)->funcformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceViaIO:
			((CoerceViaIO *) node)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		default:
			break;
	}
}

/*
 * Takes the names off the columns of a query whose names nobody can see.  The
 * deparser leaves out the name of an unnamed column, and reading its text gives
 * the column another name when it is a cast: 'x'::text is called "text".
 */
static void
forget_names(Query *query, Node *setop)
{
	ListCell *lc;

	foreach (lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		if (!tle->resjunk && !IsA(tle->expr, Var))
			tle->resname = pstrdup("?column?");
	}
	if (setop == NULL)
		return;
	if (IsA(setop, SetOperationStmt))
	{
		forget_names(query, ((SetOperationStmt *) setop)->larg);
		forget_names(query, ((SetOperationStmt *) setop)->rarg);
	}
	else if (IsA(setop, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) setop)->rtindex, query->rtable);

		forget_names(rte->subquery, rte->subquery->setOperations);
	}
}

/* The same for the query that an INSERT takes its rows from. */
static void
forget_source_names(Query *query)
{
	ListCell *lc;

	foreach (lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_SUBQUERY)
			forget_names(rte->subquery, rte->subquery->setOperations);
	}
}

/*
 * Moves the cast of an ARRAY[] to its elements.  The parser does that with the
 * text that a cast array is printed as, so without it a restored schema would
 * print otherwise than the dumped one: x IN ('a', 'b') on a varchar column.
 */
static Node *
canonical_node(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query *query = query_tree_mutator((Query *) node, canonical_node, context, 0);

		if (query->commandType == CMD_INSERT)
			forget_source_names(query);
		return (Node *) query;
	}
	if (IsA(node, SubLink))
	{
		SubLink *link = (SubLink *) expression_tree_mutator(node, canonical_node, context);

		if (IsA(link->subselect, Query))
			forget_names((Query *) link->subselect, ((Query *) link->subselect)->setOperations);
		return (Node *) link;
	}
	if (IsA(node, ArrayCoerceExpr))
	{
		ArrayCoerceExpr *cast = (ArrayCoerceExpr *) node;
		Oid element = get_element_type(cast->resulttype);

		if (IsA(cast->arg, ArrayExpr) && !((ArrayExpr *) cast->arg)->multidims && OidIsValid(element))
		{
			ArrayExpr *array = (ArrayExpr *) copyObject(cast->arg);
			ListCell *lc;

			foreach (lc, array->elements)
			{
				Node *value = canonical_node(lfirst(lc), context);

				value = replace_case_test((Node *) cast->elemexpr, value);
				make_explicit(value);
				lfirst(lc) = value;
			}
			array->array_typeid = cast->resulttype;
			array->array_collid = cast->resultcollid;
			array->element_typeid = element;
			return (Node *) array;
		}
	}
	return expression_tree_mutator(node, canonical_node, context);
}

/* Node of its text, in canonical form.  The document at hand uses what it names. */
Node *
sd_read_node(SdSnap *snap, const char *text)
{
	Node *node = stringToNode(unconstify(char *, text));

	sd_use_node(snap, text);
	if (strstr(text, "{ARRAYCOERCEEXPR") != NULL || strstr(text, "{SUBLINK") != NULL ||
		strstr(text, "{QUERY :commandType 3") != NULL)
	{
		if (IsA(node, List))
		{
			ListCell *lc;

			foreach (lc, (List *) node)
				lfirst(lc) = canonical_node(lfirst(lc), NULL);
		}
		else
			node = canonical_node(node, NULL);
	}
	return node;
}

/*
 * VALUES under a set operation prints without a space after its parenthesis, and
 * read again becomes a sub-query, which prints with one.
 */
const char *
sd_canonical_query_text(const char *text)
{
	StringInfoData buf;
	char quote = '\0';

	if (strstr(text, "(VALUES ") == NULL)
		return text;
	initStringInfo(&buf);
	for (const char *p = text; *p != '\0'; p++)
	{
		if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		appendStringInfoChar(&buf, *p);
		if (quote == '\0' && *p == '(' && strncmp(p + 1, "VALUES ", 7) == 0)
			appendStringInfoChar(&buf, ' ');
	}
	return buf.data;
}
