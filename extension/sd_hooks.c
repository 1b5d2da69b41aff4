/*
 * sd_hooks.c
 *	  Chains the module into the server's hooks.
 *
 * A hook of ours asks first whether anything of ours is switched on, which is a
 * comparison of a setting; otherwise it only passes on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "tcop/utility.h"

#include "sd_compat.h"
#include "sd_drift.h"
#include "sd_fence.h"
#include "sd_hooks.h"
#include "sd_lock.h"

static ProcessUtility_hook_type prev_process_utility = NULL;

static void
pass_on(SD_PROCESS_UTILITY_ARGS)
{
	if (prev_process_utility)
		prev_process_utility(SD_PROCESS_UTILITY_PASS);
	else
		standard_ProcessUtility(SD_PROCESS_UTILITY_PASS);
}

static void
process_utility(SD_PROCESS_UTILITY_ARGS)
{
	SdDriftStatement statement;

	if (sd_fence_is_armed())
		sd_fence_check_utility(pstmt->utilityStmt);

	if (!sd_drift_wanted(pstmt, context))
	{
		pass_on(SD_PROCESS_UTILITY_PASS);
		return;
	}
	sd_drift_begin(&statement);
	PG_TRY();
	{
		pass_on(SD_PROCESS_UTILITY_PASS);
		sd_drift_record(&statement, pstmt, queryString, context);
	}
	PG_FINALLY();
	{
		sd_drift_end(&statement);
	}
	PG_END_TRY();
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			sd_fence_at_pre_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			sd_fence_at_pre_prepare();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			sd_lock_at_commit();
			break;
		case XACT_EVENT_ABORT:
			sd_lock_at_abort();
			break;
		default:
			break;
	}
}

void
sd_hooks_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	RegisterXactCallback(transaction_event, NULL);
}
