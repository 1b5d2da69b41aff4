/*
 * sd_ledger.h
 *	  The ledger: runs and their events, append-only, hash-chained.
 *
 * There is one chain, over safedeploy.event: each row holds the hash of the row
 * before it, and its own.  A row of safedeploy.run is tied into the chain by
 * its first event, which carries the run's hash.
 *
 * Appends are serialised by a transaction level lock that nothing else takes:
 * neither readers nor pg_dump nor autovacuum meet it.  It is the last lock that
 * an append takes, so nobody holds it while waiting for anything.
 */
#ifndef SD_LEDGER_H
#define SD_LEDGER_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

/* States of the two events that begin_run() and end_run() write. */
#define SD_LEDGER_STATE_BEGIN "begin"
#define SD_LEDGER_STATE_END	  "end"

/* Key in the detail of a run's first event: hash of the run's row, in hex. */
#define SD_LEDGER_RUN_HASH_KEY "run_hash"

/*
 * True when the run is of that role and has not ended.  Also for one that is not in the
 * ledger: a rehearsal's is in that of another database.
 */
extern bool sd_ledger_run_is_open_to(const pg_uuid_t *run_id, const char *role);

/* Writes that a lock was broken: a run of its own, and a note in the holder's run. */
extern void sd_ledger_record_break(const char *lock, const char *reason, const char *holder);

#endif
