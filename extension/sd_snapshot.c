/*
 * sd_snapshot.c
 *	  SQL functions over the live schema: objects() and fingerprint().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "sd_result.h"
#include "sd_snapshot.h"

PG_FUNCTION_INFO_V1(safedeploy_objects);
PG_FUNCTION_INFO_V1(safedeploy_fingerprint);

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

static Jsonb *
unread_definition(const SdUnread *unread)
{
	SdNode *map = sd_node_map();

	sd_put(map, "unread", sd_unread_node(unread));
	return sd_node_to_jsonb(map);
}

TupleDesc
sd_object_desc(void)
{
	TupleDesc desc = CreateTemplateTupleDesc(SD_OBJECT_COLUMNS);

	TupleDescInitEntry(desc, SD_OBJECT_KIND + 1, "kind", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, SD_OBJECT_IDENTITY + 1, "identity", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, SD_OBJECT_DEFINITION + 1, "definition", JSONBOID, -1, 0);
	for (int f = 0; f < SD_NFACETS; f++)
		TupleDescInitEntry(desc, SD_OBJECT_FACET + f + 1, sd_facet_names[f], BYTEAOID, -1, 0);
	TupleDescInitEntry(desc, SD_OBJECT_PHYS + 1, "phys", JSONBOID, -1, 0);
	return desc;
}

void
sd_object_row(SdDoc *doc, const SdHashes *hashes, Datum *values, bool *nulls)
{
	values[SD_OBJECT_KIND] = CStringGetTextDatum(doc->kind);
	values[SD_OBJECT_IDENTITY] = CStringGetTextDatum(doc->identity);
	values[SD_OBJECT_DEFINITION] =
		JsonbPGetDatum(doc->unread ? unread_definition(doc->unread) : sd_doc_to_jsonb(doc));
	for (int f = 0; f < SD_NFACETS; f++)
	{
		nulls[SD_OBJECT_FACET + f] = (hashes->have & (1 << f)) == 0;
		values[SD_OBJECT_FACET + f] =
			nulls[SD_OBJECT_FACET + f] ? (Datum) 0 : sd_hash_datum(hashes->facet[f]);
	}
	values[SD_OBJECT_PHYS] = JsonbPGetDatum(sd_node_to_jsonb(doc->phys));
}

static void
objects_emit(SdSink *base, SdDoc *doc, const SdHashes *hashes)
{
	ObjectsSink *sink = (ObjectsSink *) base;
	Datum values[SD_OBJECT_COLUMNS];
	bool nulls[SD_OBJECT_COLUMNS] = { false };

	sd_object_row(doc, hashes, values, nulls);
	tuplestore_putvalues(sink->store, sink->desc, values, nulls);
}

Datum
safedeploy_objects(PG_FUNCTION_ARGS)
{
	ObjectsSink sink = { .base = { .want_phys = true,
								   .want_environment = PG_GETARG_BOOL(0),
								   .begin = objects_begin,
								   .emit = objects_emit } };

	sink.store = sd_result_begin(fcinfo, &sink.desc);
	(void) sd_snapshot_walk(&sink.base);
	return (Datum) 0;
}

Datum
safedeploy_fingerprint(PG_FUNCTION_ARGS)
{
	uint32 facets = sd_facets_from_array(PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0));

	PG_RETURN_TEXT_P(cstring_to_text(sd_live_fingerprint(facets)));
}
