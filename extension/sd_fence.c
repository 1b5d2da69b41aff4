/*
 * sd_fence.c
 *	  The fence: a session whose fencing token is stale changes nothing.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "sd_compat.h"
#include "sd_compat_catalog.h"
#include "sd_errors.h"
#include "sd_failpoint.h"
#include "sd_fence.h"
#include "sd_lock.h"
#include "sd_session.h"

PG_FUNCTION_INFO_V1(safedeploy_check_fence);

/*
 * lock_is_held tells whether any session holds the lock, from the one entry of
 * the lock table that matters.  When nobody does, the share lock is there for a
 * moment, and a try_lock() in that moment has to be repeated, as try_lock()
 * always may.
 */
static bool
lock_is_held(const char *name)
{
	LOCKTAG tag;

	sd_lock_tag(&tag, name, SD_LOCK_DEPLOY);
	if (sd_lock_held_by_me(&tag, ExclusiveLock))
		return true;
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

/* lock_of_token returns the name of the lock whose newest token this is, or NULL. */
static char *
lock_of_token(Relation rel, int64 token)
{
	SdRow *row = sd_lock_row_by_token(rel, token);

	return row == NULL ? NULL : sd_row_get_text(row, "name");
}

bool
sd_fence_token_is_current(int64 token)
{
	Relation rel = sd_table_open("lock", AccessShareLock);
	char *name = lock_of_token(rel, token);
	bool current = name != NULL && lock_is_held(name);

	table_close(rel, AccessShareLock);
	return current;
}

/*
 * token_is_current_until_commit also shuts the fence tag until the end of the
 * transaction.  When it is taken, a newer token is being issued right now.
 */
static bool
token_is_current_until_commit(Relation rel, int64 token)
{
	char *name = lock_of_token(rel, token);
	LOCKTAG tag;

	if (name == NULL)
		return false;
	sd_lock_tag(&tag, name, SD_LOCK_FENCE);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	if (lock_of_token(rel, token) == NULL || !lock_is_held(name))
		return false;
	SD_FAILPOINT("fence.held");
	return true;
}

/* session_token reads the setting; false when it is no number. */
static bool
session_token(int64 *token)
{
	char *end;

	errno = 0;
	*token = strtoll(sd_guc_fence_token, &end, 10);
	return errno == 0 && end != sd_guc_fence_token && *end == '\0';
}

bool
sd_fence_session_is_current(void)
{
	int64 token;

	return sd_guc_fence_token != NULL && session_token(&token) && sd_fence_token_is_current(token);
}

bool
sd_fence_session_is_holders(void)
{
	Relation rel;
	SdRow *row;
	int64 token;
	bool holders;

	if (sd_guc_fence_token == NULL || !session_token(&token))
		return false;
	rel = sd_table_open("lock", AccessShareLock);
	row = sd_lock_row_by_token(rel, token);
	holders = row != NULL && strcmp(sd_row_get_text(row, "holder_user"), sd_session_user()) == 0 &&
			  lock_is_held(sd_row_get_text(row, "name"));
	table_close(rel, AccessShareLock);
	return holders;
}

static void
refuse(const char *what)
{
	ereport(sd_guc_fence == SD_ENFORCE_WARN ? WARNING : ERROR,
			(errcode(ERRCODE_SD_STALE_TOKEN),
			 errmsg("%s refused: fencing token \"%s\" of this session is stale", what,
					sd_guc_fence_token),
			 errdetail("Its deploy lock has been lost, released or taken by a newer deploy."),
			 errhint("Stop this deploy and start a new one; see safedeploy.lock_holders and "
					 "safedeploy.unfinished_runs.")));
}

void
sd_fence_require(const char *what)
{
	int64 token;

	if (!sd_fence_is_armed())
		return;
	if (!session_token(&token) || !sd_fence_token_is_current(token))
		refuse(what);
}

/* The same, and no newer token is issued before the transaction has ended. */
static void
require_until_commit(const char *what)
{
	Relation rel = sd_table_open("lock", AccessShareLock);
	int64 token;
	bool current = session_token(&token) && token_is_current_until_commit(rel, token);

	table_close(rel, AccessShareLock);
	if (!current)
		refuse(what);
}

void
sd_fence_check_utility(Node *parsetree)
{
	LogStmtLevel level;
	bool prepared = false;
	const char *what;

	/* In an aborted transaction nothing can be read, and only ROLLBACK does anything. */
	if (!sd_fence_is_armed() || !IsTransactionState() || IsAbortedTransactionBlockState())
		return;
	level = GetCommandLogLevel(parsetree);
	if (IsA(parsetree, TransactionStmt))
	{
		/* What a stale session has prepared stays prepared: a person decides. */
		prepared = castNode(TransactionStmt, parsetree)->kind == TRANS_STMT_COMMIT_PREPARED;
		if (!prepared)
			return;
	}
	else if (level != LOGSTMT_DDL && level != LOGSTMT_MOD)
		return;
	/* Databases without the extension issue no tokens and have nothing to compare with. */
	if (!OidIsValid(sd_table_oid("lock")))
		return;
	what = GetCommandTagName(CreateCommandTag(parsetree));
	/* A prepared transaction is committed by one that writes nothing, and so has no check at its end. */
	if (prepared)
		require_until_commit(what);
	else
		sd_fence_require(what);
}

void
sd_fence_check_function(Oid function)
{
	/* What it sets stays set, whatever becomes of the transaction. */
	if ((function == F_SETVAL_REGCLASS_INT8 || function == F_SETVAL_REGCLASS_INT8_BOOL) &&
		IsTransactionState() && OidIsValid(sd_table_oid("lock")))
		sd_fence_require("setval()");
}

/*
 * check_end checks before a commit or a prepare.  A commit holds newer tokens
 * off until it is done; a prepared transaction must not, for it may never end.
 */
static void
check_end(const char *what, bool prepare)
{
	Relation rel;
	int64 token;
	bool current;

	/* A transaction without an id wrote nothing; try_lock() is how a new token is got. */
	if (!sd_fence_is_armed() || !TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		sd_lock_is_pending())
		return;
	SD_FAILPOINT("fence.commit");
	rel = sd_table_open_if_exists("lock", AccessShareLock);
	if (rel == NULL)
		return;
	current = session_token(&token) && (prepare ? sd_fence_token_is_current(token) :
												  token_is_current_until_commit(rel, token));
	table_close(rel, AccessShareLock);
	if (!current)
		refuse(what);
}

void
sd_fence_at_pre_commit(void)
{
	check_end("COMMIT", false);
}

void
sd_fence_at_pre_prepare(void)
{
	check_end("PREPARE TRANSACTION", true);
}

/* check_fence(token bigint) returns boolean */
Datum
safedeploy_check_fence(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sd_fence_token_is_current(PG_GETARG_INT64(0)));
}
