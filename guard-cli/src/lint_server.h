/*
 * lint_server.h
 *	  A PostgreSQL server of lint's own, for as long as it looks at migrations.
 *
 * Its data, its socket and its log are in one directory that only this user can
 * enter; it listens on nothing else.  It ends with the process that started it,
 * whatever ends that, and what a killed one leaves the next one removes.
 */
#ifndef MG_LINT_SERVER_H
#define MG_LINT_SERVER_H

#include "child.h"
#include "config.h"
#include "pg.h"

typedef struct MgLintServer MgLintServer;

/* Starts it; *server is to be stopped also when this fails. */
extern bool mg_lint_server_start(MgArena *arena, const MgConfig *config, MgLintServer **server,
								 MgError *err);
/* Stops it and removes all that it had; NULL is fine. */
extern void mg_lint_server_stop(MgLintServer *server);

/* Its only database, as its superuser. */
extern const MgTarget *mg_lint_server_target(const MgLintServer *server);

/* What became of a script that was run. */
typedef struct MgLintApplied
{
	bool ok;
	int line;			 /* of the script, where it failed; 0: not known */
	const char *message; /* why */
} MgLintApplied;

/* Runs a script by psql; roles that it names and that are not there are made. */
extern bool mg_lint_server_run(MgLintServer *server, const char *text, bool in_transaction,
							   MgLintApplied *applied, MgError *err);

/* Puts the extension into the database. */
extern bool mg_lint_server_extension(MgLintServer *server, MgError *err);

#endif
