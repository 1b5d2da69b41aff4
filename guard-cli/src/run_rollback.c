/*
 * run_rollback.c
 *	  State rollback: what a failed run left is brought back by the tool and proved.
 */

#include <string.h>

#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "repair.h"
#include "run.h"
#include "verify.h"
#include "text.h"
#include "tool_util.h"

#define MOST_CHANGES 20
#define TAIL_LINES	 12

/* Names what is left to do for a person. */
static bool
describe_rest(MgRun *run, const MgRevisions *now, const MgChanges *changes, MgError *err)
{
	MgStrings invalid;

	if (changes->real.count > 0)
		mg_run_detail_list(run, "differences", &changes->real);
	mg_run_detail_revisions(run, "revisions", now);
	if (!mg_verify_invalid_indexes(run, &invalid, err))
		return false;
	if (invalid.count > 0)
		mg_run_detail_list(run, "invalid_indexes", &invalid);
	for (int i = 0; i < invalid.count; i++)
		mg_log_warning("invalid index %s was left behind; clean up by: DROP INDEX CONCURRENTLY %s",
					   invalid.items[i], invalid.items[i]);
	return true;
}

/* Compares with what was before; changes says by what it differs. */
static bool
prove(MgRun *run, const char *how, bool downgrade_failed, MgError *err)
{
	MgChanges changes;
	MgRevisions now;
	bool unchanged;

	if (!mg_verify_unchanged(run, &unchanged, &now, &changes, err))
		return false;
	if (changes.lost.count > 0)
	{
		mg_run_detail_list(run, "data_lost", &changes.lost);
		mg_log_warning("data did not come back: %s",
					   mg_changes_text(run->arena, &changes.lost, MOST_CHANGES));
	}
	if (unchanged)
	{
		run->exit_code = MG_EXIT_ROLLED_BACK;
		mg_run_say(run, "revision %s, schema equal to before%s", mg_revisions_text(run->arena, &now),
				   changes.lost.count > 0 ? ", but data is lost" : "");
		return true;
	}
	if (!describe_rest(run, &now, &changes, err))
		return false;
	run->exit_code = downgrade_failed ? MG_EXIT_ROLLBACK_FAILED : MG_EXIT_ROLLED_BACK_UNPROVED;
	mg_run_say(run, "%s; revision %s (was %s), %s from before%s%s", how,
			   mg_revisions_text(run->arena, &now), mg_revisions_text(run->arena, &run->from),
			   mg_text_count(run->arena, changes.real.count, "difference"),
			   changes.real.count > 0 ? ": " : "",
			   mg_changes_text(run->arena, &changes.real, MOST_CHANGES));
	return true;
}

/*
 * Brings the tool's revisions back to run->from and compares with run->before;
 * run->exit_code becomes 21 (proved), 22 (not proved), or 23 (the downgrade failed).
 * The state's message and detail say what was found.
 */
static bool
bring_back(MgRun *run, MgError *err)
{
	MgToolSession session;
	MgChildResult result;
	MgError failure;
	MgRevisions now;
	const char *how;
	const char *repaired;
	bool ran;

	if (run->no_downgrade)
		return mg_repair_real(run, &run->before, &how, err) && prove(run, how, false, err);
	memset(&result, 0, sizeof result);
	mg_err_init(&failure, run->arena);
	if (!mg_run_permit(run, "rollback", mg_observe_losses(run, MG_PASS_DOWN), err))
		return false;
	mg_failpoint("rollback.permitted");
	mg_run_session(run, &run->context->target, "rollback", &session);
	ran = run->tool->ops->down(run->tool, &session, &run->from, &result, &failure);
	if (result.started)
		mg_run_detail_child(run, "child", &result);
	if (!mg_run_hold(run, err) || !mg_verify_no_sessions(run, "rollback", err) ||
		!run->tool->ops->current(run->tool, run->pg, &now, err))
		return false;
	mg_failpoint("rollback.ran");
	mg_observe_live(run, MG_PASS_DOWN);
	mg_observe_compare_live(run, MG_PASS_DOWN);
	if (!ran)
		how = mg_printf(run->arena, "the downgrade failed: %s", failure.message);
	else if (!mg_child_succeeded(&result))
		how = mg_printf(run->arena, "the downgrade %s: %s", mg_child_describe(run->arena, &result),
						mg_tool_reason(run->arena, &result));
	else if (!mg_revisions_equal(&now, &run->from))
		how = "the downgrade exited with 0 but the revision did not come back";
	else if (!mg_repair_real(run, &run->before, &repaired, err))
		return false;
	else
		how = repaired == NULL ? "the downgrade ran" :
								 mg_printf(run->arena, "the downgrade ran, then %s", repaired);
	return prove(run, how,
				 !ran || !mg_child_succeeded(&result) || !mg_revisions_equal(&now, &run->from), err);
}

MgStep
mg_state_rollback(MgRun *run, MgError *err)
{
	MgChanges changes;
	MgRevisions now;
	bool unchanged;

	/* without the lock somebody else may be at work by now */
	if (!mg_run_hold(run, err))
		return MG_STEP_FAILED;
	mg_json_text(mg_run_detail(run), "reason", run->failure.message);
	if (!mg_run_event(run, "begin", err) || !mg_verify_no_sessions(run, "migrate", err) ||
		!mg_verify_unchanged(run, &unchanged, &now, &changes, err))
		return MG_STEP_FAILED;
	if (unchanged && changes.lost.count == 0)
	{
		run->exit_code = MG_EXIT_FAILED_UNCHANGED;
		mg_run_say(run, "nothing to bring back: revision %s, schema equal to before",
				   mg_revisions_text(run->arena, &now));
		return MG_STEP_OK;
	}
	return bring_back(run, err) ? MG_STEP_OK : MG_STEP_FAILED;
}
