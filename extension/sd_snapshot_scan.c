/*
 * sd_snapshot_scan.c
 *	  Reads rows of catalogs: all of them, or those of a subset of the objects.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "sd_progress.h"
#include "sd_snapshot_reuse.h"

#define BLOCK_SIZE (64 * 1024)

/* Every bit of the result depends on every bit of the value. */
static inline uint64
scramble(uint64 value)
{
	value = (value ^ (value >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

/* Differs between any two versions of a row, and between rows. */
static uint64
row_version(Oid catalog, HeapTuple tuple)
{
	uint64 place = ((uint64) ItemPointerGetBlockNumberNoCheck(&tuple->t_self) << 16) |
				   ItemPointerGetOffsetNumberNoCheck(&tuple->t_self);
	uint64 writer = ((uint64) catalog << 32) | HeapTupleHeaderGetRawXmin(tuple->t_data);

	return scramble(place ^ scramble(writer));
}

void
sd_subject(SdSnap *snap, Oid classid, Oid oid)
{
	snap->subject.classid = classid;
	snap->subject.oid = oid;
}

/*
 * The document of the subject has the row, so it uses it: the row may go away
 * without a change of anything else that is known to belong to the document.
 */
static void
set_subject(SdSnap *snap, HeapTuple tuple, const SdKey *keys, int count)
{
	sd_subject(snap, InvalidOid, InvalidOid);
	if (count == 0)
		return;
	snap->subject = keys[count - 1];
	/* nearly all triggers are those of foreign keys, of which the loader notes what shows */
	if (keys[0].classid == TriggerRelationId &&
		OidIsValid(((Form_pg_trigger) GETSTRUCT(tuple))->tgconstraint) &&
		((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal)
		return;
	sd_use(snap, keys[0].oid);
}

/* Whether a later key of the row, which is in the subset as well, finds it too. */
static bool
comes_again(SdSubset *subset, const SdCatalog *spec, int found_by, HeapTuple tuple)
{
	for (int i = found_by + 1; i < SD_ROW_KEYS && OidIsValid(spec->keys[i].index); i++)
		if (sd_subset_has(subset, spec->keys[i].classid, sd_row_oid(tuple, spec->keys[i].place)))
			return true;
	return false;
}

/* What to do with each row of a scan. */
typedef struct RowScan
{
	SdSnap *snap;
	const SdCatalog *spec;
	Relation rel;
	SdTupleFn fn;
	int found_by; /* key of the spec, or -1 */
	Oid classid;  /* of the object that rows are wanted of, where they say it */
} RowScan;

/* Whether the subject is right already: rows of a relation mostly follow each other. */
static bool
has_same_subject(RowScan *row, HeapTuple tuple)
{
	return row->found_by < 0 && RelationGetRelid(row->rel) == AttributeRelationId &&
		   row->snap->subject.oid == ((Form_pg_attribute) GETSTRUCT(tuple))->attrelid;
}

static void
handle_row(RowScan *row, HeapTuple tuple)
{
	SdSnap *snap = row->snap;

	if (snap->uses != NULL && !has_same_subject(row, tuple))
	{
		SdKey keys[SD_ROW_KEYS];
		int count = sd_row_keys(row->spec, tuple, keys, SD_ROW_KEYS);

		if (row->found_by >= 0)
		{
			if (comes_again(snap->subset, row->spec, row->found_by, tuple))
				return;
			/* what belongs to a part, such as its comment, is read by the key of the part */
			if (count > 1)
				sd_subset_add(snap->subset, keys[0].classid, keys[0].oid);
		}
		set_subject(snap, tuple, keys, count);
	}
	if (row->fn(snap, tuple, RelationGetDescr(row->rel)))
		snap->versions += row_version(RelationGetRelid(row->rel), tuple);
}

static void
scan_index_rows(RowScan *row, Oid index, ScanKey key)
{
	SysScanDesc scan = systable_beginscan(row->rel, index, true, row->snap->snapshot, 1, key);
	const char *catalog = RelationGetRelationName(row->rel);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		sd_progress(catalog, ItemPointerGetBlockNumberNoCheck(&tuple->t_self), 0);
		if (OidIsValid(row->classid) &&
			sd_row_oid(tuple, row->spec->keys[row->found_by].classplace) != row->classid)
			continue;
		handle_row(row, tuple);
	}
	systable_endscan(scan);
}

/* Every row.  A system scan would put each into a slot first, which costs as much as to find it. */
static void
scan_heap_rows(RowScan *row)
{
	TableScanDesc scan = table_beginscan_strat(row->rel, row->snap->snapshot, 0, NULL, true, false);
	const char *catalog = RelationGetRelationName(row->rel);
	BlockNumber blocks = RelationGetNumberOfBlocks(row->rel);
	HeapTuple tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		sd_progress(catalog, ItemPointerGetBlockNumberNoCheck(&tuple->t_self), blocks);
		handle_row(row, tuple);
	}
	table_endscan(scan);
}

/* Rows of the subset, by every key that an index finds; the subset may grow meanwhile. */
static void
scan_subset(RowScan *row)
{
	SdSubset *subset = row->snap->subset;

	for (int k = 0; k < SD_ROW_KEYS && row->spec->keys[k].attnum != 0; k++)
	{
		const SdCatalogKey *key = &row->spec->keys[k];

		if (!OidIsValid(key->index))
			continue;
		row->found_by = k;
		for (int i = 0; i < subset->count; i++)
		{
			ScanKeyData scan_key;

			if (OidIsValid(key->classid) && key->classid != subset->keys[i].classid)
				continue;
			row->classid = OidIsValid(key->classid) ? InvalidOid : subset->keys[i].classid;
			ScanKeyInit(&scan_key, key->attnum, BTEqualStrategyNumber, F_OIDEQ,
						ObjectIdGetDatum(subset->keys[i].oid));
			scan_index_rows(row, key->index, &scan_key);
		}
	}
}

static void
scan(SdSnap *snap, Oid catalog, SdTupleFn fn, bool all)
{
	RowScan row = { .snap = snap, .spec = sd_catalog(catalog), .fn = fn, .found_by = -1 };

	if (!all && row.spec == NULL)
		return;
	row.rel = table_open(catalog, AccessShareLock);
	if (all)
		scan_heap_rows(&row);
	else
		scan_subset(&row);
	table_close(row.rel, AccessShareLock);
	sd_subject(snap, InvalidOid, InvalidOid);
}

void
sd_scan(SdSnap *snap, Oid catalog, SdTupleFn fn)
{
	scan(snap, catalog, fn, snap->subset == NULL);
}

void
sd_scan_all(SdSnap *snap, Oid catalog, SdTupleFn fn)
{
	scan(snap, catalog, fn, true);
}

void
sd_scan_index(SdSnap *snap, Oid catalog, Oid index, int nkeys, const AttrNumber *attnums,
			  const Oid *values, void (*fn)(HeapTuple tuple, void *arg), void *arg)
{
	Relation rel = table_open(catalog, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	Assert(nkeys <= lengthof(keys));
	for (int i = 0; i < nkeys; i++)
		ScanKeyInit(&keys[i], attnums[i], BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(values[i]));
	scan = systable_beginscan(rel, index, true, snap->snapshot, nkeys, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		fn(tuple, arg);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* The next bytes of a block of zeros; what is large gets a chunk of its own. */
static char *
take_bytes(SdSnap *snap, Size size)
{
	char *result;

	if (size > BLOCK_SIZE / 8)
		return MemoryContextAllocZero(snap->cxt, size);
	if (size > snap->block_left)
	{
		snap->block = MemoryContextAllocZero(snap->cxt, BLOCK_SIZE);
		snap->block_left = BLOCK_SIZE;
	}
	result = snap->block + BLOCK_SIZE - snap->block_left;
	snap->block_left -= size;
	return result;
}

void *
sd_alloc0(SdSnap *snap, Size size)
{
	Size odd = snap->block_left % MAXIMUM_ALIGNOF;

	snap->block_left -= odd;
	return take_bytes(snap, MAXALIGN(size));
}

const char *
sd_copy_text(SdSnap *snap, const char *text)
{
	Size size = strlen(text) + 1;

	return memcpy(take_bytes(snap, size), text, size);
}

const char *
sd_trim(StringInfo buf)
{
	char *text = palloc(buf->len + 1);

	memcpy(text, buf->data, buf->len + 1);
	pfree(buf->data);
	return text;
}

TupleDesc
sd_catalog_desc(SdSnap *snap, Oid catalog)
{
	Relation rel = table_open(catalog, AccessShareLock);
	TupleDesc desc = CreateTupleDescCopy(RelationGetDescr(rel));

	table_close(rel, AccessShareLock);
	return desc;
}

/*
 * Where the columns of a catalog begin that a row may lack or that vary in width.
 * All before them are at the same place in each row.
 */
typedef struct Tail
{
	Oid catalog;
	int first; /* counted from 0 */
	uint32 offset;
} Tail;

static Tail
find_tail(TupleDesc desc)
{
	Tail tail = { .catalog = TupleDescAttr(desc, 0)->attrelid };

	for (; tail.first < desc->natts; tail.first++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, tail.first);

		if (!att->attnotnull || att->attlen < 0)
			break;
		tail.offset = att_align_nominal(tail.offset, att->attalign) + att->attlen;
	}
	return tail;
}

/*
 * heap_getattr walks over all columns when one before is NULL, which is so in most
 * rows of pg_attribute, and that for each column asked for.  This one starts where
 * the places begin to differ, and catalogs have few columns there.
 */
static Datum
tail_attr(HeapTuple tuple, TupleDesc desc, const Tail *tail, int attnum)
{
	HeapTupleHeader header = tuple->t_data;
	const char *data = (const char *) header + header->t_hoff;
	uint32 offset = tail->offset;

	for (int i = tail->first;; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (HeapTupleHasNulls(tuple) && att_isnull(i, header->t_bits))
			continue;
		offset = att_align_pointer(offset, att->attalign, att->attlen, data + offset);
		if (i == attnum - 1)
			return fetchatt(att, data + offset);
		offset = att_addlength_pointer(offset, att->attlen, data + offset);
	}
}

Datum
sd_attr(HeapTuple tuple, TupleDesc desc, int attnum, bool *isnull)
{
	static Tail tail;

	if (tail.catalog != TupleDescAttr(desc, 0)->attrelid)
		tail = find_tail(desc);
	if (attnum <= tail.first || attnum > HeapTupleHeaderGetNatts(tuple->t_data))
		return heap_getattr(tuple, attnum, desc, isnull);
	*isnull = HeapTupleHasNulls(tuple) && att_isnull(attnum - 1, tuple->t_data->t_bits);
	return *isnull ? (Datum) 0 : tail_attr(tuple, desc, &tail, attnum);
}

char *
sd_attr_text(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool isnull;
	Datum value;

	/* a column of the catalog that this server does not have */
	if (attnum == 0)
		return NULL;
	value = sd_attr(tuple, desc, attnum, &isnull);
	return isnull ? NULL : TextDatumGetCString(value);
}

ArrayType *
sd_attr_array(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool isnull;
	Datum value = sd_attr(tuple, desc, attnum, &isnull);

	return isnull ? NULL : DatumGetArrayTypePCopy(value);
}
