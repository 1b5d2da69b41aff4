/*
 * recover.h
 *	  What runs that ended without saying so have left: sessions, scratch
 *	  databases, and a schema in a state to be found out.
 */
#ifndef MG_RECOVER_H
#define MG_RECOVER_H

#include "run.h"

/*
 * With the lock held.  Ends the sessions and drops the scratch databases of
 * dead runs and judges each of them by the table of verdicts: what is safe to
 * be recorded without a person is; anything else is recorded as interrupted and
 * refused with exit code 24, as long as nobody has put it right.
 */
extern bool mg_recover(MgRun *run, MgError *err);

/*
 * Likewise, for "migguard resume": finds the run that needs it (run->goal_run,
 * or the one that is there) and either ends here, with run->exit_code and
 * run->message, or makes this run the one that finishes it: run->resumed is set,
 * and run->kind is what is left to do.
 */
extern MgStep mg_recover_resume(MgRun *run, MgError *err);

#endif
