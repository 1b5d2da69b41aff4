/*
 * sd_snapshot_walk.c
 *	  One consistent walk over the catalogs: settings, attempts, order.
 *
 * The catalogs are read with one snapshot, but names and texts of views come
 * through the system caches, which follow the newest state.  So the walk counts
 * the invalidation messages that arrive meanwhile: none means that both saw the
 * same schema.  Messages also come for things that are no schema (statistics,
 * temporary tables), so there is a second proof: the next attempt reads the very
 * same versions of all rows.  Then nothing changed between the two snapshots,
 * and the first attempt, which ran between them, is good; so is the second when
 * its result is the same.  The same result alone proves nothing, because a schema
 * that changes to and fro is torn in the same way twice.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "storage/sinval.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "sd_failpoint.h"
#include "sd_progress.h"
#include "sd_snapshot_reuse.h"

#define SD_WALK_ATTEMPTS 8

/* Of a context that is reset for each object: the first block, which a reset keeps, mostly does. */
#define KEPT_SIZES 64 * 1024, 64 * 1024, ALLOCSET_DEFAULT_MAXSIZE

/*
 * Settings that change what a deparser or an output function prints, and the
 * longest wait for a lock of any kind: tables are only locked conditionally, but
 * a catalog may be locked too.
 */
static const struct
{
	const char *name;
	const char *value;
} pinned_settings[] = {
	{ "search_path", "pg_catalog, pg_temp" },
	{ "TimeZone", "UTC" },
	{ "DateStyle", "ISO, YMD" },
	{ "IntervalStyle", "postgres" },
	{ "bytea_output", "hex" },
	{ "extra_float_digits", "3" },
	{ "quote_all_identifiers", "off" },
	{ "standard_conforming_strings", "on" },
	{ "lc_monetary", "C" },
	{ "xmlbinary", "base64" },
	{ "xmloption", "content" },
};

