/*
 * sd_snapshot_transfer.c
 *	  export_snapshot() and import_snapshot(): a stored snapshot as lines of jsonb.
 *
 * A header, one line an object, a footer.  Each line carries the hash of the
 * rest of it, so that damage is found where it is; the footer carries the number
 * of objects and the hashes of the whole, so that a lost, doubled or foreign line
 * is found too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "sd_errors.h"
#include "sd_result.h"
#include "sd_snapshot_store.h"
#include "sd_snapshot_write.h"
#include "sd_table.h"

#define EXPORT_FORMAT 1
#define FETCH_ROWS	  500

PG_FUNCTION_INFO_V1(safedeploy_export_snapshot);
PG_FUNCTION_INFO_V1(safedeploy_import_snapshot);

static void
no_such_snapshot(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_SD_NO_SUCH_SNAPSHOT), errmsg("there is no snapshot " INT64_FORMAT, id),
			 errhint("See the snapshots in safedeploy.snapshot.")));
}

/* Hash of a line, which is a map without its key "hash". */
static char *
line_hash(SdNode *line)
{
	SdDoc doc = { .facet[SD_FACET_CORE] = line };
	SdSha256 *sha = sd_sha256_create();
	StringInfoData scratch;
	SdHashes hashes;

	initStringInfo(&scratch);
	sd_doc_hash(&doc, sha, &scratch, &hashes);
	sd_sha256_free(sha);
	pfree(scratch.data);
	return sd_hex(hashes.facet[SD_FACET_CORE], SD_SHA256_LENGTH);
}

typedef struct Export
{
	Tuplestorestate *store;
	TupleDesc desc;
	MemoryContext line_cxt;
} Export;

/* Writes a line and empties the context that it was built in. */
static void
write_line(Export *export, SdNode *line, MemoryContext old)
{
	Datum value;
	bool null = false;

	sd_put_text(line, "hash", line_hash(line));
	value = JsonbPGetDatum(sd_node_to_jsonb(line));
	tuplestore_putvalues(export->store, export->desc, &value, &null);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->line_cxt);
}

static SdNode *
node_of_datum(Datum value)
{
	return sd_node_from_jsonb(&DatumGetJsonbP(value)->root);
}

/* Header line, and the numbers that the footer needs. */
static SdNode *
export_header(int64 id, SdNode **footer)
{
	static const char sql[] =
		"SELECT complete, pg_catalog.to_jsonb(s) - ARRAY['id', 'complete', 'objects', 'facets',"
		" 'fingerprint'] || pg_catalog.jsonb_build_object('system_identifier',"
		" system_identifier::text), objects, fingerprint, facets"
		" FROM safedeploy.snapshot AS s WHERE id = $1";
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };
	HeapTuple tuple;
	TupleDesc desc;
	SdNode *header = sd_node_map();
	bool isnull;

	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the header of a snapshot");
	if (SPI_processed == 0)
		no_such_snapshot(id);
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	if (!DatumGetBool(SPI_getbinval(tuple, desc, 1, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
				 errmsg("snapshot " INT64_FORMAT " is not complete", id),
				 errdetail(
					 "It was imported in part, or objects are unread; those stand in safedeploy.snapshot."),
				 errhint("Finish its import, or take another one.")));
	sd_put_int(header, "safedeploy_snapshot", EXPORT_FORMAT);
	sd_put(header, "snapshot", node_of_datum(SPI_getbinval(tuple, desc, 2, &isnull)));

	*footer = sd_node_map();
	sd_put_int(*footer, "objects", DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull)));
	sd_put_text(*footer, "fingerprint", TextDatumGetCString(SPI_getbinval(tuple, desc, 4, &isnull)));
	sd_put(*footer, "facets", node_of_datum(SPI_getbinval(tuple, desc, 5, &isnull)));
	return header;
}

