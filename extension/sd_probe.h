/*
 * sd_probe.h
 *	  Bounded, read-only questions to the rows of tables: will they let a statement
 *	  through?
 *
 * A statement that demands something of rows that are there already (NOT NULL,
 * keys, conditions, another type, bounds) is turned into queries that count
 * the rows that break it.  Probes run when probe() is called, and in analyze()
 * when safedeploy.probe is on.  An answer is given only when it is true of the
 * rows that the statement will meet: what the script does before it counts.
 */
#ifndef SD_PROBE_H
#define SD_PROBE_H

#include "sd_rules.h"

typedef enum SdProbeKind
{
	SD_PROBE_NOT_NULL,
	SD_PROBE_EMPTY,
	SD_PROBE_UNIQUE,
	SD_PROBE_EXCLUDE,
	SD_PROBE_CHECK,
	SD_PROBE_FOREIGN_KEY,
	SD_PROBE_TYPE,
	SD_PROBE_BOUNDS,
	SD_PROBE_DEFAULT_PARTITION,
	SD_PROBE_KIND_COUNT
} SdProbeKind;

typedef enum SdVerdict
{
	SD_VERDICT_UNKNOWN,
	SD_VERDICT_HOLDS,
	SD_VERDICT_FAILS
} SdVerdict;

/* What keeps an answer from being about all rows. */
typedef enum SdProbeBound
{
	SD_BOUND_NONE,
	SD_BOUND_ROWS,
	SD_BOUND_TIME
} SdProbeBound;

/* One question and its answer. */
typedef struct SdProbe
{
	SdProbeKind kind;
	Oid table;			/* that the statement names; of the catalog */
	const char *object; /* as a finding names it */
	int location;		/* in the statement, -1 for its start */
	const char *other;	/* table that is referred to, for sentences */
	const char *inside; /* column, NULL for the table; quoted */

	SdVerdict verdict;
	bool asked;			 /* rows were looked at */
	int64 checked;		 /* rows; -1 when an index told */
	int64 total;		 /* estimate; -1 when not known */
	int64 bad;			 /* rows */
	int64 groups;		 /* values that repeat */
	bool complete;		 /* bad is the number of all */
	SdProbeBound bound;	 /* that cut it */
	int sqlstate;		 /* of rows that cannot be evaluated, 0 for none */
	const char *example; /* key of a bad row, or NULL */
	const char *caveat;	 /* why it is not known when the rows would do, or NULL */
	const char *reason;	 /* why it is not known, a sentence without its end, or NULL */
	double elapsed;		 /* milliseconds */
	bool attached;		 /* to a finding */
} SdProbe;

typedef struct SdProbes SdProbes;

/* sd_probes_create begins; "only" says that probes are the result, and findings are not. */
extern SdProbes *sd_probes_create(SdAnalysis *analysis, bool only);

extern bool sd_probes_only(const SdProbes *probes);

/* sd_probe_statement asks what a statement demands, before the scope knows what it does. */
extern void sd_probe_statement(SdProbes *probes, Node *statement);

/* sd_probes_forget forgets the statement's probes, which live as long as its parse tree. */
extern void sd_probes_forget(SdProbes *probes);

/* sd_probe_follow follows what a statement does to rows, after it was judged. */
extern void sd_probe_follow(SdProbes *probes, Node *statement);

/* sd_probe_follow_opaque says that a piece of the script was not understood. */
extern void sd_probe_follow_opaque(SdProbes *probes);

/*
 * sd_probe_of_finding returns what the statement's probes say about a finding,
 * as jsonb; false when there is no such.
 */
extern bool sd_probe_of_finding(SdAnalysis *analysis, const SdFinding *finding, Datum *jsonb);

/* sd_probe_answered tells whether a probe of the statement knows what statistics could only guess. */
extern bool sd_probe_answered(SdAnalysis *analysis, SdProbeKind kind, Oid table);

#endif
