/*
 * sd_known.c
 *	  Relations of the catalog, kept from the first time that a script names
 *	  them, and the names that none has.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "sd_entries.h"
#include "sd_known.h"

/* A set of hashes, open addressing, of which at most half is used; 0 marks what is free. */
typedef struct HashSet
{
	uint32 *hashes;
	int size; /* a power of 2, or 0 */
	int used;
} HashSet;

struct SdKnown
{
	MemoryContext context;
	HashSet found;				 /* hashes of names and schemas, and in parallel: */
	SdKnownRelation **relations; /* the relation of each */
	const char *path;			 /* search_path that unqualified names were found under */
	const char *schema;			 /* the one that was found last: they repeat */
	Oid schema_oid;

	/*
	 * A look-up that finds nothing costs the server a search in an index, and
	 * leaves a trace in its cache.  So after as many as reading all of pg_class
	 * costs, it is read, and a name that it does not have is known to be free.
	 */
	int64 misses;
	int64 cost;	   /* of reading pg_class, in such misses; 0 when not known */
	bool complete; /* "taken" has the hashes of all names */
	HashSet taken;
};

/* Look-ups that find nothing before it is asked what reading pg_class costs. */
#define FREE_MISSES 16

SdKnown *
sd_known_create(void)
{
	SdKnown *known = palloc0(sizeof(SdKnown));

	known->context = CurrentMemoryContext;
	return known;
}

/* hash_name is never 0. */
static inline uint32
hash_name(Oid namespace, const char *name)
{
	uint32 hash = 2166136261u ^ namespace;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char) *name) * 16777619u;
	/* the low bits choose the slot */
	hash ^= hash >> 15;
	return hash == 0 ? 1 : hash;
}

/* slot_of returns the first slot of a hash, or the free one where it belongs. */
static inline int
slot_of(const HashSet *set, uint32 hash)
{
	int slot = hash & (set->size - 1);

	while (set->hashes[slot] != 0 && set->hashes[slot] != hash)
		slot = (slot + 1) & (set->size - 1);
	return slot;
}

