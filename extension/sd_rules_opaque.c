/*
 * sd_rules_opaque.c
 *	  Family "opaque": text whose effect cannot be told from reading it, and the
 *	  settings that change what the rest of a script means.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "sd_body.h"
#include "sd_compat.h"
#include "sd_rules.h"
#include "sd_track.h"
#include "sd_tree.h"
#include "sd_try.h"

/* report_opaque reports something that runs text or code that we cannot see. */
static void
report_opaque(SdAnalysis *analysis, const char *object, int location, const char *message,
			  const char *detail)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_OPAQUE_DYNAMIC_SQL, NULL);

	finding.object = object;
	finding.location = location;
	finding.rewrites = finding.scans = SD_UNKNOWN;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = message;
	finding.detail = detail;
	sd_report(analysis, &finding);
}

void
sd_report_dynamic(SdAnalysis *analysis, const char *text)
{
	report_opaque(analysis, NULL, 0, "EXECUTE runs a text that is put together at run time",
				  psprintf("The text is %s", text));
}

/*
 * body_origin returns the script offset of a body's first byte, when its text
 * is in the script as it is: dollar-quoted, or quoted with nothing doubled.
 */
static int
body_origin(SdAnalysis *analysis, const SdBodyText *body)
{
	SdLexer lexer = { analysis->script->text, analysis->script->len, 0 };
	SdToken token;
	const char *quote;

	if (analysis->origin < 0 || body->location < 0)
		return -1;
	lexer.pos = analysis->origin + body->location;
	token = sd_lex_next(&lexer);
	if (sd_token_is(&lexer, &token, "as"))
		token = sd_lex_next(&lexer);
	if (token.kind == SD_TOKEN_STRING && token.end - token.start == strlen(body->text) + 2)
		return token.start + 1;
	if (token.kind != SD_TOKEN_DOLLAR)
		return -1;
	quote = memchr(lexer.text + token.start + 1, '$', token.end - token.start - 1);
	return quote - lexer.text + 1;
}

static void
check_do(SdAnalysis *analysis, Node *statement)
{
	SdBodyText body;

	if (!sd_do_body((DoStmt *) statement, &body))
		return;
	if (sd_body_is_readable(body.language))
		sd_analyze_body(analysis, &body, body_origin(analysis, &body), "DO block", false);
	else
		report_opaque(analysis, NULL, -1,
					  psprintf("a DO block in language %s is not analysed", body.language), NULL);
}

static void
check_create_function(SdAnalysis *analysis, Node *statement)
{
	CreateFunctionStmt *stmt = (CreateFunctionStmt *) statement;
	SdBodyText body;

	if (sd_function_body(stmt, &body) && sd_body_is_readable(body.language))
		sd_analyze_body(analysis, &body, body_origin(analysis, &body),
						psprintf("the body of %s", NameListToQuotedString(stmt->funcname)), true);
}

/* analyze_catalog_routine looks into a routine that the script calls. */
static void
analyze_catalog_routine(SdAnalysis *analysis, HeapTuple tuple, int location)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	const char *shown =
		quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname));
	const char *language = get_language_name(form->prolang, true);
	SdBodyText body;
	bool isnull;
	Datum source;

	if (form->prolang == INTERNALlanguageId || form->prolang == ClanguageId)
		return;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	body.language = language != NULL ? language : "";
	body.text = isnull ? "" : TextDatumGetCString(source);
	body.location = location;
	if (body.text[0] != '\0' && sd_body_is_readable(body.language))
		sd_analyze_body(analysis, &body, -1, psprintf("function %s", shown), false);
	else
		report_opaque(analysis, shown, location,
					  psprintf("the body of function %s is not analysed", shown), NULL);
}

void
sd_check_routine(SdAnalysis *analysis, Oid routine)
{
	HeapTuple tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(routine));
	MemoryContext old;

	if (!HeapTupleIsValid(tuple) || routine < FirstNormalObjectId ||
		list_member_oid(analysis->seen_routines, routine))
		return;
	old = MemoryContextSwitchTo(analysis->context);
	analysis->seen_routines = lappend_oid(analysis->seen_routines, routine);
	MemoryContextSwitchTo(old);
	analyze_catalog_routine(analysis, tuple, -1);
}

/* call_catalog_routine finds the routines that a name can mean. */
static void
call_catalog_routine(SdAnalysis *analysis, const char *schema, const char *name, int location)
{
	CatCList *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	List *tuples = NIL;
	MemoryContext old;
	ListCell *cell;

	for (int i = 0; i < list->n_members; i++)
	{
		HeapTuple tuple = &list->members[i]->tuple;
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

		/* the server's own functions, and those that may not change anything, are harmless */
		if (form->oid < FirstNormalObjectId || form->provolatile != PROVOLATILE_VOLATILE ||
			list_member_oid(analysis->seen_routines, form->oid))
			continue;
		if (schema != NULL ? form->pronamespace != LookupNamespaceNoError(schema) :
							 !FunctionIsVisible(form->oid))
			continue;
		old = MemoryContextSwitchTo(analysis->context);
		analysis->seen_routines = lappend_oid(analysis->seen_routines, form->oid);
		MemoryContextSwitchTo(old);
		tuples = lappend(tuples, heap_copytuple(tuple));
	}
	ReleaseSysCacheList(list);
	foreach (cell, tuples)
		analyze_catalog_routine(analysis, lfirst(cell), location);
}

