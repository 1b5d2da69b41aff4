/*
 * sd_diff_names.c
 *	  Names in definitions: which were changed, which name something dropped.
 *
 * Definitions are texts, so two of them are compared token by token, and a name
 * counts only where a token is that name, never as a part of another word.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_compat.h"
#include "sd_diff_names.h"
#include "sd_text_table.h"

/* Quotes within quotes beyond this are not looked into. */
#define SD_DIFF_MAX_QUOTING 4

typedef struct NameEntry
{
	const char *name; /* key, quoted as in SQL */
	SdDiffPair *old;  /* of an identity: what had it before */
	SdDiffPair *new;  /* and what has it now */
	List *renames;	  /* of Rename *, of a bare name */
} NameEntry;

/* A bare name that reads differently since a change. */
typedef struct Rename
{
	const char *old_name; /* quoted as in SQL */
	const char *new_name;
	const char *followed_by; /* of a move: the name that must come after the schema, "" for any */
	const char *mentioned;	 /* of a member: the name of the object it is in */
	SdDiffChange *change;
} Rename;

static NameEntry *
find_name(HTAB *table, const char *name)
{
	return sd_text_search(table, name, HASH_FIND, NULL);
}

static NameEntry *
enter_name(HTAB *table, const char *name)
{
	bool found;
	NameEntry *entry = sd_text_search(table, name, HASH_ENTER, &found);

	if (!found)
	{
		entry->old = entry->new = NULL;
		entry->renames = NIL;
	}
	return entry;
}

/* Kinds that a definition names by schema and name alone. */
static const char *const named_kinds[] = {
	"table",	 "foreign table", "view",	  "materialized view",
	"sequence",	 "enum",		  "domain",	  "composite type",
	"range",	 "type",		  "function", "procedure",
	"aggregate",
};

/* Identity as a text names it: routines without their arguments, other kinds by schema and name. */
static char *
pair_key(const SdDiffPair *pair, const char *identity)
{
	char *schema, *name, *rest;

	sd_diff_split_identity(identity, &schema, &name, &rest);
	if (schema == NULL)
		return strcmp(pair->kind, "schema") == 0 ? name : NULL;
	/* the others may bear the name of a table and are not named where one is */
	for (int i = 0; i < lengthof(named_kinds); i++)
		if (strcmp(pair->kind, named_kinds[i]) == 0)
			return psprintf("%s.%s%s", schema, name, *rest == '(' ? "()" : "");
	return NULL;
}

SdDiffPair *
sd_diff_pair_named(SdDiffNames *names, const char *identity, bool before)
{
	NameEntry *entry = find_name(names->pairs, identity);

	if (entry == NULL)
		return NULL;
	return before ? entry->old : entry->new;
}

SdDiffPair *
sd_diff_pair_of(SdDiffNames *names, const char *object)
{
	NameEntry *entry = find_name(names->objects, object);

	return entry ? entry->old : NULL;
}

SdDiffChange *
sd_diff_loss_of(SdDiffNames *names, const char *identity)
{
	SdDiffPair *pair = sd_diff_pair_named(names, identity, true);

	if (pair == NULL || pair->root == NULL || !(pair->root->op & (SD_DIFF_DROP | SD_DIFF_RECREATE)))
		return NULL;
	return pair->root;
}

static void
add_rename(SdDiffNames *names, const char *old_name, const char *new_name, const char *followed_by,
		   const char *mentioned, SdDiffChange *change)
{
	NameEntry *entry = enter_name(names->renames, old_name);
	Rename *rename = palloc(sizeof(Rename));

	rename->old_name = old_name;
	rename->new_name = new_name;
	rename->followed_by = followed_by;
	rename->mentioned = mentioned;
	rename->change = change;
	entry->renames = lappend(entry->renames, rename);
}

static void
index_rename(SdDiffNames *names, SdDiffChange *change)
{
	char *schemas[2], *bare[2], *rests[2];
	const SdDiffPair *pair = change->pair;

	sd_diff_split_identity(pair->old->identity, &schemas[0], &bare[0], &rests[0]);
	sd_diff_split_identity(pair->new->identity, &schemas[1], &bare[1], &rests[1]);
	if (change->member != NULL)
		add_rename(names, sd_diff_lexeme(sd_diff_jsonb_string(change->old)),
				   sd_diff_lexeme(sd_diff_jsonb_string(change->new)), NULL, bare[1], change);
	else if (change->op == SD_DIFF_MOVE)
		add_rename(names, schemas[0], schemas[1], bare[1], NULL, change);
	else if (strcmp(bare[0], bare[1]) != 0)
		add_rename(names, bare[0], bare[1], NULL, NULL, change);
}

/* What belongs to an extension goes to another schema with it, whatever its name. */
static bool
is_moved_extension(const SdDiffChange *change)
{
	return change->op == SD_DIFF_ALTER && change->facet == SD_DIFF_CORE && change->depth == 1 &&
		   strcmp(change->kind, "extension") == 0 && strcmp(change->path[0], "schema") == 0 &&
		   sd_diff_jsonb_string(change->old) != NULL && sd_diff_jsonb_string(change->new) != NULL;
}

