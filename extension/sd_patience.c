/*
 * sd_patience.c
 *	  How long statements with CONCURRENTLY wait for locks.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "storage/proc.h"

#include "sd_compat.h"
#include "sd_guc.h"
#include "sd_patience.h"
#include "sd_tree.h"

static bool
detaches_concurrently(AlterTableStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DetachPartition &&
			SD_PARTITION_CMD_CONCURRENT(castNode(PartitionCmd, cmd->def)))
			return true;
	}
	return false;
}

bool
sd_patience_wanted(const PlannedStmt *pstmt)
{
	Node *stmt = pstmt->utilityStmt;

	if (sd_guc_concurrently_lock_timeout < 0)
		return false;
	switch (nodeTag(stmt))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, stmt)->concurrent;
		case T_ReindexStmt:
			return SD_REINDEX_CONCURRENT(castNode(ReindexStmt, stmt));
		case T_DropStmt:
			return castNode(DropStmt, stmt)->concurrent;
		case T_AlterTableStmt:
			return detaches_concurrently(castNode(AlterTableStmt, stmt));
		default:
			/* REFRESH ... CONCURRENTLY is none of them: it holds up whoever writes */
			return false;
	}
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
