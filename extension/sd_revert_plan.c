/*
 * sd_revert_plan.c
 *	  What has to be done with each object to get back the old state.
 *
 * The writers say what they can change in place.  What they cannot goes and comes
 * back, and with it whatever uses it: its users are looked up among all objects
 * of the new side, also among those that did not change, and written again, until
 * nothing new comes up.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_ddl_list.h"
#include "sd_revert.h"
#include "sd_text_table.h"

#define MAX_ROUNDS 100000

typedef struct ObjectEntry
{
	const char *key; /* 'n' or 'o' for the side, then "kind identity" */
	SdRevertObject *object;
} ObjectEntry;

static const char *
make_key(const SdDiffObject *object)
{
	return object ? psprintf("%s %s", object->kind, object->identity) : NULL;
}

SdRevertObject *
sd_revert_find(SdRevert *revert, const char *key, bool new_side)
{
	ObjectEntry *entry = sd_text_search(revert->objects, psprintf("%c%s", new_side ? 'n' : 'o', key),
										HASH_FIND, NULL);

	return entry ? entry->object : NULL;
}

static void
enter(SdRevert *revert, SdRevertObject *object, const char *key, char side)
{
	ObjectEntry *entry;

	if (key == NULL)
		return;
	entry = sd_text_search(revert->objects, psprintf("%c%s", side, key), HASH_ENTER, NULL);
	entry->object = object;
}

static SdRevertObject *
add_object(SdRevert *revert, SdDiffPair *pair)
{
	SdRevertObject *object = palloc0(sizeof(SdRevertObject));

	object->pair = pair;
	object->old_key = make_key(pair->old);
	object->new_key = make_key(pair->new);
	object->waiting = true;
	if (pair->old != NULL)
	{
		JsonbContainer *parts = sd_diff_find(pair->old->phys, "part_depends", NULL);

		if (parts != NULL)
			object->uses = sd_revert_read_uses(object->old_key, parts, NIL);
	}
	enter(revert, object, object->old_key, 'o');
	enter(revert, object, object->new_key, 'n');
	revert->list = lappend(revert->list, object);
	return object;
}

/* The object of a user, taken up when it was not concerned so far; NULL when it cannot be. */
static SdRevertObject *
take_up(SdRevert *revert, const char *key)
{
	SdRevertObject *object = sd_revert_find(revert, key, true);
	SdDiffObject *old;
	SdDiffPair *pair;
	ListCell *cell;
	int length = 0;

	if (object != NULL)
		return object;
	/* a kind may have blanks in its name, so the longest one that there is counts */
	for (const char *p = strchr(key, ' '); p != NULL; p = strchr(p + 1, ' '))
		if (sd_ddl_kind(pnstrdup(key, p - key)) != NULL)
			length = p - key;
	if (length == 0)
		return NULL;
	old = sd_revert_fetch(revert, pnstrdup(key, length), key + length + 1);
	if (old == NULL)
		return NULL;
	/* a pair that only its numbers told apart keeps what is known of them */
	foreach (cell, revert->diff->pairs)
	{
		pair = lfirst(cell);
		if (pair->new == NULL || pair->old == NULL)
			continue;
		if (strcmp(make_key(pair->new), key) == 0)
		{
			pair->old->definition = old->definition;
			pair->new->definition = old->definition;
			return add_object(revert, pair);
		}
	}
	pair = palloc0(sizeof(SdDiffPair));
	pair->old = old;
	pair->new = palloc(sizeof(SdDiffObject));
	*pair->new = *old;
	pair->kind = old->kind;
	pair->identity = old->identity;
	return add_object(revert, pair);
}

static bool
add_text(List **list, const char *text)
{
	if (sd_ddl_listed(*list, text))
		return false;
	*list = lappend(*list, pstrdup(text));
	return true;
}

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Kinds whose entries the server takes away with what they name. */
static bool
follows_by_itself(const char *kind, const char *part)
{
	return strcmp(part, "owned_by") == 0 || strcmp(part, "attach") == 0 ||
		   strcmp(kind, "publication") == 0;
}

static bool
is_relation(const char *kind)
{
	return strcmp(kind, "table") == 0 || strcmp(kind, "foreign table") == 0;
}

