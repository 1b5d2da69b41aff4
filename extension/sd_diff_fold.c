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
#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_diff.h"

#define SD_DIFF_NAME_KEY (4 * NAMEDATALEN)

typedef struct NameEntry
{
	char name[SD_DIFF_NAME_KEY]; /* key, quoted as in SQL */
	SdDiffPair *pair;			 /* of an identity */
	List *renames;				 /* of Rename *, of a bare name */
} NameEntry;

/* A bare name that reads differently since a change. */
typedef struct Rename
{
	const char *old_name; /* quoted as in SQL */
	const char *new_name;
	const char *followed_by; /* of a move: the name that must come after the schema */
	const char *mentioned;	 /* of a member: the name of the object it is in */
	SdDiffChange *change;
} Rename;

typedef struct Fold
{
	SdDiff *diff;
	HTAB *pairs;   /* identity without arguments to pair; old and new names */
	HTAB *renames; /* bare old name to its renames */
} Fold;

typedef SdDiffChange *(*FindCause)(Fold *fold, SdDiffChange *change);

/* ---- indexes over names ---- */

static HTAB *
make_name_table(const char *name)
{
	HASHCTL control = { 0 };

	control.keysize = SD_DIFF_NAME_KEY;
	control.entrysize = sizeof(NameEntry);
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static NameEntry *
find_name(HTAB *table, const char *name)
{
	return hash_search(table, name, HASH_FIND, NULL);
}

static NameEntry *
enter_name(HTAB *table, const char *name)
{
	bool found;
	NameEntry *entry = hash_search(table, name, HASH_ENTER, &found);

	if (!found)
	{
		entry->pair = NULL;
		entry->renames = NIL;
	}
	return entry;
}

/* The identity up to the arguments of a routine. */
static char *
bare_identity(const char *identity)
{
	char *schema, *name, *rest;

	sd_diff_split_identity(identity, &schema, &name, &rest);
	return schema ? psprintf("%s.%s", schema, name) : name;
}

/* The pair of that name; schemas and other kinds without a schema never meet a dotted name. */
static SdDiffPair *
pair_of(Fold *fold, const char *identity)
{
	NameEntry *entry = find_name(fold->pairs, identity);

	return entry ? entry->pair : NULL;
}

/* The change by which the named thing went or was made anew. */
static SdDiffChange *
loss_of(Fold *fold, const char *identity)
{
	SdDiffPair *pair = pair_of(fold, identity);

	if (pair == NULL || pair->root == NULL || !(pair->root->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)))
		return NULL;
	return pair->root;
}

static void
add_rename(Fold *fold, const char *old_name, const char *new_name, const char *followed_by,
		   const char *mentioned, SdDiffChange *change)
{
	NameEntry *entry = enter_name(fold->renames, old_name);
	Rename *rename = palloc(sizeof(Rename));

	rename->old_name = old_name;
	rename->new_name = new_name;
	rename->followed_by = followed_by;
	rename->mentioned = mentioned;
	rename->change = change;
	entry->renames = lappend(entry->renames, rename);
}

static void
index_rename(Fold *fold, SdDiffChange *change)
{
	char *schemas[2], *names[2], *rests[2];
	const SdDiffPair *pair = change->pair;

	sd_diff_split_identity(pair->old->identity, &schemas[0], &names[0], &rests[0]);
	sd_diff_split_identity(pair->new->identity, &schemas[1], &names[1], &rests[1]);
	if (change->member != NULL)
		add_rename(fold, sd_diff_lexeme(sd_diff_jsonb_string(change->old)),
				   sd_diff_lexeme(sd_diff_jsonb_string(change->new)), NULL, names[1], change);
	else if (change->op == SD_DIFF_MOVE)
		add_rename(fold, schemas[0], schemas[1], names[1], NULL, change);
	else if (strcmp(names[0], names[1]) != 0)
		add_rename(fold, names[0], names[1], NULL, NULL, change);
}

static void
build_tables(Fold *fold)
{
	ListCell *cell;

	fold->pairs = make_name_table("safedeploy pairs by name");
	fold->renames = make_name_table("safedeploy renames");
	foreach (cell, fold->diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		/* a name that was taken over belongs to the one that has it now */
		if (pair->old != NULL)
		{
			NameEntry *entry = enter_name(fold->pairs, bare_identity(pair->old->identity));

			if (entry->pair == NULL)
				entry->pair = pair;
		}
		if (pair->new != NULL)
			enter_name(fold->pairs, bare_identity(pair->new->identity))->pair = pair;
	}
	foreach (cell, fold->diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		if (change->op & (SD_DIFF_RENAME | SD_DIFF_MOVE))
			index_rename(fold, change);
	}
}

