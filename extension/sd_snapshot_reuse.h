/*
 * sd_snapshot_reuse.h
 *	  What the files share that let a repeated fingerprint read only what changed.
 *
 * The argument why that is safe stands in sd_snapshot_reuse.c.
 */
#ifndef SD_SNAPSHOT_REUSE_H
#define SD_SNAPSHOT_REUSE_H

#include "access/attnum.h"
#include "utils/relcache.h"

#include "sd_snapshot_int.h"

/*
 * sd_snapshot_catalogs.c: which object a row of a catalog belongs to.
 *
 * The keys go from the row itself to the object whose document has it, so the
 * last one that a row has is the subject of the row.  A catalog without an entry
 * is one whose rows are never read by key: any change there means to read all.
 */
#define SD_ROW_KEYS 3

typedef struct SdCatalogKey
{
	Oid classid;	   /* of the object; the row says it when that is InvalidOid ... */
	int classplace;	   /* ... here, in its fixed part */
	AttrNumber attnum; /* column with the OID of the object */
	int place;		   /* of that column */
	Oid index;		   /* that starts with that column, if rows are found so */
} SdCatalogKey;

typedef struct SdCatalog
{
	Oid catalog;
	SdCatalogKey keys[SD_ROW_KEYS];
} SdCatalog;

extern const SdCatalog *sd_catalog(Oid catalog);

/* At most so many keys of a row, first that of the row; none when only a walk over everything will do. */
extern int sd_row_keys(const SdCatalog *catalog, HeapTuple tuple, SdKey *keys, int most);
extern Oid sd_row_oid(HeapTuple tuple, int place);

/* Whether a catalog is one that no document depends on. */
extern bool sd_catalog_is_ignored(Oid catalog);

/* Tells whether a row can matter to a document at all; NULL for catalogs of which all do. */
typedef bool (*SdRowFilter)(HeapTuple tuple);
extern SdRowFilter sd_row_filter(Oid catalog);

/*
 * sd_snapshot_walk.c: what to do when the snapshot is there and nothing has been
 * read.  Returns whether anything is to be read.
 */
typedef struct SdPlan
{
	bool (*prepare)(SdSnap *snap, struct SdPlan *plan);
	bool subset;   /* reads no more than what sd_pages_sweep found; has no second proof */
	bool tolerant; /* an error of a look-up is no more than an attempt that failed */
} SdPlan;

/* As sd_snapshot_walk. */
extern SdEntries *sd_snapshot_walk_by(SdSink *sink, SdPlan *plan);

/* NULL when none of the attempts was proved. */
extern SdEntries *sd_walk(SdSink *sink, SdPlan *plan, int attempts);

/*
 * sd_snapshot_subset.c: objects to read instead of all.  It grows while rows are
 * read, by the parts that have keys of their own.
 */
typedef struct SdSubset
{
	HTAB *members; /* SdKey */
	SdKey *keys;
	int count;
	int size;
	bool failed; /* a document came that belongs to none of the keys */
} SdSubset;

extern SdSubset *sd_subset_create(MemoryContext cxt);
extern void sd_subset_add(SdSubset *subset, Oid classid, Oid oid);
extern bool sd_subset_has(SdSubset *subset, Oid classid, Oid oid);

/* Adds what the documents of its objects are made of besides their own rows. */
extern void sd_subset_expand(SdSnap *snap);

/* sd_snapshot_uses.c: which documents use which objects */
typedef struct SdUse
{
	Oid used;
	SdKey user;
} SdUse;

typedef struct SdNameUse
{
	Oid used;
	SdKey user;
	Oid classid; /* of the name, which may be that of an array of what is used */
	Oid oid;
	int32 sub;
	uint64 hash; /* of the name */
} SdNameUse;

typedef struct SdUses
{
	MemoryContext cxt;
	SdUse *uses;
	Size count;
	Size size;
	Size sorted; /* the first so many are in order of "used" */
	SdNameUse *names;
	Size ncount;
	Size nsize;
	Size nsorted;
	Size searched; /* items looked through that are not in order */
	Size limit;	   /* bytes of either array */
	bool overflow; /* reached it, so that some are missing */
} SdUses;

extern SdUses *sd_uses_create(MemoryContext cxt, Size limit);

/* Puts what the documents of a subset use now in the place of what they used. */
extern void sd_uses_replace(SdUses *uses, SdSubset *subset, const SdUses *fresh);

/* sd_snapshot_names.c: hash of a name as it is now, 0 when there is nothing of that name */
extern uint64 sd_name_hash_now(SdSnap *snap, Oid classid, Oid oid, int32 sub);

/*
 * Adds what changed, and whatever uses it, to the subset of the walk.  Returns
 * false when something is affected that cannot be read by key.
 */
extern bool sd_uses_follow(SdSnap *snap, SdUses *uses, SdKey *changed, int count);

/* sd_snapshot_reuse.c: compares with what a repeated fingerprint would say, where that is asked for */
extern void sd_reuse_check(SdEntries *entries);

/* sd_snapshot_pages.c: what stood in the catalogs when they were last looked at */
typedef struct SdPages SdPages;

typedef struct SdRun
{
	SdKey key;
	uint64 hash; /* of the rows of that key */
} SdRun;

typedef struct SdChanges
{
	MemoryContext cxt;
	SdRun *runs; /* of rows that came; of rows that went with the hash negated */
	int count;
	int size;
	SdKey (*links)[2]; /* other keys of rows that came, after the key of the row */
	int nlinks;
	int links_size;
} SdChanges;

extern SdPages *sd_pages_create(MemoryContext cxt);

/* Looks at every page; what differs is added to the changes, if there are any to be kept. */
extern bool sd_pages_sweep(SdPages *pages, Snapshot snapshot, SdChanges *changes);

/* Keys of what changed, each once; false when something did that has none. */
extern bool sd_changes_keys(SdChanges *changes, SdKey **keys, int *count);

#endif
