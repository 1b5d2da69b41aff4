/*
 * sd_trace_locks.c
 *	  Locks that this session holds and full reads that it made, with the moment at
 *	  which each was first seen.
 *
 * Only what the session itself holds is read: its own slots of the fast path, and
 * its own lists in the shared lock table.  Locks of the server's own relations are
 * left out.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "sd_compat.h"
#include "sd_trace_locks.h"

typedef struct HeldKey
{
	Oid class;
	Oid object;
} HeldKey;

/* An object that is locked. */
typedef struct Held
{
	HeldKey key;
	uint64 since[MAX_LOCKMODES]; /* when each mode was first seen; 0 when it is not held */
	LOCKMASK mask;				 /* modes found by the look that is under way */
	uint64 look;				 /* the last look that found it */
} Held;

/* A relation that the statistics of the session have counted. */
typedef struct Counted
{
	Oid relation;
	int64 scans;
	uint64 last; /* when the number last grew */
} Counted;

static HTAB *held = NULL;
static HTAB *counted = NULL;
static uint64 moment = 0;
static bool numbers_stay = false; /* since the last look */

static HTAB *
make_table(const char *name, Size key, Size entry)
{
	HASHCTL control = { 0 };

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = TopMemoryContext;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* see notes that a lock is held in these modes. */
static void
see(Oid class, Oid object, LOCKMASK mask)
{
	HeldKey key = { class, object };
	bool found;
	Held *entry;

	if (object < FirstNormalObjectId || mask == 0)
		return;
	entry = hash_search(held, &key, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + sizeof(HeldKey), 0, sizeof(Held) - sizeof(HeldKey));
	if (entry->look != moment)
		entry->mask = 0;
	entry->mask |= mask;
	entry->look = moment;
}

static void
see_tag(const LOCKTAG *tag, LOCKMASK mask)
{
	if (tag->locktag_field1 != MyDatabaseId)
		return;
	if (tag->locktag_type == LOCKTAG_RELATION)
		see(RelationRelationId, tag->locktag_field2, mask);
	else if (tag->locktag_type == LOCKTAG_OBJECT && tag->locktag_field2 == TypeRelationId)
		see(TypeRelationId, tag->locktag_field3, mask);
}

/* take takes a lock of the server's own, or only tries to; false when it did not get it. */
static bool
take(LWLock *lock, bool wait)
{
	return wait ? (LWLockAcquire(lock, LW_SHARED), true) : LWLockConditionalAcquire(lock, LW_SHARED);
}

/* Weak locks on relations; before the lists, for a lock can move from here to there only. */
static bool
see_fast_path(bool wait)
{
	if (!take(&MyProc->fpInfoLock, wait))
		return false;
	for (int slot = 0; slot < SD_FAST_PATH_SLOTS; slot++)
		see(RelationRelationId, MyProc->fpRelId[slot], SD_FAST_PATH_MODES(MyProc, slot));
	LWLockRelease(&MyProc->fpInfoLock);
	return true;
}

static bool
see_lists(bool wait)
{
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
	{
		LWLock *lock = LockHashPartitionLockByIndex(i);

		if (SD_PROC_LOCKS_EMPTY(MyProc, i))
			continue;
		if (!take(lock, wait))
			return false;
		SD_PROC_LOCKS_EACH(MyProc, i, proclock)
		see_tag(&proclock->tag.myLock->tag, proclock->holdMask);
		LWLockRelease(lock);
	}
	return true;
}

/* settle dates what the look has found and forgets what it has not. */
static void
settle(void)
{
	HASH_SEQ_STATUS status;
	Held *entry;

	hash_seq_init(&status, held);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->look != moment)
		{
			hash_search(held, &entry->key, HASH_REMOVE, NULL);
			continue;
		}
		for (LOCKMODE mode = 1; mode < MAX_LOCKMODES; mode++)
		{
			if ((entry->mask & LOCKBIT_ON(mode)) == 0)
				entry->since[mode] = 0;
			else if (entry->since[mode] == 0)
				entry->since[mode] = moment;
		}
	}
}

