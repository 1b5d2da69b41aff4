/*
 * sd_snapshot_doc.c
 *	  Trees of definitions, their canonical encoding and its hash.
 *
 * The canonical encoding gives each value a type byte and each text its length
 * in front, so that no two trees share an encoding.  Map keys are in byte
 * order, which neither a locale nor jsonb's own order decides.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "sd_snapshot_doc.h"

#define INT64_DIGITS 20 /* with the sign */

const char *const sd_facet_names[SD_NFACETS] = {
	[SD_FACET_CORE] = "core",		[SD_FACET_SECURITY] = "security",
	[SD_FACET_OWNER] = "owner",		[SD_FACET_STORAGE] = "storage",
	[SD_FACET_COMMENT] = "comment", [SD_FACET_VERSION] = "version",
	[SD_FACET_ORDER] = "order",		[SD_FACET_ENVIRONMENT] = "environment",
};

uint32
sd_facets_from_array(ArrayType *names)
{
	Datum *elems;
	bool *nulls;
	int count;
	uint32 set = 0;

	if (names == NULL)
		return SD_FACETS_DEFAULT;
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char *name = nulls[i] ? NULL : TextDatumGetCString(elems[i]);
		int facet;

		for (facet = 0; facet < SD_NFACETS; facet++)
			if (name != NULL && strcmp(name, sd_facet_names[facet]) == 0)
				break;
		if (facet == SD_NFACETS)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("facet \"%s\" is not known", name ? name : "NULL"),
							errhint("Facets are core, security, owner, storage, comment, version, "
									"order and environment.")));
		set |= 1 << facet;
	}
	if (set == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("list of facets is empty"),
						errhint("Name at least one facet, or pass NULL for the default.")));
	return set;
}

/*
 * Memory for the documents of a walk.  A document of a table has a hundred nodes,
 * and to allocate each costs more than to fill it.  What does not fit, and whatever
 * is made elsewhere, is allocated as usual.
 */
#define RESERVED_NODES 1024
static struct
{
	MemoryContext cxt; /* NULL while there is none */
	int used;
	SdNode *nodes;
	char (*digits)[INT64_DIGITS + 1]; /* of the node of the same number */
} reserve;

static void
forget_reserve(void *nodes)
{
	if (nodes == reserve.nodes)
		reserve.cxt = NULL;
}

void
sd_nodes_reserve(MemoryContext cxt)
{
	MemoryContext parent = MemoryContextGetParent(cxt);
	MemoryContextCallback *callback = MemoryContextAlloc(parent, sizeof(MemoryContextCallback));

	reserve.nodes = MemoryContextAlloc(parent, RESERVED_NODES * sizeof(*reserve.nodes));
	reserve.digits = MemoryContextAlloc(parent, RESERVED_NODES * sizeof(*reserve.digits));
	reserve.used = 0;
	reserve.cxt = cxt;
	callback->func = forget_reserve;
	callback->arg = reserve.nodes;
	MemoryContextRegisterResetCallback(parent, callback);
}

void
sd_nodes_reset(void)
{
	reserve.used = 0;
}

static inline bool
have_reserve(void)
{
	return CurrentMemoryContext == reserve.cxt && reserve.used < RESERVED_NODES;
}

static inline SdNode *
new_node(SdNodeType type)
{
	SdNode *node;

	if (have_reserve())
		node = memset(&reserve.nodes[reserve.used++], 0, sizeof(SdNode));
	else
		node = palloc0(sizeof(SdNode));
	node->type = type;
	return node;
}

SdNode *
sd_node_map(void)
{
	return new_node(SD_NODE_MAP);
}

SdNode *
sd_node_list(void)
{
	return new_node(SD_NODE_LIST);
}

SdNode *
sd_doc_map(SdDoc *doc, SdFacet facet)
{
	if (doc->facet[facet] == NULL)
		doc->facet[facet] = sd_node_map();
	return doc->facet[facet];
}

SdNode *
sd_map_find(SdNode *map, const char *key)
{
	size_t len = strlen(key);

	for (SdNode *node = map->first; node != NULL; node = node->next)
		if (node->keylen == len && memcmp(node->key, key, len) == 0)
			return node;
	return NULL;
}

SdNode *
sd_map_map(SdNode *map, const char *key)
{
	SdNode *node = sd_map_find(map, key);

	if (node == NULL)
	{
		node = sd_node_map();
		sd_put(map, key, node);
	}
	return node;
}

void
sd_add(SdNode *list, SdNode *value)
{
	if (list->last == NULL)
		list->first = value;
	else
		list->last->next = value;
	list->last = value;
	value->next = NULL;
	list->len++;
}

void
sd_add_text(SdNode *list, const char *value)
{
	SdNode *node = new_node(SD_NODE_STRING);

	node->str = value;
	node->len = strlen(value);
	sd_add(list, node);
}

void
sd_put_bool(SdNode *map, const char *key, bool value)
{
	SdNode *node = new_node(SD_NODE_BOOL);

	node->boolean = value;
	sd_put(map, key, node);
}

