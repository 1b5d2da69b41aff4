/*
 * sd_scope.c
 *	  What names mean at a point of a script.
 *
 * All changes are entries in one array, in the order of the script, and a hash
 * table leads from a name to the newest entry for it, which leads to the one
 * before.  So a rollback takes entries off the end, as the server does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "sd_scope.h"

#define TEMP_SCHEMA "pg_temp"

typedef enum EntryKind
{
	ENTRY_RELATION,
	ENTRY_COLUMN,
	ENTRY_CONSTRAINT,
	ENTRY_SCHEMA,
	ENTRY_TYPE,
	ENTRY_ROUTINE,
	ENTRY_SAVEPOINT
} EntryKind;

typedef struct EntryKey
{
	int kind;
	NameData schema;
	NameData name;
	NameData part; /* column or constraint */
} EntryKey;

typedef struct Entry
{
	EntryKey key;
	int before;		  /* older entry for the same key, or -1 */
	bool conditional; /* counts only when the catalog has no such name */
	SdPresence presence;
	char relkind;
	Oid oid;			/* relation: the one of the catalog that has this name now */
	NameData old_name;	/* column: name in the catalog */
	NameData not_null;	/* constraint: the column it proves to be not null */
	bool valid;			/* constraint */
	SdRoutine *routine; /* routine */
} Entry;

typedef struct Newest
{
	EntryKey key;
	int entry;
} Newest;

struct SdScope
{
	MemoryContext context;
	Entry *entries;
	int count;
	int allocated;
	int committed; /* entries before this one cannot be rolled back */
	int relations; /* number of entries of kind ENTRY_RELATION and ENTRY_SCHEMA */
	HTAB *newest;
	char *path_text; /* search_path that "path" was made of */
	List *path;		 /* schema names, implicit ones included */
};

