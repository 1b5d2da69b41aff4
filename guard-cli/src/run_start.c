/*
 * run_start.c
 *	  Begin and end of a run: tool, session, ledger, and the lock on the way.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_ledger.h"
#include "pg_catalog_permit.h"
#include "preflight.h"
#include "run.h"
#include "session.h"
#include "signals.h"
#include "uuid.h"

static const char *const command_names[] = {
	[MG_RUN_RUN] = "run", [MG_RUN_PLAN] = "plan", [MG_RUN_ROLLBACK] = "rollback", [MG_RUN_RESUME] = "resume"
};

void
mg_run_init(MgRun *run, const MgContext *context, MgRunKind kind)
{
	memset(run, 0, sizeof *run);
	run->arena = context->arena;
	run->context = context;
	run->config = context->config;
	run->kind = kind;
	run->lock_name = mg_config_string(context->config, MG_SET_LOCK_NAME);
	run->target_revision = mg_config_string(context->config, MG_SET_RUN_TARGET);
	run->started_us = mg_clock_us();
	mg_strings_init(&run->bookkeeping, run->arena);
	mg_strings_init(&run->repair, run->arena);
	mg_strings_init(&run->invalid_before, run->arena);
	mg_strings_init(&run->findings, run->arena);
	mg_strings_init(&run->discarded, run->arena);
	mg_strings_init(&run->permitted, run->arena);
	mg_observe_init(run);
	mg_err_init(&run->tool_error, run->arena);
	mg_err_init(&run->failure, run->arena);
}

char *
mg_run_application_name(MgRun *run, const char *step)
{
	return mg_printf(run->arena, "migguard:%s:%s", run->short_id, step);
}

bool
mg_run_read_work(MgRun *run, MgError *err)
{
	const MgToolOps *ops = run->tool->ops;

	return ops->current(run->tool, run->pg, &run->from, err) &&
		   ops->pending(run->tool, run->pg, &run->from, run->target_revision, &run->pending,
						&run->to, err);
}

/* Reads what it can; what cannot be read is for preflight to tell. */
static void
read_work_or_keep_error(MgRun *run)
{
	if (run->kind == MG_RUN_RUN || run->kind == MG_RUN_PLAN)
		mg_run_read_work(run, &run->tool_error);
	else
		run->tool->ops->current(run->tool, run->pg, &run->from, &run->tool_error);
}

static bool
begin_in_ledger(MgRun *run, MgError *err)
{
	MgNewRun new_run = { .id = run->id,
						 .command = command_names[run->dry ? MG_RUN_PLAN : run->kind],
						 .tool = run->tool->ops->name,
						 .lock_name = run->lock_name,
						 .from = mg_revisions_text(run->arena, &run->from),
						 .to = mg_revisions_text(run->arena, &run->to),
						 .client = mg_session_client(run->context) };

	run->begun = mg_ledger_begin(run->pg, &new_run, err);
	mg_failpoint("run.recorded");
	return run->begun;
}

bool
mg_run_start(MgRun *run, MgError *err)
{
	if (!mg_uuid_new(run->arena, &run->id, err) ||
		!mg_tool_open(run->arena, run->config, run->context->tool_argv, &run->tool, err))
		return false;
	run->short_id = mg_strndup(run->arena, run->id, 8);
	if (!mg_pg_open(run->arena, &run->context->target, mg_run_application_name(run, "guard"),
					&run->pg, err))
		return false;
	mg_failpoint("run.connected");
	/* what the ledger itself needs is checked before there is a run to refuse */
	if (!mg_server_facts(run->pg, &run->facts, err) || !mg_preflight_base(run, err))
		return false;
	if (!run->tool->ops->bookkeeping(run->tool, run->pg, &run->bookkeeping, err))
		return false;
	read_work_or_keep_error(run);
	return begin_in_ledger(run, err);
}

/* Writes the end of the run; without the lock a run is not done, whatever it did. */
static bool
end_in_ledger(MgRun *run, const char *message, MgError *err)
{
	bool held = run->token == NULL || mg_run_hold(run, err);
	char *detail;
	MgError later;
	bool ok;

	if (!held)
	{
		message = mg_printf(run->arena, "%s; %s", message != NULL ? message : "", err->message);
		if (run->exit_code == MG_EXIT_DONE)
			run->exit_code = MG_EXIT_INTERRUPTED;
	}
	/* a session that was lost takes no last word; another one does */
	mg_err_init(&later, run->arena);
	if (run->pg == NULL || !mg_pg_alive(run->pg))
	{
		mg_pg_close(run->pg);
		run->pg = NULL;
		if (!mg_pg_open(run->arena, &run->context->target, mg_run_application_name(run, "guard"),
						&run->pg, &later))
		{
			*err = later;
			return false;
		}
	}
	detail = run->detail == NULL ? NULL : cJSON_PrintUnformatted(run->detail);
	ok = mg_ledger_end(run->pg, run->id, run->exit_code, message, detail, &later);
	cJSON_free(detail);
	if (!ok)
		*err = later;
	run->ended = ok;
	return ok && held;
}

/* Its answer counts: a lock that was not ours any more must not pass unseen. */
static bool
release_lock(MgRun *run, MgError *err)
{
	MgError failure;
	bool ok;

	mg_err_init(&failure, run->arena);
	ok = mg_lock_release(run->pg, run->lock_name, run->token, &failure);
	run->token = NULL;
	if (ok)
		return true;
	/* an earlier error stays the one that is told */
	if (err->set)
	{
		mg_log_warning("deploy lock \"%s\" could not be released: %s", run->lock_name,
					   failure.message);
		return false;
	}
	mg_err_set(err, MG_EXIT_INTERRUPTED, "deploy lock \"%s\" could not be released: %s",
			   run->lock_name, failure.message);
	if (failure.detail != NULL)
		mg_err_detail(err, "%s", failure.detail);
	return mg_err_hint(err, "The run is recorded; \"migguard status\" tells who holds the lock now.");
}

