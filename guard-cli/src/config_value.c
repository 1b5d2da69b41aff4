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

bool
mg_value_duration(const char *text, long long *ms)
{
	static const struct
	{
		const char *unit;
		long long ms;
	} units[] = { { "", 1000 },		{ "ms", 1 },	  { "s", 1000 },
				  { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	char *end;
	double number;

	errno = 0;
	number = strtod(text, &end);
	if (end == text || errno != 0 || !(number >= 0 && number < 1e12) ||
		!isdigit((unsigned char) text[0]))
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0)
		{
			*ms = (long long) (number * (double) units[i].ms + 0.5);
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
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < 0 || number > INT_MAX)
		return false;
	*value = (int) number;
	return true;
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
			return mg_value_int(text, &number) ? NULL : "Use a whole number that is not negative.";
		case MG_TYPE_DURATION:
			return mg_value_duration(text, &ms) ?
					   NULL :
					   "Use a number and a unit: 500ms, 5s, 10min, 2h, 1d; without a unit it is seconds.";
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
