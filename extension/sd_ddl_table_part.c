/*
 * sd_ddl_table_part.c
 *	  Parts of relations: constraints, indexes, triggers, rules and policies.
 *
 * A part is dropped before anything else happens and made when all is there that
 * it uses.  One that can be changed in place is, unless something that it uses
 * goes meanwhile.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_part.h"

const char *
sd_ddl_here(SdDdl *ddl)
{
	return ddl->stage == SD_DDL_BEFORE ? ddl->new_identity : ddl->identity;
}

bool
sd_ddl_stays_child(SdDdl *ddl)
{
	static const char *const keys[] = { "partition_of", "bound", "inherits" };

	if (ddl->old == NULL || ddl->new == NULL)
		return false;
	for (int i = 0; i < lengthof(keys); i++)
		if (!sd_ddl_same(ddl, sd_ddl_peek(ddl->old, "core", keys[i], NULL),
						 sd_ddl_peek(ddl->new, "core", keys[i], NULL)))
			return false;
	return true;
}

bool
sd_ddl_is_partitioned(SdNode *side)
{
	return sd_ddl_peek(side, "core", "partition_key", NULL) != NULL;
}

bool
sd_ddl_differs_only_in(SdDdl *ddl, const SdDdlPart *part, const char *const *keys, int count)
{
	SdNode *sides[2] = { part->old, part->new };

	for (int side = 0; side < 2; side++)
		for (SdNode *node = sides[side]->first; node != NULL; node = node->next)
		{
			const char *key = sd_ddl_key(node);
			bool allowed = false;

			for (int i = 0; i < count; i++)
				allowed |= strcmp(keys[i], key) == 0;
			if (!allowed &&
				!sd_ddl_same(ddl, sd_map_find(part->old, key), sd_map_find(part->new, key)))
				return false;
		}
	return true;
}

bool
sd_ddl_key_differs(const SdDdlPart *part, const char *key)
{
	return !sd_ddl_equal(sd_map_find(part->old, key), sd_map_find(part->new, key));
}

/* In the order in which they are made, where nothing else decides. */
static const SdDdlPartKind *const part_kinds[] = {
	&sd_ddl_constraints, &sd_ddl_indexes, &sd_ddl_rules, &sd_ddl_triggers, &sd_ddl_policies,
};

static void
drop_part(SdDdl *ddl, const SdDdlPartKind *kind, const SdDdlPart *part)
{
	SdDdlPart now = *part;

	if (kind->drop_later != NULL && kind->drop_later(ddl, part))
		return;
	now.name = sd_ddl_name_now(ddl, kind->number, part->name);
	now.quoted = quote_identifier(now.name);
	ddl->stage = SD_DDL_BEFORE;
	kind->drop(ddl, &now);
	ddl->stage = SD_DDL_MAKE;
	sd_ddl_disturb(ddl, ddl->part);
}

static void
write_part(SdDdl *ddl, const SdDdlPartKind *kind, const SdDdlPart *part)
{
	bool forced = sd_ddl_listed(ddl->forced, ddl->part);
	int count = list_length(ddl->steps);

	/* made along with its column */
	if (part->old != NULL && part->old->used)
		return;
	if (kind->follows != NULL && kind->follows(ddl, part->old ? part->old : part->new))
	{
		if (kind->follow != NULL)
			kind->follow(ddl, part);
	}
	else if (part->old == NULL)
		drop_part(ddl, kind, part);
	else if (part->new == NULL)
		kind->create(ddl, part);
	else if (forced || !kind->alter(ddl, part))
	{
		ddl->steps = list_truncate(ddl->steps, count);
		drop_part(ddl, kind, part);
		kind->create(ddl, part);
	}
	if (kind->note != NULL)
		kind->note(ddl, part);
	sd_ddl_mark(part->old);
	sd_ddl_mark(part->new);
}

static void
write_parts(SdDdl *ddl, const SdDdlPartKind *kind, SdNode *old, SdNode *new, bool of_old)
{
	SdNode *side = of_old ? old : new;

	for (SdNode *node = side ? side->first : NULL; node != NULL; node = node->next)
	{
		SdDdlPart part = { .name = sd_ddl_key(node) };

		part.quoted = quote_identifier(part.name);
		part.old = old ? sd_map_find(old, part.name) : NULL;
		part.new = new ? sd_map_find(new, part.name) : NULL;
		if (of_old && part.new != NULL)
			continue;
		ddl->part = sd_ddl_part(kind->collection, part.name);
		write_part(ddl, kind, &part);
		ddl->part = NULL;
	}
}

/* What is there now comes first; what was there and is not, after it. */
void
sd_ddl_parts(SdDdl *ddl)
{
	for (int k = 0; k < lengthof(part_kinds); k++)
	{
		const SdDdlPartKind *kind = part_kinds[k];
		SdNode *old = sd_ddl_peek(ddl->old, kind->facet, kind->collection, NULL);
		SdNode *new = sd_ddl_peek(ddl->new, kind->facet, kind->collection, NULL);

		write_parts(ddl, kind, old, new, false);
		write_parts(ddl, kind, old, new, true);
	}
}
