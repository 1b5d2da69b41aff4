/*
 * cli.h
 *	  The table of commands and options: parser, help, man page and reference
 *	  are made from it.
 */
#ifndef MG_CLI_H
#define MG_CLI_H

#include <stdio.h>

#include "config.h"
#include "pg.h"

typedef enum MgFormat
{
	MG_FORMAT_TEXT,
	MG_FORMAT_JSON,
	MG_FORMAT_UNIFIED /* of commands that have it */
} MgFormat;

typedef struct MgOption MgOption;

/* An option as it was given; for options that mean something each time. */
typedef struct MgGiven
{
	const MgOption *option;
	const char *value;
} MgGiven;

/* What every command gets. */
typedef struct MgContext
{
	MgArena *arena;
	MgConfig *config;
	MgTarget target; /* parsed when the command asks for a database */
	MgFormat format;
	bool color;
	const char *config_file; /* as given by --config, NULL: not given */
	char **args;			 /* operands, NULL-terminated */
	int nargs;
	char **tool_argv;		  /* the command after "--", NULL when there is none */
	const char *const *flags; /* values of the command's own options, by position in its table */
	const MgGiven *given;	  /* all options in their order, ended by a row without option */
} MgContext;

/* An option sets a setting, or, when setting is MG_SETTING_COUNT, a value of the command's own. */
struct MgOption
{
	char short_name; /* '\0': none */
	const char *long_name;
	const char *arg; /* placeholder in help; NULL: takes no argument */
	MgSetting setting;
	const char *set_to; /* value for an option without argument */
	const char *help;
};

typedef struct MgCommand
{
	const char *name;
	const char *operands; /* "[REVISION]" */
	const char *summary;
	const char *description; /* paragraphs for the man page */
	bool needs_database;
	bool takes_tool;		 /* "-- tool command" may follow */
	bool config_optional;	 /* the file that --config names need not be there */
	bool has_unified;		 /* --format unified is understood */
	const MgOption *options; /* ended by a row without long_name */
	/* Returns true when it ended as planned, with the exit code in *exit_code. */
	bool (*run)(MgContext *context, int *exit_code, MgError *err);
} MgCommand;

extern const MgCommand *const mg_commands[]; /* commands.c; ended by NULL */
extern const MgOption mg_common_options[];	 /* of every command */

/* Value of the command's own option, NULL when not given. */
extern const char *mg_cli_flag(const MgContext *context, const MgCommand *command,
							   const char *long_name);

/* Help of a command, or of the program for NULL. */
extern void mg_cli_help(FILE *out, const MgCommand *command);

/* Parses argv, runs the command, prints its error; returns the exit code of the program. */
extern int mg_cli_main(int argc, char **argv);

#endif
