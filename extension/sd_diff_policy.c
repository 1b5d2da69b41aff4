/*
 * sd_diff_policy.c
 *	  Whether a changed policy lets more through than before, or less.
 *
 * Only what can be seen from the text is claimed: roles and commands that are
 * more or fewer, a condition that became true, gained or lost a part joined by
 * AND or OR.  Any other condition may be wider and is treated so.
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/builtins.h"

#include "sd_diff.h"

/* The strings of an array; NIL when it is none. */
static List *
string_list(Jsonb *value)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue element;
	List *strings = NIL;

	if (value == NULL || !JB_ROOT_IS_ARRAY(value))
		return NIL;
	it = JsonbIteratorInit(&value->root);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM && element.type == jbvString)
			strings = lappend(strings, sd_diff_value_string(&element));
	return strings;
}

static bool
holds_string(List *list, const char *string)
{
	ListCell *cell;

	foreach (cell, list)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

/* Every role of b is among those of a. */
static bool
covers_roles(List *a, List *b)
{
	ListCell *cell;

	if (holds_string(a, "PUBLIC"))
		return true;
	foreach (cell, b)
		if (!holds_string(a, lfirst(cell)))
			return false;
	return true;
}

/* Text without the parentheses that enclose all of it. */
static char *
unwrapped(char *text)
{
	for (;;)
	{
		const char *p = text;
		size_t length = strlen(text);
		int open = 0;
		SdDiffToken token;

		if (length < 2 || *text != '(')
			return text;
		while ((token = sd_diff_next_token(&p)).type != 0)
		{
			if (token.type == 'o' && *token.start == '(')
				open++;
			if (token.type == 'o' && *token.start == ')' && --open == 0)
				break;
		}
		if (*p != '\0')
			return text;
		text = pnstrdup(text + 1, length - 2);
	}
}

static char *
trimmed(const char *from, const char *end)
{
	while (from < end && isspace((unsigned char) *from))
		from++;
	while (from < end && isspace((unsigned char) end[-1]))
		end--;
	return unwrapped(pnstrdup(from, end - from));
}

/* Parts of a condition that one operator joins at its top; the deparser never mixes two there. */
static List *
joined_parts(char *condition, const char *by)
{
	char *text = unwrapped(condition);
	const char *p = text;
	const char *from = text;
	int open = 0;
	List *parts = NIL;
	SdDiffToken token;

	while ((token = sd_diff_next_token(&p)).type != 0)
	{
		if (token.type == 'o' && *token.start == '(')
			open++;
		else if (token.type == 'o' && *token.start == ')')
			open--;
		else if (open == 0 && token.type == 'i' && token.length == strlen(by) &&
				 strncmp(token.start, by, token.length) == 0)
		{
			parts = lappend(parts, trimmed(from, token.start));
			from = token.start + token.length;
		}
	}
	return lappend(parts, trimmed(from, from + strlen(from)));
}

/* Every part of a is one of b, and b has more. */
static bool
is_part_of(List *a, List *b)
{
	ListCell *cell;

	foreach (cell, a)
		if (!holds_string(b, lfirst(cell)))
			return false;
	return list_length(a) < list_length(b);
}

static SdDiffDirection
condition_direction(char *old, char *new)
{
	if (old == NULL || new == NULL)
		return SD_DIFF_UNKNOWN;
	if (strcmp(unwrapped(new), "true") == 0 || strcmp(unwrapped(old), "false") == 0)
		return SD_DIFF_WIDER;
	if (strcmp(unwrapped(old), "true") == 0 || strcmp(unwrapped(new), "false") == 0)
		return SD_DIFF_NARROWER;
	if (is_part_of(joined_parts(new, "AND"), joined_parts(old, "AND")) ||
		is_part_of(joined_parts(old, "OR"), joined_parts(new, "OR")))
		return SD_DIFF_WIDER;
	if (is_part_of(joined_parts(old, "AND"), joined_parts(new, "AND")) ||
		is_part_of(joined_parts(new, "OR"), joined_parts(old, "OR")))
		return SD_DIFF_NARROWER;
	return SD_DIFF_UNKNOWN;
}

static SdDiffDirection
command_direction(const char *old, const char *new)
{
	if (old == NULL || new == NULL || (strcmp(old, "all") != 0 && strcmp(new, "all") != 0))
		return SD_DIFF_UNKNOWN;
	return strcmp(new, "all") == 0 ? SD_DIFF_WIDER : SD_DIFF_NARROWER;
}

static SdDiffDirection
role_direction(List *old, List *new)
{
	if (covers_roles(new, old))
		return SD_DIFF_WIDER;
	return covers_roles(old, new) ? SD_DIFF_NARROWER : SD_DIFF_UNKNOWN;
}

/* The policy of a change restricts what others permit. */
static bool
is_restrictive(const SdDiffChange *change)
{
	JsonbContainer *policies = sd_diff_find(change->pair->new ? change->pair->new->definition : NULL,
											"security", "policies");
	JsonbValue policy, permissive;

	return sd_diff_get(policies, change->member, &policy) && policy.type == jbvBinary &&
		   sd_diff_get(policy.val.binary.data, "permissive", &permissive) &&
		   permissive.type == jbvBool && !permissive.val.boolean;
}

SdDiffDirection
sd_diff_policy_direction(const SdDiffChange *change)
{
	const char *attribute = change->depth > 2 ? change->path[2] : "";
	SdDiffDirection direction;

	if (strcmp(attribute, "using") == 0 || strcmp(attribute, "with_check") == 0)
		return condition_direction(sd_diff_jsonb_string(change->old),
								   sd_diff_jsonb_string(change->new));
	if (strcmp(attribute, "permissive") == 0)
		return is_restrictive(change) ? SD_DIFF_NARROWER : SD_DIFF_WIDER;
	if (strcmp(attribute, "command") == 0)
		direction =
			command_direction(sd_diff_jsonb_string(change->old), sd_diff_jsonb_string(change->new));
	else if (strcmp(attribute, "roles") == 0)
		direction = role_direction(string_list(change->old), string_list(change->new));
	else
		return SD_DIFF_UNKNOWN;
	/* to bind fewer roles or commands is to let more through */
	if (is_restrictive(change) && direction != SD_DIFF_UNKNOWN)
		return direction == SD_DIFF_WIDER ? SD_DIFF_NARROWER : SD_DIFF_WIDER;
	return direction;
}
