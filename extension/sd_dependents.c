/*
 * sd_dependents.c
 *	  What DROP takes along, and what stands in its way.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_shdepend.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"

#include "sd_dependents.h"
#include "sd_effect_ask.h"

ObjectAddress *
sd_make_address(Oid class, Oid object, int32 sub)
{
	ObjectAddress *address = palloc(sizeof(ObjectAddress));

	ObjectAddressSubSet(*address, class, object, sub);
	return address;
}

bool
sd_address_in(List *list, const ObjectAddress *object)
{
	ListCell *cell;

	foreach (cell, list)
	{
		const ObjectAddress *member = lfirst(cell);

		if (member->classId == object->classId && member->objectId == object->objectId &&
			(member->objectSubId == 0 || member->objectSubId == object->objectSubId))
			return true;
	}
	return false;
}

/* One walk through pg_depend. */
typedef struct Walk
{
	Relation depends;
	HTAB *seen;	 /* ObjectAddress of what is taken */
	List *queue; /* what is taken and not followed yet is at its end */
	List *blockers;
	bool cascade;
	SdAnalysis *analysis;
} Walk;

/* take adds an object to what goes, once. */
static void
take(Walk *walk, const ObjectAddress *object)
{
	bool found;

	(void) hash_search(walk->seen, object, HASH_ENTER, &found);
	if (!found)
		walk->queue = lappend(walk->queue, sd_make_address(object->classId, object->objectId,
														   object->objectSubId));
}

/* is_taken looks for an object, or the whole that it is a part of, among what goes. */
static bool
is_taken(Walk *walk, const ObjectAddress *object)
{
	ObjectAddress whole = { object->classId, object->objectId, 0 };

	return hash_search(walk->seen, object, HASH_FIND, NULL) != NULL ||
		   hash_search(walk->seen, &whole, HASH_FIND, NULL) != NULL;
}

/* references lists what an object depends on in one of the ways of "kinds". */
static List *
references(Relation depends, const ObjectAddress *object, const char *kinds)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(depends, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if ((object->objectSubId == 0 || form->objsubid == object->objectSubId) &&
			strchr(kinds, form->deptype) != NULL)
			result = lappend(result,
							 sd_make_address(form->refclassid, form->refobjid, form->refobjsubid));
	}
	systable_endscan(scan);
	return result;
}

/* owner_of returns what an object is an internal part of, or itself. */
static ObjectAddress
owner_of(Walk *walk, const ObjectAddress *object)
{
	List *owners = references(walk->depends, object, (char[]){ DEPENDENCY_INTERNAL, 0 });

	/* a column's own dependencies say nothing of what its table is a part of */
	if (owners == NIL || object->objectSubId != 0)
		return *object;
	return *(ObjectAddress *) linitial(owners);
}

/* follow looks at everything that depends on one object that goes. */
static void
follow(Walk *walk, const ObjectAddress *object)
{
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(walk->depends, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress dependent = { form->classid, form->objid, form->objsubid };
		ObjectAddress owner;

		if ((dependent.classId == object->classId && dependent.objectId == object->objectId) ||
			sd_ask_untied(walk->analysis, &dependent, object))
			continue;
		if (form->deptype != DEPENDENCY_NORMAL)
		{
			take(walk, &dependent);
			continue;
		}
		owner = owner_of(walk, &dependent);
		if (!walk->cascade)
			walk->blockers = lappend(walk->blockers, sd_make_address(owner.classId, owner.objectId,
																	 owner.objectSubId));
		else
		{
			take(walk, &owner);
			take(walk, &dependent);
		}
	}
	systable_endscan(scan);
}

SdDependents
sd_dependents(SdAnalysis *analysis, List *targets, bool cascade)
{
	HASHCTL options = { .keysize = sizeof(ObjectAddress),
						.entrysize = sizeof(ObjectAddress),
						.hcxt = CurrentMemoryContext };
	Walk walk = { .analysis = analysis, .cascade = cascade };
	SdDependents result = { 0 };
	ListCell *cell;

	walk.seen =
		hash_create("safedeploy dependents", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	walk.depends = table_open(DependRelationId, AccessShareLock);
	foreach (cell, targets)
		take(&walk, lfirst(cell));
	/* the list grows while it is walked */
	for (int i = 0; i < list_length(walk.queue); i++)
		follow(&walk, list_nth(walk.queue, i));
	foreach (cell, walk.blockers)
	{
		ObjectAddress *blocker = lfirst(cell);

		if (!is_taken(&walk, blocker) && !sd_address_in(result.blockers, blocker))
			result.blockers = lappend(result.blockers, blocker);
	}
	result.taken = walk.queue;
	table_close(walk.depends, AccessShareLock);
	hash_destroy(walk.seen);
	return result;
}

/* references_of is references() for a caller that has not opened pg_depend. */
static List *
references_of(const ObjectAddress *object, const char *kinds)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	List *result = references(depends, object, kinds);

	table_close(depends, AccessShareLock);
	return result;
}

List *
sd_dependents_hosts(const ObjectAddress *object)
{
	return references_of(object, (char[]){ DEPENDENCY_INTERNAL, DEPENDENCY_AUTO, 0 });
}

List *
sd_dependents_required_by(const ObjectAddress *object)
{
	/* what a column depends on is not what its table is a part of */
	if (object->objectSubId != 0)
		return NIL;
	return references_of(object, (char[]){ DEPENDENCY_INTERNAL, DEPENDENCY_EXTENSION,
										   DEPENDENCY_PARTITION_PRI, 0 });
}

List *
sd_dependents_uses(const ObjectAddress *object)
{
	return references_of(object, (char[]){ DEPENDENCY_NORMAL, DEPENDENCY_AUTO, 0 });
}

SysScanDesc
sd_dependents_begin(Relation depends, Oid class, Oid object, int32 column)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(column));
	return systable_beginscan(depends, DependReferenceIndexId, true, NULL, column != 0 ? 3 : 2, keys);
}

void
sd_each_dependent(Oid class, Oid object, void (*take)(Form_pg_depend form, void *arg), void *arg)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(depends, class, object, 0);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		take((Form_pg_depend) GETSTRUCT(tuple), arg);
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
}

static void
add_user(Form_pg_depend form, void *arg)
{
	List **users = arg;

	*users = lappend(*users, sd_make_address(form->classid, form->objid, form->objsubid));
}

List *
sd_dependents_users(const ObjectAddress *object)
{
	List *users = NIL;

	sd_each_dependent(object->classId, object->objectId, add_user, &users);
	return users;
}

List *
sd_dependents_owned(Oid role)
{
	Relation depends = table_open(SharedDependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(depends, SharedDependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);

		if (form->dbid == MyDatabaseId && form->deptype == SHARED_DEPENDENCY_OWNER)
			result = lappend(result, sd_make_address(form->classid, form->objid, form->objsubid));
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return result;
}
