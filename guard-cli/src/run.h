/*
 * run.h
 *	  The run: a table of states, one interpreter, and what the states share.
 *
 * A state is begun in the ledger before it acts and closed there after it;
 * whatever ends migguard in between leaves the next run knowing where to look.
 */
#ifndef MG_RUN_H
#define MG_RUN_H

#include <cjson/cJSON.h>

#include "cli.h"
#include "pg_catalog_schema.h"
#include "pg_catalog_server.h"
#include "tool.h"

typedef enum MgRunKind
{
	MG_RUN_RUN,
	MG_RUN_PLAN, /* stops after the rehearsal */
	MG_RUN_ROLLBACK,
	MG_RUN_RESUME /* until it knows which of these it is to be */
} MgRunKind;

typedef enum MgRunState
{
#define X(id, name, text) MG_STATE_##id,
	SD_RUN_STATES(X)
#undef X
		MG_STATE_END
} MgRunState;

/* How a state ended. */
typedef enum MgStep
{
	MG_STEP_OK,
	MG_STEP_SKIPPED, /* left out by policy */
	MG_STEP_END,	 /* the run ends here as planned, with run->exit_code */
	MG_STEP_FAILED	 /* err is set */
} MgStep;

typedef struct MgRun
{
	MgArena *arena;
	const MgContext *context;
	MgConfig *config;
	MgRunKind kind;
	bool accept_state; /* go on from what an earlier run left, on a person's word */
	bool dry; /* a resume that stops after the rehearsal and records nothing of the dead run */

	MgPg *pg; /* migguard's own session; it holds the lock */
	MgTool *tool;
	MgServerFacts facts;
	const char *id;		  /* of the run */
	const char *short_id; /* its first eight digits */
	bool begun;			  /* in the ledger */
	bool ended;
	const char *lock_name;
	const char *token;	 /* NULL: the lock is not held */
	MgStrings permitted; /* steps that have a permit for what they drop, each with its token */
	bool arm_fence;		 /* the child's sessions can load the library */
	bool trace;			 /* they are traced */
	bool lock_lost;		 /* and was not got back */

	MgRevisions from;
	MgRevisions to;
	const char *target_revision; /* as asked for; NULL: as the tool's command says */
	MgMigrations pending;
	MgStrings bookkeeping;
	MgError tool_error; /* why history or pending list could not be read, told by preflight */
	MgStrings invalid_before;

	MgSnapshot before; /* S0 */
	MgSnapshot here;   /* the schema as this run has found it; S0 unless it carries on */
	MgRevisions here_revisions;
	MgSnapshot rehearsed;	 /* S1', copied to the real database */
	MgSnapshot clone_before; /* S0 of the clone, copied likewise, when it is not equal to S0 */
	MgSnapshot after;		 /* S1 */
	struct MgClone *kept;	 /* the clone, when it may become the warm shadow; or NULL */
	MgStrings discarded;	 /* scratch databases to be dropped at the very end */
	const char *backup_path;
	MgStrings repair;		   /* rehearsed statements that finish the way back, or are all of it */
	bool repair_transactional; /* in one transaction */
	bool no_downgrade;		   /* they are all of it: the tool's downgrade is of no use */
	char **tool_rows;		   /* of the bookkeeping tables before the run; NULL: not kept */
	const char *downgrade;	   /* what rehearsal says of the downgrade, for people */

	/* of a rollback on demand */
	const char *goal_run;	   /* start of the id of the run to undo, or NULL */
	const char *goal_revision; /* or the revision to go back to, or NULL */
	MgRevisions goal;
	MgSnapshot goal_snapshot; /* id NULL: none is stored, so nothing can be proved */

	/* of a resume */
	const struct MgPastRun *resumed; /* the run that this one finishes, or NULL */
	bool resumed_back;				 /* which was on its way back, on demand or by a resume */
	bool brings_back;				 /* it takes back an upgrade that was asked for */
	bool carries_on;				 /* with its rest: S0 and where it came from are that run's */
	bool may_revert; /* what is there of it may be reverted by statements of the server */

	/* of the state that runs */
	MgRunState state;
	const struct MgStateRow *rows; /* the table that is walked */
	int row_count;
	const char *message;
	const char *last_message; /* of the state before */
	cJSON *detail;

	int exit_code;
	MgError failure;   /* what led to the rollback */
	bool told_to_stop; /* by a signal */
	long long started_us;
	MgStrings findings; /* of the analysis and the rehearsal, as sentences */
	struct MgObservation *observation;
} MgRun;

