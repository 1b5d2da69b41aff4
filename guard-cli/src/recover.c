/*
 * recover.c
 *	  Carries out the verdicts on dead runs.
 */
#include "recover.h"

#include <poll.h>
#include <string.h>

#include "clone.h"
#include "json.h"
#include "judge.h"
#include "log.h"
#include "signals.h"
#include "text.h"
#include "verify.h"

#define MOST_INDEXES 10
#define MOST_LOOKS	 3
/* A guard that has lost the lock sees that within the blink of an eye, and says so in the ledger. */
#define GUARD_WAIT_MS 5000
#define GUARD_POLL_MS 100

static const char *
state_of(const MgPastRun *past)
{
	return past->last_state != NULL ? past->last_state : "preflight";
}

/* Ends what still works for a dead run; *stuck when it does not end. */
static bool
end_sessions(MgRun *run, const MgPastRun *past, const MgStrings *living, bool *stuck, MgError *err)
{
	int ended;

	for (int i = 0; i < living->count; i++)
	{
		MgError fault;

		mg_err_init(&fault, run->arena);
		if (!mg_server_end_sessions(run->pg, living->items[i], 0, &ended, &fault))
		{
			/* it does not end, or may not be ended by this role */
			*stuck = mg_pg_alive(run->pg) && mg_signals_pending() == 0;
			if (*stuck)
				return true;
			*err = fault;
			return false;
		}
		if (ended > 0 &&
			!mg_run_note(run, err, "%d sessions of dead run %.8s were ended", ended, past->id))
			return false;
	}
	return true;
}

/* Judges a run once nothing of it moves any more; a guard that ends meanwhile may say how. */
static bool
look(MgRun *run, MgPastRun *past, bool overtaken, MgFinding *finding, MgError *err)
{
	bool stuck = false;
	int waited = 0;

	for (int looks = 0; mg_judge(run, past, overtaken, finding, err);)
	{
		if (finding->facts.sessions == MG_SESSION_GUARD &&
			finding->verdict->remedy == MG_REMEDY_REFUSE && waited < GUARD_WAIT_MS)
		{
			MgPastRuns now;

			poll(NULL, 0, GUARD_POLL_MS);
			waited += GUARD_POLL_MS;
			if (!mg_ledger_past_runs(run->pg, run->lock_name, past->id, run->id, &now, err))
				return false;
			if (now.count == 1 && now.items[0].result != NULL)
				*past = now.items[0];
			continue;
		}
		if (finding->verdict->remedy != MG_REMEDY_END || run->dry)
			return true;
		if (!end_sessions(run, past, &finding->living, &stuck, err))
			return false;
		if (stuck || ++looks == MOST_LOOKS)
		{
			finding->facts.sessions = MG_SESSION_STUCK;
			mg_judge_again(run, finding);
			return true;
		}
	}
	return false;
}

/* Ends a run in the ledger with what was found, if it has no end yet. */
static bool
conclude(MgRun *run, const MgPastRun *past, const MgFinding *finding, MgExit result,
		 const char *and_then, MgError *err)
{
	cJSON *json;

	if (past->result != NULL)
		return mg_run_note(run, err, "run %.8s ended as %s; by now: %s%s", past->id, past->result,
						   finding->text, and_then);
	json = cJSON_CreateObject();
	mg_json_text(json, "found_by", run->id);
	mg_json_text(json, "verdict", finding->verdict->name);
	if (result == MG_EXIT_DONE)
	{
		mg_json_text(json, "revision", mg_revisions_text(run->arena, &finding->now));
		if (past->s1 != NULL)
			mg_json_raw(json, "snapshot_id", past->s1);
		mg_json_text(json, "fingerprint", past->s1_fingerprint);
	}
	return mg_ledger_end(run->pg, past->id, (int) result,
						 mg_printf(run->arena, "found dead: %s%s", finding->text, and_then),
						 mg_json_take(run->arena, json), err) &&
		   mg_run_note(run, err, "run %.8s had died in state %s: %s%s", past->id, state_of(past),
					   finding->text, and_then);
}

/* Assertions of a run that is applied; when they do not hold it has failed, and the table is asked again. */
static bool
finish(MgRun *run, MgFinding *finding, MgError *err)
{
	MgError fault;
	int count;

	mg_err_init(&fault, run->arena);
	if (mg_verify_assertions(run, &count, &fault))
		return true;
	if (!mg_pg_alive(run->pg))
	{
		*err = fault;
		return false;
	}
	finding->facts.ledger = MG_LEDGER_FAILED;
	finding->found = mg_printf(run->arena, "%s; %s", finding->found, fault.message);
	mg_judge_again(run, finding);
	return true;
}

