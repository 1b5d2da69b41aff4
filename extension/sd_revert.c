/*
 * sd_revert.c
 *	  SQL functions that write DDL: definition_sql() and revert_sql().
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "sd_compat.h"
#include "sd_result.h"
#include "sd_revert.h"

PG_FUNCTION_INFO_V1(safedeploy_definition_sql);
PG_FUNCTION_INFO_V1(safedeploy_revert_sql);

/* Columns of safedeploy.revert_step. */
enum
{
	OUT_SEQ,
	OUT_SQL,
	OUT_KIND,
	OUT_IDENTITY,
	OUT_LEVEL,
	OUT_TRANSACTIONAL,
	OUT_DATA_LOSS,
	OUT_REASON,
	OUT_COLUMNS
};

Datum
safedeploy_definition_sql(PG_FUNCTION_ARGS)
{
	char *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *identity = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Jsonb *definition = PG_GETARG_JSONB_P(2);
	SdDdl *ddl;
	StringInfoData buf;
	ListCell *cell;

	if (!JB_ROOT_IS_OBJECT(definition))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("definition is not an object"),
				 errhint("Pass a definition as safedeploy.objects() gives it.")));
	ddl = sd_ddl_begin(kind, identity, NULL, definition, NULL);
	sd_ddl_run_create(ddl);
	initStringInfo(&buf);
	foreach (cell, ddl->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->sql != NULL)
			appendStringInfo(&buf, "%s;\n", step->sql);
		else
			appendStringInfo(&buf, "-- %s\n", step->reason);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}

/* What holds for all statements: names are read as they were written, bodies are not checked. */
static const char *const settings[] = {
	"SET LOCAL search_path = pg_catalog, pg_temp",
	"SET LOCAL check_function_bodies = off",
};

static void
put_step(Tuplestorestate *store, TupleDesc desc, int seq, const SdDdlStep *step)
{
	static const char *const levels[] = { "full", "structural", "none" };
	Datum values[OUT_COLUMNS] = { 0 };
	bool nulls[OUT_COLUMNS] = { 0 };

	values[OUT_SEQ] = Int32GetDatum(seq);
	sd_put_text_column(values, nulls, OUT_SQL, step->sql);
	sd_put_text_column(values, nulls, OUT_KIND, step->kind);
	sd_put_text_column(values, nulls, OUT_IDENTITY, step->identity);
	sd_put_text_column(values, nulls, OUT_LEVEL, levels[step->level]);
	values[OUT_TRANSACTIONAL] = BoolGetDatum(!step->outside);
	sd_put_text_column(values, nulls, OUT_DATA_LOSS, sd_diff_loss_name(step->loss));
	sd_put_text_column(values, nulls, OUT_REASON, step->reason);
	tuplestore_putvalues(store, desc, values, nulls);
}

Datum
safedeploy_revert_sql(PG_FUNCTION_ARGS)
{
	SdDiff diff = { 0 };
	SdRevert revert = { .diff = &diff };
	MemoryContext caller = CurrentMemoryContext;
	Tuplestorestate *store;
	TupleDesc desc;
	List *steps;
	ListCell *cell;
	int seq = 0;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the old snapshot must not be NULL"),
						errhint("Name a snapshot of safedeploy.snapshot to lead back to.")));
	store = sd_result_begin(fcinfo, &desc);
	if (desc->natts != OUT_COLUMNS)
		elog(ERROR, "unexpected number of columns of safedeploy.revert_step");
	diff.context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy revert", ALLOCSET_DEFAULT_SIZES);
	diff.old_id = PG_GETARG_INT64(0);
	diff.live = PG_ARGISNULL(1);
	diff.new_id = diff.live ? 0 : PG_GETARG_INT64(1);
	for (int f = 0; f < SD_DIFF_FACETS; f++)
		diff.facets[f] = true;
	revert.concurrently = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the SPI manager");
	MemoryContextSwitchTo(diff.context);
	sd_revert_plan(&revert);
	MemoryContextSwitchTo(diff.context);
	sd_revert_rename(&revert);
	steps = sd_revert_order(&revert);
	for (int i = 0; i < lengthof(settings) && steps != NIL; i++)
	{
		SdDdlStep step = { .sql = unconstify(char *, settings[i]), .kind = "setting" };

		put_step(store, desc, ++seq, &step);
	}
	foreach (cell, steps)
		put_step(store, desc, ++seq, lfirst(cell));
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(diff.context);
	return (Datum) 0;
}
