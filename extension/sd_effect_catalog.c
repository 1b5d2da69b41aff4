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
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_effect.h"
#include "sd_facts.h"
#include "sd_size.h"

char
sd_relkind(Oid relation)
{
	return get_rel_relkind(relation);
}

Oid
sd_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
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
	Oid rule; /* or default */
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
collect_typed(HeapTuple tuple, void *arg)
{
	add_relation(arg, ((Form_pg_class) GETSTRUCT(tuple))->oid);
}

List *
sd_typed_tables(SdEffectContext *context, Oid composite)
{
	Found found = { context };

	if (OidIsValid(composite))
		collect(RelationRelationId, InvalidOid, Anum_pg_class_reloftype, get_rel_type_id(composite),
				collect_typed, &found);
	return found.list;
}

bool
sd_has_data(SdEffectContext *context, Oid table)
{
	return OidIsValid(table) && sd_relation_size(context->analysis->sizes, table).bytes != 0;
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

List *
sd_owned_sequences(SdEffectContext *context, Oid table, AttrNumber attnum)
{
	Found found = { context };
	ListCell *cell;

	foreach (cell, sd_fact_owned_sequences(table, attnum))
		add_relation(&found, lfirst_oid(cell));
	return found.list;
}

/* columns_of lists the attribute numbers in an array of a constraint. */
static List *
columns_of(HeapTuple constraint, AttrNumber column)
{
	List *result = NIL;
	bool isnull;
	Datum datum = SysCacheGetAttr(CONSTROID, constraint, column, &isnull);
	ArrayType *array;

	if (isnull)
		return NIL;
	array = DatumGetArrayTypeP(datum);
	for (int i = 0; i < ARR_DIMS(array)[0]; i++)
		result = lappend_int(result, ((int16 *) ARR_DATA_PTR(array))[i]);
	return result;
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
	key->from_columns = columns_of(tuple, Anum_pg_constraint_conkey);
	key->to_columns = columns_of(tuple, Anum_pg_constraint_confkey);
	key->oid = form->oid;
	key->from = form->conrelid;
	key->to = form->confrelid;
	key->parent = form->conparentid;
	key->valid = form->convalidated;
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

bool
sd_is_identity(Oid table, AttrNumber attnum)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(attnum));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attidentity != '\0';
	ReleaseSysCache(tuple);
	return result;
}

List *
sd_identity_columns(Oid table)
{
	List *result = NIL;

	for (AttrNumber attnum = 1;; attnum++)
	{
		HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(attnum));
		Form_pg_attribute form;

		if (!HeapTupleIsValid(tuple))
			return result;
		form = (Form_pg_attribute) GETSTRUCT(tuple);
		if (!form->attisdropped && form->attidentity != '\0')
			result = lappend(result, makeString(pstrdup(NameStr(form->attname))));
		ReleaseSysCache(tuple);
	}
}

/* sequences_of adds the sequences that one column's default depends on. */
static List *
sequences_of(List *list, Oid attrdef, AttrNumber attnum)
{
	Relation rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AttrDefaultRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(attrdef));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId && sd_relkind(form->refobjid) == RELKIND_SEQUENCE)
		{
			SdDefaultSequence *sequence = palloc(sizeof(SdDefaultSequence));

			sequence->oid = form->refobjid;
			sequence->attnum = attnum;
			list = lappend(list, sequence);
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return list;
}

static void
collect_default_of(HeapTuple tuple, void *arg)
{
	Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);
	Found *found = arg;

	if (form->adnum == found->attnum)
		found->rule = form->oid;
}

Oid
sd_default_of(Oid table, AttrNumber attnum)
{
	Found found = { NULL, NIL, attnum };

	collect(AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, table,
			collect_default_of, &found);
	return found.rule;
}

static void
collect_default(HeapTuple tuple, void *arg)
{
	Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);
	Found *found = arg;

	found->list = sequences_of(found->list, form->oid, form->adnum);
}

List *
sd_default_sequences(SdEffectContext *context, Oid table)
{
	Found found = { context };
	ListCell *cell;

	collect(AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, table,
			collect_default, &found);
	/* an identity column has no default of its own */
	foreach (cell, sd_identity_columns(table))
	{
		AttrNumber attnum = get_attnum(table, strVal(lfirst(cell)));
		ListCell *member;

		foreach (member, sd_owned_sequences(context, table, attnum))
		{
			SdDefaultSequence *sequence = palloc(sizeof(SdDefaultSequence));

			sequence->oid = lfirst_oid(member);
			sequence->attnum = attnum;
			found.list = lappend(found.list, sequence);
		}
	}
	return found.list;
}

static void
collect_rule(HeapTuple tuple, void *arg)
{
	Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);
	Found *found = arg;

	if (strcmp(NameStr(form->rulename), "_RETURN") == 0)
		found->rule = form->oid;
}

List *
sd_view_relations(SdEffectContext *context, Oid view)
{
	Found found = { context };
	Relation rel;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	collect(RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, view,
			collect_rule, &found);
	if (!OidIsValid(found.rule))
		return NIL;
	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RewriteRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(found.rule));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId && form->refobjid != view &&
			!list_member_oid(found.list, form->refobjid))
			found.list = lappend_oid(found.list, form->refobjid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found.list;
}

List *
sd_relations_of_schema(Oid schema)
{
	Relation rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple;
	List *result = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId && form->relkind != RELKIND_TOASTVALUE &&
			form->relnamespace != PG_TOAST_NAMESPACE &&
			(!OidIsValid(schema) || form->relnamespace == schema))
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

List *
sd_tables_of_type(SdEffectContext *context, Oid type)
{
	Found found = { context };
	Relation rel = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;

	scan = sd_dependents_begin(rel, TypeRelationId, type, 0);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == TypeRelationId && get_typtype(form->objid) == TYPTYPE_DOMAIN)
			found.list = list_concat_unique_oid(found.list, sd_tables_of_type(context, form->objid));
		else if (form->classid == RelationRelationId && form->objsubid > 0 &&
				 get_atttype(form->objid, form->objsubid) == type &&
				 !list_member_oid(found.list, form->objid))
			add_relation(&found, form->objid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found.list;
}

bool
sd_domain_is_not_null(Oid domain)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_type) GETSTRUCT(tuple))->typnotnull;
	ReleaseSysCache(tuple);
	return result;
}

bool
sd_domain_constraint_is_valid(Oid domain, const char *name)
{
	Oid constraint = get_domain_constraint_oid(domain, name, true);
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
	ReleaseSysCache(tuple);
	return result;
}
