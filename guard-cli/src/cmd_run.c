/*
 * cmd_run.c
 *	  migguard run and migguard plan.
 */
#include "run.h"

extern const MgCommand mg_cmd_run;
extern const MgCommand mg_cmd_plan;

#define SHARED_OPTIONS                                                                               \
	{ 't',		  "target",                                                                          \
	  "REVISION", MG_SET_RUN_TARGET,                                                                 \
	  NULL,		  "upgrade to REVISION (default: as the tool's command says, or the newest)" },      \
		{ '\0',		  "fail-on",                                                                     \
		  "SEVERITY", MG_SET_RUN_FAIL_ON,                                                            \
		  NULL,		  "refuse from findings of this severity on: error, warning, notice or never" }, \
		{ '\0', "allow-irreversible",                                                                \
		  NULL, MG_SET_RUN_ALLOW_IRREVERSIBLE,                                                       \
		  "on", "go on when the downgrade does not restore the schema; recorded" },                  \
		{ '\0', "no-rehearsal", NULL, MG_SET_REHEARSE_MODE, "off", "do not rehearse on a clone" },   \
		{ '\0', "lock-name", "NAME", MG_SET_LOCK_NAME, NULL, "name of the deploy lock" },            \
		{ '\0', "lock-wait", "TIME", MG_SET_LOCK_WAIT, NULL, "how long to wait for it" },            \
		{ '\0', "timeout", "TIME", MG_SET_RUN_TIMEOUT, NULL, "how long the tool may run" },          \
	{                                                                                                \
		'\0', "accept-state", NULL, MG_SETTING_COUNT, "on",                                          \
			"go on from what an interrupted run left in between; recorded"                           \
	}

static const MgOption run_options[] = {
	{ 'n', "dry-run", NULL, MG_SETTING_COUNT, "on", "stop after the rehearsal, as \"migguard plan\"" },
	{ '\0', "explain", NULL, MG_SETTING_COUNT, "on", "print the states of a run, then exit" },
	{ '\0', "no-backup", NULL, MG_SET_BACKUP_POLICY, "none", "make no backup" },
	SHARED_OPTIONS,
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static const MgOption plan_options[] = {
	SHARED_OPTIONS,
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static bool
execute(MgContext *context, const MgCommand *command, MgRunKind kind, int *exit_code, MgError *err)
{
	MgRun run;

	mg_run_init(&run, context, kind);
	run.accept_state = mg_cli_flag(context, command, "accept-state") != NULL;
	return mg_run_command(&run, mg_run_upgrade, exit_code, err);
}

static bool
cmd_run(MgContext *context, int *exit_code, MgError *err)
{
	if (mg_cli_flag(context, &mg_cmd_run, "explain") != NULL)
	{
		mg_run_explain(context);
		*exit_code = MG_EXIT_DONE;
		return true;
	}
	return execute(context, &mg_cmd_run,
				   mg_cli_flag(context, &mg_cmd_run, "dry-run") != NULL ? MG_RUN_PLAN : MG_RUN_RUN,
				   exit_code, err);
}

static bool
cmd_plan(MgContext *context, int *exit_code, MgError *err)
{
	return execute(context, &mg_cmd_plan, MG_RUN_PLAN, exit_code, err);
}

const MgCommand mg_cmd_run = {
	.name = "run",
	.summary = "upgrade the database, prove it, bring it back when it must be",
	.description =
		"Runs the migration tool's upgrade between checks, lock, snapshot, backup and rehearsal on "
		"one side and proof on the other.  The command after \"--\" is run as it is; without one the "
		"tool of the configuration is run.\n\n"
		"When the tool fails, or the schema afterwards is not the rehearsed one, or an assertion does "
		"not hold, the tool's downgrade brings the schema back, and its equality with the schema "
		"before is proved.  Every state is written to the ledger before it acts; a run that died is "
		"found and judged by the next one.",
	.needs_database = true,
	.takes_tool = true,
	.options = run_options,
	.run = cmd_run,
};

const MgCommand mg_cmd_plan = {
	.name = "plan",
	.summary = "do all of a run that changes nothing: checks, findings, rehearsal",
	.description = "The same as \"migguard run --dry-run\": goes as far as the rehearsal on a scratch "
				   "database.  The real database gets rows in the ledger and nothing else.",
	.needs_database = true,
	.takes_tool = true,
	.options = plan_options,
	.run = cmd_plan,
};
