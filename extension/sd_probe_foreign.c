/*
 * sd_probe_foreign.c
 *	  Probes of foreign keys: rows that refer to none.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_names.h"
#include "sd_probe_int.h"

/* index_classes returns the operator classes of a unique index of just these columns, or NIL. */
static List *
index_classes(Oid index, List *columns)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	List *result = NIL;
	bool isnull;
	oidvector *classes;
	ListCell *cell;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisunique && form->indimmediate && form->indisvalid &&
		form->indnkeyatts == list_length(columns) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
	{
		classes = (oidvector *) DatumGetPointer(
			SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &isnull));
		foreach (cell, columns)
			for (int i = 0; i < form->indnkeyatts; i++)
				if (form->indkey.values[i] == lfirst_int(cell))
				{
					result = lappend_oid(result, classes->values[i]);
					break;
				}
	}
	ReleaseSysCache(tuple);
	return list_length(result) == list_length(columns) ? result : NIL;
}

/* key_classes returns the operator classes by which the referenced columns are compared. */
static List *
key_classes(Oid table, List *columns)
{
	Relation relation = table_open(table, AccessShareLock);
	List *result = NIL;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(relation))
		if (result == NIL)
			result = index_classes(lfirst_oid(cell), columns);
	table_close(relation, NoLock);
	/* the index is one that the script makes */
	if (result == NIL)
		foreach (cell, columns)
			result = lappend_oid(result, GetDefaultOpClass(get_atttype(table, lfirst_int(cell)),
														   BTREE_AM_OID));
	return result;
}

/* equality finds the operator that compares a referenced column with a referring one. */
static Oid
equality(Oid class, Oid there, Oid here)
{
	Oid family;
	Oid input;
	Oid result;
	Oid given[2] = { there, here };
	Oid wanted[2];

	if (!OidIsValid(class))
		sd_question_refuse("the columns of the key cannot be compared");
	family = get_opclass_family(class);
	input = get_opclass_input_type(class);
	result = get_opfamily_member(family, input, getBaseType(here), BTEqualStrategyNumber);
	wanted[0] = wanted[1] = input;
	if (!OidIsValid(result) && can_coerce_type(2, given, wanted, COERCION_IMPLICIT))
		result = get_opfamily_member(family, input, input, BTEqualStrategyNumber);
	if (!OidIsValid(result))
		sd_question_refuse("the columns of the key cannot be compared");
	return result;
}

/* operand writes a column as an operator takes it. */
static const char *
operand(const char *alias, Oid table, AttrNumber column, Oid type)
{
	const char *text = sd_probe_column_text(alias, get_attname(table, column, false));

	return IsPolymorphicType(type) || type == get_atttype(table, column) ?
			   text :
			   psprintf("%s::%s", text, format_type_be_qualified(type));
}

/* match writes the condition that one column of both rows agrees. */
static const char *
match(Oid from, AttrNumber here, Oid to, AttrNumber there, Oid operator)
{
	Oid collation = sd_probe_collation(to, there);
	const char *collate = "";
	Oid left;
	Oid right;

	if (OidIsValid(collation) && collation != sd_probe_collation(from, here))
		collate = psprintf(" COLLATE %s", sd_probe_collation_text(collation));
	op_input_types(operator, & left, &right);
	return psprintf("%s%s %s %s%s", operand("b", to, there, left), collate,
					sd_probe_operator_text(operator), operand(SD_PROBE_ROW, from, here, right),
					collate);
}

/* prepare_key makes the parts of a key whose operators are known. */
static List *
prepare_key(const SdQuestion *question, List *operators)
{
	StringInfoData nulls;
	StringInfoData known;
	StringInfoData where;
	const char *missing;
	List *parts = NIL;
	int n = list_length(question->columns);
	ListCell *cell;

	initStringInfo(&nulls);
	initStringInfo(&known);
	initStringInfo(&where);
	for (int i = 0; i < n; i++)
	{
		AttrNumber here = list_nth_int(question->columns, i);
		const char *column =
			sd_probe_column_text(SD_PROBE_ROW, get_attname(question->table, here, false));

		appendStringInfo(&nulls, "%s%s", i > 0 ? ", " : "", column);
		appendStringInfo(&known, "%s IS NOT NULL AND ", column);
		appendStringInfo(&where, "%s%s", i > 0 ? " AND " : "",
						 match(question->table, here, question->other,
							   list_nth_int(question->others, i), list_nth_oid(operators, i)));
	}
	missing = psprintf("NOT EXISTS (SELECT 1 FROM %s%s AS b WHERE %s)",
					   get_rel_relkind(question->other) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					   sd_probe_table_text(question->other), where.data);
	foreach (cell, sd_probe_tables(question->table, false))
	{
		SdProbePart *part = palloc0(sizeof(SdProbePart));

		part->table = lfirst_oid(cell);
		part->bad = question->match == FKCONSTR_MATCH_FULL ?
						psprintf("CASE pg_catalog.num_nulls(%s) WHEN 0 THEN %s WHEN %d THEN false "
								 "ELSE true END",
								 nulls.data, missing, n) :
						psprintf("%s%s", known.data, missing);
		parts = lappend(parts, part);
	}
	return parts;
}

