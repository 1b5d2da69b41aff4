/*
 * preflight.c
 *	  Checks before anything is changed, each a row of a table.
 */
#include "preflight.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "json.h"
#include "lock_blockers.h"
#include "log.h"
#include "pg_catalog_extension.h"
#include "tool_util.h"
#include "words.h"
#include "text.h"

#define MIN_SERVER 130000
#define MAX_SERVER 189999

/* Other sessions, read once for all checks that look at them. */
static bool
sessions_of(MgRun *run, MgSessions *sessions, MgError *err)
{
	return mg_server_sessions(run->pg, mg_run_application_name(run, ""), sessions, err);
}

/* "process 123 (user app, psql, 12 min)" */
static char *
session_text(MgRun *run, const MgSession *s)
{
	char *age = s->transaction_ms < 0 ?
					mg_strdup(run->arena, "") :
					mg_printf(run->arena, ", transaction of %lld s", s->transaction_ms / 1000);

	return mg_printf(run->arena, "process %d (user %s, application \"%s\"%s%s%s)", s->pid, s->user,
					 s->application_name, s->client != NULL ? ", from " : "",
					 s->client != NULL ? s->client : "", age);
}

/* Names the sessions that match, three at most. */
static bool
matching_sessions(MgRun *run, bool (*matches)(MgRun *run, const MgSession *s),
				  MgCheckResult *result, const char *problem, MgError *err)
{
	MgSessions sessions;
	MgBuf text;
	int count = 0;

	if (!sessions_of(run, &sessions, err))
		return false;
	mg_buf_init(&text, run->arena);
	for (int i = 0; i < sessions.count; i++)
		if (matches(run, &sessions.items[i]) && ++count <= 3)
			mg_buf_addf(&text, "%s%s", count == 1 ? "" : "; ", session_text(run, &sessions.items[i]));
	if (count > 0)
	{
		result->problem = mg_printf(run->arena, "%d %s", count, problem);
		result->detail = mg_printf(run->arena, "%s%s.", text.data, count > 3 ? "; and more" : "");
	}
	return true;
}

static bool
check_server_version(MgRun *run, MgCheckResult *result, MgError *err)
{
	const MgServerFacts *facts = &run->facts;

	(void) err;
	if (facts->version < MIN_SERVER || facts->version > MAX_SERVER)
	{
		result->problem =
			mg_printf(run->arena, "the server is PostgreSQL %d", facts->version / 10000);
		result->hint = "migguard knows PostgreSQL 13 to 18.";
	}
	else if (facts->in_recovery || facts->read_only)
	{
		result->problem = "the server takes no writes";
		result->detail = facts->in_recovery ? "It is a standby." : "Transactions are read-only.";
		result->hint = "Connect to the primary.";
	}
	return true;
}

static bool
check_extension(MgRun *run, MgCheckResult *result, MgError *err)
{
	MgExtension extension;
	MgError fault;

	(void) result;
	mg_err_init(&fault, run->arena);
	if (!mg_extension_read(run->pg, &extension, err))
		return false;
	if (!mg_extension_check(&extension, &fault))
	{
		result->problem = fault.message;
		result->detail = fault.detail;
		result->hint = fault.hint;
	}
	return true;
}

static bool
check_pooler(MgRun *run, MgCheckResult *result, MgError *err)
{
	(void) err;
	if (!run->facts.own_session)
	{
		result->problem = "the connection is not a session of its own";
		result->detail = "The server's process is not the one that libpq was told at connecting, as "
						 "behind a pooler, where a lock would belong to whoever comes next.";
		result->hint = "Give migguard a URL that leads to the server directly, by [database] url or "
					   "--database-url.";
	}
	return true;
}

