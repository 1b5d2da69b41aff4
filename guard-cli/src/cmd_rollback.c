/*
 * cmd_rollback.c
 *	  migguard rollback: back to before a run, or to a revision, on demand.
 */
#include "backup_command.h"
#include "rollback.h"

extern const MgCommand mg_cmd_rollback;

static bool
walk(MgRun *run, MgError *err)
{
	return mg_run_walk(run, mg_rollback_table, mg_rollback_table_count, err);
}

static const MgOption options[] = {
	{ '\0', "to", "REVISION", MG_SETTING_COUNT, NULL, "go back to REVISION, named as the tool does" },
	{ '\0', "run", "RUN", MG_SETTING_COUNT, NULL,
	  "go back to before RUN (default: the last run that was done)" },
	{ '\0', "allow-irreversible", NULL, MG_SET_RUN_ALLOW_IRREVERSIBLE, "on",
	  "go on when the downgrade does not restore the schema; recorded" },
	{ '\0', "no-rehearsal", NULL, MG_SET_REHEARSE_MODE, "off", "do not rehearse on a clone" },
	{ '\0', "from-backup", NULL, MG_SETTING_COUNT, "on",
	  "restore the backup of the run in place of a downgrade; what was written since is lost" },
	{ '\0', "lock-name", "NAME", MG_SET_LOCK_NAME, NULL, "name of the deploy lock" },
	{ '\0', "lock-wait", "TIME", MG_SET_LOCK_WAIT, NULL, "how long to wait for it" },
	{ '\0', "timeout", "TIME", MG_SET_RUN_TIMEOUT, NULL, "how long the tool may run" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static bool
cmd_rollback(MgContext *context, int *exit_code, MgError *err)
{
	MgRun run;

	mg_run_init(&run, context, MG_RUN_ROLLBACK);
	run.goal_run = mg_cli_flag(context, &mg_cmd_rollback, "run");
	run.goal_revision = mg_cli_flag(context, &mg_cmd_rollback, "to");
	if (run.goal_run != NULL && run.goal_revision != NULL)
		return mg_err_set(err, MG_EXIT_USAGE, "options --run and --to exclude each other");
	if (mg_cli_flag(context, &mg_cmd_rollback, "from-backup") != NULL)
		return run.goal_revision == NULL ?
				   mg_rollback_from_backup(context, run.goal_run, err) :
				   mg_err_set(err, MG_EXIT_USAGE,
							  "options --from-backup and --to exclude each other");
	return mg_run_command(&run, walk, exit_code, err);
}

const MgCommand mg_cmd_rollback = {
	.name = "rollback",
	.summary = "bring the schema back to before a run, or to a revision, and prove it",
	.description =
		"Runs the tool's downgrade, first on a clone, and compares the schema with the snapshot that "
		"was taken before the run.  Ends with 0 when they are equal, 22 when they are not, 23 when the "
		"downgrade failed half-way.  With --from-backup the backup that the run made is restored into a "
		"new database, which takes the place of the present one; see \"migguard help backup\".",
	.needs_database = true,
	.takes_tool = true,
	.options = options,
	.run = cmd_rollback,
};
