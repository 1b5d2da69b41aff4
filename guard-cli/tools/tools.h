/*
 * tools.h
 *	  The wrapped tools, one file each, for the list in tool.c.
 */
#ifndef MG_TOOLS_H
#define MG_TOOLS_H

#include "tool.h"

extern const MgToolOps mg_tool_alembic;
extern const MgToolOps mg_tool_flyway;
extern const MgToolOps mg_tool_sql;

#endif