static bool
check_role(MgRun *run, MgCheckResult *result, MgError *err)
{
	const MgServerFacts *facts = &run->facts;
	const char *mode = mg_config_string(run->config, MG_SET_REHEARSE_MODE);
	char *missing;

	/* without the extension there is nothing to be allowed; the next check tells */
	if (facts->extension == NULL)
		return true;
	if (!facts->may_use_extension)
	{
		result->problem =
			mg_printf(run->arena, "role \"%s\" may not use extension safedeploy", facts->role);
		result->hint =
			mg_printf(run->arena, "Let a superuser run: SELECT safedeploy.grant_deployer('%s')",
					  facts->role);
		return true;
	}
	if (!mg_server_missing_privileges(run->pg, &missing, err))
		return false;
	if (missing != NULL)
	{
		result->problem = mg_printf(run->arena, "role \"%s\" lacks privileges", facts->role);
		result->detail = mg_printf(run->arena, "It may not execute: %s.", missing);
		result->hint =
			mg_printf(run->arena, "Let a superuser run: SELECT safedeploy.grant_deployer('%s')",
					  facts->role);
	}
	else if (run->kind != MG_RUN_ROLLBACK && strcmp(mode, "clone") == 0 &&
			 !facts->may_create_database &&
			 mg_config_string(run->config, MG_SET_REHEARSE_URL) == NULL)
	{
		result->problem =
			mg_printf(run->arena, "role \"%s\" may not create the scratch database", facts->role);
		result->hint =
			"Give it CREATEDB, set [rehearse] url to another server, or turn the rehearsal "
			"off by [rehearse] mode = off.";
	}
	return true;
}

static bool
check_tool(MgRun *run, MgCheckResult *result, MgError *err)
{
	MgError fault;

	(void) err;
	mg_err_init(&fault, run->arena);
	if (run->tool_error.set)
		fault = run->tool_error;
	else
		run->tool->ops->check(run->tool, run->pg, &run->from, &fault);
	if (fault.set)
	{
		result->problem = fault.where != NULL ?
							  mg_printf(run->arena, "%s: %s", fault.where, fault.message) :
							  fault.message;
		result->detail = fault.detail;
		result->hint = fault.hint;
	}
	return true;
}

/* The directory, or the nearest one above that is there. */
static char *
existing_directory(MgArena *arena, const char *path)
{
	char *copy = mg_strdup(arena, path);

	while (access(copy, F_OK) != 0 && strcmp(copy, "/") != 0 && strcmp(copy, ".") != 0)
		copy = mg_strdup(arena, dirname(mg_strdup(arena, copy)));
	return copy;
}

static bool
check_disk_space(MgRun *run, MgCheckResult *result, MgError *err)
{
	const char *policy = mg_config_string(run->config, MG_SET_BACKUP_POLICY);
	const char *directory =
		existing_directory(run->arena, mg_config_string(run->config, MG_SET_BACKUP_DIRECTORY));
	struct statvfs space;
	long long size;
	long long room;

	if (strcmp(policy, "none") == 0)
	{
		result->note = "no backup is wanted";
		return true;
	}
	if (!mg_server_database_size(run->pg, &size, err))
		return false;
	if (statvfs(directory, &space) != 0)
		return mg_err_set(err, MG_EXIT_CONFIG, "could not look at directory \"%s\": %s", directory,
						  strerror(errno));
	room = (long long) space.f_bavail * (long long) space.f_frsize;
	if (access(directory, W_OK) != 0)
	{
		result->problem = mg_printf(run->arena, "directory \"%s\" is not writable", directory);
		result->hint = "Set [backup] directory, or [backup] policy = none.";
	}
	else if (room < size)
	{
		result->problem = mg_printf(run->arena, "no room for a backup in \"%s\"", directory);
		result->detail = mg_printf(run->arena, "%lld MB are free, the database has %lld MB.",
								   room / 1048576, size / 1048576);
		result->hint = "Free some space, or set [backup] directory.";
	}
	else
		result->note =
			mg_printf(run->arena, "%lld MB free, database %lld MB", room / 1048576, size / 1048576);
	return true;
}

