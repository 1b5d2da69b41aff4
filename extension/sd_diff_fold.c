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

#include "sd_diff_names.h"

typedef SdDiffChange *(*FindCause)(SdDiffNames *names, SdDiffChange *change);

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

/* The side of a pair that a change is about: what is there now, else what was. */
static const SdDiffObject *
side_of(const SdDiffChange *change)
{
	return change->pair->new ? change->pair->new : change->pair->old;
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
	JsonbContainer *core = sd_diff_find(side->definition, "core", NULL);
	JsonbValue value;
	SdDiffPair *pair;
	char *owner, *schema, *table, *rest;
	unsigned column_ops;
	ListCell *cell;

	if (!sd_diff_get(core, "owned_by", &value) || (owner = sd_diff_value_string(&value)) == NULL)
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

/* A definition without the access method that it starts with, which may be named like a column. */
static const char *
without_method(const char *text)
{
	if (strncmp(text, "USING ", strlen("USING ")) == 0)
		for (int i = 0; i < 2; i++)
			sd_diff_next_token(&text);
	return text;
}

/* Another type or collation of a column: the server builds indexes and constraints over it anew. */
bool
sd_diff_is_retyped(const SdDiffChange *change)
{
	return change->op == SD_DIFF_ALTER && change->facet == SD_DIFF_CORE && change->depth == 3 &&
		   strcmp(change->kind, "column") == 0 &&
		   (strcmp(change->path[2], "type") == 0 || strcmp(change->path[2], "collation") == 0);
}

static SdDiffChange *
test_column(SdDiffNames *names, const SdDiffChange *change, const char *text)
{
	ListCell *cell;

	text = without_method(text);

	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other == change || strcmp(other->kind, "column") != 0 ||
			!(other->depth == 2 ? (other->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)) != 0 :
								  change->op == SD_DIFF_RECREATE && sd_diff_is_retyped(other)))
			continue;
		if (sd_diff_text_has_name(text, sd_diff_lexeme(other->member)))
			return other;
	}
	return NULL;
}

/* Definition of a member that is the same and made anew; NULL when that is not what happened. */
static Jsonb *
member_before(const SdDiffChange *change)
{
	const SdDiffCollectionInfo *info = &sd_diff_collections[change->collection];
	JsonbValue value;

	if (change->member == NULL || change->op != SD_DIFF_RECREATE ||
		!sd_diff_get(sd_diff_find(change->pair->old->definition, sd_diff_facet_name(info->facet),
								  info->key),
					 change->member, &value))
		return NULL;
	return JsonbValueToJsonb(&value);
}

/* What is defined over a column goes with it; another column only when it is computed from it. */
static SdDiffChange *
cause_column(SdDiffNames *names, SdDiffChange *change)
{
	Jsonb *was = change->old ? change->old : member_before(change);
	JsonbValue generated;

	if (strcmp(change->kind, "column") != 0)
		return sd_diff_search_strings(names, change, was, test_column);
	if (change->old == NULL || !sd_diff_get(&change->old->root, "generated", &generated) ||
		generated.type != jbvString)
		return NULL;
	return test_column(names, change, sd_diff_value_string(&generated));
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

static bool
in_list(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/* The change of the type in the same column or sequence, which brings others along. */
static SdDiffChange *
cause_type(SdDiffNames *names, SdDiffChange *change)
{
	static const char *const brought[] = { "collation", "max", "min", "type", NULL };
	ListCell *cell;

	/* the type is named beside the attribute, or beside the identity that it is in */
	if (change->depth == 0 || !in_list(brought, change->path[change->depth - 1]))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other == change || other->op != SD_DIFF_ALTER || other->facet != SD_DIFF_CORE ||
			other->depth > change->depth || other->depth == 0 ||
			strcmp(other->path[other->depth - 1], "type") != 0)
			continue;
		if (other->member == NULL ?
				change->member == NULL :
				change->member != NULL && strcmp(other->member, change->member) == 0)
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
		return change->depth > 0 && in_list(marks, change->path[change->depth - 1]);
	return change->depth == 2 && change->member != NULL && member != NULL &&
		   (sd_diff_get(&member->root, "inherited", &mark) ||
			sd_diff_get(&member->root, "partition_of", &mark));
}

/* What a table has from its parent comes and goes with it, or with the parent's column. */
static SdDiffChange *
cause_attached(SdDiffNames *names, SdDiffChange *change)
{
	static const char *const links[] = { "partition_of", "inherits", NULL };
	JsonbContainer *core = sd_diff_find(side_of(change)->definition, "core", NULL);
	JsonbValue parents;
	ListCell *cell;

	if (change->depth == 0 || !is_inherited(change))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other != change && other->facet == SD_DIFF_CORE && other->depth == 1 &&
			in_list(links, other->path[0]))
			return other;
	}
	if (change->op == SD_DIFF_ALTER && change->member != NULL &&
		(sd_diff_get(core, "partition_of", &parents) || sd_diff_get(core, "inherits", &parents)))
		return sd_diff_search_strings(names, change, JsonbValueToJsonb(&parents), test_parent_column);
	return NULL;
}

