/*
 * rollback.c
 *	  A rollback on demand: its states, from the goal to the proof.
 */
#include "rollback.h"

#include <string.h>

#include "downgrade.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_ledger.h"
#include "rehearse.h"
#include "repair.h"
#include "shadow.h"
#include "text.h"
#include "verify.h"
#include "written.h"

#define MOST_CHANGES 20
#define TAIL_LINES	 12

static bool
no_run(const char *what, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s", what);
	return mg_err_hint(err, "See \"migguard history\"; name a run by --run or a revision by --to.");
}

/* The run to undo: the one that is named, else the last one that was done. */
static bool
goal_of_run(MgRun *run, MgError *err)
{
	const char *which = run->goal_run != NULL ? run->goal_run : "done";
	MgPastRuns runs;

	if (!mg_ledger_past_runs(run->pg, run->lock_name, which, run->id, &runs, err))
		return false;
	if (runs.count == 0)
		return no_run(run->goal_run != NULL ?
						  mg_printf(run->arena, "no run \"%s\" of lock \"%s\" is in the ledger",
									run->goal_run, run->lock_name) :
						  "no run that was done is in the ledger",
					  err);
	if (run->goal_run != NULL && runs.count > 1)
		return no_run(mg_printf(run->arena, "\"%s\" begins the ids of %d runs", run->goal_run,
								runs.count),
					  err);
	if (!runs.items[0].captured)
		return no_run(mg_printf(run->arena, "run %.8s ended before it had a snapshot",
								runs.items[0].id),
					  err);
	run->goal = runs.items[0].from;
	run->goal_snapshot = (MgSnapshot){ runs.items[0].s0, runs.items[0].s0_fingerprint };
	mg_repair_recall(run, runs.items[0].rehearsal);
	mg_run_detail_text(run, "undoes", runs.items[0].id);
	return true;
}

/* A revision by name; its snapshot is that of the newest run that began there. */
static bool
goal_of_revision(MgRun *run, MgError *err)
{
	MgPastRuns runs;

	if (!run->tool->ops->locate(run->tool, &run->from, run->goal_revision, &run->goal, err))
		return false;
	if (!mg_ledger_past_runs(run->pg, run->lock_name, "", run->id, &runs, err))
		return false;
	for (int i = 0; i < runs.count; i++)
		if (runs.items[i].captured && mg_revisions_equal(&runs.items[i].from, &run->goal))
		{
			run->goal_snapshot = (MgSnapshot){ runs.items[i].s0, runs.items[i].s0_fingerprint };
			return true;
		}
	return mg_run_note(run, err,
					   "no snapshot of revision %s is stored, so that the schema came back "
					   "cannot be proved",
					   run->goal_revision);
}

/* Where an interrupted run came from, or where an interrupted rollback was to go to. */
static bool
goal_of_resumed(MgRun *run, MgError *err)
{
	const MgPastRun *past = run->resumed;
	const char *rehearsal = past->rehearsal;
	MgPastRuns undone;

	run->goal = run->resumed_back ? past->to : past->from;
	run->goal_snapshot = run->resumed_back ? (MgSnapshot){ past->s1, past->s1_fingerprint } :
											 (MgSnapshot){ past->s0, past->s0_fingerprint };
	if (run->resumed_back)
	{
		rehearsal = NULL;
		if (past->undoes != NULL &&
			!mg_ledger_past_runs(run->pg, run->lock_name, past->undoes, run->id, &undone, err))
			return false;
		if (past->undoes != NULL && undone.count == 1)
			rehearsal = undone.items[0].rehearsal;
	}
	/* the statements for a whole run do not fit a part of its first migration */
	mg_repair_recall(run, run->may_revert ? NULL : rehearsal);
	mg_run_detail_text(run, "undoes", run->resumed_back ? past->undoes : past->id);
	mg_json_bool(mg_run_detail(run), "brings_back", run->brings_back);
	return true;
}

static bool
find_goal(MgRun *run, MgError *err)
{
	if (run->resumed != NULL)
		return goal_of_resumed(run, err);
	return run->goal_revision != NULL ? goal_of_revision(run, err) : goal_of_run(run, err);
}

