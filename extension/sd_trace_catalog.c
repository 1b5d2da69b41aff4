/*
 * sd_trace_catalog.c
 *	  Relations as they were when a statement began, beside what they are now.
 *
 * The statement's own transaction cannot lose the old rows of what it changes, so
 * a copy of the catalog's snapshot finds them without being registered.  That
 * matters: some statements commit in their midst, and would wait for, or complain
 * of, a registered one.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_trace_catalog.h"
#include "sd_whole.h"

struct SdBefore
{
	SnapshotData snapshot;
};

static TransactionId *
copy_xids(const TransactionId *xids, int count)
{
	TransactionId *copy;

	if (count <= 0)
		return NULL;
	copy = palloc(count * sizeof(TransactionId));
	memcpy(copy, xids, count * sizeof(TransactionId));
	return copy;
}

SdBefore *
sd_before_take(void)
{
	/* not the transaction's snapshot: its first use settles the isolation level */
	Snapshot now = GetCatalogSnapshot(RelationRelationId);
	SdBefore *before = palloc(sizeof(SdBefore));

	before->snapshot = *now;
	before->snapshot.xip = copy_xids(now->xip, now->xcnt);
	before->snapshot.subxip = copy_xids(now->subxip, now->subxcnt);
	before->snapshot.curcid = GetCurrentCommandId(false);
	before->snapshot.copied = true;
	before->snapshot.active_count = 0;
	before->snapshot.regd_count = 0;
	return before;
}

static void
read_relation(HeapTuple tuple, SdTraceRelation *result)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	result->relkind = form->relkind;
	result->filenode = form->relfilenode;
	result->tablespace = form->reltablespace;
	result->namespace = form->relnamespace;
	result->name = pstrdup(NameStr(form->relname));
}

/* old_row returns a copy of the row that a catalog had, or NULL. */
static HeapTuple
old_row(const SdBefore *before, Oid catalog, Oid index, AttrNumber column, Oid oid)
{
	Relation rel = table_open(catalog, AccessShareLock);
	SnapshotData snapshot = before->snapshot;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(rel, index, true, &snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple;
}

bool
sd_relation_before(const SdBefore *before, Oid relation, SdTraceRelation *result)
{
	HeapTuple tuple =
		old_row(before, RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, relation);

	if (!HeapTupleIsValid(tuple))
		return false;
	read_relation(tuple, result);
	return true;
}

bool
sd_type_before(const SdBefore *before, Oid type)
{
	return HeapTupleIsValid(old_row(before, TypeRelationId, TypeOidIndexId, Anum_pg_type_oid, type));
}

bool
sd_relation_now(Oid relation, SdTraceRelation *result)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	if (!HeapTupleIsValid(tuple))
		return false;
	read_relation(tuple, result);
	ReleaseSysCache(tuple);
	return true;
}

bool
sd_trace_is_ours(Oid oid, const SdTraceRelation *relation)
{
	if (oid < FirstNormalObjectId || IsCatalogNamespace(relation->namespace) ||
		IsToastNamespace(relation->namespace))
		return true;
	if (relation->namespace != get_namespace_oid("safedeploy", true))
		return false;
	if (relation->relkind == RELKIND_INDEX)
		oid = sd_index_table(oid);
	/* an index that is gone was one of ours: REINDEX puts another in its place */
	return !OidIsValid(oid) ||
		   getExtensionOfObject(RelationRelationId, oid) == get_extension_oid("safedeploy", true);
}

char *
sd_trace_relation_name(const SdBefore *before, const SdTraceRelation *relation)
{
	char *schema = get_namespace_name_or_temp(relation->namespace);

	if (before != NULL)
	{
		HeapTuple tuple = old_row(before, NamespaceRelationId, NamespaceOidIndexId,
								  Anum_pg_namespace_oid, relation->namespace);

		if (HeapTupleIsValid(tuple) && !isTempNamespace(relation->namespace))
			schema = NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname);
	}
	return quote_qualified_identifier(schema, relation->name);
}
