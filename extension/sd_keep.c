/*
 * sd_keep.c
 *	  keep_objects(), keep_others() and kept_objects(): what a session keeps to
 *	  the end of its transaction, so that two databases can be compared without
 *	  storing anything in either.
 *
 * Each database keeps its own objects and tells no more than their hashes; only
 * the objects that differ travel, and those of the other database are kept
 * beside the session's own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "sd_keep.h"
#include "sd_result.h"
#include "sd_snapshot.h"

PG_FUNCTION_INFO_V1(safedeploy_keep_objects);
PG_FUNCTION_INFO_V1(safedeploy_keep_others);
PG_FUNCTION_INFO_V1(safedeploy_kept_objects);

#define SD_ALL_FACETS ((1 << SD_NFACETS) - 1)

/* Columns of the result of keep_objects(). */
enum
{
	OUT_NUMBER,
	OUT_KIND,
	OUT_IDENTITY,
	OUT_HASH,
	OUT_COLUMNS
};

static struct
{
	Tuplestorestate *own;	 /* in the order of their numbers, from 1; NULL for none */
	Tuplestorestate *others; /* of another database, NULL for none */
	bool torn;				 /* the others came in part only */
} kept;

typedef struct KeepSink
{
	SdSink base;
	Tuplestorestate *own;
	TupleDesc desc; /* of what is kept */
	Tuplestorestate *result;
	TupleDesc result_desc;
	SdSha256 *sha;
	uint32 facets;
	bool physical;
	int32 count;
} KeepSink;

void
sd_keep_at_abort(void)
{
	/* memory and files went or go with what is aborted */
	memset(&kept, 0, sizeof(kept));
}

void
sd_keep_at_commit(void)
{
	if (kept.own != NULL)
		tuplestore_end(kept.own);
	if (kept.others != NULL)
		tuplestore_end(kept.others);
	sd_keep_at_abort();
}

void
sd_keep_require(bool own)
{
	if (kept.torn || (own && kept.own == NULL))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("this transaction keeps no objects"),
						errhint("Call safedeploy.keep_objects() first, in the same transaction.")));
}

/* A store that lives as long as the transaction, whatever part of it asks. */
static Tuplestorestate *
make_store(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	ResourceOwner owner = CurrentResourceOwner;
	Tuplestorestate *store;

	CurrentResourceOwner = TopTransactionResourceOwner;
	store = tuplestore_begin_heap(false, false, work_mem);
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(old);
	return store;
}

static void
keep_begin(SdSink *base)
{
	KeepSink *sink = (KeepSink *) base;

	tuplestore_clear(sink->own);
	tuplestore_clear(sink->result);
	sink->count = 0;
}

/* Hash of what is wanted of an object. */
static Datum
wanted_hash(KeepSink *sink, const SdHashes *all, Jsonb *phys)
{
	bytea *hash = palloc(VARHDRSZ + SD_SHA256_LENGTH);
	uint8 *out = (uint8 *) VARDATA(hash);
	SdHashes wanted = *all;

	SET_VARSIZE(hash, VARHDRSZ + SD_SHA256_LENGTH);
	wanted.have &= sink->facets;
	sd_hashes_total(&wanted, sink->sha, out);
	if (sink->physical)
	{
		/* as text, so that SQL can tell the same of a stored object */
		char *text = JsonbToCString(NULL, &phys->root, VARSIZE(phys));

		sd_sha256_begin(sink->sha);
		sd_sha256_update(sink->sha, out, SD_SHA256_LENGTH);
		sd_sha256_update(sink->sha, text, strlen(text));
		sd_sha256_final(sink->sha, out);
	}
	return PointerGetDatum(hash);
}

static void
keep_emit(SdSink *base, SdDoc *doc, const SdHashes *hashes)
{
	KeepSink *sink = (KeepSink *) base;
	Datum row[SD_OBJECT_COLUMNS];
	bool row_nulls[SD_OBJECT_COLUMNS] = { false };
	Datum values[OUT_COLUMNS];
	bool nulls[OUT_COLUMNS] = { false };

	sd_object_row(doc, hashes, row, row_nulls);
	tuplestore_putvalues(sink->own, sink->desc, row, row_nulls);
	values[OUT_NUMBER] = Int32GetDatum(++sink->count);
	values[OUT_KIND] = row[SD_OBJECT_KIND];
	values[OUT_IDENTITY] = row[SD_OBJECT_IDENTITY];
	/* of what is unread nothing is known, so it equals nothing */
	nulls[OUT_HASH] = doc->unread != NULL;
	values[OUT_HASH] =
		doc->unread ? (Datum) 0 : wanted_hash(sink, hashes, DatumGetJsonbP(row[SD_OBJECT_PHYS]));
	tuplestore_putvalues(sink->result, sink->result_desc, values, nulls);
}

