/*
 * mgdocs.c
 *	  Prints the reference of migguard from the tables that it runs by.
 *
 * mgdocs cli | config | exit-codes | man
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tool.h"

static MgArena *arena;

/* Markdown tables are cut by bars. */
static char *
cell(const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (; text != NULL && *text != '\0'; text++)
	{
		if (*text == '|')
			mg_buf_add(&buf, "\\");
		mg_buf_add_bytes(&buf, text, 1);
	}
	return buf.data;
}

static void
print_option_rows(const MgOption *options)
{
	puts("| option | what it does |\n|---|---|");
	for (const MgOption *o = options; o->long_name != NULL; o++)
	{
		printf("| ");
		if (o->short_name != '\0')
			printf("`-%c`, ", o->short_name);
		printf("`--%s%s%s` | %s", o->long_name, o->arg != NULL ? "=" : "",
			   o->arg != NULL ? o->arg : "", cell(o->help));
		if (o->setting != MG_SETTING_COUNT)
			printf(" (setting `%s.%s`)", mg_setting_info[o->setting].section,
				   mg_setting_info[o->setting].key);
		puts(" |");
	}
}

static char *
synopsis(const MgCommand *command)
{
	return mg_printf(arena, "migguard %s [OPTION]...%s%s%s", command->name,
					 command->operands != NULL ? " " : "",
					 command->operands != NULL ? command->operands : "",
					 command->takes_tool ? " [-- TOOL COMMAND]" : "");
}

static void
print_cli(void)
{
	puts("# migguard: commands and options\n\n"
		 "`migguard [OPTION]... COMMAND [OPTION]... [ARGUMENT]... [-- TOOL COMMAND]`\n\n"
		 "Results go to standard output, messages and progress to standard error. With\n"
		 "`--format=json` both are JSON: one value on standard output, one object a line on\n"
		 "standard error. Exit codes are in [exit-codes.md](exit-codes.md), settings in\n"
		 "[config.md](config.md).\n\n## Options of every command\n");
	print_option_rows(mg_common_options);
	for (int i = 0; mg_commands[i] != NULL; i++)
	{
		const MgCommand *command = mg_commands[i];

		printf("\n## migguard %s\n\n`%s`\n\n", command->name, synopsis(command));
		printf("%c%s.", command->summary[0] & ~0x20, command->summary + 1);
		printf("%s%s\n", command->description != NULL ? "\n\n" : "",
			   command->description != NULL ? command->description : "");
		if (command->options != NULL && command->options[0].long_name != NULL)
		{
			puts("");
			print_option_rows(command->options);
		}
	}
	puts("\n## Migration tools\n\n| name | what it is |\n|---|---|");
	for (int i = 0; mg_tools[i] != NULL; i++)
		printf("| `%s` | %s |\n", mg_tools[i]->name, cell(mg_tools[i]->summary));
}

static const char *
type_text(const MgSettingInfo *info)
{
	switch (info->type)
	{
		case MG_TYPE_STRING:
			return "text";
		case MG_TYPE_BOOL:
			return "on, off";
		case MG_TYPE_INT:
			return info->choices != NULL ? mg_printf(arena, "number, %s", info->choices) : "number";
		case MG_TYPE_DURATION:
			return "duration";
		case MG_TYPE_LIST:
			return "list";
		case MG_TYPE_PATH:
			return "path";
		case MG_TYPE_LEVEL:
			return "required, warning, off";
		case MG_TYPE_CHOICE:
			return info->choices;
	}
	return "";
}

