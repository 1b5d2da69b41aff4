/*
 * sd_snapshot_store.c
 *	  take_snapshot() and drop_snapshot().
 *
 * Definitions are stored once by their hash and shared by all snapshots, so a
 * second snapshot of a schema writes only hashes, and no jsonb is built for what
 * is there already.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "sd_errors.h"
#include "sd_snapshot_store.h"

#define BATCH_SIZE 1000

PG_FUNCTION_INFO_V1(safedeploy_take_snapshot);
PG_FUNCTION_INFO_V1(safedeploy_drop_snapshot);

typedef struct StoreSink
{
	SdSink base;
	int64 id;
	MemoryContext caller;
	SdBatch *batch;
} StoreSink;

SdBatch *
sd_batch_create(int64 snapshot_id)
{
	SdBatch *batch = palloc0(sizeof(SdBatch));

	batch->cxt = AllocSetContextCreate(CurrentMemoryContext, "safedeploy snapshot batch",
									   ALLOCSET_DEFAULT_SIZES);
	batch->sha = sd_sha256_create();
	batch->snapshot_id = snapshot_id;
	batch->docs = palloc(sizeof(SdDoc *) * BATCH_SIZE);
	batch->hashes = palloc(sizeof(SdHashes) * BATCH_SIZE);
	return batch;
}

void
sd_batch_free(SdBatch *batch)
{
	sd_sha256_free(batch->sha);
	MemoryContextDelete(batch->cxt);
}

void
sd_batch_add(SdBatch *batch, SdDoc *doc, const SdHashes *hashes)
{
	batch->docs[batch->count] = doc;
	batch->hashes[batch->count] = *hashes;
	if (++batch->count == BATCH_SIZE)
		sd_batch_flush(batch);
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea *result = palloc(VARHDRSZ + SD_SHA256_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + SD_SHA256_LENGTH);
	memcpy(VARDATA(result), hash, SD_SHA256_LENGTH);
	return PointerGetDatum(result);
}

static Datum
array_datum(Datum *values, bool *nulls, int count, Oid type)
{
	int dims[1] = { count };
	int lower[1] = { 1 };

	return PointerGetDatum(
		construct_md_array(values, nulls, 1, dims, lower, type, -1, false, TYPALIGN_INT));
}

/*
 * Which of the hashes have no definition yet, as positions counted from 1.  The
 * lock keeps out drop_snapshot(), which could not see that this snapshot needs a
 * definition; the newest state is looked at even when the transaction's own
 * snapshot is older, because a drop may have ended since.
 */