SdScope *
sd_scope_create(void)
{
	SdScope *scope = palloc0(sizeof(SdScope));
	HASHCTL control = { 0 };

	scope->context = CurrentMemoryContext;
	control.keysize = sizeof(EntryKey);
	control.entrysize = sizeof(Newest);
	control.hcxt = CurrentMemoryContext;
	scope->newest =
		hash_create("safedeploy scope", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return scope;
}

static EntryKey
make_key(EntryKind kind, const char *schema, const char *name, const char *part)
{
	EntryKey key;

	memset(&key, 0, sizeof(key));
	key.kind = kind;
	strlcpy(NameStr(key.schema), schema ? schema : "", NAMEDATALEN);
	strlcpy(NameStr(key.name), name ? name : "", NAMEDATALEN);
	strlcpy(NameStr(key.part), part ? part : "", NAMEDATALEN);
	return key;
}

/* find_entry returns the newest entry for a key, or NULL. */
static Entry *
find_entry(SdScope *scope, EntryKind kind, const char *schema, const char *name, const char *part)
{
	EntryKey key;
	Newest *newest;

	if (scope->count == 0)
		return NULL;
	key = make_key(kind, schema, name, part);
	newest = hash_search(scope->newest, &key, HASH_FIND, NULL);
	return newest == NULL || newest->entry < 0 ? NULL : &scope->entries[newest->entry];
}

/* add_entry appends an entry; the pointer is good until the next one is added. */
static Entry *
add_entry(SdScope *scope, EntryKind kind, const char *schema, const char *name, const char *part,
		  SdPresence presence, bool conditional)
{
	Entry *entry;
	Newest *newest;
	bool found;

	if (scope->count == scope->allocated)
	{
		Size size;

		scope->allocated = scope->allocated == 0 ? 64 : scope->allocated * 2;
		size = scope->allocated * sizeof(Entry);
		if (scope->entries == NULL)
			scope->entries = MemoryContextAllocHuge(scope->context, size);
		else
			scope->entries = repalloc_huge(scope->entries, size);
	}
	entry = &scope->entries[scope->count];
	memset(entry, 0, sizeof(*entry));
	entry->key = make_key(kind, schema, name, part);
	entry->presence = presence;
	entry->conditional = conditional;
	newest = hash_search(scope->newest, &entry->key, HASH_ENTER, &found);
	entry->before = found ? newest->entry : -1;
	newest->entry = scope->count++;
	if (kind == ENTRY_RELATION || kind == ENTRY_SCHEMA)
		scope->relations++;
	return entry;
}

/* pop_entry takes back the newest entry of all. */
static void
pop_entry(SdScope *scope)
{
	Entry *entry = &scope->entries[--scope->count];
	Newest *newest = hash_search(scope->newest, &entry->key, HASH_FIND, NULL);

	newest->entry = entry->before;
	if (entry->key.kind == ENTRY_RELATION || entry->key.kind == ENTRY_SCHEMA)
		scope->relations--;
}

void
sd_scope_commit(SdScope *scope)
{
	scope->committed = scope->count;
}

void
sd_scope_savepoint(SdScope *scope, const char *name)
{
	add_entry(scope, ENTRY_SAVEPOINT, NULL, name, NULL, SD_MADE, false);
}

void
sd_scope_release(SdScope *scope, const char *name)
{
	if (find_entry(scope, ENTRY_SAVEPOINT, NULL, name, NULL) != NULL)
		add_entry(scope, ENTRY_SAVEPOINT, NULL, name, NULL, SD_GONE, false);
}

void
sd_scope_rollback(SdScope *scope, const char *savepoint)
{
	int keep = scope->committed;

	if (savepoint != NULL)
	{
		Entry *entry = find_entry(scope, ENTRY_SAVEPOINT, NULL, savepoint, NULL);

		/* what the server would refuse changes nothing */
		if (entry == NULL || entry->presence != SD_MADE || entry - scope->entries < scope->committed)
			return;
		keep = entry - scope->entries + 1;
	}
	while (scope->count > keep)
		pop_entry(scope);
}

/* search_path returns the names of the schemas that are searched, in order. */
static List *
search_path(SdScope *scope)
{
	MemoryContext old;
	List *names = NIL;
	ListCell *cell;
	bool catalog = false;
	bool temp = false;

	if (scope->path_text != NULL && strcmp(scope->path_text, namespace_search_path) == 0)
		return scope->path;

	old = MemoryContextSwitchTo(scope->context);
	scope->path_text = pstrdup(namespace_search_path);
	scope->path = NIL;
	if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
		names = NIL;
	foreach (cell, names)
	{
		char *name = lfirst(cell);

		if (strcmp(name, "$user") == 0)
			name = GetUserNameFromId(GetUserId(), false);
		catalog |= strcmp(name, "pg_catalog") == 0;
		temp |= strcmp(name, TEMP_SCHEMA) == 0;
		scope->path = lappend(scope->path, name);
	}
	if (!catalog)
		scope->path = lcons("pg_catalog", scope->path);
	if (!temp)
		scope->path = lcons(TEMP_SCHEMA, scope->path);
	MemoryContextSwitchTo(old);
	return scope->path;
}

/* fill_from_catalog completes a relation whose OID is known. */
static void
fill_from_catalog(SdRelation *relation, Oid oid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	relation->presence = SD_EXISTS;
	relation->oid = oid;
	relation->relkind = form->relkind;
	relation->persistence = form->relpersistence;
	relation->is_partition = form->relispartition;
	if (relation->schema == NULL)
		relation->schema = isTempNamespace(form->relnamespace) ?
							   TEMP_SCHEMA :
							   get_namespace_name(form->relnamespace);
	ReleaseSysCache(tuple);
}

/* schema_oid returns the schema of the catalog that has a name now, holder being its entry. */
static Oid
schema_oid(const char *name, const Entry *holder)
{
	if (holder == NULL || holder->conditional)
		return LookupNamespaceNoError(name);
	return holder->presence == SD_EXISTS ? holder->oid : InvalidOid;
}

/*
 * look_in_schema resolves a name in one schema; false when that schema knows
 * nothing of it.
 */
static bool
look_in_schema(SdScope *scope, const char *schema, const char *name, SdRelation *relation)
{
	Entry *entry = find_entry(scope, ENTRY_RELATION, schema, name, NULL);
	Entry *holder = find_entry(scope, ENTRY_SCHEMA, NULL, schema, NULL);
	Oid namespace;
	Oid oid = InvalidOid;

	relation->schema = schema;
	/* a schema dropped by the script took its relations along */
	if (entry != NULL && holder != NULL && holder > entry && holder->presence == SD_GONE)
		entry = NULL;
	if (entry != NULL && !entry->conditional)
	{
		relation->presence = entry->presence;
		relation->relkind = entry->relkind;
		if (entry->presence == SD_EXISTS)
			fill_from_catalog(relation, entry->oid);
		return true;
	}
	namespace = schema_oid(schema, holder);
	if (OidIsValid(namespace))
		oid = get_relname_relid(name, namespace);
	if (OidIsValid(oid))
		fill_from_catalog(relation, oid);
	else if (entry != NULL)
	{
		relation->presence = entry->presence;
		relation->relkind = entry->relkind;
	}
	return OidIsValid(oid) || entry != NULL;
}

SdRelation
sd_scope_relation_in(SdScope *scope, const char *schema, const char *name)
{
	SdRelation relation = { 0 };

	relation.name = name;
	if (schema != NULL)
		look_in_schema(scope, schema, name, &relation);
	else if (scope->relations == 0)
	{
		/* nothing to mix in: the server's own search is the fast way */
		Oid oid = RelnameGetRelid(name);

		if (OidIsValid(oid))
			fill_from_catalog(&relation, oid);
	}
	else
	{
		SdRelation gone = { 0 };
		ListCell *cell;

		foreach (cell, search_path(scope))
		{
			memset(&relation, 0, sizeof(relation));
			relation.name = name;
			if (!look_in_schema(scope, lfirst(cell), name, &relation))
				continue;
			if (relation.presence != SD_GONE)
				break;
			gone = relation;
		}
		if (relation.presence != SD_MADE && relation.presence != SD_EXISTS)
		{
			relation = gone;
			relation.name = name;
		}
	}
	if (relation.schema == NULL || strcmp(relation.schema, TEMP_SCHEMA) == 0)
		relation.shown = quote_identifier(relation.name);
	else
		relation.shown = quote_qualified_identifier(relation.schema, relation.name);
	return relation;
}

SdRelation
sd_scope_relation(SdScope *scope, const RangeVar *name)
{
	return sd_scope_relation_in(scope, name->schemaname, name->relname);
}

SdRelation
sd_scope_relation_list(SdScope *scope, const List *names)
{
	int n = list_length(names);

	return sd_scope_relation_in(scope, n > 1 ? strVal(list_nth(names, n - 2)) : NULL,
								strVal(llast(names)));
}

const char *
sd_scope_creation_schema(SdScope *scope, const RangeVar *name)
{
	ListCell *cell;
	int implicit = 0;

	if (name->schemaname != NULL)
		return name->schemaname;
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return TEMP_SCHEMA;
	foreach (cell, search_path(scope))
	{
		const char *schema = lfirst(cell);
		SdPresence presence;

		/* the two that search_path() puts in front are searched, not created in */
		if (implicit < 2 && foreach_current_index(cell) == implicit &&
			(strcmp(schema, TEMP_SCHEMA) == 0 || strcmp(schema, "pg_catalog") == 0))
		{
			implicit++;
			continue;
		}
		presence = sd_scope_schema(scope, schema, NULL);
		if (presence == SD_MADE || presence == SD_EXISTS)
			return schema;
	}
	return NULL;
}

SdPresence
sd_scope_schema(SdScope *scope, const char *name, Oid *oid)
{
	Entry *entry = find_entry(scope, ENTRY_SCHEMA, NULL, name, NULL);
	Oid found = schema_oid(name, entry);

	if (oid != NULL)
		*oid = found;
	if (entry != NULL && !entry->conditional)
		return entry->presence;
	if (OidIsValid(found))
		return SD_EXISTS;
	return entry != NULL ? entry->presence : SD_MISSING;
}

/* part_entry finds the newest entry for a part, unless the table itself is newer. */
static Entry *
part_entry(SdScope *scope, EntryKind kind, const SdRelation *relation, const char *part)
{
	Entry *entry;
	Entry *table;

	if (scope->count == 0)
		return NULL;
	entry = find_entry(scope, kind, relation->schema, relation->name, part);
	if (entry == NULL)
		return NULL;
	table = find_entry(scope, ENTRY_RELATION, relation->schema, relation->name, NULL);
	return table != NULL && table > entry ? NULL : entry;
}

SdPart
sd_scope_column(SdScope *scope, const SdRelation *relation, const char *column)
{
	SdPart part = { .presence = SD_EXISTS, .old_name = column };
	Entry *entry = part_entry(scope, ENTRY_COLUMN, relation, column);

	if (entry != NULL && !entry->conditional)
	{
		part.presence = entry->presence;
		if (NameStr(entry->old_name)[0] != '\0')
			part.old_name = pstrdup(NameStr(entry->old_name));
	}
	return part;
}

SdPart
sd_scope_constraint(SdScope *scope, const SdRelation *relation, const char *name)
{
	SdPart part = { .presence = SD_EXISTS, .old_name = name };
	Entry *entry = part_entry(scope, ENTRY_CONSTRAINT, relation, name);

	if (entry != NULL && !entry->conditional)
	{
		part.presence = entry->presence;
		part.valid = entry->valid;
		part.not_null = pstrdup(NameStr(entry->not_null));
		part.same_transaction = entry - scope->entries >= scope->committed;
	}
	return part;
}

bool
sd_scope_proves_not_null(SdScope *scope, const SdRelation *relation, const char *column,
						 List *dropped_constraints)
{
	for (int i = scope->count - 1; i >= 0; i--)
	{
		Entry *entry = &scope->entries[i];
		bool dropped = false;
		ListCell *cell;

		if (entry->key.kind != ENTRY_CONSTRAINT || entry->presence != SD_MADE || !entry->valid ||
			entry->conditional || strcmp(NameStr(entry->not_null), column) != 0 ||
			relation->schema == NULL || strcmp(NameStr(entry->key.schema), relation->schema) != 0 ||
			strcmp(NameStr(entry->key.name), relation->name) != 0)
			continue;
		foreach (cell, dropped_constraints)
			dropped |= strcmp(lfirst(cell), NameStr(entry->key.part)) == 0;
		if (!dropped &&
			part_entry(scope, ENTRY_CONSTRAINT, relation, NameStr(entry->key.part)) == entry)
			return true;
	}
	return false;
}

void
sd_scope_changed_constraints(SdScope *scope, const SdRelation *relation, List **dropped,
							 List **validated)
{
	*dropped = *validated = NIL;
	if (relation->schema == NULL)
		return;
	for (int i = 0; i < scope->count; i++)
	{
		Entry *entry = &scope->entries[i];

		if (entry->key.kind != ENTRY_CONSTRAINT ||
			strcmp(NameStr(entry->key.schema), relation->schema) != 0 ||
			strcmp(NameStr(entry->key.name), relation->name) != 0 ||
			part_entry(scope, ENTRY_CONSTRAINT, relation, NameStr(entry->key.part)) != entry)
			continue;
		/* one made anew under an old name is not the catalog's either */
		if (entry->presence != SD_EXISTS)
			*dropped = lappend(*dropped, pstrdup(NameStr(entry->key.part)));
		else if (entry->valid)
			*validated = lappend(*validated, pstrdup(NameStr(entry->key.part)));
	}
}

/* type_in_schema is sd_scope_type for one schema. */
static SdPresence
type_in_schema(SdScope *scope, const char *schema, const char *name, Oid *oid)
{
	Entry *entry = find_entry(scope, ENTRY_TYPE, schema, name, NULL);
	Oid namespace;

	*oid = InvalidOid;
	if (entry != NULL && !entry->conditional)
		return entry->presence;
	namespace = schema_oid(schema, find_entry(scope, ENTRY_SCHEMA, NULL, schema, NULL));
	if (OidIsValid(namespace))
		*oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(namespace));
	if (OidIsValid(*oid))
		return SD_EXISTS;
	return entry != NULL ? entry->presence : SD_MISSING;
}

