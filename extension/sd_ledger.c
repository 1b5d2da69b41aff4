/*
 * sd_ledger.c
 *	  The ledger: runs and their events, append-only, hash-chained.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "common/sd_codes.h"
#include "sd_compat.h"
#include "sd_errors.h"
#include "sd_failpoint.h"
#include "sd_fence.h"
#include "sd_ledger.h"
#include "sd_ledger_hash.h"
#include "sd_lock.h"
#include "sd_session.h"

#define AUTOCOMMIT_REASON "The ledger keeps what happened; a rollback would take the record back."

/* An event to append; NULL for what it does not have. */
typedef struct Event
{
	const pg_uuid_t *run_id;
	const char *state;
	const char *status;
	const char *result;
	const int *exit_code;
	const char *message;
	Jsonb *detail;
} Event;

/* The tables of the ledger, open, and the chain locked until the end of the transaction. */
typedef struct Chain
{
	Relation run;
	Relation event;
} Chain;

#define NAME_ONLY(id, name, ...) name,
static const char *const states[] = { SD_RUN_STATES(NAME_ONLY) NULL };
static const char *const statuses[] = { SD_EVENT_STATUSES(NAME_ONLY) NULL };
static const char *const results[] = { SD_RESULTS(NAME_ONLY) NULL };

PG_FUNCTION_INFO_V1(safedeploy_begin_run);
PG_FUNCTION_INFO_V1(safedeploy_record_event);
PG_FUNCTION_INFO_V1(safedeploy_end_run);
PG_FUNCTION_INFO_V1(safedeploy_ledger_head);

static Chain
open_chain(void)
{
	Chain chain;

	chain.run = sd_table_open("run", RowExclusiveLock);
	chain.event = sd_table_open("event", RowExclusiveLock);
	/* Not a lock on the table: that one would meet autovacuum. */
	LockDatabaseObject(RelationRelationId, RelationGetRelid(chain.event), 0, ExclusiveLock);
	SD_FAILPOINT("ledger.locked");
	return chain;
}

static void
close_chain(Chain *chain)
{
	table_close(chain->event, NoLock);
	table_close(chain->run, NoLock);
}

static SdRow *
find_run(const Chain *chain, const pg_uuid_t *run_id)
{
	SdScan *scan =
		sd_scan_begin(chain->run, "run_pkey", "run_id", F_UUID_EQ, UUIDPGetDatum(run_id), false);
	HeapTuple tuple = sd_scan_next(scan);
	SdRow *row = HeapTupleIsValid(tuple) ? sd_row_load(chain->run, tuple) : NULL;

	sd_scan_end(scan);
	return row;
}

/* last_event returns the newest event, of one run or of all, or NULL. */
static SdRow *
last_event(Relation event, const pg_uuid_t *run_id)
{
	SdScan *scan = run_id == NULL ?
					   sd_scan_begin(event, "event_pkey", NULL, InvalidOid, (Datum) 0, true) :
					   sd_scan_begin(event, "event_run_id_seq_idx", "run_id", F_UUID_EQ,
									 UUIDPGetDatum(run_id), true);
	HeapTuple tuple = sd_scan_next(scan);
	SdRow *row = HeapTupleIsValid(tuple) ? sd_row_load(event, tuple) : NULL;

	sd_scan_end(scan);
	return row;
}

static bool
run_has_ended(Relation event, const pg_uuid_t *run_id)
{
	SdRow *last = last_event(event, run_id);

	return last != NULL && strcmp(sd_row_get_text(last, "state"), SD_LEDGER_STATE_END) == 0;
}

bool
sd_ledger_run_is_open_to(const pg_uuid_t *run_id, const char *role)
{
	Chain chain = { .run = sd_table_open("run", AccessShareLock),
					.event = sd_table_open("event", AccessShareLock) };
	SdRow *run = find_run(&chain, run_id);
	bool open = run == NULL || (strcmp(sd_row_get_text(run, "session_user"), role) == 0 &&
								!run_has_ended(chain.event, run_id));

	table_close(chain.event, AccessShareLock);
	table_close(chain.run, AccessShareLock);
	return open;
}

