/*
 * run_rollback.c
 *	  State rollback: what a failed run left is brought back by the tool and proved.
 */

#include <string.h>

#include "downgrade.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "repair.h"
#include "run.h"
#include "verify.h"
#include "text.h"
#include "tool_util.h"
#include "written.h"

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
prove(MgRun *run, const char *how, bool downgrade_failed, const MgStrings *written, MgError *err)
{
	MgChanges changes;
	MgRevisions now;
	bool unchanged;
	bool lost;

	if (!mg_verify_unchanged(run, &unchanged, &now, &changes, err) ||
		!mg_written_tell(run, written, &lost, err))
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
				   changes.lost.count > 0 || lost ? ", but data is lost" : "");
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
	MgDowngrade down = { 0 };
	const char *how;
	const char *repaired;
	bool failed;

	if (run->no_downgrade)
		return mg_written_look(run, &down.written, err) &&
			   mg_repair_real(run, &run->before, &how, err) &&
			   prove(run, how, false, &down.written, err);
	if (!mg_downgrade_real(run, &run->from, &down, err))
		return false;
	if (down.result.started)
		mg_run_detail_child(run, "child", &down.result);
	mg_observe_compare_live(run, MG_PASS_DOWN);
	failed = !down.ran || !mg_child_succeeded(&down.result) ||
			 !mg_revisions_equal(&down.now, &run->from);
	if (!down.ran)
		how = mg_printf(run->arena, "the downgrade failed: %s", down.failure.message);
	else if (!mg_child_succeeded(&down.result))
		how = mg_printf(run->arena, "the downgrade %s: %s",
						mg_child_describe(run->arena, &down.result),
						mg_tool_reason(run->arena, &down.result));
	else if (failed)
		how = "the downgrade exited with 0 but the revision did not come back";
	else if (!mg_repair_real(run, &run->before, &repaired, err))
		return false;
	else
		how = repaired == NULL ? "the downgrade ran" :
								 mg_printf(run->arena, "the downgrade ran, then %s", repaired);
	return prove(run, how, failed, &down.written, err);
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
