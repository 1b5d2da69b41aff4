/*
 * sd_snapshot_reuse.c
 *	  Fingerprints that read again only what changed since the last one of the
 *	  same session.
 *
 * The session keeps the hashes of all documents, what each of them says about
 * other objects (sd_snapshot_uses.c), and what stood on every page of every
 * catalog (sd_snapshot_pages.c).  The next fingerprint looks at the pages, finds
 * the objects whose rows changed, adds the objects that use these, makes their
 * documents anew (sd_snapshot_subset.c) and keeps the others.  Whatever is out of
 * the ordinary has everything read again.  The argument that this is safe:
 *
 * 1. Rows.  Every change of a catalog's page moves its LSN, which is read under
 * the page's content lock: inserts, updates, deletes, updates in place, pruning,
 * freezing, VACUUM, replay on a standby.  What changes a page without it are hint
 * bits, which say nothing new.  Only a heap that its own transaction has made
 * under wal_level = minimal is written without WAL; its pages are not trusted
 * while that is so (RelationNeedsWAL).  A rewritten catalog (VACUUM FULL,
 * CLUSTER) is another file and is read whole; one that shrank or grew is seen by
 * its number of blocks.  An LSN does not come back: WAL goes on, and a crash
 * takes this session along.
 *
 * 2. Visibility.  A row can come into or go out of sight while its page stays the
 * same, namely when a transaction ends.  A page is trusted only if it is settled:
 * every transaction that wrote on it was over for the snapshot that read it, and
 * was not this transaction nor part of it.  What is over stays so, and each
 * snapshot is younger than the one before.  So uncommitted rows of this
 * transaction or a subtransaction, of others and of prepared transactions only
 * keep their pages unsettled, that is, read again each time.
 *
 * 3. Order.  The pages are looked at after the snapshot is taken and before any
 * document is made, and rows are judged by that snapshot.  A page that changes
 * later holds rows that the snapshot does not see; its LSN is then another one.
 * An update in place, which no snapshot hides, may be in a document before it is
 * noticed, and then the document is made once more.  Catalogs that are read
 * through system caches show the newest state instead of the snapshot's, so no
 * document counts unless no invalidation message arrived meanwhile, as in any
 * walk (sd_snapshot_walk.c).
 *
 * 4. Differences.  A page that changed is compared by row: a keyed hash of the
 * bytes of the row and of the transaction that wrote it, summed up by object.
 * Rows that only moved cancel out.  Left out of the hash are the estimates and
 * horizons that VACUUM and ANALYZE write over rows of pg_class and pg_database.
 *
 * 5. Dependence.  A document is made of rows that belong to its object, which
 * sd_scan notes, and of what it says about other objects: names, which the
 * functions of sd_snapshot_names.c note, and expressions, of which every number
 * counts that may be an OID, also in the values of constants that may hold any.
 * pg_depend is not relied upon, since it can be incomplete.  A name that is
 * unchanged affects nobody, so a column more in a table that is referred to
 * everywhere costs nothing.  An OID that another object gets later is noticed as
 * the change that it is.
 *
 * 6. Everything else.  All of these lead to a walk over everything: a change in a
 * catalog that sd_snapshot_catalogs.c does not name (roles, schemas, extensions,
 * operators, casts, publications, …), of a system object, of anything in
 * pg_catalog, which takes part in the search for names, of a function in C, which
 * may print a type; a document of such an object that is affected; more objects
 * than it would be worth while for; too much memory; an error; a lock on a
 * catalog.  Catalogs are found in pg_class, so one that this module does not know
 * is watched too.
 *
 * Settings do not matter, since a walk pins all that do; nor does the role, since
 * catalogs are read without regard to it.  safedeploy.fingerprint_check compares
 * with a walk over everything each time.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "sd_guc.h"
#include "sd_snapshot_reuse.h"

#define SD_REUSE_ATTEMPTS 3

typedef struct Cache
{
	MemoryContext cxt;
	SdPages *pages;
	SdUses *uses;
	SdEntries *entries;
	uint32 have_roots;
	uint8 roots[SD_NFACETS][SD_SHA256_LENGTH];
} Cache;

/* Of this session; taken away while it is at work, so that an error loses it. */
static Cache *session_cache = NULL;

