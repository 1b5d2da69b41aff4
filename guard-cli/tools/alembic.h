/*
 * alembic.h
 *	  What the parts of the Alembic tool share.
 */
#ifndef MG_ALEMBIC_H
#define MG_ALEMBIC_H

#include "alembic_command.h"
#include "alembic_graph.h"
#include "tool_util.h"

typedef struct MgAlembic
{
	MgAlembicCommand command;
	const char *ini_path; /* absolute */
	const char *ini_text; /* NULL: there is none */
	bool ini_has_url;
	MgAlembicGraph graph;
	MgStrings heads;
	const char **texts[2]; /* by MgDirection, then by position in the graph; NULL: not known */
	const char **why_not[2];
} MgAlembic;

extern MgAlembic *mg_alembic(MgTool *tool);

/* Runs a command in a session, with an ini that leads to its database. */
extern bool mg_alembic_run(MgTool *tool, const MgToolSession *session, char *const *rest,
						   MgChildResult *result, MgError *err);

/* Adds a command that needs no database to those that mg_tool_read_all is to run. */
extern void mg_alembic_put(MgTool *tool, char *const *rest, MgToolReading *reading);

/* Runs one for its output. */
extern bool mg_alembic_ask(MgTool *tool, char *const *rest, const char **output,
						   MgChildResult *result, MgError *err);

/* Fills the graph, the heads and room for the texts: from the files, else from Alembic. */
extern bool mg_alembic_load(MgTool *tool, MgError *err);

/* What Alembic said: some of its errors go to stdout. */
extern const char *mg_alembic_reason(MgTool *tool, const MgChildResult *result, const char *output);

/* What the user asks for: the argument, the setting, the command line, else "head". */
extern const char *mg_alembic_target(MgTool *tool, const char *target);

/* The revisions that a name stands for; none for "base". */
extern bool mg_alembic_resolve(MgTool *tool, const MgRevisions *current, const char *name,
							   MgStrings *ids, MgError *err);

/* The ids that "alembic show" gives for a name. */
extern bool mg_alembic_show(MgTool *tool, const char *name, MgStrings *ids, MgError *err);

/* Sets the error for a history with more than one head. */
extern bool mg_alembic_several_heads(MgTool *tool, MgError *err);

/* All of these are in the migrations. */
extern bool mg_alembic_check_known(MgTool *tool, const MgRevisions *current, MgError *err);

extern bool mg_alembic_current(MgTool *tool, MgPg *pg, MgRevisions *revisions, MgError *err);
extern bool mg_alembic_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to,
							MgChildResult *result, MgError *err);

#endif
