/*
 * sd_revert_rename.c
 *	  Statements that give names back.
 *
 * They run when everything that has to go is gone, and before anything is made,
 * so the only names in the way are those of other things that are renamed too.
 * Where those form a ring, one of them takes a temporary name.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"
#include "sd_revert.h"

/* A name that has to change, within a space of names. */
typedef struct Rename
{
	const char *space; /* names meet only within one */
	const char *from;
	const char *to;
	const char *format; /* of the statement; %1 and %2 as in PostgreSQL's format() are from and to */
	SdRevertObject *object;
	bool done;
} Rename;

char *
sd_revert_temporary_name(SdRevert *revert)
{
	return psprintf("_sd_old_%d", ++revert->temporary);
}

static void
add_step(SdRevert *revert, SdRevertObject *object, char *sql)
{
	SdDdlStep *step = palloc0(sizeof(SdDdlStep));

	step->sql = sql;
	step->stage = SD_DDL_RENAME;
	step->kind = object->pair->kind;
	step->identity = object->pair->old ? object->pair->old->identity : object->pair->new->identity;
	revert->renames = lappend(revert->renames, step);
}

/* Puts both names in the places of the format that are marked by \1 and \2. */
static char *
statement(const char *format, const char *from, const char *to)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (const char *p = format; *p != '\0'; p++)
		if (*p == '\1')
			appendStringInfoString(&sql, from);
		else if (*p == '\2')
			appendStringInfoString(&sql, to);
		else
			appendStringInfoChar(&sql, *p);
	return sql.data;
}

/* Whether another one that still has to change its name has this one. */
static bool
is_taken(List *renames, const Rename *by, const char *name)
{
	ListCell *cell;

	foreach (cell, renames)
	{
		Rename *other = lfirst(cell);

		if (other != by && !other->done && strcmp(other->space, by->space) == 0 &&
			strcmp(other->from, name) == 0)
			return true;
	}
	return false;
}

/* Writes the statements of a set of renames. */
static void
write_renames(SdRevert *revert, List *renames)
{
	int left = list_length(renames);

	while (left > 0)
	{
		bool any = false;
		ListCell *cell;
		Rename *stuck = NULL;

		foreach (cell, renames)
		{
			Rename *rename = lfirst(cell);

			if (rename->done)
				continue;
			if (is_taken(renames, rename, rename->to))
			{
				stuck = stuck ? stuck : rename;
				continue;
			}
			add_step(revert, rename->object, statement(rename->format, rename->from, rename->to));
			rename->done = true;
			left--;
			any = true;
		}
		if (!any)
		{
			const char *name = sd_revert_temporary_name(revert);

			add_step(revert, stuck->object, statement(stuck->format, stuck->from, name));
			stuck->from = name;
		}
	}
}

static List *
add_rename(List *renames, SdRevertObject *object, const char *space, const char *from,
		   const char *to, const char *format)
{
	Rename *rename = palloc0(sizeof(Rename));

	rename->object = object;
	rename->space = space;
	rename->from = from;
	rename->to = to;
	rename->format = format;
	return lappend(renames, rename);
}

/* The schema of the new side by the name that it has when schemas have theirs back. */
static const char *
old_schema(SdRevert *revert, const char *schema)
{
	SdRevertObject *object;

	if (schema == NULL)
		return NULL;
	object = sd_revert_find(revert, psprintf("schema %s", schema), true);
	if (object == NULL || object->pair->old == NULL || object->replaced)
		return schema;
	return object->pair->old->identity;
}

static bool
keeps_itself(SdRevertObject *object)
{
	return object->pair->old != NULL && object->pair->new != NULL && !object->replaced;
}

static List *
schema_renames(SdRevert *revert)
{
	List *renames = NIL;
	ListCell *cell;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (strcmp(object->pair->kind, "schema") == 0 && keeps_itself(object) &&
			strcmp(object->pair->old->identity, object->pair->new->identity) != 0)
			renames = add_rename(renames, object, "", object->pair->new->identity,
								 object->pair->old->identity, "ALTER SCHEMA \1 RENAME TO \2");
	}
	return renames;
}