/* ---- names in texts ---- */

static bool
token_is(const SdDiffToken *token, const char *text)
{
	return strlen(text) == token->length && memcmp(text, token->start, token->length) == 0;
}

static bool
same_token(const SdDiffToken *a, const SdDiffToken *b)
{
	return a->type == b->type && a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

static char *
token_text(const SdDiffToken *token)
{
	return pnstrdup(token->start, token->length);
}

/* What is between the quotes of a string or a quoted name. */
static char *
inner_text(const SdDiffToken *token)
{
	return pnstrdup(token->start + 1, Max(token->length - 2, 0));
}

/* The rename that leads from one token to another here, NULL when there is none. */
static Rename *
find_rename(Fold *fold, const SdDiffChange *change, const SdDiffToken *old, const SdDiffToken *new,
			const char *after_new, const char *whole_new)
{
	NameEntry *entry = find_name(fold->renames, token_text(old));
	ListCell *cell;

	if (entry == NULL)
		return NULL;
	foreach (cell, entry->renames)
	{
		Rename *rename = lfirst(cell);

		if (!token_is(new, rename->new_name))
			continue;
		if (rename->followed_by != NULL)
		{
			SdDiffToken next;

			if (*after_new != '.')
				continue;
			after_new++;
			next = sd_diff_next_token(&after_new);
			if (!token_is(&next, rename->followed_by))
				continue;
		}
		if (rename->mentioned != NULL && rename->change->pair != change->pair &&
			strstr(whole_new, rename->mentioned) == NULL)
			continue;
		return rename;
	}
	return NULL;
}

/*
 * Two texts that say the same but for changed names.  The first rename that was
 * needed is left in *cause.  A view keeps the name of its column when the
 * table's changes, by an alias that was not there before.
 */
static bool
same_but_names(Fold *fold, const SdDiffChange *change, const char *old, const char *new,
			   SdDiffChange **cause)
{
	const char *whole_new = new;

	check_stack_depth();
	for (;;)
	{
		SdDiffToken o = sd_diff_next_token(&old);
		SdDiffToken n = sd_diff_next_token(&new);
		Rename *rename;

		if (o.type == 0 || n.type == 0)
			return o.type == n.type;
		if (same_token(&o, &n))
			continue;
		rename = find_rename(fold, change, &o, &n, new, whole_new);
		if (rename != NULL)
		{
			const char *ahead = new;
			SdDiffToken as = sd_diff_next_token(&ahead);
			SdDiffToken alias = sd_diff_next_token(&ahead);
			const char *old_ahead = old;
			SdDiffToken old_as = sd_diff_next_token(&old_ahead);

			if (*cause == NULL)
				*cause = rename->change;
			if (rename->mentioned != NULL && token_is(&as, "AS") && !token_is(&old_as, "AS") &&
				token_is(&alias, rename->old_name))
				new = ahead;
			continue;
		}
		if (o.type == n.type && (o.type == 's' || *o.start == '"') && *o.start == *n.start &&
			o.length > 2 && n.length > 2 &&
			same_but_names(fold, change, inner_text(&o), inner_text(&n), cause))
			continue;
		return false;
	}
}

/* The same for two values: every string in one place of both. */
static bool
values_same_but_names(Fold *fold, const SdDiffChange *change, SdDiffChange **cause)
{
	JsonbIterator *old_it, *new_it;
	JsonbIteratorToken old_token, new_token;
	JsonbValue old, new;

	if (change->old == NULL || change->new == NULL)
		return false;
	old_it = JsonbIteratorInit(&change->old->root);
	new_it = JsonbIteratorInit(&change->new->root);
	do
	{
		old_token = JsonbIteratorNext(&old_it, &old, false);
		new_token = JsonbIteratorNext(&new_it, &new, false);
		if (old_token != new_token)
			return false;
		if (old_token != WJB_KEY && old_token != WJB_VALUE && old_token != WJB_ELEM)
			continue;
		if (sd_diff_value_equal(&old, &new))
			continue;
		if (old.type != jbvString || new.type != jbvString)
			return false;
		if (!same_but_names(fold, change, sd_diff_value_string(&old), sd_diff_value_string(&new),
							cause))
			return false;
	} while (old_token != WJB_DONE);
	return *cause != NULL;
}

/* The first dropped thing that a text names, in quotes or not. */
static SdDiffChange *
loss_mentioned(Fold *fold, const SdDiffChange *change, const char *text)
{
	char *last = NULL;
	bool dot = false;

	check_stack_depth();
	for (;;)
	{
		SdDiffToken token = sd_diff_next_token(&text);

		if (token.type == 0)
			return NULL;
		if (token.type == 's' && token.length > 2)
		{
			SdDiffChange *found = loss_mentioned(fold, change, inner_text(&token));

			if (found != NULL)
				return found;
		}
		if (token.type == 'i')
		{
			char *name = token_text(&token);

			if (dot && last != NULL)
			{
				SdDiffChange *found = loss_of(fold, psprintf("%s.%s", last, name));

				if (found != NULL && found->pair != change->pair)
					return found;
			}
			last = name;
			dot = false;
		}
		else
		{
			dot = token.type == 'o' && *token.start == '.';
			if (!dot)
				last = NULL;
		}
	}
}

static bool
text_has_name(const char *text, const char *name)
{
	for (;;)
	{
		SdDiffToken token = sd_diff_next_token(&text);

		if (token.type == 0)
			return false;
		if (token.type == 'i' && token_is(&token, name))
			return true;
	}
}

/* Calls a test on every string of a value until one gives a change. */
static SdDiffChange *
search_strings(Fold *fold, const SdDiffChange *change, Jsonb *value,
			   SdDiffChange *(*test)(Fold *, const SdDiffChange *, const char *) )
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue string;

	if (value == NULL)
		return NULL;
	it = JsonbIteratorInit(&value->root);
	while ((token = JsonbIteratorNext(&it, &string, false)) != WJB_DONE)
	{
		SdDiffChange *found;

		if ((token != WJB_VALUE && token != WJB_ELEM) || string.type != jbvString)
			continue;
		found = test(fold, change, sd_diff_value_string(&string));
		if (found != NULL)
			return found;
	}
	return NULL;
}

