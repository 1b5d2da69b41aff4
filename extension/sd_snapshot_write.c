/*
 * sd_snapshot_write.c
 *	  Writes the objects of a stored snapshot.
 *
 * The rows go to the tables directly and many at a time, because a statement for
 * them would cost more than reading the schema.  Definitions are stored once by
 * their hash and shared by all snapshots, so a second snapshot of a schema writes
 * only hashes, and no jsonb is built for what is there already.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "sd_snapshot_write.h"

/* Rows that are written together, unless they are long. */
#define BATCH_ROWS	1000
#define BATCH_BYTES (256 * 1024)

/* Columns of safedeploy.object_def and of safedeploy.snapshot_object. */
enum
{
	DEF_HASH,
	DEF_DEFINITION,
	DEF_COLUMNS
};
enum
{
	OBJ_SNAPSHOT,
	OBJ_N,
	OBJ_KIND,
	OBJ_IDENTITY,
	OBJ_HASH,
	OBJ_FACET,
	OBJ_PHYS = OBJ_FACET + SD_NFACETS,
	OBJ_COLUMNS
};

/* A table that is open for rows, with its indexes. */
typedef struct Target
{
	Relation rel;
	EState *estate;
	ResultRelInfo *info;
} Target;

struct SdWriter
{
	int64 snapshot_id;
	int64 next;
	SdSha256 *sha;
	Target definitions;
	TupleTableSlot *definition;
	List *arbiter; /* the primary key of definitions */
	MemoryContext row_cxt;
	Target objects;
	BulkInsertState bulk;
	TupleTableSlot *rows[BATCH_ROWS];
	int count;
	Size bytes; /* of the rows that wait */
	MemoryContext batch_cxt;
};

static Target
open_target(const char *name, int columns)
{
	Target target;

	target.rel =
		table_openrv(makeRangeVar(pstrdup("safedeploy"), pstrdup(name), -1), RowExclusiveLock);
	if (RelationGetNumberOfAttributes(target.rel) != columns)
		elog(ERROR, "table safedeploy.%s does not have the %d columns of this version", name,
			 columns);
	target.estate = CreateExecutorState();
	target.info = makeNode(ResultRelInfo);
	InitResultRelInfo(target.info, target.rel, 1, NULL, 0);
	ExecOpenIndices(target.info, true);
	sd_estate_set_target(target.estate, target.info);
	return target;
}

static void
close_target(Target *target)
{
	ExecCloseIndices(target->info);
	FreeExecutorState(target->estate);
	table_close(target->rel, NoLock);
}

static List *
primary_key(Target *target)
{
	for (int i = 0; i < target->info->ri_NumIndices; i++)
		if (target->info->ri_IndexRelationDescs[i]->rd_index->indisprimary)
			return list_make1_oid(RelationGetRelid(target->info->ri_IndexRelationDescs[i]));
	elog(ERROR, "table \"%s\" has no primary key", RelationGetRelationName(target->rel));
}

SdWriter *
sd_writer_open(int64 snapshot_id, int64 first)
{
	SdWriter *writer = palloc0(sizeof(SdWriter));

	writer->snapshot_id = snapshot_id;
	writer->next = first;
	writer->sha = sd_sha256_create();
	writer->definitions = open_target("object_def", DEF_COLUMNS);
	writer->definition = table_slot_create(writer->definitions.rel, NULL);
	writer->arbiter = primary_key(&writer->definitions);
	writer->row_cxt =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy row", ALLOCSET_DEFAULT_SIZES);
	writer->objects = open_target("snapshot_object", OBJ_COLUMNS);
	writer->bulk = GetBulkInsertState();
	writer->batch_cxt =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy rows", ALLOCSET_DEFAULT_SIZES);
	return writer;
}

static Datum
hash_datum(const uint8 *hash)
{
	bytea *result = palloc(VARHDRSZ + SD_SHA256_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + SD_SHA256_LENGTH);
	memcpy(VARDATA(result), hash, SD_SHA256_LENGTH);
	return PointerGetDatum(result);
}

/*
 * One attempt to insert the row in the slot: false when another session inserts
 * the same definition at this moment, and then nothing of ours is there.
 */
static bool
try_insert(SdWriter *writer, Target *target, TupleTableSlot *slot)
{
	TransactionId xid = GetCurrentTransactionId();
	uint32 token = SpeculativeInsertionLockAcquire(xid);
	bool conflict = false;

	table_tuple_insert_speculative(target->rel, slot, GetCurrentCommandId(true), 0, NULL, token);
	list_free(sd_insert_index_tuples(target->info, slot, target->estate, true, &conflict,
									 writer->arbiter));
	table_tuple_complete_speculative(target->rel, slot, token, !conflict);
	SpeculativeInsertionLockRelease(xid);
	return !conflict;
}

