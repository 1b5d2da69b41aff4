/*
 * verdict.h
 *	  What is to be done about a run that died or needs a person: a table over
 *	  all that ledger, version table, schema and sessions can say.
 *
 * Every combination has exactly one row; what is unknown or contradicts itself
 * leads to a refusal.  Each list is bits, so that a row may hold for several.
 */
#ifndef MG_VERDICT_H
#define MG_VERDICT_H

#include "err.h"

/* What kind of run it was; name for people. */
#define MG_DEAD_KINDS(X, list) \
	X(list, RUN, "run")        \
	X(list, PLAN, "plan")      \
	X(list, BACK, "rollback")  \
	X(list, RESTORE, "restore")

/* How far the ledger says that it came. */
#define MG_LEDGER_SAYS(X, list)                                                      \
	X(list, ORDER, "it ended in order")                                              \
	X(list, UNTOUCHED, "it had not come to the database")                            \
	X(list, MIGRATE, "the tool was running")                                         \
	X(list, MIGRATED, "the tool had ended well")                                     \
	X(list, FAILED, "the upgrade or its proof had failed, and was to be taken back") \
	X(list, VERIFIED, "the upgrade was proved")                                      \
	X(list, ROLLBACK, "it was being taken back")                                     \
	X(list, OVERTAKEN, "a later run has changed the database")                       \
	X(list, NONSENSE, "its events contradict each other")

/* What the tool's version table says, compared with where the run came from and was to go to. */
#define MG_VERSION_SAYS(X, list)                             \
	X(list, FROM, "where it came from")                      \
	X(list, TO, "where it was to go")                        \
	X(list, SAME, "where it came from and was to go")        \
	X(list, BETWEEN, "on the way")                           \
	X(list, ELSEWHERE, "neither on the way nor at its ends") \
	X(list, UNKNOWN, "unreadable")

/* What the live schema says, compared with the stored snapshots. */
#define MG_SCHEMA_SAYS(X, list)                                              \
	X(list, BEFORE, "as before it")                                          \
	X(list, LOST, "as before it, but made anew, so that data is lost")       \
	X(list, AFTER, "as it was to be")                                        \
	X(list, BOTH, "as before it, which is also as it was to be")             \
	X(list, PART, "a part of what was to be")                                \
	X(list, OTHER, "neither as before it nor as it was to be")               \
	X(list, CHANGED, "not as before it, and what it was to be is not known") \
	X(list, INVALID, "with indexes that were left half-built")               \
	X(list, UNKNOWN, "not to be compared")

/* What of it is still alive. */
#define MG_SESSION_SAYS(X, list)         \
	X(list, NONE, "none")                \
	X(list, GUARD, "its guard")          \
	X(list, WORK, "what it had started") \
	X(list, STUCK, "sessions that do not end")

/*
 * The bits of a list, such as MG_DEAD_RUN, with MG_DEAD_COUNT and MG_DEAD_ANY.  In between stand their
 * numbers, from which the next one counts on.
 */
#define MG_VERDICT_BIT(list, id, text)                         \
	list##_NUMBER_##id, list##_##id = 1 << list##_NUMBER_##id, \
						list##_LAST_##id = list##_NUMBER_##id,
#define MG_VERDICT_BITS(LIST, list)              \
	enum                                         \
	{                                            \
		LIST(MG_VERDICT_BIT, list) list##_COUNT, \
		list##_ANY = (1 << list##_COUNT) - 1     \
	}
MG_VERDICT_BITS(MG_DEAD_KINDS, MG_DEAD);
MG_VERDICT_BITS(MG_LEDGER_SAYS, MG_LEDGER);
MG_VERDICT_BITS(MG_VERSION_SAYS, MG_VERSION);
MG_VERDICT_BITS(MG_SCHEMA_SAYS, MG_SCHEMA);
MG_VERDICT_BITS(MG_SESSION_SAYS, MG_SESSION);

/* One bit of each list. */
typedef struct MgFacts
{
	unsigned kind;
	unsigned ledger;
	unsigned version;
	unsigned schema;
	unsigned sessions;
} MgFacts;

typedef enum MgRemedy
{
	MG_REMEDY_NONE,		  /* nothing is to be done about it */
	MG_REMEDY_LEAVE,	  /* it is alive and waits its turn */
	MG_REMEDY_END,		  /* its sessions are ended, then it is looked at again */
	MG_REMEDY_CLOSE,	  /* its end is recorded */
	MG_REMEDY_AGAIN,	  /* likewise; "resume" then does anew what it was to do */
	MG_REMEDY_FINISH,	  /* assertions are run, then its end is recorded */
	MG_REMEDY_GO_ON,	  /* the rest is rehearsed from here, and done */
	MG_REMEDY_BRING_BACK, /* the way back is rehearsed from here, and gone */
	MG_REMEDY_REFUSE	  /* a person is needed */
} MgRemedy;

typedef struct MgVerdict
{
	const char *name; /* stable */
	unsigned kinds;
	unsigned ledger;
	unsigned version;
	unsigned schema;
	unsigned sessions;
	MgRemedy remedy;
	MgExit result;	  /* how its end is recorded */
	bool by_run;	  /* the next run may do that by itself */
	bool open;		  /* nobody may record its end yet */
	const char *says; /* one line */
	const char *todo; /* for a person, sentences; {run} and {s0} are replaced */
	const char *page; /* of the runbooks; NULL: none is needed */
} MgVerdict;

extern const MgVerdict mg_verdicts[];
extern const int mg_verdict_count;

/* The row of the table. */
extern const MgVerdict *mg_verdict_find(const MgFacts *facts);

/* Every combination has exactly one row, and every row is sound; *why names the first fault. */
extern bool mg_verdict_check(MgArena *arena, const MgVerdict *rows, int count, const char **why);

extern const char *mg_remedy_name(MgRemedy remedy);

/* Texts of the one bit that is set. */
extern const char *mg_dead_kind_text(unsigned kind);
extern const char *mg_ledger_says_text(unsigned ledger);
extern const char *mg_version_says_text(unsigned version);
extern const char *mg_schema_says_text(unsigned schema);
extern const char *mg_session_says_text(unsigned sessions);

#endif