static void
export_objects(Export *export, int64 id)
{
	static const char sql[] =
		"SELECT o.kind, o.identity, d.definition, o.phys"
		" FROM safedeploy.snapshot_object AS o LEFT JOIN safedeploy.object_def AS d"
		" ON d.hash = o.def_hash WHERE o.snapshot_id = $1 ORDER BY o.n";
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };
	Portal portal = SPI_cursor_open_with_args(NULL, sql, 1, types, values, NULL, true, 0);

	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple tuple = SPI_tuptable->vals[i];
			TupleDesc desc = SPI_tuptable->tupdesc;
			MemoryContext old = MemoryContextSwitchTo(export->line_cxt);
			SdNode *line = sd_node_map();
			bool isnull;
			Datum value;

			CHECK_FOR_INTERRUPTS();
			sd_put_text(line, "kind", TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull)));
			sd_put_text(line, "identity",
						TextDatumGetCString(SPI_getbinval(tuple, desc, 2, &isnull)));
			value = SPI_getbinval(tuple, desc, 3, &isnull);
			if (isnull)
				ereport(ERROR,
						(errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
						 errmsg("snapshot " INT64_FORMAT " lacks the definition of an object", id),
						 errdetail("Its row in safedeploy.object_def is gone."),
						 errhint("Restore that table from a backup, or drop the snapshot.")));
			sd_put(line, "definition", node_of_datum(value));
			value = SPI_getbinval(tuple, desc, 4, &isnull);
			if (!isnull)
				sd_put(line, "phys", node_of_datum(value));
			write_line(export, line, old);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

Datum
safedeploy_export_snapshot(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);
	Export export;
	MemoryContext old;
	SdNode *header;
	SdNode *footer;

	export.store = sd_result_begin(fcinfo, &export.desc);
	export.line_cxt =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy line", ALLOCSET_DEFAULT_SIZES);

	SPI_connect();
	old = CurrentMemoryContext;
	header = export_header(id, &footer);
	write_line(&export, header, old);
	export_objects(&export, id);
	write_line(&export, footer, old);
	SPI_finish();
	return (Datum) 0;
}

typedef struct Import
{
	int64 id;
	int number; /* of the line in this call, from 1 */
	bool ended; /* the footer has come */
	SdWriter *writer;
	MemoryContext line_cxt;
	SdSha256 *sha;
	StringInfoData scratch;
} Import;

/* Every refusal of a line: what is wrong with it, and the way on. */
static void
refuse(Import *import, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
			 errmsg("line %d of the snapshot is refused", import->number), errdetail("%s", what),
			 errhint("Export the snapshot again, and import all of its lines, in order.")));
}

/* String or number under a key, terminated; NULL when there is none. */
static char *
find_text(SdNode *map, const char *key)
{
	SdNode *node = sd_map_find(map, key);

	if (node == NULL || (node->type != SD_NODE_STRING && node->type != SD_NODE_NUMBER))
		return NULL;
	return pnstrdup(node->str, node->len);
}

static SdNode *
find_map(SdNode *map, const char *key)
{
	SdNode *node = sd_map_find(map, key);

	return node != NULL && node->type == SD_NODE_MAP ? node : NULL;
}

/* The line without its hash, which must be the right one. */
static SdNode *
checked_line(Import *import, Jsonb *jsonb)
{
	SdNode *line;
	SdNode *rest = sd_node_map();
	char *hash;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		refuse(import, "It is not an object.");
	line = sd_node_from_jsonb(&jsonb->root);
	hash = find_text(line, "hash");
	if (hash == NULL)
		refuse(import, "It has no hash.");
	for (SdNode *member = line->first; member != NULL;)
	{
		SdNode *next = member->next;

		member->next = NULL;
		if (member->keylen != 4 || memcmp(member->key, "hash", 4) != 0)
			sd_add(rest, member);
		member = next;
	}
	if (strcmp(line_hash(rest), hash) != 0)
		refuse(import, "Its content does not match its hash: it was changed or cut.");
	return rest;
}

