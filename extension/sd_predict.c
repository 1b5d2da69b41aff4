/*
 * sd_predict.c
 *	  What the server would do, decided the way the server decides it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "sd_compat.h"
#include "sd_narrow.h"
#include "sd_predict.h"
#include "sd_try.h"
#include "sd_type_users.h"

bool
sd_is_serial(const TypeName *type)
{
	static const char *const names[] = { "smallserial", "serial2",	 "serial",
										 "serial4",		"bigserial", "serial8" };

	if (type == NULL || list_length(type->names) != 1 || type->pct_type)
		return false;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	return false;
}

bool
sd_is_plain_type(const TypeName *type)
{
	Oid oid;

	if (list_length(type->names) != 2 || type->pct_type ||
		strcmp(strVal(linitial(type->names)), "pg_catalog") != 0)
		return false;
	oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						  CStringGetDatum(strVal(lsecond(type->names))),
						  ObjectIdGetDatum(PG_CATALOG_NAMESPACE));
	return OidIsValid(oid) && oid < FirstNormalObjectId;
}

typedef struct AddColumnQuestion
{
	ColumnDef *column;
	Node *raw_default;
	SdColumnPrediction *answer;
} AddColumnQuestion;

/* ask_add_column transforms and plans the DEFAULT as ADD COLUMN does. */
static void
ask_add_column(void *arg)
{
	AddColumnQuestion *question = arg;
	Oid type;
	int32 typmod;

	typenameTypeIdAndMod(NULL, question->column->typeName, &type, &typmod);
	question->answer->domain_rewrites = DomainHasConstraints(type) ? SD_YES : SD_NO;
	if (question->raw_default != NULL)
	{
		ParseState *pstate = make_parsestate(NULL);
		Node *expr = cookDefault(pstate, question->raw_default, type, typmod,
								 question->column->colname, '\0');

		expr = (Node *) expression_planner((Expr *) expr);
		if (IsA(expr, Const) && ((Const *) expr)->constisnull)
			question->answer->has_default = false;
		question->answer->default_rewrites = contain_volatile_functions(expr) ? SD_YES : SD_NO;
		free_parsestate(pstate);
	}
}

SdColumnPrediction
sd_predict_add_column(ColumnDef *column)
{
	SdColumnPrediction answer = { 0 };
	AddColumnQuestion question = { column, NULL, &answer };
	char *error = NULL;
	ListCell *cell;

	answer.is_serial = sd_is_serial(column->typeName);
	answer.not_null = column->is_not_null || answer.is_serial;
	foreach (cell, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, cell);

		switch (constraint->contype)
		{
			case CONSTR_DEFAULT:
				question.raw_default = constraint->raw_expr;
				break;
			case CONSTR_IDENTITY:
				answer.is_identity = true;
				break;
			case CONSTR_GENERATED:
				answer.is_stored = SD_GENERATED_IS_STORED(constraint);
				break;
			case CONSTR_NOTNULL:
			case CONSTR_PRIMARY:
				answer.not_null = true;
				break;
			default:
				break;
		}
	}
	if (answer.is_serial)
		return answer;
	answer.constant_default = question.raw_default != NULL && IsA(question.raw_default, A_Const);
	/* the common case needs no planner: a constant, or none, of a type of the server */
	if (sd_is_plain_type(column->typeName) &&
		(question.raw_default == NULL || IsA(question.raw_default, A_Const)))
	{
		answer.has_default =
			question.raw_default != NULL && !SD_CONSTANT_IS_NULL((A_Const *) question.raw_default);
		answer.default_rewrites = answer.domain_rewrites = SD_NO;
		return answer;
	}
	answer.has_default = question.raw_default != NULL;
	answer.default_rewrites = question.raw_default != NULL ? SD_UNKNOWN : SD_NO;
	if (!sd_try(ask_add_column, &question, &error))
		answer.error = error;
	return answer;
}

/* The column that expressions of ALTER COLUMN TYPE ... USING may name. */
typedef struct TypeQuestion
{
	Oid relation;
	const char *column;
	ColumnDef *def;
	AttrNumber attnum;
	bool reads_column;
	SdTypePrediction *answer;
} TypeQuestion;

