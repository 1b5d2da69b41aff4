/*
 * sd_ledger_verify.c
 *	  Walks the ledger's chain and names what is wrong with it.
 *
 * Both tables are read under the snapshot of the calling query, so appends that
 * go on meanwhile are no faults.  Runs are kept in memory (80 bytes each);
 * events pass by in the order of the chain, without regard to any index.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "sd_compat.h"
#include "sd_ledger.h"
#include "sd_ledger_hash.h"
#include "sd_result.h"

#define BATCH 1000

PG_FUNCTION_INFO_V1(safedeploy_verify_chain);

/* What is known about a run while its events pass by. */
typedef struct RunState
{
	pg_uuid_t run_id; /* hash key */
	char hash[2 * SD_SHA256_LENGTH + 1];
	bool begun;
	bool ended;
} RunState;

/* The event before the one at hand. */
typedef struct Previous
{
	int64 seq;
	bool has_hash;
	char hash[VARHDRSZ + SD_SHA256_LENGTH];
} Previous;

/* The head that a caller has kept. */
typedef struct ExpectedHead
{
	bool given;
	int64 seq;
	const char *hash; /* hex */
	bool seen;
} ExpectedHead;

typedef struct Verify
{
	Tuplestorestate *faults;
	TupleDesc fault_desc;
	HTAB *runs;
	Previous prev;
	ExpectedHead head;
	MemoryContext row_context; /* reset for each row */
} Verify;

/* One row of the cursor, with its columns by name. */
typedef struct LedgerRow
{
	TupleDesc desc;
	Datum *values;
	bool *nulls;
} LedgerRow;

static void add_fault(Verify *v, const int64 *seq, const pg_uuid_t *run_id, const char *what,
					  const char *fmt, ...) pg_attribute_printf(5, 6);

static void
add_fault(Verify *v, const int64 *seq, const pg_uuid_t *run_id, const char *what, const char *fmt, ...)
{
	StringInfoData detail;
	Datum values[4] = { 0 };
	bool nulls[4] = { seq == NULL, run_id == NULL, false, false };

	initStringInfo(&detail);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&detail, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&detail, needed);
	}
	if (seq != NULL)
		values[0] = Int64GetDatum(*seq);
	if (run_id != NULL)
		values[1] = UUIDPGetDatum(run_id);
	values[2] = CStringGetTextDatum(what);
	values[3] = CStringGetTextDatum(detail.data);
	tuplestore_putvalues(v->faults, v->fault_desc, values, nulls);
}

/* column returns a value that may be NULL; a missing column is NULL throughout. */
static bool
column(const LedgerRow *row, const char *name, Datum *value)
{
	int i = SPI_fnumber(row->desc, name);

	if (i <= 0 || row->nulls[i - 1])
		return false;
	*value = row->values[i - 1];
	return true;
}

/* own_hash_is_right compares a row's hash with that of its content. */
static bool
own_hash_is_right(const LedgerRow *row, const char *table)
{
	Datum hash;

	return column(row, SD_LEDGER_HASH_COLUMN, &hash) &&
		   sd_ledger_hash_equal(DatumGetByteaPP(hash),
								sd_ledger_hash_row(table, row->desc, row->values, row->nulls));
}

static void
check_run(Verify *v, const LedgerRow *row)
{
	RunState *run;
	Datum value;
	bool found;

	if (!column(row, "run_id", &value))
		return;
	run = hash_search(v->runs, DatumGetUUIDP(value), HASH_ENTER, &found);
	if (found)
		add_fault(v, NULL, &run->run_id, "run_repeated", "Two rows of \"run\" have this id.");
	memset(run->hash, 0, sizeof(run->hash));
	run->begun = run->ended = false;
	if (!own_hash_is_right(row, "run"))
		add_fault(v, NULL, &run->run_id, "run_changed",
				  "The row of the run is not what it was when its hash was made.");
	if (column(row, SD_LEDGER_HASH_COLUMN, &value) &&
		VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)) == SD_SHA256_LENGTH)
		strlcpy(run->hash, sd_ledger_hash_text(DatumGetByteaPP(value)), sizeof(run->hash));
}

