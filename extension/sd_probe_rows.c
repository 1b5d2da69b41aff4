/*
 * sd_probe_rows.c
 *	  The queries that count bad rows: row by row, by groups of equal keys, by halves
 *	  where rows cannot be evaluated, and by an index.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/array.h"
#include "utils/plancache.h"

#include "sd_compat.h"
#include "sd_probe_rows.h"

/* Rows that are fetched, or tried, at a time. */
#define BATCH 1000

/* One part, in a subtransaction of its own. */
typedef struct Reading
{
	SdAsking *asking;
	const SdProbePart *part;
	SPIPlanPtr plan;	   /* of a search */
	ItemPointerData *rows; /* of a search */
	int nrows;
} Reading;

/* is_of_rows tells whether an error is one that a statement would meet at a row. */
static bool
is_of_rows(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || category == ERRCODE_PLPGSQL_ERROR;
}

/* note_bad counts a bad row. */
static void
note_bad(Reading *reading, ItemPointer row, int sqlstate)
{
	SdAsking *asking = reading->asking;

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
sample_text(const SdAsking *asking)
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
	SdAsking *asking = reading->asking;
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
	error = sd_probe_guarded(try_rows, reading, true);
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
search(SdAsking *asking, const SdProbePart *part)
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

void
sd_probe_ask_part(SdAsking *asking, const SdProbePart *part)
{
	Reading reading = { asking, part };
	SdProbe before = *asking->probe;
	int64 left = asking->left;
	bool has_example = asking->has_example;
	ErrorData *error = sd_probe_guarded(part->keys != NIL ? compare_rows : read_rows, &reading, true);

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

bool
sd_probe_ask_index(SdAsking *asking)
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
