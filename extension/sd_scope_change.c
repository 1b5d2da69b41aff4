/*
 * sd_scope_change.c
 *	  What a script makes, drops and renames, kept for the names that follow.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/memutils.h"

#include "sd_entries.h"

void
sd_scope_make_relation(SdScope *scope, const char *schema, const char *name, char relkind,
					   bool conditional)
{
	sd_entry_add(scope, SD_ENTRY_RELATION, schema, name, NULL, SD_MADE, conditional)->relkind =
		relkind;
}

/* relation_goes records that a name means nothing any more; NULL when that is not sure. */
static SdEntry *
relation_goes(SdScope *scope, const SdRelation *relation, bool conditional)
{
	SdEntry *entry;

	if (conditional || relation->schema == NULL)
		return NULL;
	entry = sd_entry_add(scope, SD_ENTRY_RELATION, relation->schema, relation->name, NULL, SD_GONE,
						 false);
	entry->relkind = relation->relkind;
	return entry;
}

void
sd_scope_drop_relation(SdScope *scope, const SdRelation *relation, bool conditional)
{
	bool of_catalog = relation->presence == SD_EXISTS;
	SdEntry *entry = relation_goes(scope, relation, conditional);

	if (entry != NULL)
		entry->dropped = of_catalog;
}

/* list_parts adds to a list what is known now of a relation's columns, or of its constraints. */
static List *
list_parts(SdScope *scope, SdEntryKind kind, const SdRelation *relation, List *parts)
{
	for (SdEntry *entry = sd_entry_part(scope, kind, relation); entry != NULL;
		 entry = sd_entry_next_part(scope, relation, entry))
	{
		if (sd_scope_part_entry(scope, kind, relation, entry->key.part) == entry)
		{
			SdEntry *copy = palloc(sizeof(SdEntry));

			*copy = *entry;
			parts = lappend(parts, copy);
		}
	}
	return parts;
}

/* carry_parts gives what is known of a relation's columns and constraints to its new name. */
static void
carry_parts(SdScope *scope, List *parts, const char *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, parts)
	{
		const SdEntry *old = lfirst(cell);
		SdEntry *new = sd_entry_add(scope, old->key.kind, schema, name, old->key.part,
									old->presence, old->conditional);

		new->old_name = old->old_name;
		new->not_null = old->not_null;
		new->valid = old->valid;
		new->dropped = old->dropped;
	}
}

void
sd_scope_rename_relation(SdScope *scope, const SdRelation *relation, const char *schema,
						 const char *name, bool conditional)
{
	SdRelation target = sd_scope_relation_in(scope, schema, name);
	List *parts;
	SdEntry *entry;

	/* the server refuses to rename what is not there, and to a name that is taken */
	if ((relation->presence != SD_MADE && relation->presence != SD_EXISTS) ||
		target.presence == SD_MADE || target.presence == SD_EXISTS)
		return;
	parts = list_parts(scope, SD_ENTRY_COLUMN, relation, NIL);
	parts = list_parts(scope, SD_ENTRY_CONSTRAINT, relation, parts);
	(void) relation_goes(scope, relation, conditional);
	entry =
		sd_entry_add(scope, SD_ENTRY_RELATION, schema, name, NULL, relation->presence, conditional);
	entry->relkind = relation->relkind;
	entry->oid = relation->oid;
	carry_parts(scope, parts, schema, name);
}

void
sd_scope_make_column(SdScope *scope, const SdRelation *relation, const char *column, bool conditional)
{
	sd_entry_add(scope, SD_ENTRY_COLUMN, relation->schema, relation->name, column, SD_MADE,
				 conditional);
}

void
sd_scope_drop_column(SdScope *scope, const SdRelation *relation, const char *column, bool conditional)
{
	bool of_catalog = sd_scope_column(scope, relation, column).presence == SD_EXISTS;

	if (!conditional)
		sd_entry_add(scope, SD_ENTRY_COLUMN, relation->schema, relation->name, column, SD_GONE, false)
			->dropped = of_catalog;
}

void
sd_scope_rename_column(SdScope *scope, const SdRelation *relation, const char *column,
					   const char *new_name, bool conditional)
{
	SdPart part = sd_scope_column(scope, relation, column);
	SdEntry *entry;

	if (!conditional)
		sd_entry_add(scope, SD_ENTRY_COLUMN, relation->schema, relation->name, column, SD_GONE,
					 false);
	entry = sd_entry_add(scope, SD_ENTRY_COLUMN, relation->schema, relation->name, new_name,
						 part.presence, conditional);
	entry->old_name = sd_entry_keep_name(scope, part.old_name);
}

void
sd_scope_make_constraint(SdScope *scope, const SdRelation *relation, const char *name,
						 const char *not_null, bool valid, bool conditional)
{
	SdEntry *entry = sd_entry_add(scope, SD_ENTRY_CONSTRAINT, relation->schema, relation->name,
								  name, SD_MADE, conditional);

	entry->not_null = sd_entry_keep_name(scope, not_null);
	entry->valid = valid;
}

