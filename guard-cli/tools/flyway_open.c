/*
 * flyway_open.c
 *	  A command line of Flyway's, and the settings that it leads to.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "flyway.h"
#include "tool_util.h"

/* Takes "flyway [-key=value]... migrate" apart; the list of options may be NULL. */
static bool
parse_command(char *const *argv, bool must_migrate, int *program, MgStrings *options)
{
	int at = mg_tool_program(argv, "flyway", NULL);
	int commands = 0;

	if (at < 0)
		return false;
	*program = at;
	for (; argv[at] != NULL; at++)
	{
		if (argv[at][0] == '-' && options != NULL)
			mg_strings_add(options, argv[at]);
		else if (argv[at][0] != '-' && strcmp(argv[at], "migrate") == 0)
			commands++;
		else if (argv[at][0] != '-')
			return false;
	}
	return commands == 1 || (commands == 0 && !must_migrate);
}

bool
mg_flyway_recognise(char *const *argv)
{
	int program;

	return parse_command(argv, true, &program, NULL);
}

/* Directory of the program's installation, where its conf/ is; NULL when it is not found. */
static char *
installation(MgTool *tool)
{
	const char *program = mg_flyway(tool)->program.items[mg_flyway(tool)->program.count - 1];
	const char *path = getenv("PATH");
	char *found = NULL;
	char *real;

	if (strchr(program, '/') != NULL)
		found = mg_file_absolute(tool->arena, mg_tool_directory(tool), program);
	while (found == NULL && path != NULL && *path != '\0')
	{
		size_t len = strcspn(path, ":");
		char *file = mg_file_join(tool->arena, mg_strndup(tool->arena, path, len), program);

		if (access(file, X_OK) == 0)
			found = file;
		path += len;
		path += *path == ':';
	}
	real = found != NULL ? realpath(found, NULL) : NULL;
	if (real == NULL)
		return NULL;
	found = mg_strndup(tool->arena, real, (size_t) (mg_file_name(real) - real));
	free(real);
	return found;
}

/* Files that Flyway reads by itself, in their order. */
static void
default_files(MgTool *tool, const char *end, MgStrings *paths)
{
	const char *home = getenv("HOME");
	char *install = installation(tool);
	const char *const places[] = { install != NULL ? mg_file_join(tool->arena, install, "conf") : NULL,
								   home, mg_flyway(tool)->directory };
	static const char *const names[] = { "flyway", "flyway.user" };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		for (size_t j = 0; places[i] != NULL && j < sizeof names / sizeof names[0]; j++)
		{
			char *path =
				mg_file_join(tool->arena, places[i], mg_printf(tool->arena, "%s%s", names[j], end));

			if (mg_file_kind(path) == MG_FILE_REGULAR && !mg_strings_has(paths, path))
				mg_strings_add(paths, path);
		}
}

static bool
load_config(MgTool *tool, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayConfig first;
	MgStrings named;
	MgStrings paths;

	/* The options and the environment say which files there are, and win over them. */
	mg_flyway_config_init(&first, tool->arena);
	mg_flyway_config_environ(&first);
	for (int pass = 0; pass < 2; pass++)
	{
		MgFlywayConfig *config = pass == 0 ? &first : &flyway->config;

		if (pass == 1)
			mg_flyway_config_environ(config);
		for (int i = 0; i < flyway->options.count; i++)
		{
			const char *word = flyway->options.items[i] + strspn(flyway->options.items[i], "-");
			size_t len = strcspn(word, "=");

			if (word[len] == '=')
				mg_flyway_config_set(config, mg_strndup(tool->arena, word, len), word + len + 1,
									 "command line");
		}
		if (pass == 1)
			return true;
		flyway->directory = mg_tool_directory(tool);
		if (mg_flyway_config_get(&first, "workingDirectory", NULL) != NULL)
			flyway->directory =
				mg_file_absolute(tool->arena, flyway->directory,
								 mg_flyway_config_get(&first, "workingDirectory", NULL));
		mg_strings_init(&paths, tool->arena);
		mg_strings_init(&named, tool->arena);
		default_files(tool, ".toml", &paths);
		mg_flyway_config_list(&named, mg_flyway_config_get(&first, "configFiles", NULL));
		for (int i = 0; i < named.count; i++)
			mg_strings_add(&paths, mg_file_absolute(tool->arena, flyway->directory, named.items[i]));
		/* With any TOML there is, Flyway does not look for flyway.conf. */
		if (paths.count == named.count &&
			(named.count == 0 || strstr(named.items[0], ".toml") == NULL))
		{
			mg_strings_init(&paths, tool->arena);
			default_files(tool, ".conf", &paths);
			for (int i = 0; i < named.count; i++)
				mg_strings_add(&paths,
							   mg_file_absolute(tool->arena, flyway->directory, named.items[i]));
		}
		for (int i = 0; i < paths.count; i++)
			if (!mg_flyway_config_read(&flyway->config, paths.items[i], err))
				return false;
	}
	return true;
}

bool
mg_flyway_settings(MgTool *tool, MgError *err)
{
	MgFlyway *flyway = mg_alloc(tool->arena, sizeof *flyway);
	const char *command = mg_config_string(tool->config, MG_SET_TOOL_COMMAND);
	const char *file = mg_config_string(tool->config, MG_SET_TOOL_CONFIG);
	MgStrings words;
	char *const *argv;
	int program;

	tool->state = flyway;
	mg_strings_init(&flyway->program, tool->arena);
	mg_strings_init(&flyway->options, tool->arena);
	mg_flyway_config_init(&flyway->config, tool->arena);
	mg_strings_init(&words, tool->arena);
	mg_tool_words(&words, command != NULL ? command : "flyway");
	argv = tool->argv != NULL ? tool->argv : words.items;
	if (!parse_command(argv, tool->argv != NULL, &program, &flyway->options))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "tool.command is not a command of Flyway's");
		mg_err_detail(err, "It is \"%s\", from %s.", command != NULL ? command : "flyway",
					  mg_config_source(tool->config, MG_SET_TOOL_COMMAND));
		return mg_err_hint(err, "Write \"flyway\" or a path to it, with its options.");
	}
	for (int i = 0; i < program; i++)
		mg_strings_add(&flyway->program, argv[i]);
	if (file != NULL)
		mg_strings_addf(&flyway->options, "-configFiles=%s",
						mg_file_absolute(tool->arena, NULL, file));
	return load_config(tool, err);
}

bool
mg_flyway_open(MgTool *tool, MgError *err)
{
	const char *directory = mg_config_string(tool->config, MG_SET_TOOL_DIRECTORY);
	MgFlyway *flyway;

	if (!mg_flyway_settings(tool, err))
		return false;
	flyway = mg_flyway(tool);
	if (directory != NULL)
		mg_flyway_config_set(&flyway->config, "locations",
							 mg_printf(tool->arena, "filesystem:%s",
									   mg_file_absolute(tool->arena, NULL, directory)),
							 mg_config_source(tool->config, MG_SET_TOOL_DIRECTORY));
	return mg_flyway_files_find(&flyway->config, flyway->directory, &flyway->files, err);
}
