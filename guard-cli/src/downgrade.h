/*
 * downgrade.h
 *	  The tool's downgrade on the real database, and again where it lost a race for a lock.
 */
#ifndef MG_DOWNGRADE_H
#define MG_DOWNGRADE_H

#include "run.h"

/* How it went, the last time that it was started. */
typedef struct MgDowngrade
{
	bool ran; /* or else it could not be run, for the reason in failure */
	MgError failure;
	MgChildResult result;
	MgRevisions now;
	MgStrings written; /* what applications wrote to what it drops */
} MgDowngrade;

/* False when nobody can tell what came of it. */
extern bool mg_downgrade_real(MgRun *run, const MgRevisions *to, MgDowngrade *down, MgError *err);

#endif
