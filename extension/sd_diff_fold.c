/*
 * sd_diff_fold.c
 *	  Hangs consequences under the change they follow from.
 *
 * One edit of a person makes many differences: a dropped column takes its
 * indexes along, a renamed table changes the text of every view on it.  Each
 * such change keeps its row and names its cause, so nothing is hidden.  The
 * evidence is what the documents say (owner, parent, names in definitions),
 * never a guess between equal candidates.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "sd_diff_cause.h"

bool
sd_diff_ends_in(const SdDiffChange *change, const char *const *names)
{
	if (change->depth > 0)
		for (; *names != NULL; names++)
			if (strcmp(*names, change->path[change->depth - 1]) == 0)
				return true;
	return false;
}

/* Everything in a dropped schema goes with it, also an extension and default privileges. */
static SdDiffChange *
cause_schema(SdDiffNames *names, SdDiffChange *change)
{
	const char *identity = change->pair->old->identity;
	const char *in_schema = strstr(identity, " in schema ");
	char *schema, *name, *rest;
	JsonbValue value;

	if (change->depth > 0)
		return NULL;
	if (strcmp(change->kind, "default acl") == 0)
	{
		if (in_schema == NULL)
			return NULL;
		sd_diff_split_identity(in_schema + strlen(" in schema "), &rest, &schema, &name);
	}
	else if (strcmp(change->kind, "extension") == 0 &&
			 sd_diff_get(sd_diff_find(change->old, "core", NULL), "schema", &value))
		schema = sd_diff_value_string(&value);
	else
		sd_diff_split_identity(identity, &schema, &name, &rest);
	return schema ? sd_diff_loss_of(names, schema) : NULL;
}

/* The change of a table that its sequences take part in: another owner, another persistence. */
static bool
is_shared_with_sequence(const SdDiffChange *change, const SdDiffChange *table)
{
	return change->op == SD_DIFF_ALTER && table->op == SD_DIFF_ALTER &&
		   change->facet == table->facet && change->depth == 1 && table->depth == 1 &&
		   strcmp(change->path[0], table->path[0]) == 0 &&
		   (change->facet == SD_DIFF_OWNER || strcmp(change->path[0], "persistence") == 0);
}

/* A sequence comes, goes, moves and changes hands with the column or table that owns it. */
static SdDiffChange *
cause_owner(SdDiffNames *names, SdDiffChange *change)
{
	const SdDiffObject *side = change->op == SD_DIFF_ADD ? change->pair->new : change->pair->old;
	char *owner = sd_diff_get_string(sd_diff_find(side->definition, "core", NULL), "owned_by");
	SdDiffPair *pair;
	char *schema, *table, *rest;
	unsigned column_ops;
	ListCell *cell;

	if (owner == NULL)
		return NULL;
	sd_diff_split_identity(owner, &schema, &table, &rest);
	if (schema == NULL)
		return NULL;
	pair = sd_diff_pair_named(names, psprintf("%s.%s", schema, table), change->op != SD_DIFF_ADD);
	if (pair == NULL)
		return NULL;
	if (pair->root != NULL && change->depth == 0 &&
		(pair->root->op &
		 (change->op | SD_DIFF_RECREATE | (change->op == SD_DIFF_ADD ? 0 : SD_DIFF_DROP))))
		return pair->root;
	column_ops = change->op & (SD_DIFF_DROP | SD_DIFF_RECREATE) ? SD_DIFF_DROP | SD_DIFF_RECREATE :
																  change->op & SD_DIFF_ADD;
	foreach (cell, pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (is_shared_with_sequence(change, other))
			return other;
		if ((other->op & column_ops) && other->member != NULL && strcmp(other->kind, "column") == 0 &&
			strcmp(psprintf(".%s", sd_diff_lexeme(other->member)), rest) == 0)
			return other;
	}
	return NULL;
}

/* A default goes with what it calls. */
static SdDiffChange *
cause_lost_default(SdDiffNames *names, SdDiffChange *change)
{
	if (change->new != NULL || change->depth != 3 || strcmp(change->path[2], "default") != 0)
		return NULL;
	return sd_diff_cause_depends(names, change);
}

/* Inside something made anew, every difference comes from that. */
static SdDiffChange *
cause_recreated(SdDiffNames *names, SdDiffChange *change)
{
	ListCell *cell;

	if (change->pair->recreated && change != change->pair->root)
		return change->pair->root;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other->op != SD_DIFF_RECREATE || other == change)
			continue;
		if (change->op == SD_DIFF_REORDER ||
			(change->member != NULL && change->collection == other->collection &&
			 strcmp(change->member, other->member) == 0))
			return other;
	}
	return NULL;
}

/* Only what is deferrable can be deferred at first, and only what is enforced is validated. */
static SdDiffChange *
cause_deferrable(SdDiffNames *names, SdDiffChange *change)
{
	const char *root;
	ListCell *cell;

	if (change->depth != 3)
		return NULL;
	root = strcmp(change->path[2], "deferred") == 0	 ? "deferrable" :
		   strcmp(change->path[2], "validated") == 0 ? "enforced" :
													   NULL;
	if (root == NULL)
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other->depth == 3 && other->collection == change->collection &&
			strcmp(other->member, change->member) == 0 && strcmp(other->path[2], root) == 0)
			return other;
	}
	return NULL;
}

/* The columns of a view are those of its query. */
static SdDiffChange *
cause_query(SdDiffNames *names, SdDiffChange *change)
{
	ListCell *cell;

	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other != change && other->facet == SD_DIFF_CORE && other->member == NULL &&
			other->depth == 1 && strcmp(other->path[0], "definition") == 0)
			return other;
	}
	return NULL;
}