/* Kinds whose names meet. */
static const char *
name_space(const char *kind)
{
	static const char *const relations[] = { "table",	 "foreign table",
											 "view",	 "materialized view",
											 "sequence", "enum",
											 "domain",	 "composite type",
											 "range",	 "type" };
	static const char *const routines[] = { "function", "procedure", "aggregate" };

	for (int i = 0; i < lengthof(relations); i++)
		if (strcmp(relations[i], kind) == 0)
			return "relation";
	for (int i = 0; i < lengthof(routines); i++)
		if (strcmp(routines[i], kind) == 0)
			return "routine";
	return kind;
}

/* A sequence that a column owns goes where its table goes. */
static bool
moves_along(SdRevertObject *object)
{
	JsonbContainer *core = sd_diff_find(object->pair->new->definition, "core", NULL);
	JsonbValue owner;
	ListCell *cell;

	/* unless it has been set free before */
	foreach (cell, object->steps)
		if (((SdDdlStep *) lfirst(cell))->stage == SD_DDL_BEFORE)
			return false;
	return strcmp(object->pair->kind, "sequence") == 0 && core != NULL &&
		   sd_diff_get(core, "owned_by", &owner);
}

/*
 * A move is a statement of its own.  It takes the name along, so when that one is
 * taken there, the object has a temporary name on the way.
 */
static List *
object_renames(SdRevert *revert)
{
	List *renames = NIL;
	ListCell *cell;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);
		const SdDdlKind *writer = sd_ddl_kind(object->pair->kind);
		char *schemas[2], *names[2], *rests[2];
		const char *schema;

		if (strcmp(object->pair->kind, "schema") == 0 || writer == NULL || !keeps_itself(object) ||
			strcmp(object->pair->old->identity, object->pair->new->identity) == 0)
			continue;
		sd_diff_split_identity(object->pair->old->identity, &schemas[0], &names[0], &rests[0]);
		sd_diff_split_identity(object->pair->new->identity, &schemas[1], &names[1], &rests[1]);
		schema = old_schema(revert, schemas[1]);
		if (moves_along(object))
			schema = schemas[0];
		if (writer->can_move && schema != NULL && schemas[0] != NULL &&
			strcmp(schema, schemas[0]) != 0)
		{
			if (strcmp(names[0], names[1]) != 0)
			{
				const char *way = sd_revert_temporary_name(revert);

				add_step(revert, object,
						 psprintf("ALTER %s %s.%s%s RENAME TO %s", writer->keyword, schema,
								  names[1], rests[1], way));
				names[1] = unconstify(char *, way);
			}
			add_step(revert, object,
					 psprintf("ALTER %s %s.%s%s SET SCHEMA %s", writer->keyword, schema, names[1],
							  rests[1], schemas[0]));
			schema = schemas[0];
		}
		if (writer->can_rename && strcmp(names[0], names[1]) != 0)
			renames =
				add_rename(renames, object,
						   psprintf("%s %s %s", name_space(object->pair->kind), schema ? schema : "",
									strcmp(name_space(object->pair->kind), "routine") == 0 ? rests[0] :
																							 ""),
						   names[1], names[0],
						   schema ?
							   psprintf("ALTER %s %s.\1%s RENAME TO \2", writer->keyword, schema,
										rests[1]) :
							   psprintf("ALTER %s \1%s RENAME TO \2", writer->keyword, rests[1]));
	}
	return renames;
}