/* recorded_run_hash returns the hash of the run's row in its first event, or "". */
static char *
recorded_run_hash(const LedgerRow *row)
{
	JsonbValue key = { .type = jbvString };
	JsonbValue *value;
	Datum detail;

	if (!column(row, "detail", &detail) || !JB_ROOT_IS_OBJECT(DatumGetJsonbP(detail)))
		return "";
	key.val.string.val = SD_LEDGER_RUN_HASH_KEY;
	key.val.string.len = strlen(SD_LEDGER_RUN_HASH_KEY);
	value = findJsonbValueFromContainer(&DatumGetJsonbP(detail)->root, JB_FOBJECT, &key);
	if (value == NULL || value->type != jbvString)
		return "";
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* check_run_of_event checks that the event has its place in a run. */
static void
check_run_of_event(Verify *v, const LedgerRow *row, int64 seq, const pg_uuid_t *run_id)
{
	RunState *run = hash_search(v->runs, run_id, HASH_FIND, NULL);
	Datum value;
	char *state = column(row, "state", &value) ? TextDatumGetCString(value) : "";

	if (run == NULL)
	{
		add_fault(v, &seq, run_id, "run_missing", "The run of this event is not there.");
		return;
	}
	if (strcmp(state, SD_LEDGER_STATE_BEGIN) == 0)
	{
		if (run->begun)
			add_fault(v, &seq, run_id, "begin_repeated", "The run has begun before.");
		else if (strcmp(recorded_run_hash(row), run->hash) != 0)
			add_fault(v, &seq, run_id, "run_replaced",
					  "The row of the run is not the one that its first event recorded.");
		run->begun = true;
	}
	else if (!run->begun)
	{
		add_fault(v, &seq, run_id, "begin_missing", "No event before this one begins the run.");
		run->begun = true;
	}
	if (run->ended)
		add_fault(v, &seq, run_id, "event_after_end", "The run has ended before.");
	run->ended = run->ended || strcmp(state, SD_LEDGER_STATE_END) == 0;
}

/* check_link checks that the event follows the one before it. */
static void
check_link(Verify *v, const LedgerRow *row, int64 seq, const pg_uuid_t *run_id)
{
	int64 missing = v->prev.seq + 1;
	Datum value;

	if (seq <= v->prev.seq)
		add_fault(v, &seq, run_id, "event_repeated", "More than one event has this place.");
	else if (seq > missing)
		add_fault(v, &missing, NULL, "events_missing",
				  "Events " INT64_FORMAT " to " INT64_FORMAT " are not there.", missing, seq - 1);
	else if (column(row, "prev_hash", &value) != v->prev.has_hash ||
			 (v->prev.has_hash &&
			  !sd_ledger_hash_equal(DatumGetByteaPP(value), (bytea *) v->prev.hash)))
		add_fault(v, &seq, run_id, "link_broken",
				  "The hash of the event before it is not the one that it was linked to.");
}

static void
check_expected_head(Verify *v, int64 seq, const bytea *hash)
{
	if (!v->head.given || seq != v->head.seq)
		return;
	v->head.seen = true;
	if (pg_strcasecmp(sd_ledger_hash_text(hash), v->head.hash) != 0)
		add_fault(v, &seq, NULL, "head_differs",
				  "The event has another hash than the head that was kept: the ledger has been "
				  "rewritten up to here.");
}

static void
check_event(Verify *v, const LedgerRow *row)
{
	Datum value;
	int64 seq;
	pg_uuid_t *run_id;

	if (!column(row, "seq", &value))
		return;
	seq = DatumGetInt64(value);
	run_id = column(row, "run_id", &value) ? DatumGetUUIDP(value) : NULL;

	check_link(v, row, seq, run_id);
	if (!own_hash_is_right(row, "event"))
		add_fault(v, &seq, run_id, "event_changed",
				  "The event is not what it was when its hash was made.");
	if (run_id != NULL)
		check_run_of_event(v, row, seq, run_id);

	v->prev.seq = seq;
	v->prev.has_hash = column(row, SD_LEDGER_HASH_COLUMN, &value) &&
					   VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)) == SD_SHA256_LENGTH;
	if (v->prev.has_hash)
	{
		bytea *hash = DatumGetByteaPP(value);

		SET_VARSIZE(v->prev.hash, sizeof(v->prev.hash));
		memcpy(VARDATA(v->prev.hash), VARDATA_ANY(hash), SD_SHA256_LENGTH);
		check_expected_head(v, seq, hash);
	}
}

