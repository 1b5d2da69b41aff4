/*
 * verify.c
 *	  State verify, and the proofs that other states need.
 */
#include "verify.h"

#include <string.h>

#include "failpoint.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "text.h"

#define PATIENCE_MS	 200
#define MOST_CHANGES 20

bool
mg_verify_same(MgRun *run, const MgSnapshot *snapshot, bool *same, MgChanges *changes, MgError *err)
{
	char *fingerprint;

	memset(changes, 0, sizeof *changes);
	if (!mg_schema_fingerprint(run->pg, &fingerprint, err))
		return false;
	*same = strcmp(fingerprint, snapshot->fingerprint) == 0;
	if (*same)
		return true;
	if (!mg_schema_changes(run->pg, snapshot->id, NULL, &run->bookkeeping, changes, err))
		return false;
	*same = changes->real.count == 0;
	return true;
}

/* No short cut by the fingerprint: what was dropped and made again has the same one. */
static bool
is_still(MgRun *run, const MgSnapshot *snapshot, const MgRevisions *revisions, bool *still,
		 MgRevisions *now, MgChanges *changes, MgError *err)
{
	if (!run->tool->ops->current(run->tool, run->pg, now, err) ||
		!mg_schema_changes(run->pg, snapshot->id, NULL, &run->bookkeeping, changes, err))
		return false;
	*still = changes->real.count == 0 && mg_revisions_equal(now, revisions);
	return true;
}

bool
mg_verify_unchanged(MgRun *run, bool *unchanged, MgRevisions *now, MgChanges *changes, MgError *err)
{
	return is_still(run, &run->before, &run->from, unchanged, now, changes, err);
}

bool
mg_verify_as_found(MgRun *run, bool *as_found, MgRevisions *now, MgChanges *changes, MgError *err)
{
	return is_still(run, &run->here, &run->here_revisions, as_found, now, changes, err);
}

bool
mg_verify_no_sessions(MgRun *run, const char *step, MgError *err)
{
	int ended;

	if (!mg_server_end_sessions(run->pg, mg_run_application_name(run, step), PATIENCE_MS, &ended, err))
		return false;
	return ended == 0 ||
		   mg_run_note(run, err, "%d server sessions had outlived the tool and were ended", ended);
}

bool
mg_verify_invalid_indexes(MgRun *run, MgStrings *new_ones, MgError *err)
{
	MgStrings now;

	mg_strings_init(&now, run->arena);
	mg_strings_init(new_ones, run->arena);
	if (!mg_server_invalid_indexes(run->pg, &now, err))
		return false;
	for (int i = 0; i < now.count; i++)
		if (!mg_strings_has(&run->invalid_before, now.items[i]))
			mg_strings_add(new_ones, now.items[i]);
	return true;
}

/* The real schema is the rehearsed one. */
static bool
check_rehearsed(MgRun *run, MgError *err)
{
	MgChanges changes;
	bool ok;

	if (run->rehearsed.id == NULL || strcmp(run->after.fingerprint, run->rehearsed.fingerprint) == 0)
		return true;
	/* a clone that was not quite equal to begin with is compared by what the upgrade changed */
	if (run->clone_before.id == NULL)
		ok = mg_schema_changes(run->pg, run->rehearsed.id, run->after.id, &run->bookkeeping,
							   &changes, err);
	else
		ok = mg_schema_compare_changes(run->pg, run->clone_before.id, run->rehearsed.id,
									   run->here.id, run->after.id, &run->bookkeeping, &changes, err);
	if (!ok || changes.real.count == 0)
		return ok;
	mg_run_detail_list(run, "differences", &changes.real);
	mg_err_set(err, MG_EXIT_INTERRUPTED, "the schema is not the rehearsed one: %s",
			   mg_text_count(run->arena, changes.real.count, "difference"));
	mg_err_detail(err, "%s", mg_changes_text(run->arena, &changes.real, MOST_CHANGES));
	return mg_err_hint(err, "Something else changed the schema meanwhile, or a migration does not do "
							"the same on every database.");
}

