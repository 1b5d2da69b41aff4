/*
 * help.c
 *	  Help for a terminal, made from the tables of commands and options.
 */
#include <string.h>

#include "cli.h"

#define MG_HELP_COLUMN 30

static void
print_options(FILE *out, const char *title, const MgOption *options)
{
	if (options == NULL || options[0].long_name == NULL)
		return;
	fprintf(out, "\n%s:\n", title);
	for (const MgOption *o = options; o->long_name != NULL; o++)
	{
		char left[128];
		int len;

		len = snprintf(left, sizeof left, "  %c%c%s--%s%s%s", o->short_name != '\0' ? '-' : ' ',
					   o->short_name != '\0' ? o->short_name : ' ',
					   o->short_name != '\0' ? ", " : "  ", o->long_name, o->arg != NULL ? "=" : "",
					   o->arg != NULL ? o->arg : "");
		if (len >= MG_HELP_COLUMN)
			fprintf(out, "%s\n%*s%s\n", left, MG_HELP_COLUMN, "", o->help);
		else
			fprintf(out, "%-*s%s\n", MG_HELP_COLUMN, left, o->help);
	}
}

static void
print_commands(FILE *out)
{
	fputs("\nCommands:\n", out);
	for (int i = 0; mg_commands[i] != NULL; i++)
		fprintf(out, "  %-*s%s\n", MG_HELP_COLUMN - 2, mg_commands[i]->name, mg_commands[i]->summary);
}

void
mg_cli_help(FILE *out, const MgCommand *command)
{
	if (command == NULL)
	{
		fputs("migguard runs database migrations so that they are rehearsed, proved and brought back.\n\n"
			  "Usage:\n  migguard [OPTION]... COMMAND [OPTION]... [ARGUMENT]... [-- TOOL COMMAND]\n",
			  out);
		print_commands(out);
		print_options(out, "Common options", mg_common_options);
		fputs("\n\"migguard COMMAND --help\" prints the options of a command.\n", out);
		return;
	}
	fprintf(out, "migguard %s: %s.\n\nUsage:\n  migguard %s [OPTION]...%s%s%s\n", command->name,
			command->summary, command->name, command->operands != NULL ? " " : "",
			command->operands != NULL ? command->operands : "",
			command->takes_tool ? " [-- TOOL COMMAND]" : "");
	print_options(out, "Options", command->options);
	print_options(out, "Common options", mg_common_options);
}