/* set_hash computes a row's hash and stores it in the row. */
static bytea *
set_hash(SdRow *row)
{
	bytea *hash = sd_ledger_hash_row(RelationGetRelationName(row->rel), RelationGetDescr(row->rel),
									 row->values, row->nulls);

	sd_row_set(row, SD_LEDGER_HASH_COLUMN, PointerGetDatum(hash));
	return hash;
}

/* append_event adds one row to the end of the chain. */
static int64
append_event(const Chain *chain, const Event *event)
{
	SdRow *row = sd_row_new(chain->event);
	SdRow *head = last_event(chain->event, NULL);
	int64 seq = 1;

	if (head != NULL)
	{
		bool isnull;

		seq = DatumGetInt64(sd_row_get(head, "seq", &isnull)) + 1;
		sd_row_set(row, "prev_hash", sd_row_get(head, SD_LEDGER_HASH_COLUMN, &isnull));
	}
	sd_row_set(row, "seq", Int64GetDatum(seq));
	sd_row_set(row, "run_id", UUIDPGetDatum(event->run_id));
	sd_row_set(row, "at", TimestampTzGetDatum(GetCurrentTimestamp()));
	sd_row_set_text(row, "state", event->state);
	sd_row_set_text(row, "status", event->status);
	sd_row_set_text(row, "result", event->result);
	if (event->exit_code != NULL)
		sd_row_set(row, "exit_code", Int32GetDatum(*event->exit_code));
	sd_row_set_text(row, "message", event->message);
	if (event->detail != NULL)
		sd_row_set(row, "detail", JsonbPGetDatum(event->detail));
	set_hash(row);
	SD_FAILPOINT("ledger.before");
	sd_row_insert(row);
	SD_FAILPOINT("ledger.after");

	/* What is on record must stay there, whatever synchronous_commit says. */
	ForceSyncCommit();
	return seq;
}

static char *
uuid_text(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

/* require_open_run refuses an unknown run and one that has ended. */
static void
require_open_run(const Chain *chain, const pg_uuid_t *run_id)
{
	if (find_run(chain, run_id) == NULL)
		ereport(ERROR, (errcode(ERRCODE_SD_NO_SUCH_RUN),
						errmsg("run %s is not in the ledger", uuid_text(run_id)),
						errhint("Begin it with safedeploy.begin_run().")));
	if (run_has_ended(chain->event, run_id))
		ereport(ERROR, (errcode(ERRCODE_SD_RUN_ENDED), errmsg("run %s has ended", uuid_text(run_id)),
						errdetail("The end of a run is its last event."),
						errhint("Begin a new run with safedeploy.begin_run().")));
}

/* Appends an event to a run that is there and has not ended; returns its seq. */
static int64
append(const Event *event)
{
	Chain chain = open_chain();
	int64 seq;

	require_open_run(&chain, event->run_id);
	seq = append_event(&chain, event);
	close_chain(&chain);
	return seq;
}

/* make_object makes a jsonb object of pairs of strings; NULL ends them. */
static Jsonb *
make_object(const char *key, ...)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;
	va_list args;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	va_start(args, key);
	for (; key != NULL; key = va_arg(args, const char *))
	{
		const char *text = va_arg(args, const char *);
		JsonbValue value;

		value.type = jbvString;
		value.val.string.val = unconstify(char *, key);
		value.val.string.len = strlen(key);
		pushJsonbValue(&state, WJB_KEY, &value);
		value.val.string.val = unconstify(char *, text);
		value.val.string.len = strlen(text);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	va_end(args);
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/* complete_run fills in what the server knows about a run that begins. */
static void
complete_run(SdRow *row)
{
	sd_row_set(row, "started_at", TimestampTzGetDatum(GetCurrentTimestamp()));
	sd_row_set_text(row, "database", get_database_name(MyDatabaseId));
	sd_row_set_text(row, "session_user", sd_session_user());
	sd_session_set_client_addr(row, "client_addr");
	sd_row_set(row, "server_version_num",
			   Int32GetDatum(pg_strtoint32(GetConfigOption("server_version_num", false, false))));
}

/* insert_run writes the run's row and its first event, which carries the row's hash. */
static void
insert_run(const Chain *chain, SdRow *row, const pg_uuid_t *run_id)
{
	Event begin = { .run_id = run_id, .state = SD_LEDGER_STATE_BEGIN, .status = "begin" };
	bytea *hash;

	if (find_run(chain, run_id) != NULL)
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("run %s is in the ledger already", uuid_text(run_id)),
						errhint("Pass null to have a new id made.")));
	sd_row_set(row, "run_id", UUIDPGetDatum(run_id));
	hash = set_hash(row);
	sd_row_insert(row);
	begin.detail = make_object(SD_LEDGER_RUN_HASH_KEY, sd_ledger_hash_text(hash), NULL);
	append_event(chain, &begin);
}

