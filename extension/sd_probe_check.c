/*
 * sd_probe_check.c
 *	  Probes of conditions on single rows: NOT NULL, CHECK, new columns that may not
 *	  be null, and constraints of domains.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/typecmds.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_facts.h"
#include "sd_predict.h"
#include "sd_probe_int.h"

/* add_part appends a table with a condition. */
static List *
add_part(List *parts, Oid table, const char *bad)
{
	SdProbePart *part = palloc0(sizeof(SdProbePart));

	part->table = table;
	part->bad = bad;
	return lappend(parts, part);
}

/* each_table makes parts of all tables that hold the rows, with one condition. */
static List *
each_table(const SdQuestion *question, const char *bad)
{
	List *parts = NIL;
	ListCell *cell;

	foreach (cell, sd_probe_tables(question->table, question->children))
		parts = add_part(parts, lfirst_oid(cell), bad);
	return parts;
}

static List *
prepare_not_null(SdQuestion *question)
{
	return each_table(question,
					  psprintf("%s IS NULL", sd_probe_column_text(SD_PROBE_ROW, question->column)));
}

void
sd_probe_not_null(const SdProbeStep *step, const char *column, int location)
{
	SdAnalysis *analysis = step->context->analysis;
	AttrNumber attnum = sd_fact_column(analysis, &step->relation, column);
	SdQuestion question = sd_question(step->context, SD_PROBE_NOT_NULL, &step->relation, column,
									  location, prepare_not_null);
	List *dropped;
	List *validated;

	question.children = step->children;
	if (attnum == InvalidAttrNumber)
		question.probe->reason = "the script makes the column";
	else
	{
		question.column = get_attname(step->relation.oid, attnum, false);
		sd_scope_changed_constraints(analysis->scope, &step->relation, &dropped, &validated);
		/* it is so already, or a CHECK says so: nothing is read */
		if (sd_predict_not_null(step->relation.oid, question.column, dropped, validated) == SD_NO)
			return;
	}
	sd_probe_put(step->context, &question);
}

static List *
prepare_empty(SdQuestion *question)
{
	return each_table(question, "true");
}

/* needs_value tells whether a new column is NOT NULL without anything that gives it a value. */
static bool
needs_value(const ColumnDef *column)
{
	bool not_null = column->is_not_null;
	ListCell *cell;

	foreach (cell, column->constraints)
	{
		switch (lfirst_node(Constraint, cell)->contype)
		{
			case CONSTR_DEFAULT:
			case CONSTR_GENERATED:
			case CONSTR_IDENTITY:
				return false;
			case CONSTR_NOTNULL:
			case CONSTR_PRIMARY:
				not_null = true;
				break;
			default:
				break;
		}
	}
	return not_null && column->raw_default == NULL && !sd_is_serial(column->typeName);
}

/* has_default tells whether a type has a default of its own, or is not known yet. */
static bool
has_default(SdAnalysis *analysis, const TypeName *name)
{
	Oid type = InvalidOid;

	if (name->pct_type || name->arrayBounds != NIL)
		return false;
	return sd_scope_type(analysis->scope, name->names, &type) != SD_EXISTS ||
		   get_typdefault(type) != NULL;
}

void
sd_probe_add_column(const SdProbeStep *step)
{
	ColumnDef *column = castNode(ColumnDef, step->cmd->def);
	SdQuestion question;

	if (!needs_value(column) || has_default(step->context->analysis, column->typeName))
		return;
	if (step->cmd->missing_ok && sd_fact_column(step->context->analysis, &step->relation,
												column->colname) != InvalidAttrNumber)
		return;
	question = sd_question(step->context, SD_PROBE_EMPTY, &step->relation, column->colname, -1,
						   prepare_empty);
	question.probe->inside = NULL;
	question.children = true;
	sd_probe_put(step->context, &question);
}

/* broken writes that a condition is false; NULL passes. */
static const char *
broken(Relation relation, Node *condition)
{
	return psprintf("(%s) IS FALSE", sd_probe_text(relation, condition, SD_PROBE_ROW));
}

