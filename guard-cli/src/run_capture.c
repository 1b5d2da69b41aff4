/*
 * run_capture.c
 *	  State capture: snapshot, revisions, environment, and what is dangerous in what is to come.
 */
#include <string.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_report.h"
#include "run.h"

/* In the order of their weight; a threshold of "never" is above all. */
static const char *const severities[] = { "info", "notice", "warning", "error", "never" };

static int
rank(const char *severity)
{
	for (int i = 0; i < (int) (sizeof severities / sizeof severities[0]); i++)
		if (severity != NULL && strcmp(severity, severities[i]) == 0)
			return i;
	return 0;
}

/* Findings of one migration; counts those at or above the threshold. */
static bool
analyze_one(MgRun *run, const MgMigration *migration, int threshold, int *bad, MgError *err)
{
	const char *sql = NULL;
	const char *why_not = NULL;
	MgRows rows;

	if (!run->tool->ops->sql(run->tool, migration, MG_UP, &sql, &why_not, err))
		return false;
	if (sql == NULL)
	{
		mg_log_verbose("%s: not analysed: %s", migration->id, why_not != NULL ? why_not : "no SQL");
		return true;
	}
	if (!mg_report_analyze(run->pg, sql, migration->transactional, &rows, err))
		return false;
	for (int i = 0; i < rows.count; i++)
	{
		const char *severity = mg_rows_get(&rows, i, "severity");
		const char *text = mg_printf(run->arena, "%s, line %s: %s: %s (%s)", migration->id,
									 mg_rows_get(&rows, i, "line"), severity,
									 mg_rows_get(&rows, i, "message"), mg_rows_get(&rows, i, "rule"));

		mg_strings_add(&run->findings, text);
		if (rank(severity) >= rank("warning"))
			mg_log_warning("%s", text);
		else
			mg_log_verbose("%s", text);
		if (rank(severity) >= threshold)
			(*bad)++;
	}
	return true;
}

/* Analyses all that is pending, unless no finding could stop the run anyway. */
static bool
analyze(MgRun *run, MgError *err)
{
	const char *fail_on = mg_config_string(run->config, MG_SET_RUN_FAIL_ON);
	int bad = 0;

	if (strcmp(fail_on, "never") == 0 && run->kind != MG_RUN_PLAN)
		return true;
	for (int i = 0; i < run->pending.count; i++)
		if (!analyze_one(run, &run->pending.items[i], rank(fail_on), &bad, err))
			return false;
	mg_run_detail_list(run, "findings", &run->findings);
	if (bad == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_FINDINGS, "%d findings of severity %s or above", bad, fail_on);
	mg_err_detail(err, "%s.", mg_changes_text(run->arena, &run->findings, 10));
	return mg_err_hint(err, "Change the migration, or raise the threshold by [run] fail_on or "
							"--fail-on.");
}

MgStep
mg_state_capture(MgRun *run, MgError *err)
{
	MgStrings pending;
	char *system;

	mg_strings_init(&pending, run->arena);
	for (int i = 0; i < run->pending.count; i++)
		mg_strings_add(&pending, run->pending.items[i].id);
	if (!mg_schema_take(run->pg, "before", run->id, &run->before, err) ||
		!mg_schema_system(run->pg, &run->before, &system, err) ||
		!mg_server_invalid_indexes(run->pg, &run->invalid_before, err))
		return MG_STEP_FAILED;
	run->system_identifier = system;
	mg_run_detail_snapshot(run, &run->before);
	mg_run_detail_revisions(run, "revisions", &run->from);
	mg_run_detail_revisions(run, "target", &run->to);
	mg_run_detail_list(run, "pending", &pending);
	mg_run_detail_list(run, "invalid_indexes", &run->invalid_before);
	mg_json_int(mg_run_detail(run), "server_version", run->facts.version);
	mg_run_detail_text(run, "extension", run->facts.extension);
	mg_run_detail_text(run, "role", run->facts.role);
	if (!analyze(run, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "snapshot %s, %d migrations, %d findings", run->before.id, run->pending.count,
			   run->findings.count);
	return MG_STEP_OK;
}