/* The text of a row with the run's own names in it. */
static const char *
fill_in(MgRun *run, const MgPastRun *past, const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, run->arena);
	for (; *text != '\0'; text++)
		if (strncmp(text, "{run}", 5) == 0)
		{
			mg_buf_addf(&buf, "%.8s", past->id);
			text += 4;
		}
		else if (strncmp(text, "{s0}", 4) == 0)
		{
			mg_buf_add(&buf, past->s0 != NULL ? past->s0 : "SNAPSHOT");
			text += 3;
		}
		else
			mg_buf_add_bytes(&buf, text, 1);
	while (buf.len > 0 && buf.data[buf.len - 1] == ' ')
		buf.data[--buf.len] = '\0';
	return buf.data;
}

static bool
refuse(MgRun *run, const MgPastRun *past, const MgFinding *finding, MgError *err)
{
	MgStrings drops;

	mg_strings_init(&drops, run->arena);
	for (int i = 0; i < finding->invalid.count; i++)
		mg_strings_addf(&drops, "DROP INDEX CONCURRENTLY %s", finding->invalid.items[i]);
	mg_err_set(err, MG_EXIT_INTERRUPTED,
			   "run %.8s was interrupted in state %s and left the database "
			   "in between",
			   past->id, state_of(past));
	mg_err_detail(err, "Found: %s.%s%s%s", finding->text, drops.count > 0 ? " Clean up by: " : "",
				  mg_changes_text(run->arena, &drops, MOST_INDEXES), drops.count > 0 ? "." : "");
	mg_err_page(err, finding->verdict->page);
	return mg_err_hint(err, "%s", fill_in(run, past, finding->verdict->todo));
}

/* An upgrade that a resume has taken back is not done. */
static MgExit
result_of(const MgPastRun *past, const MgVerdict *verdict)
{
	return verdict->result == MG_EXIT_DONE && past->brings_back ? MG_EXIT_ROLLED_BACK :
																  verdict->result;
}

/* What a run may do by itself about a run without an end; the rest is recorded for a person to see. */
static bool
settle(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	if (finding->verdict->remedy == MG_REMEDY_LEAVE || finding->verdict->remedy == MG_REMEDY_NONE)
		return true;
	if (finding->verdict->open)
		return refuse(run, past, finding, err);
	if (finding->verdict->remedy == MG_REMEDY_FINISH && finding->verdict->by_run &&
		!finish(run, finding, err))
		return false;
	return conclude(run, past, finding,
					finding->verdict->by_run ? result_of(past, finding->verdict) : MG_EXIT_INTERRUPTED,
					"", err);
}

/* The one that came to the database last, or NULL. */
static bool
last_touched(MgRun *run, MgPastRun **past, MgError *err)
{
	MgPastRuns runs;

	if (!mg_ledger_past_runs(run->pg, run->lock_name, "touched", run->id, &runs, err))
		return false;
	*past = runs.count > 0 ? &runs.items[0] : NULL;
	return true;
}

static bool
is_overtaken(const MgPastRun *past, const MgPastRun *last)
{
	return past->touched && last != NULL && strcmp(past->id, last->id) != 0;
}

/* All without an end but one. */
static bool
recover_unfinished(MgRun *run, const MgPastRun *last, const char *but, MgError *err)
{
	MgPastRuns runs;

	if (!mg_ledger_past_runs(run->pg, run->lock_name, "unfinished", run->id, &runs, err))
		return false;
	for (int i = 0; i < runs.count; i++)
	{
		MgPastRun *past = &runs.items[i];
		MgFinding finding;

		if (but != NULL && strcmp(past->id, but) == 0)
			continue;
		if (!look(run, past, is_overtaken(past, last), &finding, err) ||
			!settle(run, past, &finding, err))
			return false;
	}
	return true;
}

