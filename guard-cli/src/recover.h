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
 * dead runs and judges each of them from ledger, revision and schema: nothing
 * happened, or fully applied, is recorded as such; anything else is recorded as
 * interrupted and refused with exit code 24, as long as nobody has put it right.
 */
extern bool mg_recover(MgRun *run, MgError *err);

#endif
