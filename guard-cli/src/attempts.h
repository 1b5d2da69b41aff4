/*
 * attempts.h
 *	  Starting the tool, or a repair, again when it has lost a race for a lock.
 *
 * Each attempt settles what is in the way, runs under the watch of the queue
 * behind it, and leaves a record; between two of them is a pause that grows.
 * Whether one may follow another is the caller's to prove.
 */
#ifndef MG_ATTEMPTS_H
#define MG_ATTEMPTS_H

#include "lock_watch.h"
#include "observe.h"

/* Why one failed, as far as locks go. */
typedef enum MgLockFailure
{
	MG_LOCKS_INNOCENT,
	MG_LOCKS_TIMEOUT, /* lock_timeout */
	MG_LOCKS_QUEUE,	  /* cancelled, because others waited behind it while it waited */
	MG_LOCKS_HELD	  /* cancelled, because others waited for what it held: it would again */
} MgLockFailure;

typedef struct MgAttempts
{
	MgRun *run;
	MgPass pass;
	const char *step; /* names the sessions */
	const char *who;  /* for people: the tool, unless the caller says another */
	const char *list; /* of the attempts, in the detail of the state; likewise */
	int number;		  /* of the one that runs, from 1 */
	int limit;
	MgLockFailure failure;
	MgLockWatch watch;
	bool watched;
	cJSON *record;		  /* of this one, in the detail of the state */
	long long longest_us; /* that anybody waited behind any of them */
} MgAttempts;

extern void mg_attempts_init(MgAttempts *attempts, MgRun *run, const char *step, MgPass pass);

/* Before the tool is started, and after its end in any case. */
extern bool mg_attempt_begin(MgAttempts *attempts, MgError *err);
extern void mg_attempt_end(MgAttempts *attempts, const MgChildResult *result);
/* The same of statements in a session of our own, which ended with that error or (NULL) well. */
extern void mg_attempt_end_own(MgAttempts *attempts, const MgError *fault, long long elapsed_us);

/* Another one makes sense and is allowed. */
extern bool mg_attempt_may_follow(const MgAttempts *attempts);
/* Puts on record what happened to this one, and waits. */
extern bool mg_attempt_pause(MgAttempts *attempts, const char *what_stays, MgError *err);

/* What a person is to know of a failure by locks; NULL when it was none. */
extern const char *mg_attempts_hint(const MgAttempts *attempts);

/* "" or "; others waited up to 1.2 s behind it". */
extern char *mg_attempts_text(const MgAttempts *attempts);

#endif