static const pg_uuid_t *
new_run_id(void)
{
	return DatumGetUUIDP(OidFunctionCall0(F_GEN_RANDOM_UUID));
}

static void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", name)));
}

/* code_argument returns a text argument that must be one of a list. */
static char *
code_argument(FunctionCallInfo fcinfo, int n, const char *name, const char *const *allowed)
{
	StringInfoData list;
	char *value;

	require_argument(fcinfo, n, name);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	initStringInfo(&list);
	for (int i = 0; allowed[i] != NULL; i++)
	{
		if (strcmp(allowed[i], value) == 0)
			return value;
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", allowed[i]);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown %s \"%s\"", name, value), errhint("One of: %s.", list.data)));
}

static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * begin_run(run_id uuid, command text, tool text, lock_name text,
 *			 from_revision text, to_revision text, token bigint, client jsonb)
 * returns uuid
 */
Datum
safedeploy_begin_run(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = { NULL,		"command",		 "tool",
										   "lock_name", "from_revision", "to_revision",
										   "token",		"client" };
	const pg_uuid_t *run_id = PG_ARGISNULL(0) ? new_run_id() : PG_GETARG_UUID_P(0);
	Chain chain;
	SdRow *row;

	require_argument(fcinfo, 1, "command");
	sd_session_require_autocommit("begin_run()", AUTOCOMMIT_REASON);
	if (!PG_ARGISNULL(6) && !sd_fence_token_is_current(PG_GETARG_INT64(6)))
		ereport(ERROR, (errcode(ERRCODE_SD_STALE_TOKEN),
						errmsg("token " INT64_FORMAT " is stale", PG_GETARG_INT64(6)),
						errdetail("Its lock is not held, or has been taken with a newer token."),
						errhint("Take the lock with safedeploy.try_lock() first.")));
	chain = open_chain();
	row = sd_row_new(chain.run);
	for (int i = 1; i < lengthof(columns); i++)
		sd_row_set_nullable(row, columns[i], PG_GETARG_DATUM(i), PG_ARGISNULL(i));
	complete_run(row);
	insert_run(&chain, row, run_id);
	close_chain(&chain);
	PG_RETURN_UUID_P(run_id);
}

/* record_event(run_id uuid, state text, status text, message text, detail jsonb) returns bigint */
Datum
safedeploy_record_event(PG_FUNCTION_ARGS)
{
	Event event = { 0 };

	require_argument(fcinfo, 0, "run_id");
	event.run_id = PG_GETARG_UUID_P(0);
	event.state = code_argument(fcinfo, 1, "state", states);
	event.status = code_argument(fcinfo, 2, "status", statuses);
	event.message = optional_text(fcinfo, 3);
	event.detail = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	sd_session_require_autocommit("record_event()", AUTOCOMMIT_REASON);
	sd_fence_require("record_event()");
	PG_RETURN_INT64(append(&event));
}

