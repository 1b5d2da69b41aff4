/*
 * sd_diff_hits.c
 *	  Which earlier objects a change hits.
 *
 * The first is the object itself, as it was; then come what the new thing is
 * attached to (the parent of a partition, the table a foreign key references)
 * and the objects whose changes follow from this one; and last those that depend
 * on what changed and are the same as before.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_diff_names.h"
#include "sd_text_table.h"

typedef struct Hits
{
	SdDiffNames *names;
	int stamp;	/* of this change, on the pairs that are listed */
	List *list; /* of char *: kind, blank, identity */
} Hits;

static void
add_pair(Hits *hits, SdDiffPair *pair)
{
	if (pair == NULL || pair->old == NULL || pair->stamp == hits->stamp)
		return;
	pair->stamp = hits->stamp;
	hits->list = lappend(hits->list, psprintf("%s %s", pair->kind, pair->old->identity));
}

/* A name of now as the earlier object's; one that is not among the changes is the same. */
static void
add_named(Hits *hits, const JsonbValue *name)
{
	SdDiffPair *pair;
	char *identity;

	if (name->type != jbvString)
		return;
	identity = sd_diff_value_string(name);
	pair = sd_diff_pair_named(hits->names, identity, false);
	if (pair != NULL)
		add_pair(hits, pair);
	else
		hits->list = lappend(hits->list, psprintf("table %s", identity));
}

/* The names in an array. */
static void
add_all_named(Hits *hits, const JsonbValue *names)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue name;

	if (!sd_diff_value_is_array(names))
		return;
	it = JsonbIteratorInit(names->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &name, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			add_named(hits, &name);
}

/* The tables that foreign keys of a new table reference. */
static void
add_referenced(Hits *hits, const JsonbValue *constraints)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue constraint, table;

	if (!sd_diff_value_is_object(constraints))
		return;
	it = JsonbIteratorInit(constraints->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &constraint, true)) != WJB_DONE)
		if (token == WJB_VALUE && sd_diff_value_is_object(&constraint) &&
			sd_diff_get(constraint.val.binary.data, "references", &table))
			add_named(hits, &table);
}

/* What a new object or constraint is attached to, and what a partition is attached to or was. */
static void
add_attached(Hits *hits, const SdDiffChange *change)
{
	Jsonb *parent = change->new ? change->new : change->old;
	JsonbContainer *core;
	JsonbValue value;

	if (change->op == SD_DIFF_ALTER && change->depth == 1 &&
		strcmp(change->path[0], "partition_of") == 0 && JsonbExtractScalar(&parent->root, &value))
		add_named(hits, &value);
	if (change->op != SD_DIFF_ADD || change->new == NULL)
		return;
	if (change->member != NULL && change->collection == SD_DIFF_CONSTRAINTS &&
		sd_diff_get(&change->new->root, "references", &value))
		add_named(hits, &value);
	if (change->depth > 0)
		return;
	core = sd_diff_find(change->new, "core", NULL);
	if (sd_diff_get(core, "partition_of", &value) || sd_diff_get(core, "table", &value))
		add_named(hits, &value);
	if (sd_diff_get(core, "inherits", &value))
		add_all_named(hits, &value);
	if (sd_diff_get(core, "constraints", &value))
		add_referenced(hits, &value);
}

static void
add_effects(Hits *hits, const SdDiffChange *change)
{
	ListCell *cell;

	check_stack_depth();
	foreach (cell, change->effects)
	{
		const SdDiffChange *effect = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		add_pair(hits, effect->pair);
		add_effects(hits, effect);
	}
}

/* Those that only depend on what changed and are the same as before. */
static void
add_dependents(Hits *hits, const SdDiffChange *change)
{
	List *dependents = sd_diff_dependents(hits->names, change);
	HTAB *listed;
	ListCell *cell;

	if (dependents == NIL)
		return;
	listed = sd_text_table("safedeploy objects that are hit", sizeof(const char *));
	foreach (cell, hits->list)
		(void) sd_text_search(listed, lfirst(cell), HASH_ENTER, NULL);
	foreach (cell, dependents)
	{
		bool found;

		(void) sd_text_search(listed, lfirst(cell), HASH_ENTER, &found);
		if (!found)
			hits->list = lappend(hits->list, lfirst(cell));
	}
	hash_destroy(listed);
}

List *
sd_diff_hits(SdDiffNames *names, const SdDiffChange *change)
{
	Hits hits = { names, change->seq, NIL };

	add_pair(&hits, change->pair);
	add_attached(&hits, change);
	add_effects(&hits, change);
	add_dependents(&hits, change);
	return hits.list;
}
