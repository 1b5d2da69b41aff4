/*
 * sd_analyze_sql.c
 *	  SQL functions of the analysis: statements(), analyze(), rule_catalog().
 *
 * The settings that change how text is read are pinned for the call.  The
 * search_path is not: names of a script mean what they mean to the caller, and
 * nothing here is looked up by an unqualified name but the names of the script.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "sd_analyze.h"
#include "sd_compat.h"
#include "sd_effect.h"
#include "sd_guc.h"
#include "sd_parse.h"
#include "sd_probe.h"
#include "sd_result.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"
#include "sd_tree.h"

PG_FUNCTION_INFO_V1(safedeploy_statements);
PG_FUNCTION_INFO_V1(safedeploy_analyze);
PG_FUNCTION_INFO_V1(safedeploy_predict);
PG_FUNCTION_INFO_V1(safedeploy_probe);
PG_FUNCTION_INFO_V1(safedeploy_rule_catalog);

/* Where pages of the server's documentation are. */
#define SD_MANUAL "https://www.postgresql.org/docs/current/"

/* pin_scanner makes plain strings plain, until the nest level that it returns ends. */
static int
pin_scanner(void)
{
	int level = NewGUCNestLevel();

	/* not set when it is on anyway: that would cost as much as parsing five statements */
	if (!standard_conforming_strings)
		(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* put_statement adds one row of statements(). */
static void
put_statement(SdScript *script, Tuplestorestate *store, TupleDesc desc, int number, int start,
			  int end, const char *kind, SdTruth transactional)
{
	SdPlace place = sd_script_locate(script, start);
	Datum values[7];
	bool nulls[7] = { 0 };

	values[0] = Int32GetDatum(number);
	values[1] = Int32GetDatum(place.character);
	values[2] = Int32GetDatum(place.line);
	values[3] = Int32GetDatum(sd_script_characters(script, start, end));
	values[4] = CStringGetTextDatum(kind);
	values[5] = BoolGetDatum(transactional == SD_YES);
	nulls[5] = transactional == SD_UNKNOWN;
	values[6] = PointerGetDatum(cstring_to_text_with_len(script->text + start, end - start));
	tuplestore_putvalues(store, desc, values, nulls);
}

/* list_statements fills the result of statements(). */
static void
list_statements(text *sql, Tuplestorestate *store, TupleDesc desc)
{
	SdScript script;
	SdParsed parsed;
	int number = 0;

	sd_script_init(&script, sql);
	while (sd_script_next(&script, &parsed))
	{
		MemoryContext old = MemoryContextSwitchTo(script.context);
		ListCell *cell;

		if (parsed.failed)
			put_statement(&script, store, desc, ++number, parsed.piece.start, parsed.piece.end,
						  "SYNTAX ERROR", SD_UNKNOWN);
		else if (parsed.piece.kind == SD_PIECE_META)
			put_statement(&script, store, desc, ++number, parsed.piece.start, parsed.piece.end,
						  "META COMMAND", SD_UNKNOWN);
		else if (parsed.piece.kind == SD_PIECE_COPY_DATA)
			put_statement(&script, store, desc, ++number, parsed.piece.start, parsed.piece.end,
						  "COPY DATA", SD_UNKNOWN);
		foreach (cell, parsed.statements)
		{
			RawStmt *raw = lfirst_node(RawStmt, cell);

			put_statement(&script, store, desc, ++number, sd_statement_start(&script, &parsed, raw),
						  sd_statement_end(&script, &parsed, raw),
						  GetCommandTagName(CreateCommandTag(raw->stmt)),
						  sd_runs_in_transaction(raw->stmt) ? SD_YES : SD_NO);
		}
		MemoryContextSwitchTo(old);
	}
}

/*
 * statements(sql text) returns the statements of a script, and the pieces that
 * are none.  Documented in sql/functions/statements.sql.
 */
Datum
safedeploy_statements(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	int level = pin_scanner();
	int messages = client_min_messages;

	/* what the parser says to a client, such as that a name is too long, is not for ours */
	client_min_messages = ERROR;
	PG_TRY();
	{
		list_statements(PG_GETARG_TEXT_PP(0), store, desc);
	}
	PG_FINALLY();
	{
		client_min_messages = messages;
	}
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	return (Datum) 0;
}

/* What is asked for. */
typedef enum Wanted
{
	WANT_FINDINGS,
	WANT_EFFECTS,
	WANT_PROBES
} Wanted;

/* analyze_text fills the result of analyze(), predict() or probe(). */
static void
analyze_text(text *sql, bool in_transaction, bool conforming, Wanted wanted, Tuplestorestate *store,
			 TupleDesc desc)
{
	SdAnalysis *analysis = palloc0(sizeof(SdAnalysis));
	SdScript script;

	sd_script_init(&script, sql);
	script.brief = true;
	analysis->script = &script;
	analysis->store = store;
	analysis->desc = desc;
	analysis->context = CurrentMemoryContext;
	analysis->scope = sd_scope_create();
	analysis->sizes = sd_sizes_create();
	analysis->track = sd_track_create();
	analysis->callers_path = pstrdup(namespace_search_path);
	analysis->session_path = analysis->begin_path = analysis->callers_path;
	analysis->wrapped = analysis->runner_transaction = analysis->in_transaction = in_transaction;
	analysis->predicts = wanted == WANT_EFFECTS;
	if (analysis->predicts)
		analysis->effects = sd_effects_create(analysis);
	else if (wanted == WANT_PROBES || sd_guc_probe)
		analysis->probes = sd_probes_create(analysis, wanted == WANT_PROBES);
	if (!conforming && script.len > 0)
	{
		analysis->number = 1;
		sd_report_conforming_strings(analysis);
		analysis->number = 0;
	}
	sd_analyze_script(analysis);
}

/* run_analysis does the work of analyze(), predict() and probe(). */
static Datum
run_analysis(FunctionCallInfo fcinfo, Wanted wanted)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	bool conforming = standard_conforming_strings;
	int level = pin_scanner();
	int messages = client_min_messages;

	client_min_messages = ERROR;
	PG_TRY();
	{
		analyze_text(PG_GETARG_TEXT_PP(0), PG_GETARG_BOOL(1), conforming, wanted, store, desc);
	}
	PG_FINALLY();
	{
		client_min_messages = messages;
	}
	PG_END_TRY();
	AtEOXact_GUC(true, level);
	return (Datum) 0;
}

/*
 * analyze(sql text, in_transaction boolean) returns the hazards of a script.
 * Documented in sql/functions/analyze.sql.
 */
Datum
safedeploy_analyze(PG_FUNCTION_ARGS)
{
	return run_analysis(fcinfo, WANT_FINDINGS);
}

/*
 * predict(sql text, in_transaction boolean) returns what its statements would do.
 * Documented in sql/functions/predict.sql.
 */
Datum
safedeploy_predict(PG_FUNCTION_ARGS)
{
	return run_analysis(fcinfo, WANT_EFFECTS);
}

/*
 * probe(sql text, in_transaction boolean) asks the rows of tables whether they
 * let the statements of a script through.  Documented in sql/functions/probe.sql.
 */
Datum
safedeploy_probe(PG_FUNCTION_ARGS)
{
	return run_analysis(fcinfo, WANT_PROBES);
}

/* rule_catalog() returns the rule table; see sql/views/rules.sql. */
Datum
safedeploy_rule_catalog(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);

	for (int i = 0; i < SD_RULE_COUNT; i++)
	{
		const SdRule *rule = &sd_rules[i];
		const SdHintNames nobody = { 0 };
		Datum values[9];
		bool nulls[9] = { 0 };

		values[0] = CStringGetTextDatum(rule->name);
		values[1] = CStringGetTextDatum(sd_family_name(rule->family));
		values[2] = CStringGetTextDatum(sd_severity_name(rule->severity));
		values[3] = CStringGetTextDatum(rule->applies);
		values[4] = Int32GetDatum(rule->since);
		nulls[4] = rule->since == 0;
		values[5] = Int32GetDatum(rule->until);
		nulls[5] = rule->until == 0;
		values[6] = CStringGetTextDatum(rule->summary);
		values[7] = CStringGetTextDatum(sd_fill_hint(rule->hint, &nobody));
		values[8] = CStringGetTextDatum(psprintf("%s%s", SD_MANUAL, rule->reference));
		tuplestore_putvalues(store, desc, values, nulls);
	}
	return (Datum) 0;
}
