/*
 * sd_context_server.c
 *	  Facts of the running server: who works with a table now, how long the oldest
 *	  transaction lasts, and who follows this server.
 *
 * Shared memory is read as the views of the server read it, and what these show to
 * members of pg_read_all_stats only is shown to nobody else here.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/slot.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "sd_compat.h"
#include "sd_context.h"
#include "sd_guc.h"

/* Sessions that are named one by one; more are counted. */
#define MAX_SESSIONS 10

/* may_see tells whether the caller may see what another role's sessions do. */
static bool
may_see(Oid role)
{
	return has_privs_of_role(GetUserId(), SD_ROLE_READ_ALL_STATS) ||
		   (OidIsValid(role) && has_privs_of_role(GetUserId(), role));
}

/* status_of finds what a process says of itself, or NULL. */
static PgBackendStatus *
status_of(int pid)
{
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = sd_local_status(i);

		if (local != NULL && local->backendStatus.st_procpid == pid)
			return &local->backendStatus;
	}
	return NULL;
}

/* seconds_of returns how long the transaction of a session lasts; -1 when that is not known. */
static double
seconds_of(const PgBackendStatus *status)
{
	if (status == NULL || !may_see(status->st_userid) || status->st_xact_start_timestamp == 0)
		return -1;
	return Max((GetCurrentTimestamp() - status->st_xact_start_timestamp) / 1000000.0, 0);
}

/* add_session describes a session that holds a lock, and returns how long its transaction lasts. */
static double
add_session(SdFacts *facts, int pid, bool named)
{
	PgBackendStatus *status = pid == 0 ? NULL : status_of(pid);
	double seconds = seconds_of(status);

	if (!named)
		return seconds;
	sd_fact_open(facts, NULL, '{');
	if (pid == 0)
		sd_fact_null(facts, "pid"); /* a prepared transaction has no process */
	else
		sd_fact_count(facts, "pid", pid);
	if (seconds < 0)
		sd_fact_null(facts, "seconds");
	else
		sd_fact_number(facts, "seconds", seconds);
	sd_fact_close(facts, '}');
	return seconds;
}

/* sd_fact_sessions tells which transactions have a lock on the table, and so are waited for. */
void
sd_fact_sessions(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	VirtualTransactionId *holders;
	double oldest = 0;
	int unseen = 0;
	LOCKTAG tag;
	int count;

	if (sd_guc_sizes_unknown)
	{
		sd_fact_null(facts, "sessions");
		return;
	}
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, context->relation);
	holders = GetLockConflicts(&tag, AccessExclusiveLock, &count);
	sd_fact_open(facts, "sessions", '[');
	for (int i = 0; i < count; i++)
	{
		PGPROC *proc = sd_proc_of(holders[i]);
		double seconds = add_session(facts, proc == NULL ? 0 : proc->pid, i < MAX_SESSIONS);

		unseen += seconds < 0;
		oldest = Max(oldest, seconds);
	}
	sd_fact_close(facts, ']');
	sd_fact_count(facts, "session_count", count);
	if (unseen > 0)
		sd_fact_unknown(facts, "sessions",
						"how long some of them last is shown to members of pg_read_all_stats only");
	if (count > 0)
		sd_fact_phrase(facts, "locked by %d transaction%s now%s", count, count == 1 ? "" : "s",
					   unseen == count ? "" :
										 psprintf(" (%s%s)", count == 1 ? "for " : "the oldest for ",
												  sd_fact_span(oldest)));
}

/* sd_fact_oldest, of no table, tells how long the oldest transaction of the database lasts. */
void
sd_fact_oldest(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	TimestampTz oldest = 0;
	bool unseen = false;

	if (sd_guc_sizes_unknown)
	{
		sd_fact_null(facts, "oldest_transaction_seconds");
		return;
	}
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		LocalPgBackendStatus *local = sd_local_status(i);
		const PgBackendStatus *status = local == NULL ? NULL : &local->backendStatus;

		if (status == NULL || status->st_procpid == MyProcPid ||
			status->st_databaseid != MyDatabaseId || status->st_xact_start_timestamp == 0)
			continue;
		if (!may_see(status->st_userid))
			unseen = true;
		else if (oldest == 0 || status->st_xact_start_timestamp < oldest)
			oldest = status->st_xact_start_timestamp;
	}
	/* one that may not be seen can be older */
	if (unseen)
	{
		sd_fact_null(facts, "oldest_transaction_seconds");
		sd_fact_unknown(facts, "oldest_transaction_seconds",
						"other roles' transactions are shown to members of pg_read_all_stats only");
	}
	else if (oldest == 0)
		sd_fact_count(facts, "oldest_transaction_seconds", 0);
	else
		sd_fact_number(facts, "oldest_transaction_seconds",
					   (GetCurrentTimestamp() - oldest) / 1000000.0);
}