/* constant_argument returns a constant string argument, or NULL. */
static const char *
constant_argument(FuncCall *call, int n)
{
	Node *arg = list_length(call->args) > n ? list_nth(call->args, n) : NULL;

	if (arg != NULL && IsA(arg, TypeCast))
		arg = ((TypeCast *) arg)->arg;
	if (arg == NULL || !IsA(arg, A_Const) || SD_CONSTANT_IS_NULL((A_Const *) arg))
		return NULL;
	return SD_CONSTANT_STRING((A_Const *) arg);
}

void
sd_report_conforming_strings(SdAnalysis *analysis)
{
	SdFinding finding = sd_finding(analysis, SD_RULE_STANDARD_CONFORMING_STRINGS_OFF, NULL);

	finding.rewrites = finding.scans = SD_UNKNOWN;
	finding.data_loss = SD_LOSS_POSSIBLE;
	finding.message = "backslashes in plain strings become escapes, so that what follows is not "
					  "what it looks like";
	sd_report(analysis, &finding);
}

/* set_setting follows the settings that change what a script means. */
static void
set_setting(SdAnalysis *analysis, const char *name, const char *value, bool local)
{
	bool on;

	sd_track_setting(analysis, name, value, local);
	if (pg_strcasecmp(name, "search_path") == 0)
	{
		if (value == NULL)
			value = analysis->callers_path;
		/* a value that the server refuses changes nothing */
		(void) set_config_option("search_path", value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, DEBUG5, false);
		sd_scope_forget(analysis->scope);
		if (!local)
			analysis->session_path = MemoryContextStrdup(analysis->context, namespace_search_path);
	}
	else if (pg_strcasecmp(name, "timezone") == 0)
	{
		/* it decides whether timestamps keep their bits in a change of type */
		if (analysis->callers_timezone == NULL)
			analysis->callers_timezone =
				MemoryContextStrdup(analysis->context, GetConfigOption("timezone", false, false));
		(void) set_config_option("timezone", value == NULL ? analysis->callers_timezone : value,
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
	}
	else if (pg_strcasecmp(name, "check_function_bodies") == 0 && value != NULL)
		/* it decides whether the tables in the body of a new function are looked up */
		(void) set_config_option("check_function_bodies", value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, DEBUG5, false);
	else if (pg_strcasecmp(name, "standard_conforming_strings") == 0 && value != NULL &&
			 !(parse_bool(value, &on) && on))
		sd_report_conforming_strings(analysis);
}

void
sd_end_transaction_path(SdAnalysis *analysis, bool committed)
{
	if (!committed)
		analysis->session_path = analysis->begin_path;
	if (strcmp(namespace_search_path, analysis->session_path) != 0)
		(void) set_config_option("search_path", analysis->session_path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, DEBUG5, false);
}

/* The text of a value, which the server may refuse: one setting takes no list, another no such list. */
typedef struct ValueQuestion
{
	VariableSetStmt *stmt;
	MemoryContext context;
	const char *value;
} ValueQuestion;

static void
ask_value(void *arg)
{
	ValueQuestion *question = arg;
	const char *value = ExtractSetVariableArgs(question->stmt);

	if (value != NULL)
		question->value = MemoryContextStrdup(question->context, value);
}

const char *
sd_set_value(VariableSetStmt *stmt)
{
	ValueQuestion question = { stmt, CurrentMemoryContext, NULL };

	return sd_try(ask_value, &question, NULL) ? question.value : NULL;
}

/* check_set_value follows SET name TO value; one that the server refuses changes nothing. */
static void
check_set_value(SdAnalysis *analysis, VariableSetStmt *stmt)
{
	static const char *const followed[] = { "search_path", "timezone", "check_function_bodies",
											"standard_conforming_strings" };
	bool follows = sd_track_follows(stmt->name);
	const char *value;

	for (int i = 0; i < lengthof(followed); i++)
		follows |= pg_strcasecmp(stmt->name, followed[i]) == 0;
	value = follows ? sd_set_value(stmt) : NULL;
	if (value != NULL)
		set_setting(analysis, stmt->name, value, stmt->is_local);
}

static void
check_set(SdAnalysis *analysis, Node *statement)
{
	VariableSetStmt *stmt = (VariableSetStmt *) statement;

	switch (stmt->kind)
	{
		case VAR_SET_VALUE:
			check_set_value(analysis, stmt);
			break;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
			set_setting(analysis, stmt->name, NULL, stmt->is_local);
			break;
		case VAR_RESET_ALL:
			set_setting(analysis, "search_path", NULL, false);
			set_setting(analysis, "timezone", NULL, false);
			break;
		default:
			break;
	}
}

void
sd_check_call(SdAnalysis *analysis, FuncCall *call)
{
	const char *name = strVal(llast(call->funcname));
	const char *schema = list_length(call->funcname) > 1 ?
							 strVal(list_nth(call->funcname, list_length(call->funcname) - 2)) :
							 NULL;
	const SdRoutine *routine;
	MemoryContext old;

	if (strcmp(name, "set_config") == 0 && constant_argument(call, 0) != NULL)
		set_setting(analysis, constant_argument(call, 0), constant_argument(call, 1), false);
	if (schema != NULL && strcmp(schema, "pg_catalog") == 0)
		return;
	routine = sd_scope_routine(analysis->scope, name);
	if (routine != NULL)
	{
		SdBodyText body = { routine->language, (char *) routine->body, -1 };

		if (list_member_ptr(analysis->seen_bodies, routine))
			return;
		old = MemoryContextSwitchTo(analysis->context);
		analysis->seen_bodies = lappend(analysis->seen_bodies, (void *) routine);
		MemoryContextSwitchTo(old);
		if (sd_body_is_readable(routine->language))
			sd_analyze_body(analysis, &body, -1, psprintf("function %s", quote_identifier(name)),
							false);
		else
			report_opaque(analysis, quote_identifier(name), call->location,
						  psprintf("the body of function %s is not analysed", quote_identifier(name)),
						  NULL);
	}
	call_catalog_routine(analysis, schema, name, call->location);
}

static void
check_call(SdAnalysis *analysis, Node *statement)
{
	sd_check_call(analysis, ((CallStmt *) statement)->funccall);
}

static void
check_copy(SdAnalysis *analysis, Node *statement)
{
	CopyStmt *stmt = (CopyStmt *) statement;

	if (stmt->is_program)
		report_opaque(analysis, NULL, -1,
					  psprintf("COPY runs the program \"%s\" on the server", stmt->filename), NULL);
}

/* check_prepare remembers a prepared statement; its query is judged where it stands. */
static void
check_prepare(SdAnalysis *analysis, Node *statement)
{
	SdRoutine routine = { "", "" };

	sd_scope_make_routine(analysis->scope,
						  psprintf("prepared %s", ((PrepareStmt *) statement)->name), &routine);
}

static void
check_execute(SdAnalysis *analysis, Node *statement)
{
	const char *name = ((ExecuteStmt *) statement)->name;

	if (sd_scope_routine(analysis->scope, psprintf("prepared %s", name)) == NULL)
		report_opaque(analysis, quote_identifier(name), -1,
					  "EXECUTE runs a statement that the script has not prepared", NULL);
}

static void
check_load(SdAnalysis *analysis, Node *statement)
{
	report_opaque(analysis, NULL, -1,
				  psprintf("LOAD runs the code of library \"%s\"", ((LoadStmt *) statement)->filename),
				  NULL);
}

/* check_existing reports a CREATE of a name that is taken. */
static void
check_existing(SdAnalysis *analysis, Node *statement)
{
	const RangeVar *name;
	bool passes = false;
	SdRelation relation;
	SdFinding finding;

	switch (nodeTag(statement))
	{
		case T_CreateTableAsStmt:
			name = ((CreateTableAsStmt *) statement)->into->rel;
			passes = ((CreateTableAsStmt *) statement)->if_not_exists;
			break;
		case T_CreateSeqStmt:
			name = ((CreateSeqStmt *) statement)->sequence;
			passes = ((CreateSeqStmt *) statement)->if_not_exists;
			break;
		case T_ViewStmt:
			name = ((ViewStmt *) statement)->view;
			passes = ((ViewStmt *) statement)->replace;
			break;
		default:
			name = ((CreateStmt *) statement)->relation;
			passes = ((CreateStmt *) statement)->if_not_exists;
			break;
	}
	relation = sd_scope_relation_in(analysis->scope,
									sd_scope_creation_schema(analysis->scope, name), name->relname);
	if (passes || relation.presence != SD_EXISTS)
		return;
	finding = sd_finding(analysis, SD_RULE_EXISTING_OBJECT, &relation);
	finding.message =
		psprintf("%s fails: %s is there already", sd_command_name(statement), sd_shown(&relation));
	sd_report(analysis, &finding);
}

const SdCheck sd_checks_opaque[] = {
	{ T_CreateStmt, -1, check_existing },
	{ T_CreateForeignTableStmt, -1, check_existing },
	{ T_CreateTableAsStmt, -1, check_existing },
	{ T_CreateSeqStmt, -1, check_existing },
	{ T_ViewStmt, -1, check_existing },
	{ T_DoStmt, -1, check_do },
	{ T_CreateFunctionStmt, -1, check_create_function },
	{ T_CallStmt, -1, check_call },
	{ T_VariableSetStmt, -1, check_set },
	{ T_CopyStmt, -1, check_copy },
	{ T_PrepareStmt, -1, check_prepare },
	{ T_ExecuteStmt, -1, check_execute },
	{ T_LoadStmt, -1, check_load },
	{ T_Invalid, 0, NULL },
};
