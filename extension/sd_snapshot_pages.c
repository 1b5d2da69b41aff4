/*
 * sd_snapshot_pages.c
 *	  What stood on every page of the catalogs when it was last looked at.
 *
 * For a page are kept its LSN, whether it is settled, and for each object with
 * rows on it a hash of these rows.  A page whose LSN is the same holds the same
 * rows; if it was settled, the same ones are visible.  Why that is so stands in
 * sd_snapshot_reuse.c.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "sd_compat_catalog.h"
#include "sd_snapshot_reuse.h"

typedef struct PageState
{
	XLogRecPtr lsn;
	SdRun *runs;
	uint16 nruns;
	bool settled;
} PageState;

typedef struct HeapState
{
	Oid catalog;
	SdRelFile file;
	BlockNumber nblocks;
	BlockNumber size; /* of the array */
	PageState *pages;
	bool seen; /* by the present sweep */
} HeapState;

struct SdPages
{
	MemoryContext cxt;
	uint64 seed[3]; /* nobody can make two rows with the same hash on purpose */
	HeapState *heaps;
	int nheaps;
};

/* State of one sweep. */
typedef struct Sweep
{
	SdPages *pages;
	Snapshot snapshot;
	SdChanges *changes;
	List *catalogs; /* found while pg_class is read */
	SdRun runs[MaxHeapTuplesPerPage];
	int nruns;
} Sweep;