/* make_set gives a set room for twice "count" hashes. */
static void
make_set(HashSet *set, MemoryContext context, int64 count)
{
	set->size = 64;
	while (set->size < count * 2)
		set->size *= 2;
	set->hashes = MemoryContextAllocExtended(context, set->size * sizeof(uint32),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	set->used = 0;
}

/* read_names reads the names of all relations. */
static void
read_names(SdKnown *known)
{
	Relation classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HashSet set;
	HeapTuple tuple;

	make_set(&set, known->context, 1024);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		uint32 hash = hash_name(InvalidOid, NameStr(((Form_pg_class) GETSTRUCT(tuple))->relname));
		int slot = slot_of(&set, hash);

		if (set.hashes[slot] == hash)
			continue;
		set.hashes[slot] = hash;
		if (++set.used * 2 > set.size)
		{
			HashSet old = set;

			make_set(&set, known->context, set.size);
			for (int i = 0; i < old.size; i++)
				if (old.hashes[i] != 0)
					set.hashes[slot_of(&set, old.hashes[i])] = old.hashes[i];
			set.used = old.used;
			pfree(old.hashes);
		}
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	known->taken = set;
	known->complete = true;
}

/* count_miss notes a look-up in vain, and reads all names when it would have paid. */
static void
count_miss(SdKnown *known)
{
	if (++known->misses < Max(FREE_MISSES, known->cost))
		return;
	if (known->cost == 0)
	{
		Relation classes = table_open(RelationRelationId, AccessShareLock);

		known->cost = RelationGetNumberOfBlocks(classes);
		table_close(classes, AccessShareLock);
	}
	if (known->misses >= known->cost)
		read_names(known);
}

/* remember adds a relation that was found. */
static SdKnownRelation *
remember(SdKnown *known, uint32 hash, Oid namespace, const char *name, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
	SdKnownRelation *relation;
	MemoryContext old;
	Form_pg_class form;
	int slot;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	old = MemoryContextSwitchTo(known->context);
	relation = palloc0(sizeof(*relation));
	relation->oid = oid;
	relation->namespace = namespace;
	relation->name = pstrdup(name);
	relation->relkind = form->relkind;
	relation->persistence = form->relpersistence;
	relation->is_partition = form->relispartition;
	relation->schema = isTempNamespace(form->relnamespace) ? SD_TEMP_SCHEMA :
															 get_namespace_name(form->relnamespace);
	relation->shown = sd_shown(&(SdRelation){ .schema = relation->schema, .name = relation->name });
	ReleaseSysCache(tuple);
	MemoryContextSwitchTo(old);

	if (known->found.used * 2 >= known->found.size)
	{
		HashSet before = known->found;
		SdKnownRelation **relations = known->relations;

		make_set(&known->found, known->context, before.size);
		known->relations =
			MemoryContextAllocZero(known->context, known->found.size * sizeof(*known->relations));
		for (int i = 0; i < before.size; i++)
		{
			if (before.hashes[i] == 0)
				continue;
			slot = slot_of(&known->found, before.hashes[i]);
			known->found.hashes[slot] = before.hashes[i];
			known->relations[slot] = relations[i];
		}
		known->found.used = before.used;
	}
	/* one of two with the same hash is kept, the other is looked up each time */
	slot = slot_of(&known->found, hash);
	known->found.used += known->found.hashes[slot] == 0;
	known->found.hashes[slot] = hash;
	known->relations[slot] = relation;
	return relation;
}

/* follow_path forgets what was found under another search_path. */
static void
follow_path(SdKnown *known)
{
	if (known->path != NULL && strcmp(known->path, namespace_search_path) == 0)
		return;
	known->path = MemoryContextStrdup(known->context, namespace_search_path);
	known->found.size = known->found.used = 0;
}

SdKnownRelation *
sd_known_relation(SdKnown *known, Oid namespace, const char *name)
{
	uint32 hash = hash_name(namespace, name);
	Oid oid;

	if (!OidIsValid(namespace))
		follow_path(known);
	if (known->found.size > 0)
	{
		int slot = slot_of(&known->found, hash);

		if (known->found.hashes[slot] == hash && known->relations[slot]->namespace == namespace &&
			strcmp(known->relations[slot]->name, name) == 0)
			return known->relations[slot];
	}
	if (known->complete)
	{
		uint32 plain = OidIsValid(namespace) ? hash_name(InvalidOid, name) : hash;

		if (known->taken.hashes[slot_of(&known->taken, plain)] != plain)
			return NULL;
	}
	oid = OidIsValid(namespace) ? get_relname_relid(name, namespace) : RelnameGetRelid(name);
	if (OidIsValid(oid))
		return remember(known, hash, namespace, name, oid);
	if (!known->complete)
		count_miss(known);
	return NULL;
}

/* read_columns reads the names of a relation's columns; those that all tables have are known. */
static void
read_columns(SdKnown *known, SdKnownRelation *relation)
{
	Relation attributes = table_open(AttributeRelationId, AccessShareLock);
	int room = 16;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	relation->columns = MemoryContextAlloc(known->context, room * sizeof(uint32));
	relation->ncolumns = 0;
	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation->oid));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTGreaterStrategyNumber, F_INT2GT,
				Int16GetDatum(0));
	scan = systable_beginscan(attributes, AttributeRelidNumIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (relation->ncolumns == room)
		{
			room *= 2;
			relation->columns = repalloc(relation->columns, room * sizeof(uint32));
		}
		relation->columns[relation->ncolumns++] =
			hash_name(InvalidOid, NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	}
	systable_endscan(scan);
	table_close(attributes, AccessShareLock);
}

bool
sd_known_column(SdKnown *known, SdKnownRelation *relation, const char *name)
{
	if (relation->columns != NULL)
	{
		uint32 hash = hash_name(InvalidOid, name);
		bool found = false;

		for (int i = 0; i < relation->ncolumns && !found; i++)
			found = relation->columns[i] == hash;
		if (!found && SystemAttributeByName(name) == NULL)
			return false;
	}
	if (SearchSysCacheExistsAttName(relation->oid, name))
		return true;
	/* reading all of them costs as much as two look-ups in vain */
	if (++relation->missed == 2 && relation->columns == NULL)
		read_columns(known, relation);
	return false;
}

Oid
sd_known_schema(SdKnown *known, const char *name)
{
	Oid oid;

	if (known->schema != NULL && strcmp(known->schema, name) == 0)
		return known->schema_oid;
	oid = LookupNamespaceNoError(name);
	if (OidIsValid(oid))
	{
		known->schema = MemoryContextStrdup(known->context, name);
		known->schema_oid = oid;
	}
	return oid;
}
