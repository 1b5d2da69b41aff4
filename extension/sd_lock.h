/*
 * sd_lock.h
 *	  The deploy lock: a session level advisory lock with a fencing token.
 *
 * The lock lies in a key space of its own (the fourth field of the lock tag,
 * "objsubid" in pg_locks), out of reach of pg_advisory_lock(), so that no other
 * user of the database can take or squat it.
 *
 * Two tags belong to each name:
 *	 the deploy tag, held in exclusive mode by the session of the holder;
 *	 the fence tag, taken in exclusive mode by the transaction that issues a new
 *	 token and in share mode by a fenced transaction that commits.  So a token
 *	 cannot be issued between a fence's check and the commit that it allowed.
 * Both are only ever taken without waiting.
 */
#ifndef SD_LOCK_H
#define SD_LOCK_H

#include "datatype/timestamp.h"
#include "storage/lock.h"

#include "sd_table.h"

typedef enum SdLockSpace
{
	SD_LOCK_DEPLOY = 0x5344,
	SD_LOCK_FENCE = 0x5345,
	SD_LOCK_PERMIT = 0x5346
} SdLockSpace;

extern void sd_lock_tag(LOCKTAG *tag, const char *name, SdLockSpace space);

/* The row of safedeploy.lock with this name or this token, or NULL; rel is open. */
extern SdRow *sd_lock_row_by_name(Relation rel, const char *name, ItemPointer tid);
extern SdRow *sd_lock_row_by_token(Relation rel, int64 token);

/* True between a try_lock() that got the lock and the end of its transaction. */
extern bool sd_lock_is_pending(void);

/* At the end of a transaction: keeps what it locked, or releases it again. */
extern void sd_lock_at_commit(void);
extern void sd_lock_at_abort(void);

#endif