/* ---- causes ---- */

/* Everything in a dropped schema goes with it. */
static SdDiffChange *
cause_schema(Fold *fold, SdDiffChange *change)
{
	char *schema, *name, *rest;

	if (change->depth > 0)
		return NULL;
	sd_diff_split_identity(change->pair->identity, &schema, &name, &rest);
	return schema ? loss_of(fold, schema) : NULL;
}

/* A sequence goes with the column or table that owns it. */
static SdDiffChange *
cause_owner(Fold *fold, SdDiffChange *change)
{
	JsonbContainer *core = sd_diff_find(change->pair->old->definition, "core", NULL);
	JsonbValue value;
	SdDiffPair *pair;
	char *owner, *table, *dot;
	ListCell *cell;

	if (!sd_diff_get(core, "owned_by", &value) || (owner = sd_diff_value_string(&value)) == NULL)
		return NULL;
	table = bare_identity(owner);
	pair = pair_of(fold, table);
	if (pair == NULL)
		return NULL;
	if (pair->root != NULL && (pair->root->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)))
		return pair->root;
	dot = owner + strlen(table);
	if (*dot != '.')
		return NULL;
	foreach (cell, pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if ((other->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)) && other->member != NULL &&
			strcmp(other->kind, "column") == 0 && strcmp(sd_diff_lexeme(other->member), dot + 1) == 0)
			return other;
	}
	return NULL;
}

/* A partition or child is dropped with its parent. */
static SdDiffChange *
cause_dropped_parent(Fold *fold, SdDiffChange *change)
{
	JsonbContainer *core = sd_diff_find(change->pair->old->definition, "core", NULL);
	JsonbValue value;

	if (change->depth > 0)
		return NULL;
	if (sd_diff_get(core, "partition_of", &value) && value.type == jbvString)
		return loss_of(fold, sd_diff_value_string(&value));
	if (sd_diff_get(core, "inherits", &value))
		return search_strings(fold, change, JsonbValueToJsonb(&value), loss_mentioned);
	return NULL;
}

static SdDiffChange *
test_column(Fold *fold, const SdDiffChange *change, const char *text)
{
	ListCell *cell;

	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if ((other->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)) && strcmp(other->kind, "column") == 0 &&
			other->depth == 2 && text_has_name(text, sd_diff_lexeme(other->member)))
			return other;
	}
	return NULL;
}

/* What is defined over a column goes with it. */
static SdDiffChange *
cause_column(Fold *fold, SdDiffChange *change)
{
	return search_strings(fold, change, change->old, test_column);
}

