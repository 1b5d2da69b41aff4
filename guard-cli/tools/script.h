/*
 * script.h
 *	  How a file of SQL has to be run by psql: what the server's own parser says of it.
 */
#ifndef MG_SCRIPT_H
#define MG_SCRIPT_H

#include "pg.h"

typedef struct MgScript
{
	bool own_transaction; /* begins or ends transactions itself */
	const char *outside; /* kind of the first statement that runs in no transaction block, or NULL */
	int outside_line;
	bool meta; /* has a command of psql, one that is allowed */
} MgScript;

/*
 * Looks at a script through a connection to a database with the extension.  An
 * error names the file and the line: a psql command that would leave the
 * database or the record of the migration, or a transaction that is left open.
 */
extern bool mg_script_look(MgPg *pg, const char *path, const char *text, MgScript *script,
						   MgError *err);

#endif
