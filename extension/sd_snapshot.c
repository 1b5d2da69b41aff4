/*
 * sd_snapshot.c
 *	  SQL functions over the live schema: objects() and fingerprint().
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "sd_snapshot.h"

PG_FUNCTION_INFO_V1(safedeploy_objects);
PG_FUNCTION_INFO_V1(safedeploy_fingerprint);

/* Columns of type safedeploy.object */
#define OBJECT_COLUMNS (3 + SD_NFACETS + 1)

typedef struct ObjectsSink
{
	SdSink base;
	Tuplestorestate *store;
	TupleDesc desc;
} ObjectsSink;

static void
objects_begin(SdSink *sink)
{
	tuplestore_clear(((ObjectsSink *) sink)->store);
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea *result = palloc(VARHDRSZ + SD_SHA256_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + SD_SHA256_LENGTH);
	memcpy(VARDATA(result), hash, SD_SHA256_LENGTH);
	return PointerGetDatum(result);
}

static Jsonb *
unread_definition(const SdUnread *unread)
{
	SdNode *map = sd_node_map();

	sd_put(map, "unread", sd_unread_node(unread));
	return sd_node_to_jsonb(map);
}

static void
objects_emit(SdSink *base, SdDoc *doc, const SdHashes *hashes)
{
	ObjectsSink *sink = (ObjectsSink *) base;
	Datum values[OBJECT_COLUMNS];
	bool nulls[OBJECT_COLUMNS] = { false };

	values[0] = CStringGetTextDatum(doc->kind);
	values[1] = CStringGetTextDatum(doc->identity);
	values[2] = JsonbPGetDatum(doc->unread ? unread_definition(doc->unread) : sd_doc_to_jsonb(doc));
	for (int i = 0; i < SD_NFACETS; i++)
	{
		nulls[3 + i] = (hashes->have & (1 << i)) == 0;
		values[3 + i] = nulls[3 + i] ? (Datum) 0 : hash_datum(hashes->facet[i]);
	}
	values[OBJECT_COLUMNS - 1] = JsonbPGetDatum(sd_node_to_jsonb(doc->phys));
	tuplestore_putvalues(sink->store, sink->desc, values, nulls);
}

Datum
safedeploy_objects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ObjectsSink sink = { .base = { .want_phys = true,
								   .want_environment = PG_GETARG_BOOL(0),
								   .begin = objects_begin,
								   .emit = objects_emit } };
	MemoryContext per_query;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("objects() is called in a context that cannot accept a set")));
	if (get_call_result_type(fcinfo, NULL, &sink.desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	per_query = rsinfo->econtext->ecxt_per_query_memory;
	old = MemoryContextSwitchTo(per_query);
	sink.desc = CreateTupleDescCopy(sink.desc);
	sink.store = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false,
									   work_mem);
	MemoryContextSwitchTo(old);

	(void) sd_snapshot_walk(&sink.base);

	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = sink.store;
	rsinfo->setDesc = sink.desc;
	return (Datum) 0;
}

Datum
safedeploy_fingerprint(PG_FUNCTION_ARGS)
{
	uint32 facets = sd_facets_from_array(PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0));

	PG_RETURN_TEXT_P(cstring_to_text(sd_live_fingerprint(facets)));
}
