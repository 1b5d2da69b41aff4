/*
 * recover.c
 *	  Judging of dead runs.
 */
#include "recover.h"

#include <string.h>

#include "clone.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "verify.h"

#define MOST_CHANGES 10

/* What a dead run is found to have done. */
typedef enum Verdict
{
	NOTHING_HAPPENED,
	FULLY_APPLIED,
	IN_BETWEEN
} Verdict;

typedef struct Finding
{
	Verdict verdict;
	MgRevisions now;
	const char *text; /* one line */
} Finding;

/* Ends what still works for a dead run. */
static bool
end_sessions(MgRun *run, const MgPastRun *past, const MgStrings *living, MgError *err)
{
	const char *prefix = mg_printf(run->arena, "migguard:%.8s:", past->id);
	int ended;

	for (int i = 0; i < living->count; i++)
		if (strncmp(living->items[i], prefix, strlen(prefix)) == 0)
		{
			if (!mg_server_end_sessions(run->pg, living->items[i], 0, &ended, err))
				return false;
			if (ended > 0 &&
				!mg_run_note(run, err, "%d sessions of dead run %.8s were ended", ended, past->id))
				return false;
		}
	return true;
}

static bool
same(MgRun *run, const char *id, const char *fingerprint, bool *is_same, MgChanges *changes,
	 MgError *err)
{
	MgSnapshot snapshot = { id, fingerprint };

	*is_same = false;
	if (id == NULL || fingerprint == NULL)
		return true;
	return mg_verify_same(run, &snapshot, is_same, changes, err);
}

/* Compares revision and schema with what was before and what was to be. */
static bool
judge(MgRun *run, const MgPastRun *past, Finding *finding, MgError *err)
{
	MgChanges before;
	MgChanges after;
	bool is_before = false;
	bool is_after = false;

	memset(&before, 0, sizeof before);
	memset(&after, 0, sizeof after);
	finding->verdict = NOTHING_HAPPENED;
	finding->text = "it had not touched the database";
	if (!run->tool->ops->current(run->tool, run->pg, &finding->now, err))
		return false;
	if (!past->touched)
		return true;
	if (!same(run, past->s0, past->s0_fingerprint, &is_before, &before, err) ||
		(!is_before && !same(run, past->s1, past->s1_fingerprint, &is_after, &after, err)))
		return false;
	if (past->captured && is_before && mg_revisions_equal(&finding->now, &past->from))
		finding->text =
			mg_printf(run->arena, "nothing happened: revision %s and schema are as before it",
					  mg_revisions_text(run->arena, &finding->now));
	else if (is_after && mg_revisions_equal(&finding->now, &past->to))
	{
		finding->verdict = FULLY_APPLIED;
		finding->text = mg_printf(run->arena, "fully applied: revision %s, schema as rehearsed",
								  mg_revisions_text(run->arena, &finding->now));
	}
	else
	{
		finding->verdict = IN_BETWEEN;
		finding->text =
			mg_printf(run->arena, "revision is %s (it went from %s to %s); %s: %s",
					  mg_revisions_text(run->arena, &finding->now),
					  mg_revisions_text(run->arena, &past->from),
					  mg_revisions_text(run->arena, &past->to),
					  is_before ?
						  "the schema is as before" :
						  mg_printf(run->arena, "the schema differs from before by %d changes",
									before.real.count),
					  is_before ? "the revision is not" :
								  mg_changes_text(run->arena, &before.real, MOST_CHANGES));
	}
	return true;
}

static bool
refuse(MgRun *run, const MgPastRun *past, const char *text, MgError *err)
{
	mg_err_set(err, MG_EXIT_INTERRUPTED,
			   "run %.8s was interrupted in state %s and left the database "
			   "in between",
			   past->id, past->last_state != NULL ? past->last_state : "preflight");
	mg_err_detail(err, "Found: %s.", text);
	return mg_err_hint(err,
					   "Look at it by \"migguard show %.8s\"%s%s; then either bring it back by "
					   "\"migguard rollback --run %.8s\", or put it right by hand and run again with "
					   "--accept-state.",
					   past->id, past->s0 != NULL ? " and \"migguard diff " : "",
					   past->s0 != NULL ? mg_printf(run->arena, "%s\"", past->s0) : "", past->id);
}