/* How a member is renamed; \1 and \2 are its names. */
static char *
member_format(SdRevertObject *object, SdDiffCollection collection)
{
	const SdDdlKind *writer = sd_ddl_kind(object->pair->kind);
	const char *identity = object->pair->old->identity;
	char *schema, *name, *rest;

	switch (collection)
	{
		case SD_DIFF_COLUMNS:
			if (strcmp(object->pair->kind, "composite type") == 0)
				return psprintf("ALTER TYPE %s RENAME ATTRIBUTE \1 TO \2", identity);
			return psprintf("ALTER %s %s RENAME COLUMN \1 TO \2", writer->keyword, identity);
		case SD_DIFF_ATTRIBUTES:
			return psprintf("ALTER TYPE %s RENAME ATTRIBUTE \1 TO \2", identity);
		case SD_DIFF_CONSTRAINTS:
			return psprintf("ALTER %s %s RENAME CONSTRAINT \1 TO \2", writer->keyword, identity);
		case SD_DIFF_INDEXES:
			sd_diff_split_identity(identity, &schema, &name, &rest);
			return psprintf("ALTER INDEX %s.\1 RENAME TO \2", schema);
		case SD_DIFF_TRIGGERS:
			return psprintf("ALTER TRIGGER \1 ON %s RENAME TO \2", identity);
		case SD_DIFF_RULES:
			return psprintf("ALTER RULE \1 ON %s RENAME TO \2", identity);
		case SD_DIFF_POLICIES:
			return psprintf("ALTER POLICY \1 ON %s RENAME TO \2", identity);
		default:
			return NULL; /* labels are renamed by the writer */
	}
}

/* Members that a parent's statement renames along, and indexes that are constraints. */
static bool
is_renamed_along(const SdDiffPair *pair, SdDiffCollection collection, const char *new_name)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[collection];
	JsonbContainer *members;
	JsonbValue member, inherited;

	if (pair->new->definition == NULL)
		return false;
	if (collection == SD_DIFF_INDEXES)
	{
		members = sd_diff_find(pair->new->definition, "core", "constraints");
		return members != NULL && sd_diff_get(members, new_name, &member);
	}
	members = sd_diff_find(pair->new->definition, sd_diff_facet_name(info->facet), info->key);
	return members != NULL && sd_diff_get(members, new_name, &member) &&
		   sd_diff_value_is_object(&member) &&
		   sd_diff_get(member.val.binary.data, "inherited", &inherited);
}

/* Members that have gone before names are changed, and are made under their old names. */
static bool
is_gone(SdRevertObject *object, SdDiffCollection collection, const char *new_name)
{
	const char *part = psprintf("%s.%s", sd_diff_collections[collection].key, new_name);
	ListCell *cell;

	foreach (cell, object->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->stage == SD_DDL_BEFORE && step->part != NULL && strcmp(step->part, part) == 0)
			return true;
	}
	return false;
}

static List *
member_renames(SdRevert *revert)
{
	List *renames = NIL;
	ListCell *cell, *lc;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (!keeps_itself(object) || sd_ddl_kind(object->pair->kind) == NULL)
			continue;
		for (int c = 0; c < SD_DIFF_COLLECTIONS; c++)
		{
			const char *format = member_format(object, c);

			foreach (lc, object->pair->members[c])
			{
				SdDiffMember *member = lfirst(lc);

				if (format == NULL || member->old_name == NULL || member->new_name == NULL ||
					member->recreated || is_renamed_along(object->pair, c, member->new_name) ||
					is_gone(object, c, member->new_name))
					continue;
				renames = add_rename(renames, object,
									 c == SD_DIFF_INDEXES ?
										 "index" :
										 psprintf("%s %d", object->pair->old->identity, c),
									 quote_identifier(member->new_name),
									 quote_identifier(member->old_name), format);
			}
		}
	}
	return renames;
}

static void
rename_key(SdNode *map, const char *from, const char *to)
{
	SdNode *node = map && map->type == SD_NODE_MAP ? sd_map_find(map, from) : NULL;

	if (node == NULL)
		return;
	node->key = to;
	node->keylen = strlen(to);
}

