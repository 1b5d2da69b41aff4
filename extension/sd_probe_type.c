/*
 * sd_probe_type.c
 *	  Probes of ALTER COLUMN TYPE: values that cannot be converted, and keys whose
 *	  values are no longer different once they are.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_lookup.h"
#include "sd_predict.h"
#include "sd_probe_int.h"

/*
 * spell_out makes casts that are not written out visible, and turns those that
 * are functions into calls: "varchar(c, 9, false)" refuses what is too long,
 * where the cast that it would be shown as cuts it off.
 */
static Node *
spell_out(Node *node, void *context)
{
	Node *result;

	if (node == NULL)
		return NULL;
	if (IsA(node, ArrayCoerceExpr) && IsA(((ArrayCoerceExpr *) node)->elemexpr, FuncExpr))
		sd_question_refuse("conversions of the members of arrays are not probed");
	result = expression_tree_mutator(node, spell_out, context);
	switch (nodeTag(result))
	{
		case T_FuncExpr:
			if (((FuncExpr *) result)->funcformat != COERCE_EXPLICIT_CALL)
				((FuncExpr *) result)->funcformat = COERCE_EXPLICIT_CALL;
			break;
		case T_RelabelType:
			((RelabelType *) result)->relabelformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceViaIO:
			((CoerceViaIO *) result)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		case T_ArrayCoerceExpr:
			((ArrayCoerceExpr *) result)->coerceformat = COERCE_EXPLICIT_CAST;
			break;
		case T_ConvertRowtypeExpr:
			((ConvertRowtypeExpr *) result)->convertformat = COERCE_EXPLICIT_CAST;
			break;
		case T_CoerceToDomain:
			((CoerceToDomain *) result)->coercionformat = COERCE_EXPLICIT_CAST;
			break;
		default:
			break;
	}
	return result;
}

/* converted writes the value that a column gets. */
static const char *
converted(const SdQuestion *question, Relation relation)
{
	const ColumnDef *def = question->def;
	ParseState *pstate = make_parsestate(NULL);
	AttrNumber attnum = get_attnum(question->table, question->column);
	Node *expr;
	Oid type;
	int32 typmod;

	typenameTypeIdAndMod(NULL, def->typeName, &type, &typmod);
	if (def->raw_default != NULL)
		expr = sd_probe_cook(relation, def->raw_default, EXPR_KIND_ALTER_COL_TRANSFORM, false);
	else
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);

		expr = (Node *) makeVar(1, attnum, column->atttypid, column->atttypmod,
								column->attcollation, 0);
	}
	expr = coerce_to_target_type(pstate, expr, exprType(expr), type, typmod, COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		sd_question_refuse("no automatic cast leads to the new type");
	assign_expr_collations(pstate, expr);
	sd_probe_refuse_volatile(expr);
	return sd_probe_text(relation, spell_out(expr, NULL), SD_PROBE_ROW);
}

static List *
prepare_type(SdQuestion *question)
{
	Relation relation = table_open(question->table, AccessShareLock);
	const char *value = converted(question, relation);
	List *parts = NIL;
	ListCell *cell;

	table_close(relation, NoLock);
	foreach (cell, sd_probe_tables(question->table, question->children))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->value = value;
		if (sd_column_is_not_null(part->table, question->column))
			part->bad = psprintf("%s IS NULL", value);
		parts = lappend(parts, part);
	}
	return parts;
}

/* prepare_type_key compares the keys of a unique index as they will be. */
static List *
prepare_type_key(SdQuestion *question)
{
	Relation relation = table_open(question->table, AccessShareLock);
	const char *value = converted(question, relation);
	SdIndexFacts *index = sd_fact_index(question->catalog);
	List *parts = NIL;
	ListCell *cell;

	table_close(relation, NoLock);
	foreach (cell, sd_probe_tables(question->table, false))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->nulls_differ = true;
		for (int i = 0; i < index->nkeys; i++)
		{
			const char *name = get_attname(index->table, index->columns[i], false);

			part->keys = lappend(part->keys, strcmp(name, question->column) == 0 ?
												 (char *) value :
												 (char *) sd_probe_column_text(SD_PROBE_ROW, name));
		}
		parts = lappend(parts, part);
	}
	return parts;
}

