/*
 * sd_rules_hot.c
 *	  Rules about who is stopped, and for how long: tables in constant use, and the
 *	  locks of a whole transaction.
 */
#include "postgres.h"

#include "storage/lock.h"

#include "sd_context.h"
#include "sd_guc.h"
#include "sd_names.h"
#include "sd_rules.h"
#include "sd_size.h"
#include "sd_track.h"
#include "sd_tree.h"

/* What a server with a common disk reads, and writes anew, in a second at least. */
#define READ_BYTES_PER_SECOND  (200.0 * 1024 * 1024)
#define WRITE_BYTES_PER_SECOND (50.0 * 1024 * 1024)

/* report_hot reports a lock on a table in constant use, once a transaction. */
static void
report_hot(SdAnalysis *analysis, Node *statement, const SdLock *lock)
{
	SdContext *context = sd_context_of(analysis, lock->relation);
	SdFinding finding;

	if (!sd_context_is_hot(analysis, context) ||
		(context->hot_reported && context->hot_transaction == analysis->track->transaction))
		return;
	context->hot_reported = true;
	context->hot_transaction = analysis->track->transaction;
	finding = sd_finding(analysis, SD_RULE_HOT_TABLE, NULL);
	finding.about = lock->relation;
	finding.object = finding.names.table = sd_relation_name(lock->relation);
	finding.size = context->size;
	finding.message =
		psprintf("%s stops who %s %s, which is in constant use (%s), from when it waits for its lock",
				 sd_command_name(statement),
				 lock->mode == AccessExclusiveLock ? "reads or writes" : "writes", finding.object,
				 sd_context_facts(analysis, context));
	sd_report(analysis, &finding);
}

void
sd_check_hot(SdAnalysis *analysis, Node *statement)
{
	ListCell *cell;

	if (sd_guc_hot_table == 0)
		return;
	foreach (cell, analysis->track->now.locked)
		report_hot(analysis, statement, lfirst(cell));
}

/* seconds_of guesses how long the current statement takes, of what is known to be read and written. */
static double
seconds_of(SdAnalysis *analysis)
{
	const SdNow *now = &analysis->track->now;
	double seconds = 0;

	if (OidIsValid(now->rewrites))
		seconds +=
			Max(sd_relation_size(analysis->sizes, now->rewrites).bytes, 0) / WRITE_BYTES_PER_SECOND;
	if (OidIsValid(now->reads))
		seconds +=
			Max(sd_relation_size(analysis->sizes, now->reads).bytes, 0) / READ_BYTES_PER_SECOND;
	return seconds;
}

void
sd_check_lock_budget(SdAnalysis *analysis)
{
	SdTrack *track = analysis->track;
	double seconds = seconds_of(analysis);
	SdFinding finding;
	SdNames names;
	ListCell *cell;

	if (seconds == 0 || sd_guc_lock_budget == 0)
		return;
	track->held_seconds += seconds;
	track->long_statements++;
	/* that one statement takes long by itself is told by its own findings */
	if (track->budget_reported || track->long_statements < 2 ||
		track->held_seconds * 1000 < sd_guc_lock_budget)
		return;
	track->budget_reported = true;
	sd_names_init(&names);
	foreach (cell, track->held)
		sd_names_add(&names, sd_relation_name(((const SdHeld *) lfirst(cell))->relation));
	finding = sd_finding(analysis, SD_RULE_CUMULATIVE_LOCK_BUDGET, NULL);
	finding.message =
		psprintf("%d statements of one transaction hold its locks for %.1f s or more, one after the "
				 "other",
				 track->long_statements, track->held_seconds);
	finding.detail = psprintf("Locked against writing or against everything until its end: %s.",
							  sd_names_text(&names));
	sd_report(analysis, &finding);
}