/* The last run that touched the schema has left it in order, or somebody has put it in order. */
static bool
check_last(MgRun *run, MgError *err)
{
	MgPastRun *last;
	MgFinding finding;

	if (!last_touched(run, &last, err))
		return false;
	if (last == NULL || mg_judge_ledger(last, false) == MG_LEDGER_ORDER)
		return true;
	if (!look(run, last, false, &finding, err))
		return false;
	if (finding.verdict->remedy == MG_REMEDY_FINISH && finding.verdict->by_run &&
		!finish(run, &finding, err))
		return false;
	if (finding.verdict->by_run)
		return mg_run_note(run, err, "run %.8s ended as %s; by now it is in order: %s", last->id,
						   last->result, finding.text);
	if (run->accept_state)
		return mg_run_note(run, err, "what run %.8s left is accepted as it is (--accept-state): %s",
						   last->id, finding.text);
	return refuse(run, last, &finding, err);
}

bool
mg_recover(MgRun *run, MgError *err)
{
	MgPastRun *last;

	/* who comes to roll back wants just what others are warned of */
	return last_touched(run, &last, err) && recover_unfinished(run, last, NULL, err) &&
		   mg_clone_drop_dead(run, err) && (run->kind == MG_RUN_ROLLBACK || check_last(run, err));
}

/* The run that is to be resumed; NULL: there is none. */
static bool
find_subject(MgRun *run, MgPastRun *last, MgPastRun **subject, MgError *err)
{
	MgPastRuns runs;

	*subject = last != NULL && mg_judge_ledger(last, false) != MG_LEDGER_ORDER ? last : NULL;
	if (run->goal_run != NULL)
	{
		if (!mg_ledger_past_runs(run->pg, run->lock_name, run->goal_run, run->id, &runs, err))
			return false;
		if (runs.count != 1)
		{
			mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
					   runs.count == 0 ? "no run \"%s\" of lock \"%s\" is in the ledger" :
										 "\"%s\" begins the ids of several runs of lock \"%s\"",
					   run->goal_run, run->lock_name);
			return mg_err_hint(err, "See \"migguard history\".");
		}
		*subject = runs.items;
		return true;
	}
	if (*subject != NULL)
		return true;
	if (!mg_ledger_past_runs(run->pg, run->lock_name, "unfinished", run->id, &runs, err))
		return false;
	for (int i = 0; i < runs.count; i++)
	{
		MgRemedy remedy;
		MgFinding finding;

		if (!mg_judge(run, &runs.items[i], is_overtaken(&runs.items[i], last), &finding, err))
			return false;
		remedy = finding.verdict->remedy;
		/* what only lacks its end gets that by the way */
		if (remedy != MG_REMEDY_LEAVE && remedy != MG_REMEDY_CLOSE &&
			(*subject == NULL || remedy == MG_REMEDY_AGAIN))
			*subject = runs.items + i;
		if (remedy == MG_REMEDY_AGAIN)
			break;
	}
	return true;
}

