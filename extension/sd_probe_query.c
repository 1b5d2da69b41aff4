/*
 * sd_probe_query.c
 *	  Questions to rows: settings, bounds, and the queries that count bad rows.
 *
 * A probe runs in a subtransaction that is read-only and always rolled back, so
 * that neither its settings nor its locks outlive it.  It reads with the
 * caller's own rights and snapshot, waits for nobody, and is refused
 * where row security would hide rows.
 *
 * The bound in time is a timer of its own, which cancels the query as a user
 * would; what is under way then ends as an answer about fewer rows.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "optimizer/plancat.h"
#include "portability/instr_time.h"
#include "storage/itemptr.h"
#include "storage/latch.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timeout.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_probe_int.h"

/* Rows that are fetched, or tried, at a time. */
#define BATCH 1000

/* A table of fewer pages is read from its beginning instead of a sample. */
#define SAMPLED_PAGES 100

/* Characters of a key's value that an example shows. */
#define SHOWN_VALUE 60

/* What is under way. */
typedef struct Asking
{
	SdQuestion *question;
	SdProbe *probe;
	List *parts; /* SdProbePart */
	bool prepared;
	int64 left;		  /* rows that may still be looked at */
	double fraction;  /* of the rows that is read: below 1 for a sample */
	bool has_example; /* the fields below are set */
	Oid example_table;
	ItemPointerData example;
} Asking;

/* One part, in a subtransaction of its own. */
typedef struct Reading
{
	Asking *asking;
	const SdProbePart *part;
	SPIPlanPtr plan;	   /* of a search */
	ItemPointerData *rows; /* of a search */
	int nrows;
} Reading;

static volatile sig_atomic_t expired = false;
static TimeoutId deadline;
static bool deadline_registered = false;

/* expire is the handler of the timer: from here on it is as if the user cancelled. */
static void
expire(void)
{
	if (QueryCancelPending)
		return;
	expired = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

void
sd_question_refuse(const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg_internal("%s", reason)));
}

const char *
sd_probe_table_text(Oid table)
{
	char *name = get_rel_name(table);

	if (name == NULL)
		sd_question_refuse("the table is gone");
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name);
}

List *
sd_probe_tables(Oid table, bool children)
{
	char kind = get_rel_relkind(table);
	List *all = children || kind == RELKIND_PARTITIONED_TABLE ?
					find_all_inheritors(table, NoLock, NULL) :
					list_make1_oid(table);
	List *result = NIL;
	ListCell *cell;

	foreach (cell, all)
	{
		switch (get_rel_relkind(lfirst_oid(cell)))
		{
			case RELKIND_RELATION:
			case RELKIND_MATVIEW:
				result = lappend_oid(result, lfirst_oid(cell));
				break;
			case RELKIND_PARTITIONED_TABLE:
				break;
			default:
				sd_question_refuse(psprintf("%s is not a table with rows of its own",
											sd_probe_table_text(lfirst_oid(cell))));
		}
	}
	return result;
}

/*
 * guarded calls a function in a subtransaction, which is rolled back unless
 * "keep" says that one without an error stays.  The error is returned.
 */
static ErrorData *
guarded(void (*function)(void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/* is_of_rows tells whether an error is one that a statement would meet at a row. */
static bool
is_of_rows(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || category == ERRCODE_PLPGSQL_ERROR;
}

static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
							 false);
}

/* set_up makes the subtransaction one that only reads, and that waits for nobody. */
static void
set_up(void)
{
	set_local("transaction_read_only", "on");
	set_local("row_security", "off");
	set_local("lock_timeout", "1ms");
	set_local("max_parallel_workers_per_gather", "0");
	set_local("jit", "off");
}

/* note_bad counts a bad row. */
static void
note_bad(Reading *reading, ItemPointer row, int sqlstate)
{
	Asking *asking = reading->asking;

	asking->probe->bad++;
	if (sqlstate != 0)
		asking->probe->sqlstate = sqlstate;
	if (!asking->has_example)
	{
		asking->has_example = true;
		asking->example_table = reading->part->table;
		asking->example = *row;
	}
}

/* take_rows looks at the result of a query of rows: place, is it bad. */
static void
take_rows(Reading *reading)
{
	TupleDesc desc = SPI_tuptable->tupdesc;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		bool isnull;

		if (reading->asking->left <= 0)
		{
			reading->asking->probe->bound = SD_BOUND_ROWS;
			return;
		}
		reading->asking->left--;
		reading->asking->probe->checked++;
		if (DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull)) && !isnull)
			note_bad(reading, (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 1, &isnull)),
					 0);
	}
}

