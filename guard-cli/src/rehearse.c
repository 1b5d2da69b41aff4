/*
 * rehearse.c
 *	  State rehearse: up, down, up on a clone.
 */
#include <string.h>

#include "failpoint.h"
#include "json.h"
#include "lock_blockers.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_ledger.h"
#include "rehearse.h"
#include "repair.h"
#include "shadow.h"
#include "text.h"

#define MOST_CHANGES 20
#define TAIL_LINES	 12

/* What is rehearsed so far. */
typedef struct Rehearsal
{
	MgRun *run;
	MgClone *clone;
	MgSnapshot up; /* S1', stored in the clone */
	bool is_up;	   /* the clone is at S1' once more */
	bool trace;	   /* the tool's sessions are observed */
} Rehearsal;

static bool
refuse(const char *message, const char *detail, const char *hint, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "%s", message);
	if (detail != NULL && *detail != '\0')
		mg_err_detail(err, "%s", detail);
	if (hint != NULL)
		mg_err_hint(err, "%s", hint);
	return false;
}

bool
mg_rehearse_redirect(MgRun *run, const MgClone *clone, MgError *err)
{
	MgToolSession session;
	MgChildResult result;

	mg_run_session(run,
				   mg_target_with_database(run->arena, clone->target,
										   mg_printf(run->arena, "migguard_%s_nowhere",
													 run->short_id)),
				   "probe", &session);
	memset(&result, 0, sizeof result);
	if (!run->tool->ops->probe(run->tool, &session, &result, err))
		return false;
	if (result.interrupted)
	{
		run->told_to_stop = true;
		return mg_err_set(err, MG_EXIT_FAILED_UNCHANGED, "told to stop during the rehearsal");
	}
	if (!mg_child_succeeded(&result))
		return true;
	return refuse(mg_printf(run->arena, "%s does not go where it is told to", run->tool->ops->name),
				  "Sent to a database that does not exist, it succeeded, so it has found another one, "
				  "which may be the real one.",
				  "Let it take its URL from the environment: see [tool] url_env and section [env]; or "
				  "turn the rehearsal off by [rehearse] mode = off.",
				  err);
}

/*
 * A migration in no transaction is there before its record is.  A run that died in between
 * has a rest that fails, and only a person can tell whether the whole of it is there.
 */
static bool
fails(MgRun *run, MgDirection direction, const char *why, const char *detail, const char *hint,
	  MgError *err)
{
	if (direction == MG_UP && run->carries_on && run->pending.count > 0)
		hint =
			mg_printf(run->arena,
					  "What migration %s makes may be there without its record, when it runs in no "
					  "transaction. If it is there whole, set the tool's revision to %s (alembic stamp, "
					  "flyway repair, safedeploy.record_migration()), if in part, take that part "
					  "away; then run \"migguard resume\".",
					  run->pending.items[0].id, run->pending.items[0].id);
	return refuse(mg_printf(run->arena, "the %s fails on the clone: %s",
							direction == MG_UP ? "upgrade" : "downgrade", why),
				  detail, hint, err);
}

