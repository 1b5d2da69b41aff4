/*
 * run_command.c
 *	  A run from the command line to its result on stdout.
 */
#include <stdio.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_ledger.h"
#include "report.h"
#include "run.h"
#include "shadow.h"
#include "signals.h"
#include "text.h"

/* What each end means for the reader, beyond its text. */
static const struct
{
	int exit_code;
	const char *hint;
} hints[] = {
	{ MG_EXIT_FAILED_UNCHANGED, "Nothing is left to do in the database; correct the cause and run "
								"again." },
	{ MG_EXIT_ROLLED_BACK, "The schema is what it was; whether data that a migration changed or "
						   "dropped came back is not proved by that." },
	{ MG_EXIT_ROLLED_BACK_UNPROVED,
	  "Look at the differences by \"migguard diff\" and put them right; the next run refuses until "
	  "then. \"migguard resume\" says what it finds." },
	{ MG_EXIT_ROLLBACK_FAILED, "A person has to look at the database now; the next run refuses until "
							   "it is in order. \"migguard resume\" tries again, rehearsed first." },
};

/* What the end event keeps, for last_known_good and for the next run. */
static void
end_detail(MgRun *run)
{
	const MgSnapshot *reached = &run->after;
	const MgRevisions *revisions = run->kind == MG_RUN_ROLLBACK ? &run->goal : &run->to;

	if (run->exit_code == MG_EXIT_DONE && run->kind != MG_RUN_PLAN && !run->dry)
	{
		mg_run_detail_text(run, "revision", mg_revisions_text(run->arena, revisions));
		if (reached->id != NULL)
			mg_run_detail_snapshot(run, reached);
	}
	if (run->backup_path != NULL)
		mg_run_detail_text(run, "backup", run->backup_path);
	if (run->downgrade != NULL)
		mg_run_detail_text(run, "downgrade", run->downgrade);
	mg_json_int(mg_run_detail(run), "elapsed_ms", (mg_clock_us() - run->started_us) / 1000);
}

/* The error of a run that was walked to its end but did not do what it was to do. */
static void
compose_failure(MgRun *run, MgError *err)
{
	const char *cause = run->failure.set ? run->failure.message : run->last_message;

	mg_err_set(err, (MgExit) run->exit_code, "%s", cause != NULL ? cause : "the run failed");
	err->where = run->failure.where;
	snprintf(err->sqlstate, sizeof err->sqlstate, "%s", run->failure.sqlstate);
	if (run->failure.detail != NULL)
		mg_err_detail(err, "%s", run->failure.detail);
	mg_log_info("result: %s: %s", mg_exit_text(run->exit_code),
				run->last_message != NULL ? run->last_message : "");
	for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
		if (hints[i].exit_code == run->exit_code)
			mg_err_hint(err, "%s%s%s", run->failure.hint != NULL ? run->failure.hint : "",
						run->failure.hint != NULL ? " " : "", hints[i].hint);
}

static void
print_json(MgRun *run, const char *head)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *pending = cJSON_CreateArray();
	cJSON *findings = cJSON_CreateArray();

	mg_json_text(json, "run_id", run->id);
	mg_json_text(json, "result", mg_exit_result(run->exit_code));
	mg_json_int(json, "exit_code", run->exit_code);
	mg_json_text(json, "tool", run->tool->ops->name);
	mg_json_text(json, "from", mg_revisions_text(run->arena, &run->from));
	mg_json_text(json, "to",
				 mg_revisions_text(run->arena, run->kind == MG_RUN_ROLLBACK ? &run->goal : &run->to));
	for (int i = 0; i < run->pending.count; i++)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "id", run->pending.items[i].id);
		mg_json_text(item, "title", run->pending.items[i].title);
		mg_json_bool(item, "reversible", run->pending.items[i].reversible);
		cJSON_AddItemToArray(pending, item);
	}
	for (int i = 0; i < run->findings.count; i++)
		mg_json_add_text(findings, run->findings.items[i]);
	cJSON_AddItemToObject(json, "pending", pending);
	cJSON_AddItemToObject(json, "findings", findings);
	cJSON_AddItemToObject(json, "statements", mg_observe_json(run, MG_PASS_UP));
	cJSON_AddItemToObject(json, "downgrade_statements", mg_observe_json(run, MG_PASS_DOWN));
	mg_json_text(json, "downgrade", run->downgrade);
	mg_json_text(json, "backup", run->backup_path);
	mg_json_text(json, "ledger_head", head);
	mg_json_int(json, "elapsed_ms", (mg_clock_us() - run->started_us) / 1000);
	mg_json_print(stdout, json);
}

