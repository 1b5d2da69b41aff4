/*
 * observe.h
 *	  What the statements of a run were predicted to do, did on the clone, and did.
 *
 * The tool's sessions are traced by the server, whatever language the migrations
 * are written in.  Where their SQL can be had beforehand, the prediction stands
 * beside what was observed, and a difference is a finding; where it cannot, what
 * was observed is judged in its place.
 */
#ifndef MG_OBSERVE_H
#define MG_OBSERVE_H

#include <cjson/cJSON.h>

#include "lint.h"
#include "run.h"

/* One effect, as the server's type of that name has it. */
typedef struct MgEffect
{
	const char *effect; /* lock, rewrite, build, scan, drop, new, opaque */
	const char *kind;	/* of object; NULL: none */
	const char *object;
	const char *lock_mode; /* NULL: no lock */
	const char *detail;
	bool certain;
} MgEffect;

typedef struct MgEffects
{
	MgEffect *items;
	int count;
} MgEffects;

/* A statement that the tool has sent, or will. */
typedef struct MgStatement
{
	const char *text; /* one line; NULL for a prediction */
	const char *hash; /* by which it is known again */
	MgEffects effects;
	const MgRows *rows; /* what else the server says of it */
	int row;
	int transaction;
	int nesting;					 /* 0: the client has sent it */
	bool taken;						 /* it has found its like */
	const struct MgStatement *guess; /* its prediction, NULL: none */
	const struct MgStatement *again; /* the same in the second upgrade, NULL: none */
	const struct MgStatement *live;	 /* the same on the real database, NULL: none */
} MgStatement;

typedef struct MgStatements
{
	MgStatement *items;
	int count;
} MgStatements;

/* The tool's programs of a rehearsal: up, down, up. */
typedef enum MgPass
{
	MG_PASS_UP,
	MG_PASS_DOWN,
	MG_PASS_AGAIN,
	MG_PASSES
} MgPass;

/* What is known of the statements of one of them. */
typedef struct MgPassage
{
	MgStatements predicted;
	MgStatements rehearsed;
	MgStatements live;
	bool is_begun;		/* it was rehearsed, whether that was seen or not */
	bool was_rehearsed; /* there is something to compare a live run with */
	bool is_whole;		/* all that the rehearsal did is there */
	bool was_live;
	MgStrings losses; /* what the rehearsal took away, as permits name it */
} MgPassage;

/* What a run knows of its statements; made by mg_observe_init. */
typedef struct MgObservation
{
	MgPassage passes[MG_PASSES];
	const char *clone_until; /* sessions that began until then have been read */
	const char *live_until;
} MgObservation;

extern void mg_observe_init(MgRun *run);

/* Predicts a script, for the database that pg is in; nothing is run. */
extern bool mg_observe_predict(MgRun *run, MgPg *pg, MgPass pass, const char *sql,
							   bool in_transaction, MgError *err);

/* Predicts the downgrade of what is pending, on a clone that has it; as far as its SQL can be had. */
extern void mg_observe_predict_down(MgRun *run, MgPg *clone);

/* The tool's sessions on a server can be traced. */
extern bool mg_observe_can_trace(MgRun *run, const MgTarget *target);

/* Reads what a pass did on the clone; what could not be observed is a finding. */
extern void mg_observe_rehearsal(MgRun *run, MgPg *clone, MgPass pass, bool traced);

/*
 * Compares it with the prediction and judges what was not predicted.  False with
 * the reason when that reaches the threshold of findings.
 */
extern bool mg_observe_judge(MgRun *run, MgError *err);

/* Reads what the tool did on the real database, after each time it ran. */
extern void mg_observe_live(MgRun *run, MgPass pass);
/* Names what of it is not as rehearsed. */
extern void mg_observe_compare_live(MgRun *run, MgPass pass);

/* What a pass took away in the rehearsal; NULL: nobody has seen all of it. */
extern const MgStrings *mg_observe_losses(const MgRun *run, MgPass pass);

/* Predicted beside observed, a line for each effect; and the same as JSON. */
extern void mg_observe_print(MgRun *run);
extern cJSON *mg_observe_json(MgRun *run, MgPass pass);

/*
 * What a pass will lock, with the strongest mode of each, as a JSON array for the
 * server; *count 0 when nothing is known of it.
 */
extern char *mg_observe_wanted(const MgRun *run, MgPass pass, int *count);
/* The rehearsal has seen statements with CONCURRENTLY. */
extern bool mg_observe_concurrently(const MgRun *run, MgPass pass);
/* A finding for each transaction of the rehearsal that kept readers out for as long as that. */
extern void mg_observe_forewarn(MgRun *run, MgPass pass, long long limit_ms);
/* A statement of the live run has ended with that error. */
extern bool mg_observe_failed_by(const MgRun *run, MgPass pass, const char *sqlstate);
/* Every transaction of the live run that changed something has written to the tool's own tables. */
extern bool mg_observe_each_recorded(const MgRun *run, MgPass pass);

/* ---- shared by the parts ---- */

/* 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE); 0 for none. */
extern int mg_lock_strength(const char *lock_mode);

/* The effect of that kind on that object; NULL: none. */
extern const MgEffect *mg_effect_find(const MgEffects *effects, const MgEffect *like);

/* What one side did and the other did not, as sentences; "where" names the one. */
extern void mg_observe_differences(const MgStatement *one, const MgStatement *other,
								   const char *where, MgStrings *differences);

/* Nothing worth a line: no effect, or only reading under the weakest locks. */
extern bool mg_statement_is_dull(const MgStatement *statement);

#endif
