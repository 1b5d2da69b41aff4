/*
 * sd_facts.c
 *	  What the catalog says of a table's indexes, constraints and columns.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_dependents.h"
#include "sd_facts.h"

/* What is known of a table, kept as long as the analysis. */
typedef struct TableFacts
{
	Oid table;
	bool has_indexes;
	bool has_constraints;
	List *indexes;	   /* SdIndexFacts */
	List *constraints; /* SdConstraintFacts */
} TableFacts;

/* facts_of returns the place for what is known of a table. */
static TableFacts *
facts_of(SdAnalysis *analysis, Oid table)
{
	TableFacts *facts = analysis->last_facts;
	bool found;

	/* a statement is mostly about one table */
	if (facts != NULL && facts->table == table)
		return facts;
	if (analysis->facts == NULL)
	{
		HASHCTL options = { .keysize = sizeof(Oid),
							.entrysize = sizeof(TableFacts),
							.hcxt = analysis->context };

		analysis->facts =
			hash_create("safedeploy facts", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	facts = hash_search(analysis->facts, &table, HASH_ENTER, &found);
	if (!found)
		*facts = (TableFacts){ .table = table };
	analysis->last_facts = facts;
	return facts;
}

/* A default operator class: the server finds it by reading all classes of the access method. */
typedef struct DefaultClass
{
	Oid type;
	Oid method;
	Oid class;
} DefaultClass;

/* default_class is GetDefaultOpClass(), asked once for each type. */
static Oid
default_class(SdAnalysis *analysis, Oid type, Oid method)
{
	MemoryContext old;
	DefaultClass *entry;
	ListCell *cell;

	if (analysis == NULL)
		return GetDefaultOpClass(type, method);
	foreach (cell, analysis->classes)
	{
		entry = lfirst(cell);
		if (entry->type == type && entry->method == method)
			return entry->class;
	}
	old = MemoryContextSwitchTo(analysis->context);
	entry = palloc(sizeof(*entry));
	*entry = (DefaultClass){ type, method, GetDefaultOpClass(type, method) };
	analysis->classes = lappend(analysis->classes, entry);
	MemoryContextSwitchTo(old);
	return entry->class;
}

/* is_plain tells whether all keys of an index are sorted the way their types usually are. */
static bool
is_plain(SdAnalysis *analysis, HeapTuple tuple, Form_pg_index form, Oid method)
{
	bool isnull;
	oidvector *classes;
	oidvector *collations;

	classes = (oidvector *) DatumGetPointer(
		SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &isnull));
	collations = (oidvector *) DatumGetPointer(
		SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indcollation, &isnull));
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		int2vector *options = (int2vector *) DatumGetPointer(
			SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indoption, &isnull));
		Oid type;
		int32 typmod;
		Oid collation;

		if (form->indkey.values[i] == 0)
			return false;
		get_atttypetypmodcoll(form->indrelid, form->indkey.values[i], &type, &typmod, &collation);
		if (options->values[i] != 0 || collations->values[i] != collation ||
			classes->values[i] != default_class(analysis, type, method))
			return false;
	}
	return true;
}

/* index_facts is sd_fact_index, where an analysis may remember what it has asked. */
static SdIndexFacts *
index_facts(SdAnalysis *analysis, Oid index)
{
	HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	HeapTuple class = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	SdIndexFacts *facts = NULL;

	if (HeapTupleIsValid(tuple) && HeapTupleIsValid(class))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		int16 *columns = palloc(form->indnkeyatts * sizeof(int16));

		memcpy(columns, form->indkey.values, form->indnkeyatts * sizeof(int16));
		facts = palloc0(sizeof(*facts));
		facts->oid = index;
		facts->table = form->indrelid;
		facts->method = ((Form_pg_class) GETSTRUCT(class))->relam;
		facts->partitioned = ((Form_pg_class) GETSTRUCT(class))->relkind == RELKIND_PARTITIONED_INDEX;
		facts->unique = form->indisunique;
		facts->primary = form->indisprimary;
		facts->valid = form->indisvalid;
		facts->deferrable = !form->indimmediate;
		facts->partial = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		facts->has_expressions = !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL);
		facts->plain = is_plain(analysis, tuple, form, facts->method);
		facts->nkeys = form->indnkeyatts;
		facts->columns = columns;
	}
	if (HeapTupleIsValid(class))
		ReleaseSysCache(class);
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return facts;
}