/* Only names in it have changed. */
static SdDiffChange *
cause_rename(SdDiffNames *names, SdDiffChange *change)
{
	SdDiffChange *cause = NULL;

	if (change->op == SD_DIFF_RENAME)
	{
		char *schemas[2], *bare[2], *rests[2];

		/* a routine or default privileges: its own name stays, one in the arguments changes */
		if (change->depth > 0)
			return NULL;
		sd_diff_split_identity(change->pair->old->identity, &schemas[0], &bare[0], &rests[0]);
		sd_diff_split_identity(change->pair->new->identity, &schemas[1], &bare[1], &rests[1]);
		if (strcmp(bare[0], bare[1]) != 0)
			return NULL;
	}
	if (!sd_diff_values_same_but_names(names, change, &cause) || cause == change)
		return NULL;
	change->follows = SD_DIFF_FOLLOWS_NAME;
	return cause;
}

/* The table of a publication goes, or goes by another name. */
static SdDiffChange *
cause_published(SdDiffNames *names, SdDiffChange *change)
{
	SdDiffPair *pair;

	if (change->depth < 2 || strcmp(change->path[0], "tables") != 0)
		return NULL;
	pair = sd_diff_pair_named(names, change->path[1], change->new == NULL);
	if (pair == NULL || pair->root == NULL || pair->root->op == SD_DIFF_ADD)
		return NULL;
	if (pair->root->op & (SD_DIFF_RENAME | SD_DIFF_MOVE))
		change->follows = SD_DIFF_FOLLOWS_NAME;
	return pair->root;
}

/* A role goes, or goes by another name, and so do its privileges. */
static SdDiffChange *
cause_role(SdDiffNames *names, SdDiffChange *change)
{
	const char *role = sd_diff_lexeme(change->path[change->depth - 1]);
	ListCell *cell;

	foreach (cell, names->diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);
		const SdDiffObject *side = change->op == SD_DIFF_DROP ? pair->old : pair->new;

		if (strcmp(pair->kind, "role") != 0 || pair->root == NULL || side == NULL ||
			!(pair->root->op & (SD_DIFF_RENAME | SD_DIFF_DROP)) || strcmp(role, side->identity) != 0)
			continue;
		if (pair->root->op == SD_DIFF_RENAME)
			change->follows = SD_DIFF_FOLLOWS_NAME;
		return pair->root;
	}
	return NULL;
}

/* Which changes can follow from which; the first cause that is found counts. */
static const struct
{
	unsigned ops;
	const char *kinds; /* between commas; NULL for any */
	SdDiffChange *(*find)(SdDiffNames *names, SdDiffChange *change);
} consequences[] = {
	{ SD_DIFF_ANY_OP, NULL, cause_recreated },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, NULL, cause_schema },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_RECREATE | SD_DIFF_MOVE | SD_DIFF_ALTER, ",sequence,",
	  cause_owner },
	{ SD_DIFF_ANY_OP, ",column,constraint,index,trigger,", sd_diff_cause_parent },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_RENAME | SD_DIFF_ALTER | SD_DIFF_RECREATE, ",column,",
	  sd_diff_cause_of_type },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, ",column,constraint,index,policy,trigger,rule,",
	  sd_diff_cause_column },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, NULL, sd_diff_cause_depends },
	{ SD_DIFF_ALTER, ",column,", cause_lost_default },
	{ SD_DIFF_ALTER, ",publication,", cause_published },
	{ SD_DIFF_ALTER, ",column,sequence,", sd_diff_cause_type },
	{ SD_DIFF_ALTER, ",constraint,trigger,", cause_deferrable },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_ALTER,
	  ",table,foreign table,column,constraint,index,trigger,", sd_diff_cause_attached },
	{ SD_DIFF_ALTER, ",column,", sd_diff_cause_primary_key },
	{ SD_DIFF_ADD | SD_DIFF_DROP, ",privilege,", cause_role },
	{ SD_DIFF_ADD | SD_DIFF_DROP, ",constraint,", sd_diff_cause_not_null },
	{ SD_DIFF_ALTER | SD_DIFF_RENAME, NULL, cause_rename },
	{ SD_DIFF_ALTER, ",column,constraint,index,policy,trigger,rule,", sd_diff_cause_retyped },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_ALTER | SD_DIFF_RENAME, ",column,", cause_query },
	{ SD_DIFF_REORDER, ",view,materialized view,", cause_query },
};

/* True when the cause follows, over any number of steps, from the change itself. */
static bool
makes_cycle(const SdDiffChange *change, const SdDiffChange *cause)
{
	for (; cause != NULL; cause = cause->cause)
		if (cause == change)
			return true;
	return false;
}

static SdDiffChange *
find_cause(SdDiffNames *names, SdDiffChange *change)
{
	for (int i = 0; i < lengthof(consequences); i++)
	{
		SdDiffChange *cause;

		if (!(consequences[i].ops & change->op) ||
			(consequences[i].kinds != NULL &&
			 strstr(consequences[i].kinds, psprintf(",%s,", change->kind)) == NULL))
			continue;
		cause = consequences[i].find(names, change);
		if (cause != NULL && !makes_cycle(change, cause))
			return cause;
	}
	return NULL;
}

void
sd_diff_fold(SdDiff *diff, SdDiffNames *names, MemoryContext scratch)
{
	MemoryContext caller = CurrentMemoryContext;
	ListCell *cell;

	foreach (cell, diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(scratch);
		change->cause = find_cause(names, change);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(scratch);
	}
}
