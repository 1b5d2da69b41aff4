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
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "sd_snapshot_write.h"

/* Rows of a table that are written together, unless they are long. */
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

/* A table that is open for rows, with its indexes, and the rows that wait to be written. */
typedef struct Target
{
	Relation rel;
	EState *estate;
	ResultRelInfo *info;
	BulkInsertState bulk;
	TupleTableSlot *slots[BATCH_ROWS];
	int count;
	Size bytes;
	MemoryContext cxt; /* of what the rows consist of */
} Target;

/* Hash of a definition. */
typedef struct DefHash
{
	uint8 bytes[SD_SHA256_LENGTH];
} DefHash;

typedef struct DefSlot
{
	DefHash hash;
	char status;
} DefSlot;

/* Any part of a hash is one. */
static inline uint32
start_of_hash(const DefHash *hash)
{
	uint32 start;

	memcpy(&start, hash->bytes, sizeof(start));
	return start;
}

#define SH_PREFIX			 defset
#define SH_ELEMENT_TYPE		 DefSlot
#define SH_KEY_TYPE			 DefHash
#define SH_KEY				 hash
#define SH_HASH_KEY(tb, key) start_of_hash(&(key))
#define SH_EQUAL(tb, a, b)	 (memcmp((a).bytes, (b).bytes, SD_SHA256_LENGTH) == 0)
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct SdWriter
{
	MemoryContext cxt;
	int64 snapshot_id;
	int64 next;
	SdSha256 *sha;
	Target definitions;
	Target objects;
	defset_hash *known; /* definitions that are there or wait to be written */
	List *arbiter;		/* the primary key of definitions */
	IndexScanDesc scan; /* over that key */
	SnapshotData dirty; /* of that scan: it sees what nobody has committed yet */
	TupleTableSlot *found;
	bool none_stored; /* when it was opened; nothing needs to be looked for then */
};

static void
open_target(Target *target, const char *name, int columns)
{
	target->rel =
		table_openrv(makeRangeVar(pstrdup("safedeploy"), pstrdup(name), -1), RowExclusiveLock);
	if (RelationGetNumberOfAttributes(target->rel) != columns)
		elog(ERROR, "table safedeploy.%s does not have the %d columns of this version", name,
			 columns);
	target->estate = CreateExecutorState();
	target->info = makeNode(ResultRelInfo);
	InitResultRelInfo(target->info, target->rel, 1, NULL, 0);
	ExecOpenIndices(target->info, true);
	sd_estate_set_target(target->estate, target->info);
	target->bulk = GetBulkInsertState();
	/* a batch fits into the first block, which a reset keeps */
	target->cxt = AllocSetContextCreate(CurrentMemoryContext, "safedeploy rows", 2 * BATCH_BYTES,
										2 * BATCH_BYTES, ALLOCSET_DEFAULT_MAXSIZE);
}