static List *
prepare_foreign_key(SdQuestion *question)
{
	List *classes = key_classes(question->other, question->others);
	List *operators = NIL;

	for (int i = 0; i < list_length(question->columns); i++)
		operators =
			lappend_oid(operators,
						equality(list_nth_oid(classes, i),
								 get_atttype(question->other, list_nth_int(question->others, i)),
								 get_atttype(question->table, list_nth_int(question->columns, i))));
	return prepare_key(question, operators);
}

void
sd_probe_foreign_key(const SdProbeStep *step, const Constraint *constraint)
{
	SdAnalysis *analysis = step->context->analysis;
	SdRelation to = sd_scope_relation(analysis->scope, constraint->pktable);
	SdQuestion question = sd_question(step->context, SD_PROBE_FOREIGN_KEY, &step->relation, NULL,
									  constraint->location, prepare_foreign_key);

	question.probe->other = sd_shown(&to);
	question.match = constraint->fk_matchtype;
	question.columns = sd_fact_columns(analysis, &step->relation, constraint->fk_attrs);
	if (to.presence == SD_MADE)
		question.probe->reason = "the script makes the table that is referred to";
	else if (to.presence != SD_EXISTS)
		return;
	else if (SD_IS_TEMPORAL(constraint))
		question.probe->reason = "keys with periods are not probed";
	else
	{
		question.other = to.oid;
		question.others = constraint->pk_attrs != NIL ?
							  sd_fact_columns(analysis, &to, constraint->pk_attrs) :
							  sd_fact_primary_key(analysis, to.oid);
		if (question.columns == NIL || question.others == NIL ||
			list_length(question.columns) != list_length(question.others))
			question.probe->reason = "the script makes a column or key that is needed";
		else
			question.probe->reason = sd_probe_step_reason(step);
	}
	sd_probe_put(step->context, &question);
}

/* array_of reads an array column of a constraint as a list. */
static List *
array_of(HeapTuple tuple, AttrNumber column, bool oids)
{
	bool isnull;
	Datum value = SysCacheGetAttr(CONSTROID, tuple, column, &isnull);
	ArrayType *array = isnull ? NULL : DatumGetArrayTypeP(value);
	List *result = NIL;

	for (int i = 0; array != NULL && i < ARR_DIMS(array)[0]; i++)
		result = oids ? lappend_oid(result, ((Oid *) ARR_DATA_PTR(array))[i]) :
						lappend_int(result, ((int16 *) ARR_DATA_PTR(array))[i]);
	return result;
}

static List *
prepare_stored_key(SdQuestion *question)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(question->catalog));
	List *operators;

	if (!HeapTupleIsValid(tuple))
		sd_question_refuse("the constraint is gone");
	question->columns = array_of(tuple, Anum_pg_constraint_conkey, false);
	question->others = array_of(tuple, Anum_pg_constraint_confkey, false);
	operators = array_of(tuple, Anum_pg_constraint_conpfeqop, true);
	ReleaseSysCache(tuple);
	return prepare_key(question, operators);
}

void
sd_probe_validate_foreign_key(const SdProbeStep *step, Oid constraint)
{
	SdQuestion question = sd_question(step->context, SD_PROBE_FOREIGN_KEY, &step->relation, NULL,
									  -1, prepare_stored_key);
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	question.catalog = constraint;
	question.other = form->confrelid;
	question.match = form->confmatchtype;
	if (SD_FORM_IS_TEMPORAL(form))
		question.probe->reason = "keys with periods are not probed";
	else
		question.probe->reason = sd_probe_step_reason(step);
	ReleaseSysCache(tuple);
	question.probe->other = sd_relation_name(question.other);
	sd_probe_put(step->context, &question);
}
