/*
 * run_capture.c
 *	  State capture: snapshot, revisions, environment, and what is dangerous in what is to come.
 */
#include <string.h>

#include "failpoint.h"
#include "json.h"
#include "lint.h"
#include "lint_output.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_ledger.h"
#include "run.h"
#include "text.h"

/* Some of the pending migrations as one script. */
typedef struct Script
{
	MgBuf text;
	MgLintSpan *spans; /* where in it each migration begins */
	int count;
	bool transactional;
} Script;

/* Says what cannot be analysed: what nobody has seen is not safe. */
static void
note_opaque(MgRun *run, const MgMigration *migration, const char *why_not)
{
	const char *text = mg_printf(run->arena, "%s: not analysed: %s", migration->id,
								 why_not != NULL ? why_not : "its SQL is not available");

	mg_strings_add(&run->findings, text);
	mg_log_warning("%s", text);
}

/*
 * Adds migrations from *next on, as long as they run alike.  They are looked at
 * together, because what one creates is new, and empty, for those behind it.
 */
static bool
collect(MgRun *run, MgLint *lint, Script *script, int *next, MgError *err)
{
	mg_buf_init(&script->text, run->arena);
	script->spans = mg_alloc(run->arena, (size_t) run->pending.count * sizeof(MgLintSpan));
	script->count = 0;
	script->transactional = run->pending.items[*next].transactional;
	for (; *next < run->pending.count; (*next)++)
	{
		const MgMigration *migration = &run->pending.items[*next];
		const char *sql = NULL;
		const char *why_not = NULL;

		if (migration->transactional != script->transactional)
			break;
		if (!run->tool->ops->sql(run->tool, migration, MG_UP, &sql, &why_not, err))
			return false;
		if (sql == NULL)
		{
			note_opaque(run, migration, why_not);
			continue;
		}
		script->spans[script->count++] = (MgLintSpan){
			.at = script->text.len,
			.file = mg_lint_add_file(lint, migration->path != NULL ? migration->path : migration->id,
									 migration->id, sql),
		};
		/* a last statement may lack its semicolon */
		mg_buf_addf(&script->text, "%s\n;\n", sql);
	}
	return true;
}

/* Says what was found; what is allowed stays visible. */
static const char *
note_finding(MgRun *run, const MgLint *lint, const MgLintFinding *finding)
{
	const char *probe = mg_lint_probe(lint, finding, "detail");
	const char *text = mg_printf(run->arena, "%s, line %d: %s: %s (%s)", finding->place.file->unit,
								 finding->place.line, mg_severity_name(finding->severity),
								 finding->message, finding->rule);
	const char *facts = mg_lint_facts(run->arena, finding);

	if (probe != NULL)
		text = mg_printf(run->arena, "%s; rows: %s", text, probe);
	if (finding->state == MG_LINT_ALLOWED)
		text = mg_printf(run->arena, "%s, allowed in line %d: %s", text, finding->reason_line,
						 finding->reason);
	if (facts != NULL)
		text = mg_printf(run->arena, "%s; %s", text, facts);
	mg_strings_add(&run->findings, text);
	if (finding->severity >= MG_SEVERITY_WARNING && finding->state == MG_LINT_OPEN)
		mg_log_warning("%s", text);
	else if (finding->severity >= MG_SEVERITY_WARNING)
		mg_log_info("%s", text);
	else
		mg_log_verbose("%s", text);
	return text;
}

static bool
refuse(MgRun *run, const MgStrings *failures, const char *fail_on, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_FINDINGS, "%s of severity %s or above",
			   mg_text_count(run->arena, failures->count, "finding"), fail_on);
	mg_err_detail(err, "%s.", mg_changes_text(run->arena, failures, 10));
	return mg_err_hint(err,
					   "Change the migration, allow a finding by a comment with the reason, or raise "
					   "the threshold by [run] fail_on or --fail-on.");
}

/* Rows that are in the way now are there in the run, and a clone of the schema has none of them. */
static bool
refuse_rows(MgRun *run, const MgStrings *doomed, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "%s that rows of the database will let fail",
			   mg_text_count(run->arena, doomed->count, "finding"));
	mg_err_detail(err, "%s.", mg_changes_text(run->arena, doomed, 10));
	return mg_err_hint(err, "Correct the rows first, or change the migration; a finding can be "
							"allowed by a comment with the reason.");
}

/* Whether the rows say that a statement fails. */
static bool
is_doomed(const MgLint *lint, const MgLintFinding *finding)
{
	const char *verdict = mg_lint_probe(lint, finding, "verdict");

	/* one finding for each answer: the others are about what a statement costs */
	return finding->state == MG_LINT_OPEN && finding->severity == MG_SEVERITY_ERROR &&
		   verdict != NULL && strcmp(verdict, "will fail") == 0;
}

