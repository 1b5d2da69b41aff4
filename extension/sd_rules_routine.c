/*
 * sd_rules_routine.c
 *	  Routines that are made anew or altered: what the server refuses, what callers
 *	  notice, and what lets a caller take over the owner's rights.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/proclang.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_lookup.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"

/* is_input tells whether a parameter is part of a routine's signature. */
static bool
is_input(const FunctionParameter *parameter)
{
	return parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE;
}

/* input_types resolves the types of a signature; -1 when one is not in the catalog. */
static int
input_types(List *parameters, Oid *types)
{
	ListCell *cell;
	int n = 0;

	foreach (cell, parameters)
	{
		FunctionParameter *parameter = lfirst_node(FunctionParameter, cell);
		int32 typmod;

		if (!is_input(parameter))
			continue;
		if (n >= FUNC_MAX_ARGS)
			return -1;
		types[n] = sd_lookup_type(parameter->argType, &typmod);
		if (!OidIsValid(types[n++]))
			return -1;
	}
	return n;
}

/* replaced_routine finds the routine of the catalog that a CREATE means; an invalid tuple when there is none. */
static HeapTuple
replaced_routine(SdAnalysis *analysis, CreateFunctionStmt *stmt)
{
	const char *name = strVal(llast(stmt->funcname));
	RangeVar range = { .type = T_RangeVar, .relname = (char *) name };
	Oid types[FUNC_MAX_ARGS];
	const char *schema;
	Oid namespace;
	int n;

	if (list_length(stmt->funcname) > 1)
		range.schemaname = strVal(list_nth(stmt->funcname, list_length(stmt->funcname) - 2));
	schema = sd_scope_creation_schema(analysis->scope, &range);
	if (schema == NULL || sd_scope_schema(analysis->scope, schema, &namespace) != SD_EXISTS)
		return NULL;
	n = input_types(stmt->parameters, types);
	if (n < 0)
		return NULL;
	return SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(types, n)), ObjectIdGetDatum(namespace));
}

/* changed_parameter says which parameter has another name now, or NULL. */
static const char *
changed_parameter(CreateFunctionStmt *stmt, HeapTuple tuple)
{
	Oid *types;
	char **names = NULL;
	char *modes;
	int n = get_func_arg_info(tuple, &types, &names, &modes);
	ListCell *cell;
	int i = 0;

	if (names == NULL)
		return NULL;
	foreach (cell, stmt->parameters)
	{
		FunctionParameter *parameter = lfirst_node(FunctionParameter, cell);

		/* with another list of parameters the returned row is judged by its own rule */
		if (i >= n)
			return NULL;
		if (is_input(parameter) && names[i][0] != '\0' &&
			strcmp(names[i], parameter->name == NULL ? "" : parameter->name) != 0)
			return psprintf("Parameter %d is called %s and cannot become %s.", i + 1,
							quote_identifier(names[i]),
							parameter->name == NULL ? "nameless" : quote_identifier(parameter->name));
		i++;
	}
	return NULL;
}

/* count_defaults counts the parameters that may be left out. */
static int
count_defaults(CreateFunctionStmt *stmt)
{
	ListCell *cell;
	int n = 0;

	foreach (cell, stmt->parameters)
		n += lfirst_node(FunctionParameter, cell)->defexpr != NULL;
	return n;
}

/* refusal_of says why CREATE OR REPLACE is refused, or NULL. */
static const char *
refusal_of(CreateFunctionStmt *stmt, HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	int32 typmod;
	Oid type;

	if (stmt->is_procedure != (form->prokind == PROKIND_PROCEDURE))
		return stmt->is_procedure ? "It is a function." : "It is no plain function.";
	if (stmt->returnType != NULL)
	{
		type = sd_lookup_type(stmt->returnType, &typmod);
		if (OidIsValid(type) && type != form->prorettype)
			return psprintf("It returns %s and cannot return %s.", format_type_be(form->prorettype),
							format_type_be(type));
		if (OidIsValid(type) && stmt->returnType->setof != form->proretset)
			return "It cannot change between one row and a set of rows.";
	}
	if (count_defaults(stmt) < form->pronargdefaults)
		return "Defaults of parameters cannot be taken away.";
	return changed_parameter(stmt, tuple);
}

/* What of a routine its callers and the planner rely on. */
typedef struct Semantics
{
	char volatility;
	char parallel;
	bool strict;
	bool definer;
	bool leakproof;
	const char *language; /* NULL when the statement does not say */
} Semantics;

