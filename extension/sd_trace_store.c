/*
 * sd_trace_store.c
 *	  Rows of safedeploy.run_statement.
 *
 * In a session that works for a run, each transaction writes what its statements
 * did before it commits, together with what earlier ones did that were rolled back.
 * What is left when the session ends gets a transaction of its own.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "sd_compat.h"
#include "sd_failpoint.h"
#include "sd_ledger.h"
#include "sd_session.h"
#include "sd_table.h"
#include "sd_trace_int.h"

static bool
is_uuid(const char *text)
{
	return strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36 && text[8] == '-' &&
		   text[13] == '-' && text[18] == '-' && text[23] == '-';
}

/* run_of_session is the run that the session says it works for; false when it is none. */
static bool
run_of_session(Datum *run_id)
{
	if (sd_guc_run_id == NULL || !is_uuid(sd_guc_run_id))
		return false;
	*run_id = DirectFunctionCall1(uuid_in, CStringGetDatum(sd_guc_run_id));
	return true;
}

static void
add_pair(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, ", \"%s\": ", name);
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

static char *
effects_json(const SdTraceRecord *record)
{
	StringInfoData json;
	ListCell *cell;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	foreach (cell, record->effects)
	{
		const SdTraceEffect *effect = lfirst(cell);

		appendStringInfo(&json, "%s{\"effect\": \"%s\"", json.len > 1 ? ", " : "", effect->effect);
		add_pair(&json, "kind", effect->kind);
		add_pair(&json, "object", effect->object);
		add_pair(&json, "lock_mode",
				 effect->mode == NoLock ? NULL : GetLockmodeName(DEFAULT_LOCKMETHOD, effect->mode));
		add_pair(&json, "detail", effect->detail);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return json.data;
}

static void
store_record(Relation rel, SdTraceRecord *record, Datum run_id)
{
	SdRow *row = sd_row_new(rel);

	sd_trace_name_gains(record);
	sd_row_set(row, "run_id", run_id);
	sd_row_set(row, "pid", Int32GetDatum(MyProcPid));
	sd_row_set(row, "backend_start", TimestampTzGetDatum(MyStartTimestamp));
	sd_row_set_text(row, "application_name", application_name);
	sd_row_set_text(row, "session_user", sd_session_user());
	sd_row_set(row, "seq", Int32GetDatum(record->seq));
	sd_row_set_nullable(row, "parent", Int32GetDatum(record->parent), record->parent == 0);
	sd_row_set(row, "nesting", Int32GetDatum(record->nesting));
	sd_row_set(row, "transaction", Int32GetDatum(record->transaction));
	sd_row_set_text(row, "tag", record->tag);
	sd_row_set_text(row, "hash", record->hash);
	sd_row_set_text(row, "statement", record->text);
	sd_row_set(row, "masked", BoolGetDatum(record->masked));
	sd_row_set(row, "calls", Int64GetDatum(record->calls));
	sd_row_set(row, "started_at", TimestampTzGetDatum(record->start));
	sd_row_set(row, "duration_ms", Float8GetDatum(record->duration_us / 1000.0));
	sd_row_set(row, "lock_wait_ms", Float8GetDatum(record->wait_us / 1000.0));
	sd_row_set(row, "rows", Int64GetDatum(record->rows));
	sd_row_set(row, "wal_bytes", Int64GetDatum(record->wal_bytes));
	sd_row_set_text(row, "sqlstate",
					record->sqlstate == 0 ? NULL : unpack_sql_state(record->sqlstate));
	sd_row_set(row, "messages", sd_text_array(record->messages));
	sd_row_set(row, "rolled_back", BoolGetDatum(record->outcome == SD_TRACE_ROLLED_BACK));
	sd_row_set(row, "effects", DirectFunctionCall1(jsonb_in, CStringGetDatum(effects_json(record))));
	sd_row_set(row, "losses", sd_text_array(record->losses));
	SD_FAILPOINT("trace.store");
	sd_row_insert(row);
	record->writing = true;
	sd_trace_writing++;
}

/*
 * Anybody may set run_id, and no token is a secret: only roles that deploy leave rows,
 * and in a run of this ledger only the role that it is of, until its end.
 */
static bool
may_store(Datum run_id)
{
	return sd_session_may_record() &&
		   sd_ledger_run_is_open_to(DatumGetUUIDP(run_id), sd_session_user());
}

void
sd_trace_store(void)
{
	Datum run_id;
	Relation rel;
	MemoryContext context, old;
	dlist_iter iter;

	if (RecoveryInProgress() || IsInParallelMode() || !run_of_session(&run_id) ||
		!OidIsValid(sd_table_oid("run_statement")) || !may_store(run_id))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "safedeploy rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	rel = sd_table_open("run_statement", RowExclusiveLock);
	/* a commit has none any more, and a long value needs one to go out of line */
	PushActiveSnapshot(GetTransactionSnapshot());
	dlist_foreach(iter, &sd_trace_records)
	{
		SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);

		if (!record->written && !record->writing && !record->running)
			store_record(rel, record, run_id);
	}
	PopActiveSnapshot();
	table_close(rel, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static bool
anything_left(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &sd_trace_records) if (!dlist_container(SdTraceRecord, node, iter.cur)
													->written) return true;
	return false;
}

void
sd_trace_store_at_exit(int code, Datum arg)
{
	Datum run_id;

	sd_trace_leave();
	if (!anything_left() || !OidIsValid(MyDatabaseId))
		return;
	AbortOutOfAnyTransaction();
	StartTransactionCommand();
	if (run_of_session(&run_id))
	{
		/* the commit does it */
		PushActiveSnapshot(GetTransactionSnapshot());
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
}
