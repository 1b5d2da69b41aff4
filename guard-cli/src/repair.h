/*
 * repair.h
 *	  The rest of the way back, where the tool's downgrade does not restore the schema.
 *
 * The server writes the statements that lead back (revert_sql).  They are rehearsed
 * on the clone, after the downgrade or in its place, and kept with the run: on the
 * real database nothing is run that was not rehearsed.
 */
#ifndef MG_REPAIR_H
#define MG_REPAIR_H

#include "clone.h"

/*
 * After a downgrade on the clone that left differences: runs what leads back to its
 * snapshot and compares again, so that changes says what is left then.  The statements
 * are kept in the run when nothing real is left.
 */
extern bool mg_repair_rehearse(MgRun *run, MgPg *clone, const MgSnapshot *before,
							   MgChanges *changes, MgError *err);

/*
 * On a clone that is upgraded, whose tool has no downgrade or one that fails: likewise,
 * for all of the upgrade, and with the rows of the tool's own tables.
 */
extern bool mg_repair_instead(MgRun *run, MgPg *clone, const MgSnapshot *before, MgChanges *changes,
							  MgError *err);

/*
 * On the real database: runs what is kept in the run, as far as it is needed, to lead back
 * to the snapshot.  *how says what was done or why it was not, NULL when nothing was needed.
 */
extern bool mg_repair_real(MgRun *run, const MgSnapshot *before, const char **how, MgError *err);

/* The kept statements on a clone, as they are. */
extern bool mg_repair_again(MgRun *run, MgPg *clone, MgError *err);

/* Keeps the rows of the tool's own tables, before anything is changed. */
extern bool mg_repair_keep_rows(MgRun *run, MgError *err);

/* Into the detail of an event, and back from there. */
extern void mg_repair_record(MgRun *run);
extern void mg_repair_recall(MgRun *run, const char *detail);

#endif
