/*
 * sd_whole.c
 *	  What an object is a part of, or goes without saying.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_index.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "rewrite/rewriteSupport.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_whole.h"

Oid
sd_index_table(Oid index)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Oid table = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		table = ((Form_pg_index) GETSTRUCT(tuple))->indrelid;
		ReleaseSysCache(tuple);
	}
	return table;
}

/* Parts of relations that have no cache: where their rows are, and what says to which they belong. */
static Oid
uncached_owner(const ObjectAddress *object, bool *hidden)
{
	Oid catalog = object->classId;
	Oid index = catalog == TriggerRelationId	 ? TriggerOidIndexId :
				catalog == PolicyRelationId		 ? PolicyOidIndexId :
				catalog == AttrDefaultRelationId ? AttrDefaultOidIndexId :
												   RewriteOidIndexId;
	AttrNumber column = catalog == TriggerRelationId	 ? Anum_pg_trigger_oid :
						catalog == PolicyRelationId		 ? Anum_pg_policy_oid :
						catalog == AttrDefaultRelationId ? Anum_pg_attrdef_oid :
														   Anum_pg_rewrite_oid;
	Relation rel = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner = InvalidOid;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		*hidden = true;
	else if (catalog == TriggerRelationId)
	{
		owner = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		*hidden = ((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal;
	}
	else if (catalog == PolicyRelationId)
		owner = ((Form_pg_policy) GETSTRUCT(tuple))->polrelid;
	else if (catalog == AttrDefaultRelationId)
		owner = ((Form_pg_attrdef) GETSTRUCT(tuple))->adrelid;
	else
	{
		owner = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
		*hidden =
			strcmp(NameStr(((Form_pg_rewrite) GETSTRUCT(tuple))->rulename), ViewSelectRuleName) == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}

/* The type of a relation and the array of any type come and go with what implies them. */
static bool
type_is_implied(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool implied;

	if (!HeapTupleIsValid(tuple))
		return true;
	implied = OidIsValid(((Form_pg_type) GETSTRUCT(tuple))->typrelid) ||
			  (OidIsValid(((Form_pg_type) GETSTRUCT(tuple))->typelem) &&
			   get_array_type(((Form_pg_type) GETSTRUCT(tuple))->typelem) == type);
	ReleaseSysCache(tuple);
	return implied;
}

static Oid
relation_owner(const ObjectAddress *object, bool *hidden)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(object->objectId));
	char relkind;

	if (!HeapTupleIsValid(tuple))
	{
		*hidden = true;
		return InvalidOid;
	}
	*hidden = IsToastNamespace(((Form_pg_class) GETSTRUCT(tuple))->relnamespace);
	relkind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	if (object->objectSubId != 0)
		return object->objectId;
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		return sd_index_table(object->objectId);
	return InvalidOid;
}

static Oid
constraint_owner(Oid constraint, bool *hidden)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid owner = InvalidOid;

	*hidden = !HeapTupleIsValid(tuple);
	if (!*hidden)
	{
		owner = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
		ReleaseSysCache(tuple);
	}
	return owner;
}

static Oid
statistics_owner(Oid statistics)
{
	HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* relation_of returns the relation that an object is a part of, or InvalidOid. */
static Oid
relation_of(const ObjectAddress *object, bool *hidden)
{
	switch (object->classId)
	{
		case RelationRelationId:
			return relation_owner(object, hidden);
		case ConstraintRelationId:
			return constraint_owner(object->objectId, hidden);
		case StatisticExtRelationId:
			return statistics_owner(object->objectId);
		case TriggerRelationId:
		case PolicyRelationId:
		case RewriteRelationId:
		case AttrDefaultRelationId:
			return uncached_owner(object, hidden);
		case TypeRelationId:
			*hidden = type_is_implied(object->objectId);
			return InvalidOid;
		default:
			return InvalidOid;
	}
}

bool
sd_whole_of(const ObjectAddress *object, ObjectAddress *whole, bool *hidden)
{
	Oid extension;
	Oid relation;

	*hidden = false;
	/* it is a key of hash tables */
	memset(whole, 0, sizeof(*whole));
	relation = relation_of(object, hidden);
	if (OidIsValid(relation))
		ObjectAddressSet(*whole, RelationRelationId, relation);
	else
	{
		extension = object->objectSubId != 0 ?
						InvalidOid :
						getExtensionOfObject(object->classId, object->objectId);
		if (OidIsValid(extension))
			ObjectAddressSet(*whole, ExtensionRelationId, extension);
	}
	return OidIsValid(whole->objectId);
}
