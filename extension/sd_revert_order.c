/*
 * sd_revert_order.c
 *	  All statements in an order that runs.
 *
 * A node is what one stage does to one object or to a part of it.  In the first
 * stage and in the last but one a user goes before what it uses, as it stands now;
 * in between it comes after what it uses, as it stood then.  Where nothing else
 * decides, a rank does; where nodes wait for each other, the one of the lowest
 * rank goes first.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_revert.h"
#include "sd_text_table.h"

typedef struct StepNode
{
	SdRevertObject *object;
	const char *part; /* "" for the whole */
	List *steps;
	List *after; /* of StepNode *: those that wait for this one */
	int waits;	 /* number of nodes that have to go first */
	int rank;
	int number;
	bool whole_drop;
	bool done;
} StepNode;

typedef struct StepEntry
{
	const char *key; /* of node_key() */
	StepNode *node;
} StepEntry;

typedef struct Graph
{
	SdRevert *revert;
	SdDdlStage stage;
	HTAB *table;
	List *nodes;
} Graph;

typedef struct Rank
{
	const char *name;
	int make;
	int drop;
} Rank;

/* Of objects; what is not listed stands in the middle. */
static const Rank kind_ranks[] = {
	{ "role", 0, 99 },
	{ "tablespace", 1, 98 },
	{ "schema", 2, 97 },
	{ "extension", 3, 96 },
	{ "language", 4, 95 },
	{ "access method", 5, 94 },
	{ "foreign data wrapper", 6, 93 },
	{ "server", 7, 92 },
	{ "user mapping", 8, 20 },
	{ "collation", 9, 90 },
	{ "enum", 10, 89 },
	{ "composite type", 11, 87 },
	{ "domain", 12, 86 },
	{ "range", 13, 88 },
	{ "type", 14, 88 },
	{ "sequence", 15, 85 },
	{ "function", 30, 60 },
	{ "procedure", 30, 60 },
	{ "aggregate", 31, 59 },
	{ "operator", 32, 58 },
	{ "table", 40, 80 },
	{ "foreign table", 41, 79 },
	{ "statistics", 71, 30 },
	{ "view", 75, 40 },
	{ "materialized view", 76, 39 },
	{ "publication", 90, 4 },
	{ "subscription", 91, 3 },
	{ "event trigger", 99, 1 },
};

/* Of parts, by their collection. */
static const Rank part_ranks[] = {
	{ "definition", 35, 88 }, { "defaults", 45, 55 },	 { "owned_by", 46, 5 },
	{ "indexes", 50, 50 },	  { "constraints", 55, 45 }, { "attach", 60, 2 },
	{ "rules", 80, 12 },	  { "triggers", 81, 10 },	 { "policies", 82, 11 },
	{ "columns", 42, 70 },	  { "detach", 0, 2 },
};

#define RANK_MIDDLE		 50
#define RANK_FOREIGN_KEY 70
#define RANK_ALTER		 6 /* of what has to be done to the whole of an object that stays */

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
is_drop_stage(SdDdlStage stage)
{
	return stage == SD_DDL_BEFORE || stage == SD_DDL_REMOVE;
}

static int
rank_of(const Graph *graph, const SdRevertObject *object, const char *part, const SdDdlStep *step)
{
	bool drop = is_drop_stage(graph->stage);

	if (part[0] != '\0')
	{
		if (!drop && starts_with(part, "constraints.") && step->sql != NULL &&
			strstr(step->sql, " FOREIGN KEY ") != NULL)
			return RANK_FOREIGN_KEY;
		for (int i = 0; i < lengthof(part_ranks); i++)
			if (starts_with(part, part_ranks[i].name))
				return drop ? part_ranks[i].drop : part_ranks[i].make;
	}
	else if (drop && object->pair->old != NULL && !object->replaced)
		return RANK_ALTER;
	for (int i = 0; i < lengthof(kind_ranks); i++)
		if (strcmp(kind_ranks[i].name, object->pair->kind) == 0)
			return drop ? kind_ranks[i].drop : kind_ranks[i].make;
	return RANK_MIDDLE;
}