/* The setting under which the schema needed too much memory, or 0. */
static int too_large_for = 0;

static Size
cache_limit(void)
{
	return (Size) sd_guc_fingerprint_cache * 1024;
}

static bool
is_too_large(MemoryContext cxt)
{
	return MemoryContextMemAllocated(cxt, true) > cache_limit();
}

static void
drop_cache(Cache *cache)
{
	if (cache != NULL)
		MemoryContextDelete(cache->cxt);
}

/* A walk over everything that notes what the next one needs. */
typedef struct RecordPlan
{
	SdPlan base;
	MemoryContext parent;
	Cache *cache; /* NULL when it cannot be kept */
} RecordPlan;

static bool
prepare_record(SdSnap *snap, SdPlan *base)
{
	RecordPlan *plan = (RecordPlan *) base;
	MemoryContext cxt;

	drop_cache(plan->cache);
	plan->cache = NULL;
	cxt = AllocSetContextCreate(plan->parent, "safedeploy fingerprint cache", ALLOCSET_DEFAULT_SIZES);
	plan->cache = MemoryContextAllocZero(cxt, sizeof(Cache));
	plan->cache->cxt = cxt;
	plan->cache->pages = sd_pages_create(cxt);
	if (!sd_pages_sweep(plan->cache->pages, snap->snapshot, NULL) || is_too_large(cxt))
	{
		if (is_too_large(cxt))
			too_large_for = sd_guc_fingerprint_cache;
		drop_cache(plan->cache);
		plan->cache = NULL;
		return true;
	}
	plan->cache->uses = snap->uses = sd_uses_create(cxt, cache_limit() / 2);
	return true;
}

static void
keep_entry(Cache *cache, SdObjectHash *place, const SdObjectHash *entry)
{
	*place = *entry;
	place->identity = MemoryContextStrdup(cache->cxt, entry->identity);
}

/* Makes what was recorded the cache of the session, unless it is too large. */
static void
install(Cache *cache, SdEntries *entries)
{
	MemoryContext old = MemoryContextSwitchTo(cache->cxt);

	cache->entries = palloc0(sizeof(SdEntries));
	cache->entries->count = cache->entries->size = entries->count;
	cache->entries->items =
		MemoryContextAllocHuge(cache->cxt, Max(entries->count, 1) * sizeof(SdObjectHash));
	for (int i = 0; i < entries->count; i++)
		keep_entry(cache, &cache->entries->items[i], &entries->items[i]);
	MemoryContextSwitchTo(old);
	if (cache->uses->overflow || is_too_large(cache->cxt))
	{
		too_large_for = sd_guc_fingerprint_cache;
		drop_cache(cache);
		return;
	}
	MemoryContextSetParent(cache->cxt, TopMemoryContext);
	session_cache = cache;
}

static SdEntries *
walk_and_record(void)
{
	RecordPlan plan = { .base = { .prepare = prepare_record }, .parent = CurrentMemoryContext };
	SdSink sink = { 0 };
	SdEntries *entries = sd_snapshot_walk_by(&sink, &plan.base);

	ereport(DEBUG1, (errmsg_internal("fingerprint read everything")));
	sd_refuse_unread(entries);
	if (plan.cache != NULL)
		install(plan.cache, entries);
	return entries;
}

typedef enum Outcome
{
	SAME,		/* nothing changed */
	PART,		/* the documents of the subset have been read */
	EVERYTHING, /* is to be read again */
} Outcome;

/* A walk over what changed. */
typedef struct ReusePlan
{
	SdPlan base;
	Cache *cache;
	SdChanges changes; /* of all attempts */
	SdSubset *subset;
	SdUses *uses; /* of the documents of the subset */
	Outcome outcome;
} ReusePlan;