Datum
safedeploy_keep_objects(PG_FUNCTION_ARGS)
{
	KeepSink sink = { .base = { .want_phys = true, .begin = keep_begin, .emit = keep_emit } };

	sink.facets = PG_ARGISNULL(0) ? SD_ALL_FACETS : sd_facets_from_array(PG_GETARG_ARRAYTYPE_P(0));
	sink.physical = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	sink.result = sd_result_begin(fcinfo, &sink.result_desc);
	sink.desc = sd_object_desc();
	sink.sha = sd_sha256_create();

	sd_keep_at_commit();
	sink.own = make_store();
	(void) sd_snapshot_walk(&sink.base);
	kept.own = sink.own;

	sd_sha256_free(sink.sha);
	return (Datum) 0;
}

static void
refuse_other(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("this is no object of a database"), errdetail("%s", what),
					errhint("Hand over rows of safedeploy.kept_objects() of the other database.")));
}

/* The diff relies on this much of a definition. */
static void
check_other(const Datum *values, const bool *nulls)
{
	bool unread = true;
	SdNode *definition;

	if (nulls[SD_OBJECT_KIND] || nulls[SD_OBJECT_IDENTITY] || nulls[SD_OBJECT_DEFINITION])
		refuse_other("Its kind, identity or definition is NULL.");
	if (!nulls[SD_OBJECT_PHYS] && !JB_ROOT_IS_OBJECT(DatumGetJsonbP(values[SD_OBJECT_PHYS])))
		refuse_other("Its physical identity is not an object.");
	if (!JB_ROOT_IS_OBJECT(DatumGetJsonbP(values[SD_OBJECT_DEFINITION])))
		refuse_other("Its definition is not an object.");
	for (int f = 0; f < SD_NFACETS; f++)
		unread &= nulls[SD_OBJECT_FACET + f];
	if (unread)
		return;
	definition = sd_node_from_jsonb(&DatumGetJsonbP(values[SD_OBJECT_DEFINITION])->root);
	for (SdNode *facet = definition->first; facet != NULL; facet = facet->next)
		if (facet->type != SD_NODE_MAP)
			refuse_other("Its definition has a facet that is not an object.");
}

Datum
safedeploy_keep_others(PG_FUNCTION_ARGS)
{
	TupleDesc desc = sd_object_desc();
	ArrayIterator objects = array_create_iterator(PG_GETARG_ARRAYTYPE_P(0), 0, NULL);
	MemoryContext row_cxt = AllocSetContextCreate(CurrentMemoryContext, "safedeploy other object",
												  ALLOCSET_DEFAULT_SIZES);
	int32 count = 0;
	Datum object;
	bool isnull;

	sd_keep_require(false);
	if (kept.others == NULL)
		kept.others = make_store();
	kept.torn = true;
	while (array_iterate(objects, &object, &isnull))
	{
		MemoryContext old = MemoryContextSwitchTo(row_cxt);
		Datum values[SD_OBJECT_COLUMNS];
		bool nulls[SD_OBJECT_COLUMNS];
		HeapTupleData tuple = { 0 };

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			refuse_other("It is NULL.");
		tuple.t_data = DatumGetHeapTupleHeader(object);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		heap_deform_tuple(&tuple, desc, values, nulls);
		check_other(values, nulls);
		tuplestore_putvalues(kept.others, desc, values, nulls);
		count++;
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_cxt);
	}
	kept.torn = false;
	PG_RETURN_INT32(count);
}

/* Set of the numbers in an array, without those above the last one. */
static Bitmapset *
read_numbers(ArrayType *array, int64 last)
{
	Bitmapset *set = NULL;
	Datum *values;
	bool *nulls;
	int count;

	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i] && DatumGetInt32(values[i]) > 0 && DatumGetInt32(values[i]) <= last)
			set = bms_add_member(set, DatumGetInt32(values[i]));
	return set;
}

Datum
safedeploy_kept_objects(PG_FUNCTION_ARGS)
{
	bool others = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	TupleDesc desc;
	Tuplestorestate *result = sd_result_begin(fcinfo, &desc);
	TupleTableSlot *slot;
	Tuplestorestate *store;
	Bitmapset *wanted = NULL;

	sd_keep_require(!others);
	store = others ? kept.others : kept.own;
	if (store == NULL)
		return (Datum) 0;
	if (!PG_ARGISNULL(0))
		wanted = read_numbers(PG_GETARG_ARRAYTYPE_P(0), tuplestore_tuple_count(store));
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	tuplestore_rescan(store);
	for (int32 number = 1; tuplestore_gettupleslot(store, true, false, slot); number++)
	{
		CHECK_FOR_INTERRUPTS();
		if (PG_ARGISNULL(0) || bms_is_member(number, wanted))
			tuplestore_puttupleslot(result, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	return (Datum) 0;
}
