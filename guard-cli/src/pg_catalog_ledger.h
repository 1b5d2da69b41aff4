/*
 * pg_catalog_ledger.h
 *	  The deploy lock and the ledger, as a run uses them.
 */
#ifndef MG_PG_CATALOG_LEDGER_H
#define MG_PG_CATALOG_LEDGER_H

#include "pg.h"
#include "tool.h"

/* A run to be begun; texts may be NULL but for id and command. */
typedef struct MgNewRun
{
	const char *id;
	const char *command;
	const char *tool;
	const char *lock_name;
	const char *from;
	const char *to;
	const char *client; /* JSON */
} MgNewRun;

extern bool mg_ledger_begin(MgPg *pg, const MgNewRun *run, MgError *err);

/* On disk when it returns; detail is JSON or NULL. */
extern bool mg_ledger_event(MgPg *pg, const char *run_id, const char *state, const char *status,
							const char *message, const char *detail, MgError *err);
extern bool mg_ledger_end(MgPg *pg, const char *run_id, int exit_code, const char *message,
						  const char *detail, MgError *err);
extern bool mg_ledger_head(MgPg *pg, char **head, MgError *err);
/* What verify_ledger() finds, a row each; kept is a head from outside, or NULL. */
extern bool mg_ledger_verify(MgPg *pg, const char *kept, MgRows *faults, MgError *err);

/* One attempt, without waiting; *token is NULL when another session holds the lock. */
extern bool mg_lock_try(MgPg *pg, const char *name, const char *reason, const char *run_id,
						char **token, MgError *err);
extern bool mg_lock_release(MgPg *pg, const char *name, const char *token, MgError *err);

/* Sets run and token in the session of pg; "" takes them away. */
extern bool mg_lock_tag_session(MgPg *pg, const char *run_id, const char *token, MgError *err);

/* "It is held by user a (...) since ...", NULL when nobody holds it. */
extern bool mg_lock_holder(MgPg *pg, const char *name, char **text, MgError *err);

/* Token that was issued last under that name, "" when none was. */
extern bool mg_lock_last_token(MgPg *pg, const char *name, char **token, MgError *err);

/* How many other runs have taken the lock since this one did. */
extern bool mg_ledger_others_since(MgPg *pg, const char *lock_name, const char *run_id, int *count,
								   MgError *err);

/* What the ledger knows of a run. */
typedef struct MgPastRun
{
	const char *id;
	const char *command;
	const char *tool;
	const char *started_at;
	const char *last_state; /* "" before the first */
	const char *last_status;
	const char *last_message;
	const char *result; /* NULL: it has no end */
	bool captured;		/* s0 and from are known */
	bool touched;		/* it came as far as changing the real database */
	bool migrated;		/* by the upgrade */
	MgRevisions from;
	MgRevisions to;
	const char *s0;				/* snapshot before, NULL: unknown */
	const char *s0_fingerprint; /* likewise */
	const char *s1;				/* snapshot as rehearsed or as reached, NULL: unknown */
	const char *s1_fingerprint; /* likewise */
	const char *rehearsal;		/* detail of its rehearsal, as JSON; NULL: there is none */
	bool brings_back;			/* it is a resume that takes back an upgrade */
	const char *undoes;			/* of a rollback: the run that it was to undo, or NULL */
	MgStrings pending;			/* ids of its migrations, in their order */
	MgStrings invalid_before;	/* indexes that were not valid before it */
	bool here;					/* it ran in a database of this name */
} MgPastRun;

typedef struct MgPastRuns
{
	MgPastRun *items;
	int count;
} MgPastRuns;

/* A run is in the ledger, under whatever lock. */
extern bool mg_ledger_knows(MgPg *pg, const char *run_id, bool *known, MgError *err);

/* which: "unfinished", "done", "last", "touched", or the start of a run's id; newest first. */
extern bool mg_ledger_past_runs(MgPg *pg, const char *lock_name, const char *which,
								const char *own_id, MgPastRuns *runs, MgError *err);

#endif
