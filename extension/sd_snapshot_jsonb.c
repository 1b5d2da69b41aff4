/*
 * sd_snapshot_jsonb.c
 *	  Trees of definitions as jsonb, written in its stored form.
 *
 * The server builds jsonb from a second tree, which costs more than all other
 * work on an object.  Here the sorted members of the tree go straight into the
 * buffer.  The form is that of jsonb.h and, for integers, of numeric.c; both are
 * on disk since long and cannot change without a dump.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "sd_snapshot_doc.h"

/* Short form of a numeric: a header of 16 bits and digits of base 10000. */
#define NUMERIC_BASE		 10000
#define NUMERIC_SHORT		 0x8000
#define NUMERIC_SHORT_MINUS	 0x2000
#define NUMERIC_MAX_DIGITS	 5	/* of an int64 */
#define INT64_DECIMAL_DIGITS 18 /* that fit for certain */

static JEntry write_node(StringInfo buf, SdNode *node);

static inline void
pad(StringInfo buf)
{
	while (buf->len != INTALIGN(buf->len))
		*sd_extend(buf, 1) = '\0';
}

/* Whether the text is an integer that surely fits; nearly all numbers are. */
static bool
parse_integer(const SdNode *node, int64 *result)
{
	uint32 start = node->len > 0 && node->str[0] == '-' ? 1 : 0;
	int64 value = 0;

	if (node->len == start || node->len - start > INT64_DECIMAL_DIGITS)
		return false;
	for (uint32 i = start; i < node->len; i++)
	{
		if (node->str[i] < '0' || node->str[i] > '9')
			return false;
		value = value * 10 + (node->str[i] - '0');
	}
	*result = start ? -value : value;
	return true;
}

static void
write_integer(StringInfo buf, int64 value)
{
	struct
	{
		int32 header;
		uint16 n_header;
		int16 digits[NUMERIC_MAX_DIGITS];
	} numeric;
	int16 digits[NUMERIC_MAX_DIGITS];
	uint64 rest = value < 0 ? -(uint64) value : (uint64) value;
	int count = 0;
	int zeros = 0;
	Size size;

	while (rest > 0)
	{
		digits[count++] = rest % NUMERIC_BASE;
		rest /= NUMERIC_BASE;
	}
	while (zeros < count && digits[zeros] == 0)
		zeros++;
	numeric.n_header = NUMERIC_SHORT | (count > 0 ? count - 1 : 0);
	if (value < 0)
		numeric.n_header |= NUMERIC_SHORT_MINUS;
	for (int i = zeros; i < count; i++)
		numeric.digits[count - 1 - i] = digits[i];
	size = VARHDRSZ + sizeof(uint16) + (count - zeros) * sizeof(int16);
	SET_VARSIZE(&numeric, size);
	sd_append(buf, &numeric, size);
}

static JEntry
write_number(StringInfo buf, SdNode *node)
{
	int start = buf->len;
	int64 value;

	pad(buf);
	if (parse_integer(node, &value))
		write_integer(buf, value);
	else
	{
		Datum numeric =
			DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(node->str, node->len)),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

		sd_append(buf, DatumGetPointer(numeric), VARSIZE_ANY(DatumGetPointer(numeric)));
	}
	return JENTRY_ISNUMERIC | (buf->len - start);
}

/* Entries of a container while its content is written behind them. */
typedef struct Entries
{
	int offset; /* of the first one in the buffer */
	int count;
	uint32 length; /* of the content so far */
} Entries;

static Entries
reserve_entries(StringInfo buf, uint32 header, int count)
{
	Entries entries;

	sd_append(buf, &header, sizeof(header));
	entries.offset = buf->len;
	entries.count = 0;
	entries.length = 0;
	(void) sd_extend(buf, count * sizeof(JEntry));
	return entries;
}