/* read_options applies the options of CREATE or ALTER to what holds without them. */
static void
read_options(List *options, Semantics *result)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);
		const char *name = option->defname;

		if (option->arg == NULL)
			continue;
		if (strcmp(name, "volatility") == 0)
			result->volatility = strVal(option->arg)[0];
		else if (strcmp(name, "parallel") == 0)
			result->parallel = strVal(option->arg)[0];
		else if (strcmp(name, "strict") == 0)
			result->strict = SD_BOOLEAN_VALUE(option->arg);
		else if (strcmp(name, "security") == 0)
			result->definer = SD_BOOLEAN_VALUE(option->arg);
		else if (strcmp(name, "leakproof") == 0)
			result->leakproof = SD_BOOLEAN_VALUE(option->arg);
		else if (strcmp(name, "language") == 0)
			result->language = strVal(option->arg);
	}
}

static Semantics
semantics_now(Form_pg_proc form)
{
	return (Semantics){ form->provolatile, form->proparallel,  form->proisstrict,
						form->prosecdef,   form->proleakproof, NULL };
}

/* difference_of names what a change does to callers, or NULL. */
static const char *
difference_of(const Semantics *now, const Semantics *wanted, Form_pg_proc form)
{
	static const char *const volatilities[] = { "immutable", "stable", "volatile" };
	const char *names[2] = { "", "" };

	if (now->volatility != wanted->volatility)
	{
		for (int i = 0; i < lengthof(volatilities); i++)
		{
			if (volatilities[i][0] == now->volatility)
				names[0] = volatilities[i];
			if (volatilities[i][0] == wanted->volatility)
				names[1] = volatilities[i];
		}
		return psprintf("It becomes %s from %s.", names[1], names[0]);
	}
	if (now->strict != wanted->strict)
		return wanted->strict ? "It becomes strict: with a null argument it is not called at all." :
								"It is not strict any more: null arguments reach its body.";
	if (now->definer != wanted->definer)
		return wanted->definer ? "It runs with the rights of its owner from now on." :
								 "It runs with the rights of its caller from now on.";
	if (now->leakproof != wanted->leakproof)
		return wanted->leakproof ? "It becomes leakproof." : "It is not leakproof any more.";
	if (now->parallel != wanted->parallel)
		return "Its safety in parallel queries changes.";
	if (wanted->language != NULL && get_language_oid(wanted->language, true) != form->prolang)
		return psprintf("Its language becomes %s.", wanted->language);
	return NULL;
}

/* relies_on names an index, constraint or column whose stored results come from a function, or NULL. */
static const char *
relies_on(Oid function)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	const char *result = NULL;

	scan = sd_dependents_begin(depends, ProcedureRelationId, function, 0);
	while (result == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress address = { form->classid, form->objid, form->objsubid };
		char kind = form->classid == RelationRelationId ? get_rel_relkind(form->objid) : '\0';

		if (form->classid == ConstraintRelationId || kind == RELKIND_INDEX ||
			kind == RELKIND_PARTITIONED_INDEX)
			result = sd_object_description(&address);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return result;
}

/* report_semantics reports a routine that behaves in another way from now on. */
static void
report_semantics(SdAnalysis *analysis, HeapTuple tuple, const Semantics *wanted, bool new_body)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Semantics now = semantics_now(form);
	const char *difference = difference_of(&now, wanted, form);
	const char *user = new_body || difference != NULL ? relies_on(form->oid) : NULL;
	SdFinding finding;

	if (difference == NULL && user == NULL)
		return;
	finding = sd_finding(analysis, SD_RULE_FUNCTION_SEMANTICS, NULL);
	finding.object =
		quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname));
	if (user != NULL)
		finding.severity = SD_WARNING;
	finding.message = psprintf("%s behaves in another way for those who use it now", finding.object);
	finding.detail = user == NULL ? difference :
									psprintf("%s%sWhat %s has stored is not computed again.",
											 difference == NULL ? "" : difference,
											 difference == NULL ? "" : " ", user);
	sd_report(analysis, &finding);
}

/* same_body tells whether the text of a routine stays what it is. */
static bool
same_body(CreateFunctionStmt *stmt, HeapTuple tuple)
{
	SdBodyText body;
	bool isnull;
	Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

	return sd_function_body(stmt, &body) && !isnull &&
		   strcmp(body.text, TextDatumGetCString(source)) == 0;
}

