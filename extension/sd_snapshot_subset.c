/*
 * sd_snapshot_subset.c
 *	  The objects that a walk reads when it does not read all of them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"

#include "sd_snapshot_reuse.h"

SdSubset *
sd_subset_create(MemoryContext cxt)
{
	HASHCTL ctl = { .keysize = sizeof(SdKey), .entrysize = sizeof(SdKey), .hcxt = cxt };
	SdSubset *subset = MemoryContextAllocZero(cxt, sizeof(SdSubset));

	subset->members =
		hash_create("safedeploy subset", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	subset->size = 64;
	subset->keys = MemoryContextAlloc(cxt, subset->size * sizeof(SdKey));
	return subset;
}

bool
sd_subset_has(SdSubset *subset, Oid classid, Oid oid)
{
	SdKey key = { classid, oid };

	return hash_search(subset->members, &key, HASH_FIND, NULL) != NULL;
}

void
sd_subset_add(SdSubset *subset, Oid classid, Oid oid)
{
	SdKey key = { classid, oid };
	bool found;

	(void) hash_search(subset->members, &key, HASH_ENTER, &found);
	if (found)
		return;
	if (subset->count == subset->size)
	{
		subset->size *= 2;
		subset->keys = repalloc(subset->keys, subset->size * sizeof(SdKey));
	}
	subset->keys[subset->count++] = key;
}

static void
add_index(HeapTuple tuple, void *arg)
{
	sd_subset_add(arg, RelationRelationId, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
}

/* Sequences of identity columns; other dependents of a table have keys of their own. */
static void
add_internal(HeapTuple tuple, void *arg)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

	if (form->classid == RelationRelationId && form->deptype == DEPENDENCY_INTERNAL)
		sd_subset_add(arg, RelationRelationId, form->objid);
}

typedef struct RelParts
{
	SdSubset *subset;
	char kind;
} RelParts;

static void
add_toast(HeapTuple tuple, void *arg)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
	RelParts *parts = arg;

	parts->kind = form->relkind;
	if (OidIsValid(form->reltoastrelid))
		sd_subset_add(parts->subset, RelationRelationId, form->reltoastrelid);
}

static void
add_table(HeapTuple tuple, void *arg)
{
	sd_subset_add(arg, RelationRelationId, ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid);
}

static void
add_row_type(HeapTuple tuple, void *arg)
{
	Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

	if (OidIsValid(form->typrelid))
		sd_subset_add(arg, RelationRelationId, form->typrelid);
}

static void
expand_relation(SdSnap *snap, Oid oid)
{
	static const AttrNumber class_key[] = { Anum_pg_class_oid };
	static const AttrNumber index_key[] = { Anum_pg_index_indrelid };
	static const AttrNumber depend_key[] = { Anum_pg_depend_refclassid, Anum_pg_depend_refobjid };
	Oid values[] = { RelationRelationId, oid };
	RelParts parts = { snap->subset, '\0' };

	sd_scan_index(snap, RelationRelationId, ClassOidIndexId, 1, class_key, &oid, add_toast, &parts);
	if (parts.kind != RELKIND_RELATION && parts.kind != RELKIND_PARTITIONED_TABLE &&
		parts.kind != RELKIND_MATVIEW && parts.kind != RELKIND_FOREIGN_TABLE)
		return;
	sd_scan_index(snap, IndexRelationId, IndexIndrelidIndexId, 1, index_key, &oid, add_index,
				  snap->subset);
	sd_scan_index(snap, DependRelationId, DependReferenceIndexId, 2, depend_key, values,
				  add_internal, snap->subset);
}

void
sd_subset_expand(SdSnap *snap)
{
	static const AttrNumber statistic_key[] = { Anum_pg_statistic_ext_oid };
	static const AttrNumber type_key[] = { Anum_pg_type_oid };
	SdSubset *subset = snap->subset;

	for (int i = 0; i < subset->count; i++)
	{
		Oid oid = subset->keys[i].oid;

		switch (subset->keys[i].classid)
		{
			case RelationRelationId:
				expand_relation(snap, oid);
				break;
			case StatisticExtRelationId:
				sd_scan_index(snap, StatisticExtRelationId, StatisticExtOidIndexId, 1,
							  statistic_key, &oid, add_table, subset);
				break;
			case TypeRelationId:
				sd_scan_index(snap, TypeRelationId, TypeOidIndexId, 1, type_key, &oid, add_row_type,
							  subset);
				break;
			default:
				break;
		}
	}
}