/* A new primary key forbids nulls in its columns. */
static SdDiffChange *
cause_primary_key(SdDiffNames *names, SdDiffChange *change)
{
	ListCell *cell;

	if (change->new == NULL || change->depth != 3 || strcmp(change->path[2], "not_null") != 0)
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);
		JsonbValue type, definition;

		if (other->op == SD_DIFF_ADD && strcmp(other->kind, "constraint") == 0 &&
			sd_diff_get(&other->new->root, "type", &type) && type.type == jbvString &&
			type.val.string.len == strlen("primary key") &&
			strncmp(type.val.string.val, "primary key", type.val.string.len) == 0 &&
			sd_diff_get(&other->new->root, "definition", &definition) &&
			definition.type == jbvString &&
			sd_diff_text_has_name(sd_diff_value_string(&definition), sd_diff_lexeme(change->member)))
			return other;
	}
	return NULL;
}

/* Where a NOT NULL is a constraint, it comes and goes with that of the column, or with the column. */
static SdDiffChange *
cause_not_null(SdDiffNames *names, SdDiffChange *change)
{
	Jsonb *constraint = change->op == SD_DIFF_ADD ? change->new : change->old;
	JsonbValue type, definition;
	ListCell *cell;

	if (constraint == NULL || !sd_diff_get(&constraint->root, "type", &type) ||
		type.type != jbvString || type.val.string.len != strlen("not null") ||
		strncmp(type.val.string.val, "not null", type.val.string.len) != 0 ||
		!sd_diff_get(&constraint->root, "definition", &definition))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (strcmp(other->kind, "domain") == 0 && other->depth == 1 &&
			strcmp(other->path[0], "not_null") == 0)
			return other;
		if (strcmp(other->kind, "column") == 0 && other->facet == SD_DIFF_CORE &&
			(other->depth == 3 ? strcmp(other->path[2], "not_null") == 0 :
								 other->depth == 2 && other->op == change->op) &&
			sd_diff_text_has_name(sd_diff_value_string(&definition), sd_diff_lexeme(other->member)))
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

/* A partition or child does what its parent does. */
static SdDiffChange *
cause_parent(SdDiffNames *names, SdDiffChange *change)
{
	SdDiffObject *side = change->pair->new ? change->pair->new : change->pair->old;
	JsonbContainer *core = sd_diff_find(side->definition, "core", NULL);
	JsonbValue value;

	if (change->member == NULL ||
		(!sd_diff_get(core, "partition_of", &value) && !sd_diff_get(core, "inherits", &value)))
		return NULL;
	return sd_diff_search_strings(names, change, JsonbValueToJsonb(&value), test_parent);
}

/* A table of a type has the columns that its type has. */
static SdDiffChange *
cause_of_type(SdDiffNames *names, SdDiffChange *change)
{
	const SdDiffObject *side = side_of(change);
	JsonbValue type;
	SdDiffPair *pair;
	ListCell *cell;

	if (change->member == NULL || change->depth < 2 ||
		!sd_diff_get(sd_diff_find(side->definition, "core", NULL), "of_type", &type) ||
		type.type != jbvString)
		return NULL;
	pair = sd_diff_pair_named(names, sd_diff_value_string(&type), change->pair->new == NULL);
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

/* A cast in deparsed text: "::" and the type, of words in lower case or quoted. */
static const char *
skip_cast(const char *text)
{
	for (;;)
	{
		const char *ahead = text;
		SdDiffToken token = sd_diff_next_token(&ahead);
		bool word = token.type == 'i' && !(*token.start >= 'A' && *token.start <= 'Z');

		if (token.start == text && *text == '(' && *ahead >= '0' && *ahead <= '9')
		{
			ahead = strchr(ahead, ')');
			if (ahead == NULL)
				return text;
			ahead++;
		}
		else if (!word && !(token.type == 'o' && strchr(".[]", *token.start) != NULL))
			return text;
		text = ahead;
	}
}

/* Next token that is neither a parenthesis nor in a cast. */
static SdDiffToken
next_but_casts(const char **text)
{
	for (;;)
	{
		SdDiffToken token = sd_diff_next_token(text);

		if (token.type == 'o' && *token.start == ':' && **text == ':')
			*text = skip_cast(*text + 1);
		else if (token.type != 'o' || strchr("()", *token.start) == NULL)
			return token;
	}
}

/* Two texts that differ in nothing but casts. */
static bool
same_but_casts(const char *a, const char *b)
{
	for (;;)
	{
		SdDiffToken x = next_but_casts(&a);
		SdDiffToken y = next_but_casts(&b);

		if (x.type != y.type || x.length != y.length || memcmp(x.start, y.start, x.length) != 0)
			return false;
		if (x.type == 0)
			return true;
	}
}

/* A column has another type, and what is said of it is cast another way. */
static SdDiffChange *
cause_retyped(SdDiffNames *names, SdDiffChange *change)
{
	char *old = sd_diff_jsonb_string(change->old);
	char *new = sd_diff_jsonb_string(change->new);
	ListCell *cell;

	if (old == NULL || new == NULL || !same_but_casts(old, new))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other == change || !sd_diff_is_retyped(other))
			continue;
		if ((change->collection == SD_DIFF_COLUMNS && strcmp(change->member, other->member) == 0) ||
			sd_diff_text_has_name(without_method(new), sd_diff_lexeme(other->member)))
		{
			change->follows = SD_DIFF_FOLLOWS_TYPE;
			return other;
		}
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
	FindCause find;
} consequences[] = {
	{ SD_DIFF_ANY_OP, NULL, cause_recreated },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, NULL, cause_schema },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_RECREATE | SD_DIFF_MOVE | SD_DIFF_ALTER, ",sequence,",
	  cause_owner },
	{ SD_DIFF_ANY_OP, ",column,constraint,index,trigger,", cause_parent },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_RENAME | SD_DIFF_ALTER | SD_DIFF_RECREATE, ",column,",
	  cause_of_type },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, ",column,constraint,index,policy,trigger,rule,", cause_column },
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, NULL, sd_diff_cause_depends },
	{ SD_DIFF_ALTER, ",column,", cause_lost_default },
	{ SD_DIFF_ALTER, ",publication,", cause_published },
	{ SD_DIFF_ALTER, ",column,sequence,", cause_type },
	{ SD_DIFF_ALTER, ",constraint,trigger,", cause_deferrable },
	{ SD_DIFF_ADD | SD_DIFF_DROP | SD_DIFF_ALTER,
	  ",table,foreign table,column,constraint,index,trigger,", cause_attached },
	{ SD_DIFF_ALTER, ",column,", cause_primary_key },
	{ SD_DIFF_ADD | SD_DIFF_DROP, ",privilege,", cause_role },
	{ SD_DIFF_ADD | SD_DIFF_DROP, ",constraint,", cause_not_null },
	{ SD_DIFF_ALTER | SD_DIFF_RENAME, NULL, cause_rename },
	{ SD_DIFF_ALTER, ",column,constraint,index,policy,trigger,rule,", cause_retyped },
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