/* row_columns writes what is selected of a row. */
static const char *
row_columns(const SdProbePart *part)
{
	return psprintf("SELECT " SD_PROBE_ROW ".ctid, %s, %s FROM ONLY %s AS " SD_PROBE_ROW,
					part->bad == NULL ? "false" : psprintf("(%s)", part->bad),
					/* unlike IS NULL this is not simplified, so that the value is computed */
					part->value == NULL ? "0" : psprintf("pg_catalog.num_nulls(%s)", part->value),
					sd_probe_table_text(part->table));
}

/* sample_text writes the clause for a part of the rows. */
static const char *
sample_text(const Asking *asking)
{
	return asking->fraction >= 1 ? "" :
								   psprintf(" TABLESAMPLE SYSTEM (%.9f)", asking->fraction * 100);
}

/* open_cursor begins a query that is read in batches. */
static Portal
open_cursor(const char *query)
{
	return SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true, 0);
}

/* read_rows looks at row after row, until one cannot be evaluated. */
static void
read_rows(void *arg)
{
	Reading *reading = arg;
	Portal portal = open_cursor(psprintf("%s%s LIMIT " INT64_FORMAT, row_columns(reading->part),
										 sample_text(reading->asking), reading->asking->left + 1));

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, BATCH);
		take_rows(reading);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
}

/* compare_rows counts the rows that share their keys with others. */
static void
compare_rows(void *arg)
{
	Reading *reading = arg;
	Asking *asking = reading->asking;
	const SdProbePart *part = reading->part;
	StringInfoData keys;
	StringInfoData names;
	StringInfoData known;
	ListCell *cell;
	int n = 0;
	bool isnull;
	HeapTuple tuple;
	TupleDesc desc;
	int64 seen;
	int64 bad;

	initStringInfo(&keys);
	initStringInfo(&names);
	initStringInfo(&known);
	foreach (cell, part->keys)
	{
		appendStringInfo(&keys, ", %s AS k%d", (char *) lfirst(cell), ++n);
		appendStringInfo(&names, "%sk%d", n > 1 ? ", " : "", n);
		if (part->nulls_differ)
			appendStringInfo(&known, " AND k%d IS NOT NULL", n);
	}
	SPI_execute(psprintf("SELECT pg_catalog.sum(n)::pg_catalog.int8, "
						 "pg_catalog.sum(n) FILTER (WHERE again)::pg_catalog.int8, "
						 "pg_catalog.count(*) FILTER (WHERE again), " SD_MIN_TID("place",
																				 "FILTER (WHERE again)") " "
																										 "FROM (SELECT pg_catalog.count(*) AS n, " SD_MIN_TID("place",
																																							  "") " AS place, "
																																								  "pg_catalog.count(*) > 1%s AS again "
																																								  "FROM (SELECT " SD_PROBE_ROW
																																								  ".ctid AS place%s FROM ONLY %s AS " SD_PROBE_ROW
																																								  "%s%s%s LIMIT " INT64_FORMAT
																																								  ") r GROUP BY %s) g",
						 known.data, keys.data, sd_probe_table_text(part->table),
						 sample_text(asking), part->filter == NULL ? "" : " WHERE ",
						 part->filter == NULL ? "" : part->filter, asking->left + 1, names.data),
				true, 1);
	if (SPI_processed == 0)
		return;
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	seen = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
	if (isnull)
		return;
	if (seen > asking->left)
	{
		asking->probe->bound = SD_BOUND_ROWS;
		seen = asking->left;
	}
	asking->left -= seen;
	asking->probe->checked += seen;
	bad = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	if (isnull)
		return;
	note_bad(reading, (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 4, &isnull)), 0);
	asking->probe->bad += bad - 1;
	asking->probe->groups += DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
}

