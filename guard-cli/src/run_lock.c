/*
 * run_lock.c
 *	  State lock: waiting for it, what an earlier run left, reading all state again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "recover.h"
#include "run.h"
#include "text.h"

#define POLL_MIN_MS	 50
#define POLL_SOON_MS 250
#define POLL_MAX_MS	 1000

/*
 * Waits a random while, so that waiters do not march in step, and longer when it has waited
 * for long, so that many of them leave the machine to the work of the one that has the lock.
 * False when a signal came.
 */
static bool
pause_a_while(MgRun *run, long long waited_ms, long long left_ms, MgError *err)
{
	long long most = waited_ms / 4;
	long long ms;

	most = most < POLL_SOON_MS ? POLL_SOON_MS : most > POLL_MAX_MS ? POLL_MAX_MS : most;
	ms = POLL_MIN_MS + random() % (most - POLL_MIN_MS + 1);
	return mg_run_pause(run, ms < left_ms ? ms : left_ms > 0 ? left_ms : 1, err);
}

static bool
refuse(MgRun *run, long long wait_ms, MgError *err)
{
	char *holder;

	if (!mg_lock_holder(run->pg, run->lock_name, &holder, err))
		return false;
	mg_err_set(err, MG_EXIT_REFUSED_LOCK, "deploy lock \"%s\" not obtained within %lld s",
			   run->lock_name, wait_ms / 1000);
	if (holder != NULL)
		mg_err_detail(err, "%s", holder);
	return mg_err_hint(err, "Wait for the other deploy, set [lock] wait, or, when its holder is "
							"dead for good, use \"migguard lock break\".");
}

/* Asks again and again: waiting inside the server would block CREATE INDEX CONCURRENTLY. */
static bool
take(MgRun *run, MgError *err)
{
	long long wait_ms = mg_config_ms(run->config, MG_SET_LOCK_WAIT);
	long long until = mg_clock_us() + wait_ms * 1000;
	const char *reason =
		mg_printf(run->arena, "migguard to %s", mg_revisions_text(run->arena, &run->to));
	bool told = false;
	char *token;

	/* distinct for each guard, whatever started them together */
	srandom((unsigned) strtoul(run->short_id, NULL, 16));
	while (true)
	{
		char *holder;
		long long now;

		if (!mg_lock_try(run->pg, run->lock_name, reason, run->id, &token, err))
			return false;
		if (token != NULL)
			break;
		now = mg_clock_us();
		if (now >= until)
			return refuse(run, wait_ms, err);
		if (!told && !mg_lock_holder(run->pg, run->lock_name, &holder, err))
			return false;
		if (!told)
			mg_log_info("waiting for deploy lock \"%s\"%s%s", run->lock_name,
						holder != NULL ? ": " : "", holder != NULL ? holder : "");
		told = true;
		if (!pause_a_while(run, wait_ms - (until - now) / 1000, (until - now) / 1000, err))
			return false;
	}
	mg_failpoint("lock.taken");
	run->token = token;
	mg_run_detail_text(run, "token", token);
	/* the run's own writes are fenced too, and every child dies with this session */
	return mg_lock_tag_session(run->pg, run->id, run->token, err) && mg_run_hold(run, err);
}

/* The work may have been done by whoever held the lock before. */
static bool
read_again(MgRun *run, MgError *err)
{
	MgRevisions now;

	if (!run->tool->ops->current(run->tool, run->pg, &now, err))
		return false;
	if (mg_revisions_equal(&now, &run->from) && !run->tool_error.set)
		return true;
	mg_err_clear(&run->tool_error);
	return mg_run_read_work(run, err) && run->tool->ops->check(run->tool, run->pg, &run->from, err);
}

/* What the tool says of its own files is a refusal here, as it is in preflight. */
static void
as_refusal(MgError *err)
{
	if (err->exit_code >= MG_EXIT_USAGE)
		err->exit_code = MG_EXIT_REFUSED_PREFLIGHT;
}

MgStep
mg_state_lock(MgRun *run, MgError *err)
{
	if (!take(run, err))
		return MG_STEP_FAILED;
	run->arm_fence = mg_server_can_preload(run->arena, &run->context->target,
										   mg_run_application_name(run, "probe"));
	run->trace = run->arm_fence && mg_config_bool(run->config, MG_SET_RUN_TRACE);
	mg_run_detail_text(run, "fence",
					   run->arm_fence ? "armed in the tool's sessions" :
										"by the server's settings only");
	mg_failpoint("lock.tagged");
	if (run->kind == MG_RUN_RESUME)
	{
		MgStep step = mg_recover_resume(run, err);

		mg_failpoint("recover.done");
		if (step == MG_STEP_FAILED)
			as_refusal(err);
		return step;
	}
	if (!mg_recover(run, err))
		return MG_STEP_FAILED;
	mg_failpoint("recover.done");
	if (run->kind == MG_RUN_ROLLBACK)
		return MG_STEP_OK;
	if (!read_again(run, err))
	{
		as_refusal(err);
		return MG_STEP_FAILED;
	}
	if (run->pending.count == 0)
	{
		run->exit_code = MG_EXIT_NOTHING;
		mg_run_say(run, "nothing to do at revision %s", mg_revisions_text(run->arena, &run->from));
		return MG_STEP_END;
	}
	mg_run_say(run, "token %s, %s -> %s, %s", run->token, mg_revisions_text(run->arena, &run->from),
			   mg_revisions_text(run->arena, &run->to),
			   mg_text_count(run->arena, run->pending.count, "migration"));
	return MG_STEP_OK;
}
