/*
 * pg_catalog_shadow.h
 *	  What migguard asks of a server about warm shadows: the scratch databases
 *	  that rehearsals start from.
 */
#ifndef MG_PG_CATALOG_SHADOW_H
#define MG_PG_CATALOG_SHADOW_H

#include "pg.h"

/*
 * Name of the shadow of a database, for the role of server's session; home is
 * "here", or the system identifier of the cluster where the database is when the
 * shadow is on another server.
 */
extern bool mg_shadow_server_name(MgPg *server, const char *home, const char *database, char **name,
								  MgError *err);

/* System identifier of the cluster of a session. */
extern bool mg_shadow_server_home(MgPg *pg, const char **home, MgError *err);

typedef struct MgShadowFacts
{
	bool there;
	const char *comment; /* NULL: none */
	const char *size;	 /* for people; NULL: not asked for, or not ours to see */
} MgShadowFacts;

/* size: also how large it is. */
extern bool mg_shadow_server_find(MgPg *server, const char *name, bool size, MgShadowFacts *facts,
								  MgError *err);

/* Shadows of this role on this server whose database is there no more. */
extern bool mg_shadow_server_orphans(MgPg *server, MgStrings *names, MgError *err);

/* Takes the lock of a shadow for the session, alone or with others; false in *got: somebody has it. */
extern bool mg_shadow_server_lock(MgPg *server, const char *name, bool alone, bool *got,
								  MgError *err);
extern bool mg_shadow_server_unlock(MgPg *server, const char *name, bool alone, MgError *err);

extern bool mg_shadow_server_rename(MgPg *server, const char *from, const char *to, MgError *err);

/* Closes a database to all but superusers: who is connected keeps it from being copied. */
extern bool mg_shadow_server_close(MgPg *server, const char *name, MgError *err);

/* Everything about a schema that must be equal, as rows of "what" and "value". */
extern bool mg_shadow_state(MgPg *pg, MgRows *state, MgError *err);

/* What keeps the database from being a schema and nothing else. */
extern bool mg_shadow_faults(MgPg *pg, MgStrings *faults, MgError *err);

/* Takes rows, snapshots and the state of sequences out of the database. */
extern bool mg_shadow_clear(MgPg *pg, MgError *err);

/* A digest of the rows in tables of extensions, which come with the extension, not with the schema. */
extern bool mg_shadow_extension_rows(MgPg *pg, char **digest, MgError *err);

#endif
