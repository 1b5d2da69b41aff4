/*
 * sd_trace_locks.h
 *	  Locks that this session holds and full reads that it made, with the moment at
 *	  which each was first seen.
 *
 * The server tells nobody when a lock is taken, so a trace looks around at each
 * border between statements and notes what is new.  A moment is a number that
 * only grows; what a statement gained is what was first seen after the moment at
 * which the statement before it ended, which counts the locks of its parse
 * analysis in.
 */
#ifndef SD_TRACE_LOCKS_H
#define SD_TRACE_LOCKS_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* A relation or type on which a statement gained a lock. */
typedef struct SdGain
{
	Oid class; /* RelationRelationId or TypeRelationId */
	Oid object;
	LOCKMODE mode; /* strongest mode that is new */
} SdGain;

/* sd_trace_look looks around and returns the moment. */
extern uint64 sd_trace_look(void);

/* sd_trace_look_in_error looks around without ever waiting; false when that was not possible. */
extern bool sd_trace_look_in_error(void);

/* sd_trace_gains lists the SdGains since a moment that are stronger than what was held then. */
extern List *sd_trace_gains(uint64 since);

/* sd_trace_scans lists the OIDs of relations and indexes that were read since a moment. */
extern List *sd_trace_scans(uint64 since);

/* sd_trace_forget_scan: a read of a relation that was empty for sure. */
extern void sd_trace_forget_scan(Oid relation);

/* sd_trace_held lists the OIDs of all relations of users that are locked. */
extern List *sd_trace_held(void);

/* What is counted already when a trace is switched on belongs to nobody; needs a transaction. */
extern void sd_trace_forget_scans(void);

/*
 * To be called when a transaction has ended: its locks are gone.  "goes_on" says that
 * a statement is under way, so that the server does not send its numbers away yet.
 */
extern void sd_trace_forget_locks(bool goes_on);

#endif