/* Every so often an entry carries an offset instead of a length. */
static inline void
set_entry(StringInfo buf, Entries *entries, JEntry entry)
{
	entries->length += JBE_OFFLENFLD(entry);
	if (entries->length > JENTRY_OFFLENMASK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("definition of an object is too long for jsonb")));
	if (entries->count % JB_OFFSET_STRIDE == 0)
		entry = (entry & JENTRY_TYPEMASK) | entries->length | JENTRY_HAS_OFF;
	memcpy(buf->data + entries->offset + entries->count * sizeof(JEntry), &entry, sizeof(JEntry));
	entries->count++;
}

/* A key that is there twice keeps its last value, as in the server. */
static void
drop_doubles(SdNode *map)
{
	SdNode **link = &map->first;

	while (*link != NULL && (*link)->next != NULL)
	{
		if (sd_key_compare(*link, (*link)->next, SD_ORDER_LENGTH_FIRST) == 0)
		{
			*link = (*link)->next;
			map->len--;
		}
		else
			link = &(*link)->next;
	}
}

static JEntry
write_map(StringInfo buf, SdNode *map)
{
	int start = buf->len;
	Entries entries;

	check_stack_depth();
	sd_map_sort(map, SD_ORDER_LENGTH_FIRST);
	drop_doubles(map);
	pad(buf);
	entries = reserve_entries(buf, JB_FOBJECT | map->len, 2 * map->len);
	for (SdNode *member = map->first; member != NULL; member = member->next)
	{
		sd_append(buf, member->key, member->keylen);
		set_entry(buf, &entries, JENTRY_ISSTRING | member->keylen);
	}
	for (SdNode *member = map->first; member != NULL; member = member->next)
	{
		JEntry entry = write_node(buf, member);

		set_entry(buf, &entries, entry);
	}
	return JENTRY_ISCONTAINER | (buf->len - start);
}

static JEntry
write_list(StringInfo buf, SdNode *list)
{
	int start = buf->len;
	Entries entries;

	check_stack_depth();
	pad(buf);
	entries = reserve_entries(buf, JB_FARRAY | list->len, list->len);
	for (SdNode *member = list->first; member != NULL; member = member->next)
	{
		JEntry entry = write_node(buf, member);

		set_entry(buf, &entries, entry);
	}
	return JENTRY_ISCONTAINER | (buf->len - start);
}

/* Appends a value; the result is its entry, with its length. */
static JEntry
write_node(StringInfo buf, SdNode *node)
{
	switch (node->type)
	{
		case SD_NODE_MAP:
			return write_map(buf, node);
		case SD_NODE_LIST:
			return write_list(buf, node);
		case SD_NODE_STRING:
			sd_append(buf, node->str, node->len);
			return JENTRY_ISSTRING | node->len;
		case SD_NODE_NUMBER:
			return write_number(buf, node);
		case SD_NODE_BOOL:
			return node->boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
		case SD_NODE_NULL:
			break;
	}
	return JENTRY_ISNULL;
}

/* A value that is neither object nor array is stored as an array of one with a mark. */
Jsonb *
sd_node_to_jsonb(SdNode *node)
{
	bool scalar = node->type != SD_NODE_MAP && node->type != SD_NODE_LIST;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoSpaces(&buf, VARHDRSZ);
	if (scalar)
	{
		SdNode value = *node;
		SdNode list = { .type = SD_NODE_LIST };

		value.next = NULL;
		value.key = NULL;
		sd_add(&list, &value);
		(void) write_node(&buf, &list);
		((Jsonb *) buf.data)->root.header |= JB_FSCALAR;
	}
	else
		(void) write_node(&buf, node);
	SET_VARSIZE(buf.data, buf.len);
	return (Jsonb *) buf.data;
}

Jsonb *
sd_doc_to_jsonb(SdDoc *doc)
{
	SdNode map = { .type = SD_NODE_MAP };

	for (int i = 0; i < SD_NFACETS; i++)
		if (doc->facet[i] != NULL)
			sd_put(&map, sd_facet_names[i], doc->facet[i]);
	/* the same for every one, because it is stored under the hash of no facets */
	sd_put_true(&map, "unread", doc->unread != NULL);
	return sd_node_to_jsonb(&map);
}
