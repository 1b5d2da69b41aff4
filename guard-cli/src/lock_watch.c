/*
 * lock_watch.c
 *	  Looks at the queue behind the tool's sessions while they wait for a lock or hold one.
 */
#include "lock_watch.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

#define LOOK_EVERY_US 100000
#define INSIST_US	  500000 /* from a cancel that did not help to the end of the session */
#define TELL_AFTER_US 200000 /* a wait that is shorter is not worth a line */
#define TELL_AGAIN_US 5000000
#define MOST_BLOCKERS 10

static bool
is_part(const MgLockSession *session, const char *part)
{
	return strcmp(session->part, part) == 0;
}

static MgLockWaiter *
find_waiter(MgLockWatch *watch, int pid)
{
	for (int i = 0; i < watch->waiter_count; i++)
		if (watch->waiters[i].pid == pid)
			return &watch->waiters[i];
	if (watch->waiter_count == watch->waiter_size)
	{
		MgLockWaiter *old = watch->waiters;

		watch->waiter_size = watch->waiter_size == 0 ? 16 : watch->waiter_size * 2;
		watch->waiters =
			mg_alloc(watch->run->arena, (size_t) watch->waiter_size * sizeof(MgLockWaiter));
		if (old != NULL)
			memcpy(watch->waiters, old, (size_t) watch->waiter_count * sizeof(MgLockWaiter));
	}
	/* it may have come right after the last look */
	watch->waiters[watch->waiter_count] = (MgLockWaiter){ .pid = pid, .since_us = watch->looked_us };
	return &watch->waiters[watch->waiter_count++];
}

static void
forget_unseen(MgLockWatch *watch)
{
	int kept = 0;

	for (int i = 0; i < watch->waiter_count; i++)
		if (watch->waiters[i].seen)
			watch->waiters[kept++] = watch->waiters[i];
	watch->waiter_count = kept;
}

/* Takes down who waits behind the tool; how long the one has that waits longest. */
static long long
note_waiters(MgLockWatch *watch, const MgLockSessions *list, MgArena *arena)
{
	long long now = watch->asked_us;
	long long longest = 0;

	for (int i = 0; i < watch->waiter_count; i++)
		watch->waiters[i].seen = false;
	for (int i = 0; i < list->count; i++)
	{
		MgLockWaiter *waiter;

		if (!is_part(&list->items[i], "behind"))
			continue;
		waiter = find_waiter(watch, list->items[i].pid);
		waiter->seen = true;
		if (now - waiter->since_us > longest)
			longest = now - waiter->since_us;
		if (now - waiter->since_us > watch->longest_us)
		{
			watch->longest_us = now - waiter->since_us;
			snprintf(watch->longest, sizeof watch->longest, "%.500s",
					 mg_locks_text(arena, &list->items[i]));
		}
	}
	forget_unseen(watch);
	return longest;
}

/* Whom the tool waits for, for the ledger. */
static void
note_blockers(MgLockWatch *watch, const MgLockSessions *list, MgArena *arena)
{
	for (int i = 0; i < list->count; i++)
	{
		const char *start = mg_printf(arena, "process %d (", list->items[i].pid);
		bool known = watch->blockers.count >= MOST_BLOCKERS;

		if (!is_part(&list->items[i], "ahead"))
			continue;
		for (int k = 0; k < watch->blockers.count && !known; k++)
			known = strncmp(watch->blockers.items[k], start, strlen(start)) == 0 ||
					list->items[i].pid == 0;
		if (!known)
			mg_strings_add(&watch->blockers, mg_locks_text(arena, &list->items[i]));
	}
}

/* The first of the tool's sessions that waits, or else that builds an index; NULL: none does either. */
static const MgLockSession *
find_own(const MgLockSessions *list)
{
	const MgLockSession *found = NULL;

	for (int i = 0; i < list->count; i++)
	{
		const MgLockSession *session = &list->items[i];

		if (is_part(session, "own") && session->lock != NULL)
			return session;
		if (is_part(session, "own") && session->phase != NULL)
			found = session;
	}
	return found;
}

static unsigned long
add_hash(unsigned long hash, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		hash = hash * 31 + (unsigned char) *text;
	return hash;
}

static void
add_progress(MgBuf *text, const MgLockSession *own)
{
	if (own->phase == NULL)
		return;
	mg_buf_addf(text, "; it is at: %s", own->phase);
	if (own->percent > 0)
		mg_buf_addf(text, ", %d %%", own->percent);
	if (own->lockers_total > 0)
		mg_buf_addf(text, ", %d of %s waited for", own->lockers_done,
					mg_text_count(text->arena, own->lockers_total, "transaction"));
}

/* Says what the tool waits for, when that is new and now and then. */
static void
tell(MgLockWatch *watch, const MgLockSessions *list, MgArena *arena)
{
	const MgLockSession *own = find_own(list);
	unsigned long hash;
	MgBuf text;
	int ahead = 0;

	if (own == NULL)
		return;
	if (own->lock != NULL && watch->asked_us - watch->own_since_us < TELL_AFTER_US)
		return;
	hash = add_hash(add_hash(1, own->lock), own->phase);
	mg_buf_init(&text, arena);
	if (own->lock == NULL)
		mg_buf_addf(&text, "%s builds an index", watch->who);
	else
		mg_buf_addf(&text, "%s waits for %s since %s", watch->who, own->lock,
					mg_text_duration(arena, watch->asked_us - watch->own_since_us));
	add_progress(&text, own);
	for (int i = 0; i < list->count; i++)
	{
		if (!is_part(&list->items[i], "ahead"))
			continue;
		hash = hash * 31 + (unsigned long) list->items[i].pid;
		if (++ahead <= 3)
			mg_buf_addf(&text, "%s%s", ahead == 1 ? "; behind " : ", ",
						mg_locks_text(arena, &list->items[i]));
	}
	if (ahead > 3)
		mg_buf_addf(&text, " and %d more", ahead - 3);
	if (watch->waiter_count > 0)
		mg_buf_addf(&text, "; %s behind it", mg_text_count(arena, watch->waiter_count, "session"));
	if (hash == watch->told_hash && watch->asked_us - watch->told_us < TELL_AGAIN_US)
		return;
	watch->told_hash = hash;
	watch->told_us = watch->asked_us;
	mg_log_info("%s", text.data);
}