static List *
prepare_check(SdQuestion *question)
{
	Relation relation = table_open(question->table, AccessShareLock);
	Node *condition =
		sd_probe_cook(relation, question->constraint->raw_expr, EXPR_KIND_CHECK_CONSTRAINT, true);
	const char *bad = broken(relation, condition);

	table_close(relation, NoLock);
	return each_table(question, bad);
}

/* changes_columns tells whether the same command changes columns, which it does before it looks at rows. */
static bool
changes_columns(const SdProbeStep *step)
{
	ListCell *cell;

	foreach (cell, step->stmt->cmds)
	{
		AlterTableType kind = lfirst_node(AlterTableCmd, cell)->subtype;

		if (kind == AT_AlterColumnType || kind == SD_AT_SET_EXPRESSION)
			return true;
	}
	return false;
}

const char *
sd_probe_step_reason(const SdProbeStep *step)
{
	return changes_columns(step) ? "the same statement changes columns before" : NULL;
}

void
sd_probe_check(const SdProbeStep *step, const Constraint *constraint)
{
	SdQuestion question = sd_question(step->context, SD_PROBE_CHECK, &step->relation, NULL,
									  constraint->location, prepare_check);

	question.constraint = constraint;
	question.children = step->children && !constraint->is_no_inherit;
	question.probe->reason = sd_probe_step_reason(step);
	sd_probe_put(step->context, &question);
}

/* stored_expression returns the condition of a constraint of the catalog. */
static Node *
stored_expression(Oid constraint)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool isnull = true;
	Datum value = 0;
	Node *expr = NULL;

	if (HeapTupleIsValid(tuple))
	{
		value = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conbin, &isnull);
		if (!isnull)
			expr = stringToNode(TextDatumGetCString(value));
		ReleaseSysCache(tuple);
	}
	if (expr == NULL)
		sd_question_refuse("the constraint is gone");
	sd_probe_refuse_volatile(expr);
	return expr;
}

static List *
prepare_stored_check(SdQuestion *question)
{
	Relation relation = table_open(question->table, AccessShareLock);
	const char *bad = broken(relation, stored_expression(question->catalog));

	table_close(relation, NoLock);
	return each_table(question, bad);
}

/* validate_check puts the question of a CHECK of the catalog. */
static void
validate_check(const SdProbeStep *step, Oid constraint, bool inherited)
{
	SdQuestion question =
		sd_question(step->context, SD_PROBE_CHECK, &step->relation, NULL, -1, prepare_stored_check);

	question.catalog = constraint;
	question.children = step->children && inherited;
	question.probe->reason = sd_probe_step_reason(step);
	sd_probe_put(step->context, &question);
}

/* constraint_column returns the name of the first column of a constraint. */
static const char *
constraint_column(SdAnalysis *analysis, Oid table, const char *name)
{
	SdConstraintFacts *facts = sd_fact_constraint(analysis, table, name);

	return facts == NULL || facts->columns == NIL ?
			   NULL :
			   get_attname(table, linitial_int(facts->columns), true);
}

void
sd_probe_validate(const SdProbeStep *step, const char *name)
{
	Oid oid = get_relation_constraint_oid(step->relation.oid, name, true);
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	FormData_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	memcpy(&form, GETSTRUCT(tuple), sizeof(form));
	ReleaseSysCache(tuple);
	/* one that holds is not checked again */
	if (form.convalidated)
		return;
	if (form.contype == CONSTRAINT_CHECK)
		validate_check(step, oid, !form.connoinherit);
	else if (form.contype == CONSTRAINT_FOREIGN)
		sd_probe_validate_foreign_key(step, oid);
	else if (SD_IS_NOT_NULL(form.contype))
	{
		const char *column = constraint_column(step->context->analysis, step->relation.oid, name);

		if (column != NULL)
			sd_probe_not_null(step, column, -1);
	}
}
