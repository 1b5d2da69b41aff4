/*
 * sd_session.h
 *	  Who is connected and how: what lock and ledger write about a session.
 */
#ifndef SD_SESSION_H
#define SD_SESSION_H

#include "sd_table.h"

/*
 * sd_session_user returns the role that the session belongs to.  Inside a
 * SECURITY DEFINER function the current user is the extension's owner, which is
 * of no interest to anybody who reads the record.
 */
extern char *sd_session_user(void);

/*
 * sd_session_may_record tells whether the role that the session belongs to may write
 * to the ledger by record_event(), as deployers may.
 */
extern bool sd_session_may_record(void);

/* sd_session_set_client_addr stores the client's address, NULL for a local one. */
extern void sd_session_set_client_addr(SdRow *row, const char *column);

/*
 * sd_session_require_autocommit refuses to go on inside a transaction block,
 * where "why" is the detail of the error, and where nothing may be written: the
 * heap would take rows in a read-only transaction without a word.
 */
extern void sd_session_require_autocommit(const char *function, const char *why);

#endif
