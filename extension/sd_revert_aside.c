/*
 * sd_revert_aside.c
 *	  What goes last: it is put aside under another name where its own is needed.
 */
#include "postgres.h"

#include "sd_revert_rename.h"

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

		if (user != NULL && sd_revert_keeps_itself(user) && use->user_part[0] == '\0' &&
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

		if (pair->old != NULL &&
			strcmp(sd_revert_name_space(kind), sd_revert_name_space(pair->kind)) == 0 &&
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
	const char *of_range[2];
	const char *of_multirange[3];
	char *multi_schema, *multi, *rest;

	if (strcmp(object->pair->kind, "range") != 0 || !sd_diff_get(core, "subtype", &value))
		return;
	subtype = sd_diff_value_string(&value);
	of_range[0] = psprintf("%s, %s", subtype, subtype);
	of_range[1] = psprintf("%s, text", of_range[0]);
	for (int i = 0; i < lengthof(of_range); i++)
		sd_revert_add_step(revert, object, "ALTER FUNCTION %s.%s(%s) RENAME TO %s", schema, name,
						   of_range[i], temporary);
	if (!sd_diff_get(core, "multirange", &value))
		return;
	sd_diff_split_identity(sd_diff_value_string(&value), &multi_schema, &multi, &rest);
	sd_revert_add_step(revert, object, "ALTER TYPE %s.%s RENAME TO %s_multi", multi_schema, multi,
					   temporary);
	of_multirange[0] = "";
	of_multirange[1] = psprintf("%s.%s", schema, temporary);
	of_multirange[2] = psprintf("%s[]", of_multirange[1]);
	for (int i = 0; i < lengthof(of_multirange); i++)
		sd_revert_add_step(revert, object, "ALTER FUNCTION %s.%s(%s) RENAME TO %s_multi",
						   multi_schema, multi, of_multirange[i], temporary);
}

void
sd_revert_put_drops_last(SdRevert *revert)
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
		there = sd_revert_old_schema(revert, schema);
		identity = there ? psprintf("%s.%s%s", there, name, rest) : object->pair->new->identity;
		if (object->set_aside || name_is_wanted(revert, object->pair->kind, identity))
		{
			const char *temporary = sd_revert_temporary_name(revert);

			sd_revert_add_step(revert, object, "ALTER %s %s RENAME TO %s",
							   sd_ddl_kind(object->pair->kind)->keyword, identity, temporary);
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
