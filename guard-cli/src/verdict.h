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
#define MG_DEAD_KINDS(X) \
	X(RUN, "run")        \
	X(PLAN, "plan")      \
	X(BACK, "rollback")  \
	X(RESTORE, "restore")

/* How far the ledger says that it came. */
#define MG_LEDGER_SAYS(X)                                                      \
	X(ORDER, "it ended in order")                                              \
	X(UNTOUCHED, "it had not come to the database")                            \
	X(MIGRATE, "the tool was running")                                         \
	X(MIGRATED, "the tool had ended well")                                     \
	X(FAILED, "the upgrade or its proof had failed, and was to be taken back") \
	X(VERIFIED, "the upgrade was proved")                                      \
	X(ROLLBACK, "it was being taken back")                                     \
	X(OVERTAKEN, "a later run has changed the database")                       \
	X(NONSENSE, "its events contradict each other")

/* What the tool's version table says, compared with where the run came from and was to go to. */
#define MG_VERSION_SAYS(X)                             \
	X(FROM, "where it came from")                      \
	X(TO, "where it was to go")                        \
	X(SAME, "where it came from and was to go")        \
	X(BETWEEN, "on the way")                           \
	X(ELSEWHERE, "neither on the way nor at its ends") \
	X(UNKNOWN, "unreadable")

/* What the live schema says, compared with the stored snapshots. */
#define MG_SCHEMA_SAYS(X)                                              \
	X(BEFORE, "as before it")                                          \
	X(LOST, "as before it, but made anew, so that data is lost")       \
	X(AFTER, "as it was to be")                                        \
	X(BOTH, "as before it, which is also as it was to be")             \
	X(PART, "a part of what was to be")                                \
	X(OTHER, "neither as before it nor as it was to be")               \
	X(CHANGED, "not as before it, and what it was to be is not known") \
	X(INVALID, "with indexes that were left half-built")               \
	X(UNKNOWN, "not to be compared")

/* What of it is still alive. */
#define MG_SESSION_SAYS(X)         \
	X(NONE, "none")                \
	X(GUARD, "its guard")          \
	X(WORK, "what it had started") \
	X(STUCK, "sessions that do not end")

#define X(id, text) MG_DEAD_BIT_##id,
enum
{
	MG_DEAD_KINDS(X) MG_DEAD_COUNT
};
#undef X
#define X(id, text) MG_LEDGER_BIT_##id,
enum
{
	MG_LEDGER_SAYS(X) MG_LEDGER_COUNT
};
#undef X
#define X(id, text) MG_VERSION_BIT_##id,
enum
{
	MG_VERSION_SAYS(X) MG_VERSION_COUNT
};
#undef X
#define X(id, text) MG_SCHEMA_BIT_##id,
enum
{
	MG_SCHEMA_SAYS(X) MG_SCHEMA_COUNT
};
#undef X
#define X(id, text) MG_SESSION_BIT_##id,
enum
{
	MG_SESSION_SAYS(X) MG_SESSION_COUNT
};
#undef X

#define X(id, text) MG_DEAD_##id = 1 << MG_DEAD_BIT_##id,
enum
{
	MG_DEAD_KINDS(X) MG_DEAD_ANY = (1 << MG_DEAD_COUNT) - 1
};
#undef X
#define X(id, text) MG_LEDGER_##id = 1 << MG_LEDGER_BIT_##id,
enum
{
	MG_LEDGER_SAYS(X) MG_LEDGER_ANY = (1 << MG_LEDGER_COUNT) - 1
};
#undef X
#define X(id, text) MG_VERSION_##id = 1 << MG_VERSION_BIT_##id,
enum
{
	MG_VERSION_SAYS(X) MG_VERSION_ANY = (1 << MG_VERSION_COUNT) - 1
};
#undef X
#define X(id, text) MG_SCHEMA_##id = 1 << MG_SCHEMA_BIT_##id,
enum
{
	MG_SCHEMA_SAYS(X) MG_SCHEMA_ANY = (1 << MG_SCHEMA_COUNT) - 1
};
#undef X
#define X(id, text) MG_SESSION_##id = 1 << MG_SESSION_BIT_##id,
enum
{
	MG_SESSION_SAYS(X) MG_SESSION_ANY = (1 << MG_SESSION_COUNT) - 1
};
#undef X

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