static const char *
node_key(const char *object, const char *part)
{
	return psprintf("%s\n%s", object, part);
}

static StepNode *
find_node(const Graph *graph, const char *object, const char *part)
{
	StepEntry *entry = sd_text_search(graph->table, node_key(object, part), HASH_FIND, NULL);

	return entry ? entry->node : NULL;
}

/* The name under which the graph of this stage knows an object. */
static const char *
stage_key(const Graph *graph, const SdRevertObject *object)
{
	if (is_drop_stage(graph->stage))
		return object->new_key;
	return object->old_key;
}

/* Columns are made with their table, in the order of the statements that the writer gave. */
static const char *
node_part(const Graph *graph, const SdDdlStep *step)
{
	if (step->part == NULL || (graph->stage == SD_DDL_MAKE && starts_with(step->part, "columns.")))
		return "";
	return step->part;
}

static void
add_step(Graph *graph, SdRevertObject *object, SdDdlStep *step)
{
	const char *part = node_part(graph, step);
	bool found;
	StepEntry *entry =
		sd_text_search(graph->table, node_key(stage_key(graph, object), part), HASH_ENTER, &found);

	if (!found)
	{
		StepNode *node = palloc0(sizeof(StepNode));

		node->object = object;
		node->part = part;
		node->rank = rank_of(graph, object, part, step);
		node->number = list_length(graph->nodes);
		node->whole_drop = part[0] == '\0' && is_drop_stage(graph->stage) &&
						   (object->pair->old == NULL || object->replaced);
		graph->nodes = lappend(graph->nodes, node);
		entry->node = node;
	}
	entry->node->steps = lappend(entry->node->steps, step);
}

static void
add_edge(StepNode *first, StepNode *then)
{
	if (first == NULL || then == NULL || first == then || list_member_ptr(first->after, then))
		return;
	first->after = lappend(first->after, then);
	then->waits++;
}

/* The node that does something to a part, or else the one of the whole. */
static StepNode *
node_of(const Graph *graph, const char *object, const char *part)
{
	StepNode *node = find_node(graph, object, part);

	if (node == NULL && part[0] != '\0')
		node = find_node(graph, object, "");
	return node;
}

static void
add_use_edges(Graph *graph)
{
	bool drop = is_drop_stage(graph->stage);
	ListCell *cell, *lc;

	foreach (cell, graph->revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (drop && object->new_key != NULL)
			foreach (lc, sd_revert_users(graph->revert, object->new_key))
			{
				SdRevertUse *use = lfirst(lc);
				StepNode *user = node_of(graph, use->user, use->user_part);
				StepNode *used = node_of(graph, use->used, use->used_part);

				/* what is owned goes by itself, or is let go first, by its rank */
				if (user != NULL && used != NULL && strcmp(use->user_part, "owned_by") != 0 &&
					(used->part[0] != '\0' || used->whole_drop))
					add_edge(user, used);
			}
		if (!drop)
			foreach (lc, object->uses)
			{
				SdRevertUse *use = lfirst(lc);
				StepNode *user = node_of(graph, use->user, use->user_part);
				StepNode *used = node_of(graph, use->used, use->used_part);

				add_edge(used, user);
			}
	}
}

static const char *
old_text(const SdRevertObject *object, const char *key)
{
	JsonbContainer *core =
		object->pair->old ? sd_diff_find(object->pair->old->definition, "core", NULL) : NULL;
	JsonbValue value;

	if (core == NULL || !sd_diff_get(core, key, &value))
		return NULL;
	return sd_diff_value_string(&value);
}

static bool
is_kind_of_key(const char *part)
{
	return starts_with(part, "constraints.") || starts_with(part, "indexes.");
}

