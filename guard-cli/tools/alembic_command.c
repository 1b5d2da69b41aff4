/*
 * alembic_command.c
 *	  A command line of Alembic's.
 */
#include "alembic_command.h"

#include <string.h>

#include "tool_util.h"

bool
mg_alembic_is_toml(const char *path)
{
	size_t len = strlen(path);

	return len >= 5 && strcmp(path + len - 5, ".toml") == 0;
}

/*
 * An option with an argument, as "-c x", "-cx", "--config x" or "--config=x":
 * returns how many words it takes, 0 when the word is another.
 */
static int
option_at(char *const *argv, const char *short_name, const char *long_name, const char **value)
{
	size_t len = strlen(long_name);

	if (strcmp(argv[0], short_name) == 0 || strcmp(argv[0], long_name) == 0)
	{
		*value = argv[1];
		return argv[1] != NULL ? 2 : 0;
	}
	if (strncmp(argv[0], long_name, len) == 0 && argv[0][len] == '=')
		*value = argv[0] + len + 1;
	else if (argv[0][1] != '-' && strncmp(argv[0], short_name, 2) == 0)
		*value = argv[0] + 2;
	else
		return 0;
	return 1;
}

/* Options before the command; returns the position behind them. */
static int
parse_globals(char *const *argv, int at, MgAlembicCommand *command)
{
	while (argv[at] != NULL && argv[at][0] == '-')
	{
		const char *value = NULL;
		int words = option_at(argv + at, "-c", "--config", &value);

		if (words > 0)
		{
			/* A pyproject.toml may be named beside the ini and has no URL. */
			if (mg_alembic_is_toml(value))
				mg_strings_addf(&command->globals, "--config=%s", value);
			else
				command->ini = value;
		}
		else if ((words = option_at(argv + at, "-n", "--name", &value)) > 0)
			command->section = value;
		else if ((words = option_at(argv + at, "-x", "-x", &value)) > 0)
			mg_strings_addf(&command->globals, "-x%s", value);
		else
		{
			mg_strings_add(&command->globals, argv[at]);
			words = 1;
		}
		at += words;
	}
	return at;
}

/* "upgrade [--tag TAG] REVISION" */
static bool
parse_upgrade(char *const *argv, int at, MgAlembicCommand *command)
{
	if (strcmp(argv[at++], "upgrade") != 0)
		return false;
	while (argv[at] != NULL)
	{
		const char *value = NULL;
		int words = option_at(argv + at, "--tag", "--tag", &value);

		if (words > 0)
			mg_strings_addf(&command->options, "--tag=%s", value);
		else if (argv[at][0] == '-' || command->revision != NULL)
			return false;
		else
		{
			command->revision = argv[at];
			words = 1;
		}
		at += words;
	}
	return command->revision != NULL;
}

bool
mg_alembic_command_parse(MgArena *arena, char *const *argv, bool must_upgrade,
						 MgAlembicCommand *command)
{
	int at = mg_tool_program(argv, "alembic", "alembic");

	memset(command, 0, sizeof *command);
	mg_strings_init(&command->program, arena);
	mg_strings_init(&command->globals, arena);
	mg_strings_init(&command->options, arena);
	command->section = "alembic";
	if (at < 0)
		return false;
	for (int i = 0; i < at; i++)
		mg_strings_add(&command->program, argv[i]);
	at = parse_globals(argv, at, command);
	if (argv[at] == NULL)
		return !must_upgrade;
	return parse_upgrade(argv, at, command);
}
