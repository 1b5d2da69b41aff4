/*
 * sd_trace.h
 *	  The trace: what each statement of this session really did.
 *
 * While safedeploy.trace is on, every statement that is executed leaves a record,
 * also those inside of functions and DO blocks: locks gained, tables rewritten,
 * indexes built, full reads, objects dropped and made, rows, WAL, time, waits and
 * what the server said about it.  The hooks of the executor and of the log are put
 * in place when a session switches the trace on first; before that nothing of it
 * costs anything.
 */
#ifndef SD_TRACE_H
#define SD_TRACE_H

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "tcop/utility.h"

#include "sd_compat.h"
#include "sd_guc.h"

/* Assign hook of safedeploy.trace. */
extern void sd_trace_assign(bool on, void *extra);

/* Runs a utility statement through "next", under observation when the trace is on. */
extern void sd_trace_utility(ProcessUtility_hook_type next, SD_PROCESS_UTILITY_ARGS);

/*
 * sd_trace_is_of_run: what statements take away is put on record, for whoever is
 * to permit just that.  sd_trace_note_losses adds it, as a list of names, to the
 * statement that is under way or ("coming") to the one that begins next.
 */
static inline bool
sd_trace_is_of_run(void)
{
	return sd_guc_trace && sd_guc_run_id[0] != '\0';
}
extern void sd_trace_note_losses(List *names, bool coming);

/* Before a transaction ends, and after it has. */
extern void sd_trace_before_commit(void);
extern void sd_trace_at_end(bool committed);

#endif
