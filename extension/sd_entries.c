/*
 * sd_entries.c
 *	  What a script has made, dropped and renamed so far, as it is stored.
 *
 * All changes are entries in one array, in the order of the script, and a hash
 * table leads from a name to the newest entry for it, which leads to the one
 * before.  So a rollback takes entries off the end, as the server does.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "sd_entries.h"

SdScope *
sd_scope_create(void)
{
	SdScope *scope = palloc0(sizeof(SdScope));

	scope->context = CurrentMemoryContext;
	scope->known = sd_known_create();
	return scope;
}

/* add_to_hash mixes a string and its end into a hash (FNV-1a). */
static inline uint64
add_to_hash(uint64 hash, const char *string)
{
	if (string != NULL)
	{
		for (int i = 0; string[i] != '\0'; i++)
			hash = (hash ^ (unsigned char) string[i]) * UINT64CONST(1099511628211);
	}
	return (hash ^ 0xff) * UINT64CONST(1099511628211);
}

static uint64
hash_key(SdEntryKind kind, const char *schema, const char *name, const char *part)
{
	uint64 hash = UINT64CONST(14695981039346656037) + kind;

	return add_to_hash(add_to_hash(add_to_hash(hash, schema), name), part);
}

/* same_name compares a name of an entry with one that may be NULL. */
static inline bool
same_name(const char *name, const char *string)
{
	return strcmp(name, string == NULL ? "" : string) == 0;
}

const char *
sd_entry_keep_name(SdScope *scope, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return "";
	return MemoryContextStrdup(scope->context, name);
}

/* find_slot returns the slot of a hash, or the free one where it belongs. */
static SdSlot *
find_slot(const SdScope *scope, uint64 hash)
{
	int mask = scope->nslots - 1;
	int i = (int) (hash ^ (hash >> 32)) & mask;

	while (scope->slots[i].used && scope->slots[i].hash != hash)
		i = (i + 1) & mask;
	return &scope->slots[i];
}

/* grow_slots makes room: at most half of the slots are used. */
static void
grow_slots(SdScope *scope)
{
	SdSlot *old = scope->slots;
	int nold = scope->nslots;

	scope->nslots = nold == 0 ? 32 : nold * 2;
	scope->slots = MemoryContextAllocExtended(scope->context, scope->nslots * sizeof(SdSlot),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < nold; i++)
		if (old[i].used)
			*find_slot(scope, old[i].hash) = old[i];
	if (old != NULL)
		pfree(old);
}

SdEntry *
sd_entry_find(SdScope *scope, SdEntryKind kind, const char *schema, const char *name, const char *part)
{
	SdSlot *slot;

	if (scope->count == 0 || !scope->has[kind])
		return NULL;
	slot = find_slot(scope, hash_key(kind, schema, name, part));
	for (int i = slot->used ? slot->newest : -1; i >= 0; i = scope->entries[i].before)
	{
		SdEntry *entry = &scope->entries[i];

		if (entry->key.kind == kind && same_name(entry->key.schema, schema) &&
			same_name(entry->key.name, name) && same_name(entry->key.part, part))
			return entry;
	}
	return NULL;
}

/* is_part tells whether entries of a kind are for parts of a table, which have a chain of their own. */
static inline bool
is_part(int kind)
{
	return kind == SD_ENTRY_COLUMN || kind == SD_ENTRY_CONSTRAINT;
}

/* part_from returns the first entry of a chain that is for a part of a table. */
static SdEntry *
part_from(SdScope *scope, SdEntryKind kind, const SdRelation *relation, int i)
{
	for (; i >= 0; i = scope->entries[i].sibling)
	{
		SdEntry *entry = &scope->entries[i];

		/* another table may have the same hash */
		if (entry->key.kind == kind && same_name(entry->key.schema, relation->schema) &&
			same_name(entry->key.name, relation->name))
			return entry;
	}
	return NULL;
}

SdEntry *
sd_entry_part(SdScope *scope, SdEntryKind kind, const SdRelation *relation)
{
	SdSlot *slot;

	if (scope->count == 0 || !scope->has[kind] || relation->schema == NULL)
		return NULL;
	slot = find_slot(scope, hash_key(SD_ENTRY_PARTS + kind, relation->schema, relation->name, NULL));
	return part_from(scope, kind, relation, slot->used ? slot->newest : -1);
}

SdEntry *
sd_entry_next_part(SdScope *scope, const SdRelation *relation, const SdEntry *entry)
{
	return part_from(scope, entry->key.kind, relation, entry->sibling);
}