/* for_each_row reads a query in batches, each row in a context of its own. */
static void
for_each_row(Verify *v, const char *query, void (*check)(Verify *, const LedgerRow *))
{
	SPIPlanPtr plan = SPI_prepare(query, 0, NULL);
	Portal portal;

	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", query);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		LedgerRow row;

		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		row.desc = SPI_tuptable->tupdesc;
		row.values = palloc(row.desc->natts * sizeof(Datum));
		row.nulls = palloc(row.desc->natts * sizeof(bool));
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(v->row_context);

			CHECK_FOR_INTERRUPTS();
			heap_deform_tuple(SPI_tuptable->vals[i], row.desc, row.values, row.nulls);
			check(v, &row);
			MemoryContextSwitchTo(old);
			MemoryContextReset(v->row_context);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static void
check_end_of_chain(Verify *v)
{
	HASH_SEQ_STATUS status;
	RunState *run;

	hash_seq_init(&status, v->runs);
	while ((run = hash_seq_search(&status)) != NULL)
	{
		if (!run->begun)
			add_fault(v, NULL, &run->run_id, "begin_missing",
					  "No event of this run is there: its events were removed, or the run was "
					  "put in by hand.");
	}
	if (v->head.given && v->head.seq > 0 && !v->head.seen)
		add_fault(v, &v->head.seq, NULL, v->prev.seq < v->head.seq ? "tail_missing" : "head_differs",
				  "The ledger ends at event " INT64_FORMAT
				  " and does not contain the head that was kept.",
				  v->prev.seq);
}

/* parse_head reads what ledger_head() returned. */
static ExpectedHead
parse_head(const char *text)
{
	ExpectedHead head = { .given = true };
	char *end;

	errno = 0;
	head.seq = strtoll(text, &end, 10);
	head.hash = end + 1;
	if (errno != 0 || end == text || *end != ':' || head.seq < 0 ||
		strspn(head.hash, "0123456789abcdefABCDEF") != strlen(head.hash) ||
		strlen(head.hash) != (head.seq == 0 ? 0 : 2 * SD_SHA256_LENGTH))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is not a head of a ledger", text),
						errhint("It is what safedeploy.ledger_head() returned: a number, a colon "
								"and 64 hexadecimal digits.")));
	return head;
}

/* verify_chain(expected_head text) returns setof fault */
Datum
safedeploy_verify_chain(PG_FUNCTION_ARGS)
{
	Verify v = { 0 };
	HASHCTL ctl = { .keysize = sizeof(pg_uuid_t),
					.entrysize = sizeof(RunState),
					.hcxt = CurrentMemoryContext };

	if (!PG_ARGISNULL(0))
		v.head = parse_head(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	v.faults = sd_result_begin(fcinfo, &v.fault_desc);
	v.runs = hash_create("runs of the ledger", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	v.row_context =
		AllocSetContextCreate(CurrentMemoryContext, "row of the ledger", ALLOCSET_DEFAULT_SIZES);

	SPI_connect();
	for_each_row(&v, "SELECT * FROM ONLY safedeploy.run", check_run);
	for_each_row(&v, "SELECT * FROM ONLY safedeploy.event ORDER BY seq", check_event);
	check_end_of_chain(&v);
	SPI_finish();
	return (Datum) 0;
}