static void
print_text(MgRun *run, const char *head)
{
	const MgContext *context = run->context;

	mg_report_pair(context, "run", run->id);
	mg_report_pair(context, "result", mg_exit_text(run->exit_code));
	mg_report_pair(context, "from", mg_revisions_text(run->arena, &run->from));
	mg_report_pair(context, "to",
				   mg_revisions_text(run->arena,
									 run->kind == MG_RUN_ROLLBACK ? &run->goal : &run->to));
	if (run->kind == MG_RUN_PLAN)
		for (int i = 0; i < run->pending.count; i++)
			mg_report_pair(context, "pending",
						   mg_printf(run->arena, "%s  %s%s", run->pending.items[i].id,
									 run->pending.items[i].title != NULL ? run->pending.items[i].title :
																		   "",
									 run->pending.items[i].reversible ? "" : "  (no downgrade)"));
	for (int i = 0; i < run->findings.count; i++)
		mg_report_pair(context, "finding", run->findings.items[i]);
	mg_observe_print(run);
	mg_report_pair(context, "downgrade", run->downgrade);
	mg_report_pair(context, "backup", run->backup_path);
	mg_report_pair(context, "time", mg_text_duration(run->arena, mg_clock_us() - run->started_us));
	mg_report_pair(context, "ledger head", head);
}

/* Ends the run in the ledger; the first error stays the one that is told. */
static void
finish(MgRun *run, MgError *err)
{
	const char *message = run->last_message;
	MgError end_error;
	MgError ignored;
	char *head = NULL;
	bool done;
	bool ok;

	/* a run that was told to stop still ends in order */
	mg_signals_shield(true);
	mg_err_init(&end_error, run->arena);
	mg_err_init(&ignored, run->arena);
	if (err->set)
		message = err->message;
	if (run->failure.set)
		message = mg_printf(run->arena, "%s; %s", run->failure.message,
							run->last_message != NULL ? run->last_message : "");
	mg_shadow_settle(run);
	end_detail(run);
	done = run->exit_code == MG_EXIT_DONE;
	ok = mg_run_end(run, message, &end_error);
	if (run->pg == NULL || !mg_ledger_head(run->pg, &head, ok ? &end_error : &ignored))
		ok = false;
	if (!ok)
	{
		mg_log_warning("run %s could not be ended in order: %s", run->id, end_error.message);
		/* what is done is done, but the ledger may not say so: the next run finds out */
		if (!err->set && done)
		{
			run->exit_code = MG_EXIT_INTERRUPTED;
			*err = end_error;
			err->exit_code = MG_EXIT_INTERRUPTED;
		}
	}
	if (run->context->format == MG_FORMAT_JSON)
		print_json(run, head);
	else
		print_text(run, head);
}

bool
mg_run_upgrade(MgRun *run, MgError *err)
{
	return mg_run_walk(run, mg_run_table, mg_run_table_count, err);
}

bool
mg_run_command(MgRun *run, bool (*walk)(MgRun *run, MgError *err), int *exit_code, MgError *err)
{
	bool ok = mg_run_start(run, err);

	if (ok)
	{
		ok = walk(run, err);
		if (ok && run->exit_code != MG_EXIT_DONE && run->exit_code != MG_EXIT_NOTHING)
		{
			compose_failure(run, err);
			ok = false;
		}
		finish(run, err);
		mg_shadow_tidy(run);
		ok = ok && !err->set;
	}
	/* what has not begun has left nothing in between */
	else if (err->exit_code == MG_EXIT_INTERRUPTED)
		err->exit_code = MG_EXIT_FAILED_UNCHANGED;
	*exit_code = run->exit_code;
	mg_run_close(run);
	return ok;
}
