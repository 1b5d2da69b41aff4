/*
 * cli.c
 *	  Walks the tables of commands and options.
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "runbook.h"
#include "secret.h"
#include "signals.h"
#include "text.h"

#define MG_MAX_OPTIONS 64

/* Options of every command; those without a setting are known here by their names. */
const MgOption mg_common_options[] = {
	{ 'c', "config", "FILE", MG_SETTING_COUNT, NULL,
	  "read settings from FILE (default: migguard.ini, if it is there)" },
	{ 'd', "database-url", "URL", MG_SET_DATABASE_URL, NULL,
	  "database to work on; put the password elsewhere" },
	{ '\0', "format", "FORMAT", MG_SETTING_COUNT, NULL, "text or json (default: text)" },
	{ 'q', "quiet", NULL, MG_SETTING_COUNT, "on", "print errors and results only" },
	{ 'v', "verbose", NULL, MG_SETTING_COUNT, "on", "print more" },
	{ '\0', "no-color", NULL, MG_SETTING_COUNT, "on", "do not color what is printed" },
	{ 'V', "version", NULL, MG_SETTING_COUNT, "on", "print the version, then exit" },
	{ '?', "help", NULL, MG_SETTING_COUNT, "on", "print this help, then exit" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

/* What the command line says, before anything is done. */
typedef struct Parsed
{
	const MgCommand *command;
	const char *common[MG_MAX_OPTIONS]; /* values by position in the table, NULL: not given */
	const char *own[MG_MAX_OPTIONS];
	MgGiven *given;
	int given_count;
	MgStrings args;
	char **tool_argv;
	const char *docs;
} Parsed;

static const char *
flag_of(const MgOption *options, const char *const *values, const char *name)
{
	for (int i = 0; options != NULL && options[i].long_name != NULL; i++)
		if (strcmp(options[i].long_name, name) == 0)
			return values[i];
	return NULL;
}

const char *
mg_cli_flag(const MgContext *context, const MgCommand *command, const char *long_name)
{
	return flag_of(command->options, context->flags, long_name);
}

static const MgCommand *
find_command(const char *name)
{
	for (int i = 0; mg_commands[i] != NULL; i++)
		if (strcmp(mg_commands[i]->name, name) == 0)
			return mg_commands[i];
	return NULL;
}

/* Every usage error ends with the way to the help. */
static bool
usage_hint(const MgCommand *command, const char *first, MgError *err)
{
	return mg_err_hint(err, "%sTry \"migguard%s%s --help\" for more information.", first,
					   command != NULL ? " " : "", command != NULL ? command->name : "");
}

static bool
unknown_command(MgArena *arena, const char *name, MgError *err)
{
	const char *near = NULL;
	int distance = 4;

	for (int i = 0; mg_commands[i] != NULL; i++)
		if (mg_text_distance(name, mg_commands[i]->name) < distance)
		{
			distance = mg_text_distance(name, mg_commands[i]->name);
			near = mg_commands[i]->name;
		}
	mg_err_set(err, MG_EXIT_USAGE, "unknown command \"%s\"", name);
	return usage_hint(NULL, near != NULL ? mg_printf(arena, "Did you mean \"%s\"? ", near) : "", err);
}

static bool
unknown_option(MgArena *arena, const Parsed *parsed, const char *option, MgError *err)
{
	const MgOption *tables[] = { mg_common_options,
								 parsed->command != NULL ? parsed->command->options : NULL };
	const char *near = NULL;
	int distance = 4;

	for (int t = 0; t < 2; t++)
		for (int i = 0; tables[t] != NULL && tables[t][i].long_name != NULL; i++)
			if (strncmp(option, "--", 2) == 0 &&
				mg_text_distance(option + 2, tables[t][i].long_name) < distance)
			{
				distance = mg_text_distance(option + 2, tables[t][i].long_name);
				near = tables[t][i].long_name;
			}
	mg_err_set(err, MG_EXIT_USAGE, "unknown option \"%s\"", option);
	return usage_hint(parsed->command,
					  near != NULL ? mg_printf(arena, "Did you mean \"--%s\"? ", near) : "", err);
}

/* Finds an option by its long name (of that length) or its letter; own ones win. */
static const MgOption *
find_option(Parsed *parsed, const char *name, size_t len, char letter, const char ***slot)
{
	const MgOption *tables[] = { parsed->command != NULL ? parsed->command->options : NULL,
								 mg_common_options };
	const char **values[] = { parsed->own, parsed->common };

	for (int t = 0; t < 2; t++)
		for (int i = 0; tables[t] != NULL && tables[t][i].long_name != NULL; i++)
		{
			const MgOption *o = &tables[t][i];

			if (name != NULL ? strlen(o->long_name) == len && strncmp(o->long_name, name, len) == 0 :
							   o->short_name == letter && letter != '\0')
			{
				*slot = &values[t][i];
				return o;
			}
		}
	return NULL;
}

static bool
missing_argument(const Parsed *parsed, const MgOption *option, MgError *err)
{
	mg_err_set(err, MG_EXIT_USAGE, "option \"--%s\" needs %s", option->long_name, option->arg);
	return usage_hint(parsed->command, "", err);
}

static void
note_given(Parsed *parsed, const MgOption *option, const char *value)
{
	parsed->given[parsed->given_count].option = option;
	parsed->given[parsed->given_count++].value = value;
}

/* --name, --name=value, --name value; *i moves over what is used. */
static bool
parse_long(MgArena *arena, Parsed *parsed, int argc, char **argv, int *i, MgError *err)
{
	const char *name = argv[*i] + 2;
	const char *equal = strchr(name, '=');
	size_t len = equal != NULL ? (size_t) (equal - name) : strlen(name);
	const char **slot;
	const MgOption *option = find_option(parsed, name, len, '\0', &slot);

	if (option == NULL)
		return unknown_option(arena, parsed, mg_printf(arena, "--%.*s", (int) len, name), err);
	if (option->arg == NULL && equal != NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "option \"--%s\" takes no argument", option->long_name);
		return usage_hint(parsed->command, "", err);
	}
	if (option->arg == NULL)
		*slot = option->set_to != NULL ? option->set_to : "on";
	else if (equal != NULL)
		*slot = equal + 1;
	else if (*i + 1 < argc)
		*slot = argv[++*i];
	else
		return missing_argument(parsed, option, err);
	note_given(parsed, option, *slot);
	return true;
}

/* -q, -qv, -c FILE, -cFILE */
static bool
parse_short(MgArena *arena, Parsed *parsed, int argc, char **argv, int *i, MgError *err)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++)
	{
		const char **slot;
		const MgOption *option = find_option(parsed, NULL, 0, *p, &slot);

		if (option == NULL)
			return unknown_option(arena, parsed, mg_printf(arena, "-%c", *p), err);
		if (option->arg == NULL)
		{
			*slot = option->set_to != NULL ? option->set_to : "on";
			note_given(parsed, option, *slot);
			continue;
		}
		if (p[1] != '\0')
			*slot = p + 1;
		else if (*i + 1 < argc)
			*slot = argv[++*i];
		else
			return missing_argument(parsed, option, err);
		note_given(parsed, option, *slot);
		return true;
	}
	return true;
}