/* Ends what the tool does, when others have waited for that too long. */
static bool
enforce(MgLockWatch *watch, bool waits, long long longest_us, MgError *err)
{
	MgRun *run = watch->run;
	MgSetting setting = waits ? MG_SET_RUN_MAX_BLOCKING : MG_SET_RUN_MAX_HOLDING;
	long long limit_ms = mg_config_ms(run->config, setting);
	bool again = watch->ended_us > 0 && longest_us >= watch->asked_us - watch->ended_us;

	if (limit_ms == 0 || longest_us < limit_ms * 1000 ||
		(again && watch->asked_us - watch->ended_us < INSIST_US))
		return true;
	mg_log_warning("another session has waited for %s behind %s, which %s: %s",
				   mg_text_duration(run->arena, longest_us), watch->who,
				   waits ? "waits for a lock itself" : "holds a lock",
				   again ? "its session is terminated" : "its statement is cancelled");
	watch->stopped = waits ? MG_LOCK_STOPPED_WAITING : MG_LOCK_STOPPED_HOLDING;
	watch->ended_us = watch->asked_us;
	watch->ending = true;
	return mg_locks_ask_end(&watch->later, watch->application_name, again, err);
}

/* What one look has shown. */
static bool
digest(MgLockWatch *watch, const MgLockSessions *list, MgArena *arena, MgError *err)
{
	const MgLockSession *own = find_own(list);
	bool waits = own != NULL && own->lock != NULL;
	long long longest = note_waiters(watch, list, arena);

	if (!waits)
		watch->own_since_us = 0;
	else if (watch->own_since_us == 0)
		watch->own_since_us = watch->looked_us;
	if (waits && watch->asked_us - watch->own_since_us > watch->own_longest_us)
		watch->own_longest_us = watch->asked_us - watch->own_since_us;
	note_blockers(watch, list, arena);
	tell(watch, list, arena);
	watch->looked_us = watch->asked_us;
	return enforce(watch, waits, longest, err);
}

static bool
open_session(MgLockWatch *watch, MgError *err)
{
	return mg_pg_open(watch->run->arena, &watch->run->context->target,
					  mg_run_application_name(watch->run, "watch"), &watch->later.pg, err);
}

/* The session is of no use any more: another one, or none. */
static void
lose(MgLockWatch *watch, const MgError *why)
{
	MgError fault;

	mg_err_init(&fault, watch->run->arena);
	mg_later_close(&watch->later);
	watch->ending = false;
	if (!watch->blind && open_session(watch, &fault))
	{
		mg_log_warning("the session that looks at the queue behind %s was lost, another goes on: %s",
					   watch->who, why->message);
		watch->blind = true;
		return;
	}
	watch->blind = true;
	mg_log_warning("nobody looks at the queue behind %s any more: %s; lock_timeout still ends its waits",
				   watch->who, why->message);
}

static int
ask(void *arg, short *events, long long *until_us)
{
	MgLockWatch *watch = arg;

	if (watch->later.pg == NULL)
		return -1;
	*until_us = watch->later.asked ? -1 : watch->asked_us + LOOK_EVERY_US;
	return mg_later_socket(&watch->later, events);
}

/* Fetches an answer that is there; false when the session is lost. */
static bool
take_answer(MgLockWatch *watch, MgError *err)
{
	MgArena *arena = mg_arena_new();
	MgLockSessions list;
	bool done;
	bool ok = mg_locks_take(&watch->later, arena, &done, &list, err);

	if (ok && done && watch->ending)
		watch->ending = false;
	else if (ok && done)
		ok = digest(watch, &list, arena, err);
	mg_arena_free(arena);
	return ok;
}

static void
turn(void *arg)
{
	MgLockWatch *watch = arg;
	bool ok = true;
	MgError fault;

	if (watch->later.pg == NULL)
		return;
	mg_err_init(&fault, watch->run->arena);
	if (watch->later.asked)
		ok = take_answer(watch, &fault);
	else if (mg_clock_us() >= watch->asked_us + LOOK_EVERY_US)
	{
		watch->asked_us = mg_clock_us();
		ok = mg_locks_ask(&watch->later, watch->application_name, &fault);
	}
	if (!ok)
		lose(watch, &fault);
}

bool
mg_lock_watch_begin(MgLockWatch *watch, MgRun *run, const char *step, const char *who, MgError *err)
{
	memset(watch, 0, sizeof *watch);
	watch->run = run;
	watch->who = who;
	watch->application_name = mg_run_application_name(run, step);
	mg_strings_init(&watch->blockers, run->arena);
	if (!open_session(watch, err))
		return false;
	watch->looked_us = mg_clock_us();
	watch->company = (MgCompany){ .ask = ask, .turn = turn, .arg = watch };
	mg_child_accompany(&watch->company);
	return true;
}

void
mg_lock_watch_end(MgLockWatch *watch)
{
	mg_child_accompany(NULL);
	mg_later_close(&watch->later);
}