/* An index that is not complete on the partitions: what was there when it was made has none. */
static bool
is_incomplete_index(const StepNode *node)
{
	JsonbContainer *indexes;
	JsonbValue index;
	JsonbValue valid;

	if (!starts_with(node->part, "indexes.") || node->object->pair->old == NULL)
		return false;
	indexes = sd_diff_find(node->object->pair->old->definition, "core", "indexes");
	return indexes != NULL && sd_diff_get(indexes, node->part + strlen("indexes."), &index) &&
		   sd_diff_value_is_object(&index) && sd_diff_get(index.val.binary.data, "valid", &valid);
}

/* A partition that is attached later would get the index as well. */
static void
put_after_partitions(Graph *graph, StepNode *index)
{
	ListCell *cell;

	foreach (cell, graph->nodes)
	{
		StepNode *other = lfirst(cell);
		const char *parent =
			strcmp(other->part, "attach") == 0 ? old_text(other->object, "partition_of") : NULL;

		if (parent != NULL && strcmp(parent, index->object->pair->old->identity) == 0)
			add_edge(other, index);
	}
}

/*
 * What a part and its own table, a partition and its partitioned table ask of each
 * other: a key of the parent finds those of its partitions, by their names.
 */
static void
add_own_edges(Graph *graph)
{
	ListCell *cell, *lc;

	foreach (cell, graph->nodes)
	{
		StepNode *node = lfirst(cell);
		const char *key = stage_key(graph, node->object);
		StepNode *whole = node->part[0] != '\0' ? find_node(graph, key, "") : NULL;
		const char *parent = old_text(node->object, "partition_of");

		if (is_drop_stage(graph->stage))
		{
			/* keys, triggers and the like before their columns: by rank; the whole last */
			if (whole != NULL && whole->whole_drop)
				add_edge(node, whole);
			continue;
		}
		if (whole != NULL)
			add_edge(whole, node);
		if (is_kind_of_key(node->part))
		{
			add_edge(node, find_node(graph, key, "attach"));
			if (is_incomplete_index(node))
				put_after_partitions(graph, node);
			if (parent == NULL)
				continue;
			foreach (lc, graph->nodes)
			{
				StepNode *other = lfirst(lc);

				if (is_kind_of_key(other->part) && other->object->pair->old != NULL &&
					strcmp(other->object->pair->old->identity, parent) == 0)
					add_edge(node, other);
			}
		}
	}
}

static int
compare_nodes(const StepNode *a, const StepNode *b)
{
	if (a->rank != b->rank)
		return a->rank - b->rank;
	return a->number - b->number;
}

/*
 * Tables that are dropped and refer to each other: the key that closes the ring
 * goes first.
 */
static List *
break_ring(const Graph *graph, StepNode *node, List *steps)
{
	ListCell *cell;

	if (!node->whole_drop)
		return steps;
	foreach (cell, sd_revert_users(graph->revert, node->object->new_key))
	{
		SdRevertUse *use = lfirst(cell);
		StepNode *user = node_of(graph, use->user, use->user_part);
		SdDdlStep *step;

		if (user == NULL || user->done || user == node || !user->whole_drop ||
			!starts_with(use->user_part, "constraints."))
			continue;
		step = palloc0(sizeof(SdDdlStep));
		step->sql = psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
							 user->object->pair->new->identity,
							 quote_identifier(use->user_part + strlen("constraints.")));
		step->kind = user->object->pair->kind;
		step->identity = user->object->pair->new->identity;
		/* it uses the key and its columns, one after the other */
		if (steps == NIL || ((SdDdlStep *) llast(steps))->sql == NULL ||
			strcmp(((SdDdlStep *) llast(steps))->sql, step->sql) != 0)
			steps = lappend(steps, step);
	}
	return steps;
}

