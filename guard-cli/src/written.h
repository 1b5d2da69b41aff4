/*
 * written.h
 *	  What was written to tables and columns that a downgrade drops.
 *
 * Applications go on while a run does.  What they have put into a table or column
 * that the upgrade made is in nobody's snapshot, and goes with the downgrade.
 */
#ifndef MG_WRITTEN_H
#define MG_WRITTEN_H

#include "run.h"

/* Right before the downgrade: of what its rehearsal dropped, that which holds values now. */
extern bool mg_written_look(MgRun *run, MgStrings *written, MgError *err);

/* After it: names what of that is gone, in the event of the state and to the user. */
extern bool mg_written_tell(MgRun *run, const MgStrings *written, bool *lost, MgError *err);

#endif