/* Something that a user needs goes or changes; notes what that means for the user. */
static void
concern(SdRevert *revert, const SdRevertUse *use, SdRevertObject *used)
{
	SdRevertObject *object = take_up(revert, use->user);
	SdDiffPair *pair = object ? object->pair : NULL;
	const char *part = use->user_part;

	if (object == NULL || pair->old == NULL || pair->new == NULL || object->replaced ||
		follows_by_itself(pair->kind, part))
		return;
	if (part[0] == '\0' || strcmp(pair->kind, "view") == 0 ||
		strcmp(pair->kind, "materialized view") == 0)
	{
		/* a table lets go of its parents and of its type by itself */
		if (is_relation(pair->kind) || strcmp(pair->kind, "sequence") == 0)
			return;
		if (part[0] != '\0' && !starts_with(part, "columns."))
		{
			if (add_text(&object->forced, sd_ddl_part_then(pair, part)))
				object->waiting = true;
			return;
		}
		object->replaced = object->waiting = true;
	}
	else if (starts_with(part, "columns."))
	{
		if (used->set_aside && add_text(&object->retyped, used->pair->old->identity))
			object->waiting = true;
	}
	else if (add_text(&object->forced, sd_ddl_part_then(pair, part)))
		object->waiting = true;
}

static void
concern_users(SdRevert *revert, SdRevertObject *object, const char *part)
{
	ListCell *cell;

	foreach (cell, sd_revert_users(revert, object->new_key))
	{
		SdRevertUse *use = lfirst(cell);

		/* who uses the whole does not mind a part, and who uses a part minds the whole */
		if (part == NULL || strcmp(use->used_part, part) == 0)
			concern(revert, use, object);
	}
}

/* A writer at work on one object. */
static SdDdl *
begin(SdRevert *revert, SdRevertObject *object, bool with_old, bool with_new)
{
	SdDiffPair *pair = object->pair;
	const char *identity = pair->old && with_old ? pair->old->identity : pair->new->identity;
	SdDdl *ddl = sd_ddl_begin(pair->kind, identity, pair->new ? pair->new->identity : NULL,
							  with_old && pair->old ? pair->old->definition : NULL,
							  with_new && pair->new ? pair->new->definition : NULL);

	ddl->pair = pair;
	ddl->names = &revert->names;
	ddl->concurrently = revert->concurrently;
	ddl->default_grantees = revert->default_holders;
	ddl->forced = object->forced;
	ddl->retyped = object->retyped;
	return ddl;
}

static void
write_drop(SdRevert *revert, SdRevertObject *object)
{
	SdDdl *ddl = begin(revert, object, false, true);

	ddl->stage = SD_DDL_BEFORE;
	sd_ddl_run_drop(ddl);
	object->steps = list_concat(object->steps, ddl->steps);
}

/* The extension that something belongs to by now, which is why no snapshot shows it; or NULL. */
static const char *
extension_of(SdRevert *revert, SdRevertObject *object)
{
	static const char sql[] =
		"SELECT pg_catalog.quote_ident(e.extname) FROM pg_catalog.pg_depend d"
		" JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid WHERE d.deptype = 'e'"
		" AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
		" AND (d.classid, d.objid) IN (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass,"
		" pg_catalog.to_regclass($1)::pg_catalog.oid WHERE $2 = 'relation'"
		/* a look-up by name would fail where the type of an argument is not there yet */
		" UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc p"
		" WHERE $2 = 'routine' AND pg_catalog.strpos($1, pg_catalog.quote_ident(p.proname) || '(') > 0"
		" AND (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0))"
		".identity = $1)";
	static const char *const kinds[][2] = {
		{ "table", "relation" },	{ "foreign table", "relation" },	 { "view", "relation" },
		{ "sequence", "relation" }, { "function", "routine" },			 { "procedure", "routine" },
		{ "aggregate", "routine" }, { "materialized view", "relation" },
	};

	/* of a stored state nothing more is known */
	if (!revert->diff->live || object->pair->new != NULL)
		return NULL;
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i][0], object->pair->kind) == 0)
			return sd_ddl_ask(sql, object->pair->old->identity, kinds[i][1]);
	return NULL;
}

