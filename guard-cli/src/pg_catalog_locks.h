/*
 * pg_catalog_locks.h
 *	  Statements about who waits for whom: before the tool is started, and beside it.
 */
#ifndef MG_PG_CATALOG_LOCKS_H
#define MG_PG_CATALOG_LOCKS_H

#include "pg.h"

/* A session that waits, or that others wait for; what cannot be told is NULL or -1. */
typedef struct MgLockSession
{
	const char *part; /* own, ahead or behind, of the tool's sessions; of a blocker: lock, snapshot */
	int pid;		  /* 0: a prepared transaction */
	const char *lock; /* that it waits for; of a blocker: those that it holds */
	const char *kind; /* backend_type, or "prepared" */
	const char *user;
	const char *application_name; /* of a prepared transaction its name */
	const char *client;			  /* NULL: a local socket */
	const char *state;
	const char *query;		 /* without its literals */
	const char *transaction; /* by which the server tells it from others */
	long long transaction_ms;
	const char *phase; /* of an index that it builds */
	int lockers_total; /* transactions that this waits for */
	int lockers_done;
	int percent;
} MgLockSession;

typedef struct MgLockSessions
{
	MgLockSession *items;
	int count;
} MgLockSessions;

/* Asks for the tool's sessions of that application name, whom they wait for and who for them. */
extern bool mg_locks_ask(MgLater *later, const char *application_name, MgError *err);
/* Asks to cancel what these sessions do, or to terminate them. */
extern bool mg_locks_ask_end(MgLater *later, const char *application_name, bool terminate,
							 MgError *err);
/* Fetches the answer to either; *done is false while it is not there. */
extern bool mg_locks_take(MgLater *later, MgArena *arena, bool *done, MgLockSessions *list,
						  MgError *err);

/*
 * Who holds what conflicts with a JSON array of objects and lock modes, and with
 * "snapshots" who is in an older transaction; but for sessions whose application
 * names start with own_prefix.
 */
extern bool mg_locks_blockers(MgPg *pg, MgArena *arena, const char *wanted, const char *own_prefix,
							  bool snapshots, MgLockSessions *list, MgError *err);

/* Cancels what a blocker does, or terminates it; *done false when it is gone, or its transaction over. */
extern bool mg_locks_end_blocker(MgPg *pg, const MgLockSession *blocker, bool terminate, bool *done,
								 MgError *err);

/* "process 123 (user app, application "psql", idle in transaction for 12 s, AccessShareLock on t: select *** from t)" */
extern char *mg_locks_text(MgArena *arena, const MgLockSession *session);

#endif
