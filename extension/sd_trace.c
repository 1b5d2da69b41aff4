/*
 * sd_trace.c
 *	  The statements that are under way, and the ends of transactions.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/scansup.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "sd_compat.h"
#include "sd_trace_int.h"
#include "sd_trace_locks.h"

/* How often a wait for a lock is looked for. */
#define WAIT_TICK_MS 10

SdTraceFrame *sd_trace_top = NULL;
int sd_trace_lost = 0;
int sd_trace_writing = 0;
int sd_trace_unnamed = 0;

int sd_trace_transaction = 1;
static uint64 border = 0; /* moment at which the last statement began or ended */
static bool scans_unknown = true;
static volatile int64 waited_us = 0;
static TimeoutId wait_timeout = MAX_TIMEOUTS;

/* Queries that run more than once under the same statement, to be counted only. */
typedef struct RepeatKey
{
	uint64 hash;
	int parent;
	int len;
} RepeatKey;
typedef struct Repeat
{
	RepeatKey key;
	SdTraceRecord *record;
} Repeat;
static HTAB *repeats = NULL;

void
sd_trace_reset_scans(void)
{
	scans_unknown = true;
}

static void
count_wait(void)
{
	/* a session that is ended within a statement has no process entry any more */
	if (MyProc == NULL)
		return;
	if (MyProc->waitLock != NULL)
		waited_us += WAIT_TICK_MS * 1000;
	enable_timeout_after(wait_timeout, WAIT_TICK_MS);
}

static void
watch_waits(bool on)
{
	if (wait_timeout == MAX_TIMEOUTS)
		wait_timeout = RegisterTimeout(USER_TIMEOUT, count_wait);
	if (on)
		enable_timeout_after(wait_timeout, WAIT_TICK_MS);
	else
		disable_timeout(wait_timeout, false);
}

/* can_read tells whether catalogs can be read at this point of the session. */
static bool
can_read(void)
{
	return IsTransactionState() && !IsAbortedTransactionBlockState() && OidIsValid(MyDatabaseId);
}

/* piece finds the statement's own text in the string that it came in. */
static const char *
piece(const char *query, int location, int *len)
{
	if (location > 0)
		query += location;
	if (*len <= 0)
		*len = strlen(query);
	while (*len > 0 && scanner_isspace(*query))
		query++, (*len)--;
	while (*len > 0 && (scanner_isspace(query[*len - 1]) || query[*len - 1] == ';'))
		(*len)--;
	return query;
}

/*
 * find_repeat returns the record of a query that was run before in the same
 * statement and had no effect: the trigger of a foreign key runs one for each row.
 * Should a later run lock something, the statement around it has that.
 */
static SdTraceRecord *
find_repeat(const char *text, int len, RepeatKey *key)
{
	Repeat *repeat;

	memset(key, 0, sizeof(*key));
	key->hash = hash_bytes_extended((const unsigned char *) text, len, 0);
	key->parent = sd_trace_top->record->seq;
	key->len = len;
	if (repeats == NULL)
		return NULL;
	repeat = hash_search(repeats, key, HASH_FIND, NULL);
	return repeat != NULL && repeat->record->effects == NIL && repeat->record->sqlstate == 0 &&
				   !repeat->record->running ?
			   repeat->record :
			   NULL;
}

