/*
 * sd_lock.c
 *	  The deploy lock: a session level advisory lock with a fencing token.
 *
 * A token comes from a sequence, so a rolled back one is never issued again,
 * and is returned only after its commit record is on disk, so a crash cannot
 * bring it back either.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "sd_compat.h"
#include "sd_errors.h"
#include "sd_failpoint.h"
#include "sd_fence.h"
#include "sd_ledger.h"
#include "sd_lock.h"
#include "sd_session.h"

#define SD_LOCK_NAME_MAX	200
#define SD_BREAK_TIMEOUT_MS 10000
#define SD_BREAK_POLL_MS	10

/* A lock of this session, in TopMemoryContext. */
typedef struct HeldLock
{
	struct HeldLock *next;
	char *name;
	LOCKTAG tag;
	int64 token;
	bool pending; /* taken by the transaction in progress */
} HeldLock;

static HeldLock *held_locks = NULL;

PG_FUNCTION_INFO_V1(safedeploy_try_lock);
PG_FUNCTION_INFO_V1(safedeploy_unlock);
PG_FUNCTION_INFO_V1(safedeploy_break_lock);
PG_FUNCTION_INFO_V1(safedeploy_lock_holder_pid);

void
sd_lock_tag(LOCKTAG *tag, const char *name, SdLockSpace space)
{
	uint64 key = DatumGetUInt64(hash_any_extended((const unsigned char *) name, strlen(name), space));

	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, space);
}

/* PID of the session that holds the lock NAME, or 0. */
static int
lock_holder(const char *name)
{
	LockData *data = GetLockStatusData();
	LOCKTAG tag;
	int pid = 0;

	sd_lock_tag(&tag, name, SD_LOCK_DEPLOY);
	for (int i = 0; i < data->nelements; i++)
	{
		LockInstanceData *lock = &data->locks[i];

		if (memcmp(&lock->locktag, &tag, sizeof(tag)) == 0 &&
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)))
			pid = lock->pid;
	}
	pfree(data->locks);
	pfree(data);
	return pid;
}

SdRow *
sd_lock_row_by_name(Relation rel, const char *name, ItemPointer tid)
{
	SdScan *scan =
		sd_scan_begin(rel, "lock_pkey", "name", F_TEXTEQ, CStringGetTextDatum(name), false);
	HeapTuple tuple = sd_scan_next(scan);
	SdRow *row = NULL;

	if (HeapTupleIsValid(tuple))
	{
		row = sd_row_load(rel, tuple);
		*tid = tuple->t_self;
	}
	sd_scan_end(scan);
	return row;
}

SdRow *
sd_lock_row_by_token(Relation rel, int64 token)
{
	SdScan *scan =
		sd_scan_begin(rel, "lock_token_key", "token", F_INT8EQ, Int64GetDatum(token), false);
	HeapTuple tuple = sd_scan_next(scan);
	SdRow *row = HeapTupleIsValid(tuple) ? sd_row_load(rel, tuple) : NULL;

	sd_scan_end(scan);
	return row;
}

static int64
row_token(const SdRow *row)
{
	bool isnull;

	return DatumGetInt64(sd_row_get(row, "token", &isnull));
}

/* check_name returns the lock's name or refuses it. */
static char *
check_name(FunctionCallInfo fcinfo)
{
	char *name;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("name of a lock must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (name[0] == '\0' || strlen(name) > SD_LOCK_NAME_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("name of a lock must have 1 to %d bytes", SD_LOCK_NAME_MAX),
						errdetail("It has %zu.", strlen(name))));
	return name;
}

static HeldLock *
find_held(const char *name)
{
	for (HeldLock *held = held_locks; held != NULL; held = held->next)
	{
		if (strcmp(held->name, name) == 0)
			return held;
	}
	return NULL;
}

static void
forget(HeldLock *gone)
{
	for (HeldLock **link = &held_locks; *link != NULL; link = &(*link)->next)
	{
		if (*link == gone)
		{
			*link = gone->next;
			pfree(gone->name);
			pfree(gone);
			return;
		}
	}
}

/* remember is called before the lock is taken: it may run out of memory, what follows may not. */
static HeldLock *
remember(const char *name)
{
	HeldLock *held = find_held(name);

	/* DISCARD ALL releases advisory locks without telling us. */
	if (held != NULL)
		forget(held);
	held = MemoryContextAllocZero(TopMemoryContext, sizeof(HeldLock));
	held->name = MemoryContextStrdup(TopMemoryContext, name);
	sd_lock_tag(&held->tag, name, SD_LOCK_DEPLOY);
	held->pending = true;
	held->next = held_locks;
	held_locks = held;
	return held;
}

