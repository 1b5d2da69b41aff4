/*
 * sd_diff.c
 *	  safedeploy.diff(): runs the steps of the diff and returns its rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_diff_names.h"
#include "sd_keep.h"
#include "sd_result.h"
#include "sd_table.h"

PG_FUNCTION_INFO_V1(safedeploy_diff);
PG_FUNCTION_INFO_V1(safedeploy_diff_others);

/* Columns of safedeploy.change. */
enum
{
	OUT_SEQ,
	OUT_OP,
	OUT_KIND,
	OUT_IDENTITY,
	OUT_PATH,
	OUT_OLD,
	OUT_NEW,
	OUT_FACET,
	OUT_CLASS,
	OUT_SEVERITY,
	OUT_DATA_LOSS,
	OUT_CAUSE,
	OUT_CONFIDENCE,
	OUT_SUMMARY,
	OUT_OBJECT,
	OUT_HITS,
	OUT_COLUMNS
};

static void
read_facets(FunctionCallInfo fcinfo, int argument, bool *facets)
{
	Datum *names;
	bool *nulls;
	int n;

	for (int f = 0; f < SD_DIFF_FACETS; f++)
		facets[f] = PG_ARGISNULL(argument);
	if (PG_ARGISNULL(argument))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &names,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char *name = nulls[i] ? NULL : TextDatumGetCString(names[i]);
		bool found = false;

		for (int f = 0; name != NULL && f < SD_DIFF_FACETS; f++)
			if (strcmp(name, sd_diff_facet_name(f)) == 0)
				found = facets[f] = true;
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown facet \"%s\"", name ? name : "NULL"),
					 errhint(
						 "Facets are core, security, owner, storage, comment, version, order and environment.")));
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the list of facets is empty"),
				 errhint("Leave the list out to compare all of them.")));
}

/* A change of the pair that makes the server write the table anew. */
static bool
explains_rewrite(const SdDiffPair *pair)
{
	ListCell *cell;

	foreach (cell, pair->changes)
	{
		const SdDiffChange *change = lfirst(cell);
		const char *name = change->depth > 0 ? change->path[change->depth - 1] : "";

		if (change->facet == SD_DIFF_CORE && (change->op & (SD_DIFF_ADD | SD_DIFF_ALTER)) &&
			change->depth > 0 &&
			(strcmp(change->kind, "column") == 0 || strcmp(change->kind, "sequence") == 0 ||
			 strcmp(name, "persistence") == 0))
			return true;
		if (change->facet == SD_DIFF_STORAGE &&
			(strcmp(name, "tablespace") == 0 || strcmp(name, "access_method") == 0))
			return true;
	}
	return false;
}

/*
 * New storage of the same object.  Any change may go with it by chance, but a
 * table that had rows and has none is reported unless the change explains it.
 */
static void
emit_rewrite(SdDiff *diff, SdDiffPair *pair)
{
	bool emptied;

	if (pair->recreated || pair->old->filenode == 0 || pair->new->filenode == 0 ||
		pair->old->filenode == pair->new->filenode)
		return;
	emptied = pair->old->rows > 0 && pair->new->rows <= 0;
	if (emptied ? explains_rewrite(pair) : pair->changes != NIL)
		return;
	sd_diff_emit_whole(diff, pair, SD_DIFF_REWRITE);
}

