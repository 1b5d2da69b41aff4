/*
 * sd_probe_key.c
 *	  Probes of keys: values that repeat, and rows that exclude each other.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_probe_int.h"

/* column_reference makes the raw expression of a column. */
static Node *
column_reference(const char *name)
{
	ColumnRef *ref = makeNode(ColumnRef);

	ref->fields = list_make1(makeString(pstrdup(name)));
	ref->location = -1;
	return (Node *) ref;
}

/* element_expression gives what an index is of its meaning. */
static Node *
element_expression(Relation relation, const IndexElem *element)
{
	return sd_probe_cook(relation,
						 element->name != NULL ? column_reference(element->name) : element->expr,
						 EXPR_KIND_INDEX_EXPRESSION, false);
}

/* refuse_other_equality refuses an operator class for which other values are equal than for GROUP BY. */
static void
refuse_other_equality(List *class_name, Oid type)
{
	Oid usual = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	Oid class;

	if (!OidIsValid(usual))
		sd_question_refuse(psprintf("type %s has no equality", format_type_be(type)));
	if (class_name == NIL)
		return;
	class = get_opclass_oid(BTREE_AM_OID, class_name, false);
	if (get_opfamily_member(get_opclass_family(class), get_opclass_input_type(class),
							get_opclass_input_type(class), BTEqualStrategyNumber) != usual)
		sd_question_refuse("the operator class has an equality of its own");
}

/* collate_text writes the collation that an index asks for. */
static const char *
collate_text(const IndexElem *element)
{
	return element->collation == NIL ?
			   "" :
			   psprintf(" COLLATE %s",
						sd_probe_collation_text(get_collation_oid(element->collation, false)));
}

static List *
prepare_unique(SdQuestion *question)
{
	const IndexStmt *index = question->index;
	Relation relation = table_open(question->table, AccessShareLock);
	List *keys = NIL;
	const char *filter = NULL;
	List *parts = NIL;
	ListCell *cell;

	foreach (cell, index->indexParams)
	{
		IndexElem *element = lfirst_node(IndexElem, cell);
		Node *expr = element_expression(relation, element);

		refuse_other_equality(element->opclass, exprType(expr));
		keys = lappend(keys, psprintf("(%s)%s", sd_probe_text(relation, expr, SD_PROBE_ROW),
									  collate_text(element)));
	}
	if (index->whereClause != NULL)
		filter = psprintf("(%s)", sd_probe_text(relation,
												sd_probe_cook(relation, index->whereClause,
															  EXPR_KIND_INDEX_PREDICATE, true),
												SD_PROBE_ROW));
	table_close(relation, NoLock);
	foreach (cell, sd_probe_tables(question->table, false))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->keys = keys;
		part->nulls_differ = SD_NULLS_DIFFER(index);
		part->filter = filter;
		parts = lappend(parts, part);
	}
	return parts;
}

/*
 * with_old_names copies what an index is of, with the names that its columns
 * have in the catalog; NIL when one is not there.
 */
static List *
with_old_names(SdAnalysis *analysis, const SdRelation *relation, List *elements)
{
	List *result = copyObject(elements);
	ListCell *cell;

	foreach (cell, result)
	{
		IndexElem *element = lfirst_node(IndexElem, cell);
		AttrNumber column;

		if (element->name == NULL)
			continue;
		column = sd_fact_column(analysis, relation, element->name);
		if (column == InvalidAttrNumber)
			return NIL;
		element->name = get_attname(relation->oid, column, false);
	}
	return result;
}

/* put_unique asks whether rows are unique by an index that is to be made. */
static void
put_unique(SdProbeContext *context, const SdRelation *relation, IndexStmt *index, int location,
		   const char *reason)
{
	SdQuestion question =
		sd_question(context, SD_PROBE_UNIQUE, relation, NULL, location, prepare_unique);

	question.index = index;
	index->indexParams = with_old_names(context->analysis, relation, index->indexParams);
	question.probe->reason =
		index->indexParams == NIL ? "the script makes a column of the key" : reason;
	sd_probe_put(context, &question);
}

/* probe_key_columns asks whether the columns of a primary key have NULL. */
static void
probe_key_columns(const SdProbeStep *step, const Constraint *constraint)
{
	SdRelation index;
	SdIndexFacts *facts;
	ListCell *cell;

	foreach (cell, constraint->keys)
		sd_probe_not_null(step, strVal(lfirst(cell)), constraint->location);
	if (constraint->indexname == NULL)
		return;
	index = sd_scope_relation_in(step->context->analysis->scope, step->relation.schema,
								 constraint->indexname);
	facts = index.presence == SD_EXISTS ? sd_fact_index(index.oid) : NULL;
	if (facts == NULL || facts->table != step->relation.oid)
		return;
	for (int i = 0; i < facts->nkeys; i++)
		if (facts->columns[i] != 0)
			sd_probe_not_null(step, get_attname(facts->table, facts->columns[i], false),
							  constraint->location);
}