/* One row of the table. */
typedef struct MgStateRow
{
	MgRunState state;
	MgStep (*act)(MgRun *run, MgError *err);
	MgRunState next;   /* after success */
	MgRunState failed; /* after a failure */
	MgExit exit_code;  /* of a run that fails here and goes no further */
	bool plan;		   /* also in a plan */
	bool touches;	   /* may change the real database */
	bool shielded;	   /* signals wait until it is done */
} MgStateRow;

/* Walks a table from its first state; how the run ended is in run->exit_code. */
extern bool mg_run_walk(MgRun *run, const MgStateRow *rows, int count, MgError *err);

/* The whole of a command: start, walk, end, result on stdout. */
extern bool mg_run_command(MgRun *run, bool (*walk)(MgRun *run, MgError *err), int *exit_code,
						   MgError *err);
/* The walk of a run and of a plan. */
extern bool mg_run_upgrade(MgRun *run, MgError *err);

/* Prints the table; json for machines. */
extern void mg_run_explain(const MgContext *context);

/* The table is sound; *why names the first fault. */
extern bool mg_run_table_check(const MgStateRow *rows, int count, const char **why);
extern const MgStateRow mg_run_table[];
extern const int mg_run_table_count;

extern const char *mg_state_name(MgRunState state);

/* States; each sets run->message and run->detail for its closing event. */
extern MgStep mg_state_preflight(MgRun *run, MgError *err);
extern MgStep mg_state_lock(MgRun *run, MgError *err);
extern MgStep mg_state_capture(MgRun *run, MgError *err);
extern MgStep mg_state_backup(MgRun *run, MgError *err);
extern MgStep mg_state_rehearse(MgRun *run, MgError *err);
extern MgStep mg_state_migrate(MgRun *run, MgError *err);
extern MgStep mg_state_verify(MgRun *run, MgError *err);
extern MgStep mg_state_done(MgRun *run, MgError *err);
extern MgStep mg_state_rollback(MgRun *run, MgError *err);

/* run_start.c: opens tool and session, begins the run in the ledger. */
extern void mg_run_init(MgRun *run, const MgContext *context, MgRunKind kind);
extern bool mg_run_start(MgRun *run, MgError *err);
/*
 * Ends the run in the ledger as run->exit_code says, and releases the lock.
 * False when one of both failed or the lock had been lost; a run that was done
 * is interrupted then.
 */
extern bool mg_run_end(MgRun *run, const char *message, MgError *err);
extern void mg_run_close(MgRun *run);

/* Reads the applied revisions and what is pending into the run. */
extern bool mg_run_read_work(MgRun *run, MgError *err);

/* Waits; false, with the error, when the user wants the run to stop. */
extern bool mg_run_pause(MgRun *run, long long ms, MgError *err);

/* The session that holds the lock still lives; when not, opens another and takes the lock again,
 * but only if nobody else ran in between. */
extern bool mg_run_hold(MgRun *run, MgError *err);

/*
 * Permits what the sessions of a step drop, where the server protects it: what is
 * named, or (NULL) anything.  To be called before any of them, and after
 * everything that may stop the run.
 */
extern bool mg_run_permit(MgRun *run, const char *step, const MgStrings *losses, MgError *err);

/* How the tool's sessions are to be: on the real database with the fence, or on a clone. */
extern void mg_run_session(MgRun *run, const MgTarget *target, const char *step,
						   MgToolSession *session);
extern char *mg_run_application_name(MgRun *run, const char *step);

/* For the closing event of the state that runs. */
extern void mg_run_say(MgRun *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern cJSON *mg_run_detail(MgRun *run);
extern void mg_run_detail_text(MgRun *run, const char *key, const char *value);
extern void mg_run_detail_list(MgRun *run, const char *key, const MgStrings *list);
extern void mg_run_detail_revisions(MgRun *run, const char *key, const MgRevisions *list);
extern void mg_run_detail_snapshot(MgRun *run, const MgSnapshot *snapshot);
extern void mg_run_detail_child(MgRun *run, const char *key, const MgChildResult *result);

/* An event of its own, with status "note". */
extern bool mg_run_note(MgRun *run, MgError *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a detail, which stays the caller's. */
extern bool mg_run_note_detail(MgRun *run, const cJSON *detail, MgError *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Writes an event of the state that runs, with its message and detail. */
extern bool mg_run_event(MgRun *run, const char *status, MgError *err);

#endif
