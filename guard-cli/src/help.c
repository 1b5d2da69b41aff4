/*
 * help.c
 *	  Help for a terminal, made from the tables of commands and options.
 */
#include <string.h>

#include "cli.h"

#define MG_HELP_COLUMN 30
#define MG_HELP_WIDTH  100

/* Prints from the column on, which the cursor is in, and goes on below it. */
static void
print_wrapped(FILE *out, const char *text)
{
	size_t column = MG_HELP_COLUMN;

	while (*text != '\0')
	{
		size_t word = strcspn(text, " ");

		if (column > MG_HELP_COLUMN && column + 1 + word > MG_HELP_WIDTH)
		{
			fprintf(out, "\n%*s", MG_HELP_COLUMN, "");
			column = MG_HELP_COLUMN;
		}
		fprintf(out, "%s%.*s", column > MG_HELP_COLUMN ? " " : "", (int) word, text);
		column += word + (column > MG_HELP_COLUMN);
		text += word + strspn(text + word, " ");
	}
	fputs("\n", out);
}

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
			fprintf(out, "%s\n%*s", left, MG_HELP_COLUMN, "");
		else
			fprintf(out, "%-*s", MG_HELP_COLUMN, left);
		print_wrapped(out, o->help);
	}
}

static void
print_commands(FILE *out)
{
	fputs("\nCommands:\n", out);
	for (int i = 0; mg_commands[i] != NULL; i++)
	{
		fprintf(out, "  %-*s", MG_HELP_COLUMN - 2, mg_commands[i]->name);
		print_wrapped(out, mg_commands[i]->summary);
	}
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