/* describe_holder completes an error's detail with what is known about a lock. */
static char *
describe_holder(const char *name)
{
	Relation rel = sd_table_open("lock", AccessShareLock);
	ItemPointerData tid;
	SdRow *row = sd_lock_row_by_name(rel, name, &tid);
	StringInfoData buf;
	int pid = lock_holder(name);

	initStringInfo(&buf);
	if (row == NULL)
		appendStringInfo(&buf, "Lock \"%s\" has never been held.", name);
	else
	{
		const char *run = sd_row_get_text(row, "run_id");
		const char *client = sd_row_get_text(row, "client_addr");

		if (pid == 0)
			appendStringInfo(&buf, "Nobody holds lock \"%s\"; it was taken last", name);
		else if (pid == MyProcPid)
			appendStringInfo(&buf, "This session holds lock \"%s\", taken", name);
		else
			appendStringInfo(&buf, "Lock \"%s\" is held by the session with PID %d, taken", name,
							 pid);
		appendStringInfo(&buf, " at %s by user \"%s\" from %s, application \"%s\", run %s, token %s.",
						 sd_row_get_text(row, "acquired_at"), sd_row_get_text(row, "holder_user"),
						 client ? client : "a local socket", sd_row_get_text(row, "application_name"),
						 run ? run : "none", sd_row_get_text(row, "token"));
	}
	table_close(rel, AccessShareLock);
	return buf.data;
}

/* next_token draws a token and checks that it is above all that the table knows. */
static int64
next_token(Relation rel)
{
	int64 token = sd_table_next_id("fencing_token");
	SdScan *scan = sd_scan_begin(rel, "lock_token_key", NULL, InvalidOid, (Datum) 0, true);
	HeapTuple tuple = sd_scan_next(scan);
	int64 newest = HeapTupleIsValid(tuple) ? row_token(sd_row_load(rel, tuple)) : 0;

	sd_scan_end(scan);
	if (token <= newest)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("sequence \"safedeploy.fencing_token\" is behind the tokens issued"),
						errdetail("It gave " INT64_FORMAT ", but token " INT64_FORMAT " is in use.",
								  token, newest),
						errhint("Somebody has set it back, or restored it from another dump than the "
								"tables.  As superuser: SELECT "
								"pg_catalog.setval('safedeploy.fencing_token', " INT64_FORMAT ").",
								newest)));
	return token;
}