void
sd_put_true(SdNode *map, const char *key, bool value)
{
	if (value)
		sd_put_bool(map, key, true);
}

void
sd_put_false(SdNode *map, const char *key, bool value)
{
	if (!value)
		sd_put_bool(map, key, false);
}

void
sd_put_int(SdNode *map, const char *key, int64 value)
{
	char *digits = have_reserve() ? reserve.digits[reserve.used] : palloc(INT64_DIGITS + 1);
	SdNode *node = new_node(SD_NODE_NUMBER);

	pg_lltoa(value, digits);
	node->str = digits;
	node->len = strlen(digits);
	sd_put(map, key, node);
}

void
sd_put_int_text(SdNode *map, const char *key, int64 value)
{
	sd_put_text(map, key, psprintf(INT64_FORMAT, value));
}

int
sd_key_compare(const SdNode *a, const SdNode *b, SdOrder order)
{
	int cmp = 0;

	if (order == SD_ORDER_BYTES || a->keylen == b->keylen)
		cmp = memcmp(a->key, b->key, Min(a->keylen, b->keylen));
	if (cmp != 0)
		return cmp;
	return a->keylen < b->keylen ? -1 : a->keylen > b->keylen;
}

/* Merges two sorted lists; members of the first one come first among equals. */
static SdNode *
merge_members(SdNode *a, SdNode *b, SdOrder order)
{
	SdNode *first;
	SdNode **link = &first;

	while (a != NULL && b != NULL)
	{
		SdNode **least = sd_key_compare(b, a, order) < 0 ? &b : &a;

		*link = *least;
		link = &(*least)->next;
		*least = *link;
	}
	*link = a != NULL ? a : b;
	return first;
}

/* Takes "count" members off the list and returns them sorted. */
static SdNode *
sort_members(SdNode **list, uint32 count, SdOrder order)
{
	SdNode *a;

	if (count == 1)
	{
		a = *list;
		*list = a->next;
		a->next = NULL;
		return a;
	}
	a = sort_members(list, count / 2, order);
	return merge_members(a, sort_members(list, count - count / 2, order), order);
}

/* A member with the start of its key as a number that orders as the keys do, unless it is the same. */
typedef struct Ranked
{
	uint64 rank;
	SdNode *node;
} Ranked;

#define FEW_MEMBERS 24

/* The first eight bytes of a key, with zeros after its end. */
static inline uint64
start_of_key(const SdNode *node)
{
	const uint8 *key = (const uint8 *) node->key;
	uint32 len = node->keylen;
	uint64 word;
	uint32 first, last;

	if (len >= sizeof(word))
	{
		memcpy(&word, key, sizeof(word));
		return pg_ntoh64(word);
	}
	if (len >= sizeof(first))
	{
		/* the two halves may overlap */
		memcpy(&first, key, sizeof(first));
		memcpy(&last, key + len - sizeof(last), sizeof(last));
		return (uint64) pg_ntoh32(first) << 32 | (uint64) pg_ntoh32(last) << (64 - 8 * len);
	}
	word = len > 0 ? (uint64) key[0] << 56 : 0;
	word |= len > 1 ? (uint64) key[1] << 48 : 0;
	return word | (len > 2 ? (uint64) key[2] << 40 : 0);
}

static inline uint64
rank(const SdNode *node, SdOrder order)
{
	if (order == SD_ORDER_BYTES)
		return start_of_key(node);
	return node->keylen < 255 ? (uint64) node->keylen << 56 | start_of_key(node) >> 8 : PG_UINT64_MAX;
}

static inline bool
is_after(const Ranked *a, const Ranked *b, SdOrder order)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return sd_key_compare(a->node, b->node, order) > 0;
}

/* Nearly all maps are small, and then insertion is faster than merging. */
static void
sort_few(SdNode *map, SdOrder order)
{
	Ranked members[FEW_MEMBERS];
	int count = 0;
	bool moved = false;

	for (SdNode *node = map->first; node != NULL; node = node->next)
	{
		Ranked member = { rank(node, order), node };
		int at;

		for (at = count++; at > 0 && is_after(&members[at - 1], &member, order); at--)
		{
			members[at] = members[at - 1];
			moved = true;
		}
		members[at] = member;
	}
	if (!moved)
		return;
	for (int i = 0; i < count; i++)
		members[i].node->next = i + 1 < count ? members[i + 1].node : NULL;
	map->first = members[0].node;
	map->last = members[count - 1].node;
}

void
sd_map_sort(SdNode *map, SdOrder order)
{
	SdNode *node = map->first;

	if (map->len < 2)
		return;
	if (map->len <= FEW_MEMBERS)
	{
		sort_few(map, order);
		return;
	}
	map->first = sort_members(&node, map->len, order);
	for (node = map->first; node->next != NULL;)
		node = node->next;
	map->last = node;
}

