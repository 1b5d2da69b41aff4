/*
 * sd_keys.c
 *	  What a script does with keys, remembered from statement to statement.
 *
 * Names are kept as hashes: a script may make many thousands of indexes, and
 * only foreign keys ask for them.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_facts.h"
#include "sd_keys.h"

/* More columns than these of an index do not matter to any foreign key. */
#define KEY_COLUMNS 6

/* An index that the script makes. */
typedef struct MadeIndex
{
	uint64 table;
	uint32 columns[KEY_COLUMNS]; /* 0 behind the last one */
} MadeIndex;

/* A foreign key that may lack one. */
typedef struct OpenKey
{
	MadeIndex needs;
	SdRelation table;
	const char *columns; /* for people */
	const char *item;
	SdPlace place;
	int number;
	const char *inside;
} OpenKey;

struct SdKeys
{
	MadeIndex *indexes;
	int nindexes;
	int allocated;
	HTAB *tables; /* hashes of the tables that they are of, as far as looked at; NULL before that */
	int looked_at; /* indexes that are in it */
	List *open;	   /* OpenKey */
	List *locked;  /* OIDs: tables that foreign keys of the open transaction lock */
	HTAB *changed; /* names of tables whose rows are changed; NULL before the first */
	const char *last_changed;
	int told; /* the statement that was last said to write a table again which has made indexes */
	uint64 told_table;
};

/* keys_of returns the memory of an analysis. */
static struct SdKeys *
keys_of(SdAnalysis *analysis)
{
	if (analysis->keys == NULL)
		analysis->keys = MemoryContextAllocZero(analysis->context, sizeof(struct SdKeys));
	return analysis->keys;
}

/* hash_name hashes a name behind another hash (FNV-1a, which is fast for short ones). */
static uint64
hash_name(const char *name, uint64 seed)
{
	uint64 hash = UINT64CONST(14695981039346656037) ^ seed;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char) *name) * UINT64CONST(1099511628211);
	return hash ^ (hash >> 32);
}

/* describe makes the hashes of a table and the columns that an index begins with. */
static MadeIndex
describe(const char *schema, const char *table, List *columns)
{
	MadeIndex index = { .table = hash_name(table, schema != NULL ? hash_name(schema, 0) : 0) };
	int n = 0;
	ListCell *cell;

	foreach (cell, columns)
	{
		if (n == KEY_COLUMNS)
			break;
		index.columns[n++] = (uint32) hash_name(strVal(lfirst(cell)), 0) | 1;
	}
	return index;
}

void
sd_keys_index(SdAnalysis *analysis, const char *schema, const char *table, List *columns)
{
	struct SdKeys *keys = keys_of(analysis);

	if (keys->nindexes == keys->allocated)
	{
		keys->allocated = keys->allocated == 0 ? 64 : keys->allocated * 2;
		if (keys->indexes == NULL)
			keys->indexes =
				MemoryContextAllocHuge(analysis->context, keys->allocated * sizeof(MadeIndex));
		else
			keys->indexes = repalloc_huge(keys->indexes, keys->allocated * sizeof(MadeIndex));
	}
	keys->indexes[keys->nindexes++] = describe(schema, table, columns);
}