static bool
is_long(MgRun *run, const MgSession *s)
{
	return s->wraparound ||
		   s->transaction_ms > mg_config_ms(run->config, MG_SET_PREFLIGHT_MAX_TRANSACTION_AGE);
}

static bool
is_idle_in_transaction(MgRun *run, const MgSession *s)
{
	(void) run;
	return strncmp(s->state, "idle in transaction", 19) == 0;
}

static bool
is_dump(MgRun *run, const MgSession *s)
{
	(void) run;
	return strcmp(s->application_name, "pg_dump") == 0 ||
		   strcmp(s->application_name, "pg_dumpall") == 0;
}

static bool
is_active(MgRun *run, const MgSession *s)
{
	(void) run;
	return strcmp(s->state, "active") == 0;
}

static bool
check_long_transactions(MgRun *run, MgCheckResult *result, MgError *err)
{
	result->hint = "Wait for them, end them by pg_terminate_backend(), or set [preflight] "
				   "max_transaction_age.";
	return matching_sessions(run, is_long, result, "long transactions hold locks or snapshots", err);
}

static bool
check_idle_in_transaction(MgRun *run, MgCheckResult *result, MgError *err)
{
	result->hint = "End them by pg_terminate_backend(), or let idle_in_transaction_session_timeout "
				   "do it.";
	return matching_sessions(run, is_idle_in_transaction, result,
							 "sessions sit idle in a transaction", err);
}

static bool
check_prepared_transactions(MgRun *run, MgCheckResult *result, MgError *err)
{
	(void) err;
	if (run->facts.prepared != NULL)
	{
		result->problem = "prepared transactions are pending";
		result->detail = mg_printf(run->arena, "They are: %s.", run->facts.prepared);
		result->hint = "End them by COMMIT PREPARED or ROLLBACK PREPARED.";
	}
	return true;
}

static bool
check_running_dump(MgRun *run, MgCheckResult *result, MgError *err)
{
	result->hint = "Wait for its end: a dump holds ACCESS SHARE locks on every table.";
	return matching_sessions(run, is_dump, result, "dumps of this database are running", err);
}

static bool
check_active_sessions(MgRun *run, MgCheckResult *result, MgError *err)
{
	result->hint = "Stop what uses the database, or set [preflight] active_sessions = off.";
	return matching_sessions(run, is_active, result, "other sessions are active", err);
}

static bool
check_environment(MgRun *run, MgCheckResult *result, MgError *err)
{
	MgStrings names;
	MgBuf missing;

	(void) err;
	mg_strings_init(&names, run->arena);
	mg_buf_init(&missing, run->arena);
	mg_config_list(run->config, MG_SET_PREFLIGHT_REQUIRED_ENV, &names);
	for (int i = 0; i < names.count; i++)
	{
		const char *value = getenv(names.items[i]);

		if (value == NULL || *value == '\0')
			mg_buf_addf(&missing, "%s%s", missing.len > 0 ? ", " : "", names.items[i]);
	}
	if (missing.len > 0)
	{
		result->problem =
			mg_printf(run->arena, "environment variables are not set: %s", missing.data);
		result->hint = "Set them, or correct [preflight] required_env.";
	}
	return true;
}

/* Where the migrations are: the directory of the first one that has a file. */
static char *
migrations_directory(MgRun *run)
{
	const char *directory = mg_config_string(run->config, MG_SET_TOOL_DIRECTORY);

	for (int i = 0; i < run->pending.count; i++)
		if (run->pending.items[i].path != NULL)
			return mg_strdup(run->arena, dirname(mg_strdup(run->arena, run->pending.items[i].path)));
	return directory != NULL ? mg_strdup(run->arena, directory) : mg_tool_directory(run->tool);
}