static void
remember(const RepeatKey *key, SdTraceRecord *record)
{
	Repeat *repeat;

	if (repeats == NULL)
	{
		HASHCTL control = { 0 };

		control.keysize = sizeof(RepeatKey);
		control.entrysize = sizeof(Repeat);
		control.hcxt = sd_trace_context;
		repeats = hash_create("safedeploy repeated queries", 64, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	repeat = hash_search(repeats, key, HASH_ENTER, NULL);
	repeat->record = record;
}

/* name_failed names what failed statements locked, before anything else happens to it. */
static void
name_failed(void)
{
	dlist_iter iter;

	dlist_reverse_foreach(iter, &sd_trace_records)
	{
		if (sd_trace_unnamed == 0)
			break;
		sd_trace_name_gains(dlist_container(SdTraceRecord, node, iter.cur));
	}
}

/* open_frame puts a statement on top of those under way. */
static void
open_frame(SdTraceFrame *frame, SdTraceRecord *record, Node *utility)
{
	frame->outer = sd_trace_top;
	frame->record = record;
	frame->utility = utility;
	frame->transaction = sd_trace_transaction;
	frame->context =
		AllocSetContextCreate(sd_trace_context, "safedeploy statement", ALLOCSET_SMALL_SIZES);
	if (!frame->repeats && can_read() && !(utility != NULL && IsA(utility, TransactionStmt)))
	{
		MemoryContext old = MemoryContextSwitchTo(frame->context);

		if (scans_unknown && sd_trace_top == NULL)
		{
			sd_trace_forget_scans();
			scans_unknown = false;
		}
		if (sd_trace_unnamed > 0)
			name_failed();
		frame->before = sd_before_take();
		MemoryContextSwitchTo(old);
		frame->base = border;
		border = sd_trace_look();
		/* what a command of the server locked before it ran a query is its own */
		if (sd_trace_top != NULL && sd_trace_top->utility != NULL &&
			!IsA(sd_trace_top->utility, DoStmt) && !IsA(sd_trace_top->utility, CallStmt))
			frame->base = border;
	}
	if (sd_trace_top == NULL)
		watch_waits(true);
	frame->wal_bytes = pgWalUsage.wal_bytes;
	frame->waited_us = waited_us;
	sd_trace_top = frame;
	INSTR_TIME_SET_CURRENT(frame->started);
}

bool
sd_trace_begin_utility(SdTraceFrame *frame, const PlannedStmt *pstmt, const char *query)
{
	int len = pstmt->stmt_len;
	const char *text = piece(query, pstmt->stmt_location, &len);

	memset(frame, 0, sizeof(*frame));
	if (!sd_trace_make_room())
	{
		sd_trace_lost++;
		return false;
	}
	frame->query = query;
	open_frame(frame,
			   sd_trace_make_record(text, len, pstmt->utilityStmt,
									GetCommandTagName(CreateCommandTag(pstmt->utilityStmt))),
			   pstmt->utilityStmt);
	return true;
}

static const char *
query_tag(CmdType operation)
{
	switch (operation)
	{
		case CMD_SELECT:
			return "SELECT";
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		default:
			return "MERGE";
	}
}

bool
sd_trace_begin_query(SdTraceFrame *frame, const PlannedStmt *pstmt, const char *query,
					 SdTraceRecord *known)
{
	int len = pstmt->stmt_len;
	const char *text = piece(query, pstmt->stmt_location, &len);
	RepeatKey key;
	SdTraceRecord *record = known;

	memset(frame, 0, sizeof(*frame));
	if (record == NULL && sd_trace_top != NULL)
	{
		record = find_repeat(text, len, &key);
		frame->repeats = record != NULL;
		if (record != NULL)
			record->calls++;
	}
	if (record == NULL)
	{
		if (!sd_trace_make_room())
		{
			sd_trace_lost++;
			return false;
		}
		record = sd_trace_make_record(text, len, NULL, query_tag(pstmt->commandType));
		if (sd_trace_top != NULL)
			remember(&key, record);
	}
	frame->query = query;
	record->running = true;
	open_frame(frame, record, NULL);
	return true;
}

/* close_frame takes the statement off and counts what it cost. */
static void
close_frame(SdTraceFrame *frame)
{
	SdTraceRecord *record = frame->record;
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, frame->started);
	record->duration_us += INSTR_TIME_GET_MICROSEC(now);
	record->wal_bytes += pgWalUsage.wal_bytes - frame->wal_bytes;
	record->wait_us += waited_us - frame->waited_us;
	record->running = false;
	sd_trace_top = frame->outer;
	if (sd_trace_lost > 0)
	{
		sd_trace_add_effect(record, "opaque", NULL, NULL, NoLock,
							psprintf("%d statements are not on record: there are too many",
									 sd_trace_lost));
		sd_trace_lost = 0;
	}
	if (sd_trace_top == NULL)
	{
		watch_waits(false);
		if (repeats != NULL)
			hash_destroy(repeats);
		repeats = NULL;
	}
}

void
sd_trace_end(SdTraceFrame *frame, int64 rows)
{
	/* frames that an error has jumped over are inner ones */
	sd_trace_top = frame;
	if (frame->before != NULL && can_read())
	{
		/* so that the messages about changed catalogs are there */
		if (frame->utility != NULL)
			CommandCounterIncrement();
		border = sd_trace_look();
		sd_trace_conclude(frame);
		if (frame->outer != NULL)
			sd_trace_hand_over(frame, frame->outer);
	}
	frame->record->rows += rows;
	close_frame(frame);
	MemoryContextDelete(frame->context);
}

void
sd_trace_fail(SdTraceFrame *frame)
{
	sd_trace_top = frame;
	frame->record->sqlstate = geterrcode();
	sd_trace_collect_failed(frame);
	close_frame(frame);
	MemoryContextDelete(frame->context);
}

void
sd_trace_leave(void)
{
	/* an end by FATAL comes back to no hook */
	for (SdTraceFrame *frame = sd_trace_top; frame != NULL; frame = frame->outer)
	{
		frame->record->running = false;
		frame->record->sqlstate = ERRCODE_ADMIN_SHUTDOWN;
	}
	sd_trace_top = NULL;
	if (wait_timeout != MAX_TIMEOUTS)
		disable_timeout(wait_timeout, false);
}

/* ---- transactions ---- */

static void
decide(SdTraceRecord *record, SdTraceOutcome outcome)
{
	if (record->outcome == SD_TRACE_OPEN)
		sd_trace_undecided--;
	record->outcome = outcome;
}

void
sd_trace_before_commit(void)
{
	/* a statement that commits in its midst: what it holds now is gone afterwards */
	if (sd_trace_top != NULL)
	{
		bool looked = false;

		for (SdTraceFrame *frame = sd_trace_top; frame != NULL; frame = frame->outer)
			if (frame->before != NULL && can_read())
			{
				if (!looked)
				{
					CommandCounterIncrement();
					(void) sd_trace_look();
					looked = true;
				}
				sd_trace_collect(frame);
			}
		return;
	}
	if (!dlist_is_empty(&sd_trace_records))
		sd_trace_store();
}

void
sd_trace_at_end(bool committed)
{
	dlist_iter iter;

	sd_trace_forget_losses();
	if (sd_trace_context == NULL)
		return;
	dlist_reverse_foreach(iter, &sd_trace_records)
	{
		SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);

		if (sd_trace_undecided == 0 && sd_trace_writing == 0)
			break;
		if (record->writing)
		{
			record->writing = false;
			record->written = committed;
			sd_trace_writing--;
		}
		if (record->outcome == SD_TRACE_OPEN && !record->running)
			decide(record, committed ? SD_TRACE_COMMITTED : SD_TRACE_ROLLED_BACK);
	}
	sd_trace_transaction++;
	/* a statement that goes on does so in the next transaction, where it holds nothing */
	for (SdTraceFrame *frame = sd_trace_top; frame != NULL; frame = frame->outer)
	{
		frame->base = border;
		frame->record->transaction = sd_trace_transaction;
		frame->record->subxact = TopSubTransactionId;
	}
	sd_trace_forget_locks(sd_trace_top != NULL);
}

void
sd_trace_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	dlist_iter iter;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	sd_trace_end_subxact(mine, parent, event == SUBXACT_EVENT_COMMIT_SUB);
	dlist_reverse_foreach(iter, &sd_trace_records)
	{
		SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);

		/* whatever is older began before this subtransaction */
		if (record->transaction != sd_trace_transaction || record->subxact < mine)
			break;
		if (record->running)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			decide(record, SD_TRACE_ROLLED_BACK);
		else
			record->subxact = parent;
	}
}
