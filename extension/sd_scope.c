/*
 * sd_scope.c
 *	  What names mean at a point of a script: the catalog, and on top of it what
 *	  the script itself has made, dropped and renamed so far.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "sd_entries.h"

/* add_to_path appends a schema to the path, in the scope's memory. */
static void
add_to_path(SdScope *scope, const char *name)
{
	SdPathMember *member = palloc(sizeof(SdPathMember));

	member->name = name;
	member->oid = LookupNamespaceNoError(name);
	member->touched = scope->relations > 0;
	scope->path = lappend(scope->path, member);
}

List *
sd_scope_search_path(SdScope *scope)
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
		catalog |= strcmp(lfirst(cell), "pg_catalog") == 0;
		temp |= strcmp(lfirst(cell), SD_TEMP_SCHEMA) == 0;
	}
	/* these two are searched first unless the path says where */
	if (!temp)
		add_to_path(scope, SD_TEMP_SCHEMA);
	if (!catalog)
		add_to_path(scope, "pg_catalog");
	scope->implicit = list_length(scope->path);
	foreach (cell, names)
	{
		const char *name = lfirst(cell);

		add_to_path(scope, strcmp(name, "$user") == 0 ? GetUserNameFromId(GetUserId(), false) : name);
	}
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
							   SD_TEMP_SCHEMA :
							   get_namespace_name(form->relnamespace);
	ReleaseSysCache(tuple);
}

/* fill_from_known completes a relation that the catalog has under its name; false when it has none. */
static bool
fill_from_known(SdScope *scope, SdRelation *relation, Oid namespace, const char *name)
{
	SdKnownRelation *known = sd_known_relation(scope->known, namespace, name);

	if (known == NULL)
		return false;
	relation->presence = SD_EXISTS;
	relation->oid = known->oid;
	relation->relkind = known->relkind;
	relation->persistence = known->persistence;
	relation->is_partition = known->is_partition;
	if (relation->schema == NULL)
		relation->schema = known->schema;
	/* a temporary schema has two names */
	if (strcmp(relation->schema, known->schema) == 0)
		relation->known = known;
	return true;
}

/* schema_oid returns the schema of the catalog that has a name now, holder being its entry. */
static Oid
schema_oid(SdScope *scope, const char *name, const SdEntry *holder)
{
	if (holder == NULL || holder->conditional)
		return sd_known_schema(scope->known, name);
	return holder->presence == SD_EXISTS ? holder->oid : InvalidOid;
}

/* fill_from_entry completes a relation with what the script did to it. */
static void
fill_from_entry(SdRelation *relation, const SdEntry *entry)
{
	relation->presence = entry->presence;
	relation->relkind = entry->relkind;
	relation->dropped = entry->dropped;
	if (entry->presence == SD_EXISTS)
		fill_from_catalog(relation, entry->oid);
}

/*
 * look_in_schema resolves a name in one schema, whose OID in the catalog is
 * "namespace"; false when that schema knows nothing of it.
 */
static bool
look_in_schema(SdScope *scope, const char *schema, Oid namespace, const char *name,
			   SdRelation *relation)
{
	SdEntry *entry = sd_entry_find(scope, SD_ENTRY_RELATION, schema, name, NULL);
	SdEntry *holder =
		scope->schemas == 0 ? NULL : sd_entry_find(scope, SD_ENTRY_SCHEMA, NULL, schema, NULL);

	relation->schema = schema;
	/* a schema dropped by the script took its relations along */
	if (entry != NULL && holder != NULL && holder > entry && holder->presence == SD_GONE)
		entry = NULL;
	if (entry != NULL && !entry->conditional)
	{
		fill_from_entry(relation, entry);
		return true;
	}
	if (holder != NULL)
	namespace = schema_oid(scope, schema, holder);
	if (OidIsValid(namespace) && fill_from_known(scope, relation, namespace, name))
		return true;
	if (entry == NULL)
		return false;
	fill_from_entry(relation, entry);
	return true;
}

/* resolve does the work of sd_scope_relation_in. */
static SdRelation
resolve(SdScope *scope, const char *schema, const char *name)
{
	SdRelation relation = { .name = name };
	SdRelation gone = { .name = name };
	ListCell *cell;

	if (schema != NULL)
	{
		look_in_schema(scope, schema, sd_known_schema(scope->known, schema), name, &relation);
		return relation;
	}
	if (scope->relations == 0)
	{
		/* the path is to know from the first one on which schemas the script makes relations in */
		(void) sd_scope_search_path(scope);
		/* nothing to mix in: the server's own search is the fast way */
		(void) fill_from_known(scope, &relation, InvalidOid, name);
		return relation;
	}
	foreach (cell, sd_scope_search_path(scope))
	{
		SdPathMember *member = lfirst(cell);

		/* what the script has not touched is what the catalog says; of its own it has "pg_" only */
		if (!member->touched && scope->schemas == 0 &&
			(!OidIsValid(member->oid) ||
			 (member->oid == PG_CATALOG_NAMESPACE && strncmp(name, "pg_", 3) != 0)))
			continue;
		memset(&relation, 0, sizeof(relation));
		relation.name = name;
		if (!look_in_schema(scope, member->name, member->oid, name, &relation))
			continue;
		if (relation.presence != SD_GONE)
			return relation;
		gone = relation;
	}
	return gone;
}