static bool
check_invalid_indexes(MgRun *run, MgError *err)
{
	MgStrings left;

	if (!mg_verify_invalid_indexes(run, &left, err))
		return false;
	if (left.count == 0)
		return true;
	mg_run_detail_list(run, "invalid_indexes", &left);
	mg_err_set(err, MG_EXIT_INTERRUPTED, "invalid indexes were left behind");
	mg_err_detail(err, "They are: %s.", mg_changes_text(run->arena, &left, MOST_CHANGES));
	return mg_err_hint(err, "Clean up by: DROP INDEX CONCURRENTLY %s", left.items[0]);
}

/* In a session with the user's own search_path that cannot write. */
bool
mg_verify_assertions(MgRun *run, int *count, MgError *err)
{
	const MgNamed *assertion = mg_config_named(run->config, "verify.assertions");
	MgPg *pg = NULL;
	bool ok;

	*count = 0;
	if (assertion == NULL)
		return true;
	ok = mg_pg_open(run->arena, &run->context->target, mg_run_application_name(run, "verify"), &pg,
					err) &&
		 mg_server_user_session(pg, mg_config_ms(run->config, MG_SET_PREFLIGHT_COMMAND_TIMEOUT), err);
	for (; ok && assertion != NULL; assertion = assertion->next, (*count)++)
	{
		bool holds;
		char *got;

		ok = mg_server_assertion(pg, assertion->value, &holds, &got, err);
		if (!ok)
		{
			err->message =
				mg_printf(run->arena, "assertion \"%s\" failed: %s", assertion->name, err->message);
			mg_err_where(err, assertion->where, 0);
		}
		else if (!holds)
		{
			mg_err_set(err, MG_EXIT_INTERRUPTED, "assertion \"%s\" does not hold", assertion->name);
			mg_err_detail(err, "It returned %s in place of one row with true: %s", got,
						  assertion->value);
			ok = mg_err_where(err, assertion->where, 0);
		}
	}
	mg_pg_close(pg);
	return ok;
}

MgStep
mg_state_verify(MgRun *run, MgError *err)
{
	MgRevisions now;
	int assertions;

	if (!mg_run_hold(run, err) || !mg_schema_take(run->pg, "after", run->id, &run->after, err) ||
		!run->tool->ops->current(run->tool, run->pg, &now, err))
		return MG_STEP_FAILED;
	mg_failpoint("verify.taken");
	mg_run_detail_snapshot(run, &run->after);
	mg_run_detail_revisions(run, "revisions", &now);
	if (!mg_revisions_equal(&now, &run->to))
	{
		mg_err_set(err, MG_EXIT_INTERRUPTED, "revision is %s, not %s",
				   mg_revisions_text(run->arena, &now), mg_revisions_text(run->arena, &run->to));
		return MG_STEP_FAILED;
	}
	if (!check_rehearsed(run, err) || !check_invalid_indexes(run, err) ||
		!mg_verify_assertions(run, &assertions, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "revision %s, schema %s, %s", mg_revisions_text(run->arena, &now),
			   run->rehearsed.id != NULL ? "as rehearsed" : "not rehearsed",
			   assertions == 0 ? "no assertions" :
								 mg_printf(run->arena, "%s passed",
										   mg_text_count(run->arena, assertions, "assertion")));
	return MG_STEP_OK;
}

MgStep
mg_state_done(MgRun *run, MgError *err)
{
	/* the end event moves the last known good; here is the last look at who holds the lock */
	if (!mg_run_hold(run, err))
		return MG_STEP_FAILED;
	mg_run_say(run, "%s -> %s", mg_revisions_text(run->arena, &run->from),
			   mg_revisions_text(run->arena, &run->to));
	return MG_STEP_OK;
}
