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

#include "sd_revert_rename.h"

/* A name that has to change, within a space of names. */
typedef struct Rename
{
	const char *space; /* names meet only within one */
	const char *from;
	const char *to;
	const char *format; /* of the statement, with \1 and \2 in the places of from and to */
	SdRevertObject *object;
	bool done;
} Rename;

char *
sd_revert_temporary_name(SdRevert *revert)
{
	return psprintf("_sd_old_%d", ++revert->temporary);
}

void
sd_revert_add_step(SdRevert *revert, SdRevertObject *object, const char *format, ...)
{
	SdDdlStep *step = palloc0(sizeof(SdDdlStep));
	va_list args;

	va_start(args, format);
	step->sql = sd_ddl_format(format, &args);
	va_end(args);
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
			sd_revert_add_step(revert, rename->object, "%s",
							   statement(rename->format, rename->from, rename->to));
			rename->done = true;
			left--;
			any = true;
		}
		if (!any)
		{
			const char *name = sd_revert_temporary_name(revert);

			sd_revert_add_step(revert, stuck->object, "%s",
							   statement(stuck->format, stuck->from, name));
			stuck->from = name;
		}
	}
}

List *
sd_revert_add_rename(List *renames, SdRevertObject *object, const char *space, const char *from,
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

const char *
sd_revert_old_schema(SdRevert *revert, const char *schema)
{
	SdRevertObject *object;

	if (schema == NULL)
		return NULL;
	object = sd_revert_find(revert, psprintf("schema %s", schema), true);
	if (object == NULL || object->pair->old == NULL || object->replaced)
		return schema;
	return object->pair->old->identity;
}

bool
sd_revert_keeps_itself(const SdRevertObject *object)
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

		if (strcmp(object->pair->kind, "schema") == 0 && sd_revert_keeps_itself(object) &&
			strcmp(object->pair->old->identity, object->pair->new->identity) != 0)
			renames =
				sd_revert_add_rename(renames, object, "", object->pair->new->identity,
									 object->pair->old->identity, "ALTER SCHEMA \1 RENAME TO \2");
	}
	return renames;
}

const char *
sd_revert_name_space(const char *kind)
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
 * Appends the rename of an object to the list.  A move is a statement of its own.  It takes
 * the name along, so when that one is taken there, the object has a temporary name on the way.
 */
static List *
add_object(SdRevert *revert, SdRevertObject *object, const SdDdlKind *writer, List *renames)
{
	char *schemas[2], *names[2], *rests[2];
	const char *schema, *space;

	sd_diff_split_identity(object->pair->old->identity, &schemas[0], &names[0], &rests[0]);
	sd_diff_split_identity(object->pair->new->identity, &schemas[1], &names[1], &rests[1]);
	schema = moves_along(object) ? schemas[0] : sd_revert_old_schema(revert, schemas[1]);
	if (writer->can_move && schema != NULL && schemas[0] != NULL && strcmp(schema, schemas[0]) != 0)
	{
		if (strcmp(names[0], names[1]) != 0)
		{
			char *way = sd_revert_temporary_name(revert);

			sd_revert_add_step(revert, object, "ALTER %s %s.%s%s RENAME TO %s", writer->keyword,
							   schema, names[1], rests[1], way);
			names[1] = way;
		}
		sd_revert_add_step(revert, object, "ALTER %s %s.%s%s SET SCHEMA %s", writer->keyword,
						   schema, names[1], rests[1], schemas[0]);
		schema = schemas[0];
	}
	if (!writer->can_rename || strcmp(names[0], names[1]) == 0)
		return renames;
	space = sd_revert_name_space(object->pair->kind);
	/* routines of a name live beside each other when their arguments differ */
	return sd_revert_add_rename(renames, object,
								psprintf("%s %s %s", space, schema ? schema : "",
										 strcmp(space, "routine") == 0 ? rests[0] : ""),
								names[1], names[0],
								psprintf("ALTER %s %s%s\1%s RENAME TO \2", writer->keyword,
										 schema ? schema : "", schema ? "." : "", rests[1]));
}

static List *
object_renames(SdRevert *revert)
{
	List *renames = NIL;
	ListCell *cell;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);
		const SdDdlKind *writer = sd_ddl_kind(object->pair->kind);

		if (writer != NULL && strcmp(object->pair->kind, "schema") != 0 &&
			sd_revert_keeps_itself(object) &&
			strcmp(object->pair->old->identity, object->pair->new->identity) != 0)
			renames = add_object(revert, object, writer, renames);
	}
	return renames;
}

void
sd_revert_rename(SdRevert *revert)
{
	write_renames(revert, schema_renames(revert));
	sd_revert_put_drops_last(revert);
	write_renames(revert, object_renames(revert));
	write_renames(revert, sd_revert_member_renames(revert));
}