static bool
parse_arguments(MgArena *arena, int argc, char **argv, Parsed *parsed, MgError *err)
{
	bool operands_only = false;

	size_t options = 1;

	/* short ones may stand together */
	for (int i = 1; i < argc; i++)
		options += strlen(argv[i]) + 1;
	parsed->given = mg_alloc(arena, options * sizeof(MgGiven));
	mg_strings_init(&parsed->args, arena);
	for (int i = 1; i < argc; i++)
	{
		const char *arg = argv[i];

		if (!operands_only && strcmp(arg, "--") == 0)
		{
			if (parsed->command != NULL && parsed->command->takes_tool)
			{
				parsed->tool_argv = argv + i + 1;
				break;
			}
			operands_only = true;
		}
		else if (!operands_only && strncmp(arg, "--", 2) == 0)
		{
			if (!parse_long(arena, parsed, argc, argv, &i, err))
				return false;
		}
		else if (!operands_only && arg[0] == '-' && arg[1] != '\0')
		{
			if (!parse_short(arena, parsed, argc, argv, &i, err))
				return false;
		}
		else if (parsed->command == NULL)
		{
			parsed->command = find_command(arg);
			if (parsed->command == NULL)
				return unknown_command(arena, arg, err);
		}
		else
			mg_strings_add(&parsed->args, arg);
	}
	if (parsed->tool_argv != NULL && parsed->tool_argv[0] == NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no command follows \"--\"");
		return usage_hint(parsed->command, "", err);
	}
	if (parsed->command != NULL && parsed->command->operands == NULL && parsed->args.count > 0)
	{
		mg_err_set(err, MG_EXIT_USAGE, "too many arguments, the first is \"%s\"",
				   parsed->args.items[0]);
		return usage_hint(parsed->command,
						  parsed->command->takes_tool ?
							  "The migration tool's command follows \"--\". " :
							  "",
						  err);
	}
	return true;
}

static bool
apply_settings(const MgOption *options, const char *const *values, MgConfig *config, MgArena *arena,
			   MgError *err)
{
	for (int i = 0; options != NULL && options[i].long_name != NULL; i++)
		if (values[i] != NULL && options[i].setting != MG_SETTING_COUNT &&
			!mg_config_set(config, options[i].setting, values[i],
						   mg_printf(arena, "flag --%s", options[i].long_name), err))
		{
			err->exit_code = MG_EXIT_USAGE;
			return false;
		}
	return true;
}

