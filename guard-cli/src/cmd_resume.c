/*
 * cmd_resume.c
 *	  migguard resume: finishes a run that was interrupted, or brings it back.
 */
#include <string.h>

#include "backup_command.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "report.h"
#include "restore.h"
#include "rollback.h"

#define MAX_ROWS 16

extern const MgCommand mg_cmd_resume;

/* Until it is known what is to be done. */
static const MgStateRow first_rows[] = {
	{ MG_STATE_PREFLIGHT, mg_state_preflight, MG_STATE_LOCK, MG_STATE_END,
	  MG_EXIT_REFUSED_PREFLIGHT, .plan = true },
	{ MG_STATE_LOCK, mg_state_lock, MG_STATE_END, MG_STATE_END, MG_EXIT_REFUSED_LOCK, .plan = true },
};

/* The table of a run or of a rollback, but for the lock, which is held. */
static int
without_lock(const MgStateRow *rows, int count, MgStateRow *rest)
{
	int n = 0;

	for (int i = 0; i < count; i++)
		if (rows[i].state != MG_STATE_LOCK)
			rest[n++] = rows[i];
	for (int i = 0; i < n; i++)
		if (rest[i].next == MG_STATE_LOCK)
			rest[i].next = MG_STATE_CAPTURE;
	return n;
}

/* A refusal leaves what is there, which is in between, however sound the reason. */
static bool
refused(MgRun *run, bool back, MgError *err)
{
	if ((!run->carries_on && !back) || run->exit_code >= MG_EXIT_ROLLED_BACK)
		return false;
	run->exit_code = MG_EXIT_INTERRUPTED;
	err->exit_code = MG_EXIT_INTERRUPTED;
	err->message = mg_printf(run->arena, "run %.8s cannot be %s: %s", run->resumed->id,
							 back ? "brought back" : "gone on with", err->message);
	return mg_err_page(err, back ? "left-in-rollback" : "left-in-migrate");
}

static bool
walk(MgRun *run, MgError *err)
{
	MgStateRow rest[MAX_ROWS];
	bool back;
	int count;

	if (!mg_run_walk(run, first_rows, (int) (sizeof first_rows / sizeof first_rows[0]), err))
		return false;
	if (run->resumed == NULL)
		return true;
	back = run->kind == MG_RUN_ROLLBACK;
	count = back ? without_lock(mg_rollback_table, mg_rollback_table_count, rest) :
				   without_lock(mg_run_table, mg_run_table_count, rest);
	if (!mg_run_walk(run, rest, count, err))
		return refused(run, back, err);
	/* the upgrade that was asked for is not there, which must not look like success */
	if (back && run->brings_back && !run->dry && run->exit_code == MG_EXIT_DONE)
	{
		run->exit_code = MG_EXIT_ROLLED_BACK;
		mg_err_set(&run->failure, MG_EXIT_ROLLED_BACK,
				   "run %.8s was interrupted and is brought back", run->resumed->id);
	}
	return true;
}

/* A restore keeps its traces outside of the database that it may have closed. */
static bool
go_on_with_restore(MgContext *context, const char *path, bool dry, MgError *err)
{
	if (!dry)
		return mg_backup_restore_path(context, path, NULL, NULL, false, err);
	mg_report_pair(context, "would", mg_printf(context->arena, "go on with the restore of %s", path));
	return true;
}

static bool
cmd_resume(MgContext *context, int *exit_code, MgError *err)
{
	const char *path = NULL;
	MgError ignored;
	MgRun run;

	mg_run_init(&run, context, MG_RUN_RESUME);
	run.dry = mg_cli_flag(context, &mg_cmd_resume, "dry-run") != NULL;
	if (context->nargs > 1)
		return mg_err_set(err, MG_EXIT_USAGE, "resume takes one run");
	run.goal_run = context->nargs == 1 ? context->args[0] : NULL;
	/* who may not look there may not restore, and has not */
	mg_err_init(&ignored, context->arena);
	if (!mg_restore_interrupted(context, &path, &ignored))
		mg_log_verbose("no interrupted restore is looked for: %s", ignored.message);
	if (path != NULL)
		return go_on_with_restore(context, path, run.dry, err);
	return mg_run_command(&run, walk, exit_code, err);
}

static const MgOption options[] = {
	{ 'n', "dry-run", NULL, MG_SETTING_COUNT, "on",
	  "stop after the rehearsal, and record nothing of the run that died" },
	{ 't', "target", "REVISION", MG_SET_RUN_TARGET, NULL,
	  "revision that the run was to go to, if the tool does not find it itself" },
	{ '\0', "allow-irreversible", NULL, MG_SET_RUN_ALLOW_IRREVERSIBLE, "on",
	  "go on when the downgrade does not restore the schema; recorded" },
	{ '\0', "fail-on", "SEVERITY", MG_SET_RUN_FAIL_ON, NULL,
	  "refuse from findings of this severity on: error, warning, notice or never" },
	{ '\0', "no-backup", NULL, MG_SET_BACKUP_POLICY, "none", "make no backup" },
	{ '\0', "no-rehearsal", NULL, MG_SET_REHEARSE_MODE, "off", "do not rehearse on a clone" },
	{ '\0', "lock-name", "NAME", MG_SET_LOCK_NAME, NULL, "name of the deploy lock" },
	{ '\0', "lock-wait", "TIME", MG_SET_LOCK_WAIT, NULL, "how long to wait for it" },
	{ '\0', "timeout", "TIME", MG_SET_RUN_TIMEOUT, NULL, "how long the tool may run" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

const MgCommand mg_cmd_resume = {
	.name = "resume",
	.operands = "[RUN]",
	.summary = "finish a run that was interrupted, bring it back, or say what a person has to do",
	.description =
		"Takes the lock, ends what is left of the run's sessions, and compares what the ledger, the "
		"tool's version table and the schema say.  A run of which everything is applied and proved is "
		"recorded as done.  One of which nothing is applied is run anew.  One that was interrupted "
		"between its migrations goes on, when a rehearsal from here leads to the schema before it by "
		"the downgrade and to the schema that it had rehearsed by the upgrade.  One that had failed is "
		"brought back, and proved to be.  Anything else is refused with 24 and with what to do.\n\n"
		"Ends as the run does: 0 done, 20 nothing of it is there, 21 brought back and proved; 3 when no "
		"run needs it.  An interrupted restore is gone on with.",
	.needs_database = true,
	.takes_tool = true,
	.options = options,
	.run = cmd_resume,
};