void
sd_diff_names_build(SdDiffNames *names)
{
	ListCell *cell;

	names->pairs = sd_text_table("safedeploy pairs by name", sizeof(NameEntry));
	names->objects = sd_text_table("safedeploy pairs by object", sizeof(NameEntry));
	names->renames = sd_text_table("safedeploy renames", sizeof(NameEntry));
	foreach (cell, names->diff->pairs)
	{
		SdDiffPair *pair = lfirst(cell);

		char *old_key = pair->old ? pair_key(pair, pair->old->identity) : NULL;
		char *new_key = pair->new ? pair_key(pair, pair->new->identity) : NULL;

		if (pair->old != NULL)
			enter_name(names->objects, psprintf("%s %s", pair->kind, pair->old->identity))->old =
				pair;
		if (old_key != NULL)
			enter_name(names->pairs, old_key)->old = pair;
		if (new_key != NULL)
			enter_name(names->pairs, new_key)->new = pair;
	}
	foreach (cell, names->diff->changes)
	{
		SdDiffChange *change = lfirst(cell);

		if (change->op & (SD_DIFF_RENAME | SD_DIFF_MOVE))
			index_rename(names, change);
		else if (is_moved_extension(change))
			add_rename(names, sd_diff_jsonb_string(change->old), sd_diff_jsonb_string(change->new),
					   "", NULL, change);
	}
}

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
find_rename(SdDiffNames *names, const SdDiffChange *change, const SdDiffToken *old,
			const SdDiffToken *new, const char *after_new, const char *whole_new)
{
	NameEntry *entry = find_name(names->renames, token_text(old));
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
			if (*rename->followed_by != '\0' && !token_is(&next, rename->followed_by))
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
same_but_names(SdDiffNames *names, const SdDiffChange *change, const char *old, const char *new,
			   const char *whole_new, int quoting, SdDiffChange **cause)
{
	for (;;)
	{
		SdDiffToken o = sd_diff_next_token(&old);
		SdDiffToken n = sd_diff_next_token(&new);
		Rename *rename;

		if (o.type == 0 || n.type == 0)
			return o.type == n.type;
		if (same_token(&o, &n))
			continue;
		rename = find_rename(names, change, &o, &n, new, whole_new);
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
		if (quoting < SD_DIFF_MAX_QUOTING && o.type == n.type && (o.type == 's' || *o.start == '"') &&
			*o.start == *n.start && o.length > 2 && n.length > 2 &&
			same_but_names(names, change, inner_text(&o), inner_text(&n), whole_new, quoting + 1,
						   cause))
			continue;
		return false;
	}
}

/*
 * The table that a change is about without naming it in its text: that of
 * statistics, or the published one whose columns or rows are chosen.
 */
static const char *
unnamed_table(const SdDiffChange *change)
{
	JsonbValue table;

	if (strcmp(change->kind, "publication") == 0 && change->depth > 2)
		return change->path[1];
	if (strcmp(change->kind, "statistics") == 0 && change->pair->new != NULL &&
		sd_diff_get(sd_diff_find(change->pair->new->definition, "core", NULL), "table", &table) &&
		table.type == jbvString)
		return sd_diff_value_string(&table);
	return "";
}

/* The values are names as they are, not as they stand in SQL. */
static bool
is_bare_name(const SdDiffChange *change)
{
	const char *last = change->depth > 0 ? change->path[change->depth - 1] : "";

	return change->facet == SD_DIFF_OWNER || strcmp(last, "columns") == 0 ||
		   strcmp(last, "roles") == 0;
}

/* The same for two values: every string in one place of both. */
bool
sd_diff_values_same_but_names(SdDiffNames *names, const SdDiffChange *change, SdDiffChange **cause)
{
	JsonbIterator *old_it, *new_it;
	JsonbIteratorToken old_token, new_token;
	JsonbValue old, new;
	char *old_text, *new_text;
	const char *table = unnamed_table(change);
	bool bare = is_bare_name(change);

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
		old_text = sd_diff_value_string(&old);
		new_text = sd_diff_value_string(&new);
		if (bare)
		{
			old_text = pstrdup(sd_diff_lexeme(old_text));
			new_text = pstrdup(sd_diff_lexeme(new_text));
		}
		if (!same_but_names(names, change, old_text, new_text, psprintf("%s %s", new_text, table),
							0, cause))
			return false;
	} while (old_token != WJB_DONE);
	return *cause != NULL;
}

bool
sd_diff_text_has_name(const char *text, const char *name)
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
SdDiffChange *
sd_diff_search_strings(SdDiffNames *names, const SdDiffChange *change, Jsonb *value,
					   SdDiffChange *(*test)(SdDiffNames *, const SdDiffChange *, const char *) )
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
		found = test(names, change, sd_diff_value_string(&string));
		if (found != NULL)
			return found;
	}
	return NULL;
}