/* As INSERT … ON CONFLICT DO NOTHING, but the definition is made only when it is needed. */
static void
store_definition(SdWriter *writer, SdDoc *doc, const uint8 *hash)
{
	Target *target = &writer->definitions;
	TupleTableSlot *slot = writer->definition;
	MemoryContext old = MemoryContextSwitchTo(writer->row_cxt);
	bool made = false;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, sizeof(bool) * DEF_COLUMNS);
	slot->tts_values[DEF_HASH] = hash_datum(hash);
	slot->tts_isnull[DEF_DEFINITION] = true;
	ExecStoreVirtualTuple(slot);
	while (sd_check_index_constraints(target->info, slot, target->estate, writer->arbiter))
	{
		if (!made)
		{
			Datum value = slot->tts_values[DEF_HASH];

			ExecClearTuple(slot);
			slot->tts_values[DEF_HASH] = value;
			slot->tts_values[DEF_DEFINITION] = JsonbPGetDatum(sd_doc_to_jsonb(doc));
			slot->tts_isnull[DEF_DEFINITION] = false;
			ExecStoreVirtualTuple(slot);
			made = true;
		}
		if (try_insert(writer, target, slot))
			break;
	}
	ExecClearTuple(slot);
	ResetPerTupleExprContext(target->estate);
	MemoryContextSwitchTo(old);
	MemoryContextReset(writer->row_cxt);
}

static void
write_rows(SdWriter *writer)
{
	Target *target = &writer->objects;
	MemoryContext old;

	if (writer->count == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	old = MemoryContextSwitchTo(writer->batch_cxt);
	table_multi_insert(target->rel, writer->rows, writer->count, GetCurrentCommandId(true), 0,
					   writer->bulk);
	for (int i = 0; i < writer->count; i++)
	{
		list_free(sd_insert_index_tuples(target->info, writer->rows[i], target->estate, false, NULL,
										 NIL));
		ExecClearTuple(writer->rows[i]);
		ResetPerTupleExprContext(target->estate);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(writer->batch_cxt);
	writer->count = 0;
	writer->bytes = 0;
}

static void
add_row(SdWriter *writer, SdDoc *doc, const SdHashes *hashes, const uint8 *hash)
{
	MemoryContext old = CurrentMemoryContext;
	TupleTableSlot *slot = writer->rows[writer->count];
	Datum *values;

	if (slot == NULL)
	{
		MemoryContextSwitchTo(GetMemoryChunkContext(writer));
		slot = writer->rows[writer->count] = table_slot_create(writer->objects.rel, NULL);
	}
	MemoryContextSwitchTo(writer->batch_cxt);
	ExecClearTuple(slot);
	values = slot->tts_values;
	memset(slot->tts_isnull, false, sizeof(bool) * OBJ_COLUMNS);
	values[OBJ_SNAPSHOT] = Int64GetDatum(writer->snapshot_id);
	values[OBJ_N] = Int32GetDatum((int32) writer->next++);
	values[OBJ_KIND] = CStringGetTextDatum(doc->kind);
	values[OBJ_IDENTITY] = CStringGetTextDatum(doc->identity);
	values[OBJ_HASH] = hash_datum(hash);
	for (int f = 0; f < SD_NFACETS; f++)
	{
		slot->tts_isnull[OBJ_FACET + f] = (hashes->have & (1 << f)) == 0;
		if (!slot->tts_isnull[OBJ_FACET + f])
			values[OBJ_FACET + f] = hash_datum(hashes->facet[f]);
	}
	slot->tts_isnull[OBJ_PHYS] = doc->phys == NULL;
	if (doc->phys != NULL)
	{
		values[OBJ_PHYS] = JsonbPGetDatum(sd_node_to_jsonb(doc->phys));
		writer->bytes += VARSIZE(DatumGetPointer(values[OBJ_PHYS]));
	}
	ExecStoreVirtualTuple(slot);
	MemoryContextSwitchTo(old);
	if (++writer->count == BATCH_ROWS || writer->bytes > BATCH_BYTES)
		write_rows(writer);
}

void
sd_writer_add(SdWriter *writer, SdDoc *doc, const SdHashes *hashes)
{
	uint8 hash[SD_SHA256_LENGTH];

	sd_hashes_total(hashes, writer->sha, hash);
	store_definition(writer, doc, hash);
	add_row(writer, doc, hashes, hash);
}

void
sd_writer_close(SdWriter *writer)
{
	write_rows(writer);
	for (int i = 0; i < BATCH_ROWS && writer->rows[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->rows[i]);
	ExecDropSingleTupleTableSlot(writer->definition);
	FreeBulkInsertState(writer->bulk);
	close_target(&writer->definitions);
	close_target(&writer->objects);
	MemoryContextDelete(writer->row_cxt);
	MemoryContextDelete(writer->batch_cxt);
	sd_sha256_free(writer->sha);
	CommandCounterIncrement();
}
