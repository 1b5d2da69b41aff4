/*
 * preflight.h
 *	  The table of checks that need nothing to be changed.
 */
#ifndef MG_PREFLIGHT_H
#define MG_PREFLIGHT_H

#include "run.h"

/* What a check found; problem NULL: nothing. */
typedef struct MgCheckResult
{
	const char *problem; /* one line */
	const char *detail;	 /* sentences, or NULL */
	const char *hint;	 /* sentences, or NULL */
	const char *note;	 /* worth saying although it is no problem, or NULL */
} MgCheckResult;

typedef struct MgCheck
{
	MgSetting setting; /* says whether the check is required, a warning or off */
	const char *name;
	bool base;	   /* without it not even the ledger can be written */
	bool rollback; /* also before a rollback */
	/* False when the check itself could not be done, which counts as a problem. */
	bool (*check)(MgRun *run, MgCheckResult *result, MgError *err);
} MgCheck;

extern const MgCheck mg_checks[]; /* ended by a row without name */

/* The base checks, those that are required; the first problem is the error. */
extern bool mg_preflight_base(MgRun *run, MgError *err);

#endif
