/*
 * child.h
 *	  Runs a program so that nothing of it is left behind.
 *
 * The child runs in its own process group below a keeper, a small process of
 * ours that is its subreaper.  The keeper notices the death of migguard, ends
 * the whole group and everything it started, and terminates the server
 * sessions that carry the run's application_name.  No shell is involved.
 */
#ifndef MG_CHILD_H
#define MG_CHILD_H

#include "company.h"
#include "err.h"
#include "target.h"

typedef struct MgChildSpec
{
	char *const *argv;			  /* argv[0] is looked up on PATH of env */
	char *const *env;			  /* the whole environment */
	const char *directory;		  /* working directory, NULL: ours */
	const char *input;			  /* text for stdin, NULL: /dev/null */
	int input_fd;				  /* stdin in place of input, when > 0 */
	long long timeout_ms;		  /* 0: none */
	const MgTarget *target;		  /* where its sessions are; NULL: it has none */
	const char *application_name; /* tag of its sessions */
	bool stop_on_signal;		  /* SIGINT or SIGTERM to migguard ends the child */

	/* Takes stdout in place of result->out; false ends the child. */
	bool (*sink)(void *arg, const char *data, size_t len);
	void *sink_arg;

	/* Is told each line of stderr; sink_arg is its argument too. */
	void (*said)(void *arg, const char *line);
} MgChildSpec;

typedef struct MgChildResult
{
	bool started;
	int exit_code;	 /* -1 when ended by a signal */
	int term_signal; /* 0 when it exited */
	bool timed_out;
	bool interrupted;	  /* ended because migguard was told to end */
	bool guard_lost;	  /* ended because mg_child_watch's connection was lost */
	bool sink_failed;	  /* ended because the sink returned false */
	long long elapsed_us; /* monotonic */
	char *out;			  /* end of stdout, terminated, secrets redacted */
	char *err;			  /* end of stderr, likewise */
	int sessions_seen;	  /* server sessions that carried the tag and had to be ended */
} MgChildResult;

/*
 * False only when the child could not be run at all; how it ended is in result.
 * When the child was ended by us (time-out, signal, lost guard), its server
 * sessions have been ended too.
 */
extern bool mg_child_run(MgArena *arena, const MgChildSpec *spec, MgChildResult *result,
						 MgError *err);

/*
 * Several at the same time, each with its result; false when any could not be run.  What one
 * prints while another is waited for may have to wait in its pipe.
 */
extern bool mg_child_run_all(MgArena *arena, const MgChildSpec *specs, MgChildResult *results,
							 int count, MgError *err);

/* Exit code 0, by itself; also of a step for which nothing had to be started. */
extern bool mg_child_succeeded(const MgChildResult *result);

/* Where the program is, found as execvp would on the PATH of env; NULL with the error set. */
extern const char *mg_child_find(MgArena *arena, const char *name, char *const *env, MgError *err);

/* "exited with 1", "was ended by signal 9 (Killed)", "timed out after 30 s". */
extern char *mg_child_describe(MgArena *arena, const MgChildResult *result);

/* The last lines of what it said, stderr before stdout; "" when it said nothing. */
extern char *mg_child_tail(MgArena *arena, const MgChildResult *result, int lines);

/*
 * While a connection is watched, every child is ended as soon as it is lost:
 * alive(arg) is asked when the descriptor becomes readable, which a connection
 * at rest is only when the server has something to say.  fd -1 ends the watch.
 */
extern void mg_child_watch(int fd, bool (*alive)(void *arg), void *arg);

/* What goes on while a child runs, until it is taken away by NULL. */
extern void mg_child_accompany(const MgCompany *company);

/*
 * Cancels, then terminates the server sessions with that application_name in
 * the target's database, and waits until none is left.
 */
extern bool mg_child_end_sessions(MgArena *arena, const MgTarget *target,
								  const char *application_name, int *ended, MgError *err);

#endif