static const char *
state_of(WalSndState state)
{
	static const char *const names[] = { [WALSNDSTATE_STARTUP] = "startup",
										 [WALSNDSTATE_BACKUP] = "backup",
										 [WALSNDSTATE_CATCHUP] = "catchup",
										 [WALSNDSTATE_STREAMING] = "streaming",
										 [WALSNDSTATE_STOPPING] = "stopping" };

	return state < lengthof(names) ? names[state] : "unknown";
}

/* add_sender describes one process that sends WAL, and returns whether it is there. */
static bool
add_sender(SdFacts *facts, int i, bool visible)
{
	WalSnd *sender = &WalSndCtl->walsnds[i];
	PgBackendStatus *status;
	WalSndState state;
	TimeOffset lag;
	int pid;

	SpinLockAcquire(&sender->mutex);
	pid = sender->pid;
	state = sender->state;
	lag = sender->applyLag;
	SpinLockRelease(&sender->mutex);
	if (pid == 0)
		return false;
	if (!visible)
		return true;
	status = status_of(pid);
	sd_fact_open(facts, NULL, '{');
	if (status == NULL)
		sd_fact_null(facts, "name");
	else
		sd_fact_text(facts, "name", status->st_appname);
	sd_fact_text(facts, "state", state_of(state));
	if (lag < 0)
		sd_fact_null(facts, "replay_lag_seconds");
	else
		sd_fact_number(facts, "replay_lag_seconds", lag / 1000000.0);
	sd_fact_close(facts, '}');
	return true;
}

/* add_senders lists who is sent WAL now, and returns how many these are. */
static int
add_senders(SdFacts *facts)
{
	bool visible = may_see(InvalidOid);
	int count = 0;

	if (visible)
		sd_fact_open(facts, "senders", '[');
	for (int i = 0; i < max_wal_senders; i++)
		count += add_sender(facts, i, visible);
	if (visible)
		sd_fact_close(facts, ']');
	else
	{
		sd_fact_null(facts, "senders");
		if (count > 0)
			sd_fact_unknown(facts, "replicas",
							"who follows, and how far behind, is shown to members of "
							"pg_read_all_stats only");
	}
	sd_fact_count(facts, "sender_count", count);
	return count;
}

/* add_slots lists the slots that other servers have here, and returns how many are logical ones of this database. */
static int
add_slots(SdFacts *facts)
{
	XLogRecPtr now = RecoveryInProgress() ? InvalidXLogRecPtr : GetXLogWriteRecPtr();
	int logical = 0;

	sd_fact_open(facts, "slots", '[');
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		ReplicationSlotPersistentData data;
		bool active;

		if (!slot->in_use)
			continue;
		SpinLockAcquire(&slot->mutex);
		data = slot->data;
		active = slot->active_pid != 0;
		SpinLockRelease(&slot->mutex);
		/* logical slots of other databases read nothing of this one */
		if (data.database != InvalidOid && data.database != MyDatabaseId)
			continue;
		logical += data.database != InvalidOid;
		sd_fact_open(facts, NULL, '{');
		sd_fact_text(facts, "name", NameStr(data.name));
		sd_fact_text(facts, "kind", data.database != InvalidOid ? "logical" : "physical");
		sd_fact_bool(facts, "active", active);
		if (now == InvalidXLogRecPtr || data.restart_lsn == InvalidXLogRecPtr)
			sd_fact_null(facts, "behind_bytes");
		else
			sd_fact_count(facts, "behind_bytes", now - Min(now, data.restart_lsn));
		sd_fact_close(facts, '}');
	}
	LWLockRelease(ReplicationSlotControlLock);
	sd_fact_close(facts, ']');
	return logical;
}

/* sd_fact_replicas tells who follows this server: strong locks are taken there too. */
void
sd_fact_replicas(SdAnalysis *analysis, SdContext *context, SdFacts *facts)
{
	int senders;
	int logical;

	if (sd_guc_sizes_unknown)
	{
		sd_fact_null(facts, "replicas");
		return;
	}
	sd_fact_open(facts, "replicas", '{');
	senders = add_senders(facts);
	logical = add_slots(facts);
	sd_fact_close(facts, '}');
	if (senders > 0)
		sd_fact_phrase(facts, "%d follower%s", senders, senders == 1 ? "" : "s");
	if (logical > 0)
		sd_fact_phrase(facts, "%d logical slot%s", logical, logical == 1 ? "" : "s");
}