/*
 * end_run(run_id uuid, result text, exit_code integer, message text, detail jsonb)
 * returns bigint
 */
Datum
safedeploy_end_run(PG_FUNCTION_ARGS)
{
	Event event = { 0 };
	int exit_code;

	require_argument(fcinfo, 0, "run_id");
	event.run_id = PG_GETARG_UUID_P(0);
	event.result = code_argument(fcinfo, 1, "result", results);
	require_argument(fcinfo, 2, "exit_code");
	exit_code = PG_GETARG_INT32(2);
	event.exit_code = &exit_code;
	event.message = optional_text(fcinfo, 3);
	event.detail = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	event.state = SD_LEDGER_STATE_END;
	event.status = strcmp(event.result, "done") == 0 || strcmp(event.result, "nothing_to_do") == 0 ?
					   "ok" :
					   "failed";
	sd_session_require_autocommit("end_run()", AUTOCOMMIT_REASON);
	sd_fence_require("end_run()");
	PG_RETURN_INT64(append(&event));
}

/* note_in_run adds what was done to the lock of a run that goes on, in its present state. */
static void
note_in_run(const Chain *chain, Relation locks, const char *lock, const char *message, Jsonb *detail)
{
	Event note = { .status = "note", .message = message, .detail = detail };
	ItemPointerData tid;
	SdRow *row = sd_lock_row_by_name(locks, lock, &tid);
	SdRow *last = NULL;
	bool isnull = true;
	Datum run_id = row != NULL ? sd_row_get(row, "run_id", &isnull) : (Datum) 0;

	if (!isnull && find_run(chain, DatumGetUUIDP(run_id)) != NULL)
		last = last_event(chain->event, DatumGetUUIDP(run_id));
	if (last == NULL)
		return;
	note.state = sd_row_get_text(last, "state");
	if (strcmp(note.state, SD_LEDGER_STATE_END) == 0)
		return;
	if (strcmp(note.state, SD_LEDGER_STATE_BEGIN) == 0)
		note.state = "lock";
	note.run_id = DatumGetUUIDP(run_id);
	append_event(chain, &note);
}

void
sd_ledger_record_break(const char *lock, const char *reason, const char *holder)
{
	Relation locks = sd_table_open("lock", AccessShareLock); /* before the chain */
	Chain chain = open_chain();
	SdRow *row = sd_row_new(chain.run);
	const pg_uuid_t *run_id = new_run_id();
	Jsonb *detail = make_object("lock", lock, "reason", reason, "holder", holder, NULL);
	char *message = psprintf("lock \"%s\" broken by \"%s\": %s", lock, sd_session_user(), reason);
	int exit_code = 0;
	Event end = { .run_id = run_id,
				  .state = SD_LEDGER_STATE_END,
				  .status = "ok",
				  .result = "done",
				  .exit_code = &exit_code,
				  .message = message,
				  .detail = detail };

	note_in_run(&chain, locks, lock, message, detail);
	/* No lock_name: this run moved no database to any revision. */
	sd_row_set_text(row, "command", "break_lock");
	sd_row_set_text(row, "tool", "safedeploy");
	complete_run(row);
	insert_run(&chain, row, run_id);
	append_event(&chain, &end);
	close_chain(&chain);
	table_close(locks, AccessShareLock);
}

/* ledger_head() returns text */
Datum
safedeploy_ledger_head(PG_FUNCTION_ARGS)
{
	Relation event = sd_table_open("event", AccessShareLock);
	SdRow *head = last_event(event, NULL);
	char *text;

	if (head == NULL)
		text = "0:";
	else
	{
		bool isnull;

		text = psprintf("%s:%s", sd_row_get_text(head, "seq"),
						sd_ledger_hash_text(
							DatumGetByteaPP(sd_row_get(head, SD_LEDGER_HASH_COLUMN, &isnull))));
	}
	table_close(event, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