SdPages *
sd_pages_create(MemoryContext cxt)
{
	SdPages *pages = MemoryContextAllocZero(cxt, sizeof(SdPages));

	pages->cxt = cxt;
	if (!pg_strong_random(pages->seed, sizeof(pages->seed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random numbers")));
	return pages;
}

#ifdef HAVE_INT128
static inline uint64
mix(uint64 a, uint64 b)
{
	uint128 product = (uint128) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
}

static uint64
hash_data(const uint64 *seed, const char *data, Size len)
{
	uint64 hash = seed[0] ^ len;
	uint64 word[2];

	for (; len > sizeof(word); len -= sizeof(word), data += sizeof(word))
	{
		memcpy(word, data, sizeof(word));
		hash = mix(word[0] ^ seed[1], word[1] ^ hash);
	}
	memset(word, 0, sizeof(word));
	memcpy(word, data, len);
	return mix(word[0] ^ seed[1], word[1] ^ hash);
}
#else
static uint64
mix(uint64 a, uint64 b)
{
	return hash_combine64(a, b);
}

static uint64
hash_data(const uint64 *seed, const char *data, Size len)
{
	return hash_bytes_extended((const unsigned char *) data, len, seed[0] ^ seed[1]);
}
#endif

/* Estimates and freezing, which VACUUM and ANALYZE write over the row as it stands. */
static void
mask_class(Form_pg_class form)
{
	form->relpages = 0;
	form->reltuples = 0;
	form->relallvisible = 0;
	sd_compat_mask_allfrozen(form);
	form->relfrozenxid = InvalidTransactionId;
	form->relminmxid = InvalidMultiXactId;
}

static void
mask_database(Form_pg_database form)
{
	form->datfrozenxid = InvalidTransactionId;
	form->datminmxid = InvalidMultiXactId;
}

/*
 * Hash of a version of a row.  Its writer is part of it, so that no later version
 * has the same one, not even when its long values got the same place again.
 */
static uint64
hash_row(SdPages *pages, HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;
	const Size start = offsetof(HeapTupleHeaderData, t_bits);
	uint64 writer =
		((uint64) HeapTupleHeaderGetRawXmin(header) << 32) | HeapTupleHeaderGetNatts(header);
	char *data = (char *) header;
	PGAlignedBlock copy;

	if (tuple->t_tableOid == RelationRelationId || tuple->t_tableOid == DatabaseRelationId)
	{
		memcpy(copy.data, header, tuple->t_len);
		data = copy.data;
		if (tuple->t_tableOid == RelationRelationId)
			mask_class((Form_pg_class) (data + header->t_hoff));
		else
			mask_database((Form_pg_database) (data + header->t_hoff));
	}
	return mix(hash_data(pages->seed, data + start, tuple->t_len - start) ^ writer, pages->seed[2]);
}

/*
 * Whether a transaction is over as far as the snapshot can tell.  One that is not
 * may make rows come and go without a change of their page.
 */
static bool
is_over(TransactionId xid, Snapshot snapshot)
{
	if (!TransactionIdIsNormal(xid))
		return true;
	if (TransactionIdPrecedes(xid, snapshot->xmin))
		return true;
	return !TransactionIdIsCurrentTransactionId(xid) && !XidInMVCCSnapshot(xid, snapshot);
}

static bool
is_settled(HeapTupleHeader header, Snapshot snapshot)
{
	if (!HeapTupleHeaderXminFrozen(header) && !is_over(HeapTupleHeaderGetRawXmin(header), snapshot))
		return false;
	if ((header->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return true;
	return is_over(HeapTupleHeaderGetUpdateXid(header), snapshot);
}

static void
add_run(SdRun **runs, int *count, int *size, MemoryContext cxt, SdKey key, uint64 hash)
{
	if (*count == *size)
	{
		*size = *size ? *size * 2 : 256;
		*runs = *runs ? repalloc_huge(*runs, *size * sizeof(SdRun)) :
						MemoryContextAlloc(cxt, *size * sizeof(SdRun));
	}
	(*runs)[*count].key = key;
	(*runs)[(*count)++].hash = hash;
}

static void
add_links(SdChanges *changes, const SdKey *keys, int count)
{
	for (int i = 1; i < count; i++)
	{
		if (changes->nlinks == changes->links_size)
		{
			changes->links_size = changes->links_size ? changes->links_size * 2 : 64;
			changes->links =
				changes->links ?
					repalloc_huge(changes->links, changes->links_size * sizeof(*changes->links)) :
					MemoryContextAlloc(changes->cxt, changes->links_size * sizeof(*changes->links));
		}
		changes->links[changes->nlinks][0] = keys[0];
		changes->links[changes->nlinks++][1] = keys[i];
	}
}

/* A row that the snapshot sees; rows of one object mostly follow each other. */
static void
add_row(Sweep *sweep, const SdCatalog *spec, HeapTuple tuple)
{
	SdKey keys[SD_ROW_KEYS] = { { InvalidOid, InvalidOid } };
	int count;
	SdRun *last = sweep->nruns > 0 ? &sweep->runs[sweep->nruns - 1] : NULL;
	uint64 hash;

	count = sd_row_keys(spec, tuple, keys, sweep->changes != NULL ? SD_ROW_KEYS : 1);
	hash = hash_row(sweep->pages, tuple);
	if (last != NULL && last->key.oid == keys[0].oid && last->key.classid == keys[0].classid)
		last->hash += hash;
	else
	{
		sweep->runs[sweep->nruns].key = keys[0];
		sweep->runs[sweep->nruns++].hash = hash;
	}
	if (sweep->changes != NULL)
		add_links(sweep->changes, keys, count);
	if (tuple->t_tableOid == RelationRelationId)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relnamespace == PG_CATALOG_NAMESPACE && form->relkind == RELKIND_RELATION &&
			form->oid < FirstNormalObjectId && !sd_catalog_is_ignored(form->oid))
			sweep->catalogs = lappend_oid(sweep->catalogs, form->oid);
	}
}

static void
went(Sweep *sweep, const PageState *page)
{
	SdChanges *changes = sweep->changes;

	for (int i = 0; changes != NULL && i < page->nruns; i++)
		add_run(&changes->runs, &changes->count, &changes->size, changes->cxt, page->runs[i].key,
				-page->runs[i].hash);
}

/*
 * Whether every row of the page is visible to everybody for good, as VACUUM has found.
 * On a standby that may be known earlier than its own snapshots see it so.
 */
static bool
is_all_visible(Sweep *sweep, Page page)
{
	return PageIsAllVisible(page) && !sweep->snapshot->takenDuringRecovery;
}

/* Reads a page, whose content lock is held, and replaces what was known of it. */
static void
read_page(Sweep *sweep, Relation rel, const SdCatalog *spec, SdRowFilter filter, Buffer buffer,
		  PageState *state)
{
	Page page = BufferGetPage(buffer);
	OffsetNumber max = PageIsNew(page) ? 0 : PageGetMaxOffsetNumber(page);
	bool all_visible = is_all_visible(sweep, page);
	bool settled = RelationNeedsWAL(rel);
	HeapTupleData tuple = { .t_tableOid = RelationGetRelid(rel) };

	sweep->nruns = 0;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= max; offset++)
	{
		ItemId item = PageGetItemId(page, offset);

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		if (filter != NULL && !filter(&tuple))
			continue;
		if (all_visible)
		{
			add_row(sweep, spec, &tuple);
			continue;
		}
		ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(buffer), offset);
		if (HeapTupleSatisfiesVisibility(&tuple, sweep->snapshot, buffer))
			add_row(sweep, spec, &tuple);
		settled = settled && is_settled(tuple.t_data, sweep->snapshot);
	}
	state->lsn = BufferGetLSNAtomic(buffer);
	state->settled = settled;
}

/* Keeps the rows that read_page has found. */
static void
keep_page(Sweep *sweep, PageState *state)
{
	SdChanges *changes = sweep->changes;

	went(sweep, state);
	for (int i = 0; changes != NULL && i < sweep->nruns; i++)
		add_run(&changes->runs, &changes->count, &changes->size, changes->cxt, sweep->runs[i].key,
				sweep->runs[i].hash);
	if (state->runs != NULL && state->nruns != sweep->nruns)
	{
		pfree(state->runs);
		state->runs = NULL;
	}
	if (state->runs == NULL && sweep->nruns > 0)
		state->runs = MemoryContextAlloc(sweep->pages->cxt, sweep->nruns * sizeof(SdRun));
	if (sweep->nruns > 0)
		memcpy(state->runs, sweep->runs, sweep->nruns * sizeof(SdRun));
	state->nruns = sweep->nruns;
}

static void
resize(Sweep *sweep, HeapState *heap, BlockNumber nblocks)
{
	for (BlockNumber block = nblocks; block < heap->nblocks; block++)
	{
		went(sweep, &heap->pages[block]);
		if (heap->pages[block].runs != NULL)
			pfree(heap->pages[block].runs);
	}
	if (nblocks > heap->size)
	{
		BlockNumber size = nblocks + nblocks / 8 + 8;

		heap->pages = heap->pages ?
						  repalloc_huge(heap->pages, size * sizeof(PageState)) :
						  MemoryContextAllocHuge(sweep->pages->cxt, size * sizeof(PageState));
		heap->size = size;
	}
	if (nblocks > heap->nblocks)
		memset(&heap->pages[heap->nblocks], 0, (nblocks - heap->nblocks) * sizeof(PageState));
	heap->nblocks = nblocks;
}

static HeapState *
find_heap(SdPages *pages, Oid catalog)
{
	HeapState *heap;

	for (int i = 0; i < pages->nheaps; i++)
		if (pages->heaps[i].catalog == catalog)
			return &pages->heaps[i];
	pages->heaps = pages->heaps ? repalloc(pages->heaps, (pages->nheaps + 1) * sizeof(HeapState)) :
								  MemoryContextAlloc(pages->cxt, sizeof(HeapState));
	heap = &pages->heaps[pages->nheaps++];
	memset(heap, 0, sizeof(HeapState));
	heap->catalog = catalog;
	return heap;
}

static void
sweep_pages(Sweep *sweep, Relation rel, HeapState *heap)
{
	const SdCatalog *spec = sd_catalog(heap->catalog);
	BufferAccessStrategy strategy =
		heap->nblocks > NBuffers / 4 ? GetAccessStrategy(BAS_BULKREAD) : NULL;
	SdRowFilter filter = sd_row_filter(heap->catalog);
	bool trusted = RelationNeedsWAL(rel);

	for (BlockNumber block = 0; block < heap->nblocks; block++)
	{
		PageState *state = &heap->pages[block];
		Buffer buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		bool same;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		same = trusted && state->settled && state->lsn == BufferGetLSNAtomic(buffer);
		if (!same)
			read_page(sweep, rel, spec, filter, buffer, state);
		UnlockReleaseBuffer(buffer);
		if (!same)
			keep_page(sweep, state);
	}
	if (strategy != NULL)
		FreeAccessStrategy(strategy);
}

/* False when the catalog is locked: then the reader of all catalogs is to say so. */
static bool
sweep_catalog(Sweep *sweep, Oid catalog)
{
	HeapState *heap;
	Relation rel;
	SdRelFile file;

	if (!ConditionalLockRelationOid(catalog, AccessShareLock))
		return false;
	rel = table_open(catalog, NoLock);
	heap = find_heap(sweep->pages, catalog);
	heap->seen = true;
	file = SD_REL_FILE(rel);
	if (!SD_REL_FILE_EQUALS(heap->file, file))
	{
		resize(sweep, heap, 0);
		heap->file = file;
	}
	resize(sweep, heap, RelationGetNumberOfBlocks(rel));
	sweep_pages(sweep, rel, heap);
	table_close(rel, AccessShareLock);
	return true;
}

bool
sd_pages_sweep(SdPages *pages, Snapshot snapshot, SdChanges *changes)
{
	Sweep *sweep = palloc0(sizeof(Sweep));

	sweep->pages = pages;
	sweep->snapshot = snapshot;
	sweep->changes = changes;
	for (int i = 0; i < pages->nheaps; i++)
		pages->heaps[i].seen = false;
	if (!sweep_catalog(sweep, RelationRelationId))
		return false;
	/* the first time the catalogs are those that pg_class names; there are no others later */
	for (int i = 0; i < pages->nheaps; i++)
		if (!pages->heaps[i].seen && !sweep_catalog(sweep, pages->heaps[i].catalog))
			return false;
	for (int i = 0; i < list_length(sweep->catalogs); i++)
		if (!find_heap(pages, list_nth_oid(sweep->catalogs, i))->seen &&
			!sweep_catalog(sweep, list_nth_oid(sweep->catalogs, i)))
			return false;
	return true;
}

static int
compare_keys(SdKey x, SdKey y)
{
	if (x.classid != y.classid)
		return x.classid < y.classid ? -1 : 1;
	return x.oid < y.oid ? -1 : x.oid > y.oid;
}

static int
compare_runs(const void *a, const void *b)
{
	return compare_keys(((const SdRun *) a)->key, ((const SdRun *) b)->key);
}

static int
compare_links(const void *a, const void *b)
{
	return compare_keys(*(const SdKey *) a, *(const SdKey *) b);
}

static void
add_key(SdKey **keys, int *count, int *size, SdKey key)
{
	if (*count == *size)
	{
		*size = *size ? *size * 2 : 64;
		*keys = *keys ? repalloc_huge(*keys, *size * sizeof(SdKey)) : palloc(*size * sizeof(SdKey));
	}
	(*keys)[(*count)++] = key;
}

/*
 * The hashes of the rows of an object add up to nothing when all that went from
 * one page came to another.
 */
bool
sd_changes_keys(SdChanges *changes, SdKey **keys, int *count)
{
	int size = 0;
	int link = 0;

	*keys = NULL;
	*count = 0;
	if (changes->count > 0)
		qsort(changes->runs, changes->count, sizeof(SdRun), compare_runs);
	if (changes->nlinks > 0)
		qsort(changes->links, changes->nlinks, sizeof(*changes->links), compare_links);
	for (int i = 0; i < changes->count;)
	{
		SdKey key = changes->runs[i].key;
		uint64 sum = 0;

		for (; i < changes->count && compare_keys(changes->runs[i].key, key) == 0; i++)
			sum += changes->runs[i].hash;
		if (sum == 0)
			continue;
		if (key.oid < FirstNormalObjectId)
			return false;
		add_key(keys, count, &size, key);
		while (link < changes->nlinks && compare_keys(changes->links[link][0], key) < 0)
			link++;
		for (; link < changes->nlinks && compare_keys(changes->links[link][0], key) == 0; link++)
			if (changes->links[link][1].oid >= FirstNormalObjectId)
				add_key(keys, count, &size, changes->links[link][1]);
	}
	return true;
}
