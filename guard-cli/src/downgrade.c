/*
 * downgrade.c
 *	  The tool's downgrade on the real database, and again where it lost a race for a lock.
 */
#include "downgrade.h"

#include <string.h>

#include "attempts.h"
#include "failpoint.h"
#include "verify.h"
#include "written.h"

/* One start of the tool; false when nobody can tell what came of it. */
static bool
downgrade_once(MgAttempts *attempts, const MgRevisions *to, MgDowngrade *down, MgError *err)
{
	MgRun *run = attempts->run;
	MgToolSession session;

	memset(&down->result, 0, sizeof down->result);
	mg_err_init(&down->failure, run->arena);
	if (!mg_attempt_begin(attempts, err) || !mg_written_look(run, &down->written, err) ||
		!mg_run_permit(run, "rollback", mg_observe_losses(run, MG_PASS_DOWN), err))
		return false;
	mg_failpoint("rollback.permitted");
	mg_run_session(run, &run->context->target, "rollback", &session);
	down->ran = run->tool->ops->down(run->tool, &session, to, &down->result, &down->failure);
	run->told_to_stop = run->told_to_stop || down->result.interrupted;
	if (!mg_run_hold(run, err) || !mg_verify_no_sessions(run, "rollback", err) ||
		!run->tool->ops->current(run->tool, run->pg, &down->now, err))
		return false;
	mg_failpoint("rollback.ran");
	mg_observe_live(run, MG_PASS_DOWN);
	return true;
}

/* NULL: what another session has locked keeps it from being read, which is no reason not to go back. */
static const char *
fingerprint_now(MgRun *run)
{
	MgError fault;
	char *fingerprint;

	mg_err_init(&fault, run->arena);
	return mg_schema_fingerprint(run->pg, &fingerprint, &fault) ? fingerprint : NULL;
}

static bool
same(const char *one, const char *other)
{
	return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* Starts the tool again as long as all that it met was a lock, and it left all as it was. */
bool
mg_downgrade_real(MgRun *run, const MgRevisions *to, MgDowngrade *down, MgError *err)
{
	MgAttempts attempts;

	mg_attempts_init(&attempts, run, "rollback", MG_PASS_DOWN);
	while (true)
	{
		MgRevisions before;
		const char *fingerprint;
		bool ok;

		if (!run->tool->ops->current(run->tool, run->pg, &before, err))
			return false;
		fingerprint = fingerprint_now(run);
		ok = downgrade_once(&attempts, to, down, err);
		mg_attempt_end(&attempts, &down->result);
		if (!ok || !down->ran || !mg_attempt_may_follow(&attempts) ||
			!mg_revisions_equal(&before, &down->now) || !same(fingerprint, fingerprint_now(run)))
			return ok;
		if (!mg_attempt_pause(&attempts, "changed nothing", err))
			return false;
	}
}