/* Runs the tool on the clone; false with the reason when that did not lead to the revisions. */
static bool
go(Rehearsal *r, MgDirection direction, const char *step, const MgRevisions *to, MgError *err)
{
	MgRun *run = r->run;
	MgToolSession session;
	MgChildResult result;
	MgRevisions now;
	MgError fault;
	bool ran;

	memset(&result, 0, sizeof result);
	mg_err_init(&fault, run->arena);
	mg_run_session(run, r->clone->target, step, &session);
	session.trace = r->trace;
	ran = direction == MG_UP ?
			  run->tool->ops->up(run->tool, &session, run->target_revision, &result, &fault) :
			  run->tool->ops->down(run->tool, &session, to, &result, &fault);
	if (result.started)
		mg_run_detail_child(run, step, &result);
	if (result.interrupted)
	{
		run->told_to_stop = true;
		return mg_err_set(err, MG_EXIT_FAILED_UNCHANGED, "told to stop during the rehearsal");
	}
	if (!ran)
		return fails(run, direction, fault.message, fault.detail, fault.hint, err);
	if (!mg_child_succeeded(&result))
		return fails(run, direction,
					 mg_printf(run->arena, "%s %s", run->tool->ops->name,
							   mg_child_describe(run->arena, &result)),
					 mg_child_tail(run->arena, &result, TAIL_LINES), NULL, err);
	if (!run->tool->ops->current(run->tool, r->clone->pg, &now, err))
		return false;
	if (!mg_revisions_equal(&now, to))
		return refuse(mg_printf(run->arena, "the %s leads to revision %s on the clone, not to %s",
								direction == MG_UP ? "upgrade" : "downgrade",
								mg_revisions_text(run->arena, &now),
								mg_revisions_text(run->arena, to)),
					  NULL, NULL, err);
	return true;
}

/* Compares the clone as it is with one of its snapshots. */
static bool
compare(Rehearsal *r, const MgSnapshot *snapshot, MgChanges *changes, MgError *err)
{
	return mg_schema_changes(r->clone->pg, snapshot->id, NULL, &r->run->bookkeeping, changes, err);
}

static bool
first_up(Rehearsal *r, MgError *err)
{
	r->trace = mg_observe_can_trace(r->run, r->clone->target);
	if (!go(r, MG_UP, "rehearse-up", &r->run->to, err))
		return false;
	mg_failpoint("rehearse.up");
	mg_observe_rehearsal(r->run, r->clone->pg, MG_PASS_UP, r->trace);
	return mg_schema_take(r->clone->pg, "clone after", NULL, &r->up, err);
}

/* What is to be said of a way back that restores the schema. */
static void
praise(MgRun *run, const MgChanges *changes)
{
	const char *who = run->no_downgrade ? "reverting" : "the downgrade";

	run->downgrade = run->no_downgrade ? "fails, and statements of the server restore the schema" :
					 run->repair.count > 0 ? "restores the schema with what the server adds to it" :
											 "restores the schema";
	if (changes->order.count > 0)
	{
		run->downgrade = mg_printf(run->arena, "%s but for the order of columns", run->downgrade);
		mg_log_warning("%s restores the schema but for the order of columns: %s", who,
					   mg_changes_text(run->arena, &changes->order, MOST_CHANGES));
	}
	if (changes->lost.count > 0)
	{
		run->downgrade = mg_printf(run->arena, "%s, but not the data", run->downgrade);
		mg_run_detail_list(run, "downgrade_loses", &changes->lost);
		mg_log_warning("%s restores the schema, but not the data: %s", who,
					   mg_changes_text(run->arena, &changes->lost, MOST_CHANGES));
	}
}

/* The tool's downgrade and what it leaves; when it fails and left all as it was, statements in its place. */
static bool
tool_down(Rehearsal *r, MgChanges *changes, MgError *err)
{
	MgRun *run = r->run;
	MgError fault;
	MgChanges moved;
	bool went;

	mg_err_init(&fault, run->arena);
	if (r->trace)
		mg_observe_predict_down(run, r->clone->pg);
	went = go(r, MG_DOWN, "rehearse-down", &run->from, &fault);
	mg_failpoint("rehearse.down");
	if (!run->told_to_stop)
		mg_observe_rehearsal(run, r->clone->pg, MG_PASS_DOWN, r->trace);
	/* half of it proves nothing */
	if (!went)
		run->observation->passes[MG_PASS_DOWN].is_whole = false;
	if (went)
	{
		if (!compare(r, &r->clone->before, changes, err))
			return false;
		mg_run_detail_list(run, "downgrade_leaves", &changes->real);
		return changes->real.count == 0 ||
			   mg_repair_rehearse(run, r->clone->pg, &r->clone->before, changes, err);
	}
	if (run->told_to_stop || fault.exit_code != MG_EXIT_REFUSED_REHEARSAL)
	{
		*err = fault;
		return false;
	}
	mg_run_detail_text(run, "downgrade_fails", fault.message);
	if (!compare(r, &r->up, &moved, err))
		return false;
	if (moved.real.count == 0 &&
		!mg_repair_instead(run, r->clone->pg, &r->clone->before, changes, err))
		return false;
	if (run->no_downgrade)
		return true;
	*err = fault;
	return false;
}

