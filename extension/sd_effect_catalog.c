/*
 * sd_effect_catalog.c
 *	  What the catalog says of relations that belong together: indexes,
 *	  partitions, children, sequences, foreign keys.
 *
 * Objects that the script has dropped are left out.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_effect.h"

char
sd_relkind(Oid relation)
{
	return get_rel_relkind(relation);
}

bool
sd_has_rows(char relkind)
{
	return relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW;
}

typedef void (*Collector)(HeapTuple tuple, void *arg);

/* collect calls back for each row of a catalog with an OID in a column; the index may be none. */
static void
collect(Oid catalog, Oid index, AttrNumber column, Oid value, Collector collector, void *arg)
{
	Relation rel = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		collector(tuple, arg);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* A list under construction. */
typedef struct Found
{
	SdEffectContext *context;
	List *list;
	AttrNumber attnum;
	bool referenced;
} Found;

/* add_relation appends a relation unless the script dropped it. */
static void
add_relation(Found *found, Oid relation)
{
	if (!sd_is_gone(found->context, RelationRelationId, relation))
		found->list = lappend_oid(found->list, relation);
}

static void
collect_index(HeapTuple tuple, void *arg)
{
	add_relation(arg, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
}

List *
sd_indexes(SdEffectContext *context, Oid table)
{
	Found found = { context };

	collect(IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, table, collect_index,
			&found);
	return found.list;
}

List *
sd_children(SdEffectContext *context, Oid relation)
{
	Found found = { context };
	ListCell *cell;

	if (!has_subclass(relation))
		return NIL;
	foreach (cell, find_inheritance_children(relation, NoLock))
		add_relation(&found, lfirst_oid(cell));
	return found.list;
}

List *
sd_family_tree(SdEffectContext *context, Oid relation)
{
	List *result = list_make1_oid(relation);

	/* the list grows while it is walked */
	for (int i = 0; i < list_length(result); i++)
		result = list_concat_unique_oid(result, sd_children(context, list_nth_oid(result, i)));
	return result;
}

static void
collect_parent(HeapTuple tuple, void *arg)
{
	add_relation(arg, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
}

List *
sd_parents(SdEffectContext *context, Oid relation)
{
	Found found = { context };

	collect(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, relation,
			collect_parent, &found);
	return found.list;
}

Oid
sd_default_partition(SdEffectContext *context, Oid table)
{
	Oid result = get_default_partition_oid(table);

	return OidIsValid(result) && sd_is_gone(context, RelationRelationId, result) ? InvalidOid :
																				   result;
}

static void
collect_sequence(HeapTuple tuple, void *arg)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
	Found *found = arg;

	if (form->refclassid == RelationRelationId && form->refobjsubid != 0 &&
		form->classid == RelationRelationId && form->objsubid == 0 &&
		(form->deptype == DEPENDENCY_AUTO || form->deptype == DEPENDENCY_INTERNAL) &&
		(found->attnum == 0 || form->refobjsubid == found->attnum) &&
		sd_relkind(form->objid) == RELKIND_SEQUENCE)
		add_relation(found, form->objid);
}

List *
sd_owned_sequences(SdEffectContext *context, Oid table, AttrNumber attnum)
{
	Found found = { context, NIL, attnum };
	Relation rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		collect_sequence(tuple, &found);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found.list;
}

static void
collect_foreign_key(HeapTuple tuple, void *arg)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	Found *found = arg;
	SdForeignKey *key;

	if (form->contype != CONSTRAINT_FOREIGN ||
		sd_is_gone(found->context, ConstraintRelationId, form->oid) ||
		sd_is_gone(found->context, RelationRelationId, form->conrelid) ||
		sd_is_gone(found->context, RelationRelationId, form->confrelid))
		return;
	key = palloc0(sizeof(SdForeignKey));
	key->oid = form->oid;
	key->from = form->conrelid;
	key->to = form->confrelid;
	key->parent = form->conparentid;
	key->valid = form->convalidated;
	key->name = pstrdup(NameStr(form->conname));
	key->on_delete = form->confdeltype;
	key->on_update = form->confupdtype;
	found->list = lappend(found->list, key);
}

List *
sd_foreign_keys(SdEffectContext *context, Oid table)
{
	Found found = { context };

	collect(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid,
			table, collect_foreign_key, &found);
	return found.list;
}

List *
sd_foreign_keys_to(SdEffectContext *context, Oid table)
{
	Found found = { context };

	/* the server has no index on the referenced table either */
	collect(ConstraintRelationId, InvalidOid, Anum_pg_constraint_confrelid, table,
			collect_foreign_key, &found);
	return found.list;
}
