/*
 * flyway.h
 *	  What the parts of the Flyway tool share.
 */
#ifndef MG_FLYWAY_H
#define MG_FLYWAY_H

#include "flyway_config.h"
#include "flyway_files.h"
#include "pg_catalog_tool.h"
#include "tool.h"

typedef struct MgFlyway
{
	MgStrings program;	   /* "flyway", with what stands before it */
	MgStrings options;	   /* of the command line, but for where the database is */
	const char *directory; /* where relative locations begin */
	MgFlywayConfig config;
	MgFlywayFiles files;
	MgFlywayTable table; /* the history last seen; quoted NULL: none */
} MgFlyway;

#define MG_FLYWAY_TABLE "flyway_schema_history" /* unless it is configured */

extern MgFlyway *mg_flyway(MgTool *tool);

extern bool mg_flyway_recognise(char *const *argv);
extern bool mg_flyway_open(MgTool *tool, MgError *err);
/* The first half of that: the settings, without a look for files. */
extern bool mg_flyway_settings(MgTool *tool, MgError *err);

/* The schema that the configuration names, NULL: the first on the role's search path. */
extern const char *mg_flyway_schema(MgTool *tool);

/* Looks for the history in this database; flyway->table has it then. */
extern bool mg_flyway_find_table(MgTool *tool, MgPg *pg, MgError *err);

/* Failed entries, checksums, missing files, files out of order. */
extern bool mg_flyway_check(MgTool *tool, MgPg *pg, const MgRevisions *current, MgError *err);

/* The history of this database; no rows when there is none yet. */
extern bool mg_flyway_history(MgTool *tool, MgPg *pg, MgFlywayRow **rows, int *count, MgError *err);

/* The row of the version that is applied, NULL when it is not. */
extern const MgFlywayRow *mg_flyway_applied(const MgFlywayRow *rows, int count, const char *version);

/* Versions at or below a baseline count as applied without having run. */
extern bool mg_flyway_below_baseline(const MgFlywayRow *rows, int count, const char *version);

/* Versions are applied up to here, by a migration or by a baseline; NULL when none is. */
extern const MgFlywayRow *mg_flyway_newest(const MgFlywayRow *rows, int count);

/* What the placeholders of Flyway's own stand for in a database. */
extern MgFlywayPlaces mg_flyway_places(MgTool *tool, const MgTarget *target);

/* Flyway connects by TCP only. */
extern bool mg_flyway_reachable(const MgTarget *target, MgError *err);

/* Takes applied versions back by their undo files, newest first, until these remain. */
extern bool mg_flyway_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to,
						   MgChildResult *result, MgError *err);

#endif