/* The process list shows arguments to everyone on the machine. */
static void
warn_password_argument(const char *url)
{
	if (url != NULL && mg_target_holds_password(url))
		mg_log_warning("the password in --database-url can be seen by every user of this machine; "
					   "use PGPASSWORD, ~/.pgpass or DATABASE_URL");
}

static bool
make_context(MgArena *arena, const Parsed *parsed, MgContext *context, MgError *err)
{
	const MgCommand *command = parsed->command;

	context->args = parsed->args.items;
	context->nargs = parsed->args.count;
	context->tool_argv = parsed->tool_argv;
	context->flags = parsed->own;
	context->given = parsed->given;
	context->color = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL &&
					 flag_of(mg_common_options, parsed->common, "no-color") == NULL &&
					 (getenv("TERM") == NULL || strcmp(getenv("TERM"), "dumb") != 0);
	warn_password_argument(flag_of(mg_common_options, parsed->common, "database-url"));
	context->config_file = flag_of(mg_common_options, parsed->common, "config");
	if (!(command->config_optional ?
			  mg_config_load_if_there :
			  mg_config_load)(arena, context->config_file, &context->config, err) ||
		!apply_settings(mg_common_options, parsed->common, context->config, arena, err) ||
		!apply_settings(command->options, parsed->own, context->config, arena, err))
		return false;
	for (const MgNamed *n = mg_config_named(context->config, "env"); n != NULL; n = n->next)
		mg_secret_variable(n->name, n->value);
	return !command->needs_database ||
		   mg_target_parse(arena, mg_config_string(context->config, MG_SET_DATABASE_URL),
						   &context->target, err);
}

static bool
set_format(const char *format, const MgCommand *command, MgContext *context, MgError *err)
{
	bool unified = command != NULL && command->has_unified;

	if (format == NULL || strcmp(format, "text") == 0)
		context->format = MG_FORMAT_TEXT;
	else if (strcmp(format, "json") == 0)
		context->format = MG_FORMAT_JSON;
	else if (unified && strcmp(format, "unified") == 0)
		context->format = MG_FORMAT_UNIFIED;
	else
	{
		mg_err_set(err, MG_EXIT_USAGE, "invalid value for --format: \"%s\"", format);
		return usage_hint(command, unified ? "Use text, json or unified. " : "Use text or json. ",
						  err);
	}
	return true;
}

static bool
dispatch(MgArena *arena, int argc, char **argv, int *exit_code, MgError *err)
{
	Parsed parsed = { 0 };
	MgContext context = { 0 };
	bool quiet;
	bool verbose;

	context.arena = arena;
	if (!parse_arguments(arena, argc, argv, &parsed, err))
		return false;
	if (flag_of(mg_common_options, parsed.common, "help") != NULL)
	{
		mg_cli_help(stdout, parsed.command);
		return true;
	}
	if (flag_of(mg_common_options, parsed.common, "version") != NULL)
	{
		printf("migguard (safedeploy) %s\n", SAFEDEPLOY_VERSION);
		return true;
	}
	if (!set_format(flag_of(mg_common_options, parsed.common, "format"), parsed.command, &context,
					err))
		return false;
	quiet = flag_of(mg_common_options, parsed.common, "quiet") != NULL;
	verbose = flag_of(mg_common_options, parsed.common, "verbose") != NULL;
	mg_log_init(verbose ? 2 : quiet ? 0 : 1, context.format == MG_FORMAT_JSON);
	if (parsed.command == NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no command given");
		return usage_hint(NULL, "", err);
	}
	if (!make_context(arena, &parsed, &context, err))
		return false;
	mg_failpoint("start");
	return parsed.command->run(&context, exit_code, err);
}

/* Drift is what was asked for, so it is no error, and has its page as one has. */
static void
name_page(int exit_code)
{
	const MgRunbook *page = exit_code == MG_EXIT_DRIFT ? mg_runbook_of_exit(exit_code) : NULL;

	if (page != NULL)
		mg_log_info("see: migguard runbook %s", page->name);
}

int
mg_cli_main(int argc, char **argv)
{
	MgArena *arena = mg_arena_new();
	MgError err;
	int exit_code = MG_EXIT_DONE;

	mg_err_init(&err, arena);
	mg_json_init();
	mg_signals_catch();
	mg_secret_environment();
	if (dispatch(arena, argc, mg_secret_arguments(arena, argc, argv), &exit_code, &err) &&
		(fflush(stdout) != 0 || ferror(stdout)))
		mg_err_set(&err, MG_EXIT_INTERNAL, "could not write to standard output");
	if (err.set)
	{
		const MgRunbook *page = mg_runbook_of_exit((int) err.exit_code);

		if (err.page == NULL && page != NULL)
			err.page = page->name;
		fflush(stdout);
		mg_log_error(&err);
		exit_code = err.exit_code;
	}
	else
		name_page(exit_code);
	mg_arena_free(arena);
	return exit_code;
}
