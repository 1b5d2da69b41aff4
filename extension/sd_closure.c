/*
 * sd_closure.c
 *	  What the server would drop along with an object.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"

#include "sd_closure.h"
#include "sd_dependents.h"

struct SdClosure
{
	HTAB *known;	/* of SdDropped */
	List *found;	/* of SdDropped, in order; the entries of the table stay where they are */
	List *unlooked; /* those whose dependants have not been looked for */
};

SdClosure *
sd_closure_create(void)
{
	SdClosure *closure = palloc0(sizeof(SdClosure));
	HASHCTL control = { 0 };

	control.keysize = sizeof(ObjectAddress);
	control.entrysize = sizeof(SdDropped);
	control.hcxt = CurrentMemoryContext;
	closure->known =
		hash_create("safedeploy closure", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return closure;
}

static SdDropped *
lookup(const SdClosure *closure, const ObjectAddress *object)
{
	return hash_search(closure->known, object, HASH_FIND, NULL);
}

bool
sd_closure_has(const SdClosure *closure, const ObjectAddress *object)
{
	ObjectAddress whole = *object;

	whole.objectSubId = 0;
	return lookup(closure, object) != NULL || lookup(closure, &whole) != NULL;
}

List *
sd_closure_objects(const SdClosure *closure)
{
	return closure->found;
}

/* put adds an object; what is there already may turn out to be a part, or to go with CASCADE. */
static void
put(SdClosure *closure, const ObjectAddress *object, SdDropReason reason, bool cascade)
{
	bool found;
	SdDropped *entry = hash_search(closure->known, object, HASH_ENTER, &found);

	if (!found)
	{
		entry->reason = reason;
		entry->cascade = cascade;
		closure->found = lappend(closure->found, entry);
		closure->unlooked = lappend(closure->unlooked, entry);
		return;
	}
	if (entry->reason == SD_DROP_CASCADED || reason == SD_DROP_NAMED)
		entry->reason = reason;
	if (cascade && !entry->cascade)
	{
		entry->cascade = true;
		closure->unlooked = lappend(closure->unlooked, entry);
	}
}

/*
 * owner_of finds what an object is an inner part or a member of, which goes in
 * its place when only a dependency leads to it: the view of a rule, the
 * constraint of an index, the extension of a function.
 */
static bool
owner_of(Relation depends, const ObjectAddress *object, ObjectAddress *owner)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(depends, DependDependerIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		/* an inner dependency of a column on its own table says nothing new */
		if ((form->deptype != DEPENDENCY_INTERNAL && form->deptype != DEPENDENCY_EXTENSION) ||
			form->objsubid != object->objectSubId ||
			(form->refclassid == object->classId && form->refobjid == object->objectId))
			continue;
		ObjectAddressSubSet(*owner, form->refclassid, form->refobjid, form->refobjsubid);
		found = true;
	}
	systable_endscan(scan);
	return found;
}

/* put_dependant adds an object that depends on one that goes, or what it belongs to. */
static void
put_dependant(SdClosure *closure, Relation depends, ObjectAddress object, bool part, bool cascade)
{
	ObjectAddress owner;

	if (part)
	{
		put(closure, &object, SD_DROP_PART, cascade);
		return;
	}
	/* the chain of owners is short and has an end; what goes already brings its parts itself */
	while (owner_of(depends, &object, &owner))
	{
		if (sd_closure_has(closure, &owner))
			return;
		object = owner;
	}
	put(closure, &object, SD_DROP_CASCADED, cascade);
}

/* look_at adds what depends on one object. */
static void
look_at(SdClosure *closure, Relation depends, const SdDropped *entry)
{
	ObjectAddress object = entry->object;
	bool cascade = entry->cascade;
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(depends, object.classId, object.objectId, object.objectSubId);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		bool part = form->deptype != DEPENDENCY_NORMAL;
		ObjectAddress dependant;

		ObjectAddressSubSet(dependant, form->classid, form->objid, form->objsubid);
		/* the columns of a table that goes are the table */
		if (object.objectSubId == 0 && form->classid == object.classId &&
			form->objid == object.objectId)
			continue;
		if (part || cascade)
			put_dependant(closure, depends, dependant, part, cascade);
	}
	systable_endscan(scan);
}

void
sd_closure_add(SdClosure *closure, const ObjectAddress *object, SdDropReason reason, bool cascade)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);

	put(closure, object, reason, cascade);
	while (closure->unlooked != NIL)
	{
		SdDropped *entry = llast(closure->unlooked);

		CHECK_FOR_INTERRUPTS();
		closure->unlooked = list_delete_last(closure->unlooked);
		look_at(closure, depends, entry);
	}
	table_close(depends, AccessShareLock);
}
