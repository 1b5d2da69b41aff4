/*
 * sd_revert_members.c
 *	  Columns, constraints and other members of an object that get their names back.
 *
 * The object is written with the names that they will have by then, so that only what
 * differs besides is changed.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_revert_rename.h"

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

List *
sd_revert_member_renames(SdRevert *revert)
{
	List *renames = NIL;
	ListCell *cell, *lc;

	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (!sd_revert_keeps_itself(object) || sd_ddl_kind(object->pair->kind) == NULL)
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
				renames = sd_revert_add_rename(renames, object,
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