SdIndexFacts *
sd_fact_index(Oid index)
{
	return index_facts(NULL, index);
}

/* collect lists what "row" makes of the rows of a catalog that have a value in a column. */
static List *
collect(SdAnalysis *analysis, Oid catalog, Oid index, AttrNumber column, Oid value,
		void *(*row)(SdAnalysis *, HeapTuple, TupleDesc))
{
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		void *one = row(analysis, tuple, RelationGetDescr(relation));

		if (one != NULL)
			result = lappend(result, one);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

static void *
index_row(SdAnalysis *analysis, HeapTuple tuple, TupleDesc desc)
{
	return index_facts(analysis, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
}

List *
sd_fact_indexes(SdAnalysis *analysis, Oid table)
{
	TableFacts *facts = facts_of(analysis, table);

	if (!facts->has_indexes)
	{
		MemoryContext old = MemoryContextSwitchTo(analysis->context);

		facts->indexes = collect(analysis, IndexRelationId, IndexIndrelidIndexId,
								 Anum_pg_index_indrelid, table, index_row);
		facts->has_indexes = true;
		MemoryContextSwitchTo(old);
	}
	return facts->indexes;
}

/* constraint_row describes a row of pg_constraint. */
static void *
constraint_row(SdAnalysis *analysis, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	SdConstraintFacts *facts = palloc0(sizeof(*facts));
	bool isnull;
	Datum keys = heap_getattr(tuple, Anum_pg_constraint_conkey, desc, &isnull);

	facts->oid = form->oid;
	facts->name = pstrdup(NameStr(form->conname));
	facts->type = form->contype;
	facts->table = form->conrelid;
	facts->other = form->confrelid;
	facts->index = form->conindid;
	facts->parent = form->conparentid;
	facts->enforced = SD_FORM_IS_ENFORCED(form);
	if (!isnull)
	{
		ArrayType *array = DatumGetArrayTypeP(keys);

		for (int i = 0; i < ARR_DIMS(array)[0]; i++)
			facts->columns = lappend_int(facts->columns, ((int16 *) ARR_DATA_PTR(array))[i]);
	}
	return facts;
}

List *
sd_fact_constraints(SdAnalysis *analysis, Oid table)
{
	TableFacts *facts = facts_of(analysis, table);

	if (!facts->has_constraints)
	{
		MemoryContext old = MemoryContextSwitchTo(analysis->context);

		facts->constraints = collect(analysis, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
									 Anum_pg_constraint_conrelid, table, constraint_row);
		facts->has_constraints = true;
		MemoryContextSwitchTo(old);
	}
	return facts->constraints;
}

SdConstraintFacts *
sd_fact_constraint(SdAnalysis *analysis, Oid table, const char *name)
{
	ListCell *cell;

	foreach (cell, sd_fact_constraints(analysis, table))
	{
		SdConstraintFacts *facts = lfirst(cell);

		if (strcmp(facts->name, name) == 0)
			return facts;
	}
	return NULL;
}

static void *
referencing_row(SdAnalysis *analysis, HeapTuple tuple, TupleDesc desc)
{
	return ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN ?
			   constraint_row(analysis, tuple, desc) :
			   NULL;
}

List *
sd_fact_referencing(Oid table)
{
	/* no index leads from a table to the foreign keys that point at it; the server reads all too */
	return collect(NULL, ConstraintRelationId, InvalidOid, Anum_pg_constraint_confrelid, table,
				   referencing_row);
}

AttrNumber
sd_fact_column(SdAnalysis *analysis, const SdRelation *relation, const char *name)
{
	SdPart part = sd_scope_column(analysis->scope, relation, name);

	if (relation->presence != SD_EXISTS || part.presence != SD_EXISTS)
		return InvalidAttrNumber;
	return get_attnum(relation->oid, part.old_name);
}

List *
sd_fact_columns(SdAnalysis *analysis, const SdRelation *relation, List *names)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, names)
	{
		AttrNumber column = sd_fact_column(analysis, relation, strVal(lfirst(cell)));

		if (column == InvalidAttrNumber)
			return NIL;
		result = lappend_int(result, column);
	}
	return result;
}

