/*
 * sd_snapshot_doc.h
 *	  Document of one object: a small tree for each facet.
 *
 * One walk over the catalogs builds these trees, and everything else is made
 * from them: the hashes and the jsonb alike, so that the two cannot disagree.
 * Nodes are allocated in the context that is current; keys and strings are not
 * copied and must live as long as the tree.
 */
#ifndef SD_SNAPSHOT_DOC_H
#define SD_SNAPSHOT_DOC_H

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/jsonb.h"

#include "sd_compat.h"

/* Facets in the order of the columns of safedeploy.object. */
typedef enum SdFacet
{
	SD_FACET_CORE,	   /* what an application can observe */
	SD_FACET_SECURITY, /* privileges, row security, security modes */
	SD_FACET_OWNER,
	SD_FACET_STORAGE,
	SD_FACET_COMMENT,
	SD_FACET_VERSION,	  /* of extensions and collations */
	SD_FACET_ORDER,		  /* of the columns of a table */
	SD_FACET_ENVIRONMENT, /* roles and what else surrounds the schema */
	SD_NFACETS
} SdFacet;

/* Every facet of the schema but the order: what a fingerprint covers when nothing is said. */
#define SD_FACETS_DEFAULT ((1 << SD_FACET_ORDER) - 1)

typedef enum SdNodeType
{
	SD_NODE_MAP,
	SD_NODE_LIST,
	SD_NODE_STRING,
	SD_NODE_BOOL,
	SD_NODE_NUMBER, /* a number as its decimal text */
	SD_NODE_NULL
} SdNodeType;

typedef struct SdNode
{
	struct SdNode *next;  /* in its map or list */
	struct SdNode *first; /* of a map or list */
	struct SdNode *last;
	const char *key; /* in its map; not always terminated */
	const char *str; /* of a string or number; not always terminated */
	uint32 keylen;
	uint32 len; /* bytes of str, or members of a map or list */
	SdNodeType type;
	bool boolean;
	bool used; /* read by a writer of DDL, see sd_ddl.h */
} SdNode;

typedef struct SdDoc
{
	const char *kind;
	const char *identity;
	SdNode *facet[SD_NFACETS];	   /* NULL when the object has nothing in it */
	SdNode *phys;				   /* never hashed */
	const struct SdUnread *unread; /* why there are no facets, or NULL */
} SdDoc;

/* Hashes of one object; a facet that the object does not have is not in "have". */
typedef struct SdHashes
{
	uint32 have;
	uint8 facet[SD_NFACETS][SD_SHA256_LENGTH];
} SdHashes;

extern const char *const sd_facet_names[SD_NFACETS];

/* Set of facets from a text[], or the default for NULL; an error for an unknown name. */
extern uint32 sd_facets_from_array(ArrayType *names);

extern SdNode *sd_node_map(void);
extern SdNode *sd_node_list(void);

/* Map of a facet or under a key of a map, made when it is not there yet. */
extern SdNode *sd_doc_map(SdDoc *doc, SdFacet facet);
extern SdNode *sd_map_map(SdNode *map, const char *key);

/* The member with that key, or NULL. */
extern SdNode *sd_map_find(SdNode *map, const char *key);

/* Append to a list. */
extern void sd_add(SdNode *list, SdNode *value);
extern void sd_add_text(SdNode *list, const char *value);

/*
 * Append to a map.  A NULL string is not written; sd_put_true writes nothing for
 * false.  Inline, because nearly all keys are literals.
 */
static inline void
sd_put(SdNode *map, const char *key, SdNode *value)
{
	value->key = key;
	value->keylen = strlen(key);
	sd_add(map, value);
}

static inline void
sd_put_text(SdNode *map, const char *key, const char *value)
{
	if (value == NULL)
		return;
	sd_add_text(map, value);
	map->last->key = key;
	map->last->keylen = strlen(key);
}

extern void sd_put_true(SdNode *map, const char *key, bool value);
extern void sd_put_false(SdNode *map, const char *key, bool value);
extern void sd_put_int(SdNode *map, const char *key, int64 value);
extern void sd_put_int_text(SdNode *map, const char *key, int64 value);
extern void sd_put_bool(SdNode *map, const char *key, bool value);

/* Built-in privileges of a type of object, as a document lists them. */
extern SdNode *sd_acl_default_node(ObjectType objtype, const char *owner);

/* Stable sort of the members of a map by their keys: in byte order, or as jsonb does. */
typedef enum SdOrder
{
	SD_ORDER_BYTES,
	SD_ORDER_LENGTH_FIRST
} SdOrder;
extern void sd_map_sort(SdNode *map, SdOrder order);
extern int sd_key_compare(const SdNode *a, const SdNode *b, SdOrder order);

/*
 * Nodes made in the context come from one block from here on, which is used again
 * after each sd_nodes_reset(), until the parent of the context goes.
 */
extern void sd_nodes_reserve(MemoryContext cxt);
extern void sd_nodes_reset(void);

/* Room for so many bytes at the end, which the caller fills. */
static inline char *
sd_extend(StringInfo buf, int len)
{
	char *place;

	if (buf->len + len >= buf->maxlen)
		enlargeStringInfo(buf, len);
	place = buf->data + buf->len;
	buf->len += len;
	return place;
}

/* Append bytes, without the terminating zero of a text. */
static inline void
sd_append(StringInfo buf, const void *data, int len)
{
	memcpy(sd_extend(buf, len), data, len);
}

/* Tree of a jsonb object.  The tree points into the jsonb. */
extern SdNode *sd_node_from_jsonb(JsonbContainer *container);

/* sd_snapshot_jsonb.c: jsonb of a tree; sorts the maps in the order of jsonb. */
extern Jsonb *sd_doc_to_jsonb(SdDoc *doc);
extern Jsonb *sd_node_to_jsonb(SdNode *node);

/*
 * Hashes of all facets.  "scratch" is reset and used as a buffer.  Maps get
 * sorted, so that the order of construction does not matter.
 */
extern void sd_doc_hash(SdDoc *doc, SdSha256 *sha, StringInfo scratch, SdHashes *hashes);

/* Hash of a definition as a whole: of its facets, in order. */
extern void sd_hashes_total(const SdHashes *hashes, SdSha256 *sha, uint8 *out);
/* A hash as a bytea in the current context. */
extern Datum sd_hash_datum(const uint8 *hash);

#endif
