/*
 * sd_drift.h
 *	  The record of DDL that is made outside of a run.
 *
 * In a session that has the module loaded, each DDL statement that ends well
 * leaves a row in safedeploy.drift_event, written by its own transaction: what is
 * rolled back leaves none.  Statements inside of functions and DO blocks pass the
 * same hook as all others.  A session that works for a run, which is one whose
 * fencing token is the current one of a held lock, leaves none either.
 *
 * The statement's objects come from an event trigger of the extension, which fires
 * inside of the statement and hands them over with note_ddl().
 */
#ifndef SD_DRIFT_H
#define SD_DRIFT_H

#include "access/sdir.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

/* A DDL statement that is being run; lives in the frame of the hook. */
typedef struct SdDriftStatement
{
	struct SdDriftStatement *outer;
	bool noted;	   /* the event trigger has told its objects */
	List *objects; /* of char *, in TopTransactionContext */
} SdDriftStatement;

/* True when the statement is one to be recorded; costs little for any other. */
extern bool sd_drift_wanted(const PlannedStmt *pstmt, ProcessUtilityContext context);
/* Around the statement; end() also on errors, so that no frame is left behind. */
extern void sd_drift_begin(SdDriftStatement *statement);
extern void sd_drift_end(SdDriftStatement *statement);
/* Writes the row, between the two. */
extern void sd_drift_record(const SdDriftStatement *statement, const PlannedStmt *pstmt,
							const char *query, ProcessUtilityContext context);

#endif