/* Down, and what it leaves; *restores false when that is not what was there before. */
static bool
down(Rehearsal *r, bool *restores, MgError *err)
{
	MgRun *run = r->run;
	MgChanges changes = { 0 };

	*restores = false;
	if (!tool_down(r, &changes, err))
		return false;
	mg_run_detail_list(run, "downgrade_reorders", &changes.order);
	*restores = changes.real.count == 0;
	if (*restores)
	{
		praise(run, &changes);
		mg_repair_record(run);
		return true;
	}
	run->downgrade = "does not restore the schema";
	return refuse(mg_printf(run->arena, "the downgrade does not restore the schema: %s",
							mg_text_count(run->arena, changes.real.count, "difference")),
				  mg_changes_text(run->arena, &changes.real, MOST_CHANGES),
				  "Correct the downgrade, or go on without a way back by [run] allow_irreversible = on "
				  "or --allow-irreversible, which is recorded.",
				  err);
}

static bool
second_up(Rehearsal *r, MgError *err)
{
	MgRun *run = r->run;
	MgChanges changes;

	if (!go(r, MG_UP, "rehearse-up-again", &run->to, err))
	{
		if (!run->told_to_stop)
			err->message = mg_printf(run->arena, "after the downgrade, %s", err->message);
		return false;
	}
	mg_failpoint("rehearse.again");
	mg_observe_rehearsal(run, r->clone->pg, MG_PASS_AGAIN, r->trace);
	if (!compare(r, &r->up, &changes, err))
		return false;
	r->is_up = changes.real.count == 0;
	if (r->is_up)
		return true;
	return refuse(mg_printf(run->arena, "the upgrade after the downgrade leads to another schema: %s",
							mg_text_count(run->arena, changes.real.count, "difference")),
				  mg_changes_text(run->arena, &changes.real, MOST_CHANGES), NULL, err);
}

/* Down and up again; a downgrade that is no way back is let through only when that is wanted. */
static bool
way_back(Rehearsal *r, MgError *err)
{
	MgRun *run = r->run;
	bool restores;

	if (down(r, &restores, err))
		return second_up(r, err);
	if (run->told_to_stop || err->exit_code != MG_EXIT_REFUSED_REHEARSAL ||
		!mg_config_bool(run->config, MG_SET_RUN_ALLOW_IRREVERSIBLE))
		return false;
	if (run->downgrade == NULL)
		run->downgrade = "fails";
	mg_log_warning("%s%s%s", err->message, err->detail != NULL ? ": " : "",
				   err->detail != NULL ? err->detail : "");
	mg_run_detail_text(run, "allowed", err->message);
	mg_run_detail_text(run, "allowed_by",
					   mg_config_source(run->config, MG_SET_RUN_ALLOW_IRREVERSIBLE));
	mg_err_clear(err);
	return true;
}

/* The rest of an interrupted run cannot be gone on with. */
static bool
refuse_rest(const char *message, const char *detail, MgError *err)
{
	return refuse(message, detail,
				  "Bring it back by \"migguard rollback --run\", or put it right by hand and run again "
				  "with --accept-state.",
				  err);
}

/*
 * The rest of an interrupted run is rehearsed from what is there, and measured by the
 * ends of that run: down leads to its S0, up to what it had rehearsed.  So what is there
 * is a part of that run, and nothing else.
 */