static bool
check_git_clean(MgRun *run, MgCheckResult *result, MgError *err)
{
	const char *directory = migrations_directory(run);
	char *argv[] = { mg_strdup(run->arena, mg_config_string(run->config, MG_SET_PROGRAM_GIT)),
					 (char[]){ "-C" },
					 mg_strdup(run->arena, directory),
					 (char[]){ "status" },
					 (char[]){ "--porcelain" },
					 (char[]){ "--" },
					 (char[]){ "." },
					 NULL };
	MgChildSpec spec = { .argv = argv,
						 .env = environ,
						 .timeout_ms = mg_config_ms(run->config, MG_SET_PREFLIGHT_COMMAND_TIMEOUT),
						 .stop_on_signal = true };
	MgChildResult child;

	if (run->pending.count == 0 && mg_config_string(run->config, MG_SET_TOOL_DIRECTORY) == NULL)
		return true;
	if (!mg_child_run(run->arena, &spec, &child, err))
		return false;
	if (child.exit_code == 128 && strstr(child.err, "not a git repository") != NULL)
		result->note = "the migrations are not in a git work tree";
	else if (!mg_child_succeeded(&child))
		return mg_err_set(err, MG_EXIT_CONFIG, "git %s: %s", mg_child_describe(run->arena, &child),
						  mg_child_tail(run->arena, &child, 1));
	else if (*child.out != '\0')
	{
		result->problem = "the migrations have uncommitted changes";
		result->detail = mg_printf(run->arena, "In \"%s\": %s", directory, child.out);
		result->hint = "Commit them, so that what ran can be found again.";
	}
	return true;
}

static bool
check_commands(MgRun *run, MgCheckResult *result, MgError *err)
{
	for (const MgNamed *command = mg_config_named(run->config, "preflight.commands");
		 command != NULL; command = command->next)
	{
		MgStrings words;
		MgChildSpec spec = { .env = environ,
							 .timeout_ms =
								 mg_config_ms(run->config, MG_SET_PREFLIGHT_COMMAND_TIMEOUT),
							 .stop_on_signal = true };
		MgChildResult child;

		mg_strings_init(&words, run->arena);
		if (!mg_words_split(command->value, &words, err))
			return mg_err_where(err, command->where, 0);
		spec.argv = words.items;
		if (!mg_child_run(run->arena, &spec, &child, err))
			return mg_err_where(err, command->where, 0);
		if (!mg_child_succeeded(&child))
		{
			result->problem = mg_printf(run->arena, "command \"%s\" %s", command->name,
										mg_child_describe(run->arena, &child));
			result->detail = mg_child_tail(run->arena, &child, 10);
			result->hint = mg_printf(run->arena, "It is set at %s.", command->where);
			return true;
		}
	}
	return true;
}

const MgCheck mg_checks[] = {
	{ MG_SET_PREFLIGHT_SERVER_VERSION, "server_version", true, true, check_server_version },
	{ MG_SET_PREFLIGHT_POOLER, "pooler", true, true, check_pooler },
	{ MG_SET_PREFLIGHT_ROLE, "role", true, true, check_role },
	{ MG_SET_PREFLIGHT_EXTENSION, "extension", true, true, check_extension },
	{ MG_SET_PREFLIGHT_TOOL, "tool", false, true, check_tool },
	{ MG_SET_PREFLIGHT_DISK_SPACE, "disk_space", false, false, check_disk_space },
	{ MG_SET_PREFLIGHT_LONG_TRANSACTIONS, "long_transactions", false, true, check_long_transactions },
	{ MG_SET_PREFLIGHT_IDLE_IN_TRANSACTION, "idle_in_transaction", false, true,
	  check_idle_in_transaction },
	{ MG_SET_PREFLIGHT_PREPARED_TRANSACTIONS, "prepared_transactions", false, true,
	  check_prepared_transactions },
	{ MG_SET_PREFLIGHT_RUNNING_DUMP, "running_dump", false, true, check_running_dump },
	{ MG_SET_PREFLIGHT_ACTIVE_SESSIONS, "active_sessions", false, false, check_active_sessions },
	{ MG_SET_PREFLIGHT_ENVIRONMENT, "environment", false, false, check_environment },
	{ MG_SET_PREFLIGHT_GIT_CLEAN, "git_clean", false, false, check_git_clean },
	{ MG_SET_PREFLIGHT_COMMANDS, "commands", false, false, check_commands },
	{ MG_SETTING_COUNT, NULL, false, false, NULL },
};

