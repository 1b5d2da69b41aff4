/*
 * failpoint.h
 *	  Named places where a test can end migguard, signal it or hold it up.
 *
 * Only "make FAILPOINTS=1" compiles them in; in any other build a point costs
 * nothing and "migguard failpoints" does not exist.
 *
 *	  MIGGUARD_FAILPOINT=NAME[:NTH]=ACTION
 *
 * does ACTION when the point is reached for the NTH time (default 1):
 *
 *	  kill term int hup stop	that signal to the process itself
 *	  pause:PATH				makes the file PATH and waits until it is gone
 *	  exit:N					ends at once with that code
 *
 * MIGGUARD_FAILPOINT_TRACE=PATH appends the name of each point that is reached.
 *
 * A new point is a line of the list in failpoint.c and a call.  The boundaries of
 * the run's states (STATE.begun, STATE.acted, STATE.closed) come from the
 * interpreter of the table in run.c, so that none can be forgotten.
 */
#ifndef MG_FAILPOINT_H
#define MG_FAILPOINT_H

#include <stdbool.h>

#ifdef MG_FAILPOINTS

typedef struct MgFailpoint
{
	const char *name;
	const char *text; /* where that is */
} MgFailpoint;

extern const MgFailpoint mg_failpoint_list[]; /* ended by a row without name */

/* The point is reached.  A name that is not in the list ends the program. */
extern void mg_failpoint(const char *name);
/* Likewise, of a boundary of a state. */
extern void mg_failpoint_state(const char *state, const char *boundary);

extern const char *const mg_failpoint_boundaries[]; /* ended by NULL */

/* A variable of the environment is one of ours. */
extern bool mg_failpoint_is_variable(const char *text);

#else

#define mg_failpoint(name)					((void) 0)
#define mg_failpoint_state(state, boundary) ((void) 0)
#define mg_failpoint_is_variable(text)		false

#endif

#endif