static int
missing_definitions(Datum hashes, int *positions)
{
	static const char sql[] =
		"SELECT min(h.n)::integer FROM pg_catalog.unnest($1) WITH ORDINALITY AS h(hash, n)"
		" WHERE NOT EXISTS (SELECT FROM safedeploy.object_def AS d WHERE d.hash = h.hash)"
		" GROUP BY h.hash";
	Oid types[1] = { BYTEAARRAYOID };
	SPIPlanPtr plan;
	int count;

	if (SPI_execute("LOCK TABLE safedeploy.object_def IN ROW EXCLUSIVE MODE", false, 0) !=
		SPI_OK_UTILITY)
		elog(ERROR, "could not lock the stored definitions");
	CommandCounterIncrement();
	plan = SPI_prepare(sql, 1, types);
	if (plan == NULL || SPI_execute_snapshot(plan, &hashes, NULL, GetLatestSnapshot(),
											 InvalidSnapshot, true, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for stored definitions");
	count = (int) SPI_processed;
	for (int i = 0; i < count; i++)
	{
		bool isnull;

		positions[i] =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	return count;
}

static void
insert_definitions(SdBatch *batch, Datum *hashes)
{
	int *positions = palloc(sizeof(int) * batch->count);
	int count = missing_definitions(array_datum(hashes, NULL, batch->count, BYTEAOID), positions);
	Datum *missing = palloc(sizeof(Datum) * batch->count);
	Datum *definitions = palloc(sizeof(Datum) * batch->count);
	Oid types[2] = { BYTEAARRAYOID, JSONBARRAYOID };
	Datum values[2];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		missing[i] = hashes[positions[i] - 1];
		definitions[i] = JsonbPGetDatum(sd_doc_to_jsonb(batch->docs[positions[i] - 1]));
	}
	values[0] = array_datum(missing, NULL, count, BYTEAOID);
	values[1] = array_datum(definitions, NULL, count, JSONBOID);
	if (SPI_execute_with_args("INSERT INTO safedeploy.object_def (hash, definition)"
							  " SELECT * FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
							  " ON CONFLICT DO NOTHING",
							  2, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store definitions");
}

/* Arguments: snapshot, rows before, kind, identity, hash of the definition, of facets, phys. */
#define ROW_ARGS (5 + SD_NFACETS + 1)

static void
insert_rows(SdBatch *batch, Datum *hashes)
{
	static const char sql[] =
		"INSERT INTO safedeploy.snapshot_object (snapshot_id, n, kind, identity, def_hash, core,"
		" security, owner, storage, comment, version, \"order\", environment, phys)"
		" SELECT $1, $2 + n, kind, identity, def_hash, f1, f2, f3, f4, f5, f6, f7, f8, phys"
		" FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),"
		" pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8),"
		" pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11),"
		" pg_catalog.unnest($12), pg_catalog.unnest($13), pg_catalog.unnest($14)) WITH ORDINALITY"
		" AS r(kind, identity, def_hash, f1, f2, f3, f4, f5, f6, f7, f8, phys, n)";
	Oid types[ROW_ARGS] = { INT8OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, BYTEAARRAYOID };
	Datum args[ROW_ARGS];
	Datum *column = palloc(sizeof(Datum) * batch->count);
	bool *nulls = palloc0(sizeof(bool) * batch->count);

	args[0] = Int64GetDatum(batch->snapshot_id);
	args[1] = Int64GetDatum(batch->written);
	for (int i = 0; i < batch->count; i++)
		column[i] = CStringGetTextDatum(batch->docs[i]->kind);
	args[2] = array_datum(column, NULL, batch->count, TEXTOID);
	for (int i = 0; i < batch->count; i++)
		column[i] = CStringGetTextDatum(batch->docs[i]->identity);
	args[3] = array_datum(column, NULL, batch->count, TEXTOID);
	args[4] = array_datum(hashes, NULL, batch->count, BYTEAOID);
	for (int f = 0; f < SD_NFACETS; f++)
	{
		types[5 + f] = BYTEAARRAYOID;
		for (int i = 0; i < batch->count; i++)
		{
			nulls[i] = (batch->hashes[i].have & (1 << f)) == 0;
			column[i] = nulls[i] ? (Datum) 0 : hash_datum(batch->hashes[i].facet[f]);
		}
		args[5 + f] = array_datum(column, nulls, batch->count, BYTEAOID);
	}
	types[ROW_ARGS - 1] = JSONBARRAYOID;
	for (int i = 0; i < batch->count; i++)
	{
		nulls[i] = batch->docs[i]->phys == NULL;
		column[i] = nulls[i] ? (Datum) 0 : JsonbPGetDatum(sd_node_to_jsonb(batch->docs[i]->phys));
	}
	args[ROW_ARGS - 1] = array_datum(column, nulls, batch->count, JSONBOID);
	if (SPI_execute_with_args(sql, ROW_ARGS, types, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store the objects of a snapshot");
	batch->written += batch->count;
}

void
sd_batch_flush(SdBatch *batch)
{
	MemoryContext old = CurrentMemoryContext;
	Datum *hashes;

	if (batch->count > 0)
	{
		SPI_connect();
		hashes = palloc(sizeof(Datum) * batch->count);
		for (int i = 0; i < batch->count; i++)
		{
			uint8 total[SD_SHA256_LENGTH];

			sd_hashes_total(&batch->hashes[i], batch->sha, total);
			hashes[i] = hash_datum(total);
		}
		insert_definitions(batch, hashes);
		insert_rows(batch, hashes);
		SPI_finish();
	}
	batch->count = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->cxt);
}

int64
sd_snapshot_next_id(void)
{
	bool isnull;

	if (SPI_execute("SELECT pg_catalog.nextval('safedeploy.snapshot_id_seq'::pg_catalog.regclass)",
					false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not get an id for a snapshot");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

Jsonb *
sd_entries_facets(SdEntries *entries, char **fingerprint)
{
	SdSha256 *sha = sd_sha256_create();
	uint8 roots[SD_NFACETS][SD_SHA256_LENGTH];
	SdNode *map = sd_node_map();
	uint32 have = (1 << SD_FACET_ENVIRONMENT) - 1;

	for (int i = 0; i < entries->count; i++)
		have |= entries->items[i].hashes.have;
	for (int f = 0; f < SD_NFACETS; f++)
	{
		sd_entries_root(entries, f, sha, roots[f]);
		if ((have & (1 << f)) != 0)
			sd_put_text(map, sd_facet_names[f], sd_hex(roots[f], SD_SHA256_LENGTH));
	}
	*fingerprint = sd_roots_fingerprint(roots, SD_FACETS_DEFAULT, sha);
	sd_sha256_free(sha);
	return sd_node_to_jsonb(map);
}

static void
store_begin(SdSink *base)
{
	StoreSink *sink = (StoreSink *) base;

	/* an attempt that failed has taken its rows with it */
	sink->batch->count = 0;
	sink->batch->written = 0;
	MemoryContextReset(sink->batch->cxt);
}

static void
store_emit(SdSink *base, SdDoc *doc, const SdHashes *hashes)
{
	sd_batch_add(((StoreSink *) base)->batch, doc, hashes);
}

static void
store_end(SdSink *base)
{
	sd_batch_flush(((StoreSink *) base)->batch);
}

/* The server may be of a later minor version than its headers were at the build. */
static int32
server_version(void)
{
	return atoi(GetConfigOption("server_version_num", false, false));
}

static Jsonb *
unread_jsonb(List *unread)
{
	SdNode *list = sd_node_list();
	ListCell *lc;

	foreach (lc, unread)
		sd_add(list, sd_unread_node(lfirst(lc)));
	return sd_node_to_jsonb(list);
}

static void
insert_header(int64 id, SdEntries *entries, Datum label, bool no_label, Datum run, bool no_run)
{
	static const char sql[] =
		"INSERT INTO safedeploy.snapshot (id, taken_at, label, run_id, fingerprint, facets,"
		" server_version_num, database, database_oid, system_identifier, objects, unread, complete)"
		" VALUES ($1, pg_catalog.clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
		" $11 IS NULL)";
	char *fingerprint;
	Jsonb *facets = sd_entries_facets(entries, &fingerprint);
	bool incomplete = entries->unread != NIL;
	Oid types[11] = { INT8OID, TEXTOID, UUIDOID, TEXTOID, JSONBOID, INT4OID,
					  TEXTOID, OIDOID,	INT8OID, INT8OID, JSONBOID };
	Datum values[11] = { Int64GetDatum(id),
						 label,
						 run,
						 CStringGetTextDatum(fingerprint),
						 JsonbPGetDatum(facets),
						 Int32GetDatum(server_version()),
						 CStringGetTextDatum(get_database_name(MyDatabaseId)),
						 ObjectIdGetDatum(MyDatabaseId),
						 Int64GetDatum((int64) GetSystemIdentifier()),
						 Int64GetDatum(entries->count),
						 incomplete ? JsonbPGetDatum(unread_jsonb(entries->unread)) : (Datum) 0 };
	char nulls[12] = "           ";

	/* no hash of a whole that is not known as a whole */
	nulls[3] = nulls[4] = incomplete ? 'n' : ' ';
	nulls[10] = incomplete ? ' ' : 'n';
	nulls[1] = no_label ? 'n' : ' ';
	nulls[2] = no_run ? 'n' : ' ';
	if (SPI_execute_with_args(sql, 11, types, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store the header of a snapshot");
}

Datum
safedeploy_take_snapshot(PG_FUNCTION_ARGS)
{
	StoreSink sink = { .base = { .want_phys = true,
								 .want_environment = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2),
								 .begin = store_begin,
								 .emit = store_emit,
								 .end = store_end } };
	SdEntries *entries;

	SPI_connect();
	sink.id = sd_snapshot_next_id();
	sink.batch = sd_batch_create(sink.id);
	sink.base.keep_cxt = sink.batch->cxt;
	entries = sd_snapshot_walk(&sink.base);
	sd_batch_free(sink.batch);
	insert_header(sink.id, entries, PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0),
				  PG_ARGISNULL(0), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	if (entries->unread != NIL)
		ereport(WARNING,
				(errmsg("snapshot " INT64_FORMAT " is not complete", sink.id),
				 errdetail("%s", sd_unread_list(entries->unread)),
				 errhint("Take another one when those sessions have ended their transactions.")));
	SPI_finish();
	PG_RETURN_INT64(sink.id);
}

/*
 * Deletes the objects of a snapshot and the definitions that no other one needs,
 * by the newest state: a snapshot may have been taken after this transaction's
 * own snapshot, with definitions that it found there.
 */
static void
delete_objects(Oid *types, Datum *values)
{
	static const char sql[] =
		"WITH gone AS (DELETE FROM safedeploy.snapshot_object WHERE snapshot_id = $1"
		" RETURNING def_hash)"
		" DELETE FROM safedeploy.object_def AS d USING (SELECT DISTINCT def_hash FROM gone) AS g"
		" WHERE d.hash = g.def_hash AND NOT EXISTS (SELECT FROM safedeploy.snapshot_object AS o"
		" WHERE o.def_hash = d.hash AND o.snapshot_id <> $1)";
	SPIPlanPtr plan = SPI_prepare(sql, 1, types);

	CommandCounterIncrement();
	if (plan == NULL || SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(),
											 InvalidSnapshot, false, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not delete the objects of a snapshot");
}

/* The lock keeps out a take_snapshot() that counts on a definition which goes away here. */
Datum
safedeploy_drop_snapshot(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };

	SPI_connect();
	if (SPI_execute("LOCK TABLE safedeploy.object_def IN SHARE ROW EXCLUSIVE MODE", false, 0) !=
		SPI_OK_UTILITY)
		elog(ERROR, "could not lock the stored definitions");
	if (SPI_execute_with_args("DELETE FROM safedeploy.snapshot WHERE id = $1", 1, types, values,
							  NULL, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not delete a snapshot");
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_SD_NO_SUCH_SNAPSHOT),
						errmsg("there is no snapshot " INT64_FORMAT, id),
						errhint("See the snapshots in safedeploy.snapshot.")));
	delete_objects(types, values);
	SPI_finish();
	PG_RETURN_VOID();
}