static int
pin_settings(void)
{
	int level = NewGUCNestLevel();
	const char *timeout = GetConfigOption("lock_timeout", false, false);

	for (int i = 0; i < lengthof(pinned_settings); i++)
		(void) set_config_option(pinned_settings[i].name, pinned_settings[i].value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (strcmp(timeout, "0") == 0)
		(void) set_config_option("lock_timeout", "5s", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	return level;
}

HTAB *
sd_hash(SdSnap *snap, const char *name, Size keysize, Size entrysize)
{
	HASHCTL ctl = { .keysize = keysize, .entrysize = entrysize, .hcxt = snap->cxt };

	return hash_create(name, 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static SdDoc *
begin_document(SdSnap *snap, const char *kind, const char *identity)
{
	SdDoc *doc;

	CHECK_FOR_INTERRUPTS();
	if (snap->unread != NULL)
		elog(ERROR, "an unread object has no document: %s", snap->unread->reason);
	MemoryContextSwitchTo(snap->doc_cxt);
	doc = palloc0(sizeof(SdDoc));
	doc->kind = kind;
	doc->identity = identity;
	if (snap->sink != NULL && snap->sink->want_phys)
		doc->phys = sd_node_map();
	return doc;
}

SdDoc *
sd_doc_begin(SdSnap *snap, const char *kind, const char *identity)
{
	SdDoc *doc = begin_document(snap, kind, identity);

	(void) sd_doc_map(doc, SD_FACET_CORE);
	return doc;
}

/* Of what surrounds the schema: it has that one facet, so no fingerprint of the schema sees it. */
SdDoc *
sd_doc_begin_environment(SdSnap *snap, const char *kind, const char *identity)
{
	SdDoc *doc = begin_document(snap, kind, identity);

	(void) sd_doc_map(doc, SD_FACET_ENVIRONMENT);
	return doc;
}

void
sd_doc_emit(SdSnap *snap, SdDoc *doc)
{
	SdObjectHash *entry;
	SdUnread *unread = NULL;

	sd_take_unread(snap, &unread);
	if (unread != NULL || doc->unread != NULL)
		sd_doc_unread(snap, doc, doc->unread ? doc->unread : unread);
	sd_progress("objects", snap->entries->count, 0);
	entry = sd_entries_add(snap->entries);
	entry->kind = doc->kind; /* a literal */
	entry->key = snap->subject;
	entry->identity = MemoryContextStrdup(snap->entries_cxt, doc->identity);
	sd_doc_hash(doc, snap->sha, &snap->scratch, &entry->hashes);
	if (snap->sink != NULL && snap->sink->emit != NULL)
		snap->sink->emit(snap->sink, doc, &entry->hashes);
	MemoryContextReset(snap->doc_cxt);
	sd_nodes_reset();
	MemoryContextSwitchTo(snap->cxt);
	if (snap->subset != NULL && !sd_subset_has(snap->subset, entry->key.classid, entry->key.oid))
		snap->subset->failed = true;
	sd_subject(snap, InvalidOid, InvalidOid);
}

/* Passes over the catalogs in an order in which each finds what it needs. */
static void
read_all(SdSnap *snap)
{
	SdSink *sink = snap->sink;

	sd_deparse_init(snap);
	sd_detach_init(snap);
	if (snap->schemas == NULL)
		sd_load_schemas(snap);
	sd_load_members(snap);
	sd_load_privileges(snap);
	sd_load_relations(snap);
	sd_load_indexes(snap);
	sd_load_constraints(snap);
	sd_load_triggers(snap);
	sd_load_rules(snap);
	sd_load_sequences(snap);
	sd_load_comments(snap);
	sd_load_labels(snap);
	if (sink != NULL && sink->want_phys)
		sd_load_depends(snap);

	sd_emit_schemas(snap);
	sd_emit_relations(snap);
	sd_emit_types(snap);
	sd_emit_routines(snap);
	sd_emit_misc(snap);
	sd_emit_data(snap);
	sd_emit_other(snap);
	sd_emit_search(snap);
	sd_emit_privileges(snap);
	if (sink != NULL && sink->want_environment)
		sd_emit_environment(snap);
}

/*
 * Waits for transactions that the snapshot sees as ended and that have not sent
 * their invalidation messages yet: those go out a little later, and after the
 * files of dropped tables are gone where a prepared transaction is committed.
 * Until then the system caches may be older than the snapshot, and nothing would
 * say so.  Such a transaction still holds the lock of its own number.
 */
static void
await_messages(void)
{
	LockData *data;

	/* what a standby replays has no such locks */
	if (RecoveryInProgress())
		return;
	data = GetLockStatusData();
	for (int i = 0; i < data->nelements; i++)
	{
		LockInstanceData *lock = &data->locks[i];
		TransactionId xid = lock->locktag.locktag_field1;

		if (lock->locktag.locktag_type == LOCKTAG_TRANSACTION &&
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)) && lock->pid != MyProcPid &&
			!TransactionIdIsInProgress(xid))
			XactLockTableWait(xid, NULL, NULL, XLTW_None);
	}
	pfree(data->locks);
	pfree(data);
}

/* One attempt: entries are made in the caller's context, all else in one that dies. */
static SdEntries *
walk_once(SdSink *sink, SdPlan *plan, MemoryContext cxt, uint64 *versions)
{
	MemoryContext caller = CurrentMemoryContext;
	SdSnap *snap = MemoryContextAllocZero(cxt, sizeof(SdSnap));

	snap->sink = sink;
	snap->entries_cxt = caller;
	snap->entries = sd_entries_create();
	snap->cxt = cxt;
	snap->row_cxt = AllocSetContextCreate(snap->cxt, "safedeploy row", KEPT_SIZES);
	snap->tmp_cxt = AllocSetContextCreate(snap->cxt, "safedeploy deparse", KEPT_SIZES);
	snap->doc_cxt = AllocSetContextCreate(snap->cxt, "safedeploy document", KEPT_SIZES);
	sd_nodes_reserve(snap->doc_cxt);
	MemoryContextSwitchTo(snap->cxt);
	sd_progress_begin(snap->cxt);
	initStringInfo(&snap->scratch);
	snap->sha = sd_sha256_create();
	snap->snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (sink != NULL && sink->begin != NULL)
		sink->begin(sink);

	if (plan == NULL || plan->prepare(snap, plan))
	{
		await_messages();
		read_all(snap);
	}
	if (sink != NULL && sink->end != NULL)
		sink->end(sink);

	UnregisterSnapshot(snap->snapshot);
	sd_sha256_free(snap->sha);
	MemoryContextSwitchTo(caller);
	sd_entries_sort(snap->entries);
	*versions = snap->versions;
	return snap->entries;
}

static void
all_roots(SdEntries *entries, uint8 roots[][SD_SHA256_LENGTH])
{
	SdSha256 *sha = sd_sha256_create();

	for (int i = 0; i < SD_NFACETS; i++)
		sd_entries_root(entries, i, sha, roots[i]);
	sd_sha256_free(sha);
}

/* What the last attempt read, as long as nothing but the next one can prove it good. */
typedef struct WalkProof
{
	bool have_last;
	uint64 versions;
	uint8 roots[SD_NFACETS][SD_SHA256_LENGTH];
} WalkProof;

/* Whether an attempt is consistent; if not, it is kept for the proof of the next one. */
static bool
is_proved(WalkProof *proof, uint64 counter, SdEntries *entries, uint64 versions)
{
	uint8 roots[SD_NFACETS][SD_SHA256_LENGTH];
	bool proved;

	AcceptInvalidationMessages();
	if (counter == SharedInvalidMessageCounter)
		return true;
	all_roots(entries, roots);
	proved = proof->have_last && proof->versions == versions &&
			 memcmp(proof->roots, roots, sizeof(roots)) == 0;
	memcpy(proof->roots, roots, sizeof(roots));
	proof->versions = versions;
	proof->have_last = true;
	return proved;
}

/*
 * An attempt in a subtransaction, because a concurrent change may also show as
 * an error of a cache look-up, and because what the sink has written goes away
 * with an attempt that is not proved.  Returns NULL then.
 */
static SdEntries *
walk_attempt(SdSink *sink, SdPlan *plan, WalkProof *proof)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt =
		AllocSetContextCreate(caller, "safedeploy schema walk", ALLOCSET_DEFAULT_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	int nest_level = GetCurrentTransactionNestLevel();
	SdEntries *entries = NULL;
	uint64 counter;

	AcceptInvalidationMessages();
	counter = SharedInvalidMessageCounter;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		uint64 versions;

		SD_FAILPOINT("snapshot.walk");
		entries = walk_once(sink, plan, cxt, &versions);
		if (is_proved(proof, counter, entries, versions))
			ReleaseCurrentSubTransaction();
		else
		{
			RollbackAndReleaseCurrentSubTransaction();
			entries = NULL;
		}
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		/* an error while a deparser had its locks leaves one more level */
		while (GetCurrentTransactionNestLevel() > nest_level)
			RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		AcceptInvalidationMessages();
		if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			sd_explain_locked_catalog(error);
		if (counter == SharedInvalidMessageCounter ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
		entries = NULL;
		proof->have_last = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	CurrentResourceOwner = owner;
	return entries;
}

SdEntries *
sd_walk(SdSink *sink, SdPlan *plan, int attempts)
{
	WalkProof proof = { .have_last = false };
	int level = pin_settings();
	SdEntries *entries = NULL;

	for (int attempt = 0; attempt < attempts && entries == NULL; attempt++)
	{
		entries = walk_attempt(sink, plan, &proof);
		/* each attempt over a subset reads another one */
		if (plan != NULL && plan->subset)
			proof.have_last = false;
	}
	AtEOXact_GUC(false, level);
	return entries;
}

SdEntries *
sd_snapshot_walk_by(SdSink *sink, SdPlan *plan)
{
	SdEntries *entries = sd_walk(sink, plan, SD_WALK_ATTEMPTS);

	if (entries == NULL)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("schema kept changing while it was read"),
						errdetail("%d attempts in a row met a concurrent change of the catalogs.",
								  SD_WALK_ATTEMPTS),
						errhint("Repeat when the other sessions have ended their DDL.")));
	return entries;
}

SdEntries *
sd_snapshot_walk(SdSink *sink)
{
	SdEntries *entries = sd_snapshot_walk_by(sink, NULL);

	sd_reuse_check(entries);
	return entries;
}
