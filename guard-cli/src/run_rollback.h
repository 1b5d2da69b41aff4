/*
 * run_rollback.h
 *	  Bringing the schema back, and the proof that it came back.
 */
#ifndef MG_RUN_ROLLBACK_H
#define MG_RUN_ROLLBACK_H

#include "run.h"

/*
 * Brings the tool's revisions back to run->from and compares with run->before;
 * run->exit_code becomes 21 (proved), 22 (not proved), or 23 (the downgrade failed).
 * The state's message and detail say what was found.
 */
extern bool mg_rollback_bring_back(MgRun *run, MgError *err);

#endif