/* touch_path notes that there are entries for relations in a schema. */
static void
touch_path(SdScope *scope, const char *schema)
{
	ListCell *cell;

	foreach (cell, scope->path)
	{
		SdPathMember *member = lfirst(cell);

		if (!member->touched && same_name(member->name, schema))
			member->touched = true;
	}
}

/* take_slot leads from a hash to the entry that is being added, and returns the one before. */
static int
take_slot(SdScope *scope, uint64 hash)
{
	SdSlot *slot;
	int before;

	if (scope->nused * 2 >= scope->nslots)
		grow_slots(scope);
	slot = find_slot(scope, hash);
	before = slot->used ? slot->newest : -1;
	scope->nused += !slot->used;
	slot->used = true;
	slot->hash = hash;
	slot->newest = scope->count;
	return before;
}

SdEntry *
sd_entry_add(SdScope *scope, SdEntryKind kind, const char *schema, const char *name,
			 const char *part, SdPresence presence, bool conditional)
{
	SdEntry *entry;

	if (scope->count == scope->allocated)
	{
		Size size;

		scope->allocated = scope->allocated == 0 ? 16 : scope->allocated * 2;
		size = scope->allocated * sizeof(SdEntry);
		if (scope->entries == NULL)
			scope->entries = MemoryContextAllocHuge(scope->context, size);
		else
			scope->entries = repalloc_huge(scope->entries, size);
	}
	entry = &scope->entries[scope->count];
	memset(entry, 0, sizeof(*entry));
	entry->key.kind = kind;
	scope->has[kind] = true;
	if (scope->kept_schema == NULL || !same_name(scope->kept_schema, schema))
		scope->kept_schema = sd_entry_keep_name(scope, schema);
	entry->key.schema = scope->kept_schema;
	entry->key.name = sd_entry_keep_name(scope, name);
	entry->key.part = sd_entry_keep_name(scope, part);
	entry->old_name = entry->not_null = "";
	entry->hash = hash_key(kind, schema, name, part);
	entry->presence = presence;
	entry->conditional = conditional;
	entry->before = take_slot(scope, entry->hash);
	if (is_part(kind))
		entry->sibling = take_slot(scope, hash_key(SD_ENTRY_PARTS + kind, schema, name, NULL));
	scope->count++;
	scope->relations += kind == SD_ENTRY_RELATION || kind == SD_ENTRY_SCHEMA;
	scope->schemas += kind == SD_ENTRY_SCHEMA;
	if (kind == SD_ENTRY_RELATION)
		touch_path(scope, schema);
	scope->nlast = scope->next_last = 0;
	return entry;
}

/* pop_entry takes back the newest entry of all. */
static void
pop_entry(SdScope *scope)
{
	SdEntry *entry = &scope->entries[--scope->count];

	find_slot(scope, entry->hash)->newest = entry->before;
	if (is_part(entry->key.kind))
		find_slot(scope, hash_key(SD_ENTRY_PARTS + entry->key.kind, entry->key.schema,
								  entry->key.name, NULL))
			->newest = entry->sibling;
	scope->relations -= entry->key.kind == SD_ENTRY_RELATION || entry->key.kind == SD_ENTRY_SCHEMA;
	scope->schemas -= entry->key.kind == SD_ENTRY_SCHEMA;
	scope->nlast = scope->next_last = 0;
}

void
sd_scope_commit(SdScope *scope)
{
	scope->committed = scope->count;
}

void
sd_scope_savepoint(SdScope *scope, const char *name)
{
	sd_entry_add(scope, SD_ENTRY_SAVEPOINT, NULL, name, NULL, SD_MADE, false);
}

void
sd_scope_release(SdScope *scope, const char *name)
{
	if (sd_entry_find(scope, SD_ENTRY_SAVEPOINT, NULL, name, NULL) != NULL)
		sd_entry_add(scope, SD_ENTRY_SAVEPOINT, NULL, name, NULL, SD_GONE, false);
}

void
sd_scope_rollback(SdScope *scope, const char *savepoint)
{
	int keep = scope->committed;

	if (savepoint != NULL)
	{
		SdEntry *entry = sd_entry_find(scope, SD_ENTRY_SAVEPOINT, NULL, savepoint, NULL);

		/* what the server would refuse changes nothing */
		if (entry == NULL || entry->presence != SD_MADE || entry - scope->entries < scope->committed)
			return;
		keep = entry - scope->entries + 1;
	}
	while (scope->count > keep)
		pop_entry(scope);
}
