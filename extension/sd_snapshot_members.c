/*
 * sd_snapshot_members.c
 *	  Objects that are there only because of another one: members of extensions,
 *	  and what the server makes along.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"

#include "sd_snapshot_int.h"

static void
add_member(HeapTuple tuple, void *arg)
{
	SdSnap *snap = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
	SdKey key = { form->classid, form->objid };

	if (form->deptype == DEPENDENCY_EXTENSION)
		(void) hash_search(snap->members, &key, HASH_ENTER, NULL);
}

static bool
load_extension_members(SdSnap *snap, HeapTuple tuple, TupleDesc desc)
{
	static const AttrNumber attnums[] = { Anum_pg_depend_refclassid, Anum_pg_depend_refobjid };
	Oid values[] = { ExtensionRelationId, ((Form_pg_extension) GETSTRUCT(tuple))->oid };

	sd_scan_index(snap, DependRelationId, DependReferenceIndexId, 2, attnums, values, add_member,
				  snap);
	return true;
}

/*
 * Members are found per extension: the whole of pg_depend is the largest catalog.
 * A walk over a subset asks for each object instead.
 */
void
sd_load_members(SdSnap *snap)
{
	snap->members = sd_hash(snap, "safedeploy members", sizeof(SdKey), sizeof(SdKey));
	sd_scan(snap, ExtensionRelationId, load_extension_members);
}

typedef struct DependencySearch
{
	char deptype;
	bool found;
} DependencySearch;

static void
compare_deptype(HeapTuple tuple, void *arg)
{
	DependencySearch *search = arg;

	search->found |= ((Form_pg_depend) GETSTRUCT(tuple))->deptype == search->deptype;
}

/* Whether an object depends on another one in that way. */
static bool
has_dependency(SdSnap *snap, Oid classid, Oid oid, char deptype)
{
	static const AttrNumber attnums[] = { Anum_pg_depend_classid, Anum_pg_depend_objid };
	Oid values[] = { classid, oid };
	DependencySearch search = { .deptype = deptype };

	sd_scan_index(snap, DependRelationId, DependDependerIndexId, 2, attnums, values,
				  compare_deptype, &search);
	return search.found;
}

bool
sd_is_member(SdSnap *snap, Oid classid, Oid oid)
{
	SdKey key = { classid, oid };

	if (snap->subset != NULL)
		return has_dependency(snap, classid, oid, DEPENDENCY_EXTENSION);
	return hash_search(snap->members, &key, HASH_FIND, NULL) != NULL;
}

bool
sd_is_internal(SdSnap *snap, Oid classid, Oid oid)
{
	return has_dependency(snap, classid, oid, DEPENDENCY_INTERNAL);
}