/* try_rows evaluates some rows, of a search. */
static void
try_rows(void *arg)
{
	Reading *reading = arg;
	Datum *places = palloc(reading->nrows * sizeof(Datum));
	Datum parameter;

	for (int i = 0; i < reading->nrows; i++)
		places[i] = PointerGetDatum(&reading->rows[i]);
	parameter = PointerGetDatum(construct_array(places, reading->nrows, TIDOID,
												sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	SPI_execute_plan(reading->plan, &parameter, NULL, true, 0);
	take_rows(reading);
	SPI_freetuptable(SPI_tuptable);
	pfree(places);
}

/* search_rows finds the rows that cannot be evaluated, by halves. */
static void
search_rows(Reading *reading)
{
	SdProbe before = *reading->asking->probe;
	int64 left = reading->asking->left;
	bool has_example = reading->asking->has_example;
	ErrorData *error;
	Reading half = *reading;

	CHECK_FOR_INTERRUPTS();
	error = guarded(try_rows, reading, true);
	if (error == NULL)
		return;
	if (!is_of_rows(error))
		ReThrowError(error);
	*reading->asking->probe = before;
	reading->asking->left = left;
	reading->asking->has_example = has_example;
	if (reading->nrows == 1)
	{
		reading->asking->left--;
		reading->asking->probe->checked++;
		note_bad(reading, reading->rows, error->sqlerrcode);
		FreeErrorData(error);
		return;
	}
	FreeErrorData(error);
	half.nrows = reading->nrows / 2;
	search_rows(&half);
	half.rows += half.nrows;
	half.nrows = reading->nrows - half.nrows;
	search_rows(&half);
}

/* search goes through a table of which some rows cannot be evaluated. */
static void
search(Asking *asking, const SdProbePart *part)
{
	SdProbePart tried = *part;
	Reading reading = { asking, &tried };
	Oid type = TIDARRAYOID;
	Portal portal;

	if (tried.keys != NIL)
	{
		StringInfoData text;
		ListCell *cell;

		initStringInfo(&text);
		foreach (cell, tried.keys)
			appendStringInfo(&text, "%s%s", cell == list_head(tried.keys) ? "" : ", ",
							 (char *) lfirst(cell));
		tried.value =
			tried.filter == NULL ?
				text.data :
				psprintf("CASE WHEN %s THEN pg_catalog.num_nulls(%s) END", tried.filter, text.data);
	}
	reading.plan =
		SPI_prepare(psprintf("%s WHERE " SD_PROBE_ROW ".ctid = ANY ($1)", row_columns(&tried)), 1,
					&type);
	reading.rows = palloc(BATCH * sizeof(ItemPointerData));
	portal = open_cursor(psprintf("SELECT " SD_PROBE_ROW ".ctid FROM ONLY %s AS " SD_PROBE_ROW
								  "%s LIMIT " INT64_FORMAT,
								  sd_probe_table_text(part->table), sample_text(asking),
								  asking->left + 1));
	for (;;)
	{
		Reading batch = reading;

		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool isnull;

			reading.rows[i] = *(ItemPointer) DatumGetPointer(
				SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		}
		batch.nrows = SPI_processed;
		SPI_freetuptable(SPI_tuptable);
		if (batch.nrows > asking->left)
		{
			asking->probe->bound = SD_BOUND_ROWS;
			batch.nrows = asking->left;
		}
		if (batch.nrows == 0)
			break;
		search_rows(&batch);
	}
	SPI_cursor_close(portal);
}

/* ask_part counts the bad rows of one part. */
static void
ask_part(Asking *asking, const SdProbePart *part)
{
	Reading reading = { asking, part };
	SdProbe before = *asking->probe;
	int64 left = asking->left;
	bool has_example = asking->has_example;
	ErrorData *error = guarded(part->keys != NIL ? compare_rows : read_rows, &reading, true);

	if (error == NULL)
		return;
	if (!is_of_rows(error))
		ReThrowError(error);
	FreeErrorData(error);
	*asking->probe = before;
	asking->left = left;
	asking->has_example = has_example;
	search(asking, part);
}

/* looks_up tells whether a plan finds its rows by the condition of an index. */
static bool
looks_up(SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	bool result = false;

	if (cached != NULL)
	{
		Plan *scan = outerPlan(linitial_node(PlannedStmt, cached->stmt_list)->planTree);

		if (scan != NULL && IsA(scan, IndexScan))
			result = ((IndexScan *) scan)->indexqual != NIL;
		else if (scan != NULL && IsA(scan, IndexOnlyScan))
			result = ((IndexOnlyScan *) scan)->indexqual != NIL;
		else
			result = scan != NULL && IsA(scan, BitmapHeapScan);
		sd_release_plan(cached);
	}
	return result;
}

/* ask_index counts the bad rows of all parts by indexes, if there are such for all of them. */
static bool
ask_index(Asking *asking)
{
	List *plans = NIL;
	ListCell *plan;
	ListCell *cell;

	foreach (cell, asking->parts)
	{
		SdProbePart *part = lfirst(cell);
		SPIPlanPtr made;

		if (part->bad == NULL || part->value != NULL || part->keys != NIL)
			return false;
		made =
			SPI_prepare(psprintf("SELECT pg_catalog.count(*), " SD_MIN_TID(SD_PROBE_ROW ".ctid",
																		   "") " FROM ONLY %s AS " SD_PROBE_ROW
																			   " WHERE (%s)",
								 sd_probe_table_text(part->table), part->bad),
						0, NULL);
		if (made == NULL || !looks_up(made))
			return false;
		plans = lappend(plans, made);
	}
	forboth (cell, asking->parts, plan, plans)
	{
		Reading reading = { asking, lfirst(cell) };
		bool isnull;
		int64 bad;

		SPI_execute_plan(lfirst(plan), NULL, NULL, true, 1);
		bad = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (bad == 0)
			continue;
		note_bad(&reading,
				 (ItemPointer) DatumGetPointer(
					 SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)),
				 0);
		asking->probe->bad += bad - 1;
	}
	asking->probe->checked = -1;
	return true;
}

/* measure estimates the rows of all parts, and decides how many of them are read. */
static void
measure(Asking *asking)
{
	double total = 0;
	BlockNumber total_pages = 0;
	List *seen = NIL;
	ListCell *cell;

	foreach (cell, asking->parts)
	{
		Oid table = ((SdProbePart *) lfirst(cell))->table;
		Relation relation;
		BlockNumber pages;
		double rows;
		double visible;

		if (list_member_oid(seen, table))
			continue;
		seen = lappend_oid(seen, table);
		relation = table_open(table, AccessShareLock);
		estimate_rel_size(relation, NULL, &pages, &rows, &visible);
		table_close(relation, NoLock);
		total += rows;
		total_pages += pages;
	}
	asking->probe->total = (int64) total;
	if (total > asking->left && total_pages >= SAMPLED_PAGES)
		asking->fraction = asking->left / total;
}

/* ask_inside puts the question, inside the probe's subtransaction. */
static void
ask_inside(void *arg)
{
	Asking *asking = arg;
	ListCell *cell;

	set_up();
	SPI_connect();
	asking->parts = asking->question->prepare(asking->question);
	asking->prepared = true;
	set_local("search_path", "pg_catalog, pg_temp");
	measure(asking);
	asking->probe->asked = true;
	if (asking->fraction < 1 && ask_index(asking))
	{
		SPI_finish();
		return;
	}
	foreach (cell, asking->parts)
	{
		if (asking->left <= 0 && asking->probe->bound == SD_BOUND_NONE)
			asking->probe->bound = SD_BOUND_ROWS;
		if (asking->probe->bound != SD_BOUND_NONE)
			break;
		ask_part(asking, lfirst(cell));
	}
	if (asking->fraction < 1)
		asking->probe->bound = SD_BOUND_ROWS;
	SPI_finish();
}

/* key_columns lists the columns of the primary key of a table, as a condition shows them. */
static List *
key_columns(Oid table)
{
	Relation relation = table_open(table, AccessShareLock);
	List *result = NIL;
	Oid index;
	HeapTuple tuple;

	(void) RelationGetIndexList(relation);
	index = relation->rd_pkindex;
	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		for (int i = 0; i < form->indnkeyatts; i++)
			result = lappend(result, get_attname(table, form->indkey.values[i], false));
		ReleaseSysCache(tuple);
	}
	table_close(relation, NoLock);
	return result;
}

