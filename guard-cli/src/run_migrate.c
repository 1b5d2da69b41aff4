/*
 * run_migrate.c
 *	  State migrate: the tool on the real database, once or, after lock time-outs, again.
 */
#include <poll.h>
#include <string.h>

#include "failpoint.h"
#include "log.h"
#include "observe.h"
#include "run.h"
#include "signals.h"
#include "verify.h"
#include "text.h"

#define RETRY_PAUSE_MS 500
#define TAIL_LINES	   12

/* What the drivers of the wrapped tools write when lock_timeout strikes. */
static bool
hit_lock_timeout(const MgChildResult *result)
{
	static const char *const signs[] = { "55P03", "LockNotAvailable",
										 "canceling statement due to lock timeout" };

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strstr(result->out, signs[i]) != NULL || strstr(result->err, signs[i]) != NULL)
			return true;
	return false;
}

/* One start of the tool, to the end of its last session. */
static bool
run_tool(MgRun *run, MgChildResult *result, MgError *err)
{
	MgToolSession session;
	bool ran;

	if (!mg_run_permit(run, "migrate", mg_observe_losses(run, MG_PASS_UP), err))
		return false;
	mg_failpoint("migrate.permitted");
	mg_run_session(run, &run->context->target, "migrate", &session);
	ran = run->tool->ops->up(run->tool, &session, run->target_revision, result, err);
	if (!ran)
		return false;
	mg_run_detail_child(run, "child", result);
	if (result->interrupted)
	{
		run->told_to_stop = true;
		mg_signals_shield(true);
	}
	if (!mg_run_hold(run, err) || !mg_verify_no_sessions(run, "migrate", err))
		return false;
	mg_failpoint("migrate.ran");
	mg_observe_live(run, MG_PASS_UP);
	return true;
}

/* Says why the tool's run does not count, whatever it exited with. */
static bool
judge(MgRun *run, const MgChildResult *result, const MgRevisions *now, MgError *err)
{
	const char *tool = run->tool->ops->name;
	const char *tail = mg_child_tail(run->arena, result, TAIL_LINES);

	if (mg_child_succeeded(result) && mg_revisions_equal(now, &run->to))
		return true;
	if (!mg_child_succeeded(result))
		mg_err_set(err, MG_EXIT_INTERRUPTED, "%s %s", tool, mg_child_describe(run->arena, result));
	else if (mg_revisions_equal(now, &run->from))
		mg_err_set(err, MG_EXIT_INTERRUPTED, "%s exited with 0 but did nothing: revision is still %s",
				   tool, mg_revisions_text(run->arena, now));
	else
		mg_err_set(err, MG_EXIT_INTERRUPTED, "%s exited with 0 but revision is %s, not %s", tool,
				   mg_revisions_text(run->arena, now), mg_revisions_text(run->arena, &run->to));
	if (*tail != '\0')
		mg_err_detail(err, "%s", tail);
	return false;
}

MgStep
mg_state_migrate(MgRun *run, MgError *err)
{
	static const char *const of_attempt[] = { "child", "run_statement_digest", "statements",
											  "differs_from_rehearsal" };
	int retries = mg_config_int(run->config, MG_SET_RUN_LOCK_RETRIES);

	for (int attempt = 0;; attempt++)
	{
		MgChildResult result;
		MgRevisions now;
		MgChanges changes;
		bool unchanged;

		for (size_t i = 0; i < sizeof of_attempt / sizeof of_attempt[0]; i++)
			cJSON_DeleteItemFromObject(mg_run_detail(run), of_attempt[i]);
		if (!run_tool(run, &result, err) || !run->tool->ops->current(run->tool, run->pg, &now, err))
			return MG_STEP_FAILED;
		if (judge(run, &result, &now, err))
		{
			mg_run_say(run, "%s %s%s", run->tool->ops->name, mg_child_describe(run->arena, &result),
					   attempt == 0 ? "" :
									  mg_printf(run->arena, " after %s",
												mg_text_count(run->arena, attempt, "retry")));
			return MG_STEP_OK;
		}
		if (run->told_to_stop || attempt >= retries || !hit_lock_timeout(&result))
			return MG_STEP_FAILED;
		if (!mg_verify_unchanged(run, &unchanged, &now, &changes, err) || !unchanged)
			return MG_STEP_FAILED;
		mg_err_clear(err);
		if (!mg_run_note(run, err, "%s hit lock_timeout and changed nothing; attempt %d of %d",
						 run->tool->ops->name, attempt + 2, retries + 1))
			return MG_STEP_FAILED;
		poll(&(struct pollfd){ .fd = mg_signals_fd(), .events = POLLIN }, 1,
			 RETRY_PAUSE_MS * (attempt + 1));
	}
}