static bool
prepare_reuse(SdSnap *snap, SdPlan *base)
{
	ReusePlan *plan = (ReusePlan *) base;
	SdKey *keys;
	int count;

	plan->outcome = EVERYTHING;
	if (!sd_pages_sweep(plan->cache->pages, snap->snapshot, &plan->changes) ||
		!sd_changes_keys(&plan->changes, &keys, &count))
		return false;
	if (count == 0)
	{
		plan->outcome = SAME;
		return false;
	}
	plan->subset = snap->subset = sd_subset_create(plan->changes.cxt);
	sd_load_schemas(snap);
	if (!sd_uses_follow(snap, plan->cache->uses, keys, count))
		return false;
	sd_subset_expand(snap);
	/* an object by its key costs about as much as a table in a walk over everything */
	if (plan->subset->count > plan->cache->entries->count + 256)
		return false;
	plan->uses = snap->uses = sd_uses_create(plan->changes.cxt, cache_limit() / 2);
	plan->outcome = PART;
	return true;
}

/* Puts the documents of the subset in the place of those that were there. */
static void
merge(Cache *cache, SdSubset *subset, SdEntries *fresh)
{
	SdEntries *old = cache->entries;
	int size = old->count + fresh->count + 16;
	SdObjectHash *items = MemoryContextAllocHuge(cache->cxt, size * sizeof(SdObjectHash));
	int count = 0;
	int next = 0;

	for (int i = 0; i < old->count; i++)
	{
		SdObjectHash *entry = &old->items[i];

		if (sd_subset_has(subset, entry->key.classid, entry->key.oid))
		{
			pfree(unconstify(char *, entry->identity));
			continue;
		}
		while (next < fresh->count && sd_compare_entries(&fresh->items[next], entry) < 0)
			keep_entry(cache, &items[count++], &fresh->items[next++]);
		items[count++] = *entry;
	}
	while (next < fresh->count)
		keep_entry(cache, &items[count++], &fresh->items[next++]);
	pfree(old->items);
	old->items = items;
	old->count = count;
	old->size = size;
	cache->have_roots = 0;
}

/* Brings the cache of the session up to date; without it afterwards when that cannot be done. */
static void
reuse(void)
{
	MemoryContext cxt =
		AllocSetContextCreate(CurrentMemoryContext, "safedeploy changes", ALLOCSET_DEFAULT_SIZES);
	ReusePlan plan = {
		.base = { .prepare = prepare_reuse, .subset = true, .tolerant = !sd_guc_fingerprint_check },
		.cache = session_cache,
		.changes = { .cxt = cxt }
	};
	SdSink sink = { 0 };
	SdEntries *entries = NULL;

	MemoryContextSetParent(session_cache->cxt, CurrentMemoryContext);
	session_cache = NULL;
	plan.outcome = PART;
	for (int i = 0; i < SD_REUSE_ATTEMPTS && entries == NULL && plan.outcome == PART; i++)
		entries = sd_walk(&sink, &plan.base, 1);
	if (plan.outcome == PART && entries != NULL)
	{
		sd_refuse_unread(entries);
		sd_uses_replace(plan.cache->uses, plan.subset, plan.uses);
		if (!plan.subset->failed && !plan.uses->overflow && !plan.cache->uses->overflow)
		{
			merge(plan.cache, plan.subset, entries);
			plan.outcome = SAME;
		}
	}
	if (plan.outcome == SAME && !is_too_large(plan.cache->cxt))
	{
		ereport(DEBUG1, (errmsg_internal("fingerprint made %d of %d objects anew",
										 entries && plan.uses ? entries->count : 0,
										 plan.cache->entries->count)));
		MemoryContextSetParent(plan.cache->cxt, TopMemoryContext);
		session_cache = plan.cache;
	}
	else
		drop_cache(plan.cache);
	MemoryContextDelete(cxt);
}

static void
compute_roots(SdEntries *entries, uint32 facets, uint8 roots[][SD_SHA256_LENGTH])
{
	SdSha256 *sha = sd_sha256_create();

	for (int i = 0; i < SD_NFACETS; i++)
		if (facets & (1 << i))
			sd_entries_root(entries, i, sha, roots[i]);
	sd_sha256_free(sha);
}

static char *
fingerprint_of(SdEntries *entries, uint32 facets)
{
	uint8 roots[SD_NFACETS][SD_SHA256_LENGTH];
	SdSha256 *sha = sd_sha256_create();
	char *fingerprint;

	compute_roots(entries, facets, roots);
	fingerprint = sd_roots_fingerprint(roots, facets, sha);
	sd_sha256_free(sha);
	return fingerprint;
}

