/*
 * sd_patience.c
 *	  How long statements with CONCURRENTLY wait for locks.
 */
#include "postgres.h"

#include "storage/proc.h"

#include "sd_guc.h"
#include "sd_patience.h"
#include "sd_tree.h"

bool
sd_patience_wanted(const PlannedStmt *pstmt)
{
	return sd_guc_concurrently_lock_timeout >= 0 && sd_is_concurrent(pstmt->utilityStmt);
}

/*
 * The variable behind the setting is changed, not the setting: these statements
 * are several transactions, and what a transaction sets ends with it.
 */
int
sd_patience_begin(void)
{
	int kept = LockTimeout;

	LockTimeout = sd_guc_concurrently_lock_timeout;
	return kept;
}

void
sd_patience_end(int lock_timeout)
{
	LockTimeout = lock_timeout;
}