/* All at once, so that swapped names do not meet: first to names that nothing has. */
static void
rename_keys(SdNode *map, List *members)
{
	ListCell *cell;

	foreach (cell, members)
	{
		SdDiffMember *member = lfirst(cell);

		if (member->old_name != NULL && member->new_name != NULL && !member->recreated)
			rename_key(map, member->new_name, psprintf("\1%s", member->old_name));
	}
	/* one that is still there under a name that another one gets back has to go */
	foreach (cell, members)
	{
		SdDiffMember *member = lfirst(cell);

		if (member->old_name != NULL && member->new_name != NULL && !member->recreated)
			rename_key(map, member->old_name, psprintf("%c%s", SD_DDL_DISPLACED, member->old_name));
	}
	for (SdNode *node = map ? map->first : NULL; node != NULL && map->type == SD_NODE_MAP;
		 node = node->next)
		if (node->keylen > 0 && node->key[0] == '\1')
		{
			node->key++;
			node->keylen--;
		}
}

/* The name that a member of the new side gets, for lists of names. */
static const char *
name_then(List *members, const char *name)
{
	ListCell *cell;
	bool displaced = false;

	foreach (cell, members)
	{
		SdDiffMember *member = lfirst(cell);

		if (member->old_name == NULL || member->new_name == NULL || member->recreated)
			continue;
		if (strcmp(name, member->new_name) == 0)
			return member->old_name;
		displaced |= strcmp(name, member->old_name) == 0;
	}
	return displaced ? psprintf("%c%s", SD_DDL_DISPLACED, name) : name;
}

void
sd_revert_rename_members(SdDdl *ddl)
{
	for (int c = 0; c < SD_DIFF_COLLECTIONS; c++)
	{
		const char *key = sd_diff_collections[c].key;
		List *members = ddl->pair->members[c];
		SdNode *order;

		if (members == NIL || c == SD_DIFF_LABELS || c == SD_DIFF_PRIVILEGES)
			continue;
		for (SdNode *facet = ddl->new->first; facet != NULL; facet = facet->next)
			if (facet->type == SD_NODE_MAP)
			{
				rename_keys(sd_map_find(facet, key), members);
				if (c == SD_DIFF_COLUMNS)
					rename_keys(sd_map_find(facet, "sequences"), members);
			}
		/* names in lists */
		order = sd_map_find(ddl->new, c == SD_DIFF_COLUMNS ? "order" : "core");
		order = order ? sd_map_find(order, c == SD_DIFF_COLUMNS ? "columns" : "attributes") : NULL;
		for (SdNode *item = order && order->type == SD_NODE_LIST ? order->first : NULL;
			 item != NULL; item = item->next)
		{
			SdNode *text = item->type == SD_NODE_MAP ? sd_map_find(item, "name") : item;
			const char *name = text ? name_then(members, sd_ddl_scalar(text)) : NULL;

			if (name == NULL)
				continue;
			text->str = name;
			text->len = strlen(name);
		}
	}
}

/* Kinds that go last in any case: others are of them, or in them. */
static bool
goes_last(SdRevert *revert, SdRevertObject *object)
{
	static const char *const kinds[] = { "schema",
										 "extension",
										 "collation",
										 "language",
										 "access method",
										 "server",
										 "foreign data wrapper",
										 "tablespace",
										 "role" };
	const SdDdlKind *writer = sd_ddl_kind(object->pair->kind);
	ListCell *cell;

	if (writer == NULL || strcmp(object->pair->kind, "sequence") == 0)
		return false;
	if (writer->is_type)
		return true;
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i], object->pair->kind) == 0)
			return true;
	/* somebody who stays lets go of it only by a change */
	foreach (cell, sd_revert_users(revert, object->new_key))
	{
		SdRevertUse *use = lfirst(cell);
		SdRevertObject *user = sd_revert_find(revert, use->user, true);

		if (user != NULL && keeps_itself(user) && use->user_part[0] == '\0' &&
			strcmp(user->pair->kind, "table") != 0)
			return true;
	}
	return false;
}

