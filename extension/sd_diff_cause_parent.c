/*
 * sd_diff_cause_parent.c
 *	  What a table has from another object: from its parents, or from the type that it
 *	  is of.
 */
#include "postgres.h"

#include "sd_diff_cause.h"

/* The core of the object that a change is about, as it is now, else as it was. */
static JsonbContainer *
core_of(const SdDiffChange *change)
{
	const SdDiffObject *side = change->pair->new ? change->pair->new : change->pair->old;

	return sd_diff_find(side->definition, "core", NULL);
}

/* The name of the table that it is a partition of, or those of its parents; false when it has none. */
static bool
get_parents(const SdDiffChange *change, JsonbValue *parents)
{
	JsonbContainer *core = core_of(change);

	return sd_diff_get(core, "partition_of", parents) || sd_diff_get(core, "inherits", parents);
}

/* The parent's column of that name was added or dropped. */
static SdDiffChange *
test_parent_column(SdDiffNames *names, const SdDiffChange *change, const char *parent)
{
	SdDiffPair *pair = sd_diff_pair_named(names, parent, false);
	ListCell *cell;

	foreach (cell, pair ? pair->changes : NIL)
	{
		SdDiffChange *other = lfirst(cell);

		if ((other->op & (SD_DIFF_ADD | SD_DIFF_DROP)) && other->depth == 2 &&
			other->collection == change->collection && strcmp(other->member, change->member) == 0)
			return other;
	}
	return NULL;
}

/* The change of something that a table has from its parent, or of the mark that it has it from there. */
static bool
is_inherited(const SdDiffChange *change)
{
	static const char *const marks[] = { "bound", "inherited", "local", "partition_of", NULL };
	Jsonb *member = change->new ? change->new : change->old;
	JsonbValue mark;

	if (change->op == SD_DIFF_ALTER)
		return sd_diff_ends_in(change, marks);
	return change->depth == 2 && change->member != NULL && member != NULL &&
		   (sd_diff_get(&member->root, "inherited", &mark) ||
			sd_diff_get(&member->root, "partition_of", &mark));
}

SdDiffChange *
sd_diff_cause_attached(SdDiffNames *names, SdDiffChange *change)
{
	static const char *const links[] = { "partition_of", "inherits", NULL };
	JsonbValue parents;
	ListCell *cell;

	if (change->depth == 0 || !is_inherited(change))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other != change && other->facet == SD_DIFF_CORE && other->depth == 1 &&
			sd_diff_ends_in(other, links))
			return other;
	}
	if (change->op == SD_DIFF_ALTER && change->member != NULL && get_parents(change, &parents))
		return sd_diff_search_strings(names, change, JsonbValueToJsonb(&parents), test_parent_column);
	return NULL;
}

static bool
same_definition(Jsonb *a, Jsonb *b)
{
	JsonbValue x, y;

	return a != NULL && b != NULL && sd_diff_get(&a->root, "definition", &x) &&
		   sd_diff_get(&b->root, "definition", &y) && sd_diff_value_equal(&x, &y);
}

/* The parent's change is the same one; its constraints and indexes may go by other names. */
static bool
same_change(const SdDiffChange *a, const SdDiffChange *b)
{
	if (a->op != b->op || a->facet != b->facet || a->depth != b->depth || a->depth == 0 ||
		strcmp(a->kind, b->kind) != 0)
		return false;
	if (a->depth == 2 && a->member != NULL &&
		(a->collection == SD_DIFF_CONSTRAINTS || a->collection == SD_DIFF_INDEXES) &&
		(same_definition(a->old, b->old) || same_definition(a->new, b->new)))
		return true;
	for (int i = 0; i < a->depth; i++)
		if (strcmp(a->path[i], b->path[i]) != 0)
			return false;
	return true;
}

static SdDiffChange *
test_parent(SdDiffNames *names, const SdDiffChange *change, const char *parent)
{
	SdDiffPair *pair = sd_diff_pair_named(names, parent, change->pair->new == NULL);
	ListCell *cell;

	if (pair == NULL || pair == change->pair)
		return NULL;
	foreach (cell, pair->changes)
		if (same_change(lfirst(cell), change))
			return lfirst(cell);
	return NULL;
}

SdDiffChange *
sd_diff_cause_parent(SdDiffNames *names, SdDiffChange *change)
{
	JsonbValue parents;

	if (change->member == NULL || !get_parents(change, &parents))
		return NULL;
	return sd_diff_search_strings(names, change, JsonbValueToJsonb(&parents), test_parent);
}

SdDiffChange *
sd_diff_cause_of_type(SdDiffNames *names, SdDiffChange *change)
{
	char *type = sd_diff_get_string(core_of(change), "of_type");
	SdDiffPair *pair;
	ListCell *cell;

	if (change->member == NULL || change->depth < 2 || type == NULL)
		return NULL;
	pair = sd_diff_pair_named(names, type, change->pair->new == NULL);
	foreach (cell, pair ? pair->changes : NIL)
	{
		SdDiffChange *other = lfirst(cell);

		if (other->op == change->op && other->depth == change->depth && other->member != NULL &&
			strcmp(other->member, change->member) == 0 &&
			(change->depth == 2 || strcmp(other->path[2], change->path[2]) == 0))
			return other;
	}
	return NULL;
}