/* A type byte, or none for a key, then the length and the text. */
static inline void
append_text(StringInfo buf, const char *type, const char *text, uint32 length)
{
	uint32 n = pg_hton32(length);
	int start = type != NULL ? 1 : 0;
	char *place = sd_extend(buf, start + sizeof(n) + length);

	if (type != NULL)
		*place = *type;
	memcpy(place + start, &n, sizeof(n));
	memcpy(place + start + sizeof(n), text, length);
}

static void
encode(StringInfo buf, SdNode *node)
{
	static const char types[] = {
		[SD_NODE_MAP] = 'm',  [SD_NODE_LIST] = 'l',	  [SD_NODE_STRING] = 's',
		[SD_NODE_BOOL] = 'b', [SD_NODE_NUMBER] = 'i', [SD_NODE_NULL] = 'n',
	};
	const char *type = &types[node->type];
	char boolean = node->boolean;
	uint32 n = pg_hton32(node->len);

	switch (node->type)
	{
		case SD_NODE_MAP:
		case SD_NODE_LIST:
			check_stack_depth();
			if (node->type == SD_NODE_MAP)
				sd_map_sort(node, SD_ORDER_BYTES);
			sd_append(buf, type, 1);
			sd_append(buf, &n, sizeof(n));
			for (SdNode *member = node->first; member != NULL; member = member->next)
			{
				if (node->type == SD_NODE_MAP)
					append_text(buf, NULL, member->key, member->keylen);
				encode(buf, member);
			}
			break;
		case SD_NODE_STRING:
		case SD_NODE_NUMBER:
			append_text(buf, type, node->str, node->len);
			break;
		case SD_NODE_BOOL:
			sd_append(buf, type, 1);
			sd_append(buf, &boolean, 1);
			break;
		case SD_NODE_NULL:
			sd_append(buf, type, 1);
			break;
	}
}

/* Hash of the last short encoding of each facet: the same owner stands with most objects. */
#define MEMO_LENGTH 256
typedef struct HashMemo
{
	int len; /* 0 before the first */
	char data[MEMO_LENGTH];
	uint8 hash[SD_SHA256_LENGTH];
} HashMemo;

static void
hash_encoding(SdSha256 *sha, StringInfo encoding, HashMemo *memo, uint8 *out)
{
	if (encoding->len == memo->len && memcmp(encoding->data, memo->data, memo->len) == 0)
	{
		memcpy(out, memo->hash, SD_SHA256_LENGTH);
		return;
	}
	sd_sha256_begin(sha);
	sd_sha256_update(sha, encoding->data, encoding->len);
	sd_sha256_final(sha, out);
	if (encoding->len > MEMO_LENGTH)
		return;
	memo->len = encoding->len;
	memcpy(memo->data, encoding->data, encoding->len);
	memcpy(memo->hash, out, SD_SHA256_LENGTH);
}

void
sd_doc_hash(SdDoc *doc, SdSha256 *sha, StringInfo scratch, SdHashes *hashes)
{
	static HashMemo memos[SD_NFACETS];

	hashes->have = 0;
	for (int i = 0; i < SD_NFACETS; i++)
	{
		if (doc->facet[i] == NULL)
			continue;
		resetStringInfo(scratch);
		encode(scratch, doc->facet[i]);
		hash_encoding(sha, scratch, &memos[i], hashes->facet[i]);
		hashes->have |= 1 << i;
	}
}

void
sd_hashes_total(const SdHashes *hashes, SdSha256 *sha, uint8 *out)
{
	uint8 have = hashes->have;

	sd_sha256_begin(sha);
	sd_sha256_update(sha, &have, 1);
	for (int i = 0; i < SD_NFACETS; i++)
		if (hashes->have & (1 << i))
			sd_sha256_update(sha, hashes->facet[i], SD_SHA256_LENGTH);
	sd_sha256_final(sha, out);
}

static SdNode *
node_from_value(JsonbValue *value)
{
	SdNode *node;

	switch (value->type)
	{
		case jbvString:
			node = new_node(SD_NODE_STRING);
			node->str = value->val.string.val;
			node->len = value->val.string.len;
			return node;
		case jbvNumeric:
			node = new_node(SD_NODE_NUMBER);
			node->str = DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			node->len = strlen(node->str);
			return node;
		case jbvBool:
			node = new_node(SD_NODE_BOOL);
			node->boolean = value->val.boolean;
			return node;
		case jbvBinary:
			return sd_node_from_jsonb(value->val.binary.data);
		default:
			return new_node(SD_NODE_NULL);
	}
}

SdNode *
sd_node_from_jsonb(JsonbContainer *container)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue value;
	JsonbIteratorToken token = JsonbIteratorNext(&it, &value, true);
	SdNode *node = new_node(token == WJB_BEGIN_OBJECT ? SD_NODE_MAP : SD_NODE_LIST);
	const char *key = NULL;
	uint32 keylen = 0;

	check_stack_depth();
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			key = value.val.string.val;
			keylen = value.val.string.len;
		}
		else if (token == WJB_VALUE || token == WJB_ELEM)
		{
			SdNode *member = node_from_value(&value);

			member->key = key;
			member->keylen = keylen;
			sd_add(node, member);
		}
	}
	return node;
}