static void
count(Oid relation)
{
	int64 scans = sd_pending_scans(relation);
	bool found;
	Counted *entry;

	entry = hash_search(counted, &relation, scans == 0 ? HASH_FIND : HASH_ENTER, &found);
	if (entry == NULL)
		return;
	if (!found)
	{
		entry->scans = 0;
		entry->last = 0;
	}
	/* a smaller number is one that was begun anew */
	if (scans != entry->scans && scans != 0)
		entry->last = moment;
	entry->scans = scans;
}

/* The server sends its numbers away between transactions, when it likes. */
static void
recount(void)
{
	HASH_SEQ_STATUS status;
	Counted *entry;

	hash_seq_init(&status, counted);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->scans = sd_pending_scans(entry->relation);
}

static void
prepare(void)
{
	if (held == NULL)
	{
		held = make_table("safedeploy held locks", sizeof(HeldKey), sizeof(Held));
		counted = make_table("safedeploy counted scans", sizeof(Oid), sizeof(Counted));
	}
}

uint64
sd_trace_look(void)
{
	HASH_SEQ_STATUS status;
	Held *entry;

	prepare();
	moment++;
	if (!numbers_stay)
	{
		recount();
		numbers_stay = true;
	}
	(void) see_fast_path(true);
	(void) see_lists(true);
	settle();
	hash_seq_init(&status, held);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.class == RelationRelationId)
			count(entry->key.object);
	return moment;
}

bool
sd_trace_look_in_error(void)
{
	if (held == NULL)
		return false;
	moment++;
	/* whoever raised the error may hold such locks still, so none is waited for */
	if (!see_fast_path(false) || !see_lists(false))
		return false;
	settle();
	return true;
}

List *
sd_trace_gains(uint64 since)
{
	HASH_SEQ_STATUS status;
	Held *entry;
	List *gains = NIL;

	hash_seq_init(&status, held);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		LOCKMODE old = NoLock;
		LOCKMODE new = NoLock;
		SdGain *gain;

		for (LOCKMODE mode = 1; mode < MAX_LOCKMODES; mode++)
		{
			if (entry->since[mode] > since)
				new = mode;
			else if (entry->since[mode] != 0)
				old = mode;
		}
		if (new <= old)
			continue;
		gain = palloc(sizeof(SdGain));
		gain->class = entry->key.class;
		gain->object = entry->key.object;
		gain->mode = new;
		gains = lappend(gains, gain);
	}
	return gains;
}

List *
sd_trace_scans(uint64 since)
{
	HASH_SEQ_STATUS status;
	Counted *entry;
	List *scans = NIL;

	hash_seq_init(&status, counted);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->last > since)
			scans = lappend_oid(scans, entry->relation);
	return scans;
}

void
sd_trace_forget_scan(Oid relation)
{
	Counted *entry = hash_search(counted, &relation, HASH_FIND, NULL);

	if (entry != NULL)
		entry->last = 0;
}

List *
sd_trace_held(void)
{
	HASH_SEQ_STATUS status;
	Held *entry;
	List *relations = NIL;

	hash_seq_init(&status, held);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.class == RelationRelationId)
			relations = lappend_oid(relations, entry->key.object);
	return relations;
}

void
sd_trace_forget_scans(void)
{
	Relation rel;
	SysScanDesc scan;
	HeapTuple tuple;

	prepare();
	rel = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		count(((Form_pg_class) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

void
sd_trace_forget_locks(bool goes_on)
{
	numbers_stay = goes_on;
	if (held != NULL && hash_get_num_entries(held) > 0)
	{
		hash_destroy(held);
		held = make_table("safedeploy held locks", sizeof(HeldKey), sizeof(Held));
	}
}