/* This run ends with what it has found. */
static MgStep end_with(MgRun *run, int exit_code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static MgStep
end_with(MgRun *run, int exit_code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	run->message = mg_vprintf(run->arena, fmt, args);
	va_end(args);
	run->exit_code = exit_code;
	return MG_STEP_END;
}

/* It is recorded as ended, and that is all. */
static MgStep
close_it(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	const MgVerdict *verdict = finding->verdict;
	MgExit result = result_of(past, verdict);

	if (run->dry)
		return end_with(run, MG_EXIT_DONE, "run %.8s: %s; would %s: %s", past->id, finding->text,
						mg_remedy_name(verdict->remedy), mg_exit_text((int) result));
	if (!conclude(run, past, finding, result, "", err))
		return MG_STEP_FAILED;
	if (result == MG_EXIT_DONE)
	{
		/* for the end of this run, which is the last known good then */
		run->to = run->goal = finding->now;
		run->after = (MgSnapshot){ past->s1, past->s1_fingerprint };
	}
	return end_with(run,
					result != MG_EXIT_DONE && (past->result != NULL || result == MG_EXIT_INTERRUPTED) ?
						MG_EXIT_NOTHING :
						(int) result,
					"run %.8s: %s", past->id, finding->text);
}

/* The target that the run had, unless the user says another one. */
static bool
take_target(MgRun *run, const MgPastRun *past, MgError *err)
{
	if (run->target_revision == NULL && past->to.count == 1)
		run->target_revision = past->to.ids[0];
	if (!mg_run_read_work(run, err) || !run->tool->ops->check(run->tool, run->pg, &run->from, err))
		return false;
	if (past->to.count == 0 || mg_revisions_equal(&run->to, &past->to))
		return true;
	mg_err_set(err, MG_EXIT_INTERRUPTED,
			   "run %.8s was to go to %s, but the tool would go to %s now", past->id,
			   mg_revisions_text(run->arena, &past->to), mg_revisions_text(run->arena, &run->to));
	mg_err_page(err, "left-in-migrate");
	return mg_err_hint(err, "Name the target by --target, or run from the code that has it.");
}

/* This run goes on as a run or as a rollback. */
static MgStep
become(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	MgRemedy remedy = finding->verdict->remedy;
	bool back = remedy == MG_REMEDY_BRING_BACK || finding->facts.kind == MG_DEAD_BACK;
	const char *then = mg_printf(run->arena, "; run %s is to %s", run->short_id,
								 back					   ? "bring it back" :
								 remedy == MG_REMEDY_GO_ON ? "go on with it" :
															 "do it anew");

	run->carries_on = remedy == MG_REMEDY_GO_ON;
	run->kind = back ? MG_RUN_ROLLBACK : MG_RUN_RUN;
	run->may_revert =
		back && finding->facts.kind == MG_DEAD_RUN && finding->facts.schema == MG_SCHEMA_PART;
	if (!back && !take_target(run, past, err))
		return MG_STEP_FAILED;
	if (!back && run->pending.count == 0)
		return close_it(run, past, finding, err);
	if (!run->dry && !conclude(run, past, finding, finding->verdict->result, then, err))
		return MG_STEP_FAILED;
	if (run->dry && !mg_run_note(run, err, "run %.8s: %s; would %s", past->id, finding->text,
								 mg_remedy_name(remedy)))
		return MG_STEP_FAILED;
	run->resumed = past;
	run->resumed_back = finding->facts.kind == MG_DEAD_BACK;
	run->brings_back = back && (!run->resumed_back || past->brings_back);
	mg_run_say(run, "token %s, run %.8s: %s", run->token, past->id, mg_remedy_name(remedy));
	return MG_STEP_OK;
}

static MgStep
act(MgRun *run, const MgPastRun *past, MgFinding *finding, MgError *err)
{
	switch (finding->verdict->remedy)
	{
		case MG_REMEDY_NONE:
			return end_with(run, MG_EXIT_NOTHING, "run %.8s ended in order: %s", past->id,
							past->result != NULL ? past->result : "");
		case MG_REMEDY_LEAVE:
			return end_with(run, MG_EXIT_NOTHING, "run %.8s: %s", past->id, finding->text);
		case MG_REMEDY_END:
			/* only a dry run leaves them alone */
			return end_with(run, MG_EXIT_DONE, "run %.8s: %s; would %s", past->id, finding->text,
							mg_remedy_name(MG_REMEDY_END));
		case MG_REMEDY_CLOSE:
		case MG_REMEDY_FINISH:
			return close_it(run, past, finding, err);
		case MG_REMEDY_AGAIN:
		case MG_REMEDY_GO_ON:
		case MG_REMEDY_BRING_BACK:
			return become(run, past, finding, err);
		case MG_REMEDY_REFUSE:
			if (!run->dry && !finding->verdict->open &&
				!conclude(run, past, finding, MG_EXIT_INTERRUPTED, "", err))
				return MG_STEP_FAILED;
			refuse(run, past, finding, err);
			return MG_STEP_FAILED;
	}
	return MG_STEP_FAILED;
}

MgStep
mg_recover_resume(MgRun *run, MgError *err)
{
	MgPastRun *last;
	MgPastRun *subject;
	MgFinding finding;

	if (!last_touched(run, &last, err) || !find_subject(run, last, &subject, err))
		return MG_STEP_FAILED;
	if (!run->dry && (!recover_unfinished(run, last, subject != NULL ? subject->id : NULL, err) ||
					  !mg_clone_drop_dead(run, err)))
		return MG_STEP_FAILED;
	if (subject == NULL)
		return end_with(run, MG_EXIT_NOTHING, "no run is to be resumed");
	if (!look(run, subject, is_overtaken(subject, last), &finding, err))
		return MG_STEP_FAILED;
	if (finding.verdict->remedy == MG_REMEDY_FINISH && !finish(run, &finding, err))
		return MG_STEP_FAILED;
	mg_run_detail_text(run, "resumes", subject->id);
	mg_run_detail_text(run, "verdict", finding.verdict->name);
	return act(run, subject, &finding, err);
}
