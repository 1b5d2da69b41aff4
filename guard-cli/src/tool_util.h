/*
 * tool_util.h
 *	  What the wrapped tools share: finding the tool in a command line, running
 *	  its program, telling people why it failed.
 */
#ifndef MG_TOOL_UTIL_H
#define MG_TOOL_UTIL_H

#include "tool.h"

/*
 * Position behind the words of a command line that start the program: "name",
 * a path that ends in it, "python -m module", each also behind a wrapper such as
 * "poetry run"; -1 when the command line starts something else.
 */
extern int mg_tool_program(char *const *argv, const char *name, const char *module);

/* The settings of a session in the form of PGOPTIONS, for tools that take them in a URL. */
extern char *mg_tool_session_options(MgTool *tool, const MgToolSession *session);

/* The target without options and application name, which the environment says. */
extern const MgTarget *mg_tool_plain_target(MgTool *tool, const MgTarget *target);

/* A name quoted as the server's quote_ident() does, but for keywords. */
extern char *mg_tool_quote(MgArena *arena, const char *name);

/* Splits text at blanks. */
extern void mg_tool_words(MgStrings *words, const char *text);

/* Runs a program of the tool in a session. */
extern bool mg_tool_exec(MgTool *tool, const MgToolSession *session, char *const *argv,
						 const char *input, MgChildResult *result, MgError *err);

/* The same with more variables, "NAME=value", in its environment. */
extern bool mg_tool_exec_with(MgTool *tool, const MgToolSession *session, char *const *argv,
							  const MgStrings *more, const char *input, MgChildResult *result,
							  MgError *err);

/* What is left of the session's time for the next of several programs; when nothing is, marks the
 * result as timed out and returns false. */
extern bool mg_tool_time_left(const MgToolSession *session, MgChildResult *total,
							  MgToolSession *rest);

/* The configured database; false when there is none that can be understood. */
extern bool mg_tool_target(MgTool *tool, MgTarget *target);

/* A program of the tool that needs no database, in the configured environment, and all that it prints. */
typedef struct MgToolReading
{
	char *const *argv;
	const char *output;
	MgChildResult result;
} MgToolReading;

/* Runs them at the same time. */
extern bool mg_tool_read_all(MgTool *tool, MgToolReading *readings, int count, MgError *err);

extern bool mg_tool_read(MgTool *tool, char *const *argv, const char **output,
						 MgChildResult *result, MgError *err);

/* Nothing had to be run. */
extern void mg_tool_idle(MgTool *tool, MgChildResult *result);

/* Adds a program that ran after others to their result: times and sessions are summed, the
 * output is joined, the rest is that of the last. */
extern void mg_tool_add_result(MgTool *tool, MgChildResult *total, const MgChildResult *last);

/* The line of the output that says best why a program failed; "" when it said nothing. */
extern char *mg_tool_reason(MgArena *arena, const MgChildResult *result);

/* A connection of migguard's own to the session's database, outside its child. */
extern bool mg_tool_connect(MgTool *tool, const MgToolSession *session, MgPg **pg, MgError *err);

/* The directory in which the tool runs, absolute. */
extern char *mg_tool_directory(MgTool *tool);

extern void mg_revisions_set(MgArena *arena, MgRevisions *revisions, const MgStrings *ids);
extern void mg_migrations_add(MgArena *arena, MgMigrations *list, const MgMigration *migration);

/* Refuses "+N" or "-N" when so many migrations are not there: less than was asked for is not done. */
extern bool mg_tool_too_far(const char *name, MgError *err);

#endif
