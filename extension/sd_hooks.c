/*
 * sd_hooks.c
 *	  Chains the module into the server's hooks.
 *
 * A hook of ours asks first whether anything of ours is switched on, which is a
 * comparison of a setting; otherwise it only passes on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "tcop/utility.h"

#include "sd_compat.h"
#include "sd_drift.h"
#include "sd_fence.h"
#include "sd_hooks.h"
#include "sd_keep.h"
#include "sd_lock.h"
#include "sd_patience.h"
#include "sd_permit_use.h"
#include "sd_policy.h"
#include "sd_trace.h"

static ProcessUtility_hook_type prev_process_utility = NULL;
static object_access_hook_type prev_object_access = NULL;
static ExecutorStart_hook_type prev_executor_start = NULL;

/* The trace is the innermost of ours: what the others lock and write is none of the statement's. */
static void
pass_on(SD_PROCESS_UTILITY_ARGS)
{
	if (sd_guc_trace)
		sd_trace_utility(prev_process_utility, SD_PROCESS_UTILITY_PASS);
	else if (prev_process_utility)
		prev_process_utility(SD_PROCESS_UTILITY_PASS);
	else
		standard_ProcessUtility(SD_PROCESS_UTILITY_PASS);
}

/* run_recorded runs a statement that may leave a record of drift. */
static void
run_recorded(SD_PROCESS_UTILITY_ARGS)
{
	SdDriftStatement statement;

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
run_observed(SD_PROCESS_UTILITY_ARGS)
{
	if (sd_drift_wanted(pstmt, context))
		run_recorded(SD_PROCESS_UTILITY_PASS);
	else
		pass_on(SD_PROCESS_UTILITY_PASS);
}

static void
run_statement(SD_PROCESS_UTILITY_ARGS)
{
	int lock_timeout;

	if (!sd_patience_wanted(pstmt))
	{
		run_observed(SD_PROCESS_UTILITY_PASS);
		return;
	}
	lock_timeout = sd_patience_begin();
	PG_TRY();
	{
		run_observed(SD_PROCESS_UTILITY_PASS);
	}
	PG_FINALLY();
	{
		sd_patience_end(lock_timeout);
	}
	PG_END_TRY();
}

/* BEGIN, COMMIT and the like, which are most of an application's utility statements. */
static inline bool
is_of_no_interest(const PlannedStmt *pstmt)
{
	return IsA(pstmt->utilityStmt, TransactionStmt) && !sd_guc_trace && !sd_fence_is_armed();
}

static void
process_utility(SD_PROCESS_UTILITY_ARGS)
{
	SdPolicyFrame frame;

	if (is_of_no_interest(pstmt))
	{
		pass_on(SD_PROCESS_UTILITY_PASS);
		return;
	}
	if (sd_fence_is_armed())
		sd_fence_check_utility(pstmt->utilityStmt);

	if (!sd_policy_wanted(pstmt))
	{
		run_statement(SD_PROCESS_UTILITY_PASS);
		return;
	}
	sd_policy_begin(&frame, pstmt, queryString, context);
	PG_TRY();
	{
		run_statement(SD_PROCESS_UTILITY_PASS);
	}
	PG_FINALLY();
	{
		sd_policy_end(&frame);
	}
	PG_END_TRY();
}

/* Called for each name that is looked up and each function that is run, too. */
static void
object_access(ObjectAccessType access, Oid class, Oid id, int sub, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, id, sub, arg);
	if (sd_policy_is_on())
		sd_policy_object_access(access, class, id, sub, arg);
	if (access == OAT_FUNCTION_EXECUTE && sd_fence_is_armed())
		sd_fence_check_function(id);
}

static void
executor_start(QueryDesc *query, int eflags)
{
	if (sd_policy_is_on())
		sd_policy_executor_start(query, eflags);
	if (prev_executor_start)
		prev_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			sd_fence_at_pre_commit();
			sd_permit_use_at_end();
			sd_trace_before_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			sd_fence_at_pre_prepare();
			sd_permit_use_at_end();
			sd_trace_before_commit();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			sd_lock_at_commit();
			sd_permit_use_at_commit();
			sd_keep_at_commit();
			sd_trace_at_end(true);
			break;
		case XACT_EVENT_ABORT:
			sd_lock_at_abort();
			sd_permit_use_at_abort();
			sd_keep_at_abort();
			sd_trace_at_end(false);
			break;
		default:
			break;
	}
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		sd_permit_use_at_subabort(mine);
}

void
sd_hooks_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	prev_object_access = object_access_hook;
	object_access_hook = object_access;
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	RegisterSubXactCallback(subtransaction_event, NULL);
	RegisterXactCallback(transaction_event, NULL);
}
