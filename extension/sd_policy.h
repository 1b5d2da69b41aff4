/*
 * sd_policy.h
 *	  Enforcement: destructive statements that no permit names are refused.
 *
 * safedeploy.protect says for whom.  Three places look:
 *	 before a utility statement runs, what it would take away is told from the
 *	 catalog, without locks, and judged as a whole;
 *	 while it runs, every object that the server drops or empties is compared
 *	 with what was judged, and judged by itself when it was not in there;
 *	 before a planned statement runs, DELETE and UPDATE of all rows are judged,
 *	 if asked for.
 * Statements inside of functions and DO blocks pass the same places.
 */
#ifndef SD_POLICY_H
#define SD_POLICY_H

#include "catalog/objectaccess.h"
#include "executor/execdesc.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

#include "sd_guc.h"

/* A utility statement that is being run; lives in the frame of the hook. */
typedef struct SdPolicyFrame
{
	struct SdPolicyFrame *outer;
	const PlannedStmt *pstmt;
	const char *query;
	bool nested;
	struct SdLoss *loss; /* what was judged, NULL for nothing */
	MemoryContext context;
} SdPolicyFrame;

/* True until the settings of the session are known to be what the catalog says. */
extern bool sd_policy_unsettled;

/* Says at the load of the library that settings may have been lost; see sd_policy.c. */
extern void sd_policy_init(void);

/* False for nearly every session; costs three comparisons. */
static inline bool
sd_policy_is_on(void)
{
	return sd_guc_protect != SD_ENFORCE_OFF || sd_policy_unsettled || sd_guc_trace;
}

/* True when the statement has to pass begin() and end(). */
extern bool sd_policy_wanted(const PlannedStmt *pstmt);

/* Around a utility statement; begin() refuses it, end() also comes on errors. */
extern void sd_policy_begin(SdPolicyFrame *frame, const PlannedStmt *pstmt, const char *query,
							ProcessUtilityContext context);
extern void sd_policy_end(SdPolicyFrame *frame);

/* For the hooks of the same names. */
extern void sd_policy_object_access(ObjectAccessType access, Oid class, Oid id, int sub, void *arg);
extern void sd_policy_executor_start(QueryDesc *query, int eflags);

#endif