static void
close_target(Target *target)
{
	for (int i = 0; i < BATCH_ROWS && target->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(target->slots[i]);
	FreeBulkInsertState(target->bulk);
	ExecCloseIndices(target->info);
	FreeExecutorState(target->estate);
	table_close(target->rel, NoLock);
	MemoryContextDelete(target->cxt);
}

static Relation
primary_key(Target *target)
{
	for (int i = 0; i < target->info->ri_NumIndices; i++)
		if (target->info->ri_IndexRelationDescs[i]->rd_index->indisprimary)
			return target->info->ri_IndexRelationDescs[i];
	elog(ERROR, "table \"%s\" has no primary key", RelationGetRelationName(target->rel));
}

/*
 * Whether nobody has stored any definition, as before the first snapshot.  One that
 * comes later is met by the index.  Entries of what is gone are only followed so far.
 */
#define MOST_GONE 100
static bool
is_none_stored(SdWriter *writer, Relation key)
{
	IndexScanDesc scan = sd_index_beginscan(writer->definitions.rel, key, &writer->dirty, 0);
	bool none = true;

	index_rescan(scan, NULL, 0, NULL, 0);
	for (int i = 0; none && index_getnext_tid(scan, ForwardScanDirection) != NULL; i++)
		none = i < MOST_GONE && !index_fetch_heap(scan, writer->found);
	ExecClearTuple(writer->found);
	index_endscan(scan);
	return none;
}

SdWriter *
sd_writer_open(int64 snapshot_id, int64 first)
{
	SdWriter *writer = palloc0(sizeof(SdWriter));
	Relation key;

	writer->cxt = CurrentMemoryContext;
	writer->snapshot_id = snapshot_id;
	writer->next = first;
	writer->sha = sd_sha256_create();
	open_target(&writer->definitions, "object_def", DEF_COLUMNS);
	open_target(&writer->objects, "snapshot_object", OBJ_COLUMNS);
	writer->known = defset_create(CurrentMemoryContext, 1024, NULL);
	key = primary_key(&writer->definitions);
	writer->arbiter = list_make1_oid(RelationGetRelid(key));
	InitDirtySnapshot(writer->dirty);
	writer->scan = sd_index_beginscan(writer->definitions.rel, key, &writer->dirty, 1);
	writer->found = table_slot_create(writer->definitions.rel, NULL);
	writer->none_stored = is_none_stored(writer, key);
	return writer;
}

/* The next row, all of whose columns are NULL, with the context for its values made current. */
static TupleTableSlot *
begin_row(Target *target, MemoryContext *caller)
{
	TupleTableSlot *slot = target->slots[target->count];

	if (slot == NULL)
	{
		*caller = MemoryContextSwitchTo(MemoryContextGetParent(target->cxt));
		slot = target->slots[target->count] = table_slot_create(target->rel, NULL);
		MemoryContextSwitchTo(*caller);
	}
	*caller = MemoryContextSwitchTo(target->cxt);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	return slot;
}

static void
set_value(TupleTableSlot *slot, int column, Datum value)
{
	slot->tts_values[column] = value;
	slot->tts_isnull[column] = false;
}

static Size
set_jsonb(TupleTableSlot *slot, int column, Jsonb *value)
{
	set_value(slot, column, JsonbPGetDatum(value));
	return VARSIZE(value);
}

/* Whether the batch is to be written. */
static bool
end_row(Target *target, TupleTableSlot *slot, Size bytes, MemoryContext caller)
{
	ExecStoreVirtualTuple(slot);
	MemoryContextSwitchTo(caller);
	target->bytes += bytes;
	return ++target->count == BATCH_ROWS || target->bytes > BATCH_BYTES;
}

/*
 * Waits for who inserts or deletes the row that the scan has found; false when
 * nobody does.
 */
static bool
await_other(SdWriter *writer)
{
	TransactionId xid =
		TransactionIdIsValid(writer->dirty.xmin) ? writer->dirty.xmin : writer->dirty.xmax;
	ItemPointerData tid = writer->found->tts_tid;

	if (!TransactionIdIsValid(xid))
		return false;
	/* nobody is to wait for pages meanwhile */
	ExecClearTuple(writer->found);
	index_rescan(writer->scan, writer->scan->keyData, 1, NULL, 0);
	if (writer->dirty.speculativeToken != 0)
		SpeculativeInsertionWait(xid, writer->dirty.speculativeToken);
	else
		XactLockTableWait(xid, writer->definitions.rel, &tid, XLTW_InsertIndex);
	return true;
}

/*
 * Whether a definition is there for good as far as this transaction can tell.  The
 * scan is one for all look-ups, since to begin one costs more than to use it.
 */
static bool
is_stored(SdWriter *writer, const DefHash *hash)
{
	struct
	{
		int32 header;
		DefHash hash;
	} value = { .hash = *hash };
	/* the scan keeps what it allocates */
	MemoryContext old = MemoryContextSwitchTo(writer->cxt);
	ScanKeyData key;
	bool found;

	SET_VARSIZE(&value, sizeof(value));
	ScanKeyInit(&key, DEF_HASH + 1, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(&value));
	do
	{
		index_rescan(writer->scan, &key, 1, NULL, 0);
		found = index_getnext_slot(writer->scan, ForwardScanDirection, writer->found);
	} while (found && await_other(writer));
	ExecClearTuple(writer->found);
	MemoryContextSwitchTo(old);
	return found;
}

/* False when somebody else has an entry for the same definition. */
static bool
insert_index_entries(SdWriter *writer, TupleTableSlot *slot)
{
	Target *target = &writer->definitions;
	bool conflict = false;

	list_free(sd_insert_index_tuples(target->info, slot, target->estate, true, &conflict,
									 writer->arbiter));
	ResetPerTupleExprContext(target->estate);
	return !conflict;
}

/*
 * Another session has stored the same definition since it was looked for, and its
 * entry in the index came first.  The row in the slot gives way, and comes again
 * if that session rolls back.  It does not wait for this one in turn, because both
 * meet the objects of the schema in the same order, in which their rows get into
 * the index; therefore the rows of a batch are not sorted by hash.
 */
static void
give_way(SdWriter *writer, TupleTableSlot *slot)
{
	Target *target = &writer->definitions;
	bool isnull;
	bytea *value = DatumGetByteaPP(slot_getattr(slot, DEF_HASH + 1, &isnull));
	DefHash hash;

	memcpy(hash.bytes, VARDATA_ANY(value), SD_SHA256_LENGTH);
	writer->none_stored = false;
	do
	{
		CommandCounterIncrement();
		simple_table_tuple_delete(target->rel, &slot->tts_tid, SnapshotSelf);
		if (is_stored(writer, &hash))
			return;
		table_tuple_insert(target->rel, slot, GetCurrentCommandId(true), 0, NULL);
	} while (!insert_index_entries(writer, slot));
}

static void
write_batch(Target *target)
{
	MemoryContext old = MemoryContextSwitchTo(target->cxt);

	CHECK_FOR_INTERRUPTS();
	table_multi_insert(target->rel, target->slots, target->count, GetCurrentCommandId(true), 0,
					   target->bulk);
	MemoryContextSwitchTo(old);
}

static void
end_batch(Target *target)
{
	for (int i = 0; i < target->count; i++)
		ExecClearTuple(target->slots[i]);
	MemoryContextReset(target->cxt);
	target->count = 0;
	target->bytes = 0;
}

static void
write_definitions(SdWriter *writer)
{
	Target *target = &writer->definitions;

	if (target->count == 0)
		return;
	write_batch(target);
	for (int i = 0; i < target->count; i++)
		if (!insert_index_entries(writer, target->slots[i]))
			give_way(writer, target->slots[i]);
	end_batch(target);
}

static void
write_objects(SdWriter *writer)
{
	Target *target = &writer->objects;

	if (target->count == 0)
		return;
	write_batch(target);
	for (int i = 0; i < target->count; i++)
	{
		list_free(sd_insert_index_tuples(target->info, target->slots[i], target->estate, false,
										 NULL, NIL));
		ResetPerTupleExprContext(target->estate);
	}
	end_batch(target);
}

/* As INSERT … ON CONFLICT DO NOTHING, but the definition is made only when it is needed. */
static void
add_definition(SdWriter *writer, SdDoc *doc, const DefHash *hash)
{
	Target *target = &writer->definitions;
	TupleTableSlot *slot;
	MemoryContext caller;
	Size bytes;
	bool known;

	(void) defset_insert(writer->known, *hash, &known);
	if (known || (!writer->none_stored && is_stored(writer, hash)))
		return;
	slot = begin_row(target, &caller);
	set_value(slot, DEF_HASH, sd_hash_datum(hash->bytes));
	bytes = set_jsonb(slot, DEF_DEFINITION, sd_doc_to_jsonb(doc));
	if (end_row(target, slot, bytes, caller))
		write_definitions(writer);
}

static void
add_object(SdWriter *writer, SdDoc *doc, const SdHashes *hashes, const DefHash *hash)
{
	Target *target = &writer->objects;
	MemoryContext caller;
	TupleTableSlot *slot = begin_row(target, &caller);
	Size bytes = 0;

	set_value(slot, OBJ_SNAPSHOT, Int64GetDatum(writer->snapshot_id));
	set_value(slot, OBJ_N, Int32GetDatum((int32) writer->next++));
	set_value(slot, OBJ_KIND, CStringGetTextDatum(doc->kind));
	set_value(slot, OBJ_IDENTITY, CStringGetTextDatum(doc->identity));
	set_value(slot, OBJ_HASH, sd_hash_datum(hash->bytes));
	for (int f = 0; f < SD_NFACETS; f++)
		if (hashes->have & (1 << f))
			set_value(slot, OBJ_FACET + f, sd_hash_datum(hashes->facet[f]));
	if (doc->phys != NULL)
		bytes = set_jsonb(slot, OBJ_PHYS, sd_node_to_jsonb(doc->phys));
	if (end_row(target, slot, bytes, caller))
		write_objects(writer);
}

void
sd_writer_add(SdWriter *writer, SdDoc *doc, const SdHashes *hashes)
{
	DefHash hash;

	sd_hashes_total(hashes, writer->sha, hash.bytes);
	add_definition(writer, doc, &hash);
	add_object(writer, doc, hashes, &hash);
}

void
sd_writer_close(SdWriter *writer)
{
	write_definitions(writer);
	write_objects(writer);
	index_endscan(writer->scan);
	ExecDropSingleTupleTableSlot(writer->found);
	close_target(&writer->definitions);
	close_target(&writer->objects);
	defset_destroy(writer->known);
	sd_sha256_free(writer->sha);
	CommandCounterIncrement();
}