static List *
sort_nodes(Graph *graph)
{
	List *steps = NIL;
	int left = list_length(graph->nodes);

	while (left > 0)
	{
		StepNode *best = NULL;
		StepNode *stuck = NULL;
		ListCell *cell;

		CHECK_FOR_INTERRUPTS();
		foreach (cell, graph->nodes)
		{
			StepNode *node = lfirst(cell);

			if (node->done)
				continue;
			if (node->waits == 0 && (best == NULL || compare_nodes(node, best) < 0))
				best = node;
			if (stuck == NULL || compare_nodes(node, stuck) < 0)
				stuck = node;
		}
		if (best == NULL)
		{
			best = stuck;
			steps = break_ring(graph, best, steps);
		}
		best->done = true;
		left--;
		steps = list_concat(steps, best->steps);
		foreach (cell, best->after)
			((StepNode *) lfirst(cell))->waits--;
	}
	return steps;
}

/* Sequences that go with the column or table that owns them. */
static bool
goes_with_owner(SdRevert *revert, const SdRevertObject *object)
{
	JsonbContainer *core;
	JsonbValue value;
	ListCell *cell, *lc;

	if (strcmp(object->pair->kind, "sequence") != 0 || object->pair->old != NULL)
		return false;
	core = sd_diff_find(object->pair->new->definition, "core", NULL);
	if (core == NULL || !sd_diff_get(core, "owned_by", &value))
		return false;
	foreach (cell, revert->list)
	{
		SdRevertObject *owner = lfirst(cell);
		const char *owned_by = sd_diff_value_string(&value);
		size_t length;

		if (owner->pair->new == NULL)
			continue;
		length = strlen(owner->pair->new->identity);
		if (strncmp(owned_by, owner->pair->new->identity, length) != 0 || owned_by[length] != '.')
			continue;
		if (owner->pair->old == NULL || owner->replaced)
			return true;
		foreach (lc, owner->steps)
		{
			SdDdlStep *step = lfirst(lc);

			if (step->stage == SD_DDL_BEFORE && step->part != NULL &&
				starts_with(step->part, "columns.") &&
				strcmp(quote_identifier(step->part + strlen("columns.")), owned_by + length + 1) == 0)
				return true;
		}
	}
	return false;
}

static List *
steps_of_stage(SdRevert *revert, SdDdlStage stage)
{
	Graph graph = { .revert = revert, .stage = stage };
	ListCell *cell, *lc;

	graph.table = sd_text_table("safedeploy steps", sizeof(StepEntry));
	foreach (cell, revert->list)
	{
		SdRevertObject *object = lfirst(cell);

		if (goes_with_owner(revert, object))
			continue;
		foreach (lc, object->steps)
		{
			SdDdlStep *step = lfirst(lc);

			if (step->stage == stage && !step->outside)
				add_step(&graph, object, step);
		}
	}
	add_use_edges(&graph);
	add_own_edges(&graph);
	return sort_nodes(&graph);
}

/* What cannot run in a transaction comes after it; what drops, after what makes. */
static List *
steps_outside(SdRevert *revert, List *steps)
{
	for (int drops = 0; drops < 2; drops++)
	{
		ListCell *cell, *lc;

		foreach (cell, revert->list)
			foreach (lc, ((SdRevertObject *) lfirst(cell))->steps)
			{
				SdDdlStep *step = lfirst(lc);

				if (step->outside && starts_with(step->sql, "DROP ") == drops)
					steps = lappend(steps, step);
			}
	}
	return steps;
}

List *
sd_revert_order(SdRevert *revert)
{
	List *steps = steps_of_stage(revert, SD_DDL_BEFORE);

	/* roles are made there: whatever is made later may be theirs */
	steps = list_concat(steps, steps_of_stage(revert, SD_DDL_RENAME));
	steps = list_concat(steps, revert->renames);
	steps = list_concat(steps, steps_of_stage(revert, SD_DDL_MAKE));
	steps = list_concat(steps, steps_of_stage(revert, SD_DDL_REMOVE));
	steps = list_concat(steps, steps_of_stage(revert, SD_DDL_AFTER));
	return steps_outside(revert, steps);
}