static int64
import_header(Import *import, SdNode *line)
{
	static const char sql[] =
		"INSERT INTO safedeploy.snapshot (id, taken_at, label, run_id, server_version_num,"
		" database, database_oid, system_identifier, complete)"
		" SELECT $1, h.taken_at, h.label, h.run_id, h.server_version_num, h.database,"
		" h.database_oid, h.system_identifier, false"
		" FROM pg_catalog.jsonb_to_record($2) AS h(taken_at timestamptz, label text, run_id uuid,"
		" server_version_num integer, database text, database_oid oid, system_identifier bigint)";
	char *format = find_text(line, "safedeploy_snapshot");
	SdNode *snapshot = find_map(line, "snapshot");
	Oid types[2] = { INT8OID, JSONBOID };
	Datum values[2];
	int64 id;

	if (format == NULL || snapshot == NULL)
		refuse(import, "A header is expected there.");
	if (strcmp(format, "1") != 0)
		ereport(ERROR, (errcode(ERRCODE_SD_SNAPSHOT_VERSION),
						errmsg("snapshot has format %s, which this version does not know", format),
						errhint("Update the extension, or export the snapshot by version %s.",
								SAFEDEPLOY_VERSION)));
	id = sd_table_next_id("snapshot_id_seq");
	values[0] = Int64GetDatum(id);
	values[1] = JsonbPGetDatum(sd_node_to_jsonb(snapshot));
	if (SPI_execute_with_args(sql, 2, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not store the header of a snapshot");
	return id;
}

/* An import goes on: locks its header against a second one at the same time. */
static void
continue_import(Import *import)
{
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(import->id) };
	bool isnull;

	if (SPI_execute_with_args("SELECT complete, (SELECT pg_catalog.count(*) FROM"
							  " safedeploy.snapshot_object WHERE snapshot_id = $1)"
							  " FROM safedeploy.snapshot WHERE id = $1 FOR UPDATE",
							  1, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the header of a snapshot");
	if (SPI_processed == 0)
		no_such_snapshot(import->id);
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
		ereport(ERROR, (errcode(ERRCODE_SD_SNAPSHOT_INCOMPLETE),
						errmsg("snapshot " INT64_FORMAT " is complete already", import->id),
						errhint("Start a new import with the header and without an id.")));
	import->writer =
		sd_writer_open(import->id, DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
															   SPI_tuptable->tupdesc, 2, &isnull)) +
									   1);
}

static void
import_object(Import *import, SdNode *line)
{
	SdDoc *doc = palloc0(sizeof(SdDoc));
	SdNode *definition = find_map(line, "definition");
	SdHashes hashes;
	int known = 0;

	doc->kind = find_text(line, "kind");
	doc->identity = find_text(line, "identity");
	doc->phys = find_map(line, "phys");
	if (doc->kind == NULL || doc->identity == NULL || definition == NULL)
		refuse(import, "An object is expected there.");
	for (int f = 0; f < SD_NFACETS; f++)
	{
		doc->facet[f] = find_map(definition, sd_facet_names[f]);
		known += doc->facet[f] != NULL;
	}
	if (known != definition->len)
		refuse(import, "Its definition has a facet that is not known.");
	sd_doc_hash(doc, import->sha, &import->scratch, &hashes);
	sd_writer_add(import->writer, doc, &hashes);
}

/* All objects of a snapshot with their stored hashes. */
static SdEntries *
stored_entries(int64 id)
{
	SdEntries *entries = sd_entries_create();
	Oid types[1] = { INT8OID };
	Datum values[1] = { Int64GetDatum(id) };

	if (SPI_execute_with_args("SELECT kind, identity, core, security, owner, storage, comment,"
							  " version, \"order\", environment FROM safedeploy.snapshot_object"
							  " WHERE snapshot_id = $1",
							  1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the objects of a snapshot");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		SdObjectHash *entry = sd_entries_add(entries);
		bool isnull;

		entry->kind = TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull));
		entry->identity = TextDatumGetCString(SPI_getbinval(tuple, desc, 2, &isnull));
		entry->hashes.have = 0;
		for (int f = 0; f < SD_NFACETS; f++)
		{
			Datum value = SPI_getbinval(tuple, desc, 3 + f, &isnull);

			if (isnull)
				continue;
			memcpy(entry->hashes.facet[f], VARDATA_ANY(DatumGetByteaPP(value)), SD_SHA256_LENGTH);
			entry->hashes.have |= 1 << f;
		}
	}
	sd_entries_sort(entries);
	return entries;
}