/*
 * Analyses all that is pending, also when no finding can stop the run: they are
 * told, and what the rehearsal does is compared.  With neither threshold, probes nor
 * rehearsal nobody has asked for it.
 */
static bool
analyze(MgRun *run, MgError *err)
{
	const char *fail_on = mg_config_string(run->config, MG_SET_RUN_FAIL_ON);
	MgLint *lint = mg_lint_new(run->arena, run->config);
	MgStrings failures;
	MgStrings doomed;

	lint->probe = mg_config_bool(run->config, MG_SET_RUN_PROBE);
	if (strcmp(fail_on, "never") == 0 && !lint->probe && run->kind != MG_RUN_PLAN &&
		strcmp(mg_config_string(run->config, MG_SET_REHEARSE_MODE), "off") == 0)
		return true;
	/* the rehearsal predicts the way back where it can be observed */
	run->tool->both_ways =
		run->trace && strcmp(mg_config_string(run->config, MG_SET_REHEARSE_MODE), "off") != 0;
	/* a run keeps all that was found */
	lint->min_severity = MG_SEVERITY_INFO;
	lint->lock_timeout_ms = mg_config_ms(run->config, MG_SET_RUN_LOCK_TIMEOUT);
	for (int next = 0; next < run->pending.count;)
	{
		Script script;
		MgLintScript analysed;

		if (!collect(run, lint, &script, &next, err))
			return false;
		analysed = (MgLintScript){ .text = script.text.data,
								   .spans = script.spans,
								   .span_count = script.count,
								   .in_transaction = script.transactional };
		if (script.count > 0 && (!mg_lint_script(lint, run->pg, &analysed, err) ||
								 !mg_observe_predict(run, run->pg, MG_PASS_UP, script.text.data,
													 script.transactional, err)))
			return false;
	}
	if (!mg_lint_finish(lint, NULL, err))
		return false;
	mg_strings_init(&failures, run->arena);
	mg_strings_init(&doomed, run->arena);
	for (int i = 0; i < lint->count; i++)
	{
		const char *text = note_finding(run, lint, &lint->findings[i]);

		if (mg_lint_fails(lint, &lint->findings[i]))
			mg_strings_add(&failures, text);
		if (is_doomed(lint, &lint->findings[i]))
			mg_strings_add(&doomed, text);
	}
	mg_run_detail_list(run, "findings", &run->findings);
	if (doomed.count > 0)
		return refuse_rows(run, &doomed, err);
	return failures.count == 0 || refuse(run, &failures, fail_on, err);
}

/*
 * Where the run begins.  One that carries on keeps where the dead one began: what
 * is brought back is brought back to there, and whoever finds this one dead judges
 * it by the same ends.
 */
static bool
read_start(MgRun *run, MgStrings *pending, MgError *err)
{
	const MgPastRun *past = run->carries_on ? run->resumed : NULL;

	mg_strings_init(pending, run->arena);
	for (int i = 0; i < run->pending.count; i++)
		mg_strings_add(pending, run->pending.items[i].id);
	run->here_revisions = run->from;
	if (!mg_schema_take(run->pg, past != NULL ? "on the way" : "before", run->id, &run->here, err))
		return false;
	run->before = run->here;
	if (past == NULL)
		return mg_server_invalid_indexes(run->pg, &run->invalid_before, err);
	mg_run_detail_revisions(run, "goes_on_from", &run->from);
	mg_json_raw(mg_run_detail(run), "goes_on_from_snapshot_id", run->here.id);
	*pending = past->pending;
	run->from = past->from;
	run->before = (MgSnapshot){ past->s0, past->s0_fingerprint };
	run->invalid_before = past->invalid_before;
	return true;
}

MgStep
mg_state_capture(MgRun *run, MgError *err)
{
	MgStrings pending;

	if (!read_start(run, &pending, err))
		return MG_STEP_FAILED;
	mg_failpoint("capture.taken");
	mg_run_detail_snapshot(run, &run->before);
	mg_run_detail_revisions(run, "revisions", &run->from);
	mg_run_detail_revisions(run, "target", &run->to);
	mg_run_detail_list(run, "pending", &pending);
	mg_run_detail_list(run, "invalid_indexes", &run->invalid_before);
	for (int i = 0; i < run->invalid_before.count; i++)
		mg_log_warning("index %s is invalid, as a failed build leaves it; clean up by: DROP INDEX "
					   "CONCURRENTLY %s",
					   run->invalid_before.items[i], run->invalid_before.items[i]);
	mg_json_int(mg_run_detail(run), "server_version", run->facts.version);
	mg_run_detail_text(run, "extension", run->facts.extension);
	mg_run_detail_text(run, "role", run->facts.role);
	if (!analyze(run, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "snapshot %s, %s, %s", run->before.id,
			   mg_text_count(run->arena, run->pending.count, "migration"),
			   mg_text_count(run->arena, run->findings.count, "finding"));
	return MG_STEP_OK;
}
