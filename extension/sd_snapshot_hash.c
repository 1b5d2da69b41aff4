/*
 * sd_snapshot_hash.c
 *	  From the hashes of objects to the hash of a schema.
 *
 * The root of a facet covers kind, identity and facet hash of every object that
 * has the facet, in order of kind and identity.  A fingerprint covers the name
 * and root of each chosen facet.  So a fingerprint can be made of stored hashes
 * alone, for any choice of facets.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bswap.h"

#include "sd_snapshot.h"

/* Changes whenever the canonical encoding or the content of definitions does. */
#define SD_FINGERPRINT_FORMAT "safedeploy fingerprint 1"

#define FLUSH_LENGTH 4096

SdEntries *
sd_entries_create(void)
{
	SdEntries *entries = palloc0(sizeof(SdEntries));

	entries->size = 1024;
	entries->items = palloc(entries->size * sizeof(SdObjectHash));
	return entries;
}

SdObjectHash *
sd_entries_add(SdEntries *entries)
{
	if (entries->count == entries->size)
	{
		entries->size *= 2;
		entries->items = repalloc_huge(entries->items, entries->size * sizeof(SdObjectHash));
	}
	return &entries->items[entries->count++];
}

int
sd_compare_entries(const SdObjectHash *x, const SdObjectHash *y)
{
	int cmp = x->kind == y->kind ? 0 : strcmp(x->kind, y->kind);

	return cmp != 0 ? cmp : strcmp(x->identity, y->identity);
}

static int
compare_places(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return sd_compare_entries(*(SdObjectHash *const *) a, *(SdObjectHash *const *) b);
}

/* Moves each entry once to where the order of the pointers wants it, in place. */
static void
permute(SdObjectHash *items, SdObjectHash **order, int count)
{
	for (int i = 0; i < count; i++)
	{
		SdObjectHash first = items[i];
		int at = i;

		while (order[at] != &items[i])
		{
			int from = order[at] - items;

			items[at] = items[from];
			order[at] = &items[at];
			at = from;
		}
		items[at] = first;
		order[at] = &items[at];
	}
}

/* Entries are large, so pointers are sorted. */
void
sd_entries_sort(SdEntries *entries)
{
	SdObjectHash **order;

	if (entries->count == 0)
		return;
	order = palloc_extended(entries->count * sizeof(SdObjectHash *), MCXT_ALLOC_HUGE);
	for (int i = 0; i < entries->count; i++)
		order[i] = &entries->items[i];
	qsort(order, entries->count, sizeof(SdObjectHash *), compare_places);
	permute(entries->items, order, entries->count);
	pfree(order);
}

static void
append_text(StringInfo buf, const char *text)
{
	uint32 length = strlen(text);
	uint32 n = pg_hton32(length);

	sd_append(buf, &n, sizeof(n));
	sd_append(buf, text, length);
}

/* Small pieces are gathered, because each call of the library costs as much as a block. */
static void
flush(SdSha256 *sha, StringInfo buf)
{
	sd_sha256_update(sha, buf->data, buf->len);
	resetStringInfo(buf);
	CHECK_FOR_INTERRUPTS();
}

void
sd_entries_root(SdEntries *entries, SdFacet facet, SdSha256 *sha, uint8 *out)
{
	StringInfoData buf;

	initStringInfo(&buf);
	sd_sha256_begin(sha);
	for (int i = 0; i < entries->count; i++)
	{
		SdObjectHash *entry = &entries->items[i];

		if ((entry->hashes.have & (1 << facet)) == 0)
			continue;
		append_text(&buf, entry->kind);
		append_text(&buf, entry->identity);
		sd_append(&buf, entry->hashes.facet[facet], SD_SHA256_LENGTH);
		if (buf.len > FLUSH_LENGTH)
			flush(sha, &buf);
	}
	flush(sha, &buf);
	pfree(buf.data);
	sd_sha256_final(sha, out);
}

char *
sd_roots_fingerprint(uint8 roots[][SD_SHA256_LENGTH], uint32 facets, SdSha256 *sha)
{
	StringInfoData buf;
	uint8 out[SD_SHA256_LENGTH];

	initStringInfo(&buf);
	sd_sha256_begin(sha);
	append_text(&buf, SD_FINGERPRINT_FORMAT);
	for (int i = 0; i < SD_NFACETS; i++)
	{
		if ((facets & (1 << i)) == 0)
			continue;
		append_text(&buf, sd_facet_names[i]);
		sd_append(&buf, roots[i], SD_SHA256_LENGTH);
	}
	flush(sha, &buf);
	sd_sha256_final(sha, out);
	return sd_hex(out, SD_SHA256_LENGTH);
}

char *
sd_hex(const uint8 *data, int len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = palloc(len * 2 + 1);

	for (int i = 0; i < len; i++)
	{
		text[i * 2] = digits[data[i] >> 4];
		text[i * 2 + 1] = digits[data[i] & 15];
	}
	text[len * 2] = '\0';
	return text;
}

Datum
sd_hash_datum(const uint8 *hash)
{
	bytea *result = palloc(VARHDRSZ + SD_SHA256_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + SD_SHA256_LENGTH);
	memcpy(VARDATA(result), hash, SD_SHA256_LENGTH);
	return PointerGetDatum(result);
}
