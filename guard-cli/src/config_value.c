/*
 * config_value.c
 *	  What the text of a value means, by the type of its setting.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

/* A century; a double counts its milliseconds exactly. */
#define MOST_MS (36500LL * 86400000)

bool
mg_value_duration(const char *text, long long *ms)
{
	static const struct
	{
		const char *unit;
		long long ms;
	} units[] = { { "", 1000 },		{ "ms", 1 },	  { "s", 1000 },
				  { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	size_t digits = strspn(text, "0123456789");
	const char *end = text + digits;
	double number;

	if (*end == '.' && isdigit((unsigned char) end[1]))
		end += 1 + strspn(end + 1, "0123456789");
	if (digits == 0)
		return false;
	number = strtod(text, NULL);
	end += strspn(end, " ");
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
	{
		double product = number * (double) units[i].ms;

		if (strcmp(end, units[i].unit) != 0)
			continue;
		/* what is not nothing must not become 0, which often means for ever */
		if (product > (double) MOST_MS || (product > 0 && product < 1))
			return false;
		*ms = (long long) (product + 0.5);
		return true;
	}
	return false;
}

bool
mg_value_bool(const char *text, bool *value)
{
	static const char *const words[][2] = {
		{ "off", "on" }, { "false", "true" }, { "no", "yes" }, { "0", "1" }
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (int j = 0; j < 2; j++)
			if (strcasecmp(text, words[i][j]) == 0)
			{
				*value = j == 1;
				return true;
			}
	return false;
}

bool
mg_value_level(const char *text, MgLevel *level)
{
	static const char *const words[] = { "off", "warning", "required" };

	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0)
		{
			*level = (MgLevel) i;
			return true;
		}
	return false;
}

bool
mg_value_int(const char *text, int *value)
{
	long number;

	errno = 0;
	number = strtol(text, NULL, 10);
	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || errno != 0 || number > INT_MAX)
		return false;
	*value = (int) number;
	return true;
}

/* "1..64", the choices of a setting that is a number; without them any will do. */
static bool
is_in_range(const char *range, int number)
{
	char *end;

	if (range == NULL)
		return true;
	return number >= strtol(range, &end, 10) && number <= strtol(end + 2, NULL, 10);
}

/* Those that the server is told have to fit its own range; others say that they may be longer. */
static bool
is_short_enough(const MgSettingInfo *info, long long ms)
{
	return info->choices != NULL || ms <= INT_MAX;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; p != NULL && *p != '\0';)
	{
		size_t word = strcspn(p, " ");

		if (word == len && strncmp(p, text, len) == 0)
			return true;
		p += word + strspn(p + word, " ");
	}
	return false;
}

/* What a value must look like, or NULL when this one does. */
const char *
mg_value_wrong(MgArena *arena, const MgSettingInfo *info, const char *text)
{
	long long ms;
	bool on;
	int number;
	MgLevel level;

	switch (info->type)
	{
		case MG_TYPE_BOOL:
			return mg_value_bool(text, &on) ? NULL : "Use on or off.";
		case MG_TYPE_INT:
			if (mg_value_int(text, &number) && is_in_range(info->choices, number))
				return NULL;
			return info->choices == NULL ?
					   "Use a whole number that is not negative." :
					   mg_printf(arena, "Use a whole number in the range %s.", info->choices);
		case MG_TYPE_DURATION:
			if (!mg_value_duration(text, &ms))
				return "Use a number and a unit: 500ms, 5s, 10min, 2h, 1d; without a unit it is seconds.";
			return is_short_enough(info, ms) ? NULL : "Use at most 24d.";
		case MG_TYPE_LEVEL:
			return mg_value_level(text, &level) ? NULL : "Use required, warning or off.";
		case MG_TYPE_CHOICE:
			return is_choice(info->choices, text) ?
					   NULL :
					   mg_printf(arena, "Use one of: %s.", info->choices);
		case MG_TYPE_STRING:
		case MG_TYPE_LIST:
		case MG_TYPE_PATH:
			return NULL;
	}
	return NULL;
}