/* what_else says what else is checked again with the new values, or returns NULL. */
static const char *
what_else(SdAnalysis *analysis, Oid table, AttrNumber column)
{
	List *referencing = sd_fact_referencing(table);
	ListCell *cell;

	foreach (cell, sd_fact_constraints(analysis, table))
	{
		SdConstraintFacts *facts = lfirst(cell);

		if (list_member_int(facts->columns, column) &&
			(facts->type == CONSTRAINT_CHECK || facts->type == CONSTRAINT_FOREIGN ||
			 facts->type == CONSTRAINT_EXCLUSION))
			return psprintf("%s is checked again for the new values, which is not probed",
							quote_identifier(facts->name));
	}
	/* which of its columns they refer to is not looked up */
	if (referencing != NIL)
		return psprintf("%s is checked again for the new values, which is not probed",
						quote_identifier(((SdConstraintFacts *) linitial(referencing))->name));
	foreach (cell, sd_fact_indexes_using(table, column))
	{
		SdIndexFacts *facts = sd_fact_index(lfirst_oid(cell));

		if (facts != NULL && (facts->partial || facts->has_expressions))
			return psprintf("%s is built again of the new values, which is not probed",
							quote_identifier(get_rel_name(facts->oid)));
	}
	return NULL;
}

/* has_key tells whether a column is a key of an index. */
static bool
has_key(const SdIndexFacts *index, AttrNumber column)
{
	for (int i = 0; i < index->nkeys; i++)
		if (index->columns[i] == column)
			return true;
	return false;
}

/* probe_keys asks for each unique index whether its values stay different. */
static void
probe_keys(const SdProbeStep *step, const SdQuestion *question, AttrNumber column)
{
	ListCell *cell;

	foreach (cell, sd_fact_indexes(step->context->analysis, step->relation.oid))
	{
		SdIndexFacts *facts = lfirst(cell);
		SdQuestion key;

		if (!facts->unique || facts->partial || facts->has_expressions || !has_key(facts, column))
			continue;
		key =
			sd_question(step->context, SD_PROBE_UNIQUE, &step->relation, NULL, -1, prepare_type_key);
		key.column = question->column;
		key.def = question->def;
		key.catalog = facts->oid;
		key.probe->other = quote_identifier(get_rel_name(facts->oid));
		sd_probe_put(step->context, &key);
	}
}

/* is_domain tells whether a type may have constraints of its own. */
static bool
is_domain(const TypeName *name)
{
	int32 typmod;
	Oid type = sd_lookup_type(name, &typmod);

	return !OidIsValid(type) || get_typtype(type) == TYPTYPE_DOMAIN;
}

void
sd_probe_alter_type(const SdProbeStep *step)
{
	SdAnalysis *analysis = step->context->analysis;
	ColumnDef *def = castNode(ColumnDef, step->cmd->def);
	AttrNumber attnum = sd_fact_column(analysis, &step->relation, step->cmd->name);
	SdQuestion question = sd_question(step->context, SD_PROBE_TYPE, &step->relation,
									  step->cmd->name, -1, prepare_type);
	SdTypePrediction prediction;

	if (attnum == InvalidAttrNumber)
		return;
	question.column = get_attname(step->relation.oid, attnum, false);
	question.def = def;
	question.children = step->children;
	prediction = sd_predict_alter_type(step->relation.oid, question.column, def);
	/* values that stay what they are cannot fail */
	if (prediction.rewrites == SD_NO ||
		(prediction.narrows == SD_NO && def->raw_default == NULL && !is_domain(def->typeName)))
		return;
	question.probe->caveat = what_else(analysis, step->relation.oid, attnum);
	sd_probe_put(step->context, &question);
	if (question.probe->bad == 0)
		probe_keys(step, &question, attnum);
}
