/*
 * sd_effect_drop.c
 *	  Effects of DROP: everything that goes with an object, and what is locked
 *	  for it.
 *
 * The server follows pg_depend from what is named to what depends on it, and
 * from a part to the whole that it is a part of.  This walk does the same; it
 * does not stop at what only CASCADE drops, because without CASCADE there is
 * nothing like that, or the statement fails.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_dependents.h"
#include "sd_effect.h"

typedef struct Walk
{
	SdEffectContext *context;
	HTAB *seen;	  /* Seen */
	bool certain; /* that what is being walked to goes */
} Walk;

typedef struct Seen
{
	ObjectAddress object; /* hash key */
	bool certain;
} Seen;

static void drop_object(Walk *walk, ObjectAddress object, const ObjectAddress *from);
static void drop_dependent(Walk *walk, const ObjectAddress *dependent, const ObjectAddress *object);

/* fetch_object copies an object's row of its catalog; NULL when there is none. */
static HeapTuple
fetch_object(Oid class, Oid index, AttrNumber oid_column, Oid object)
{
	Relation catalog = table_open(class, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* lock_dropped_relation records the locks of the drop of a relation. */
static void
lock_dropped_relation(SdEffectContext *context, Oid relation)
{
	char relkind = sd_relkind(relation);

	sd_locks(context, relation, AccessExclusiveLock);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		sd_locks(context, IndexGetRelation(relation, true), AccessExclusiveLock);
	else if (get_rel_relispartition(relation))
	{
		Oid parent = sd_partition_parent(relation);

		sd_locks(context, parent, AccessExclusiveLock);
		if (OidIsValid(parent))
			sd_locks(context, sd_default_partition(context, parent), AccessExclusiveLock);
	}
}

Oid
sd_relation_of_part(const ObjectAddress *object)
{
	static const struct
	{
		Oid class;
		Oid index;
		AttrNumber oid;
		int offset; /* of the relation's OID in the row */
	} parts[] = {
		{ ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid,
		  offsetof(FormData_pg_constraint, conrelid) },
		{ TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid,
		  offsetof(FormData_pg_trigger, tgrelid) },
		{ RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid,
		  offsetof(FormData_pg_rewrite, ev_class) },
		{ PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid,
		  offsetof(FormData_pg_policy, polrelid) },
		{ AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid,
		  offsetof(FormData_pg_attrdef, adrelid) },
		{ StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid,
		  offsetof(FormData_pg_statistic_ext, stxrelid) },
	};

	for (int i = 0; i < lengthof(parts); i++)
	{
		HeapTuple tuple;

		if (parts[i].class != object->classId)
			continue;
		tuple = fetch_object(parts[i].class, parts[i].index, parts[i].oid, object->objectId);
		return HeapTupleIsValid(tuple) ? *(Oid *) ((char *) GETSTRUCT(tuple) + parts[i].offset) :
										 InvalidOid;
	}
	return InvalidOid;
}

/* lock_dropped records the locks that the drop of one object takes. */
static void
lock_dropped(SdEffectContext *context, const ObjectAddress *object)
{
	if (object->classId != RelationRelationId)
		sd_locks(context, sd_relation_of_part(object),
				 object->classId == StatisticExtRelationId ? SD_DROP_STATISTICS_LOCK :
															 AccessExclusiveLock);
	else if (object->objectSubId != 0)
		sd_locks(context, object->objectId, AccessExclusiveLock);
	else
		lock_dropped_relation(context, object->objectId);
}

/*
 * owner_of finds the whole that an object is a part of, which is dropped in its
 * place when a dependency leads to the part.
 */
static bool
owner_of(Walk *walk, const ObjectAddress *object, const ObjectAddress *from, ObjectAddress *owner)
{
	Relation depends;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	if (from == NULL || object->objectSubId != 0)
		return false;
	depends = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(depends, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress whole;

		if (form->deptype != DEPENDENCY_INTERNAL && form->deptype != DEPENDENCY_EXTENSION)
			continue;
		memset(&whole, 0, sizeof(whole));
		ObjectAddressSubSet(whole, form->refclassid, form->refobjid, 0);
		/* it was reached from its whole, or that is going already */
		if (hash_search(walk->seen, &whole, HASH_FIND, NULL) != NULL)
		{
			found = false;
			break;
		}
		*owner = whole;
		/* an identity sequence belongs to a column */
		owner->objectSubId = form->refobjsubid;
		found = hash_search(walk->seen, owner, HASH_FIND, NULL) == NULL;
		if (!found)
			break;
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return found;
}

/* drop_dependents follows what depends on an object. */
static void
drop_dependents(Walk *walk, const ObjectAddress *object)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	List *dependents = NIL;
	ListCell *cell;

	scan = sd_dependents_begin(depends, object->classId, object->objectId, object->objectSubId);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		/* a column that depends on another one of its table goes with the table */
		if (form->classid != object->classId || form->objid != object->objectId ||
			object->objectSubId != 0)
			dependents = sd_address(dependents, form->classid, form->objid, form->objsubid);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	foreach (cell, dependents)
		if (!sd_is_untied(walk->context, lfirst(cell), object))
			drop_dependent(walk, lfirst(cell), object);
	foreach (cell, sd_tied_to(walk->context, object))
		drop_dependent(walk, lfirst(cell), object);
}

static void
drop_dependent(Walk *walk, const ObjectAddress *dependent, const ObjectAddress *object)
{
	bool before = walk->certain;

	walk->certain = before && !sd_is_unsettled(walk->context, dependent);
	sd_effect_certain(walk->context, walk->certain);
	drop_object(walk, *dependent, object);
	walk->certain = before;
	sd_effect_certain(walk->context, before);
}

/* is_going tells whether an object was met, and is as certain to go as what leads to it now. */
static bool
is_going(Walk *walk, const ObjectAddress *object)
{
	Seen *seen = hash_search(walk->seen, object, HASH_FIND, NULL);

	return seen != NULL && (seen->certain || !walk->certain);
}

static void
drop_object(Walk *walk, ObjectAddress object, const ObjectAddress *from)
{
	ObjectAddress whole;
	Seen *seen;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (sd_is_gone(walk->context, object.classId, object.objectId) ||
		(object.classId == RelationRelationId &&
		 sd_is_column_gone(walk->context, object.objectId, object.objectSubId)))
		return;
	/* a column of a relation that goes */
	memset(&whole, 0, sizeof(whole));
	ObjectAddressSet(whole, object.classId, object.objectId);
	if ((object.objectSubId != 0 && is_going(walk, &whole)) || is_going(walk, &object))
		return;
	if (owner_of(walk, &object, from, &whole))
	{
		drop_object(walk, whole, &object);
		/* the whole takes its parts along */
		return;
	}
	seen = hash_search(walk->seen, &object, HASH_ENTER, NULL);
	seen->certain = walk->certain;
	lock_dropped(walk->context, &object);
	sd_reports_drop(walk->context, &object);
	drop_dependents(walk, &object);
}

/* mark_gone makes all that went unknown to the statements that follow. */
static void
mark_gone(Walk *walk)
{
	HASH_SEQ_STATUS status;
	Seen *seen;

	hash_seq_init(&status, walk->seen);
	while ((seen = hash_seq_search(&status)) != NULL)
		if (seen->certain)
			sd_drops(walk->context, &seen->object);
}

void
sd_effect_drop(SdEffectContext *context, List *objects)
{
	HASHCTL control = { 0 };
	Walk walk = { context };
	ListCell *cell;

	walk.certain = sd_effect_certain(context, true);
	sd_effect_certain(context, walk.certain);
	control.keysize = sizeof(ObjectAddress);
	control.entrysize = sizeof(Seen);
	control.hcxt = CurrentMemoryContext;
	walk.seen = hash_create("safedeploy drop", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach (cell, objects)
	{
		ObjectAddress object;

		/* padding is part of the key */
		memset(&object, 0, sizeof(object));
		object = *(ObjectAddress *) lfirst(cell);
		drop_object(&walk, object, NULL);
	}
	mark_gone(&walk);
	hash_destroy(walk.seen);
}

List *
sd_address(List *list, Oid class, Oid object, int32 part)
{
	return lappend(list, sd_make_address(class, object, part));
}

/* lock_named records the locks that DROP takes of what it names, before it looks any further. */
static void
lock_named(SdEffectContext *context, ObjectType type, Oid relation)
{
	/* an index that has partitions goes from all of them */
	if (type == OBJECT_INDEX && sd_relkind(relation) == RELKIND_PARTITIONED_INDEX)
		sd_locks_each(context, sd_family_tree(context, IndexGetRelation(relation, true)),
					  AccessExclusiveLock);
}

/* drop_index_concurrently lets reads and writes of the table go on. */
static void
drop_index_concurrently(SdEffectContext *context, Oid index)
{
	ObjectAddress address;

	sd_locks(context, IndexGetRelation(index, true), ShareUpdateExclusiveLock);
	/* when nobody uses it any more */
	sd_locks(context, index, AccessExclusiveLock);
	ObjectAddressSet(address, RelationRelationId, index);
	sd_reports_drop(context, &address);
	sd_drops(context, &address);
}

/* lock_table_of_made_index is for an index that the script itself has made of a table that was there. */
static void
lock_table_of_made_index(SdEffectContext *context, const DropStmt *stmt, Node *name)
{
	SdRelation index;

	if (stmt->removeType != OBJECT_INDEX)
		return;
	index = sd_scope_relation_list(context->scope, castNode(List, name));
	sd_locks(context, sd_table_of_made_index(context, &index),
			 stmt->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock);
}

/* lock_made_references records the tables that the script's own foreign keys lead to. */
static void
lock_made_references(SdEffectContext *context, const DropStmt *stmt, Node *name)
{
	SdRelation relation;
	ListCell *cell;

	if (stmt->removeType != OBJECT_TABLE)
		return;
	relation = sd_scope_relation_list(context->scope, castNode(List, name));
	foreach (cell, sd_made_references(context, &relation))
		(void) sd_locks_name(context, lfirst_node(RangeVar, cell), AccessExclusiveLock);
}

void
sd_effect_drop_statement(SdEffectContext *context, Node *statement)
{
	DropStmt *stmt = (DropStmt *) statement;
	List *objects = NIL;
	ListCell *cell;

	foreach (cell, stmt->objects)
	{
		ObjectAddress address = sd_resolve(context, stmt->removeType, lfirst(cell));

		lock_made_references(context, stmt, lfirst(cell));
		lock_table_of_made_index(context, stmt, lfirst(cell));
		if (!OidIsValid(address.objectId))
			continue;
		if (address.classId == RelationRelationId)
		{
			if (stmt->concurrent)
			{
				drop_index_concurrently(context, address.objectId);
				continue;
			}
			lock_named(context, stmt->removeType, address.objectId);
		}
		objects = sd_address(objects, address.classId, address.objectId, address.objectSubId);
	}
	sd_effect_drop(context, objects);
}

List *
sd_owned_now(SdEffectContext *context, Oid role)
{
	ObjectAddress owner;
	List *objects = NIL;
	ListCell *cell;

	ObjectAddressSet(owner, AuthIdRelationId, role);
	foreach (cell, sd_dependents_owned(role))
		if (!sd_is_untied(context, lfirst(cell), &owner))
			objects = lappend(objects, lfirst(cell));
	return list_concat(objects, sd_tied_to(context, &owner));
}

void
sd_effect_drop_owned(SdEffectContext *context, Node *statement)
{
	List *objects = NIL;
	ListCell *cell;

	foreach (cell, ((DropOwnedStmt *) statement)->roles)
	{
		Oid role = get_rolespec_oid(lfirst_node(RoleSpec, cell), true);

		if (OidIsValid(role))
			objects = list_concat(objects, sd_owned_now(context, role));
	}
	sd_effect_drop(context, objects);
}

void
sd_effect_reassign_owned(SdEffectContext *context, Node *statement)
{
	ReassignOwnedStmt *stmt = (ReassignOwnedStmt *) statement;
	Oid heir = get_rolespec_oid(stmt->newrole, true);
	ListCell *cell;
	ListCell *owned;

	foreach (cell, stmt->roles)
	{
		Oid role = get_rolespec_oid(lfirst_node(RoleSpec, cell), true);

		if (!OidIsValid(role))
			continue;
		foreach (owned, sd_owned_now(context, role))
		{
			ObjectAddress *object = lfirst(owned);

			sd_gives_to(context, object, heir);
			if (object->classId == RelationRelationId)
				sd_effect_change_owner(context, object->objectId, heir);
			else if (object->classId == TypeRelationId)
				sd_locks(context, get_typ_typrelid(object->objectId), AccessExclusiveLock);
		}
	}
}
