/*
 * sd_snapshot.h
 *	  The live schema as documents, for the modules that store or compare it.
 */
#ifndef SD_SNAPSHOT_H
#define SD_SNAPSHOT_H

#include "access/tupdesc.h"
#include "nodes/pg_list.h"

#include "sd_snapshot_doc.h"

/* An object of the database. */
typedef struct SdKey
{
	Oid classid; /* InvalidOid for no object in particular */
	Oid oid;
} SdKey;

/* An object with its hashes, as the fingerprint needs it. */
typedef struct SdObjectHash
{
	const char *kind;
	const char *identity;
	SdKey key; /* known of the live schema only */
	SdHashes hashes;
} SdObjectHash;

/*
 * An object that was not read, because that needs a relation which another
 * session has locked.  What is not known of the holder is NULL.
 */
typedef struct SdUnread
{
	const char *kind;
	const char *identity;
	Oid relid;
	const char *relation;
	const char *reason; /* a sentence that says all of it */
	const char *pid;
	const char *usename;
	const char *application_name;
	const char *query_start;
	const char *gid; /* of a prepared transaction */
	const char *granted;
} SdUnread;

typedef struct SdEntries
{
	SdObjectHash *items;
	int count;
	int size;
	List *unread; /* of SdUnread *; not empty means that nothing can be proved */
} SdEntries;

/*
 * Receiver of documents.  "begin" is called at the start of every attempt to
 * read the catalogs, and whatever an earlier attempt sent is void then; it may
 * be NULL, as may "emit" and "end".  A document dies when emit returns.
 */
typedef struct SdSink
{
	bool want_phys;		   /* fill SdDoc.phys */
	bool want_environment; /* documents of roles and the like too */
	void (*begin)(struct SdSink *sink);
	void (*emit)(struct SdSink *sink, SdDoc *doc, const SdHashes *hashes);
	void (*end)(struct SdSink *sink);
} SdSink;

/*
 * Reads the schema of this database and sends each object to the sink, which
 * may be NULL.  The result is sorted and lives in the current context.  A change
 * of the catalogs while they are read leads to another attempt, in a
 * subtransaction of its own; after some attempts it is an error.  Never waits
 * for a lock on a user's table: an object that needs one is in the list of
 * unread ones instead, and its document and hashes are empty.
 */
extern SdEntries *sd_snapshot_walk(SdSink *sink);

/* Fingerprint over some facets; reads again only what changed since the last one of this session. */
extern char *sd_live_fingerprint(uint32 facets);

/* Hash of one facet over sorted entries, and of several facets as 64 hex digits. */
extern void sd_entries_root(SdEntries *entries, SdFacet facet, SdSha256 *sha, uint8 *out);
extern char *sd_roots_fingerprint(uint8 roots[][SD_SHA256_LENGTH], uint32 facets, SdSha256 *sha);

/* Columns of type safedeploy.object. */
enum
{
	SD_OBJECT_KIND,
	SD_OBJECT_IDENTITY,
	SD_OBJECT_DEFINITION,
	SD_OBJECT_FACET,
	SD_OBJECT_PHYS = SD_OBJECT_FACET + SD_NFACETS,
	SD_OBJECT_COLUMNS
};

/* Such a row, and a document as such a row; "nulls" is false at the start. */
extern TupleDesc sd_object_desc(void);
extern void sd_object_row(SdDoc *doc, const SdHashes *hashes, Datum *values, bool *nulls);

/* An error with ERRCODE_LOCK_NOT_AVAILABLE that names every unread object, if there is one. */
extern void sd_refuse_unread(SdEntries *entries);

/* Unread objects as text, a line each, and one of them as a map, whose strings are not copied. */
extern char *sd_unread_list(List *unread);
extern SdNode *sd_unread_node(const SdUnread *unread);

/* Entries that come from elsewhere. */
extern SdEntries *sd_entries_create(void);
extern SdObjectHash *sd_entries_add(SdEntries *entries);
extern void sd_entries_sort(SdEntries *entries);
extern int sd_compare_entries(const SdObjectHash *x, const SdObjectHash *y);

/* Lower-case hexadecimal digits. */
extern char *sd_hex(const uint8 *data, int len);

#endif
