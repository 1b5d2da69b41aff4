/*
 * sd_trace_hooks.c
 *	  The hooks of a trace: executor, log, drops, caches.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "sd_trace_int.h"

/* In place of a nest level of settings. */
#define LEVEL_OF_NONE (-1)

/* Most messages of the server that are kept of one statement. */
#define MESSAGE_LIMIT 100

static ExecutorRun_hook_type prev_executor_run = NULL;
static ExecutorFinish_hook_type prev_executor_finish = NULL;
static ExecutorEnd_hook_type prev_executor_end = NULL;
static object_access_hook_type prev_object_access = NULL;
static emit_log_hook_type prev_emit_log = NULL;

static bool installed = false;
static bool at_exit = false;
/* log_min_messages as it is without us, while it is lowered; else 0 */
static int log_level = 0;

/* What the server says at DEBUG1 about the work of a statement. */
static const char *const tales[] = {
	"rewriting table",
	"verifying table",
	"validating foreign key",
	"building index",
	"existing constraints on column",
	"partition constraint for table",
	"updated partition constraint for default partition",
};

/* A query that the executor has begun and not ended: a cursor is run more than once. */
typedef struct OpenQuery
{
	QueryDesc *query;
	SdTraceRecord *record;
	SubTransactionId subxact;
} OpenQuery;
static List *open_queries = NIL;

/* In the backend of a client; the hooks themselves may be there from the postmaster. */
static bool
is_on(void)
{
	if (!sd_guc_trace || MyBackendType != B_BACKEND || IsInParallelMode())
		return false;
	if (!at_exit)
	{
		before_shmem_exit(sd_trace_store_at_exit, (Datum) 0);
		at_exit = true;
	}
	return true;
}

static OpenQuery *
find_query(const QueryDesc *query)
{
	ListCell *cell;

	foreach (cell, open_queries)
		if (((OpenQuery *) lfirst(cell))->query == query)
			return lfirst(cell);
	return NULL;
}

static void
forget_query(const QueryDesc *query)
{
	OpenQuery *open = find_query(query);

	if (open == NULL)
		return;
	open->record->has_query = false;
	open_queries = list_delete_ptr(open_queries, open);
	pfree(open);
}

static void
keep_query(QueryDesc *query, SdTraceRecord *record)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	OpenQuery *open = palloc(sizeof(OpenQuery));

	open->query = query;
	open->record = record;
	open->subxact = GetCurrentSubTransactionId();
	record->has_query = true;
	open_queries = lappend(open_queries, open);
	MemoryContextSwitchTo(old);
}

/* Queries of what was rolled back are never ended. */
static void
forget_queries(SubTransactionId since)
{
	ListCell *cell;
	List *dead = NIL;

	foreach (cell, open_queries)
		if (((OpenQuery *) lfirst(cell))->subxact >= since)
			dead = lappend(dead, ((OpenQuery *) lfirst(cell))->query);
	foreach (cell, dead)
		forget_query(lfirst(cell));
	list_free(dead);
}

/* The query of CREATE TABLE AS and the like is the statement itself. */
static bool
is_part(const QueryDesc *query)
{
	return sd_trace_top != NULL && sd_trace_top->utility != NULL &&
		   sd_trace_top->query == query->sourceText &&
		   (IsA(sd_trace_top->utility, CreateTableAsStmt) || IsA(sd_trace_top->utility, ExplainStmt) ||
			IsA(sd_trace_top->utility, CopyStmt) || IsA(sd_trace_top->utility, RefreshMatViewStmt));
}

static bool
begin(SdTraceFrame *frame, QueryDesc *query)
{
	OpenQuery *open;

	if (!is_on() || is_part(query) || query->sourceText == NULL)
		return false;
	open = find_query(query);
	if (!sd_trace_begin_query(frame, query->plannedstmt, query->sourceText,
							  open != NULL ? open->record : NULL))
		return false;
	if (open == NULL)
		keep_query(query, frame->record);
	return true;
}

static void
run_on(SD_EXECUTOR_RUN_ARGS)
{
	if (prev_executor_run)
		prev_executor_run(SD_EXECUTOR_RUN_PASS);
	else
		standard_ExecutorRun(SD_EXECUTOR_RUN_PASS);
}

