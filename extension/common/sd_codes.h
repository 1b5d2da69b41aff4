/*
 * sd_codes.h
 *	  States of a run, status of an event, results and exit codes: one list each,
 *	  compiled into the server module and into the CLI, printed into the docs.
 */
#ifndef SD_CODES_H
#define SD_CODES_H

/* name, what is done */
#define SD_RUN_STATES(X)                                                                        \
	X(PREFLIGHT, "preflight", "check everything that can be checked without changing anything") \
	X(LOCK, "lock", "take the deploy lock and a fencing token, then read all state again")      \
	X(CAPTURE, "capture", "snapshot the schema, the tool's revision and the environment")       \
	X(REHEARSE, "rehearse", "run up, down and up again on a clone and compare")                 \
	X(BACKUP, "backup", "back up by policy and verify the backup by reading it back")           \
	X(MIGRATE, "migrate", "run the tool on the real database")                                  \
	X(VERIFY, "verify", "prove that the schema is the rehearsed one and run assertions")        \
	X(WATCH, "watch", "watch health for a while")                                               \
	X(DONE, "done", "record the result and release the lock")                                   \
	X(ROLLBACK, "rollback", "bring the schema back and prove it")

/* name; what it means in an event */
#define SD_EVENT_STATUSES(X)                                          \
	X(BEGIN, "begin", "the state is entered; written before it acts") \
	X(OK, "ok", "the state ended well")                               \
	X(FAILED, "failed", "the state failed")                           \
	X(SKIPPED, "skipped", "the state was left out by policy")         \
	X(NOTE, "note", "something worth keeping happened")

/* result in the ledger, exit code, text */
#define SD_RESULTS(X)                                                                            \
	X(DONE, "done", 0, "done")                                                                   \
	X(NOTHING, "nothing_to_do", 3, "nothing to do")                                              \
	X(REFUSED_PREFLIGHT, "refused_preflight", 10, "refused by preflight, nothing changed")       \
	X(REFUSED_LOCK, "refused_lock", 11, "lock not obtained, nothing changed")                    \
	X(REFUSED_REHEARSAL, "refused_rehearsal", 12, "refused by rehearsal, nothing changed")       \
	X(REFUSED_FINDINGS, "refused_findings", 13, "findings at or above the threshold")            \
	X(FAILED_UNCHANGED, "failed_unchanged", 20, "failed, nothing changed, proved")               \
	X(ROLLED_BACK, "rolled_back", 21, "failed, rolled back, proved equal")                       \
	X(ROLLED_BACK_UNPROVED, "rolled_back_unproved", 22, "failed, rolled back, NOT proved equal") \
	X(ROLLBACK_FAILED, "rollback_failed", 23, "rollback failed: a person is needed")             \
	X(INTERRUPTED, "interrupted", 24, "interrupted or inconclusive: a person is needed")         \
	X(DRIFT, "drift", 30, "the database is not what the ledger says")

/* exit codes of the CLI that are not results of a run */
#define SD_EXIT_CODES(X)                                  \
	X(USAGE, 64, "wrong usage of the command line")       \
	X(CONFIG, 65, "configuration or input is wrong")      \
	X(UNAVAILABLE, 69, "server or tool is not available") \
	X(INTERNAL, 70, "internal error, or out of memory")

#endif
