/*
 * attempts.c
 *	  Starting the tool, or a repair, again when it has lost a race for a lock.
 */
#include "attempts.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "lock_blockers.h"
#include "log.h"
#include "text.h"

#define LONGEST_PAUSE_MS 60000
#define NEARLY_MS		 300 /* a look before lock_timeout struck was that early at the most */

static const char *const failure_names[] = {
	[MG_LOCKS_INNOCENT] = NULL,
	[MG_LOCKS_TIMEOUT] = "lock_timeout",
	[MG_LOCKS_QUEUE] = "max_blocking",
	[MG_LOCKS_HELD] = "max_holding",
};

void
mg_attempts_init(MgAttempts *attempts, MgRun *run, const char *step, MgPass pass)
{
	memset(attempts, 0, sizeof *attempts);
	attempts->run = run;
	attempts->step = step;
	attempts->pass = pass;
	attempts->who = run->tool->ops->name;
	attempts->list = "attempts";
	attempts->limit = mg_config_int(run->config, MG_SET_RUN_LOCK_RETRIES) + 1;
}

bool
mg_attempt_begin(MgAttempts *attempts, MgError *err)
{
	cJSON *detail = mg_run_detail(attempts->run);
	cJSON *list = cJSON_GetObjectItemCaseSensitive(detail, attempts->list);

	if (list == NULL)
		list = cJSON_AddArrayToObject(detail, attempts->list);
	attempts->number++;
	attempts->failure = MG_LOCKS_INNOCENT;
	attempts->record = cJSON_CreateObject();
	cJSON_AddItemToArray(list, attempts->record);
	mg_json_int(attempts->record, "attempt", attempts->number);
	if (!mg_blockers_settle(attempts->run, attempts->pass, attempts->record, err))
		return false;
	attempts->watched =
		mg_lock_watch_begin(&attempts->watch, attempts->run, attempts->step, attempts->who, err);
	if (attempts->watched || attempts->pass == MG_PASS_UP)
		return attempts->watched;
	/* nothing is worse for those who wait than a way back that is not gone */
	mg_log_warning("nobody looks at the queue behind %s: %s", attempts->who, err->message);
	mg_err_clear(err);
	attempts->watch.blind = true;
	return true;
}

/* What the drivers of the wrapped tools write when lock_timeout strikes. */
static bool
says_lock_timeout(const MgChildResult *result)
{
	static const char *const signs[] = { "55P03", "LockNotAvailable",
										 "canceling statement due to lock timeout" };

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strstr(result->out, signs[i]) != NULL || strstr(result->err, signs[i]) != NULL)
			return true;
	return false;
}

/* Why an attempt failed: what the watch did, what the server said, or what can be seen from outside. */
static MgLockFailure
find_failure(const MgAttempts *attempts, bool by_lock_timeout)
{
	const MgLockWatch *watch = &attempts->watch;
	long long timeout_ms = mg_config_ms(attempts->run->config, MG_SET_RUN_LOCK_TIMEOUT);

	if (watch->stopped == MG_LOCK_STOPPED_HOLDING)
		return MG_LOCKS_HELD;
	if (watch->stopped == MG_LOCK_STOPPED_WAITING)
		return MG_LOCKS_QUEUE;
	if (by_lock_timeout)
		return MG_LOCKS_TIMEOUT;
	if (timeout_ms > NEARLY_MS && watch->own_since_us != 0 &&
		watch->own_longest_us / 1000 >= timeout_ms - NEARLY_MS)
		return MG_LOCKS_TIMEOUT;
	return MG_LOCKS_INNOCENT;
}

/* Puts on record how it ended, and what the watch has seen. */
static void
note_end(MgAttempts *attempts, const char *ended, long long elapsed_us)
{
	MgLockWatch *watch = &attempts->watch;
	cJSON *record = attempts->record;

	if (watch->longest_us > attempts->longest_us)
		attempts->longest_us = watch->longest_us;
	mg_json_text(record, "ended", ended);
	if (attempts->failure != MG_LOCKS_INNOCENT)
		mg_json_text(record, "failed_by", failure_names[attempts->failure]);
	mg_json_int(record, "elapsed_ms", elapsed_us / 1000);
	mg_json_int(record, "waited_ms", watch->own_longest_us / 1000);
	mg_json_int(record, "longest_behind_ms", watch->longest_us / 1000);
	if (watch->longest_us > 0)
		mg_json_text(record, "longest_behind", mg_log_redact(attempts->run->arena, watch->longest));
	if (watch->blockers.count > 0)
	{
		cJSON *array = cJSON_AddArrayToObject(record, "waited_for");

		for (int i = 0; i < watch->blockers.count; i++)
			mg_json_add_text(array, watch->blockers.items[i]);
	}
	if (watch->blind)
		mg_json_bool(record, "watch_lost", true);
}