SdRelation
sd_scope_relation_in(SdScope *scope, const char *schema, const char *name)
{
	SdRelation relation;
	int slot;

	for (int i = 0; i < scope->nlast; i++)
	{
		const char *asked = scope->last_schema[i];

		if ((scope->last[i].name == name || strcmp(scope->last[i].name, name) == 0) &&
			(asked == schema || (schema != NULL && asked != NULL && strcmp(asked, schema) == 0)))
			return scope->last[i];
	}
	relation = resolve(scope, schema, name);
	slot = scope->next_last;
	scope->next_last = 1 - slot;
	scope->nlast = Max(scope->nlast, slot + 1);
	scope->last_schema[slot] = schema;
	scope->last[slot] = relation;
	return relation;
}

const char *
sd_shown(const SdRelation *relation)
{
	if (relation->known != NULL)
		return relation->known->shown;
	if (relation->schema == NULL || strcmp(relation->schema, SD_TEMP_SCHEMA) == 0)
		return quote_identifier(relation->name);
	return quote_qualified_identifier(relation->schema, relation->name);
}

void
sd_scope_forget(SdScope *scope)
{
	scope->nlast = scope->next_last = 0;
}

SdRelation
sd_scope_relation(SdScope *scope, const RangeVar *name)
{
	/* mostly it is the same piece of the tree that was asked for */
	for (int i = 0; i < scope->nlast; i++)
		if (scope->last[i].name == name->relname && scope->last_schema[i] == name->schemaname)
			return scope->last[i];
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
	List *path;

	if (name->schemaname != NULL)
		return name->schemaname;
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return SD_TEMP_SCHEMA;
	path = sd_scope_search_path(scope);
	/* the implicit ones are searched, not created in */
	for (int i = scope->implicit; i < list_length(path); i++)
	{
		SdPathMember *member = list_nth(path, i);
		SdPresence presence;

		if (scope->schemas == 0 && OidIsValid(member->oid))
			return member->name;
		if (scope->schemas == 0)
			continue;
		presence = sd_scope_schema(scope, member->name, NULL);
		if (presence == SD_MADE || presence == SD_EXISTS)
			return member->name;
	}
	return NULL;
}

SdPresence
sd_scope_schema(SdScope *scope, const char *name, Oid *oid)
{
	SdEntry *entry = sd_entry_find(scope, SD_ENTRY_SCHEMA, NULL, name, NULL);
	Oid found = schema_oid(scope, name, entry);

	if (oid != NULL)
		*oid = found;
	if (entry != NULL && !entry->conditional)
		return entry->presence;
	if (OidIsValid(found))
		return SD_EXISTS;
	return entry != NULL ? entry->presence : SD_MISSING;
}

SdEntry *
sd_scope_part_entry(SdScope *scope, SdEntryKind kind, const SdRelation *relation, const char *part)
{
	SdEntry *entry;
	SdEntry *table;

	if (scope->count == 0)
		return NULL;
	entry = sd_entry_find(scope, kind, relation->schema, relation->name, part);
	if (entry == NULL)
		return NULL;
	table = sd_entry_find(scope, SD_ENTRY_RELATION, relation->schema, relation->name, NULL);
	return table != NULL && table > entry ? NULL : entry;
}

bool
sd_scope_has_column(SdScope *scope, const SdRelation *relation, const char *name)
{
	if (relation->known != NULL)
		return sd_known_column(scope->known, relation->known, name);
	return SearchSysCacheExistsAttName(relation->oid, name);
}

SdPart
sd_scope_column(SdScope *scope, const SdRelation *relation, const char *column)
{
	SdPart part = { .presence = SD_EXISTS, .old_name = column };
	SdEntry *entry = sd_scope_part_entry(scope, SD_ENTRY_COLUMN, relation, column);

	if (entry != NULL && !entry->conditional)
	{
		part.presence = entry->presence;
		part.dropped = entry->dropped;
		if (entry->old_name[0] != '\0')
			part.old_name = entry->old_name;
	}
	return part;
}