static void
compare(SdDiff *diff, SdDiffNames *names)
{
	MemoryContext scratch = AllocSetContextCreate(diff->context, "safedeploy diff of one object",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell *cell;

	sd_diff_match(diff);
	foreach (cell, diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (pair->old == NULL || pair->new == NULL)
			continue;
		if (pair->old->unread != NULL || pair->new->unread != NULL)
		{
			(void) sd_diff_emit_whole(diff, pair, SD_DIFF_UNREAD);
			continue;
		}
		MemoryContextSwitchTo(scratch);
		sd_diff_walk(diff, pair);
		if (diff->same_lineage && diff->facets[SD_DIFF_CORE])
			emit_rewrite(diff, pair);
		sd_diff_emit_remade(diff, pair);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(diff->context);
	/* sorted first, so that the choice between two causes does not depend on the join */
	list_sort(diff->changes, sd_diff_compare_changes);
	sd_diff_names_build(names);
	sd_diff_fold(diff, names, scratch);
	sd_diff_order(diff);
	sd_diff_load_dependents(names);
	sd_diff_mark_superusers(diff);
	MemoryContextDelete(scratch);
}

static void
put_jsonb(Datum *values, bool *nulls, int column, Jsonb *value)
{
	nulls[column] = value == NULL;
	if (value != NULL)
		values[column] = JsonbPGetDatum(value);
}

static void
put_changes(const SdDiff *diff, SdDiffNames *names, Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy change", ALLOCSET_DEFAULT_SIZES);
	ListCell *cell;

	foreach (cell, diff->changes)
	{
		SdDiffChange *change = lfirst(cell);
		MemoryContext caller = MemoryContextSwitchTo(row);
		Datum values[OUT_COLUMNS] = { 0 };
		bool nulls[OUT_COLUMNS] = { 0 };

		CHECK_FOR_INTERRUPTS();
		sd_diff_judge(diff, change);
		values[OUT_SEQ] = Int32GetDatum(change->seq);
		sd_put_text_column(values, nulls, OUT_OP, sd_diff_op_name(change->op));
		sd_put_text_column(values, nulls, OUT_KIND, change->kind);
		sd_put_text_column(values, nulls, OUT_IDENTITY, change->pair->identity);
		sd_put_text_column(values, nulls, OUT_PATH, sd_diff_path_text(change));
		put_jsonb(values, nulls, OUT_OLD, change->old);
		put_jsonb(values, nulls, OUT_NEW, change->new);
		sd_put_text_column(values, nulls, OUT_FACET, sd_diff_facet_name(change->facet));
		sd_put_text_column(values, nulls, OUT_CLASS, sd_diff_class_name(change->class));
		sd_put_text_column(values, nulls, OUT_SEVERITY, sd_diff_severity_name(change->severity));
		sd_put_text_column(values, nulls, OUT_DATA_LOSS, sd_diff_loss_name(change->loss));
		nulls[OUT_CAUSE] = change->cause == NULL;
		if (change->cause != NULL)
			values[OUT_CAUSE] = Int32GetDatum(change->cause->seq);
		sd_put_text_column(values, nulls, OUT_CONFIDENCE, diff->same_lineage ? "exact" : "textual");
		sd_put_text_column(values, nulls, OUT_SUMMARY, change->summary);
		sd_put_text_column(values, nulls, OUT_OBJECT, change->pair->kind);
		values[OUT_HITS] = sd_text_array(sd_diff_hits(names, change));
		tuplestore_putvalues(store, desc, values, nulls);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row);
	}
	MemoryContextDelete(row);
}

/* Runs the steps and returns the rows; the sides stand in the diff. */
static Datum
run_diff(FunctionCallInfo fcinfo, SdDiff *diff, int facets_argument)
{
	SdDiffNames names = { diff };
	TupleDesc desc;
	Tuplestorestate *store = sd_result_begin(fcinfo, &desc);
	MemoryContext caller;

	diff->context =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy diff", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(diff->context);
	if (desc->natts != OUT_COLUMNS)
		elog(ERROR, "unexpected number of columns of safedeploy.change");
	read_facets(fcinfo, facets_argument, diff->facets);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the SPI manager");
	sd_diff_load(diff);
	SPI_finish();

	MemoryContextSwitchTo(diff->context);
	compare(diff, &names);
	put_changes(diff, &names, store, desc);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(diff->context);
	return (Datum) 0;
}

Datum
safedeploy_diff(PG_FUNCTION_ARGS)
{
	SdDiff diff = { 0 };

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the old snapshot must not be NULL"),
				 errhint(
					 "Name a snapshot of safedeploy.snapshot; only the new side may be the live database.")));
	diff.old_id = PG_GETARG_INT64(0);
	diff.live = PG_ARGISNULL(1);
	diff.new_id = diff.live ? 0 : PG_GETARG_INT64(1);
	return run_diff(fcinfo, &diff, 2);
}

Datum
safedeploy_diff_others(PG_FUNCTION_ARGS)
{
	SdDiffOthers others = { 0 };
	SdDiff diff = { .others = &others };

	sd_keep_require(PG_ARGISNULL(0));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the numbers of the objects and the version must not be NULL"),
				 errhint("Numbers are those of keep_objects(), the version is server_version_num.")));
	diff.kept = PG_ARGISNULL(0);
	diff.old_id = diff.kept ? 0 : PG_GETARG_INT64(0);
	others.numbers = PG_GETARG_ARRAYTYPE_P(1);
	others.origin.version = PG_GETARG_INT32(2);
	if (!PG_ARGISNULL(3))
		others.origin.system_identifier = psprintf(INT64_FORMAT, PG_GETARG_INT64(3));
	others.origin.database = PG_ARGISNULL(4) ? InvalidOid : PG_GETARG_OID(4);
	others.superusers = PG_ARGISNULL(6) ? NULL : PG_GETARG_ARRAYTYPE_P(6);
	return run_diff(fcinfo, &diff, 5);
}
