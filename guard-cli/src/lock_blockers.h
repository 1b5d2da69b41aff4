/*
 * lock_blockers.h
 *	  Who holds what the migrations will want, before the tool asks for it.
 *
 * A transaction that is older than the run lets others wait behind it will still
 * be there when the limit is over, so it is waited for outside of the queue, where
 * nobody has to wait behind.  Nobody's session is ended unless the settings say so
 * and name its application.
 */
#ifndef MG_LOCK_BLOCKERS_H
#define MG_LOCK_BLOCKERS_H

#include "observe.h"

/* The settings do not contradict themselves. */
extern bool mg_blockers_policy(const MgRun *run, MgError *err);

/* Names them; an error when the settings say that they are to be refused. */
extern bool mg_blockers_report(MgRun *run, MgPass pass, MgError *err);

/* Does with them what the settings say, and puts them into record; a way back is never refused. */
extern bool mg_blockers_settle(MgRun *run, MgPass pass, cJSON *record, MgError *err);

#endif