SdPresence
sd_scope_type(SdScope *scope, List *names, Oid *oid)
{
	const char *name = strVal(llast(names));
	SdPresence seen = SD_MISSING;
	ListCell *cell;

	if (list_length(names) > 1)
		return type_in_schema(scope, strVal(list_nth(names, list_length(names) - 2)), name, oid);
	foreach (cell, search_path(scope))
	{
		SdPresence presence = type_in_schema(scope, lfirst(cell), name, oid);

		if (presence == SD_MADE || presence == SD_EXISTS)
			return presence;
		if (presence == SD_GONE)
			seen = presence;
	}
	return seen;
}

const SdRoutine *
sd_scope_routine(SdScope *scope, const char *name)
{
	Entry *entry = find_entry(scope, ENTRY_ROUTINE, NULL, name, NULL);

	return entry == NULL ? NULL : entry->routine;
}

void
sd_scope_make_relation(SdScope *scope, const char *schema, const char *name, char relkind,
					   bool conditional)
{
	add_entry(scope, ENTRY_RELATION, schema, name, NULL, SD_MADE, conditional)->relkind = relkind;
}

void
sd_scope_drop_relation(SdScope *scope, const SdRelation *relation, bool conditional)
{
	if (!conditional && relation->schema != NULL)
		add_entry(scope, ENTRY_RELATION, relation->schema, relation->name, NULL, SD_GONE, false);
}

