/*
 * pg_catalog_server.h
 *	  What migguard asks of the server itself: facts for preflight, other
 *	  sessions, scratch databases.
 */
#ifndef MG_PG_CATALOG_SERVER_H
#define MG_PG_CATALOG_SERVER_H

#include "pg.h"

typedef struct MgServerFacts
{
	int version;	  /* server_version_num */
	bool own_session; /* the server knows us by the process id libpq was told */
	bool in_recovery;
	bool read_only;
	bool superuser;
	bool may_create_database;
	bool may_create_schema;
	bool may_use_extension;
	const char *role;
	const char *database;
	const char *extension; /* its version, NULL when it is not there */
	const char *prepared;  /* names of prepared transactions, NULL when there is none */
} MgServerFacts;

extern bool mg_server_facts(MgPg *pg, MgServerFacts *facts, MgError *err);

/* Functions of the extension this role may not execute, "a, b"; NULL when it may all. */
extern bool mg_server_missing_privileges(MgPg *pg, char **names, MgError *err);

typedef struct MgSession
{
	int pid;
	const char *user;
	const char *application_name;
	const char *client; /* NULL: a local socket */
	const char *state;
	long long transaction_ms; /* -1: in no transaction, or not ours to see */
	bool wraparound;		  /* an autovacuum that guards against wraparound */
} MgSession;

typedef struct MgSessions
{
	MgSession *items;
	int count;
} MgSessions;

/* Sessions in this database other than those whose application_name starts with own_prefix. */
extern bool mg_server_sessions(MgPg *pg, const char *own_prefix, MgSessions *sessions, MgError *err);

/* Creates a role that is no more than a name. */
extern bool mg_server_create_role(MgPg *pg, const char *name, MgError *err);

extern bool mg_server_database_size(MgPg *pg, long long *bytes, MgError *err);

/* Quoted names of indexes that are not valid. */
extern bool mg_server_invalid_indexes(MgPg *pg, MgStrings *names, MgError *err);

/*
 * Ends the sessions with that application_name in this database: gives them
 * patience_ms to end by themselves, cancels, terminates, and waits until none is
 * left.  *ended is how many did not end by themselves.
 */
extern bool mg_server_end_sessions(MgPg *pg, const char *application_name, int patience_ms,
								   int *ended, MgError *err);

/* Application names of living sessions of the cluster that start with a prefix. */
extern bool mg_server_living_sessions(MgPg *pg, const char *prefix, MgStrings *names, MgError *err);
/* The same, of this database. */
extern bool mg_server_living_here(MgPg *pg, const char *prefix, MgStrings *names, MgError *err);

/* Waits until the server knows a session no more, at most ms milliseconds; it is no error when it does. */
extern bool mg_server_await_end(MgPg *pg, int backend_pid, int ms, MgError *err);

/* A scratch database of a rehearsal. */
typedef struct MgScratch
{
	const char *name;
	const char *comment; /* NULL: it has none */
} MgScratch;

typedef struct MgScratches
{
	MgScratch *items;
	int count;
} MgScratches;

extern bool mg_server_scratch_databases(MgPg *pg, MgScratches *list, MgError *err);

/* Creates a database with encoding and locale of that of source and more options, and comments it. */
extern bool mg_server_create_database(MgPg *admin, MgPg *source, const char *name,
									  const char *template_name, const char *more,
									  const char *comment, MgError *err);
/* Creates a database like that of source, with its ALTER DATABASE settings, and comments it. */
extern bool mg_server_create_scratch(MgPg *admin, MgPg *source, const char *name,
									 const char *template_name, const char *comment, MgError *err);
extern bool mg_server_drop_database(MgPg *pg, const char *name, MgError *err);

/* All rows of a table (qualified, quoted) as a JSON array; NULL when it has none or is not there. */
extern bool mg_server_read_rows(MgPg *pg, const char *table, char **rows, MgError *err);
/* Adds such rows to the table of that name, here or elsewhere. */
extern bool mg_server_write_rows(MgPg *pg, const char *table, const char *rows, MgError *err);

/* True when the query returns one row whose first column is true; *got says what it returned. */
extern bool mg_server_assertion(MgPg *pg, const char *sql, bool *holds, char **got, MgError *err);

/* Makes a session one of the user's: the search_path of the role and the database, read-only, with a
 * limit for each statement. */
extern bool mg_server_user_session(MgPg *pg, long long timeout_ms, MgError *err);

/* Whether a session may load the library by local_preload_libraries, found out by opening one. */
extern bool mg_server_can_preload(MgArena *arena, const MgTarget *target,
								  const char *application_name);

/* The socket, for waiting. */
extern int mg_server_socket(MgPg *pg);

#endif