SdPart
sd_scope_constraint(SdScope *scope, const SdRelation *relation, const char *name)
{
	SdPart part = { .presence = SD_EXISTS, .old_name = name };
	SdEntry *entry = sd_scope_part_entry(scope, SD_ENTRY_CONSTRAINT, relation, name);

	if (entry != NULL && !entry->conditional)
	{
		part.presence = entry->presence;
		part.valid = entry->valid;
		part.not_null = entry->not_null;
		part.same_transaction = entry - scope->entries >= scope->committed;
	}
	return part;
}

bool
sd_scope_proves_not_null(SdScope *scope, const SdRelation *relation, const char *column,
						 List *dropped_constraints)
{
	for (SdEntry *entry = sd_entry_part(scope, SD_ENTRY_CONSTRAINT, relation); entry != NULL;
		 entry = sd_entry_next_part(scope, relation, entry))
	{
		bool dropped = false;
		ListCell *cell;

		if (entry->presence != SD_MADE || !entry->valid || entry->conditional ||
			strcmp(entry->not_null, column) != 0)
			continue;
		foreach (cell, dropped_constraints)
			dropped |= strcmp(lfirst(cell), entry->key.part) == 0;
		if (!dropped &&
			sd_scope_part_entry(scope, SD_ENTRY_CONSTRAINT, relation, entry->key.part) == entry)
			return true;
	}
	return false;
}

bool
sd_scope_makes_valid(SdScope *scope, const SdRelation *relation)
{
	for (SdEntry *entry = sd_entry_part(scope, SD_ENTRY_CONSTRAINT, relation); entry != NULL;
		 entry = sd_entry_next_part(scope, relation, entry))
	{
		if (entry->presence == SD_MADE && entry->valid &&
			sd_scope_part_entry(scope, SD_ENTRY_CONSTRAINT, relation, entry->key.part) == entry)
			return true;
	}
	return false;
}

void
sd_scope_changed_constraints(SdScope *scope, const SdRelation *relation, List **dropped,
							 List **validated)
{
	*dropped = *validated = NIL;
	for (SdEntry *entry = sd_entry_part(scope, SD_ENTRY_CONSTRAINT, relation); entry != NULL;
		 entry = sd_entry_next_part(scope, relation, entry))
	{
		if (sd_scope_part_entry(scope, SD_ENTRY_CONSTRAINT, relation, entry->key.part) != entry)
			continue;
		/* one made anew under an old name is not the catalog's either */
		if (entry->presence != SD_EXISTS)
			*dropped = lappend(*dropped, pstrdup(entry->key.part));
		else if (entry->valid)
			*validated = lappend(*validated, pstrdup(entry->key.part));
	}
}

SdPresence
sd_scope_type_in_schema(SdScope *scope, const char *schema, const char *name, Oid *oid)
{
	SdEntry *entry = sd_entry_find(scope, SD_ENTRY_TYPE, schema, name, NULL);
	Oid namespace;

	*oid = InvalidOid;
	if (entry != NULL && !entry->conditional)
	{
		*oid = entry->oid;
		return entry->presence;
	}
	namespace = schema_oid(scope, schema, sd_entry_find(scope, SD_ENTRY_SCHEMA, NULL, schema, NULL));
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
		return sd_scope_type_in_schema(scope, strVal(list_nth(names, list_length(names) - 2)), name,
									   oid);
	foreach (cell, sd_scope_search_path(scope))
	{
		const char *schema = ((SdPathMember *) lfirst(cell))->name;
		SdPresence presence = sd_scope_type_in_schema(scope, schema, name, oid);

		if (presence == SD_MADE || presence == SD_EXISTS)
			return presence;
		if (presence == SD_GONE)
			seen = presence;
	}
	return seen;
}

static bool
made_plain_in_schema(SdScope *scope, const char *schema, const char *name)
{
	SdEntry *entry = sd_entry_find(scope, SD_ENTRY_TYPE, schema, name, NULL);

	return entry != NULL && !entry->conditional && entry->presence == SD_MADE && !entry->is_domain;
}

bool
sd_scope_made_plain_type(SdScope *scope, List *names)
{
	const char *name = strVal(llast(names));
	ListCell *cell;
	Oid oid;

	if (list_length(names) > 1)
		return made_plain_in_schema(scope, strVal(list_nth(names, list_length(names) - 2)), name);
	foreach (cell, sd_scope_search_path(scope))
	{
		const char *schema = ((SdPathMember *) lfirst(cell))->name;
		SdPresence presence = sd_scope_type_in_schema(scope, schema, name, &oid);

		if (presence == SD_MADE || presence == SD_EXISTS)
			return made_plain_in_schema(scope, schema, name);
	}
	return false;
}

const SdRoutine *
sd_scope_routine(SdScope *scope, const char *name)
{
	SdEntry *entry = sd_entry_find(scope, SD_ENTRY_ROUTINE, NULL, name, NULL);

	return entry == NULL ? NULL : entry->routine;
}
