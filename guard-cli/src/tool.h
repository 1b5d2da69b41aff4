/*
 * tool.h
 *	  What every wrapped migration tool answers, as a table of functions.
 *
 * A tool is opened once for a command, from the configuration and from the
 * user's own command line after "--".  It never holds a connection: the caller
 * passes the one to look through, or the session to run the tool's program in,
 * and so the same tool serves the real database and its clone.
 */
#ifndef MG_TOOL_H
#define MG_TOOL_H

#include "child.h"
#include "config.h"
#include "pg.h"

/* Applied revisions as the tool's own version table has them; none is an empty database. */
typedef struct MgRevisions
{
	char **ids;
	int count;
} MgRevisions;

typedef enum MgDirection
{
	MG_UP,
	MG_DOWN
} MgDirection;

typedef struct MgMigration
{
	const char *id;		   /* revision or version, as the tool names it */
	const char *title;	   /* for people */
	const char *path;	   /* file of the upgrade, NULL when there is none */
	const char *down_path; /* file of the downgrade, NULL when there is none */
	bool reversible;	   /* a downgrade is there, whatever it is worth */
	bool transactional;	   /* the tool wraps it in a transaction */
} MgMigration;

typedef struct MgMigrations
{
	MgMigration *items; /* in the order they run */
	int count;
} MgMigrations;

/* How the sessions of the tool's program are to be. */
typedef struct MgToolSession
{
	const MgTarget *target;		  /* the real database or the clone */
	const char *application_name; /* tag, unique for the run and the step */
	const char *run_id;			  /* "" outside a run */
	const char *fence_token;	  /* "" for the clone */
	bool arm_fence;				  /* local_preload_libraries=safedeploy is possible */
	bool trace;					  /* the server records what they do; needs the same library */
	int server_version;			  /* as server_version_num; 0: not known */
	long long lock_timeout_ms;	  /* 0: none; so for the next */
	long long concurrently_lock_timeout_ms; /* takes the library of arm_fence */
	long long statement_timeout_ms;
	long long timeout_ms; /* for the whole program, 0: none */
} MgToolSession;

typedef struct MgTool MgTool;

typedef struct MgToolOps
{
	const char *name;	 /* "alembic", as in the configuration */
	const char *summary; /* for help and docs */

	/* The command line after "--" is one of this tool's that upgrades. */
	bool (*recognise)(char *const *argv);

	/* Reads configuration, command line and migration files; needs no database. */
	bool (*open)(MgTool *tool, MgError *err);

	/* Applied revisions, by one query; a missing version table is an empty list. */
	bool (*current)(MgTool *tool, MgPg *pg, MgRevisions *revisions, MgError *err);

	/* The history is fit to run: known revisions, one head, checksums, no failed entry. */
	bool (*check)(MgTool *tool, MgPg *pg, const MgRevisions *current, MgError *err);

	/* What runs to get from current to target (NULL: as the command line says, else the newest).
	 * resolved gets the revision that will be current afterwards. */
	bool (*pending)(MgTool *tool, MgPg *pg, const MgRevisions *current, const char *target,
					MgMigrations *migrations, MgRevisions *resolved, MgError *err);

	/* The applied revisions that a person names for a downgrade, such as "base", "-1" or the
	 * beginning of an id, exactly as current would give them afterwards. */
	bool (*locate)(MgTool *tool, const MgRevisions *current, const char *name, MgRevisions *found,
				   MgError *err);

	/* SQL text of one migration; *text NULL and *why_not set when it cannot be had. */
	bool (*sql)(MgTool *tool, const MgMigration *migration, MgDirection direction,
				const char **text, const char **why_not, MgError *err);

	/* Runs a command of the tool that connects and changes nothing, to see where it connects. */
	bool (*probe)(MgTool *tool, const MgToolSession *session, MgChildResult *result, MgError *err);

	/* Runs the upgrade; target as in pending.  A result that was not started and has exit code
	 * 0 means that nothing had to be run; so for down. */
	bool (*up)(MgTool *tool, const MgToolSession *session, const char *target,
			   MgChildResult *result, MgError *err);

	/* Brings the applied revisions back to exactly these. */
	bool (*down)(MgTool *tool, const MgToolSession *session, const MgRevisions *to,
				 MgChildResult *result, MgError *err);

	/* A statement as it is pasted into a downgrade of this tool; NULL: as SQL. */
	char *(*paste)(MgArena *arena, const char *sql);

	/* Tables that hold the tool's own state, or will, schema-qualified and quoted as the server
	 * does it: never part of a comparison, copied with their rows to a clone. */
	bool (*bookkeeping)(MgTool *tool, MgPg *pg, MgStrings *tables, MgError *err);
} MgToolOps;

struct MgTool
{
	const MgToolOps *ops;
	MgArena *arena;
	const MgConfig *config;
	char *const *argv; /* the user's command after "--", or NULL */
	bool both_ways;	   /* who asks for the SQL of an upgrade will ask for that of the downgrade */
	void *state;	   /* the tool's own */
};

/* Picks the tool by configuration, or by the command line, and opens it. */
extern bool mg_tool_open(MgArena *arena, const MgConfig *config, char *const *argv, MgTool **tool,
						 MgError *err);

/* All tools, ended by NULL; for help and docs. */
extern const MgToolOps *const mg_tools[];

/*
 * The environment for the tool's program: ours, with the target (PG*, the
 * variables that setting tool.url_env names, the [env] section with its
 * {placeholders} replaced), PGAPPNAME, and PGOPTIONS with the settings of the
 * session.
 */
extern void mg_tool_environment(MgTool *tool, const MgToolSession *session, MgStrings *environment);

/* "a, b" or "(base)". */
extern char *mg_revisions_text(MgArena *arena, const MgRevisions *revisions);
extern bool mg_revisions_equal(const MgRevisions *a, const MgRevisions *b);

#endif
