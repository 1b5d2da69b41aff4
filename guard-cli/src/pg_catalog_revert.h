/*
 * pg_catalog_revert.h
 *	  Statements that lead the schema back, and the rows of the tool's own tables.
 */
#ifndef MG_PG_CATALOG_REVERT_H
#define MG_PG_CATALOG_REVERT_H

#include "pg.h"

/* What the server proposes. */
typedef struct MgRevert
{
	MgStrings statements; /* in order */
	MgStrings losses;	  /* those that lose data or cannot bring it back, as sentences */
	MgStrings reasons;	  /* why something has no way back */
	bool transactional;	  /* all of them run in one transaction */
} MgRevert;

/* From the schema as it is back to a snapshot of this very database; ignore names tables left out. */
extern bool mg_revert_propose(MgPg *pg, const char *to, const MgStrings *ignore, MgRevert *revert,
							  MgError *err);

/* The settings of the session in which the statements run. */
extern bool mg_revert_session(MgPg *pg, const char *run_id, const char *fence_token,
							  long long lock_timeout_ms, long long statement_timeout_ms,
							  MgError *err);

/*
 * Runs the statements and then gives the tables the rows that are wanted (JSON arrays, NULL for
 * none; no tables: none is touched), all in one transaction or, unless that is possible, one by
 * one.  On an error nothing of a transaction stays.
 */
extern bool mg_revert_run(MgPg *pg, const MgStrings *statements, bool transactional,
						  const MgStrings *tables, char *const *rows, MgError *err);

#endif