void
sd_scope_validate_constraint(SdScope *scope, const SdRelation *relation, const char *name,
							 bool conditional)
{
	SdPart part = sd_scope_constraint(scope, relation, name);
	SdEntry *entry;

	if (conditional)
		return;
	entry = sd_entry_add(scope, SD_ENTRY_CONSTRAINT, relation->schema, relation->name, name,
						 part.presence, false);
	entry->not_null = sd_entry_keep_name(scope, part.not_null);
	entry->valid = true;
}

void
sd_scope_drop_constraint(SdScope *scope, const SdRelation *relation, const char *name,
						 bool conditional)
{
	if (!conditional)
		sd_entry_add(scope, SD_ENTRY_CONSTRAINT, relation->schema, relation->name, name, SD_GONE,
					 false);
}

void
sd_scope_make_schema(SdScope *scope, const char *name, bool conditional)
{
	sd_entry_add(scope, SD_ENTRY_SCHEMA, NULL, name, NULL, SD_MADE, conditional);
}

void
sd_scope_drop_schema(SdScope *scope, const char *name, bool conditional)
{
	if (!conditional)
		sd_entry_add(scope, SD_ENTRY_SCHEMA, NULL, name, NULL, SD_GONE, false);
}

void
sd_scope_rename_schema(SdScope *scope, const char *name, const char *new_name, bool conditional)
{
	Oid oid;
	SdPresence presence = sd_scope_schema(scope, name, &oid);
	SdPresence target = sd_scope_schema(scope, new_name, NULL);
	SdEntry *entry;

	if ((presence != SD_MADE && presence != SD_EXISTS) || target == SD_MADE || target == SD_EXISTS)
		return;
	sd_scope_drop_schema(scope, name, conditional);
	entry = sd_entry_add(scope, SD_ENTRY_SCHEMA, NULL, new_name, NULL, presence, conditional);
	entry->oid = oid;
}

void
sd_scope_make_type(SdScope *scope, List *names, bool is_domain, bool conditional)
{
	RangeVar name = { .type = T_RangeVar };
	const char *schema;
	SdPresence presence;
	Oid oid;

	if (list_length(names) > 1)
		name.schemaname = strVal(list_nth(names, list_length(names) - 2));
	schema = sd_scope_creation_schema(scope, &name);
	presence = schema == NULL ? SD_MISSING :
								sd_scope_type_in_schema(scope, schema, strVal(llast(names)), &oid);
	if (presence != SD_EXISTS && presence != SD_MADE)
		sd_entry_add(scope, SD_ENTRY_TYPE, schema, strVal(llast(names)), NULL, SD_MADE, conditional)
			->is_domain = is_domain;
}

/* type_schema returns the schema of a type that is there now; NULL when it is not. */
static const char *
type_schema(SdScope *scope, List *names, SdPresence *presence, Oid *oid)
{
	const char *name = strVal(llast(names));
	ListCell *cell;

	if (list_length(names) > 1)
	{
		const char *schema = strVal(list_nth(names, list_length(names) - 2));

		*presence = sd_scope_type_in_schema(scope, schema, name, oid);
		return schema;
	}
	foreach (cell, sd_scope_search_path(scope))
	{
		const char *schema = ((SdPathMember *) lfirst(cell))->name;

		*presence = sd_scope_type_in_schema(scope, schema, name, oid);
		if (*presence == SD_MADE || *presence == SD_EXISTS)
			return schema;
	}
	return NULL;
}

void
sd_scope_drop_type(SdScope *scope, List *names, bool conditional)
{
	SdPresence presence;
	Oid oid;
	const char *schema = type_schema(scope, names, &presence, &oid);

	if (!conditional && schema != NULL)
		sd_entry_add(scope, SD_ENTRY_TYPE, schema, strVal(llast(names)), NULL, SD_GONE, false);
}

void
sd_scope_rename_type(SdScope *scope, List *names, const char *schema, const char *name,
					 bool conditional)
{
	SdPresence presence;
	Oid oid;
	const char *old_schema = type_schema(scope, names, &presence, &oid);
	bool is_domain;
	SdEntry *entry;

	if (conditional || old_schema == NULL || (presence != SD_MADE && presence != SD_EXISTS))
		return;
	entry = sd_entry_find(scope, SD_ENTRY_TYPE, old_schema, strVal(llast(names)), NULL);
	is_domain = entry != NULL && entry->is_domain;
	sd_entry_add(scope, SD_ENTRY_TYPE, old_schema, strVal(llast(names)), NULL, SD_GONE, false);
	entry = sd_entry_add(scope, SD_ENTRY_TYPE, schema != NULL ? schema : old_schema,
						 name != NULL ? name : strVal(llast(names)), NULL, presence, false);
	entry->oid = oid;
	entry->is_domain = is_domain;
}

void
sd_scope_make_routine(SdScope *scope, const char *name, const SdRoutine *routine)
{
	MemoryContext old = MemoryContextSwitchTo(scope->context);
	SdRoutine *copy = palloc(sizeof(SdRoutine));

	copy->language = pstrdup(routine->language);
	copy->body = pstrdup(routine->body);
	MemoryContextSwitchTo(old);
	sd_entry_add(scope, SD_ENTRY_ROUTINE, NULL, name, NULL, SD_MADE, false)->routine = copy;
}
