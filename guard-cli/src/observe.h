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
	bool taken;						 /* a prediction that has found its statement */
	const struct MgStatement *guess; /* its prediction, NULL: none */
	const struct MgStatement *live;	 /* the same on the real database, NULL: none */
} MgStatement;

typedef struct MgStatements
{
	MgStatement *items;
	int count;
} MgStatements;

/* What a run knows of its statements; made by mg_observe_init. */
typedef struct MgObservation
{
	MgStatements predicted;
	MgStatements rehearsed;
	MgStatements live;
	bool was_rehearsed; /* there is something to compare a live run with */
	bool was_live;
} MgObservation;

extern void mg_observe_init(MgRun *run);

/* Predicts a script of pending migrations, before anything is run. */
extern bool mg_observe_predict(MgRun *run, const char *sql, bool in_transaction, MgError *err);

/* The tool's sessions on a server can be traced. */
extern bool mg_observe_can_trace(MgRun *run, const MgTarget *target);

/* Reads what the upgrade did on the clone; what could not be observed is a finding. */
extern void mg_observe_rehearsal(MgRun *run, MgPg *clone, bool traced);

/*
 * Compares it with the prediction and judges what was not predicted.  False with
 * the reason when that reaches the threshold of findings.
 */
extern bool mg_observe_judge(MgRun *run, MgError *err);

/* Reads what the upgrade did on the real database, and names what is not as rehearsed. */
extern void mg_observe_live(MgRun *run);

/* Predicted beside observed, a line for each effect; and the same as JSON. */
extern void mg_observe_print(MgRun *run);
extern cJSON *mg_observe_json(MgRun *run);

/* ---- shared by the parts ---- */

/* 1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE); 0 for none. */
extern int mg_lock_strength(const char *lock_mode);

/* The effect of that kind on that object; NULL: none. */
extern const MgEffect *mg_effect_find(const MgEffects *effects, const MgEffect *like);

/* Nothing worth a line: no effect, or only reading under the weakest locks. */
extern bool mg_statement_is_dull(const MgStatement *statement);

#endif
