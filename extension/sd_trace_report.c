/*
 * sd_trace_report.c
 *	  trace_report() and trace_effects(): the records of this session as rows.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "storage/lock.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_result.h"
#include "sd_table.h"
#include "sd_trace_int.h"

PG_FUNCTION_INFO_V1(safedeploy_trace_report);
PG_FUNCTION_INFO_V1(safedeploy_trace_effects);

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static const char *
outcome_text(const SdTraceRecord *record)
{
	switch (record->outcome)
	{
		case SD_TRACE_COMMITTED:
			return "committed";
		case SD_TRACE_ROLLED_BACK:
			return "rolled back";
		default:
			return "open";
	}
}

/* trace_report() returns setof record */
Datum
safedeploy_trace_report(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	dlist_iter iter;

	dlist_foreach(iter, &sd_trace_records)
	{
		const SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);
		Datum values[18];
		bool nulls[18] = { 0 };
		int n = 0;

		if (record->running)
			continue;
		values[n++] = Int32GetDatum(record->seq);
		nulls[n] = record->parent == 0;
		values[n++] = Int32GetDatum(record->parent);
		values[n++] = Int32GetDatum(record->nesting);
		values[n++] = Int32GetDatum(record->transaction);
		values[n++] = CStringGetTextDatum(record->tag);
		values[n++] = CStringGetTextDatum(record->hash);
		values[n++] = CStringGetTextDatum(record->text);
		values[n++] = BoolGetDatum(record->masked);
		values[n++] = Int64GetDatum(record->calls);
		values[n++] = TimestampTzGetDatum(record->start);
		values[n++] = Float8GetDatum(record->duration_us / 1000.0);
		values[n++] = Float8GetDatum(record->wait_us / 1000.0);
		values[n++] = Int64GetDatum(record->rows);
		values[n++] = Int64GetDatum(record->wal_bytes);
		values[n] = text_or_null(record->sqlstate == 0 ? NULL : unpack_sql_state(record->sqlstate),
								 &nulls[n]);
		n++;
		values[n++] = sd_text_array(record->messages);
		values[n++] = CStringGetTextDatum(outcome_text(record));
		tuplestore_putvalues(store, desc, values, nulls);
	}
	return (Datum) 0;
}

/* trace_effects() returns setof effect */
Datum
safedeploy_trace_effects(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	dlist_iter iter;

	dlist_foreach(iter, &sd_trace_records)
	{
		SdTraceRecord *record = dlist_container(SdTraceRecord, node, iter.cur);
		ListCell *cell;

		if (record->running)
			continue;
		sd_trace_name_gains(record);
		foreach (cell, record->effects)
		{
			const SdTraceEffect *effect = lfirst(cell);
			Datum values[7];
			bool nulls[7] = { 0 };

			values[0] = Int32GetDatum(record->seq);
			values[1] = CStringGetTextDatum(effect->effect);
			values[2] = text_or_null(effect->kind, &nulls[2]);
			values[3] = text_or_null(effect->object, &nulls[3]);
			values[4] = text_or_null(effect->mode == NoLock ?
										 NULL :
										 GetLockmodeName(DEFAULT_LOCKMETHOD, effect->mode),
									 &nulls[4]);
			values[5] = BoolGetDatum(true);
			values[6] = text_or_null(effect->detail, &nulls[6]);
			tuplestore_putvalues(store, desc, values, nulls);
		}
	}
	return (Datum) 0;
}
