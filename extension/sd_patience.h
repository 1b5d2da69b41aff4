/*
 * sd_patience.h
 *	  How long statements with CONCURRENTLY wait for locks.
 *
 * They wait for every transaction that may still see the old state, each of which
 * may take its time, and hold up nobody meanwhile.  A lock_timeout that is right
 * for other statements ends them half-way, with an invalid index left behind.
 */
#ifndef SD_PATIENCE_H
#define SD_PATIENCE_H

#include "nodes/plannodes.h"

/* The statement has a limit of its own, which is set. */
extern bool sd_patience_wanted(const PlannedStmt *pstmt);

/* sd_patience_begin sets it and returns the one before, for sd_patience_end. */
extern int sd_patience_begin(void);
extern void sd_patience_end(int lock_timeout);

#endif
