/*
 * sd_diff_order.c
 *	  Puts the changes in the order in which a person can follow them.
 *
 * Objects stand after those they depend on, so that the type comes before the
 * table and the table before its view; the changes of one object stand
 * together; and each change is followed at once by those that follow from it.
 * Dependencies are what the snapshots have recorded ("depends" in phys), of both
 * sides; where there are none, the order of the kinds decides.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_diff.h"
#include "sd_text_table.h"

typedef struct PairEntry
{
	const char *name; /* key: kind, blank, identity */
	SdDiffPair *old;  /* what had the name before */
	SdDiffPair *new;  /* and what has it now */
} PairEntry;

/* A list that is being gone through, for what it belongs to. */
typedef struct Visit
{
	SdDiffPair *pair; /* whose dependencies the list holds */
	List *list;
	int next;
} Visit;

static PairEntry *
find_entry(HTAB *table, const char *name, HASHACTION action)
{
	bool found;
	PairEntry *entry = sd_text_search(table, name, action, &found);

	if (entry != NULL && !found)
		entry->old = entry->new = NULL;
	return entry;
}

static HTAB *
index_pairs(List *pairs)
{
	HTAB *table = sd_text_table("safedeploy changed objects", sizeof(PairEntry));
	ListCell *cell;

	foreach (cell, pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		if (pair->old)
			find_entry(table, psprintf("%s %s", pair->kind, pair->old->identity), HASH_ENTER)->old =
				pair;
		if (pair->new)
			find_entry(table, psprintf("%s %s", pair->kind, pair->new->identity), HASH_ENTER)->new =
				pair;
	}
	return table;
}

static int
compare_pairs(const ListCell *x, const ListCell *y)
{
	const SdDiffPair *a = lfirst(x);
	const SdDiffPair *b = lfirst(y);
	int order = sd_diff_kind_rank(a->kind) - sd_diff_kind_rank(b->kind);

	if (order == 0)
		order = strcmp(a->kind, b->kind);
	if (order == 0)
		order = strcmp(a->identity, b->identity);
	/* a dropped object and the one that took its name */
	return order != 0 ? order : (a->new != NULL) - (b->new != NULL);
}

/* The pairs that one depends on, on either side, in the order of the output. */
static List *
dependencies(HTAB *table, const SdDiffPair *pair)
{
	List *found = NIL;

	for (int side = 0; side < 2; side++)
	{
		const SdDiffObject *object = side == 0 ? pair->old : pair->new;
		JsonbContainer *names = object ? sd_diff_find(object->phys, "depends", NULL) : NULL;
		JsonbIterator *it;
		JsonbIteratorToken token;
		JsonbValue value;

		if (names == NULL || !JsonContainerIsArray(names))
			continue;
		it = JsonbIteratorInit(names);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		{
			PairEntry *entry;
			SdDiffPair *other;

			if (token != WJB_ELEM || value.type != jbvString)
				continue;
			entry = find_entry(table, sd_diff_value_string(&value), HASH_FIND);
			other = entry == NULL ? NULL : side == 0 ? entry->old : entry->new;
			if (other != NULL && other != pair && other->rank == 0)
				found = lappend(found, other);
		}
	}
	list_sort(found, compare_pairs);
	return found;
}

static List *
push(List *stack, SdDiffPair *pair, List *list)
{
	Visit *visit = palloc0(sizeof(Visit));

	visit->pair = pair;
	visit->list = list;
	return lappend(stack, visit);
}

/* Puts a pair that has not been met on the stack. */
static List *
visit_pair(List *stack, HTAB *table, SdDiffPair *pair)
{
	if (pair->rank != 0)
		return stack;
	pair->rank = -1;
	return push(stack, pair, dependencies(table, pair));
}

/*
 * Ranks a pair after all that it depends on.  The stack is ours, because a chain
 * of references can be as long as the schema; a pair that is met again on the
 * way is in a circle and waits for nothing.
 */
static void
rank_pair(HTAB *table, SdDiffPair *start, int *last)
{
	List *stack = visit_pair(NIL, table, start);

	while (stack != NIL)
	{
		Visit *visit = llast(stack);

		if (visit->next < list_length(visit->list))
			stack = visit_pair(stack, table, list_nth(visit->list, visit->next++));
		else
		{
			visit->pair->rank = ++*last;
			stack = list_delete_last(stack);
		}
	}
}

static void
rank_pairs(SdDiff *diff)
{
	List *pairs = NIL;
	HTAB *table;
	ListCell *cell;
	int last = 0;

	foreach (cell, diff->pairs)
		if (((SdDiffPair *) lfirst(cell))->changes != NIL)
			pairs = lappend(pairs, lfirst(cell));
	table = index_pairs(pairs);
	list_sort(pairs, compare_pairs);
	foreach (cell, pairs)
	{
		CHECK_FOR_INTERRUPTS();
		rank_pair(table, lfirst(cell), &last);
	}
	hash_destroy(table);
}

int
sd_diff_compare_changes(const ListCell *x, const ListCell *y)
{
	const SdDiffChange *a = lfirst(x);
	const SdDiffChange *b = lfirst(y);
	int order;

#define BY(expression)                   \
	do                                   \
	{                                    \
		if ((order = (expression)) != 0) \
			return order;                \
	} while (0)

	BY(a->pair->rank - b->pair->rank);
	BY(sd_diff_kind_rank(a->pair->kind) - sd_diff_kind_rank(b->pair->kind));
	BY(strcmp(a->pair->kind, b->pair->kind));
	BY(strcmp(a->pair->identity, b->pair->identity));
	BY((a->depth > 0) - (b->depth > 0));
	BY((a->member != NULL) - (b->member != NULL));
	if (a->member != NULL)
	{
		BY((int) a->collection - (int) b->collection);
		BY(strcmp(a->member, b->member));
	}
	BY((int) a->facet - (int) b->facet);
	for (int i = 0; i < a->depth && i < b->depth; i++)
		BY(strcmp(a->path[i], b->path[i]));
	BY(a->depth - b->depth);
	BY((int) a->op - (int) b->op);
	/* a dropped object and the one that took its name */
	return (a->pair->new != NULL) - (b->pair->new != NULL);
#undef BY
}

/* The roots in order, each followed by its consequences; all lists are in order already. */
static List *
in_trees(List *roots)
{
	/* a stack again: a consequence can be as many steps away as there are changes */
	List *stack = push(NIL, NULL, roots);
	List *ordered = NIL;

	while (stack != NIL)
	{
		Visit *visit = llast(stack);
		SdDiffChange *change;

		if (visit->next == list_length(visit->list))
		{
			stack = list_delete_last(stack);
			continue;
		}
		change = list_nth(visit->list, visit->next++);
		ordered = lappend(ordered, change);
		stack = push(stack, NULL, change->effects);
	}
	return ordered;
}

void
sd_diff_order(SdDiff *diff)
{
	List *roots = NIL;
	ListCell *cell;
	int seq = 0;

	rank_pairs(diff);
	list_sort(diff->changes, sd_diff_compare_changes);
	foreach (cell, diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		if (change->cause == NULL)
			roots = lappend(roots, change);
		else
			change->cause->effects = lappend(change->cause->effects, change);
	}
	diff->changes = in_trees(roots);
	foreach (cell, diff->changes)
		((SdDiffChange *) lfirst(cell))->seq = ++seq;
}