static void
end_watch(MgAttempts *attempts)
{
	if (attempts->watched)
		mg_lock_watch_end(&attempts->watch);
	attempts->watched = false;
	attempts->failure = MG_LOCKS_INNOCENT;
}

void
mg_attempt_end(MgAttempts *attempts, const MgChildResult *result)
{
	end_watch(attempts);
	/* the server's own record of the statements first */
	if (!mg_child_succeeded(result) && result->started)
		attempts->failure =
			find_failure(attempts, mg_observe_failed_by(attempts->run, attempts->pass, "55P03") ||
									   says_lock_timeout(result));
	note_end(attempts, mg_child_describe(attempts->run->arena, result), result->elapsed_us);
}

void
mg_attempt_end_own(MgAttempts *attempts, const MgError *fault, long long elapsed_us)
{
	end_watch(attempts);
	if (fault != NULL)
		attempts->failure = find_failure(attempts, strcmp(fault->sqlstate, "55P03") == 0);
	note_end(attempts, fault != NULL ? mg_log_redact(attempts->run->arena, fault->message) : "well",
			 elapsed_us);
}

const char *
mg_attempts_hint(const MgAttempts *attempts)
{
	static const char *const hints[] = {
		[MG_LOCKS_INNOCENT] = NULL,
		[MG_LOCKS_TIMEOUT] =
			"It did not get a lock within [run] lock_timeout; \"migguard show\" names whom it waited for.",
		[MG_LOCKS_QUEUE] =
			"It was cancelled because others had waited behind it for [run] max_blocking; "
			"\"migguard show\" names whom it waited for.",
		[MG_LOCKS_HELD] =
			"It was cancelled because others had waited for what it had locked for [run] max_holding; "
			"let it do less in one transaction.",
	};

	return hints[attempts->failure];
}

bool
mg_attempt_may_follow(const MgAttempts *attempts)
{
	/* what stopped the way there does not stop the way back */
	return (attempts->pass == MG_PASS_DOWN || !attempts->run->told_to_stop) &&
		   attempts->number < attempts->limit &&
		   (attempts->failure == MG_LOCKS_TIMEOUT || attempts->failure == MG_LOCKS_QUEUE);
}

/* Twice as long each time, half as much more or less, so that those who meet do not meet again. */
static long long
pause_ms(const MgAttempts *attempts)
{
	long long ms = mg_config_ms(attempts->run->config, MG_SET_RUN_LOCK_RETRY_PAUSE);

	for (int i = 1; i < attempts->number && ms < LONGEST_PAUSE_MS; i++)
		ms *= 2;
	if (ms > LONGEST_PAUSE_MS)
		ms = LONGEST_PAUSE_MS;
	return ms > 1 ? ms / 2 + random() % ms : ms;
}

bool
mg_attempt_pause(MgAttempts *attempts, const char *what_stays, MgError *err)
{
	MgRun *run = attempts->run;
	long long ms = pause_ms(attempts);

	if (!mg_run_note_detail(run, attempts->record, err, "%s %s and %s; attempt %d of %d in %s%s",
							attempts->who,
							attempts->failure == MG_LOCKS_TIMEOUT ? "hit lock_timeout" :
																	"was cancelled at max_blocking",
							what_stays, attempts->number + 1, attempts->limit,
							mg_text_duration(run->arena, ms * 1000), mg_attempts_text(attempts)))
		return false;
	return mg_run_pause(run, ms, err);
}

char *
mg_attempts_text(const MgAttempts *attempts)
{
	MgArena *arena = attempts->run->arena;

	return attempts->longest_us == 0 ? mg_strdup(arena, "") :
									   mg_printf(arena, "; others waited up to %s behind it",
												 mg_text_duration(arena, attempts->longest_us));
}