/* Whether something of the old side has that name, and is made or gets it back. */
static bool
name_is_wanted(SdRevert *revert, const char *kind, const char *identity)
{
	ListCell *cell;

	foreach (cell, revert->list)
	{
		SdDiffPair *pair = ((SdRevertObject *) lfirst(cell))->pair;

		if (pair->old != NULL && strcmp(name_space(kind), name_space(pair->kind)) == 0 &&
			strcmp(pair->old->identity, identity) == 0)
			return true;
	}
	return false;
}

/*
 * A range has a multirange, and both have functions of their names that make them.
 * All of these names have to be free for another one.
 */
static void
set_range_aside(SdRevert *revert, SdRevertObject *object, const char *schema, const char *name,
				const char *temporary)
{
	JsonbContainer *core = sd_diff_find(object->pair->new->definition, "core", NULL);
	JsonbValue value;
	const char *subtype;
	const char *functions[2];
	char *multi_schema, *multi, *rest;

	if (strcmp(object->pair->kind, "range") != 0 || !sd_diff_get(core, "subtype", &value))
		return;
	subtype = sd_diff_value_string(&value);
	functions[0] = psprintf("%s, %s", subtype, subtype);
	functions[1] = psprintf("%s, text", functions[0]);
	for (int i = 0; i < lengthof(functions); i++)
		add_step(revert, object,
				 psprintf("ALTER FUNCTION %s.%s(%s) RENAME TO %s", schema, name, functions[i],
						  temporary));
	if (!sd_diff_get(core, "multirange", &value))
		return;
	sd_diff_split_identity(sd_diff_value_string(&value), &multi_schema, &multi, &rest);
	add_step(revert, object,
			 psprintf("ALTER TYPE %s.%s RENAME TO %s_multi", multi_schema, multi, temporary));
	for (int i = 0; i < 3; i++)
		add_step(revert, object,
				 psprintf("ALTER FUNCTION %s.%s(%s) RENAME TO %s_multi", multi_schema, multi,
						  i == 0 ? "" : psprintf("%s.%s%s", schema, temporary, i == 1 ? "" : "[]"),
						  temporary));
}

/* Drops that wait for the end, under the name that the object has by then. */
static void
put_drops_last(SdRevert *revert)
{
	ListCell *cell;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);
		SdDdl *ddl;
		char *schema, *name, *rest;
		const char *there;
		const char *identity;
		bool dropped = object->pair->old == NULL;
		ListCell *lc;
		List *kept = NIL;

		if (!object->set_aside && !(dropped && goes_last(revert, object)))
			continue;
		sd_diff_split_identity(object->pair->new->identity, &schema, &name, &rest);
		there = old_schema(revert, schema);
		identity = there ? psprintf("%s.%s%s", there, name, rest) : object->pair->new->identity;
		if (object->set_aside || name_is_wanted(revert, object->pair->kind, identity))
		{
			const char *temporary = sd_revert_temporary_name(revert);

			add_step(revert, object,
					 psprintf("ALTER %s %s RENAME TO %s", sd_ddl_kind(object->pair->kind)->keyword,
							  identity, temporary));
			identity = there ? psprintf("%s.%s%s", there, temporary, rest) : temporary;
			set_range_aside(revert, object, there, name, temporary);
		}
		/* of a type that is made anew, the steps that make it stay */
		foreach (lc, object->steps)
			if (object->set_aside && ((SdDdlStep *) lfirst(lc))->stage != SD_DDL_BEFORE)
				kept = lappend(kept, lfirst(lc));
		ddl = sd_ddl_begin(object->pair->kind, identity, identity, NULL,
						   object->pair->new->definition);
		ddl->stage = SD_DDL_REMOVE;
		sd_ddl_run_drop(ddl);
		object->steps = list_concat(kept, ddl->steps);
	}
}

void
sd_revert_rename(SdRevert *revert)
{
	write_renames(revert, schema_renames(revert));
	put_drops_last(revert);
	write_renames(revert, object_renames(revert));
	write_renames(revert, member_renames(revert));
}
