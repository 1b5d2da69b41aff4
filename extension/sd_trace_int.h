/*
 * sd_trace_int.h
 *	  Records of a trace, and the statements that are under way.
 */
#ifndef SD_TRACE_INT_H
#define SD_TRACE_INT_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "sd_trace.h"
#include "sd_trace_catalog.h"

/* One effect, as the type safedeploy.effect has it. */
typedef struct SdTraceEffect
{
	const char *effect;
	const char *kind;
	const char *object;
	LOCKMODE mode;
	const char *detail;
} SdTraceEffect;

typedef enum SdTraceOutcome
{
	SD_TRACE_OPEN, /* its transaction has not ended */
	SD_TRACE_COMMITTED,
	SD_TRACE_ROLLED_BACK
} SdTraceOutcome;

/* What is kept of one statement, in a context of its own. */
typedef struct SdTraceRecord
{
	dlist_node node;
	MemoryContext context;
	int seq;
	int parent;	 /* seq of the statement that it ran in, or 0 */
	int nesting; /* 0 for a statement of the client */
	int transaction;
	SubTransactionId subxact;
	const char *tag;
	char *text;
	char *hash;
	bool masked; /* the text has no literals any more */
	int64 calls;
	TimestampTz start;
	int64 duration_us;
	int64 wait_us;
	int64 rows;
	int64 wal_bytes;
	int sqlstate; /* 0: it ended well */
	List *messages;
	List *losses; /* names of what it takes away, as a permit has them */
	List *effects;
	HTAB *places; /* of the effects, while it has any */
	List *gains;  /* SdGain of a statement that failed, which could not be named then */
	bool running;
	bool has_query; /* the executor may go on with it */
	SdTraceOutcome outcome;
	bool writing; /* its row is in the transaction that is under way */
	bool written;
} SdTraceRecord;

/* A relation whose catalog row changed, beside what it was when the statement began. */
typedef struct SdTraceChange
{
	Oid relation; /* hash key */
	bool was;
	SdTraceRelation old; /* when it was */
	bool rewritten;
	bool built;
	bool made;
} SdTraceChange;

/* A lock that the statement gained, whether or not it holds it in the end. */
typedef struct SdTraceLock
{
	Oid class; /* hash key, with the next */
	Oid object;
	LOCKMODE mode;
	bool asked; /* whether it is a relation that was there before: the next two */
	bool was;
	SdTraceRelation old;
} SdTraceLock;

/* An object that was dropped. */
typedef struct SdTraceDrop
{
	ObjectAddress address;
	const char *kind;
	const char *identity;
	ObjectAddress part_of; /* relation or extension that takes it along, or nothing */
	bool internal;		   /* by the server itself, which may have made it again */
	SubTransactionId subxact;
	bool undone; /* by a rollback */
} SdTraceDrop;

/* A statement that is under way; lives in the frame of the hook. */
typedef struct SdTraceFrame
{
	struct SdTraceFrame *outer;
	SdTraceRecord *record;
	MemoryContext context;
	SdBefore *before; /* NULL: it can change no relation, or nothing can be read */
	uint64 base;	  /* moment at which the statement before it ended */
	List *touched;	  /* OIDs of relations whose catalog rows changed */
	bool touched_any; /* any relation may have changed */
	List *truncated;  /* OIDs */
	HTAB *changes;	  /* SdTraceChange, or NULL */
	HTAB *locks;	  /* SdTraceLock, or NULL */
	List *drops;	  /* SdTraceDrop */
	bool type_gone;	  /* one of them is a type */
	Node *utility;	  /* NULL for a query */
	const char *query;
	instr_time started;
	uint64 wal_bytes;
	int64 waited_us;
	int settings;	 /* nest level of settings, 0 or, without one, -1 */
	int transaction; /* in which it began */
	bool repeats;	 /* one more time the same: only counted */
} SdTraceFrame;

/* ---- records: sd_trace_record.c ---- */

extern dlist_head sd_trace_records;
extern MemoryContext sd_trace_context; /* NULL until there is a record */
extern int sd_trace_undecided;		   /* records whose transaction has not ended */

/* sd_trace_make_room returns false when one more record would be too many. */
extern bool sd_trace_make_room(void);
extern SdTraceRecord *sd_trace_make_record(const char *text, int len, Node *utility, const char *tag);

/* sd_trace_forget_losses: the statement that they were told of does not begin. */
extern void sd_trace_forget_losses(void);

/* ---- statements: sd_trace.c ---- */

extern SdTraceFrame *sd_trace_top; /* the innermost that is under way */
extern int sd_trace_transaction;   /* number of the transaction in the session */
extern int sd_trace_lost;		   /* statements without a record since the last that has one */
extern int sd_trace_unnamed;	   /* records with locks that have no names yet */
extern int sd_trace_writing;	   /* records whose rows are in the transaction that is under way */

/*
 * sd_trace_begin_* open a statement; false when there is no room for a record of it.
 * "known" is the record of a query that the executor goes on with, or NULL.
 */
extern bool sd_trace_begin_utility(SdTraceFrame *frame, const PlannedStmt *pstmt, const char *query);
extern bool sd_trace_begin_query(SdTraceFrame *frame, const PlannedStmt *pstmt, const char *query,
								 SdTraceRecord *known);
/* One of these closes it; fail() is for the handler of an error. */
extern void sd_trace_end(SdTraceFrame *frame, int64 rows);
extern void sd_trace_fail(SdTraceFrame *frame);
/* Ends whatever is under way, because the session ends. */
extern void sd_trace_leave(void);

/* What is counted by now was read before the trace was switched on. */
extern void sd_trace_reset_scans(void);
extern void sd_trace_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
							 void *arg);

extern void sd_trace_add_effect(SdTraceRecord *record, const char *effect, const char *kind,
								const char *object, LOCKMODE mode, const char *detail);

/* ---- effects: sd_trace_collect.c ---- */

/* sd_trace_collect notes what the statement did up to now, while it can be seen. */
extern void sd_trace_collect(SdTraceFrame *frame);
/* sd_trace_conclude adds to the record what the statement did, when it has ended. */
extern void sd_trace_conclude(SdTraceFrame *frame);
/* sd_trace_hand_over gives what an inner statement did to the one around it. */
extern void sd_trace_hand_over(const SdTraceFrame *inner, SdTraceFrame *outer);
/* sd_trace_collect_failed is for the handler of an error, where no catalog can be read. */
extern void sd_trace_collect_failed(SdTraceFrame *frame);
/* sd_trace_name_gains names what a failed statement locked. */
extern void sd_trace_name_gains(SdTraceRecord *record);
/* sd_trace_end_subxact takes back drops that were rolled back, or gives them to the parent. */
extern void sd_trace_end_subxact(SubTransactionId mine, SubTransactionId parent, bool committed);
/* Notes of hooks about the innermost statement. */
extern void sd_trace_note_drop(Oid class, Oid object, int part, int flags);
extern void sd_trace_note_truncate(Oid relation);
extern void sd_trace_note_change(Oid relation);

/* ---- rows of run_statement: sd_trace_store.c ---- */

extern void sd_trace_store(void);
extern void sd_trace_store_at_exit(int code, Datum arg);

#endif