/* column_variable resolves column names of USING from the catalog, without opening the table. */
static Node *
column_variable(ParseState *pstate, ColumnRef *ref)
{
	TypeQuestion *question = pstate->p_ref_hook_state;
	HeapTuple tuple;
	Form_pg_attribute form;
	Var *var;

	if (list_length(ref->fields) > 2 || !IsA(llast(ref->fields), String))
		return NULL;
	tuple = SearchSysCacheAttName(question->relation, strVal(llast(ref->fields)));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	var = makeVar(1, form->attnum, form->atttypid, form->atttypmod, form->attcollation, 0);
	if (form->attnum == question->attnum)
		question->reads_column = true;
	ReleaseSysCache(tuple);
	return (Node *) var;
}

/*
 * needs_rewrite looks at the planned conversion: only when nothing is left of
 * it but a relabelling of the old value can the rows stay as they are.
 */
static bool
needs_rewrite(Node *expr, AttrNumber attnum)
{
	for (;;)
	{
		if (IsA(expr, Var))
			return ((Var *) expr)->varattno != attnum;
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, CoerceToDomain))
		{
			CoerceToDomain *domain = (CoerceToDomain *) expr;

			if (DomainHasConstraints(domain->resulttype))
				return true;
			expr = (Node *) domain->arg;
		}
		else if (IsA(expr, FuncExpr) && (((FuncExpr *) expr)->funcid == F_TIMESTAMPTZ_TIMESTAMP ||
										 ((FuncExpr *) expr)->funcid == F_TIMESTAMP_TIMESTAMPTZ))
		{
			if (TimestampTimestampTzRequiresRewrite())
				return true;
			expr = linitial(((FuncExpr *) expr)->args);
		}
		else
			return true;
	}
}

/* converts_time looks for the casts between both kinds of timestamp, which read the TimeZone. */
static bool
converts_time(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_TIMESTAMPTZ_TIMESTAMP ||
								((FuncExpr *) node)->funcid == F_TIMESTAMP_TIMESTAMPTZ))
		return true;
	return expression_tree_walker(node, converts_time, context);
}

/* ask_alter_type plans the conversion as ALTER COLUMN TYPE does. */
static void
ask_alter_type(void *arg)
{
	TypeQuestion *question = arg;
	SdTypePrediction *answer = question->answer;
	ParseState *pstate = make_parsestate(NULL);
	HeapTuple tuple = SearchSysCacheAttName(question->relation, question->column);
	FormData_pg_attribute old;
	Oid type;
	int32 typmod;
	Oid collation;
	Node *expr;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("column does not exist")));
	memcpy(&old, GETSTRUCT(tuple), sizeof(old));
	ReleaseSysCache(tuple);
	question->attnum = old.attnum;

	typenameTypeIdAndMod(NULL, question->def->typeName, &type, &typmod);
	collation = GetColumnDefCollation(NULL, question->def, type);
	answer->old_type = format_type_with_typemod(old.atttypid, old.atttypmod);
	answer->new_type = format_type_with_typemod(type, typmod);
	answer->same_type = type == old.atttypid;
	answer->narrows = sd_type_narrows(old.atttypid, old.atttypmod, type, typmod,
									  question->def->raw_default != NULL, &answer->narrowing);
	if (question->def->raw_default != NULL)
	{
		pstate->p_pre_columnref_hook = column_variable;
		pstate->p_ref_hook_state = question;
		expr = transformExpr(pstate, question->def->raw_default, EXPR_KIND_ALTER_COL_TRANSFORM);
		if (!question->reads_column)
		{
			answer->loses_all = true;
			answer->narrows = SD_YES;
			answer->narrowing = "USING does not read the column, so its values are lost.";
		}
	}
	else
		expr = (Node *) makeVar(1, old.attnum, old.atttypid, old.atttypmod, old.attcollation, 0);
	expr = coerce_to_target_type(pstate, expr, exprType(expr), type, typmod, COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
	{
		answer->blockers = lappend(answer->blockers, "no automatic cast leads to the new type");
		return;
	}
	assign_expr_collations(pstate, expr);
	answer->uses_time_zone = converts_time(expr, NULL);
	expr = (Node *) expression_planner((Expr *) expr);
	answer->rewrites = needs_rewrite(expr, old.attnum) ? SD_YES : SD_NO;
	sd_type_users(question->relation, old.attnum, old.atttypid, type, old.attcollation != collation,
				  answer);
}