static char *
cached_fingerprint(Cache *cache, uint32 facets)
{
	SdSha256 *sha = sd_sha256_create();
	char *fingerprint;

	compute_roots(cache->entries, facets & ~cache->have_roots, cache->roots);
	cache->have_roots |= facets;
	fingerprint = sd_roots_fingerprint(cache->roots, facets, sha);
	sd_sha256_free(sha);
	return fingerprint;
}

/* Documents of what surrounds the schema are never kept. */
static bool
is_environment(const SdObjectHash *entry)
{
	return entry->hashes.have == 1 << SD_FACET_ENVIRONMENT;
}

static void
append_difference(StringInfo buf, const char *what, const SdObjectHash *entry)
{
	appendStringInfo(buf, "%s%s %s %s", buf->len > 0 ? "\n" : "", entry->kind, entry->identity, what);
}

static bool
same_hashes(const SdHashes *a, const SdHashes *b)
{
	if (a->have != b->have)
		return false;
	for (int i = 0; i < SD_NFACETS; i++)
		if ((a->have & (1 << i)) != 0 && memcmp(a->facet[i], b->facet[i], SD_SHA256_LENGTH) != 0)
			return false;
	return true;
}

static void
compare(SdEntries *cached, SdEntries *read)
{
	StringInfoData buf;
	int c = 0;
	int r = 0;

	initStringInfo(&buf);
	while (c < cached->count || r < read->count)
	{
		int cmp;

		if (r < read->count && is_environment(&read->items[r]))
		{
			r++;
			continue;
		}
		if (c == cached->count && r == read->count)
			break;
		cmp = c == cached->count ? 1 :
			  r == read->count	 ? -1 :
								   sd_compare_entries(&cached->items[c], &read->items[r]);
		if (cmp < 0)
			append_difference(&buf, "is there no more", &cached->items[c++]);
		else if (cmp > 0)
			append_difference(&buf, "was not noticed", &read->items[r++]);
		else if (!same_hashes(&cached->items[c++].hashes, &read->items[r++].hashes))
			append_difference(&buf, "is another one now", &read->items[r - 1]);
	}
	if (buf.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("a repeated fingerprint differs from one that reads everything"),
				 errdetail("%s", buf.data),
				 errhint("Unless another session changed the schema meanwhile, this is a bug; set "
						 "safedeploy.fingerprint_cache to 0 to do without.")));
}

/* Whether fingerprints of this session may be kept for the next one. */
static bool
may_cache(void)
{
	if (sd_guc_fingerprint_cache > 0 && sd_guc_fingerprint_cache != too_large_for &&
		(session_cache == NULL || !is_too_large(session_cache->cxt)))
		return true;
	drop_cache(session_cache);
	session_cache = NULL;
	return false;
}

static SdEntries *
walk_whole(bool environment)
{
	SdSink sink = { .want_environment = environment };
	SdEntries *entries = sd_snapshot_walk_by(&sink, NULL);

	ereport(DEBUG1, (errmsg_internal("fingerprint read everything")));
	sd_refuse_unread(entries);
	return entries;
}

char *
sd_live_fingerprint(uint32 facets)
{
	if (facets & (1 << SD_FACET_ENVIRONMENT))
		return fingerprint_of(walk_whole(true), facets);
	if (!may_cache())
		return fingerprint_of(walk_whole(false), facets);
	if (session_cache != NULL)
	{
		reuse();
		if (session_cache != NULL && sd_guc_fingerprint_check)
			compare(session_cache->entries, walk_whole(false));
		if (session_cache != NULL)
			return cached_fingerprint(session_cache, facets);
	}
	return fingerprint_of(walk_and_record(), facets);
}

void
sd_reuse_check(SdEntries *entries)
{
	if (!sd_guc_fingerprint_check || !may_cache() || entries->unread != NIL)
		return;
	if (session_cache != NULL)
		reuse();
	if (session_cache != NULL)
		compare(session_cache->entries, entries);
	else
		(void) walk_and_record();
}
