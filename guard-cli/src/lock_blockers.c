/*
 * lock_blockers.c
 *	  Who holds what the migrations will want, before the tool asks for it.
 */
#include "lock_blockers.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_locks.h"
#include "text.h"

#define LOOK_EVERY_MS  200
#define AFTER_END_MS   2000 /* how long those that were ended may take to go */
#define DEFAULT_OLD_MS 2000
#define MOST_NAMED	   5

typedef enum Policy
{
	POLICY_WAIT,
	POLICY_REFUSE,
	POLICY_CANCEL,
	POLICY_TERMINATE
} Policy;

/* One that was seen, for an age that the server does not show. */
typedef struct Seen
{
	int pid;
	const char *transaction;
	long long since_ms;
} Seen;

typedef struct Blockers
{
	MgRun *run;
	Policy policy;
	long long old_ms;	/* age from which one is waited for */
	const char *wanted; /* as JSON for the server; NULL: nothing is known */
	bool snapshots;
	MgStrings applications; /* whose sessions may be ended */
	MgLockSessions now;		/* of the last look, the old ones first */
	int old;				/* of these hold locks */
	Seen *seen;
	int seen_count;
	int seen_size;
} Blockers;

static void
init(Blockers *b, MgRun *run, MgPass pass)
{
	static const char *const names[] = { "wait", "refuse", "cancel", "terminate" };
	const char *name = mg_config_string(run->config, MG_SET_RUN_ON_BLOCKERS);
	long long max_blocking = mg_config_ms(run->config, MG_SET_RUN_MAX_BLOCKING);
	int count;

	memset(b, 0, sizeof *b);
	b->run = run;
	for (int i = 0; i < (int) (sizeof names / sizeof names[0]); i++)
		if (name != NULL && strcmp(name, names[i]) == 0)
			b->policy = (Policy) i;
	b->old_ms = max_blocking > 0 ? max_blocking : DEFAULT_OLD_MS;
	b->wanted = mg_observe_wanted(run, pass, &count);
	b->snapshots = mg_observe_concurrently(run, pass);
	if (count == 0 && !b->snapshots)
		b->wanted = NULL;
	mg_config_list(run->config, MG_SET_RUN_BLOCKER_APPLICATIONS, &b->applications);
}

bool
mg_blockers_policy(const MgRun *run, MgError *err)
{
	const char *policy = mg_config_string(run->config, MG_SET_RUN_ON_BLOCKERS);
	MgStrings applications;

	mg_config_list(run->config, MG_SET_RUN_BLOCKER_APPLICATIONS, &applications);
	if (policy == NULL || strcmp(policy, "wait") == 0 || strcmp(policy, "refuse") == 0 ||
		applications.count > 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
			   "run.on_blockers is %s, but whose sessions may be ended is not said", policy);
	return mg_err_hint(err, "Name their applications by [run] blocker_applications.");
}

/* Since when a transaction is known to be there, in the clock's milliseconds. */
static long long
since_ms(Blockers *b, const MgLockSession *session, long long now_ms)
{
	if (session->transaction_ms >= 0)
		return now_ms - session->transaction_ms;
	for (int i = 0; i < b->seen_count; i++)
		if (b->seen[i].pid == session->pid &&
			strcmp(b->seen[i].transaction, session->transaction) == 0)
			return b->seen[i].since_ms;
	if (b->seen_count == b->seen_size)
	{
		Seen *old = b->seen;

		b->seen_size = b->seen_size == 0 ? 16 : b->seen_size * 2;
		b->seen = mg_alloc(b->run->arena, (size_t) b->seen_size * sizeof(Seen));
		if (old != NULL)
			memcpy(b->seen, old, (size_t) b->seen_count * sizeof(Seen));
	}
	b->seen[b->seen_count++] =
		(Seen){ session->pid, mg_strdup(b->run->arena, session->transaction), now_ms };
	return now_ms;
}

/* An autovacuum is cancelled by the server for whoever waits behind it, unless it guards against wraparound. */
static bool
gives_way(const MgLockSession *session)
{
	return session->kind != NULL && strcmp(session->kind, "autovacuum worker") == 0 &&
		   session->query != NULL && strstr(session->query, "to prevent wraparound") == NULL;
}

/* Sorts the old ones to the front; those whose snapshots a statement waits for hold up nobody. */
static bool
look(Blockers *b, MgArena *arena, MgError *err)
{
	long long now_ms = mg_clock_ms();
	MgLockSessions all;
	int young = 0;

	b->now = (MgLockSessions){ 0 };
	b->old = 0;
	if (b->wanted == NULL)
		return true;
	if (!mg_locks_blockers(b->run->pg, arena, b->wanted, mg_run_application_name(b->run, ""),
						   b->snapshots, &all, err))
		return false;
	b->now.items = mg_alloc(arena, (size_t) (all.count + 1) * sizeof(MgLockSession));
	b->now.count = all.count;
	for (int i = 0; i < all.count; i++)
	{
		const MgLockSession *session = &all.items[i];

		if (strcmp(session->part, "lock") == 0 && !gives_way(session) &&
			now_ms - since_ms(b, session, now_ms) >= b->old_ms)
			b->now.items[b->old++] = *session;
		else
			b->now.items[all.count - ++young] = *session;
	}
	return true;
}

/* The old ones, "; " between them. */
static char *
old_text(const Blockers *b, MgArena *arena)
{
	MgBuf text;

	mg_buf_init(&text, arena);
	for (int i = 0; i < b->old && i < MOST_NAMED; i++)
		mg_buf_addf(&text, "%s%s", i == 0 ? "" : "; ", mg_locks_text(arena, &b->now.items[i]));
	if (b->old > MOST_NAMED)
		mg_buf_addf(&text, "; and %d more", b->old - MOST_NAMED);
	return text.data;
}