void
sd_scope_rename_relation(SdScope *scope, const SdRelation *relation, const char *schema,
						 const char *name, bool conditional)
{
	Entry *entry;

	if (relation->presence != SD_MADE && relation->presence != SD_EXISTS)
		return;
	sd_scope_drop_relation(scope, relation, conditional);
	entry = add_entry(scope, ENTRY_RELATION, schema, name, NULL, relation->presence, conditional);
	entry->relkind = relation->relkind;
	entry->oid = relation->oid;
}

void
sd_scope_make_column(SdScope *scope, const SdRelation *relation, const char *column, bool conditional)
{
	add_entry(scope, ENTRY_COLUMN, relation->schema, relation->name, column, SD_MADE, conditional);
}

void
sd_scope_drop_column(SdScope *scope, const SdRelation *relation, const char *column, bool conditional)
{
	if (!conditional)
		add_entry(scope, ENTRY_COLUMN, relation->schema, relation->name, column, SD_GONE, false);
}

void
sd_scope_rename_column(SdScope *scope, const SdRelation *relation, const char *column,
					   const char *new_name, bool conditional)
{
	SdPart part = sd_scope_column(scope, relation, column);
	Entry *entry;

	sd_scope_drop_column(scope, relation, column, conditional);
	entry = add_entry(scope, ENTRY_COLUMN, relation->schema, relation->name, new_name,
					  part.presence, conditional);
	strlcpy(NameStr(entry->old_name), part.old_name, NAMEDATALEN);
}