static MgStep
capture(MgRun *run, MgError *err)
{
	MgChanges changes;
	bool same = false;

	if (!run->tool->ops->current(run->tool, run->pg, &run->from, err) || !find_goal(run, err) ||
		!mg_schema_take(run->pg, "before rollback", run->id, &run->before, err) ||
		!mg_server_invalid_indexes(run->pg, &run->invalid_before, err))
		return MG_STEP_FAILED;
	run->here = run->before;
	run->here_revisions = run->from;
	mg_run_detail_list(run, "invalid_indexes", &run->invalid_before);
	mg_run_detail_snapshot(run, &run->before);
	mg_run_detail_revisions(run, "revisions", &run->from);
	mg_run_detail_revisions(run, "target", &run->goal);
	if (run->goal_snapshot.id != NULL)
	{
		mg_json_raw(mg_run_detail(run), "goal_snapshot_id", run->goal_snapshot.id);
		mg_run_detail_text(run, "goal_fingerprint", run->goal_snapshot.fingerprint);
	}
	if (run->goal_snapshot.id != NULL &&
		!mg_verify_same(run, &run->goal_snapshot, &same, &changes, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "revision %s, back to %s", mg_revisions_text(run->arena, &run->from),
			   mg_revisions_text(run->arena, &run->goal));
	if (!mg_revisions_equal(&run->from, &run->goal) || (!same && run->goal_snapshot.id != NULL))
		return MG_STEP_OK;
	run->exit_code = MG_EXIT_NOTHING;
	mg_run_say(run, "nothing to do: revision is %s%s", mg_revisions_text(run->arena, &run->from),
			   same ? " and the schema is as it was" : "");
	return MG_STEP_END;
}

/* What the rehearsal of the run added to its downgrade, or has in its place; pg is a clone, or NULL. */
static bool
finish(MgRun *run, MgPg *pg, const char **failed, MgError *err)
{
	MgError fault;
	const char *how = NULL;

	if (run->repair.count == 0 && !run->no_downgrade)
		return true;
	mg_err_init(&fault, run->arena);
	if (pg == NULL)
	{
		if (!mg_repair_real(run, &run->goal_snapshot, &how, err))
			return false;
		if (how != NULL)
			mg_run_detail_text(run, "repair_did", how);
	}
	else if (!mg_repair_again(run, pg, &fault))
		*failed = mg_printf(run->arena, "the repair fails: %s", fault.message);
	return true;
}

/* Reads what the downgrade did on the clone; half of it proves nothing. */
static void
observe_rehearsal(MgRun *run, MgPg *clone, bool traced, const char *failed)
{
	if (run->told_to_stop)
		return;
	mg_observe_rehearsal(run, clone, MG_PASS_DOWN, traced);
	if (failed != NULL)
		run->observation->passes[MG_PASS_DOWN].is_whole = false;
}

/* Why the tool's downgrade failed; NULL: it did not. */
static const char *
why_failed(MgRun *run, bool ran, const MgError *fault, const MgChildResult *result)
{
	if (!ran)
		return mg_printf(run->arena, "the downgrade fails: %s%s%s", fault->message,
						 fault->detail != NULL ? ": " : "",
						 fault->detail != NULL ? fault->detail : "");
	if (!mg_child_succeeded(result))
		return mg_printf(run->arena, "the downgrade %s: %s", mg_child_describe(run->arena, result),
						 mg_child_tail(run->arena, result, TAIL_LINES));
	return NULL;
}

/* The tool's downgrade on a clone. */
static void
try_tool_down(MgRun *run, const MgTarget *target, MgPg *clone, const char *step, const char **failed)
{
	bool traced = mg_observe_can_trace(run, target);
	MgToolSession session;
	MgChildResult result;
	MgError fault;
	bool ran;

	memset(&result, 0, sizeof result);
	mg_err_init(&fault, run->arena);
	mg_run_session(run, target, step, &session);
	session.trace = traced;
	ran = run->tool->ops->down(run->tool, &session, &run->goal, &result, &fault);
	*failed = why_failed(run, ran, &fault, &result);
	if (result.started)
		mg_run_detail_child(run, step, &result);
	run->told_to_stop = run->told_to_stop || result.interrupted;
	observe_rehearsal(run, clone, traced, *failed);
}

/* On the real database; it may take away what the rehearsal has, and nothing else. */
static bool
tool_down(MgRun *run, const char *step, const char **failed, MgError *err)
{
	MgDowngrade down = { 0 };
	bool lost;

	if (!mg_downgrade_real(run, &run->goal, &down, err))
		return false;
	*failed = why_failed(run, down.ran, &down.failure, &down.result);
	if (down.result.started)
		mg_run_detail_child(run, step, &down.result);
	mg_observe_compare_live(run, MG_PASS_DOWN);
	return mg_written_tell(run, &down.written, &lost, err);
}

/* Goes down, on a clone or (pg NULL) the real database. */
static bool
go_down(MgRun *run, const MgTarget *target, MgPg *pg, const char *step, const char **failed,
		MgError *err)
{
	MgRevisions now;

	*failed = NULL;
	if (!run->no_downgrade && pg != NULL)
		try_tool_down(run, target, pg, step, failed);
	else if (!run->no_downgrade && !tool_down(run, step, failed, err))
		return false;
	if (*failed == NULL && !finish(run, pg, failed, err))
		return false;
	if (!run->tool->ops->current(run->tool, pg != NULL ? pg : run->pg, &now, err))
		return false;
	if (*failed == NULL && !mg_revisions_equal(&now, &run->goal))
		*failed = mg_printf(run->arena, "the downgrade leads to revision %s, not to %s",
							mg_revisions_text(run->arena, &now),
							mg_revisions_text(run->arena, &run->goal));
	return true;
}

static bool
refuse(const char *message, const char *detail, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "%s", message);
	if (detail != NULL)
		mg_err_detail(err, "%s", detail);
	return mg_err_hint(err, "Go on all the same by --allow-irreversible, which is recorded, or put it "
							"right by hand.");
}