SdColumnStats
sd_fact_stats(Oid table, AttrNumber column)
{
	SdColumnStats stats = { 0 };
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(column),
									  BoolGetDatum(false));
	Form_pg_statistic form;

	if (!HeapTupleIsValid(tuple))
		return stats;
	form = (Form_pg_statistic) GETSTRUCT(tuple);
	stats.known = true;
	stats.null_fraction = form->stanullfrac;
	/* a list of the most common values is kept only of values that the sample has twice */
	stats.repeats = form->stakind1 == STATISTIC_KIND_MCV || form->stakind2 == STATISTIC_KIND_MCV ||
					form->stakind3 == STATISTIC_KIND_MCV || form->stakind4 == STATISTIC_KIND_MCV ||
					form->stakind5 == STATISTIC_KIND_MCV;
	ReleaseSysCache(tuple);
	return stats;
}

List *
sd_fact_partition_key(Oid table)
{
	HeapTuple tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	Form_pg_partitioned_table form;
	List *result = NIL;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
		result = lappend_int(result, form->partattrs.values[i]);
	ReleaseSysCache(tuple);
	return result;
}

List *
sd_fact_children(Oid table)
{
	return list_delete_oid(find_all_inheritors(table, NoLock, NULL), table);
}

/* parent_row returns a row of pg_inherits. */
static void *
parent_row(SdAnalysis *analysis, HeapTuple tuple, TupleDesc desc)
{
	return memcpy(palloc(sizeof(FormData_pg_inherits)), GETSTRUCT(tuple),
				  sizeof(FormData_pg_inherits));
}

Oid
sd_fact_parent(Oid partition, bool *detaching)
{
	List *rows = collect(NULL, InheritsRelationId, InheritsRelidSeqnoIndexId,
						 Anum_pg_inherits_inhrelid, partition, parent_row);
	Form_pg_inherits row = rows == NIL ? NULL : linitial(rows);

	if (detaching != NULL)
		*detaching = row != NULL && SD_INHERITS_DETACHING(row);
	return row == NULL ? InvalidOid : row->inhparent;
}

bool
sd_fact_backs_constraint(List *constraints, Oid index)
{
	ListCell *cell;

	foreach (cell, constraints)
	{
		SdConstraintFacts *constraint = lfirst(cell);

		/* a foreign key names the index of the other table */
		if (constraint->index == index && constraint->type != CONSTRAINT_FOREIGN)
			return true;
	}
	return false;
}

bool
sd_fact_is_still_there(SdAnalysis *analysis, Oid relation)
{
	const char *schema = get_namespace_name(get_rel_namespace(relation));
	const char *name = get_rel_name(relation);
	SdRelation found;

	if (name == NULL)
		return false;
	found = sd_scope_relation_in(analysis->scope, schema, name);
	return found.presence == SD_EXISTS && found.oid == relation;
}

List *
sd_fact_indexes_using(Oid table, AttrNumber column)
{
	Relation depends = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	List *result = NIL;

	scan = sd_dependents_begin(depends, RelationRelationId, table, column);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		char relkind = form->classid == RelationRelationId ? get_rel_relkind(form->objid) : '\0';

		if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			result = list_append_unique_oid(result, form->objid);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return result;
}

List *
sd_fact_primary_key(SdAnalysis *analysis, Oid table)
{
	ListCell *cell;

	foreach (cell, sd_fact_constraints(analysis, table))
	{
		SdConstraintFacts *constraint = lfirst(cell);

		if (constraint->type == CONSTRAINT_PRIMARY)
			return constraint->columns;
	}
	return NIL;
}

/* Sequences of a table, or of one column of it. */
typedef struct OwnedSequences
{
	AttrNumber column; /* 0: of any */
	List *list;
} OwnedSequences;

static void
add_sequence(Form_pg_depend form, void *arg)
{
	OwnedSequences *owned = arg;

	if (form->classid == RelationRelationId && form->refobjsubid != 0 &&
		(owned->column == 0 || form->refobjsubid == owned->column) &&
		(form->deptype == DEPENDENCY_AUTO || form->deptype == DEPENDENCY_INTERNAL) &&
		get_rel_relkind(form->objid) == RELKIND_SEQUENCE)
		owned->list = lappend_oid(owned->list, form->objid);
}

List *
sd_fact_owned_sequences(Oid table, AttrNumber column)
{
	OwnedSequences owned = { .column = column };

	sd_each_dependent(RelationRelationId, table, add_sequence, &owned);
	return owned.list;
}