/* write_holder stores who holds the lock now. */
static void
write_holder(Relation rel, FunctionCallInfo fcinfo, const HeldLock *held)
{
	ItemPointerData tid;
	SdRow *old = sd_lock_row_by_name(rel, held->name, &tid);
	SdRow *row = sd_row_new(rel);

	sd_row_set_text(row, "name", held->name);
	sd_row_set(row, "token", Int64GetDatum(held->token));
	sd_row_set_nullable(row, "run_id", PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	sd_row_set_nullable(row, "reason", PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	sd_row_set(row, "holder_pid", Int32GetDatum(MyProcPid));
	sd_row_set_text(row, "holder_user", sd_session_user());
	sd_row_set_text(row, "application_name", application_name);
	sd_session_set_client_addr(row, "client_addr");
	sd_row_set(row, "acquired_at", TimestampTzGetDatum(GetCurrentTimestamp()));
	if (old == NULL)
		sd_row_insert(row);
	else
		sd_row_update(row, &tid);
}

/* take locks both tags without waiting; false when another session is in the way. */
static bool
take(HeldLock *held)
{
	LOCKTAG fence;

	if (LockAcquire(&held->tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;

	/* Until the end of this transaction no older token can commit anything. */
	sd_lock_tag(&fence, held->name, SD_LOCK_FENCE);
	if (LockAcquire(&fence, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		LockRelease(&held->tag, ExclusiveLock, true);
		return false;
	}
	return true;
}

/* try_lock(name text, reason text, run_id uuid) returns bigint */
Datum
safedeploy_try_lock(PG_FUNCTION_ARGS)
{
	char *name = check_name(fcinfo);
	HeldLock *held;
	Relation rel;
	LOCKTAG tag;

	sd_session_require_autocommit("try_lock()",
								  "The lock would be held, and its token known, before either is on record.");
	sd_lock_tag(&tag, name, SD_LOCK_DEPLOY);
	if (sd_lock_held_by_me(&tag, ExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_SD_LOCK_HELD_BY_SESSION),
				 errmsg("this session holds lock \"%s\" already", name),
				 errdetail("%s", describe_holder(name)),
				 errhint("When this is another client, a connection pooler shares one session "
						 "among clients, and session locks protect nothing behind it: connect to "
						 "the server directly.")));

	/* Opened first: waiting for a table while holding the lock would be for nothing. */
	rel = sd_table_open("lock", RowExclusiveLock);
	held = remember(name);
	if (!take(held))
	{
		forget(held);
		table_close(rel, RowExclusiveLock);
		PG_RETURN_NULL();
	}
	SD_FAILPOINT("lock.taken");
	held->token = next_token(rel);
	SD_FAILPOINT("lock.issued");
	write_holder(rel, fcinfo, held);
	SD_FAILPOINT("lock.written");
	table_close(rel, NoLock);
	ForceSyncCommit();
	PG_RETURN_INT64(held->token);
}

static void
refuse_unlock(const char *name, int64 token)
{
	Relation rel = sd_table_open("lock", AccessShareLock);
	ItemPointerData tid;
	SdRow *row = sd_lock_row_by_name(rel, name, &tid);
	bool stale = row != NULL && row_token(row) > token;
	LOCKTAG tag;

	sd_lock_tag(&tag, name, SD_LOCK_DEPLOY);
	table_close(rel, AccessShareLock);
	if (sd_lock_held_by_me(&tag, ExclusiveLock))
		ereport(ERROR, (errcode(ERRCODE_SD_LOCK_NOT_HELD),
						errmsg("token " INT64_FORMAT " is not the one that lock \"%s\" was taken with",
							   token, name),
						errdetail("%s", describe_holder(name)),
						errhint("Pass the token that try_lock() returned.")));
	if (stale)
		ereport(ERROR, (errcode(ERRCODE_SD_STALE_TOKEN),
						errmsg("token " INT64_FORMAT " of lock \"%s\" is stale", token, name),
						errdetail("%s", describe_holder(name)),
						errhint("The lock was lost and taken by somebody else: stop, and look at "
								"safedeploy.history before doing anything.")));
	ereport(ERROR, (errcode(ERRCODE_SD_LOCK_NOT_HELD),
					errmsg("this session does not hold lock \"%s\"", name),
					errdetail("%s", describe_holder(name)),
					errhint("The session that took it has ended, somebody broke it, or a connection "
							"pooler moved this client to another session: connect to the server "
							"directly.")));
}

/* unlock(name text, token bigint) returns void */
Datum
safedeploy_unlock(PG_FUNCTION_ARGS)
{
	char *name = check_name(fcinfo);
	HeldLock *held = find_held(name);
	int64 token;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("releasing lock \"%s\" needs its token", name),
						errhint("Pass the token that try_lock() returned.")));
	token = PG_GETARG_INT64(1);
	if (held == NULL || held->token != token || !sd_lock_held_by_me(&held->tag, ExclusiveLock))
		refuse_unlock(name, token);
	if (!LockRelease(&held->tag, ExclusiveLock, true))
		elog(ERROR, "lock \"%s\" was held and could not be released", name);
	SD_FAILPOINT("unlock.released");
	forget(held);
	PG_RETURN_VOID();
}

/* end_session terminates a backend and waits until it holds the lock no longer. */
static void
end_session(const char *name, int pid)
{
	Oid argtypes[1] = { INT4OID };
	Datum args[1] = { Int32GetDatum(pid) };
	TimestampTz start = GetCurrentTimestamp();

	SPI_connect();
	if (SPI_execute_with_args("SELECT pg_catalog.pg_terminate_backend($1)", 1, argtypes, args, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "pg_terminate_backend could not be called");
	SPI_finish();
	while (lock_holder(name) == pid)
	{
		if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), SD_BREAK_TIMEOUT_MS))
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("session with PID %d did not end within %d s", pid,
								   SD_BREAK_TIMEOUT_MS / 1000),
							errdetail("%s", describe_holder(name)),
							errhint("It has been told to end; look at its wait_event in "
									"pg_stat_activity and try again.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SD_BREAK_POLL_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* break_lock(name text, reason text) returns boolean */
Datum
safedeploy_break_lock(PG_FUNCTION_ARGS)
{
	char *name = check_name(fcinfo);
	char *holder;
	int pid;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("breaking a lock needs a reason"),
				 errhint("It is written to the ledger.")));
	sd_session_require_autocommit("break_lock()",
								  "A rollback would undo the record, but not what was done.");
	pid = lock_holder(name);
	if (pid == 0)
		PG_RETURN_BOOL(false);
	if (pid == MyProcPid)
		ereport(ERROR, (errcode(ERRCODE_SD_LOCK_HELD_BY_SESSION),
						errmsg("this session itself holds lock \"%s\"", name),
						errdetail("%s", describe_holder(name)),
						errhint("Release it with safedeploy.unlock().")));
	holder = describe_holder(name);
	end_session(name, pid);
	SD_FAILPOINT("break.ended");
	sd_ledger_record_break(name, text_to_cstring(PG_GETARG_TEXT_PP(1)), holder);
	PG_RETURN_BOOL(true);
}

/* lock_holder_pid(name text) returns integer */
Datum
safedeploy_lock_holder_pid(PG_FUNCTION_ARGS)
{
	int pid = lock_holder(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (pid == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(pid);
}

bool
sd_lock_is_pending(void)
{
	for (HeldLock *held = held_locks; held != NULL; held = held->next)
	{
		if (held->pending)
			return true;
	}
	return false;
}

void
sd_lock_at_commit(void)
{
	for (HeldLock *held = held_locks; held != NULL; held = held->next)
		held->pending = false;
}

void
sd_lock_at_abort(void)
{
	HeldLock *next;

	for (HeldLock *held = held_locks; held != NULL; held = next)
	{
		next = held->next;
		if (!held->pending)
			continue;
		if (sd_lock_held_by_me(&held->tag, ExclusiveLock))
			LockRelease(&held->tag, ExclusiveLock, true);
		forget(held);
	}
}
