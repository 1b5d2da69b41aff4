/*
 * sd_sqlstates.h
 *	  The SQLSTATEs of class SD as strings, for the server module and the CLI.
 */
#ifndef SD_SQLSTATES_H
#define SD_SQLSTATES_H

#define SD_SQLSTATE_LOCK_HELD_BY_SESSION "SD001" /* try_lock: this very session holds it */
#define SD_SQLSTATE_LOCK_NOT_HELD		 "SD201" /* unlock: this session does not hold it */
#define SD_SQLSTATE_STALE_TOKEN			 "SD202" /* a newer fencing token has been issued */
#define SD_SQLSTATE_APPEND_ONLY			 "SD101" /* the ledger takes no update or delete */
#define SD_SQLSTATE_NO_PERMIT			 "SD102" /* a destructive statement that no permit names */
#define SD_SQLSTATE_NO_SUCH_RUN			 "SD210" /* run id is not in the ledger */
#define SD_SQLSTATE_RUN_ENDED			 "SD211" /* run has ended, no more events */
#define SD_SQLSTATE_NO_SUCH_SNAPSHOT	 "SD220" /* snapshot id is not there */
#define SD_SQLSTATE_SNAPSHOT_INCOMPLETE	 "SD221" /* imported in part, or torn */
#define SD_SQLSTATE_SNAPSHOT_VERSION	 "SD222" /* taken on another major version */

#endif