static void
write_create(SdRevert *revert, SdRevertObject *object)
{
	const char *extension = extension_of(revert, object);

	object->ddl = begin(revert, object, true, false);
	if (extension != NULL)
		sd_ddl_step(object->ddl, "ALTER EXTENSION %s DROP %s", extension,
					sd_ddl_address(object->ddl->writer, object->pair->old->identity));
	else
		sd_ddl_run_create(object->ddl);
	object->steps = list_concat(object->steps, object->ddl->steps);
}

/*
 * What joined an extension is no object of its own any more, but it is there: it
 * leaves the extension.  Returns whether that was it.
 */
static bool
leave_extension(SdRevert *revert, SdRevertObject *object)
{
	const SdDiffObject *old = object->pair->old;
	SdDdl *ddl;
	char *extension;

	if (!revert->diff->same_lineage || !revert->diff->live || !OidIsValid(old->oid))
		return false;
	extension =
		sd_ddl_ask("SELECT e.extname FROM pg_catalog.pg_depend d"
				   " JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
				   " WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'"
				   " AND d.objid = $1::pg_catalog.oid AND d.objsubid = 0"
				   " AND (pg_catalog.pg_identify_object(d.classid, d.objid, 0)).identity = $2",
				   psprintf("%u", old->oid), old->identity);
	if (extension == NULL)
		return false;
	ddl = begin(revert, object, true, false);
	sd_ddl_step(ddl, "ALTER EXTENSION %s DROP %s", quote_identifier(extension),
				sd_ddl_address(ddl->writer, ddl->identity));
	object->steps = ddl->steps;
	return true;
}

static void
write_replacement(SdRevert *revert, SdRevertObject *object)
{
	const SdDdlKind *writer = sd_ddl_kind(object->pair->kind);
	ListCell *cell;

	if (writer != NULL && writer->is_type)
		object->set_aside = true;
	write_drop(revert, object);
	write_create(revert, object);
	/* what was there all the while is not lost by being made anew */
	foreach (cell, object->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->sql != NULL && step->level == SD_DDL_STRUCTURAL && object->set_aside)
			sd_ddl_loses(step, SD_DDL_FULL, SD_DIFF_NONE, NULL);
	}
	if (object->set_aside && strcmp(object->pair->kind, "enum") == 0)
		foreach (cell, object->steps)
		{
			SdDdlStep *step = lfirst(cell);

			if (step->sql != NULL && starts_with(step->sql, "CREATE "))
				sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE,
							 "a label cannot be dropped, so the type is made anew; that fails when a "
							 "row holds a label that was added");
		}
}

static bool
is_computed(SdDdl *ddl, const char *column)
{
	JsonbContainer *columns = sd_diff_find(ddl->pair->old->definition, "core", "columns");
	JsonbValue value, expression;

	return columns != NULL && sd_diff_get(columns, column, &value) &&
		   sd_diff_value_is_object(&value) &&
		   sd_diff_get(value.val.binary.data, "generated", &expression);
}

/* A table that had rows and has none, in another file. */
static bool
was_emptied(const SdDiffPair *pair)
{
	return pair->old != NULL && pair->new != NULL && !pair->recreated && pair->old->filenode != 0 &&
		   pair->old->filenode != pair->new->filenode && pair->old->rows > 0 && pair->new->rows <= 0;
}

/* What was dropped and made anew meanwhile has its definition, but not what was in it. */
static void
note_losses(SdRevertObject *object)
{
	SdDiffPair *pair = object->pair;
	SdDdl *ddl = object->ddl;
	SdDdlStep *step;
	ListCell *cell;

	if (pair->recreated && ddl->writer != NULL && ddl->writer->loss != SD_DIFF_NONE)
	{
		step = sd_ddl_impossible(ddl, "it was dropped and made anew: %s from before are gone",
								 ddl->writer->lost);
		step->loss = ddl->writer->loss;
	}
	if (was_emptied(pair) && strcmp(pair->kind, "table") == 0)
	{
		step =
			sd_ddl_impossible(ddl,
							  "the table seems to have been emptied: the rows that it had are gone");
		step->loss = SD_DIFF_POSSIBLE;
	}
	foreach (cell, pair->members[SD_DIFF_COLUMNS])
	{
		SdDiffMember *member = lfirst(cell);

		if (!member->recreated || strcmp(pair->kind, "table") != 0 ||
			is_computed(ddl, member->old_name))
			continue;
		step =
			sd_ddl_impossible(ddl,
							  "column %s was dropped and made anew: the values that it had are gone",
							  quote_identifier(member->old_name));
		step->loss = SD_DIFF_CERTAIN;
	}
}

