/*
 * sd_probe_domain.c
 *	  Probes of constraints of domains, in every column that has the domain.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_probe_int.h"

/* A column of the domain, or of a domain over it. */
typedef struct DomainColumn
{
	Oid table;
	AttrNumber column;
} DomainColumn;

/* columns_of lists the columns with rows that have a domain. */
static List *
columns_of(Oid domain)
{
	static const char query[] =
		"WITH RECURSIVE d (oid) AS (SELECT $1 UNION SELECT t.oid FROM pg_catalog.pg_type t JOIN d "
		"ON t.typbasetype OPERATOR(pg_catalog.=) d.oid WHERE t.typtype OPERATOR(pg_catalog.=) 'd') "
		"SELECT c.oid, a.attnum FROM d JOIN pg_catalog.pg_attribute a "
		"ON a.atttypid OPERATOR(pg_catalog.=) d.oid JOIN pg_catalog.pg_class c "
		"ON c.oid OPERATOR(pg_catalog.=) a.attrelid WHERE NOT a.attisdropped AND "
		"(c.relkind OPERATOR(pg_catalog.=) 'r' OR c.relkind OPERATOR(pg_catalog.=) 'm') "
		"ORDER BY c.oid, a.attnum";
	Oid type = OIDOID;
	Datum value = ObjectIdGetDatum(domain);
	List *result = NIL;

	SPI_execute_with_args(query, 1, &type, &value, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DomainColumn *column = palloc(sizeof(DomainColumn));
		bool isnull;

		column->table =
			DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		column->column =
			DatumGetInt16(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
		result = lappend(result, column);
	}
	return result;
}

/* value_of makes the value of a column as a constraint of the domain sees it. */
static Node *
value_of(Relation relation, AttrNumber attnum, Oid domain)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	Node *var =
		(Node *) makeVar(1, attnum, column->atttypid, column->atttypmod, column->attcollation, 0);
	int32 typmod = -1;
	Oid base = getBaseTypeAndTypmod(domain, &typmod);

	return (Node *) makeRelabelType((Expr *) var, base, typmod, column->attcollation,
									COERCE_EXPLICIT_CAST);
}

/* value_reference gives the name VALUE its meaning. */
static Node *
value_reference(ParseState *pstate, ColumnRef *ref)
{
	if (list_length(ref->fields) != 1 || !IsA(linitial(ref->fields), String) ||
		strcmp(strVal(linitial(ref->fields)), "value") != 0)
		return NULL;
	return copyObject((Node *) pstate->p_ref_hook_state);
}

/* put_value replaces the value of the domain in a stored condition. */
static Node *
put_value(Node *node, void *value)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CoerceToDomainValue))
		return copyObject((Node *) value);
	return expression_tree_mutator(node, put_value, value);
}

/* condition makes the condition of the constraint about a value. */
static Node *
condition(const SdQuestion *question, Node *value)
{
	ParseState *pstate = make_parsestate(NULL);
	HeapTuple tuple;
	Datum stored;
	bool isnull = true;
	Node *expr;

	if (question->constraint != NULL)
	{
		pstate->p_pre_columnref_hook = value_reference;
		pstate->p_ref_hook_state = value;
		expr = transformExpr(pstate, copyObject(question->constraint->raw_expr),
							 EXPR_KIND_DOMAIN_CHECK);
		expr = coerce_to_boolean(pstate, expr, "CHECK");
		assign_expr_collations(pstate, expr);
		return expr;
	}
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(question->catalog));
	if (!HeapTupleIsValid(tuple))
		sd_question_refuse("the constraint is gone");
	stored = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conbin, &isnull);
	if (isnull)
		sd_question_refuse("the constraint is gone");
	expr = put_value(stringToNode(TextDatumGetCString(stored)), value);
	ReleaseSysCache(tuple);
	return expr;
}

/* prepare_domain makes a part for each column. */
static List *
prepare_domain(SdQuestion *question)
{
	List *parts = NIL;
	ListCell *cell;

	foreach (cell, columns_of(question->domain))
	{
		DomainColumn *column = lfirst(cell);
		Relation relation = table_open(column->table, AccessShareLock);
		SdProbePart *part = palloc0(sizeof(SdProbePart));
		const char *reason = sd_probe_script_reason(question->context->script, column->table, false);

		if (reason != NULL)
			sd_question_refuse(reason);
		part->table = column->table;
		if (question->probe->kind == SD_PROBE_NOT_NULL)
			part->bad =
				psprintf("%s IS NULL",
						 sd_probe_column_text(SD_PROBE_ROW,
											  get_attname(column->table, column->column, false)));
		else
		{
			Node *expr = condition(question, value_of(relation, column->column, question->domain));

			sd_probe_refuse_volatile(expr);
			part->bad = psprintf("(%s) IS FALSE", sd_probe_text(relation, expr, SD_PROBE_ROW));
		}
		table_close(relation, NoLock);
		parts = lappend(parts, part);
	}
	return parts;
}

/* unvalidated finds a constraint of a domain that is not known to hold. */
static Oid
unvalidated(Oid domain, const char *name)
{
	Oid oid = get_domain_constraint_oid(domain, name, true);
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	bool valid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	valid = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
	ReleaseSysCache(tuple);
	return valid ? InvalidOid : oid;
}

void
sd_probe_domain(SdProbeContext *context, AlterDomainStmt *stmt)
{
	Constraint *constraint =
		stmt->def != NULL && IsA(stmt->def, Constraint) ? castNode(Constraint, stmt->def) : NULL;
	bool not_null =
		stmt->subtype == 'O' || (constraint != NULL && constraint->contype == CONSTR_NOTNULL);
	SdRelation name = { .presence = SD_MISSING };
	SdQuestion question;
	HeapTuple tuple;
	Form_pg_type form;
	Oid domain;
	Oid stored = InvalidOid;

	if (sd_scope_type(context->analysis->scope, stmt->typeName, &domain) != SD_EXISTS ||
		get_typtype(domain) != TYPTYPE_DOMAIN)
		return;
	if (stmt->subtype == 'V')
		stored = unvalidated(domain, stmt->name);
	if (stmt->subtype == 'V' ? !OidIsValid(stored) :
							   stmt->subtype != 'O' && (stmt->subtype != 'C' || constraint == NULL ||
														constraint->skip_validation))
		return;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_type) GETSTRUCT(tuple);
	name.schema = get_namespace_name(form->typnamespace);
	name.name = pstrdup(NameStr(form->typname));
	ReleaseSysCache(tuple);
	question = sd_question(context, not_null ? SD_PROBE_NOT_NULL : SD_PROBE_CHECK, &name, NULL, -1,
						   prepare_domain);
	question.constraint = not_null ? NULL : constraint;
	question.catalog = stored;
	question.domain = domain;
	sd_probe_put(context, &question);
}