SdTypePrediction
sd_predict_alter_type(Oid relation, const char *column, ColumnDef *def)
{
	SdTypePrediction answer = { 0 };
	TypeQuestion question = { relation, column, def, 0, false, &answer };
	char *error = NULL;

	if (!sd_try(ask_alter_type, &question, &error))
	{
		answer.rewrites = SD_UNKNOWN;
		answer.error = error;
	}
	return answer;
}

bool
sd_column_is_not_null(Oid relation, const char *column)
{
	HeapTuple tuple = SearchSysCacheAttName(relation, column);
	bool not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

typedef struct NotNullQuestion
{
	Oid relation;
	const char *column;
	List *dropped;
	List *validated;
	SdTruth scans;
} NotNullQuestion;

/* in_names tells whether a name is in a list of C strings. */
static bool
in_names(List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* valid_checks returns the conditions that are known to hold for all rows, as a list of AND. */
static List *
valid_checks(NotNullQuestion *question, AttrNumber attnum, bool *unproved)
{
	Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(question->relation));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool valid = form->convalidated || in_names(question->validated, NameStr(form->conname));
		bool isnull;
		Datum bin;
		Node *expr;

		if (sd_constraint_is_not_null(form) && !valid)
			*unproved |= sd_constraint_has_key(tuple, RelationGetDescr(constraints), attnum);
		if (form->contype != CONSTRAINT_CHECK || !valid ||
			in_names(question->dropped, NameStr(form->conname)))
			continue;
		bin = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(constraints), &isnull);
		if (isnull)
			continue;
		expr = eval_const_expressions(NULL, stringToNode(TextDatumGetCString(bin)));
		expr = (Node *) canonicalize_qual((Expr *) expr, true);
		result = list_concat(result, make_ands_implicit((Expr *) expr));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return result;
}

/* ask_not_null tries to prove the condition from what is known to hold. */
static void
ask_not_null(void *arg)
{
	NotNullQuestion *question = arg;
	HeapTuple tuple = SearchSysCacheAttName(question->relation, question->column);
	FormData_pg_attribute form;
	NullTest *test = makeNode(NullTest);
	bool unproved = false;
	List *known;

	if (!HeapTupleIsValid(tuple))
		return;
	memcpy(&form, GETSTRUCT(tuple), sizeof(form));
	ReleaseSysCache(tuple);

	known = valid_checks(question, form.attnum, &unproved);
	if (form.attnotnull && !unproved)
	{
		question->scans = SD_NO;
		return;
	}
	test->arg = (Expr *) makeVar(1, form.attnum, form.atttypid, form.atttypmod, form.attcollation, 0);
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	question->scans = predicate_implied_by(list_make1(test), known, true) ? SD_NO : SD_YES;
}

SdTruth
sd_predict_not_null(Oid relation, const char *column, List *dropped, List *validated)
{
	NotNullQuestion question = { relation, column, dropped, validated, SD_UNKNOWN };

	if (!sd_try(ask_not_null, &question, NULL))
		return SD_UNKNOWN;
	return question.scans;
}

typedef struct AttachQuestion
{
	NotNullQuestion known; /* of the table */
	Oid parent;
	PartitionBoundSpec *bound;
	bool outside; /* no row is within the bound, instead of all */
	SdTruth scans;
} AttachQuestion;

/* compare_column makes "column operator value" of raw nodes. */
static Node *
compare_column(const char *column, const char *operator, Node * value)
{
	ColumnRef *ref = makeNode(ColumnRef);

	ref->fields = list_make1(makeString(pstrdup(column)));
	ref->location = -1;
	return (Node *) makeSimpleA_Expr(AEXPR_OP, pstrdup(operator), (Node *) ref, value, -1);
}

/* is_limit tells whether a bound of a range is a value, and not MINVALUE or MAXVALUE. */
static bool
is_limit(Node *value)
{
	return !IsA(value, ColumnRef);
}