static void
print_config(void)
{
	const char *section = "";

	puts(
		"# Settings of migguard\n\n"
		"A flag wins over the environment, that over the file, that over the default; `migguard\n"
		"doctor` prints each value with its source. The file is `migguard.ini` in the working\n"
		"directory, or what `--config` or `MIGGUARD_CONFIG` names. The variable of a setting is\n"
		"`MIGGUARD_SECTION_KEY`, such as `MIGGUARD_LOCK_WAIT`.\n\n"
		"What is not understood is an error with file and line: an unknown section or key, a key\n"
		"given twice, a bad value, text that is not UTF-8. Then nothing is done, and the exit code is\n"
		"65. A variable that names no setting is warned of.\n\n"
		"The file names programs that are run. So it must be a regular file (a link to one is fine, a\n"
		"FIFO or a device is none) of at most 1 MB that nobody but its owner can write; a group that is\n"
		"the owner's alone may. No shell ever sees a value: no `$`, backquote, `~` or pattern means\n"
		"anything.\n\n"
		"* Lines end with LF or CR LF, a byte order mark before the first is skipped, other control\n"
		"  characters and lines of 64 kB are refused.\n"
		"* A section may stand there again, as long as no key does.\n"
		"* A duration is a number with `ms`, `s`, `min`, `h` or `d`; without a unit it is seconds. It is\n"
		"  at most 24d, which is as long as the server's own time-outs, or 36500d for an age.\n"
		"* A list is separated by commas.\n"
		"* A path in the file is relative to the file; it may lead above it, and through links.\n"
		"* A URL may be `env:NAME`, to be read from environment variable NAME; so no password need\n"
		"  be in the file.\n"
		"* An empty value unsets the default.\n"
		"* Comments begin with `#` or `;` in the first column.");
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const MgSettingInfo *info = &mg_setting_info[i];

		if (strcmp(section, info->section) != 0)
			printf("\n## [%s]\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
				   info->section);
		section = info->section;
		printf("| `%s` | %s | %s%s%s | %s |\n", info->key, cell(type_text(info)),
			   info->value != NULL ? "`" : "", info->value != NULL ? info->value : "",
			   info->value != NULL ? "`" : "", cell(info->help));
	}
	puts("\n## Sections with names of your own\n\n"
		 "| section | name | value |\n|---|---|---|\n"
		 "| `[env]` | variable | its value in the migration tool's environment; `{url}` `{host}` "
		 "`{port}` `{database}` `{user}` `{password}` are replaced, in a rehearsal by those of the "
		 "clone |\n"
		 "| `[preflight.commands]` | name of the check | command that must exit with 0 before a run; "
		 "separated by blanks, no shell |\n"
		 "| `[verify.assertions]` | name of the assertion | query that must return one row with true "
		 "after the upgrade; it may go on in indented lines |\n"
		 "| `[rules]` | rule, see [rules.md](rules.md) | `error`, `warning`, `notice`, `info` or `off`: severity "
		 "of its findings, whatever they would have; a rule that is off by itself is switched on so |\n"
		 "| `[rules \"GLOB\"]` | rule | the same for the files whose path matches; the last line that "
		 "fits wins |");
}

static void
print_exit_codes(void)
{
	puts("# Exit codes, results and states\n\n## Exit codes\n\n"
		 "The result is what the ledger has for a run that ends so.\n\n"
		 "| code | result | meaning |\n|---|---|---|");
#define X(id, name, code, text) printf("| %d | `%s` | %s |\n", code, name, text);
	SD_RESULTS(X)
#undef X
#define X(id, code, text) printf("| %d | | %s |\n", code, text);
	SD_EXIT_CODES(X)
#undef X
	puts("\n10 to 13 promise that nothing was changed. 20 and 21 promise that the schema is what it\n"
		 "was before, proved by an empty difference. From 22 to 24 a person has to look; `migguard\n"
		 "show RUN` tells what was done.\n\n"
		 "`migguard status`, `migguard diff` and `migguard drift` end with 30 when they find a difference, `migguard\n"
		 "lint` with 13 when it finds something at or above the threshold, `migguard doctor` with 10\n"
		 "when something needed is missing.\n\n"
		 "## States of a run\n\n| state | what is done |\n|---|---|");
#define X(id, name, text) printf("| `%s` | %s |\n", name, text);
	SD_RUN_STATES(X)
#undef X
	puts("\nEach is written to the ledger before it acts. An event has one of these statuses:\n\n"
		 "| status | meaning |\n|---|---|");
#define X(id, name, text) printf("| `%s` | %s |\n", name, text);
	SD_EVENT_STATUSES(X)
#undef X
}

/* Text for roff: hyphens that can be copied, backslashes, and lines that are no requests. */
static char *
roff(const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	if (text[0] == '.' || text[0] == '\'')
		mg_buf_add(&buf, "\\&");
	for (; *text != '\0'; text++)
		if (*text == '-')
			mg_buf_add(&buf, "\\-");
		else if (*text == '\\')
			mg_buf_add(&buf, "\\e");
		else if (text[0] == '\n' && text[1] == '\n')
		{
			mg_buf_add(&buf, "\n.PP\n");
			text++;
		}
		else
			mg_buf_add_bytes(&buf, text, 1);
	return buf.data;
}

