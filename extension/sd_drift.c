/*
 * sd_drift.c
 *	  The record of DDL that is made outside of a run.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "sd_compat.h"
#include "sd_drift.h"
#include "sd_failpoint.h"
#include "sd_fence.h"
#include "sd_guc.h"
#include "sd_secret.h"
#include "sd_session.h"

/* Longest text of a statement that is kept, in bytes. */
#define TEXT_LIMIT 8192

PG_FUNCTION_INFO_V1(safedeploy_note_ddl);

static SdDriftStatement *running = NULL;

/* DDL to the server's log that changes no schema. */
static const NodeTag no_change[] = { T_ClusterStmt, T_RefreshMatViewStmt, T_AlterSystemStmt };

static bool
is_one_of(const Node *node, const NodeTag *tags, int count)
{
	for (int i = 0; i < count; i++)
		if (nodeTag(node) == tags[i])
			return true;
	return false;
}

/*
 * Parts of a statement belong to it, and what the script of an extension does is
 * its CREATE or ALTER EXTENSION.  Where no row can be written nothing is wanted.
 */
bool
sd_drift_wanted(const PlannedStmt *pstmt, ProcessUtilityContext context)
{
	Node *node = pstmt->utilityStmt;

	if (!sd_guc_record_drift || context == PROCESS_UTILITY_SUBCOMMAND || creating_extension)
		return false;
	if (!IsTransactionState() || IsAbortedTransactionBlockState())
		return false;
	if (GetCommandLogLevel(node) != LOGSTMT_DDL || is_one_of(node, no_change, lengthof(no_change)))
		return false;
	return IsUnderPostmaster && !IsBinaryUpgrade && !IsInParallelMode() && !RecoveryInProgress() &&
		   OidIsValid(sd_table_oid("drift_event"));
}

void
sd_drift_begin(SdDriftStatement *statement)
{
	statement->outer = running;
	statement->noted = false;
	statement->objects = NIL;
	running = statement;
}

void
sd_drift_end(SdDriftStatement *statement)
{
	running = statement->outer;
}

/*
 * A session that works for a run has the current token of a held lock, and belongs to
 * the role that holds it; its run_id alone proves nothing.
 */
static bool
works_for_run(void)
{
	return sd_guc_run_id[0] != '\0' && sd_fence_session_is_holders();
}

/* Text of the statement itself, not of the whole string that it came in, without secrets. */
static char *
statement_text(const PlannedStmt *pstmt, const char *query)
{
	const char *text = query;
	int length;

	if (query == NULL)
		return NULL;
	if (pstmt->stmt_location > 0)
		text += pstmt->stmt_location;
	length = pstmt->stmt_len > 0 ? pstmt->stmt_len : (int) strlen(text);
	while (length > 0 && scanner_isspace(*text))
		text++, length--;
	return sd_text_to_keep(pstmt->utilityStmt, text, length, TEXT_LIMIT);
}

void
sd_drift_record(const SdDriftStatement *statement, const PlannedStmt *pstmt, const char *query,
				ProcessUtilityContext context)
{
	Relation rel;
	SdRow *row;

	/* Nothing was changed (IF NOT EXISTS), or only what is temporary. */
	if (statement->noted && statement->objects == NIL)
		return;
	/* The statement may have dropped the extension, the lock's table with it. */
	rel = sd_table_open_if_exists("drift_event", RowExclusiveLock);
	if (rel == NULL)
		return;
	if (works_for_run())
	{
		table_close(rel, NoLock);
		return;
	}
	row = sd_row_new(rel);
	sd_row_set(row, "id", Int64GetDatum(sd_table_next_id("drift_event_id_seq")));
	sd_row_set(row, "at", TimestampTzGetDatum(GetCurrentTimestamp()));
	sd_row_set(row, "xid", FullTransactionIdGetDatum(GetTopFullTransactionId()));
	sd_row_set(row, "pid", Int32GetDatum(MyProcPid));
	sd_row_set_text(row, "session_user", sd_session_user());
	sd_row_set_text(row, "current_user", GetUserNameFromId(GetUserId(), false));
	sd_row_set_text(row, "application_name", application_name);
	sd_session_set_client_addr(row, "client_addr");
	sd_row_set_text(row, "tag", GetCommandTagName(CreateCommandTag(pstmt->utilityStmt)));
	if (statement->noted)
		sd_row_set(row, "objects", sd_text_array(statement->objects));
	sd_row_set_text(row, "statement", statement_text(pstmt, query));
	sd_row_set(row, "nested", BoolGetDatum(context != PROCESS_UTILITY_TOPLEVEL));
	sd_row_set_text(row, "run_tag", sd_guc_run_id[0] != '\0' ? sd_guc_run_id : NULL);
	SD_FAILPOINT("drift.record");
	sd_row_insert(row);
	table_close(rel, NoLock);
}

static void
add_once(List **strings, char *string)
{
	ListCell *cell;

	foreach (cell, *strings)
		if (strcmp(lfirst(cell), string) == 0)
			return;
	*strings = lappend(*strings, string);
}

/* note_ddl(objects text[]): for the event trigger, about the statement that it fires in. */
Datum
safedeploy_note_ddl(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	MemoryContext caller;
	Datum *items;
	int count;

	if (running == NULL)
		PG_RETURN_VOID();
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &count);
	caller = MemoryContextSwitchTo(TopTransactionContext);
	running->noted = true;
	for (int i = 0; i < count; i++)
		add_once(&running->objects, TextDatumGetCString(items[i]));
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}
