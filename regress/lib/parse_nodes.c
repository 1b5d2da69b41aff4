/*
 * parse_nodes.c
 *	  What the grammar makes of a script: tags of statements, commands of
 *	  ALTER TABLE and kinds of objects, as the numbers of the server's headers.
 *
 * parse_nodes(text) returns "statement TAG", "command SUBTYPE" and "object TAG KIND".
 * The test of predictions knows by it what no case has.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(parse_nodes);

static void
put(ReturnSetInfo *result, const char *line)
{
	Datum value = CStringGetTextDatum(line);
	bool isnull = false;

	tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
}

/* kind_of returns the kind of object that a statement is about, or -1. */
static int
kind_of(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CommentStmt:
			return ((CommentStmt *) node)->objtype;
		case T_SecLabelStmt:
			return ((SecLabelStmt *) node)->objtype;
		case T_RenameStmt:
			return ((RenameStmt *) node)->renameType;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) node)->objectType;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->objectType;
		case T_AlterObjectDependsStmt:
			return ((AlterObjectDependsStmt *) node)->objectType;
		case T_DropStmt:
			return ((DropStmt *) node)->removeType;
		case T_GrantStmt:
			return ((GrantStmt *) node)->objtype;
		default:
			return -1;
	}
}

static void
walk(ReturnSetInfo *result, Node *node)
{
	ListCell *cell;

	if (node == NULL)
		return;
	if (IsA(node, List))
	{
		foreach (cell, (List *) node)
			walk(result, lfirst(cell));
		return;
	}
	put(result, psprintf("statement %d", (int) nodeTag(node)));
	if (kind_of(node) >= 0)
		put(result, psprintf("object %d %d", (int) nodeTag(node), kind_of(node)));
	if (IsA(node, AlterTableStmt))
		foreach (cell, ((AlterTableStmt *) node)->cmds)
			put(result, psprintf("command %d", (int) ((AlterTableCmd *) lfirst(cell))->subtype));
	if (IsA(node, CreateSchemaStmt))
		walk(result, (Node *) ((CreateSchemaStmt *) node)->schemaElts);
#if PG_VERSION_NUM >= 140000
	if (IsA(node, CreateFunctionStmt))
		walk(result, ((CreateFunctionStmt *) node)->sql_body);
#endif
}

Datum
parse_nodes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	ListCell *cell;

	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	result->setDesc = CreateTupleDescCopy(result->expectedDesc);
	MemoryContextSwitchTo(before);
	foreach (cell, pg_parse_query(text_to_cstring(PG_GETARG_TEXT_PP(0))))
		walk(result, lfirst_node(RawStmt, cell)->stmt);
	PG_RETURN_NULL();
}
