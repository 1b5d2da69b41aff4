/*
 * sd_progress.c
 *	  How far a long function is, shown in pg_stat_activity.
 *
 * A progress view of the server's own kind cannot be added by an extension, and
 * shared memory of our own needs the library at the start of the server.  The
 * text of the query is there always: it gets a comment in front, which the view
 * safedeploy.progress takes apart.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "sd_compat.h"
#include "sd_progress.h"

/* Time from the start of the statement to the first change of the text, and between changes. */
#define SHOW_AFTER_MS 200

uint32 sd_progress_steps;

/* The query as it was, or NULL when nothing is shown; lives in the context that ends it. */
static char *original;
static bool changed;
static TimestampTz last_shown;

static void
restore(void *arg)
{
	if (changed)
		sd_set_activity(original);
	original = NULL;
	changed = false;
}

void
sd_progress_begin(MemoryContext cxt)
{
	MemoryContextCallback *callback;

	if (original != NULL || !pgstat_track_activities || MyProcPid == 0)
		return;
	callback = MemoryContextAlloc(cxt, sizeof(MemoryContextCallback));
	callback->func = restore;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(cxt, callback);
	original = MemoryContextStrdup(cxt, sd_get_activity());
	changed = false;
	last_shown = GetCurrentStatementStartTimestamp();
}

void
sd_progress_show(const char *phase, uint64 done, uint64 total)
{
	TimestampTz now;
	char *text;

	if (original == NULL)
		return;
	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(last_shown, now, SHOW_AFTER_MS))
		return;
	if (total >= done && total > 0)
		text = psprintf("/* safedeploy: %s, " UINT64_FORMAT " of " UINT64_FORMAT " */ %s", phase,
						done, total, original);
	else
		text = psprintf("/* safedeploy: %s, " UINT64_FORMAT " */ %s", phase, done, original);
	sd_set_activity(text);
	pfree(text);
	changed = true;
	last_shown = now;
}
