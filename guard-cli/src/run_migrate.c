/*
 * run_migrate.c
 *	  State migrate: the tool on the real database, and again where it lost a race for a lock.
 */
#include <string.h>

#include "attempts.h"
#include "failpoint.h"
#include "log.h"
#include "run.h"
#include "signals.h"
#include "text.h"
#include "verify.h"

#define TAIL_LINES 12

/* One start of the tool, to the end of its last session. */
static bool
run_tool(MgAttempts *attempts, MgChildResult *result, MgError *err)
{
	MgRun *run = attempts->run;
	MgToolSession session;
	bool ran;

	memset(result, 0, sizeof *result);
	if (!mg_attempt_begin(attempts, err) ||
		!mg_run_permit(run, "migrate", mg_observe_losses(run, MG_PASS_UP), err))
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
	else if (mg_revisions_equal(now, &run->here_revisions))
		mg_err_set(err, MG_EXIT_INTERRUPTED, "%s exited with 0 but did nothing: revision is still %s",
				   tool, mg_revisions_text(run->arena, now));
	else
		mg_err_set(err, MG_EXIT_INTERRUPTED, "%s exited with 0 but revision is %s, not %s", tool,
				   mg_revisions_text(run->arena, now), mg_revisions_text(run->arena, &run->to));
	if (*tail != '\0')
		mg_err_detail(err, "%s", tail);
	return false;
}

/*
 * What was applied since this run began is whole, and the rest is what was pending behind it: every
 * transaction that changed something has put it on record as well, and the tool
 * wraps what comes next in one.
 */
static bool
may_go_on(MgRun *run, const MgRevisions *now, const MgChanges *changes, int *applied, MgError *err)
{
	MgMigrations rest;
	MgRevisions to;
	int done;

	*applied = 0;
	if (!mg_observe_each_recorded(run, MG_PASS_UP) ||
		!run->tool->ops->check(run->tool, run->pg, now, err) ||
		!run->tool->ops->pending(run->tool, run->pg, now, run->target_revision, &rest, &to, err))
		return false;
	done = run->pending.count - rest.count;
	if (done < 0 || rest.count == 0 || !mg_revisions_equal(&to, &run->to) ||
		(done == 0 && changes->real.count > 0))
		return false;
	for (int i = 0; i <= done; i++)
		if (!run->pending.items[i].transactional)
			return false;
	for (int i = 0; i < rest.count; i++)
		if (strcmp(rest.items[i].id, run->pending.items[done + i].id) != 0)
			return false;
	*applied = done;
	return true;
}

/* What the failed attempt leaves lets another one follow; *what_stays says what it leaves. */
static bool
may_follow(MgAttempts *attempts, const char **what_stays, MgError *err)
{
	MgRun *run = attempts->run;
	MgRevisions now;
	MgChanges changes;
	MgError fault;
	bool as_found;
	int applied;

	if (!mg_attempt_may_follow(attempts) || !mg_verify_as_found(run, &as_found, &now, &changes, err))
		return false;
	*what_stays = "changed nothing";
	if (as_found)
		return true;
	mg_err_init(&fault, run->arena);
	if (!may_go_on(run, &now, &changes, &applied, &fault))
		return false;
	*what_stays = applied == 0 ?
					  "changed nothing but its own records" :
					  mg_printf(run->arena, "has applied %d of %s, which are whole and stay",
								applied, mg_text_count(run->arena, run->pending.count, "migration"));
	return true;
}

MgStep
mg_state_migrate(MgRun *run, MgError *err)
{
	static const char *const of_attempt[] = { "child", "run_statement_digest", "statements",
											  "differs_from_rehearsal" };
	MgAttempts attempts;

	mg_attempts_init(&attempts, run, "migrate", MG_PASS_UP);
	while (true)
	{
		MgChildResult result;
		MgRevisions now;
		const char *what_stays;
		bool ran;

		for (size_t i = 0; i < sizeof of_attempt / sizeof of_attempt[0]; i++)
			cJSON_DeleteItemFromObject(mg_run_detail(run), of_attempt[i]);
		ran = run_tool(&attempts, &result, err);
		mg_attempt_end(&attempts, &result);
		if (!ran || !run->tool->ops->current(run->tool, run->pg, &now, err))
			return MG_STEP_FAILED;
		if (judge(run, &result, &now, err))
		{
			mg_observe_compare_live(run, MG_PASS_UP);
			mg_run_say(run, "%s %s%s%s", run->tool->ops->name, mg_child_describe(run->arena, &result),
					   attempts.number == 1 ?
						   "" :
						   mg_printf(run->arena, " after %s",
									 mg_text_count(run->arena, attempts.number - 1, "retry")),
					   mg_attempts_text(&attempts));
			return MG_STEP_OK;
		}
		if (!may_follow(&attempts, &what_stays, err))
		{
			mg_observe_compare_live(run, MG_PASS_UP);
			if (mg_attempts_hint(&attempts) != NULL)
				mg_err_hint(err, "%s", mg_attempts_hint(&attempts));
			return MG_STEP_FAILED;
		}
		mg_err_clear(err);
		if (!mg_attempt_pause(&attempts, what_stays, err))
			return MG_STEP_FAILED;
	}
}