static void
print_man_options(const MgOption *options)
{
	for (const MgOption *o = options; o != NULL && o->long_name != NULL; o++)
	{
		puts(".TP");
		if (o->short_name != '\0')
			printf("\\fB\\-%c\\fR, ", o->short_name);
		printf("\\fB\\-\\-%s\\fR", roff(o->long_name));
		if (o->arg != NULL)
			printf("=\\fI%s\\fR", roff(o->arg));
		printf("\n%s.\n", roff(o->help));
	}
}

static void
print_man_settings(void)
{
	const char *section = "";

	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const MgSettingInfo *info = &mg_setting_info[i];

		if (strcmp(section, info->section) != 0)
			printf(".SS [%s]\n", info->section);
		section = info->section;
		printf(".TP\n\\fB%s\\fR", roff(info->key));
		if (info->value != NULL)
			printf(" (default: %s)", roff(info->value));
		printf("\n%s.\n", roff(info->help));
		if (info->type == MG_TYPE_INT && info->choices != NULL)
			printf("A number in the range %s.\n", roff(info->choices));
		if (info->type == MG_TYPE_CHOICE)
			printf("One of: %s.\n", roff(info->choices));
	}
}

static void
print_man(void)
{
	printf(".\\\" generated from the tables of migguard, do not edit\n"
		   ".TH MIGGUARD 1 \"\" \"safedeploy %s\" \"safedeploy\"\n"
		   ".SH NAME\nmigguard \\- run database migrations rehearsed, proved and brought back\n"
		   ".SH SYNOPSIS\n\\fBmigguard\\fR [\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIOPTION\\fR]... "
		   "[\\fIARGUMENT\\fR]... [\\-\\- \\fITOOL COMMAND\\fR]\n"
		   ".SH DESCRIPTION\nmigguard runs a migration tool such as Alembic or Flyway on a PostgreSQL "
		   "database under a deploy lock: it looks for what could go wrong, rehearses upgrade and "
		   "downgrade on a clone, runs the tool, proves that the schema is the rehearsed one, and brings "
		   "it back when it is not. Every step is written to a ledger in the database by the extension "
		   "safedeploy.\n.SH COMMANDS\n",
		   SAFEDEPLOY_VERSION);
	for (int i = 0; mg_commands[i] != NULL; i++)
	{
		const MgCommand *command = mg_commands[i];

		printf(".SS %s\n", roff(synopsis(command)));
		printf("%c%s.\n", command->summary[0] & ~0x20, roff(command->summary + 1));
		if (command->description != NULL)
			printf(".PP\n%s\n", roff(command->description));
		print_man_options(command->options);
	}
	puts(".SH COMMON OPTIONS");
	print_man_options(mg_common_options);
	puts(".SH EXIT STATUS");
#define X(id, name, code, text) printf(".TP\n%d\n%s.\n", code, roff(text));
	SD_RESULTS(X)
#undef X
#define X(id, code, text) printf(".TP\n%d\n%s.\n", code, roff(text));
	SD_EXIT_CODES(X)
#undef X
	puts(".SH SETTINGS\nRead from migguard.ini in the working directory; the environment variable "
		 "\\fBMIGGUARD_\\fISECTION\\fB_\\fIKEY\\fR wins over it, and a flag over both.");
	print_man_settings();
	puts(".SH ENVIRONMENT\n.TP\n\\fBDATABASE_URL\\fR, \\fBPGHOST\\fR, \\fBPGPASSWORD\\fR ...\nWhere the "
		 "database is, when no setting says so.\n.TP\n\\fBMIGGUARD_CONFIG\\fR\nThe file to read in place "
		 "of migguard.ini.\n.TP\n\\fBNO_COLOR\\fR\nNo colors when it is set.\n"
		 ".SH FILES\n.TP\n.I migguard.ini\nSettings; \\fBmigguard init\\fR writes one with every setting "
		 "explained.\n.SH SEE ALSO\n.BR psql (1),\n.BR pg_dump (1)");
}

int
main(int argc, char **argv)
{
	static const struct
	{
		const char *name;
		void (*print)(void);
	} pages[] = { { "cli", print_cli },
				  { "config", print_config },
				  { "exit-codes", print_exit_codes },
				  { "man", print_man } };

	arena = mg_arena_new();
	for (size_t i = 0; argc == 2 && i < sizeof pages / sizeof pages[0]; i++)
		if (strcmp(argv[1], pages[i].name) == 0)
		{
			pages[i].print();
			return fflush(stdout) == 0 ? 0 : MG_EXIT_INTERNAL;
		}
	fputs("usage: mgdocs cli | config | exit-codes | man\n", stderr);
	return MG_EXIT_USAGE;
}