/* bound_conditions makes what a bound demands of one column; NIL when it cannot be said so. */
static List *
bound_conditions(const char *column, const PartitionBoundSpec *bound)
{
	List *result = NIL;
	List *members = NIL;
	ListCell *cell;

	if (bound->is_default)
		return NIL;
	if (bound->strategy == PARTITION_STRATEGY_RANGE)
	{
		if (list_length(bound->lowerdatums) != 1 || list_length(bound->upperdatums) != 1)
			return NIL;
		if (is_limit(linitial(bound->lowerdatums)))
			result = lappend(result, compare_column(column, ">=", linitial(bound->lowerdatums)));
		if (is_limit(linitial(bound->upperdatums)))
			result = lappend(result, compare_column(column, "<", linitial(bound->upperdatums)));
		return result;
	}
	if (bound->strategy != PARTITION_STRATEGY_LIST)
		return NIL;
	foreach (cell, bound->listdatums)
	{
		Node *value = lfirst(cell);

		/* NULL in the list is another condition */
		if (IsA(value, A_Const) && SD_CONSTANT_IS_NULL((A_Const *) value))
			return NIL;
		members = lappend(members, compare_column(column, "=", value));
	}
	return list_make1(list_length(members) == 1 ? linitial(members) :
												  (Node *) makeBoolExpr(OR_EXPR, members, -1));
}

/* partition_column returns the only column that a table is partitioned by; NULL when there are more. */
static const char *
partition_column(Oid parent)
{
	HeapTuple tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(parent));
	Form_pg_partitioned_table form;
	const char *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	if (form->partnatts == 1 && form->partattrs.values[0] != 0)
		result = get_attname(parent, form->partattrs.values[0], true);
	ReleaseSysCache(tuple);
	return result;
}

/* ask_attach tries to prove the bound from what is known to hold of the table. */
static void
ask_attach(void *arg)
{
	AttachQuestion *question = arg;
	const char *column = partition_column(question->parent);
	List *conditions = column == NULL ? NIL : bound_conditions(column, question->bound);
	TypeQuestion names = { question->known.relation };
	HeapTuple tuple;
	FormData_pg_attribute form;
	NullTest *test = makeNode(NullTest);
	bool unproved = false;
	List *known;
	List *wanted = NIL;
	ListCell *cell;

	tuple = column == NULL ? NULL : SearchSysCacheAttName(question->known.relation, column);
	if (!HeapTupleIsValid(tuple) || (conditions == NIL && !question->bound->is_default))
		return;
	memcpy(&form, GETSTRUCT(tuple), sizeof(form));
	ReleaseSysCache(tuple);
	if (conditions == NIL)
		return;
	known = valid_checks(&question->known, form.attnum, &unproved);
	test->arg = (Expr *) makeVar(1, form.attnum, form.atttypid, form.atttypmod, form.attcollation, 0);
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	if (form.attnotnull && !unproved)
		known = lappend(known, test);
	wanted = lappend(wanted, copyObject(test));
	foreach (cell, conditions)
	{
		ParseState *pstate = make_parsestate(NULL);
		Node *expr;

		pstate->p_pre_columnref_hook = column_variable;
		pstate->p_ref_hook_state = &names;
		expr = transformExpr(pstate, lfirst(cell), EXPR_KIND_CHECK_CONSTRAINT);
		assign_expr_collations(pstate, expr);
		expr = eval_const_expressions(NULL, expr);
		wanted = list_concat(wanted, make_ands_implicit(canonicalize_qual((Expr *) expr, true)));
	}
	if (question->outside)
	{
		Expr *none = makeBoolExpr(NOT_EXPR, list_make1(make_ands_explicit(wanted)), -1);

		wanted = make_ands_implicit(
			canonicalize_qual((Expr *) eval_const_expressions(NULL, (Node *) none), true));
	}
	question->scans = predicate_implied_by(wanted, known, true) ? SD_NO : SD_YES;
}

SdTruth
sd_predict_attach(Oid table, Oid parent, PartitionBoundSpec *bound, List *dropped, List *validated)
{
	AttachQuestion question = { { table, NULL, dropped, validated }, parent, bound, false, SD_YES };

	/* without a proof the table is read */
	(void) sd_try(ask_attach, &question, NULL);
	return question.scans;
}

SdTruth
sd_predict_default(Oid table, Oid parent, PartitionBoundSpec *bound, List *dropped, List *validated)
{
	AttachQuestion question = { { table, NULL, dropped, validated }, parent, bound, true, SD_YES };

	(void) sd_try(ask_attach, &question, NULL);
	return question.scans;
}