bool
mg_run_end(MgRun *run, const char *message, MgError *err)
{
	bool shielded = mg_signals_shield(true);
	bool ok;

	mg_failpoint("end.begin");
	ok = !run->begun || run->ended || end_in_ledger(run, message, err);
	mg_failpoint("end.recorded");
	if (run->pg != NULL && run->token != NULL)
		ok = release_lock(run, err) && ok;
	mg_failpoint("end.unlocked");
	mg_signals_shield(shielded);
	return ok;
}

void
mg_run_close(MgRun *run)
{
	mg_child_watch(-1, NULL, NULL);
	cJSON_Delete(run->detail);
	run->detail = NULL;
	mg_pg_close(run->pg);
	run->pg = NULL;
}

/* For mg_child_watch: something came on the guard's session. */
static bool
guard_alive(void *arg)
{
	MgRun *run = arg;
	bool shielded = mg_signals_shield(true);
	bool alive = mg_pg_alive(run->pg);

	mg_signals_shield(shielded);
	return alive;
}

/* Takes the lock again for this run, if nobody had it meanwhile. */
static bool
take_again(MgRun *run, MgError *err)
{
	char *last;
	char *token;
	int others;

	if (!mg_lock_last_token(run->pg, run->lock_name, &last, err))
		return false;
	if (strcmp(last, run->token) != 0)
		return mg_err_set(err, MG_EXIT_INTERRUPTED,
						  "another session has taken the deploy lock meanwhile");
	if (!mg_lock_try(run->pg, run->lock_name, "taken again", run->id, &token, err))
		return false;
	if (token == NULL)
		return mg_err_set(err, MG_EXIT_INTERRUPTED, "another session holds the deploy lock now");
	run->token = token;
	if (!mg_ledger_others_since(run->pg, run->lock_name, run->id, &others, err) ||
		!mg_lock_tag_session(run->pg, run->id, run->token, err))
		return false;
	if (others > 0)
		return mg_err_set(err, MG_EXIT_INTERRUPTED,
						  "%d other runs have been here since the lock was lost", others);
	return true;
}

/* Whatever kept us from taking it again, what becomes of the run is for somebody else to find out. */
static void
lose_lock(MgRun *run, const MgError *cause, MgError *err)
{
	run->lock_lost = true;
	run->token = NULL;
	mg_err_set(err, MG_EXIT_INTERRUPTED, "the session that holds the deploy lock was lost%s%s",
			   cause->set ? ": " : "", cause->set ? cause->message : "");
	if (cause->detail != NULL)
		mg_err_detail(err, "%s", cause->detail);
}

bool
mg_run_hold(MgRun *run, MgError *err)
{
	const char *token = run->token;
	bool shielded = mg_signals_shield(true);
	bool ok = true;

	if (token == NULL || !mg_pg_alive(run->pg))
	{
		MgError cause;

		mg_err_init(&cause, run->arena);
		mg_child_watch(-1, NULL, NULL);
		mg_pg_close(run->pg);
		run->pg = NULL;
		ok = token != NULL &&
			 mg_pg_open(run->arena, &run->context->target, mg_run_application_name(run, "guard"),
						&run->pg, &cause) &&
			 take_again(run, &cause);
		if (!ok)
			lose_lock(run, &cause, err);
		ok = ok && mg_run_note(run, err,
							   "the session that holds the deploy lock was lost (token %s); the lock "
							   "was free and has been taken again (token %s)",
							   token, run->token);
	}
	if (ok)
		mg_child_watch(mg_server_socket(run->pg), guard_alive, run);
	mg_signals_shield(shielded);
	return ok;
}

bool
mg_run_permit(MgRun *run, const char *step, const MgStrings *losses, MgError *err)
{
	const char *reason = mg_printf(run->arena, "%s of a run whose gates let it pass", step);
	const char *objects = "";
	const char *key;

	if (run->token == NULL)
		return mg_err_set(err, MG_EXIT_INTERRUPTED, "the deploy lock is not held");
	/* one for each token: the lock may have been lost and taken again */
	key = mg_printf(run->arena, "%s %s", run->token, step);
	if (mg_strings_has(&run->permitted, key))
		return true;
	if (losses != NULL)
	{
		objects = mg_json_strings(losses, run->arena);
		mg_run_detail_list(run, "permitted", losses);
	}
	if (!mg_permit_run(run->pg, run->id, run->token, reason, objects, err))
		return false;
	mg_strings_add(&run->permitted, key);
	return true;
}

void
mg_run_session(MgRun *run, const MgTarget *target, const char *step, MgToolSession *session)
{
	bool real = target == &run->context->target;

	memset(session, 0, sizeof *session);
	session->target = target;
	session->application_name = mg_run_application_name(run, step);
	session->run_id = run->id;
	session->fence_token = real && run->token != NULL ? run->token : "";
	session->arm_fence = real && run->arm_fence;
	session->trace = real && run->trace;
	session->server_version = run->facts.version;
	session->lock_timeout_ms = mg_config_ms(run->config, MG_SET_RUN_LOCK_TIMEOUT);
	session->concurrently_lock_timeout_ms =
		mg_config_ms(run->config, MG_SET_RUN_CONCURRENTLY_LOCK_TIMEOUT);
	session->statement_timeout_ms = mg_config_ms(run->config, MG_SET_RUN_STATEMENT_TIMEOUT);
	session->timeout_ms = mg_config_ms(run->config, MG_SET_RUN_TIMEOUT);
}