static bool
take_start(Rehearsal *r, MgError *err)
{
	return !r->run->carries_on || mg_schema_copy_snapshot(r->run->pg, r->run->before.id,
														  r->clone->pg, &r->clone->before, err);
}

static bool
same_end(MgRun *run, MgError *err)
{
	MgChanges changes;

	if (!run->carries_on || run->resumed->s1 == NULL)
		return true;
	if (!mg_schema_changes(run->pg, run->resumed->s1, run->rehearsed.id, &run->bookkeeping,
						   &changes, err))
		return false;
	return changes.real.count == 0 ||
		   refuse_rest(mg_printf(run->arena,
								 "going on from here does not lead to what run %.8s had rehearsed: %s",
								 run->resumed->id,
								 mg_text_count(run->arena, changes.real.count, "difference")),
					   mg_changes_text(run->arena, &changes.real, MOST_CHANGES), err);
}

/* Of the tool's own tables as they were before the run, which may be the interrupted one. */
static bool
keep_rows(MgRun *run, MgError *err)
{
	if (!run->carries_on)
		return mg_repair_keep_rows(run, err);
	mg_repair_recall(run, run->resumed->rehearsal);
	mg_strings_init(&run->repair, run->arena);
	run->no_downgrade = false;
	return true;
}

MgStep
mg_state_rehearse(MgRun *run, MgError *err)
{
	Rehearsal r = { .run = run, .clone = mg_alloc(run->arena, sizeof(MgClone)) };
	MgError drop_error;
	bool ok;

	mg_err_init(&drop_error, run->arena);
	if (strcmp(mg_config_string(run->config, MG_SET_REHEARSE_MODE), "off") == 0)
	{
		if (run->carries_on)
		{
			refuse_rest("without a rehearsal nothing proves that what is there is a part of the run",
						NULL, err);
			return MG_STEP_FAILED;
		}
		mg_run_say(run, "off (%s): neither the upgrade nor the way back is tried beforehand",
				   mg_config_source(run->config, MG_SET_REHEARSE_MODE));
		return mg_blockers_report(run, MG_PASS_UP, err) ? MG_STEP_SKIPPED : MG_STEP_FAILED;
	}
	ok = keep_rows(run, err) && mg_clone_create(run, r.clone, err) &&
		 mg_rehearse_redirect(run, r.clone, err) && take_start(&r, err) && first_up(&r, err) &&
		 way_back(&r, err) &&
		 mg_schema_copy_snapshot(r.clone->pg, r.up.id, run->pg, &run->rehearsed, err) &&
		 same_end(run, err);
	mg_failpoint("rehearse.copied");
	/* in all cases; a failure of its own does not hide the first one */
	if (!(ok && r.is_up && !run->carries_on && mg_shadow_park(run, r.clone)) &&
		!mg_clone_drop(run, r.clone, &drop_error))
	{
		mg_log_warning("scratch database %s could not be dropped: %s", r.clone->name,
					   drop_error.message);
		mg_run_detail_text(run, "scratch_left", r.clone->name);
	}
	if (run->downgrade != NULL)
		mg_run_detail_text(run, "downgrade", run->downgrade);
	if (!ok || !mg_run_hold(run, err) || !mg_observe_judge(run, err))
		return MG_STEP_FAILED;
	mg_observe_forewarn(run, MG_PASS_UP, mg_config_ms(run->config, MG_SET_RUN_MAX_BLOCKING));
	if (!mg_blockers_report(run, MG_PASS_UP, err))
		return MG_STEP_FAILED;
	mg_run_detail_snapshot(run, &run->rehearsed);
	mg_run_say(run, "on a scratch database of %s, %s: up, down, up; the downgrade %s",
			   mg_config_string(run->config, MG_SET_REHEARSE_URL) != NULL ? "another server" :
																			"the same server",
			   mg_shadow_text(run, r.clone), run->downgrade);
	return MG_STEP_OK;
}