/* fetch_example reads the primary key of the row that is the example. */
static void
fetch_example(void *arg)
{
	Asking *asking = arg;
	MemoryContext context = CurrentMemoryContext;
	List *columns;
	StringInfoData text;
	ListCell *cell;
	int n = 0;

	set_up();
	SPI_connect();
	set_local("search_path", "pg_catalog, pg_temp");
	columns = key_columns(asking->example_table);
	initStringInfo(&text);
	foreach (cell, columns)
		appendStringInfo(&text, "%s%s", cell == list_head(columns) ? "SELECT " : ", ",
						 sd_probe_column_text(SD_PROBE_ROW, lfirst(cell)));
	if (columns != NIL)
	{
		appendStringInfo(&text,
						 " FROM ONLY %s AS " SD_PROBE_ROW " WHERE " SD_PROBE_ROW ".ctid = '(%u,%u)'",
						 sd_probe_table_text(asking->example_table),
						 ItemPointerGetBlockNumberNoCheck(&asking->example),
						 ItemPointerGetOffsetNumberNoCheck(&asking->example));
		SPI_execute(text.data, true, 1);
		if (SPI_processed == 1)
		{
			StringInfoData shown;
			MemoryContext old = MemoryContextSwitchTo(context);

			initStringInfo(&shown);
			foreach (cell, columns)
			{
				char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, ++n);

				appendStringInfo(&shown, "%s%s = %.*s", n > 1 ? ", " : "",
								 quote_identifier(lfirst(cell)),
								 pg_mbcliplen(value, strlen(value), SHOWN_VALUE), value);
			}
			asking->probe->example = shown.data;
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
}

/* find_example names a bad row by its primary key, or by its place when there is none. */
static void
find_example(Asking *asking)
{
	SdProbe *probe = asking->probe;
	ErrorData *error;

	if (!asking->has_example || !sd_guc_probe_examples)
		return;
	error = guarded(fetch_example, asking, false);
	if (error != NULL && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	if (probe->example == NULL)
		probe->example =
			psprintf("ctid = (%u,%u)", ItemPointerGetBlockNumberNoCheck(&asking->example),
					 ItemPointerGetOffsetNumberNoCheck(&asking->example));
	if (asking->example_table != probe->table)
		probe->example =
			psprintf("%s of %s", probe->example, sd_probe_table_text(asking->example_table));
}

/* explain says why an error leaves the question open. */
static const char *
explain(const Asking *asking, const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return "another session holds a lock that keeps readers out";
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
			return "the expression calls something that writes";
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
			return error->message;
		default:
			/* before rows are read, a message can only speak of the script; then of values */
			if (!asking->prepared)
				return error->message;
			return psprintf("the query failed with SQLSTATE %s", unpack_sql_state(error->sqlerrcode));
	}
}

/* decide says what the counts mean. */
static void
decide(Asking *asking)
{
	SdProbe *probe = asking->probe;

	if (probe->reason != NULL && probe->checked == 0 && probe->bad == 0)
		probe->asked = false;
	probe->complete = probe->asked && probe->bound == SD_BOUND_NONE && probe->reason == NULL;
	/* a row that cannot be evaluated leaves it open which rows repeat */
	if (probe->sqlstate != 0 && probe->kind == SD_PROBE_UNIQUE)
		probe->complete = false;
	if (probe->bad > 0)
		probe->verdict = SD_VERDICT_FAILS;
	else if (probe->complete && probe->caveat == NULL)
		probe->verdict = SD_VERDICT_HOLDS;
	else
	{
		probe->verdict = SD_VERDICT_UNKNOWN;
		if (probe->reason == NULL)
			probe->reason = probe->caveat;
	}
}

void
sd_question_ask(SdQuestion *question)
{
	SdProbe *probe = question->probe;
	Asking asking = { question, probe, .left = sd_guc_probe_rows, .fraction = 1 };
	instr_time start;
	instr_time end;
	ErrorData *volatile error = NULL;

	if (!deadline_registered)
	{
		deadline = RegisterTimeout(USER_TIMEOUT, expire);
		deadline_registered = true;
	}
	INSTR_TIME_SET_CURRENT(start);
	expired = false;
	enable_timeout_after(deadline, sd_guc_probe_time);
	PG_TRY();
	{
		error = guarded(ask_inside, &asking, false);
	}
	PG_FINALLY();
	{
		disable_timeout(deadline, false);
	}
	PG_END_TRY();
	if (expired && (error == NULL || error->sqlerrcode != ERRCODE_QUERY_CANCELED))
		QueryCancelPending = false; /* it came too late to end anything */
	if (error != NULL && expired && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		probe->bound = SD_BOUND_TIME;
	else if (error != NULL)
	{
		int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

		if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INTERNAL_ERROR)
			ReThrowError(error);
		probe->reason = explain(&asking, error);
	}
	decide(&asking);
	find_example(&asking);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	probe->elapsed = INSTR_TIME_GET_MILLISEC(end);
}