/* Does one check; a check that could not be done has a problem too. */
static void
do_check(MgRun *run, const MgCheck *check, MgCheckResult *result)
{
	MgError fault;

	memset(result, 0, sizeof *result);
	mg_err_init(&fault, run->arena);
	if (!check->check(run, result, &fault))
	{
		result->problem = fault.where != NULL ?
							  mg_printf(run->arena, "%s: %s", fault.where, fault.message) :
							  fault.message;
		result->detail = fault.detail;
		result->hint = fault.hint;
	}
	if (result->problem == NULL)
		result->detail = result->hint = NULL;
}

static bool
refuse(MgRun *run, const MgCheck *check, const MgCheckResult *result, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "preflight check %s: %s", check->name,
			   result->problem);
	if (result->detail != NULL)
		mg_err_detail(err, "%s", result->detail);
	mg_err_hint(err, "%s%sSetting \"%s\" in [preflight] says how much this check weighs.",
				result->hint != NULL ? result->hint : "", result->hint != NULL ? " " : "",
				mg_setting_info[check->setting].key);
	(void) run;
	return false;
}

bool
mg_preflight_base(MgRun *run, MgError *err)
{
	for (const MgCheck *check = mg_checks; check->name != NULL; check++)
	{
		MgCheckResult result;

		if (!check->base || mg_config_level(run->config, check->setting) != MG_LEVEL_REQUIRED)
			continue;
		do_check(run, check, &result);
		if (result.problem != NULL)
			return refuse(run, check, &result, err);
	}
	/* who does not require it says that the pooler leaves us the session */
	return run->facts.own_session || mg_pg_pin(run->pg, err);
}

/* A resume that turns out to be one is checked again. */
static bool
is_upgrade(const MgRun *run)
{
	return run->kind == MG_RUN_RUN || run->kind == MG_RUN_PLAN;
}

MgStep
mg_state_preflight(MgRun *run, MgError *err)
{
	cJSON *list = cJSON_AddObjectToObject(mg_run_detail(run), "checks");
	int warnings = 0;
	int done = 0;

	if (!mg_blockers_policy(run, err))
		return MG_STEP_FAILED;
	for (const MgCheck *check = mg_checks; check->name != NULL; check++)
	{
		MgLevel level = mg_config_level(run->config, check->setting);
		MgCheckResult result;

		if (level == MG_LEVEL_OFF || (!is_upgrade(run) && !check->rollback))
		{
			mg_json_text(list, check->name, "off");
			continue;
		}
		done++;
		/* the base checks were done before the ledger was written, if they are required */
		if (check->base && level == MG_LEVEL_REQUIRED)
			memset(&result, 0, sizeof result);
		else
			do_check(run, check, &result);
		mg_json_text(list, check->name,
					 result.problem == NULL ?
						 "ok" :
						 mg_printf(run->arena, "%s: %s",
								   level == MG_LEVEL_REQUIRED ? "refused" : "warning",
								   result.problem));
		mg_log_verbose("preflight %s: %s%s%s", check->name,
					   result.problem == NULL ? "ok" : result.problem,
					   result.note != NULL ? ", " : "", result.note != NULL ? result.note : "");
		if (result.problem != NULL && level == MG_LEVEL_REQUIRED)
		{
			refuse(run, check, &result, err);
			return MG_STEP_FAILED;
		}
		if (result.problem != NULL)
		{
			warnings++;
			mg_log_warning("preflight check %s: %s%s%s", check->name, result.problem,
						   result.detail != NULL ? ": " : "",
						   result.detail != NULL ? result.detail : "");
		}
	}
	mg_run_say(run, "%s, %s", mg_text_count(run->arena, done, "check"),
			   mg_text_count(run->arena, warnings, "warning"));
	return MG_STEP_OK;
}
