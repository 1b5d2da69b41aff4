/*
 * sd_snapshot_scan.c
 *	  Reads rows of catalogs: all of them, or those of a subset of the objects.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "sd_progress.h"
#include "sd_snapshot_reuse.h"

#define BLOCK_SIZE (64 * 1024)

/* Differs between any two versions of a row, and between rows. */
static uint64
row_version(Oid catalog, HeapTuple tuple)
{
	uint64 place = ((uint64) ItemPointerGetBlockNumberNoCheck(&tuple->t_self) << 16) |
				   ItemPointerGetOffsetNumberNoCheck(&tuple->t_self);
	uint64 writer = ((uint64) catalog << 32) | HeapTupleHeaderGetRawXmin(tuple->t_data);

	return hash_bytes_uint32_extended((uint32) place, writer) ^
		   hash_bytes_uint32_extended((uint32) (place >> 32), ~writer);
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

static void
handle_row(RowScan *row, HeapTuple tuple)
{
	SdSnap *snap = row->snap;

	if (snap->uses != NULL)
	{
		SdKey keys[SD_ROW_KEYS];
		int count = sd_row_keys(row->spec, tuple, keys);

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
scan_rows(RowScan *row, Oid index, int nkeys, ScanKey keys)
{
	SysScanDesc scan =
		systable_beginscan(row->rel, index, OidIsValid(index), row->snap->snapshot, nkeys, keys);
	const char *catalog = RelationGetRelationName(row->rel);
	BlockNumber blocks = OidIsValid(index) ? 0 : RelationGetNumberOfBlocks(row->rel);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		sd_progress(catalog, ItemPointerGetBlockNumberNoCheck(&tuple->t_self), blocks);
		if (OidIsValid(row->classid) &&
			sd_row_oid(tuple, row->spec->keys[row->found_by].classplace) != row->classid)
			continue;
		handle_row(row, tuple);
	}
	systable_endscan(scan);
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
			scan_rows(row, key->index, 1, &scan_key);
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
		scan_rows(&row, InvalidOid, 0, NULL);
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

Datum
sd_attr(HeapTuple tuple, TupleDesc desc, int attnum, bool *isnull)
{
	return heap_getattr(tuple, attnum, desc, isnull);
}

char *
sd_attr_text(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool isnull;
	Datum value;

	/* a column of the catalog that this server does not have */
	if (attnum == 0)
		return NULL;
	value = heap_getattr(tuple, attnum, desc, &isnull);
	return isnull ? NULL : TextDatumGetCString(value);
}

ArrayType *
sd_attr_array(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool isnull;
	Datum value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? NULL : DatumGetArrayTypePCopy(value);
}