/* judge_replaced judges a routine that is there already. */
static void
judge_replaced(SdAnalysis *analysis, CreateFunctionStmt *stmt, HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	ObjectAddress address = { ProcedureRelationId, form->oid, 0 };
	Semantics wanted = { PROVOLATILE_VOLATILE, PROPARALLEL_UNSAFE, false, false, false, NULL };
	const char *refusal;
	SdFinding finding;

	if (sd_track_was_dropped(analysis, &address))
		return;
	finding = sd_finding(analysis,
						 stmt->replace ? SD_RULE_REPLACE_FUNCTION_SIGNATURE : SD_RULE_EXISTING_OBJECT,
						 NULL);
	finding.object =
		quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname));
	if (!stmt->replace)
	{
		finding.message = psprintf("%s fails: %s is there already, with the same arguments",
								   sd_command_name((Node *) stmt), finding.object);
		sd_report(analysis, &finding);
		return;
	}
	refusal = refusal_of(stmt, tuple);
	if (refusal != NULL)
	{
		finding.message = psprintf("CREATE OR REPLACE fails for %s", finding.object);
		finding.detail = refusal;
		sd_report(analysis, &finding);
		return;
	}
	read_options(stmt->options, &wanted);
	report_semantics(analysis, tuple, &wanted, !same_body(stmt, tuple));
}

/* sets_path tells whether options of a routine fix its search_path. */
static bool
sets_path(List *options)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "set") == 0 && IsA(option->arg, VariableSetStmt) &&
			((VariableSetStmt *) option->arg)->name != NULL &&
			pg_strcasecmp(((VariableSetStmt *) option->arg)->name, "search_path") == 0)
			return ((VariableSetStmt *) option->arg)->kind != VAR_RESET;
	}
	return false;
}

/* report_definer reports a routine that runs with the owner's rights and the caller's search_path. */
static void
report_definer(SdAnalysis *analysis, const char *name)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_SECURITY_DEFINER_SEARCH_PATH, NULL);

	finding.object = finding.names.item = name;
	finding.message = psprintf("%s runs with its owner's rights, but finds objects by the caller's "
							   "search_path",
							   name);
	sd_report(analysis, &finding);
}

static void
check_create_function(SdAnalysis *analysis, Node *statement)
{
	CreateFunctionStmt *stmt = (CreateFunctionStmt *) statement;
	Semantics wanted = { 0 };
	HeapTuple tuple;

	if (analysis->deferred)
		return;
	read_options(stmt->options, &wanted);
	if (wanted.definer && !sets_path(stmt->options))
		report_definer(analysis, NameListToQuotedString(stmt->funcname));
	tuple = replaced_routine(analysis, stmt);
	if (!HeapTupleIsValid(tuple))
		return;
	judge_replaced(analysis, stmt, tuple);
	ReleaseSysCache(tuple);
}

/* has_path_setting tells whether a routine of the catalog fixes its search_path. */
static bool
has_path_setting(HeapTuple tuple)
{
	bool isnull;
	Datum config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum *settings;
	int count;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		if (pg_strncasecmp(TextDatumGetCString(settings[i]), "search_path=", 12) == 0)
			return true;
	return false;
}

static void
check_alter_function(SdAnalysis *analysis, Node *statement)
{
	AlterFunctionStmt *stmt = (AlterFunctionStmt *) statement;
	Oid routine;
	HeapTuple tuple;
	Semantics wanted;

	if (analysis->deferred)
		return;
	routine = sd_lookup_routine(stmt->objtype, stmt->func);
	tuple = OidIsValid(routine) ? SearchSysCache1(PROCOID, ObjectIdGetDatum(routine)) : NULL;
	if (!HeapTupleIsValid(tuple))
		return;
	wanted = semantics_now((Form_pg_proc) GETSTRUCT(tuple));
	read_options(stmt->actions, &wanted);
	report_semantics(analysis, tuple, &wanted, false);
	if (wanted.definer && !((Form_pg_proc) GETSTRUCT(tuple))->prosecdef &&
		!sets_path(stmt->actions) && !has_path_setting(tuple))
		report_definer(analysis, NameListToQuotedString(stmt->func->objname));
	ReleaseSysCache(tuple);
}

const SdCheck sd_checks_routine[] = {
	{ T_CreateFunctionStmt, -1, check_create_function },
	{ T_AlterFunctionStmt, -1, check_alter_function },
	{ T_Invalid, 0, NULL },
};
