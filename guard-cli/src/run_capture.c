/*
 * run_capture.c
 *	  State capture: snapshot, revisions, environment, and what is dangerous in what is to come.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_report.h"
#include "run.h"
#include "text.h"

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

/* Some of the pending migrations as one script, and where in it each begins. */
typedef struct Script
{
	MgBuf text;
	int *lines; /* by position in run->pending: first line of the migration, 0: it is not in here */
	bool transactional;
} Script;

static int
count_lines(const char *text)
{
	int lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

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
collect(MgRun *run, Script *script, int *next, MgError *err)
{
	int line = 1;

	mg_buf_init(&script->text, run->arena);
	script->lines = mg_alloc(run->arena, (size_t) run->pending.count * sizeof(int));
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
		script->lines[*next] = line;
		/* a last statement may lack its semicolon */
		mg_buf_addf(&script->text, "%s\n;\n", sql);
		line += count_lines(sql) + 2;
	}
	return true;
}

/* The migration in which a line of the script lies, and the line in that. */
static const char *
place_of(const MgRun *run, const Script *script, int line, int *own_line)
{
	int found = 0;

	for (int i = 0; i < run->pending.count; i++)
		if (script->lines[i] > 0 && script->lines[i] <= line)
			found = i;
	*own_line = line - script->lines[found] + 1;
	return run->pending.items[found].id;
}

/* Findings of one script; counts those at or above the threshold. */
static bool
analyze_script(MgRun *run, const Script *script, int threshold, int *bad, MgError *err)
{
	MgRows rows;

	if (script->text.len == 0)
		return true;
	if (!mg_report_analyze(run->pg, script->text.data, script->transactional, &rows, err))
		return false;
	for (int i = 0; i < rows.count; i++)
	{
		const char *severity = mg_rows_get(&rows, i, "severity");
		const char *line = mg_rows_get(&rows, i, "line");
		int own_line;
		const char *id = place_of(run, script, line != NULL ? atoi(line) : 1, &own_line);
		const char *text = mg_printf(run->arena, "%s, line %d: %s: %s (%s)", id, own_line, severity,
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
	for (int next = 0; next < run->pending.count;)
	{
		Script script;

		if (!collect(run, &script, &next, err) ||
			!analyze_script(run, &script, rank(fail_on), &bad, err))
			return false;
	}
	mg_run_detail_list(run, "findings", &run->findings);
	if (bad == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_FINDINGS, "%s of severity %s or above",
			   mg_text_count(run->arena, bad, "finding"), fail_on);
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
	mg_run_say(run, "snapshot %s, %s, %s", run->before.id,
			   mg_text_count(run->arena, run->pending.count, "migration"),
			   mg_text_count(run->arena, run->findings.count, "finding"));
	return MG_STEP_OK;
}