static void
executor_run(SD_EXECUTOR_RUN_ARGS)
{
	SdTraceFrame frame;

	if (!begin(&frame, query))
	{
		run_on(SD_EXECUTOR_RUN_PASS);
		return;
	}
	PG_TRY();
	{
		run_on(SD_EXECUTOR_RUN_PASS);
		sd_trace_end(&frame, query->estate->es_processed);
	}
	PG_CATCH();
	{
		forget_query(query);
		sd_trace_fail(&frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
finish_on(QueryDesc *query)
{
	if (prev_executor_finish)
		prev_executor_finish(query);
	else
		standard_ExecutorFinish(query);
}

/* Triggers run here. */
static void
executor_finish(QueryDesc *query)
{
	SdTraceFrame frame;

	if (!is_on() || find_query(query) == NULL || !begin(&frame, query))
	{
		finish_on(query);
		return;
	}
	PG_TRY();
	{
		finish_on(query);
		sd_trace_end(&frame, 0);
	}
	PG_CATCH();
	{
		forget_query(query);
		sd_trace_fail(&frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
executor_end(QueryDesc *query)
{
	if (open_queries != NIL)
		forget_query(query);
	if (prev_executor_end)
		prev_executor_end(query);
	else
		standard_ExecutorEnd(query);
}

static void
object_access(ObjectAccessType access, Oid class, Oid object, int part, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, part, arg);
	if (sd_trace_top == NULL || sd_trace_top->before == NULL)
		return;
	if (access == OAT_DROP)
		sd_trace_note_drop(class, object, part, ((ObjectAccessDrop *) arg)->dropflags);
	else if (access == OAT_TRUNCATE)
		sd_trace_note_truncate(object);
}

static void
relation_changed(Datum arg, Oid relation)
{
	if (sd_trace_top != NULL && sd_trace_top->before != NULL)
		sd_trace_note_change(relation);
}

static void
keep_message(const char *message)
{
	SdTraceRecord *record = sd_trace_top->record;
	MemoryContext old;

	if (list_length(record->messages) >= MESSAGE_LIMIT)
		return;
	old = MemoryContextSwitchTo(record->context);
	record->messages = lappend(record->messages, pstrdup(message));
	MemoryContextSwitchTo(old);
}

static bool
is_tale(const ErrorData *edata)
{
	if (edata->message_id == NULL || edata->message == NULL)
		return false;
	for (int i = 0; i < lengthof(tales); i++)
		if (strncmp(edata->message_id, tales[i], strlen(tales[i])) == 0)
			return true;
	return false;
}

/* would_be_logged answers for the level that the log has without us. */
static bool
would_be_logged(int level)
{
	if (level == LOG || level == LOG_SERVER_ONLY)
		return log_level == LOG || log_level <= ERROR;
	if (log_level == LOG)
		return level >= FATAL;
	return level >= log_level;
}

static void
emit_log(ErrorData *edata)
{
	if (sd_trace_top != NULL && edata->elevel == DEBUG1 && is_tale(edata))
		keep_message(edata->message);
	if (log_level != 0 && !would_be_logged(edata->elevel))
	{
		edata->output_to_server = false;
		return;
	}
	if (prev_emit_log)
		prev_emit_log(edata);
}

/* Statements that commit in their midst, where settings of a nest level end; none of them sets any. */
static bool
commits_in_midst(Node *utility)
{
	return IsA(utility, VacuumStmt) || IsA(utility, ClusterStmt) || IsA(utility, ReindexStmt) ||
		   (IsA(utility, IndexStmt) && castNode(IndexStmt, utility)->concurrent);
}

/*
 * talk lowers log_min_messages for a statement, so that the server composes what it
 * has to say; emit_log() keeps that out of the log.  It is set as a function's SET
 * clause does it, so whatever the statement does to settings holds, and an error
 * takes it back; or by the variable alone, where that would not last.
 */
static int
talk(Node *utility)
{
	int level;

	if (log_min_messages <= DEBUG1 || !IsTransactionState() || IsAbortedTransactionBlockState())
		return 0;
	if (GetCommandLogLevel(utility) != LOGSTMT_DDL && !IsA(utility, VacuumStmt) &&
		!IsA(utility, ClusterStmt) && !IsA(utility, ReindexStmt))
		return 0;
	log_level = log_min_messages;
	if (commits_in_midst(utility))
	{
		log_min_messages = DEBUG1;
		return LEVEL_OF_NONE;
	}
	level = NewGUCNestLevel();
	(void) set_config_option("log_min_messages", "debug1", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Takes it back; an error ends nest levels by itself, as does a commit in the midst. */
static void
hush(const SdTraceFrame *frame, bool ended_well, int transaction)
{
	if (frame->settings == 0)
		return;
	if (frame->settings == LEVEL_OF_NONE)
		log_min_messages = log_level;
	else if (ended_well && frame->record->transaction == transaction)
		AtEOXact_GUC(true, frame->settings);
	log_level = 0;
}

static void
utility_on(ProcessUtility_hook_type next, SD_PROCESS_UTILITY_ARGS)
{
	if (next)
		next(SD_PROCESS_UTILITY_PASS);
	else
		standard_ProcessUtility(SD_PROCESS_UTILITY_PASS);
}

void
sd_trace_utility(ProcessUtility_hook_type next, SD_PROCESS_UTILITY_ARGS)
{
	SdTraceFrame frame;

	/* parts of a statement belong to it */
	if (!is_on() || context == PROCESS_UTILITY_SUBCOMMAND ||
		!sd_trace_begin_utility(&frame, pstmt, queryString))
	{
		utility_on(next, SD_PROCESS_UTILITY_PASS);
		return;
	}
	PG_TRY();
	{
		int transaction = frame.transaction;

		frame.settings = talk(pstmt->utilityStmt);
		utility_on(next, SD_PROCESS_UTILITY_PASS);
		hush(&frame, true, transaction);
		sd_trace_end(&frame, qc != NULL ? qc->nprocessed : 0);
	}
	PG_CATCH();
	{
		hush(&frame, false, 0);
		sd_trace_fail(&frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
subxact_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_queries(mine);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		ListCell *cell;

		foreach (cell, open_queries)
			if (((OpenQuery *) lfirst(cell))->subxact == mine)
				((OpenQuery *) lfirst(cell))->subxact = parent;
	}
	sd_trace_subxact(event, mine, parent, arg);
}

static void
transaction_event(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		forget_queries(TopSubTransactionId);
}

static void
install(void)
{
	prev_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	prev_executor_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
	prev_executor_end = ExecutorEnd_hook;
	ExecutorEnd_hook = executor_end;
	prev_object_access = object_access_hook;
	object_access_hook = object_access;
	prev_emit_log = emit_log_hook;
	emit_log_hook = emit_log;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterSubXactCallback(subxact_event, NULL);
	RegisterXactCallback(transaction_event, NULL);
	installed = true;
}

void
sd_trace_assign(bool on, void *extra)
{
	if (!on)
		return;
	if (!installed)
		install();
	/* a function that had it off for itself is over: nothing to do with the session */
	if (sd_trace_top == NULL)
		sd_trace_reset_scans();
}
