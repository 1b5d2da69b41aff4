/*
 * lock_watch.h
 *	  Looks at the queue behind the tool's sessions while they wait for a lock or hold one.
 *
 * Whoever waits for a strong lock makes everybody wait who comes after, so a
 * migration behind one long reader stops all the others.  A session of migguard's
 * own looks ten times a second, and when a foreign one has waited behind the tool
 * for longer than the limit, the tool's statement is cancelled.
 */
#ifndef MG_LOCK_WATCH_H
#define MG_LOCK_WATCH_H

#include "child.h"
#include "pg_catalog_locks.h"
#include "run.h"

/* Why the watch has ended what the tool did. */
typedef enum MgLockStop
{
	MG_LOCK_LEFT_ALONE,
	MG_LOCK_STOPPED_WAITING, /* others waited behind it while it waited itself */
	MG_LOCK_STOPPED_HOLDING	 /* others waited for what it held */
} MgLockStop;

/* A foreign session that waits behind the tool. */
typedef struct MgLockWaiter
{
	int pid;
	long long since_us;
	bool seen; /* at the last look */
} MgLockWaiter;

typedef struct MgLockWatch
{
	/* what came of it */
	MgLockStop stopped;
	long long longest_us;	  /* that a foreign session was seen waiting */
	char longest[512];		  /* which one */
	long long own_longest_us; /* that the tool was seen waiting */
	MgStrings blockers;		  /* whom it waited for, as texts */
	bool blind;				  /* the watch was lost */

	MgRun *run;
	const char *who;			  /* for people: the tool, or the repair */
	const char *application_name; /* of its sessions */
	MgCompany company;
	MgLater later;
	bool ending; /* the statement under way ends sessions */
	long long asked_us;
	long long looked_us;	 /* when the last answer was asked for */
	long long own_since_us;	 /* the tool waits since; 0: it does not */
	long long ended_us;		 /* when its statement was cancelled last; 0: never */
	long long told_us;		 /* when something was said last */
	unsigned long told_hash; /* of what that was about */
	MgLockWaiter *waiters;
	int waiter_count;
	int waiter_size;
} MgLockWatch;

/*
 * Between these two every child is watched, and every session of our own that keeps its
 * company (mg_pg_accompany); step names the sessions, as in mg_run_session, who is for people.
 */
extern bool mg_lock_watch_begin(MgLockWatch *watch, MgRun *run, const char *step, const char *who,
								MgError *err);
extern void mg_lock_watch_end(MgLockWatch *watch);

#endif
