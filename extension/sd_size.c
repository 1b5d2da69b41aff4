/*
 * sd_size.c
 *	  How much a relation holds, looked up once for each.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/syscache.h"

#include "sd_size.h"

typedef struct SizeEntry
{
	Oid relation;
	SdSize size;
} SizeEntry;

struct SdSizes
{
	HTAB *known;
};

SdSizes *
sd_sizes_create(void)
{
	SdSizes *sizes = palloc(sizeof(SdSizes));
	HASHCTL control = { 0 };

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(SizeEntry);
	control.hcxt = CurrentMemoryContext;
	sizes->known =
		hash_create("safedeploy sizes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return sizes;
}

/*
 * measure returns the bytes of one relation with TOAST, and those of its main
 * fork, or -1 for both when it is locked now.
 */
static int64
measure(Oid relation, int64 *main_fork)
{
	int64 bytes = -1;

	*main_fork = -1;
	if (!ConditionalLockRelationOid(relation, AccessShareLock))
		return -1;
	/* under the lock it cannot be dropped; it may have been before */
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)))
	{
		*main_fork = DatumGetInt64(DirectFunctionCall2(pg_relation_size, ObjectIdGetDatum(relation),
													   CStringGetTextDatum("main")));
		bytes = *main_fork == 0 ?
					0 :
					DatumGetInt64(DirectFunctionCall1(pg_table_size, ObjectIdGetDatum(relation)));
	}
	UnlockRelationOid(relation, AccessShareLock);
	return bytes;
}

/* size_of_one returns the size of a relation without its children. */
static SdSize
size_of_one(Oid relation)
{
	SdSize size = { -1, -1 };
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	float4 reltuples;
	int32 relpages;
	int64 main_fork;
	char relkind;

	if (!HeapTupleIsValid(tuple))
		return size;
	form = (Form_pg_class) GETSTRUCT(tuple);
	reltuples = form->reltuples;
	relpages = form->relpages;
	relkind = form->relkind;
	ReleaseSysCache(tuple);

	if (relkind == RELKIND_PARTITIONED_TABLE || relkind == RELKIND_PARTITIONED_INDEX)
		return (SdSize){ 0, 0 };
	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW && relkind != RELKIND_INDEX)
		return size;
	size.bytes = measure(relation, &main_fork);
	if (size.bytes == 0)
		size.rows = 0;
	else if (reltuples >= 0 && relpages > 0)
	{
		size.rows = reltuples;
		/* it may have grown since: assume the same density, as the planner does */
		if (main_fork > (int64) relpages * BLCKSZ)
			size.rows = (double) reltuples / relpages * (main_fork / BLCKSZ);
		if (size.bytes < 0)
			size.bytes = (int64) relpages * BLCKSZ;
	}
	return size;
}

SdSize
sd_relation_size(SdSizes *sizes, Oid relation)
{
	bool found;
	SizeEntry *entry = hash_search(sizes->known, &relation, HASH_ENTER, &found);

	if (!found)
	{
		SdSize sum = size_of_one(relation);

		/* a failure below must not leave an entry that was never filled */
		entry->size = sum;
		if (has_subclass(relation))
		{
			ListCell *cell;

			foreach (cell, find_all_inheritors(relation, NoLock, NULL))
			{
				SdSize one;

				if (lfirst_oid(cell) == relation)
					continue;
				one = size_of_one(lfirst_oid(cell));
				sum.rows = sum.rows < 0 || one.rows < 0 ? -1 : sum.rows + one.rows;
				sum.bytes = sum.bytes < 0 || one.bytes < 0 ? -1 : sum.bytes + one.bytes;
			}
			entry->size = sum;
		}
	}
	return entry->size;
}