/* Checks the whole against the footer and completes the snapshot. */
static void
import_footer(Import *import, SdNode *line)
{
	static const char sql[] = "UPDATE safedeploy.snapshot SET fingerprint = $2, facets = $3,"
							  " objects = $4, complete = true WHERE id = $1";
	char *objects = find_text(line, "objects");
	char *fingerprint = find_text(line, "fingerprint");
	SdNode *facets = find_map(line, "facets");
	Oid types[4] = { INT8OID, TEXTOID, JSONBOID, INT8OID };
	Datum values[4];
	SdEntries *entries;
	Jsonb *found_facets;
	char *found;

	if (objects == NULL || fingerprint == NULL || facets == NULL)
		refuse(import, "The footer is expected there.");
	entries = stored_entries(import->id);
	if (strcmp(psprintf("%d", entries->count), objects) != 0)
		refuse(import,
			   psprintf("The snapshot has %s objects, but %d have come.", objects, entries->count));
	for (int i = 1; i < entries->count; i++)
		if (strcmp(entries->items[i].kind, entries->items[i - 1].kind) == 0 &&
			strcmp(entries->items[i].identity, entries->items[i - 1].identity) == 0)
			refuse(import, psprintf("The %s %s has come twice.", entries->items[i].kind,
									entries->items[i].identity));
	found_facets = sd_entries_facets(entries, &found);
	if (strcmp(found, fingerprint) != 0 ||
		compareJsonbContainers(&found_facets->root, &sd_node_to_jsonb(facets)->root) != 0)
		refuse(import, "The objects that have come do not have the fingerprint that it states.");

	values[0] = Int64GetDatum(import->id);
	values[1] = CStringGetTextDatum(found);
	values[2] = JsonbPGetDatum(found_facets);
	values[3] = Int64GetDatum(entries->count);
	if (SPI_execute_with_args(sql, 4, types, values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not complete the header of a snapshot");
}

static void
import_line(Import *import, Jsonb *jsonb)
{
	MemoryContext old = CurrentMemoryContext;
	SdNode *line;

	if (import->ended)
		refuse(import, "It follows the footer.");
	MemoryContextSwitchTo(import->line_cxt);
	line = checked_line(import, jsonb);
	if (import->id == 0)
	{
		import->id = import_header(import, line);
		MemoryContextSwitchTo(old);
		import->writer = sd_writer_open(import->id, 1);
	}
	else if (sd_map_find(line, "definition") != NULL)
		import_object(import, line);
	else
	{
		sd_writer_close(import->writer);
		import->writer = NULL;
		import_footer(import, line);
		import->ended = true;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(import->line_cxt);
}

Datum
safedeploy_import_snapshot(PG_FUNCTION_ARGS)
{
	Import import = { .id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1) };
	Datum *lines;
	bool *nulls;
	int count;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("lines of a snapshot must not be NULL")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), JSONBOID, -1, false, TYPALIGN_INT, &lines, &nulls,
					  &count);
	SPI_connect();
	import.line_cxt =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy line", ALLOCSET_DEFAULT_SIZES);
	import.sha = sd_sha256_create();
	initStringInfo(&import.scratch);
	if (import.id != 0)
		continue_import(&import);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		import.number = i + 1;
		if (nulls[i])
			refuse(&import, "It is NULL.");
		import_line(&import, DatumGetJsonbP(lines[i]));
	}
	if (import.id == 0)
	{
		import.number = 1;
		refuse(&import, "There is none; the first one must be the header.");
	}
	if (import.writer != NULL)
		sd_writer_close(import.writer);
	sd_sha256_free(import.sha);
	SPI_finish();
	PG_RETURN_INT64(import.id);
}