static void
record_list(const Blockers *b, MgArena *arena, cJSON *record)
{
	cJSON *array = cJSON_AddArrayToObject(record, "blockers");

	for (int i = 0; i < b->old; i++)
		mg_json_add_text(array, mg_locks_text(arena, &b->now.items[i]));
	if (b->now.count > b->old)
		mg_json_int(record, "younger_blockers", b->now.count - b->old);
}

static bool
refuse(const Blockers *b, MgArena *arena, MgError *err)
{
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s %s locks that the migrations need",
			   mg_text_count(arena, b->old, "older transaction"), b->old == 1 ? "holds" : "hold");
	mg_err_detail(err, "%s.", old_text(b, arena));
	return mg_err_hint(err, "Wait for their end, or let the run do so by [run] on_blockers = wait.");
}

bool
mg_blockers_report(MgRun *run, MgPass pass, MgError *err)
{
	Blockers b;
	MgArena *arena = mg_arena_new();
	bool ok;

	init(&b, run, pass);
	ok = look(&b, arena, err);
	if (ok && b.now.count > 0)
		record_list(&b, arena, mg_run_detail(run));
	for (int i = 0; ok && i < b.now.count; i++)
	{
		const MgLockSession *session = &b.now.items[i];
		bool snapshot = strcmp(session->part, "snapshot") == 0;
		const char *text =
			mg_printf(run->arena, "locks: %s %s", mg_locks_text(arena, session),
					  snapshot ? "is waited for by what runs CONCURRENTLY" : "is in the way");

		/* who is young is gone before this is read */
		if (i >= b.old && (!snapshot || session->transaction_ms < b.old_ms) && !gives_way(session))
			continue;
		mg_strings_add(&run->findings, text);
		mg_log_warning("%s", text);
	}
	if (ok && b.snapshots && !run->arm_fence)
		mg_log_warning("the library cannot be loaded into the tool's sessions, so what runs "
					   "CONCURRENTLY is under lock_timeout and may leave an invalid index");
	if (ok && b.old > 0 && b.policy == POLICY_REFUSE)
		ok = refuse(&b, arena, err);
	mg_arena_free(arena);
	return ok;
}

/* Ends those whose applications the settings name; how many. */
static bool
end_named(Blockers *b, MgArena *arena, int *ended, MgError *err)
{
	bool terminate = b->policy == POLICY_TERMINATE;

	*ended = 0;
	for (int i = 0; i < b->old; i++)
	{
		const MgLockSession *session = &b->now.items[i];
		cJSON *detail;
		bool done;
		bool ok;

		if (session->pid == 0 || session->application_name == NULL || session->kind == NULL ||
			strcmp(session->kind, "client backend") != 0 ||
			!mg_strings_has(&b->applications, session->application_name))
			continue;
		if (!mg_locks_end_blocker(b->run->pg, session, terminate, &done, err))
			return false;
		if (!done)
			continue;
		(*ended)++;
		detail = cJSON_CreateObject();
		mg_json_text(detail, "blocker", mg_locks_text(arena, session));
		mg_json_text(detail, "asked_by", mg_config_source(b->run->config, MG_SET_RUN_ON_BLOCKERS));
		ok = mg_run_note_detail(b->run, detail, err,
								"%s a session in the way, as [run] on_blockers asks: %s",
								terminate ? "terminated" : "cancelled",
								mg_locks_text(arena, session));
		cJSON_Delete(detail);
		if (!ok)
			return false;
	}
	return true;
}

/* One look; *again when there is somebody to be waited for. */
static bool
settle_once(Blockers *b, MgPass pass, long long began_ms, long long *until_ms, bool *may_end,
			cJSON *record, bool *again, MgError *err)
{
	MgArena *arena = mg_arena_new();
	bool first = cJSON_GetObjectItemCaseSensitive(record, "blockers") == NULL;
	bool ok = look(b, arena, err);
	int ended = 0;

	*again = ok && b->old > 0;
	if (ok && first)
		record_list(b, arena, record);
	if (*again && pass == MG_PASS_UP && b->policy == POLICY_REFUSE)
		ok = refuse(b, arena, err);
	else if (*again && first)
		mg_log_info("in the way: %s; waiting up to %s for %s", old_text(b, arena),
					mg_text_duration(arena, (*until_ms - began_ms) * 1000),
					b->old == 1 ? "its end" : "their end");
	if (ok && *again && mg_clock_ms() >= *until_ms)
	{
		if (*may_end && b->policy >= POLICY_CANCEL)
			ok = end_named(b, arena, &ended, err);
		*may_end = false;
		*again = ended > 0;
		if (ended > 0)
			*until_ms = mg_clock_ms() + AFTER_END_MS;
		else if (ok)
			mg_log_info("still in the way: %s; the tool is started all the same", old_text(b, arena));
	}
	mg_arena_free(arena);
	return ok;
}

bool
mg_blockers_settle(MgRun *run, MgPass pass, cJSON *record, MgError *err)
{
	Blockers b;
	long long began_ms = mg_clock_ms();
	long long until_ms = began_ms + mg_config_ms(run->config, MG_SET_RUN_BLOCKER_WAIT);
	bool may_end = true;
	bool again = true;

	init(&b, run, pass);
	while (again)
	{
		if (!settle_once(&b, pass, began_ms, &until_ms, &may_end, record, &again, err) ||
			(again && !mg_run_pause(run, LOOK_EVERY_MS, err)))
			return false;
	}
	if (mg_clock_ms() - began_ms >= LOOK_EVERY_MS)
		mg_json_int(record, "waited_for_blockers_ms", mg_clock_ms() - began_ms);
	return true;
}