/* Runs the writer, and looks at the users of what goes or changes. */
static void
write_object(SdRevert *revert, SdRevertObject *object)
{
	SdDiffPair *pair = object->pair;
	ListCell *cell;

	object->waiting = false;
	object->steps = NIL;
	if (pair->old == NULL)
	{
		write_drop(revert, object);
		concern_users(revert, object, NULL);
		return;
	}
	if (pair->new == NULL)
	{
		if (!leave_extension(revert, object))
			write_create(revert, object);
		return;
	}
	if (!object->replaced)
	{
		object->ddl = begin(revert, object, true, true);
		sd_revert_rename_members(object->ddl);
		if (sd_ddl_run_alter(object->ddl))
		{
			note_losses(object);
			object->steps = object->ddl->steps;
			foreach (cell, object->ddl->disturbed)
				concern_users(revert, object, sd_ddl_part_now(object->ddl, lfirst(cell)));
			return;
		}
		object->replaced = true;
	}
	write_replacement(revert, object);
	concern_users(revert, object, NULL);
}

/* Writes objects until none has to be written again. */
static void
settle(SdRevert *revert)
{
	bool any = true;
	int rounds = 0;

	while (any)
	{
		any = false;
		/* objects may be added to the end meanwhile */
		for (int i = 0; i < list_length(revert->list); i++)
		{
			SdRevertObject *object = list_nth(revert->list, i);

			CHECK_FOR_INTERRUPTS();
			if (!object->waiting)
				continue;
			if (++rounds > MAX_ROUNDS)
				elog(ERROR, "the way back does not settle");
			write_object(revert, object);
			any = true;
		}
	}
}

static bool
adds_label(SdRevertObject *object)
{
	ListCell *cell;

	if (strcmp(object->pair->kind, "enum") != 0)
		return false;
	foreach (cell, object->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->sql != NULL && strstr(step->sql, " ADD VALUE ") != NULL)
			return true;
	}
	return false;
}

/*
 * A label that is added cannot be used before the transaction ends, so where an
 * expression is made that may name it, the type is made anew.  True when one is.
 */
static bool
avoid_new_labels(SdRevert *revert)
{
	bool any = false;
	ListCell *cell, *lc, *use_cell;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (object->replaced || !adds_label(object))
			continue;
		foreach (lc, revert->list)
			foreach (use_cell, ((SdRevertObject *) lfirst(lc))->uses)
			{
				SdRevertUse *use = lfirst(use_cell);

				if (strcmp(use->used, object->old_key) == 0 &&
					!starts_with(use->user_part, "columns."))
					object->replaced = object->waiting = any = true;
			}
	}
	return any;
}

void
sd_revert_plan(SdRevert *revert)
{
	SdDiff *diff = revert->diff;
	ListCell *cell;

	sd_diff_load(diff);
	sd_diff_refuse_unread(diff);
	MemoryContextSwitchTo(diff->context);
	sd_diff_match(diff);
	revert->names.diff = diff;
	sd_diff_names_build(&revert->names);
	revert->objects = sd_text_table("safedeploy objects to revert", sizeof(ObjectEntry));
	sd_revert_load_users(revert);
	sd_revert_find_default_holders(revert);
	foreach (cell, diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		/* what only its numbers tell apart is as it was, but for rows */
		if (pair->old != NULL && pair->new != NULL && pair->old->definition == NULL &&
			(pair->old->populated != pair->new->populated || was_emptied(pair)))
			(void) take_up(revert, make_key(pair->new));
		else if ((pair->old == NULL || pair->old->definition != NULL) &&
				 (pair->new == NULL || pair->new->definition != NULL))
			(void) add_object(revert, pair);
	}
	do
		settle(revert);
	while (avoid_new_labels(revert));
}
