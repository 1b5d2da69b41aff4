/*
 * hook_counter.c
 *	  A neighbour in the server's hooks, which counts what passes it.
 *
 * Setting "hook_counter.seen" shows how many utility statements, starts of the
 * executor, drops and parsed statements have reached it in this session.
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
#include "utils/guc.h"

#include "sd_compat.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static ProcessUtility_hook_type prev_utility;
static ExecutorStart_hook_type prev_start;
static object_access_hook_type prev_access;
static char *seen;
static int utilities;
static int starts;
static int drops;

static void
utility(SD_PROCESS_UTILITY_ARGS)
{
	utilities++;
	if (prev_utility)
		prev_utility(SD_PROCESS_UTILITY_PASS);
	else
		standard_ProcessUtility(SD_PROCESS_UTILITY_PASS);
}

static void
start(QueryDesc *query, int eflags)
{
	starts++;
	if (prev_start)
		prev_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

static void
object_access(ObjectAccessType type, Oid class, Oid id, int sub, void *arg)
{
	if (type == OAT_DROP)
		drops++;
	if (prev_access)
		prev_access(type, class, id, sub, arg);
}

static const char *
show_seen(void)
{
	return psprintf("utilities=%d starts=%d drops=%d", utilities, starts, drops);
}

void
_PG_init(void)
{
	DefineCustomStringVariable("hook_counter.seen", "What has passed the hooks.", NULL, &seen, "",
							   PGC_USERSET, 0, NULL, NULL, show_seen);
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = start;
	prev_access = object_access_hook;
	object_access_hook = object_access;
}