void
sd_scope_make_constraint(SdScope *scope, const SdRelation *relation, const char *name,
						 const char *not_null, bool valid, bool conditional)
{
	Entry *entry = add_entry(scope, ENTRY_CONSTRAINT, relation->schema, relation->name, name,
							 SD_MADE, conditional);

	strlcpy(NameStr(entry->not_null), not_null ? not_null : "", NAMEDATALEN);
	entry->valid = valid;
}

void
sd_scope_validate_constraint(SdScope *scope, const SdRelation *relation, const char *name,
							 bool conditional)
{
	SdPart part = sd_scope_constraint(scope, relation, name);
	Entry *entry;

	if (conditional)
		return;
	entry = add_entry(scope, ENTRY_CONSTRAINT, relation->schema, relation->name, name,
					  part.presence, false);
	strlcpy(NameStr(entry->not_null), part.not_null ? part.not_null : "", NAMEDATALEN);
	entry->valid = true;
}

void
sd_scope_drop_constraint(SdScope *scope, const SdRelation *relation, const char *name,
						 bool conditional)
{
	if (!conditional)
		add_entry(scope, ENTRY_CONSTRAINT, relation->schema, relation->name, name, SD_GONE, false);
}

void
sd_scope_make_schema(SdScope *scope, const char *name, bool conditional)
{
	add_entry(scope, ENTRY_SCHEMA, NULL, name, NULL, SD_MADE, conditional);
}

void
sd_scope_drop_schema(SdScope *scope, const char *name, bool conditional)
{
	if (!conditional)
		add_entry(scope, ENTRY_SCHEMA, NULL, name, NULL, SD_GONE, false);
}

void
sd_scope_rename_schema(SdScope *scope, const char *name, const char *new_name, bool conditional)
{
	Oid oid;
	SdPresence presence = sd_scope_schema(scope, name, &oid);
	Entry *entry;

	if (presence != SD_MADE && presence != SD_EXISTS)
		return;
	sd_scope_drop_schema(scope, name, conditional);
	entry = add_entry(scope, ENTRY_SCHEMA, NULL, new_name, NULL, presence, conditional);
	entry->oid = oid;
}

void
sd_scope_make_type(SdScope *scope, List *names, bool conditional)
{
	RangeVar name = { .type = T_RangeVar };

	if (list_length(names) > 1)
		name.schemaname = strVal(list_nth(names, list_length(names) - 2));
	add_entry(scope, ENTRY_TYPE, sd_scope_creation_schema(scope, &name), strVal(llast(names)), NULL,
			  SD_MADE, conditional);
}

void
sd_scope_drop_type(SdScope *scope, List *names, bool conditional)
{
	const char *name = strVal(llast(names));
	ListCell *cell;
	Oid oid;

	if (conditional)
		return;
	if (list_length(names) > 1)
	{
		add_entry(scope, ENTRY_TYPE, strVal(list_nth(names, list_length(names) - 2)), name, NULL,
				  SD_GONE, false);
		return;
	}
	foreach (cell, search_path(scope))
	{
		SdPresence presence = type_in_schema(scope, lfirst(cell), name, &oid);

		if (presence == SD_MADE || presence == SD_EXISTS)
		{
			add_entry(scope, ENTRY_TYPE, lfirst(cell), name, NULL, SD_GONE, false);
			return;
		}
	}
}

void
sd_scope_make_routine(SdScope *scope, const char *name, const SdRoutine *routine)
{
	MemoryContext old = MemoryContextSwitchTo(scope->context);
	SdRoutine *copy = palloc(sizeof(SdRoutine));

	copy->language = pstrdup(routine->language);
	copy->body = pstrdup(routine->body);
	MemoryContextSwitchTo(old);
	add_entry(scope, ENTRY_ROUTINE, NULL, name, NULL, SD_MADE, false)->routine = copy;
}
