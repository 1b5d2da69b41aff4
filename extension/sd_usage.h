/*
 * sd_usage.h
 *	  How much a relation is used, by the server's statistics.
 */
#ifndef SD_USAGE_H
#define SD_USAGE_H

#include "datatype/timestamp.h"

#include "sd_rules.h"

typedef struct SdUsage
{
	bool known;			   /* the server counts, and the counts are of the database that is meant */
	int64 reads;		   /* scans of a table and of its indexes, or of an index */
	int64 writes;		   /* rows */
	int64 inserts;		   /* of these */
	int64 rows;			   /* that the server thinks are alive; -1 when it never counted any */
	TimestampTz since;	   /* when counting began */
	TimestampTz last_read; /* 0 when not known */
	double seconds;		   /* from since to now, but never less than a minute */
	double transactions;   /* a second that may have used it: never less than did */
} SdUsage;

/* sd_usage reads what is known of a relation, its indexes and all its children; counts of nothing are 0. */
extern SdUsage sd_usage(SdAnalysis *analysis, Oid relation);

/*
 * sd_usage_limit returns what no relation of the database is used more than, in "transactions", and
 * whether use is known at all; it counts no reads or writes.  It is made once an analysis.
 */
extern const SdUsage *sd_usage_limit(SdAnalysis *analysis);

/* sd_usage_last says ", last at ...", or "" when the server does not know. */
extern const char *sd_usage_last(const SdUsage *use);

/* sd_usage_is_hot compares it with safedeploy.hot_table. */
extern bool sd_usage_is_hot(const SdUsage *use);

#endif
