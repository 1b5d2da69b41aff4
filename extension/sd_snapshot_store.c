/*
 * sd_snapshot_store.c
 *	  take_snapshot() and drop_snapshot().
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
#include "sd_failpoint.h"
#include "sd_snapshot_store.h"
#include "sd_snapshot_write.h"
#include "sd_table.h"

PG_FUNCTION_INFO_V1(safedeploy_take_snapshot);
PG_FUNCTION_INFO_V1(safedeploy_drop_snapshot);

typedef struct StoreSink
{
	SdSink base;
	int64 id;
	SdWriter *writer;
} StoreSink;

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

/* An attempt that failed has taken its rows with it, and its writer. */
static void
store_begin(SdSink *base)
{
	StoreSink *sink = (StoreSink *) base;

	sink->writer = sd_writer_open(sink->id, 1);
}

static void
store_emit(SdSink *base, SdDoc *doc, const SdHashes *hashes)
{
	SD_FAILPOINT("snapshot.object");
	sd_writer_add(((StoreSink *) base)->writer, doc, hashes);
}

static void
store_end(SdSink *base)
{
	sd_writer_close(((StoreSink *) base)->writer);
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
	sink.id = sd_table_next_id("snapshot_id_seq");
	entries = sd_snapshot_walk(&sink.base);
	SD_FAILPOINT("snapshot.header");
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