/* has_index tells whether the script has made an index of a table, which is given by its hash. */
static bool
has_index(SdAnalysis *analysis, uint64 table)
{
	struct SdKeys *keys = analysis->keys;

	if (keys == NULL || keys->nindexes == 0)
		return false;
	if (keys->tables == NULL)
	{
		HASHCTL options = { .keysize = sizeof(uint64),
							.entrysize = sizeof(uint64),
							.hcxt = analysis->context };

		keys->tables =
			hash_create("safedeploy indexes", 64, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	for (; keys->looked_at < keys->nindexes; keys->looked_at++)
		(void) hash_search(keys->tables, &keys->indexes[keys->looked_at].table, HASH_ENTER, NULL);
	return hash_search(keys->tables, &table, HASH_FIND, NULL) != NULL;
}

bool
sd_keys_has_index(SdAnalysis *analysis, const SdRelation *table)
{
	return has_index(analysis, describe(table->schema, table->name, NIL).table);
}

/* in_catalog tells whether a valid index without a condition begins with these columns, in any order. */
static bool
in_catalog(SdAnalysis *analysis, Oid table, List *columns)
{
	ListCell *cell;

	foreach (cell, sd_fact_indexes(analysis, table))
	{
		SdIndexFacts *index = lfirst(cell);
		int n = list_length(columns);
		int found = 0;

		for (int i = 0; i < Min(n, index->nkeys); i++)
			found += list_member_int(columns, index->columns[i]);
		if (found == n && index->valid && !index->partial)
			return true;
	}
	return false;
}

void
sd_keys_foreign(SdAnalysis *analysis, const SdRelation *table, List *columns,
				const Constraint *constraint)
{
	struct SdKeys *keys = keys_of(analysis);
	List *numbers = sd_fact_columns(analysis, table, columns);
	MemoryContext old;
	OpenKey *key;

	if (table->persistence == RELPERSISTENCE_TEMP || list_length(columns) > KEY_COLUMNS ||
		(numbers != NIL && in_catalog(analysis, table->oid, numbers)))
		return;
	old = MemoryContextSwitchTo(analysis->context);
	key = palloc0(sizeof(*key));
	key->needs = describe(table->schema, table->name, columns);
	key->table = *table;
	key->table.name = pstrdup(table->name);
	key->table.schema = table->schema != NULL ? pstrdup(table->schema) : NULL;
	key->columns = pstrdup(sd_hint_columns(columns));
	key->item = pstrdup(sd_hint_item(NULL, table->name, strVal(linitial(columns)), "idx"));
	key->place = sd_place(analysis, constraint->location);
	key->number = analysis->number;
	key->inside = analysis->inside != NULL ? pstrdup(analysis->inside) : NULL;
	keys->open = lappend(keys->open, key);
	MemoryContextSwitchTo(old);
}

Oid
sd_keys_locked(SdAnalysis *analysis, Oid table)
{
	struct SdKeys *keys = keys_of(analysis);
	MemoryContext old;

	if (list_member_oid(keys->locked, table))
		return InvalidOid;
	old = MemoryContextSwitchTo(analysis->context);
	keys->locked = lappend_oid(keys->locked, table);
	MemoryContextSwitchTo(old);
	return list_length(keys->locked) > 1 ? linitial_oid(keys->locked) : InvalidOid;
}

void
sd_keys_end_transaction(SdAnalysis *analysis)
{
	if (analysis->keys == NULL || analysis->keys->locked == NIL)
		return;
	list_free(analysis->keys->locked);
	analysis->keys->locked = NIL;
}

void
sd_keys_note_change(SdAnalysis *analysis, const char *table)
{
	struct SdKeys *keys = keys_of(analysis);

	/* a script that fills a table does so many times in a row */
	if (keys->last_changed != NULL && strcmp(keys->last_changed, table) == 0)
		return;
	if (keys->changed == NULL)
	{
		HASHCTL options = { .keysize = NAMEDATALEN,
							.entrysize = NAMEDATALEN,
							.hcxt = analysis->context };

		keys->changed =
			hash_create("safedeploy changed", 64, &options, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	keys->last_changed = hash_search(keys->changed, table, HASH_ENTER, NULL);
}

bool
sd_keys_changed(SdAnalysis *analysis, const SdRelation *table)
{
	return analysis->keys != NULL && analysis->keys->changed != NULL &&
		   hash_search(analysis->keys->changed, table->name, HASH_FIND, NULL) != NULL;
}

void
sd_keys_rewritten(SdAnalysis *analysis, const SdFinding *rewrite)
{
	SdFinding finding;
	uint64 table = describe(rewrite->schema, rewrite->relation, NIL).table;

	if (!has_index(analysis, table))
		return;
	/* several findings may be about one rewrite */
	if (analysis->keys->told == analysis->number && analysis->keys->told_table == table)
		return;
	analysis->keys->told = analysis->number;
	analysis->keys->told_table = table;
	finding = sd_finding(analysis, SD_RULE_BUILD_THEN_REWRITE, NULL);
	finding.about = rewrite->target;
	finding.object = finding.names.table = rewrite->names.table;
	finding.size = rewrite->size;
	finding.message = psprintf("the script has built an index of %s before, which is now built again",
							   finding.object);
	sd_report_blocking(analysis, &finding);
}

static int
compare_tables(const void *a, const void *b)
{
	uint64 left = ((const MadeIndex *) a)->table;
	uint64 right = ((const MadeIndex *) b)->table;

	return left < right ? -1 : left > right;
}

/* begins_with tells whether an index begins with all columns of a key, in any order. */
static bool
begins_with(const MadeIndex *index, const MadeIndex *key)
{
	int n = 0;

	while (n < KEY_COLUMNS && key->columns[n] != 0)
		n++;
	for (int i = 0; i < n; i++)
	{
		bool found = false;

		for (int j = 0; j < n; j++)
			found |= index->columns[j] == key->columns[i];
		if (!found)
			return false;
	}
	return true;
}

/* is_made tells whether the script makes the index that a key needs. */
static bool
is_made(const struct SdKeys *keys, const MadeIndex *key)
{
	int low = 0;
	int high = keys->nindexes;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (keys->indexes[middle].table < key->table)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < keys->nindexes && keys->indexes[low].table == key->table; low++)
		if (begins_with(&keys->indexes[low], key))
			return true;
	return false;
}

/* report_open reports one foreign key without an index, at its place. */
static void
report_open(SdAnalysis *analysis, OpenKey *key)
{
	SdFinding finding;

	analysis->number = key->number;
	analysis->inside = key->inside;
	finding = sd_finding(analysis, SD_RULE_FK_MISSING_INDEX, &key->table);
	finding.place = &key->place;
	finding.names.columns = key->columns;
	finding.names.item = key->item;
	finding.message =
		psprintf("no index of %s begins with %s, the column%s of a foreign key", finding.object,
				 key->columns, strchr(key->columns, ',') != NULL ? "s" : "");
	finding.detail = "Each DELETE and each change of the key in the referenced table reads all of "
					 "this one, under locks.";
	sd_report(analysis, &finding);
}

void
sd_keys_finish(SdAnalysis *analysis)
{
	struct SdKeys *keys = analysis->keys;
	ListCell *cell;

	if (keys == NULL || keys->open == NIL)
		return;
	if (keys->nindexes > 0)
		qsort(keys->indexes, keys->nindexes, sizeof(MadeIndex), compare_tables);
	foreach (cell, keys->open)
	{
		OpenKey *key = lfirst(cell);
		SdRelation now = sd_scope_relation_in(analysis->scope, key->table.schema, key->table.name);

		if ((now.presence == SD_MADE || now.presence == SD_EXISTS) && !is_made(keys, &key->needs))
			report_open(analysis, key);
	}
}
