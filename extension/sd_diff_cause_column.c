/*
 * sd_diff_cause_column.c
 *	  What follows from a change of a column of the same table: of what is defined over
 *	  it, and of its other attributes.
 */
#include "postgres.h"

#include "sd_diff_cause.h"

/* A definition without the access method that it starts with, which may be named like a column. */
static const char *
without_method(const char *text)
{
	if (strncmp(text, "USING ", strlen("USING ")) == 0)
		for (int i = 0; i < 2; i++)
			sd_diff_next_token(&text);
	return text;
}

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

SdDiffChange *
sd_diff_cause_column(SdDiffNames *names, SdDiffChange *change)
{
	Jsonb *was = change->old ? change->old : member_before(change);
	char *generated;

	if (strcmp(change->kind, "column") != 0)
		return sd_diff_search_strings(names, change, was, test_column);
	generated = change->old ? sd_diff_get_string(&change->old->root, "generated") : NULL;
	return generated ? test_column(names, change, generated) : NULL;
}

SdDiffChange *
sd_diff_cause_type(SdDiffNames *names, SdDiffChange *change)
{
	static const char *const brought[] = { "collation", "max", "min", "type", NULL };
	ListCell *cell;

	/* the type is named beside the attribute, or beside the identity that it is in */
	if (!sd_diff_ends_in(change, brought))
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

/* Definition of a constraint of that type; NULL for anything else. */
static char *
constraint_definition(Jsonb *constraint, const char *type)
{
	char *its_type = constraint ? sd_diff_get_string(&constraint->root, "type") : NULL;

	if (its_type == NULL || strcmp(its_type, type) != 0)
		return NULL;
	return sd_diff_get_string(&constraint->root, "definition");
}

SdDiffChange *
sd_diff_cause_primary_key(SdDiffNames *names, SdDiffChange *change)
{
	ListCell *cell;

	if (change->new == NULL || change->depth != 3 || strcmp(change->path[2], "not_null") != 0)
		return NULL;
	foreach (cell, change->pair->changes)
	{
		SdDiffChange *other = lfirst(cell);
		char *definition;

		if (other->op != SD_DIFF_ADD || strcmp(other->kind, "constraint") != 0)
			continue;
		definition = constraint_definition(other->new, "primary key");
		if (definition != NULL && sd_diff_text_has_name(definition, sd_diff_lexeme(change->member)))
			return other;
	}
	return NULL;
}

SdDiffChange *
sd_diff_cause_not_null(SdDiffNames *names, SdDiffChange *change)
{
	char *definition =
		constraint_definition(change->op == SD_DIFF_ADD ? change->new : change->old, "not null");
	ListCell *cell;

	if (definition == NULL)
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
			sd_diff_text_has_name(definition, sd_diff_lexeme(other->member)))
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

SdDiffChange *
sd_diff_cause_retyped(SdDiffNames *names, SdDiffChange *change)
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