/* What names a dropped thing in its definition was dropped with it. */
static SdDiffChange *
cause_mentioned(Fold *fold, SdDiffChange *change)
{
	return change->new == NULL ? search_strings(fold, change, change->old, loss_mentioned) : NULL;
}

/* Inside something made anew, every difference comes from that. */
static SdDiffChange *
cause_recreated(Fold *fold, SdDiffChange *change)
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

/* An attribute of the same column that the change of its type brings along. */
static SdDiffChange *
cause_type(Fold *fold, SdDiffChange *change)
{
	ListCell *cell;

	if (change->member == NULL || change->depth < 3 ||
		(strcmp(change->path[2], "collation") != 0 && strcmp(change->path[2], "identity") != 0))
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);

		if (other->op == SD_DIFF_ALTER && other->depth == 3 && strcmp(other->path[2], "type") == 0 &&
			strcmp(other->kind, "column") == 0 && strcmp(other->member, change->member) == 0)
			return other;
	}
	return NULL;
}

/* A new primary key forbids nulls in its columns. */
static SdDiffChange *
cause_primary_key(Fold *fold, SdDiffChange *change)
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
			text_has_name(sd_diff_value_string(&definition), sd_diff_lexeme(change->member)))
			return other;
	}
	return NULL;
}

/* The columns of a view are those of its query. */
static SdDiffChange *
cause_query(Fold *fold, SdDiffChange *change)
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
test_parent(Fold *fold, const SdDiffChange *change, const char *parent)
{
	SdDiffPair *pair = pair_of(fold, parent);
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
cause_parent(Fold *fold, SdDiffChange *change)
{
	SdDiffObject *side = change->pair->new ? change->pair->new : change->pair->old;
	JsonbContainer *core = sd_diff_find(side->definition, "core", NULL);
	JsonbValue value;

	if (change->member == NULL ||
		(!sd_diff_get(core, "partition_of", &value) && !sd_diff_get(core, "inherits", &value)))
		return NULL;
	return search_strings(fold, change, JsonbValueToJsonb(&value), test_parent);
}

/* Only names in it have changed. */
static SdDiffChange *
cause_rename(Fold *fold, SdDiffChange *change)
{
	SdDiffChange *cause = NULL;

	if (change->op == SD_DIFF_RENAME)
	{
		char *schemas[2], *names[2], *rests[2];

		/* a routine or default privileges: its own name stays, one in the arguments changes */
		if (change->depth > 0)
			return NULL;
		sd_diff_split_identity(change->pair->old->identity, &schemas[0], &names[0], &rests[0]);
		sd_diff_split_identity(change->pair->new->identity, &schemas[1], &names[1], &rests[1]);
		if (strcmp(names[0], names[1]) != 0)
			return NULL;
	}
	if (!values_same_but_names(fold, change, &cause) || cause == change)
		return NULL;
	change->follows_rename = true;
	return cause;
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
	{ SD_DIFF_DROP | SD_DIFF_RECREATE, ",sequence,", cause_owner },
	{ SD_DIFF_DROP, ",table,foreign table,", cause_dropped_parent },
	{ SD_DIFF_ANY_OP, ",column,constraint,index,trigger,", cause_parent },
	{ SD_DIFF_DROP, ",constraint,index,policy,trigger,rule,", cause_column },
	{ SD_DIFF_DROP,
	  ",constraint,index,policy,trigger,rule,view,materialized view,function,procedure,column,attribute,domain,statistics,",
	  cause_mentioned },
	{ SD_DIFF_ALTER, ",column,domain,", cause_mentioned },
	{ SD_DIFF_ALTER, ",column,", cause_type },
	{ SD_DIFF_ALTER, ",column,", cause_primary_key },
	{ SD_DIFF_ALTER | SD_DIFF_RENAME, NULL, cause_rename },
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

void
sd_diff_fold(SdDiff *diff)
{
	Fold fold = { diff, NULL, NULL };
	ListCell *cell;

	build_tables(&fold);
	foreach (cell, diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		for (int i = 0; i < lengthof(consequences) && change->cause == NULL; i++)
		{
			SdDiffChange *cause;

			if (!(consequences[i].ops & change->op) ||
				(consequences[i].kinds != NULL &&
				 strstr(consequences[i].kinds, psprintf(",%s,", change->kind)) == NULL))
				continue;
			cause = consequences[i].find(&fold, change);
			if (cause != NULL && !makes_cycle(change, cause))
				change->cause = cause;
		}
	}
}