/* A part of the first migration, which the tool does not know of, is reverted by the server's statements. */
static bool
revert_rest(MgRun *run, MgClone *clone, MgChanges *changes, MgError *err)
{
	MgSnapshot goal;

	if (!mg_schema_copy_snapshot(run->pg, run->goal_snapshot.id, clone->pg, &goal, err) ||
		!mg_repair_rehearse(run, clone->pg, &goal, changes, err))
		return false;
	mg_repair_record(run);
	return true;
}

/* The downgrade on the clone leads to the stored snapshot. */
static bool
try_down(MgRun *run, MgClone *clone, MgError *err)
{
	MgSnapshot reached;
	MgChanges changes;
	const char *failed;

	if (!go_down(run, clone->target, clone->pg, "rehearse-down", &failed, err))
		return false;
	if (failed != NULL)
		return refuse(failed, NULL, err);
	if (run->goal_snapshot.id == NULL)
		return true;
	if (!mg_schema_take(clone->pg, "clone after rollback", NULL, &reached, err) ||
		!mg_schema_copy_snapshot(clone->pg, reached.id, run->pg, &run->rehearsed, err) ||
		!mg_schema_changes(run->pg, run->goal_snapshot.id, run->rehearsed.id, &run->bookkeeping,
						   &changes, err))
		return false;
	mg_run_detail_list(run, "downgrade_leaves", &changes.real);
	if (changes.real.count > 0 && run->may_revert && !revert_rest(run, clone, &changes, err))
		return false;
	if (changes.real.count == 0)
	{
		run->downgrade = "restores the schema";
		return true;
	}
	run->downgrade = "does not restore the schema";
	return refuse(mg_printf(run->arena, "the downgrade does not restore the schema: %s",
							mg_text_count(run->arena, changes.real.count, "difference")),
				  mg_changes_text(run->arena, &changes.real, MOST_CHANGES), err);
}

/* What the rehearsal has shown is told, and no reason to stay where nobody wants to be. */
static bool
judge(MgRun *run, MgError *err)
{
	if (!mg_observe_judge(run, err))
	{
		if (err->exit_code != MG_EXIT_REFUSED_FINDINGS)
			return false;
		mg_log_warning("%s", err->message);
		mg_err_clear(err);
	}
	mg_observe_forewarn(run, MG_PASS_DOWN, mg_config_ms(run->config, MG_SET_RUN_MAX_BLOCKING));
	return true;
}

