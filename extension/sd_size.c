/*
 * sd_size.c
 *	  How much a relation holds, looked up once for each.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_size.h"

typedef struct SizeEntry
{
	Oid relation;
	SdSize size;
} SizeEntry;

struct SdSizes
{
	MemoryContext context;
	HTAB *known;	/* NULL before the first */
	SizeEntry last; /* asked for: a statement is mostly about one */
};

SdSizes *
sd_sizes_create(void)
{
	SdSizes *sizes = palloc0(sizeof(SdSizes));

	sizes->context = CurrentMemoryContext;
	return sizes;
}

/*
 * file_size adds up the segments of a relation's main fork.  Looking at the
 * files needs no lock and no entry in the relation cache; -1 when there is none.
 */
static int64
file_size(Oid tablespace, Oid filenode)
{
	char path[MAXPGPATH + 16];
	struct stat file;
	int64 bytes = 0;
	Size len;

	sd_relation_path(path, MAXPGPATH, MyDatabaseId,
					 OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace, filenode);
	len = strlen(path);
	for (int segment = 0;; segment++)
	{
		if (segment > 0)
			snprintf(path + len, 16, ".%d", segment);
		if (stat(path, &file) < 0)
			return segment == 0 ? -1 : bytes;
		bytes += file.st_size;
		/* only a full segment has another one behind it */
		if (file.st_size < (off_t) RELSEG_SIZE * BLCKSZ)
			return bytes;
	}
}

/* storage_size returns the bytes of a relation's main fork, and what pg_class knows of it. */
static int64
storage_size(Oid relation, FormData_pg_class *form)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		return -1;
	memcpy(form, GETSTRUCT(tuple), sizeof(*form));
	ReleaseSysCache(tuple);
	if (form->relkind == RELKIND_PARTITIONED_TABLE || form->relkind == RELKIND_PARTITIONED_INDEX)
		return 0;
	/* a mapped catalog, another session's temporary table, or no storage at all */
	if (form->relfilenode == 0 || form->relpersistence == RELPERSISTENCE_TEMP)
		return -1;
	return file_size(form->reltablespace, form->relfilenode);
}

/* size_of_one returns the size of a relation without its children. */
static SdSize
size_of_one(Oid relation)
{
	SdSize size = { -1, -1 };
	FormData_pg_class form;
	FormData_pg_class toast;
	int64 toast_bytes;

	if (sd_guc_sizes_unknown)
		return size;
	size.bytes = storage_size(relation, &form);
	if (size.bytes < 0)
		return size;
	if (size.bytes == 0)
		size.rows = 0;
	else if (form.reltuples >= 0 && form.relpages > 0)
	{
		size.rows = form.reltuples;
		/* it may have grown since: assume the same density, as the planner does */
		if (size.bytes > (int64) form.relpages * BLCKSZ)
			size.rows = (double) form.reltuples / form.relpages * (size.bytes / BLCKSZ);
	}
	if (OidIsValid(form.reltoastrelid))
	{
		toast_bytes = storage_size(form.reltoastrelid, &toast);
		if (toast_bytes > 0)
			size.bytes += toast_bytes;
	}
	return size;
}

SdSize
sd_relation_own_size(Oid relation)
{
	return size_of_one(relation);
}

SdSize
sd_relation_size(SdSizes *sizes, Oid relation)
{
	bool found;
	SizeEntry *entry;

	if (sizes->last.relation == relation && OidIsValid(relation))
		return sizes->last.size;
	if (sizes->known == NULL)
	{
		HASHCTL control = { 0 };

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(SizeEntry);
		control.hcxt = sizes->context;
		sizes->known =
			hash_create("safedeploy sizes", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(sizes->known, &relation, HASH_ENTER, &found);

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
	sizes->last = *entry;
	return entry->size;
}