void
sd_probe_unique(const SdProbeStep *step, const Constraint *constraint)
{
	IndexStmt *index = makeNode(IndexStmt);
	ListCell *cell;

	if (constraint->contype == CONSTR_PRIMARY)
		probe_key_columns(step, constraint);
	/* an index that is there is unique already */
	if (constraint->indexname != NULL || SD_IS_TEMPORAL(constraint))
		return;
	foreach (cell, constraint->keys)
	{
		IndexElem *element = makeNode(IndexElem);

		element->name = strVal(lfirst(cell));
		index->indexParams = lappend(index->indexParams, element);
	}
	SD_SET_NULLS_DIFFER(index, SD_NULLS_DIFFER(constraint));
	put_unique(step->context, &step->relation, index, constraint->location,
			   sd_probe_step_reason(step));
}

void
sd_probe_index(SdProbeContext *context, IndexStmt *stmt)
{
	SdScope *scope = context->analysis->scope;
	SdRelation relation;

	if (!stmt->unique || (stmt->accessMethod != NULL && strcmp(stmt->accessMethod, "btree") != 0))
		return;
	relation = sd_scope_relation(scope, stmt->relation);
	if (relation.presence != SD_EXISTS)
		return;
	/* an index of a partitioned table alone reads nothing */
	if (!stmt->relation->inh && relation.relkind == RELKIND_PARTITIONED_TABLE)
		return;
	if (stmt->if_not_exists && stmt->idxname != NULL &&
		sd_scope_relation_in(scope, relation.schema, stmt->idxname).presence == SD_EXISTS)
		return;
	put_unique(context, &relation, copyObject(stmt), -1, NULL);
}

/* exclusion_operator finds the operator of one element of EXCLUDE. */
static Oid
exclusion_operator(List *name, Oid type)
{
	return compatible_oper_opid(name, type, type, false);
}

/* conflict writes the condition that another row of a table excludes the one that is looked at. */
static const char *
conflict(const SdQuestion *question, Relation relation, Oid table)
{
	const Constraint *constraint = question->constraint;
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	appendStringInfo(&text,
					 "EXISTS (SELECT 1 FROM ONLY %s AS b WHERE b.ctid <> " SD_PROBE_ROW ".ctid",
					 sd_probe_table_text(table));
	foreach (cell, constraint->exclusions)
	{
		List *pair = lfirst_node(List, cell);
		IndexElem *element = linitial_node(IndexElem, pair);
		Node *expr = element_expression(relation, element);

		appendStringInfo(&text, " AND (%s)%s %s (%s)%s",
						 sd_probe_text(relation, expr, SD_PROBE_ROW), collate_text(element),
						 sd_probe_operator_text(
							 exclusion_operator(lsecond_node(List, pair), exprType(expr))),
						 sd_probe_text(relation, expr, "b"), collate_text(element));
	}
	if (constraint->where_clause != NULL)
	{
		Node *filter =
			sd_probe_cook(relation, constraint->where_clause, EXPR_KIND_INDEX_PREDICATE, true);

		appendStringInfo(&text, " AND (%s) AND (%s)", sd_probe_text(relation, filter, SD_PROBE_ROW),
						 sd_probe_text(relation, filter, "b"));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

static List *
prepare_exclude(SdQuestion *question)
{
	Relation relation = table_open(question->table, AccessShareLock);
	List *parts = NIL;
	ListCell *cell;

	foreach (cell, sd_probe_tables(question->table, false))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->bad = conflict(question, relation, part->table);
		parts = lappend(parts, part);
	}
	table_close(relation, NoLock);
	return parts;
}

void
sd_probe_exclude(const SdProbeStep *step, const Constraint *constraint)
{
	SdAnalysis *analysis = step->context->analysis;
	SdQuestion question = sd_question(step->context, SD_PROBE_EXCLUDE, &step->relation, NULL,
									  constraint->location, prepare_exclude);
	Constraint *copy = copyObject((Constraint *) constraint);
	ListCell *cell;

	foreach (cell, copy->exclusions)
	{
		List *renamed = with_old_names(analysis, &step->relation, list_make1(linitial(lfirst(cell))));

		if (renamed == NIL)
			question.probe->reason = "the script makes a column of the key";
		else
			linitial(lfirst_node(List, cell)) = linitial(renamed);
	}
	question.constraint = copy;
	if (question.probe->reason == NULL)
		question.probe->reason = sd_probe_step_reason(step);
	sd_probe_put(step->context, &question);
}