static MgStep
rehearse(MgRun *run, MgError *err)
{
	MgClone *clone = mg_alloc(run->arena, sizeof *clone);
	MgError drop_error;
	bool ok;

	mg_err_init(&drop_error, run->arena);
	if (strcmp(mg_config_string(run->config, MG_SET_REHEARSE_MODE), "off") == 0)
	{
		mg_run_say(run, "off (%s)", mg_config_source(run->config, MG_SET_REHEARSE_MODE));
		return MG_STEP_SKIPPED;
	}
	ok = mg_clone_create(run, clone, err) && mg_rehearse_redirect(run, clone, err) &&
		 try_down(run, clone, err);
	if (!(ok && mg_shadow_park(run, clone)) && !mg_clone_drop(run, clone, &drop_error))
		mg_log_warning("scratch database %s could not be dropped: %s", clone->name,
					   drop_error.message);
	if (!ok && !run->told_to_stop && err->exit_code == MG_EXIT_REFUSED_REHEARSAL &&
		mg_config_bool(run->config, MG_SET_RUN_ALLOW_IRREVERSIBLE))
	{
		mg_log_warning("%s", err->message);
		mg_run_detail_text(run, "allowed", err->message);
		mg_err_clear(err);
		ok = true;
	}
	if (!ok || !mg_run_hold(run, err) || !judge(run, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "on a scratch database, %s: the downgrade %s", mg_shadow_text(run, clone),
			   run->downgrade != NULL ? run->downgrade : "runs; what it restores is not known");
	return MG_STEP_OK;
}

/* How it ended, from what is there now. */
static bool
conclude(MgRun *run, const char *failed, MgError *err)
{
	MgChanges changes;
	MgRevisions now;
	bool unchanged;

	memset(&changes, 0, sizeof changes);
	if (failed != NULL)
	{
		if (!mg_verify_unchanged(run, &unchanged, &now, &changes, err))
			return false;
		run->exit_code = unchanged ? MG_EXIT_FAILED_UNCHANGED : MG_EXIT_ROLLBACK_FAILED;
		mg_run_say(run, "%s; %s", failed,
				   unchanged ? "nothing has changed" : "the database is in between");
		return true;
	}
	if (!mg_schema_take(run->pg, "after rollback", run->id, &run->after, err))
		return false;
	if (run->goal_snapshot.id == NULL)
	{
		run->exit_code = MG_EXIT_ROLLED_BACK_UNPROVED;
		mg_run_say(run, "revision %s; there is no snapshot to compare with",
				   mg_revisions_text(run->arena, &run->goal));
		return true;
	}
	if (!mg_schema_changes(run->pg, run->goal_snapshot.id, run->after.id, &run->bookkeeping,
						   &changes, err))
		return false;
	run->exit_code = changes.real.count == 0 ? MG_EXIT_DONE : MG_EXIT_ROLLED_BACK_UNPROVED;
	if (changes.real.count > 0)
		mg_run_detail_list(run, "differences", &changes.real);
	mg_run_say(run, "revision %s, %s%s", mg_revisions_text(run->arena, &run->goal),
			   changes.real.count == 0 ? "schema equal to the one before" : "differences: ",
			   mg_changes_text(run->arena, &changes.real, MOST_CHANGES));
	return true;
}

static MgStep
bring_back(MgRun *run, MgError *err)
{
	const char *failed;

	if (!mg_run_hold(run, err) || !mg_run_event(run, "begin", err) ||
		!go_down(run, &run->context->target, NULL, "rollback", &failed, err) ||
		!conclude(run, failed, err))
		return MG_STEP_FAILED;
	return MG_STEP_OK;
}

const MgStateRow mg_rollback_table[] = {
	{ MG_STATE_PREFLIGHT, mg_state_preflight, MG_STATE_LOCK, MG_STATE_END,
	  MG_EXIT_REFUSED_PREFLIGHT, .plan = true },
	{ MG_STATE_LOCK, mg_state_lock, MG_STATE_CAPTURE, MG_STATE_END, MG_EXIT_REFUSED_LOCK,
	  .plan = true },
	{ MG_STATE_CAPTURE, capture, MG_STATE_REHEARSE, MG_STATE_END, MG_EXIT_REFUSED_PREFLIGHT,
	  .plan = true },
	{ MG_STATE_REHEARSE, rehearse, MG_STATE_ROLLBACK, MG_STATE_END, MG_EXIT_REFUSED_REHEARSAL,
	  .plan = true },
	{ MG_STATE_ROLLBACK, bring_back, MG_STATE_END, MG_STATE_END, MG_EXIT_ROLLBACK_FAILED,
	  .touches = true, .shielded = true },
};
const int mg_rollback_table_count = sizeof mg_rollback_table / sizeof mg_rollback_table[0];