/* Ends a dead run in the ledger with what was found. */
static bool
conclude(MgRun *run, const MgPastRun *past, const Finding *finding, MgError *err)
{
	static const int exits[] = {
		[NOTHING_HAPPENED] = MG_EXIT_FAILED_UNCHANGED, [FULLY_APPLIED] = MG_EXIT_DONE, [IN_BETWEEN] = MG_EXIT_INTERRUPTED
	};
	cJSON *json = cJSON_CreateObject();
	char *detail;
	bool ok;

	mg_json_text(json, "found_by", run->id);
	if (finding->verdict == FULLY_APPLIED)
	{
		mg_json_text(json, "revision", mg_revisions_text(run->arena, &finding->now));
		mg_json_raw(json, "snapshot_id", past->s1);
		mg_json_text(json, "fingerprint", past->s1_fingerprint);
	}
	detail = cJSON_PrintUnformatted(json);
	ok = mg_ledger_end(run->pg, past->id, exits[finding->verdict],
					   mg_printf(run->arena, "found dead: %s", finding->text), detail, err) &&
		 mg_run_note(run, err, "run %.8s had died in state %s: %s", past->id,
					 past->last_state != NULL ? past->last_state : "preflight", finding->text);
	cJSON_free(detail);
	cJSON_Delete(json);
	return ok;
}

static bool
recover_unfinished(MgRun *run, MgError *err)
{
	MgPastRuns runs;
	MgStrings living;

	if (!mg_ledger_past_runs(run->pg, run->lock_name, "unfinished", run->id, &runs, err))
		return false;
	if (runs.count == 0)
		return true;
	mg_strings_init(&living, run->arena);
	if (!mg_server_living_sessions(run->pg, "migguard:", &living, err))
		return false;
	for (int i = 0; i < runs.count; i++)
	{
		const MgPastRun *past = &runs.items[i];
		Finding finding;

		/* one that waits for the lock has a guard; without one nobody will ever end the run */
		if (mg_strings_has(&living, mg_printf(run->arena, "migguard:%.8s:guard", past->id)))
			continue;
		if (!end_sessions(run, past, &living, err) || !judge(run, past, &finding, err) ||
			!conclude(run, past, &finding, err))
			return false;
	}
	return true;
}

static bool
needs_a_person(const MgPastRun *past)
{
	static const int results[] = { MG_EXIT_INTERRUPTED, MG_EXIT_ROLLBACK_FAILED,
								   MG_EXIT_ROLLED_BACK_UNPROVED };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		if (past->result != NULL && strcmp(past->result, mg_exit_result(results[i])) == 0)
			return true;
	return false;
}

/* The last run that touched the schema has left it in order, or somebody has put it in order. */
static bool
check_last(MgRun *run, MgError *err)
{
	MgPastRuns runs;
	Finding finding;

	if (!mg_ledger_past_runs(run->pg, run->lock_name, "last", run->id, &runs, err))
		return false;
	if (runs.count == 0 || !needs_a_person(&runs.items[0]))
		return true;
	if (!judge(run, &runs.items[0], &finding, err))
		return false;
	if (finding.verdict != IN_BETWEEN)
		return mg_run_note(run, err, "run %.8s ended as %s; by now it is in order: %s",
						   runs.items[0].id, runs.items[0].result, finding.text);
	if (run->accept_state)
		return mg_run_note(run, err, "what run %.8s left is accepted as it is (--accept-state): %s",
						   runs.items[0].id, finding.text);
	return refuse(run, &runs.items[0], finding.text, err);
}

bool
mg_recover(MgRun *run, MgError *err)
{
	/* who comes to roll back wants just what others are warned of */
	return recover_unfinished(run, err) && mg_clone_drop_dead(run, err) &&
		   (run->kind == MG_RUN_ROLLBACK || check_last(run, err));
}
