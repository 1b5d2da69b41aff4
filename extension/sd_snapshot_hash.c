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

#include "port/pg_bswap.h"

#include "sd_snapshot.h"

/* Changes whenever the canonical encoding or the content of definitions does. */
#define SD_FINGERPRINT_FORMAT "safedeploy fingerprint 1"

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

static int
compare_entries(const void *a, const void *b)
{
	const SdObjectHash *x = a;
	const SdObjectHash *y = b;
	int cmp = strcmp(x->kind, y->kind);

	return cmp != 0 ? cmp : strcmp(x->identity, y->identity);
}

void
sd_entries_sort(SdEntries *entries)
{
	qsort(entries->items, entries->count, sizeof(SdObjectHash), compare_entries);
}

static void
update_text(SdSha256 *sha, const char *text)
{
	uint32 length = strlen(text);
	uint32 n = pg_hton32(length);

	sd_sha256_update(sha, &n, sizeof(n));
	sd_sha256_update(sha, text, length);
}

void
sd_entries_root(SdEntries *entries, SdFacet facet, SdSha256 *sha, uint8 *out)
{
	sd_sha256_begin(sha);
	for (int i = 0; i < entries->count; i++)
	{
		SdObjectHash *entry = &entries->items[i];

		if ((entry->hashes.have & (1 << facet)) == 0)
			continue;
		update_text(sha, entry->kind);
		update_text(sha, entry->identity);
		sd_sha256_update(sha, entry->hashes.facet[facet], SD_SHA256_LENGTH);
	}
	sd_sha256_final(sha, out);
}

char *
sd_roots_fingerprint(uint8 roots[][SD_SHA256_LENGTH], uint32 facets, SdSha256 *sha)
{
	uint8 out[SD_SHA256_LENGTH];

	sd_sha256_begin(sha);
	update_text(sha, SD_FINGERPRINT_FORMAT);
	for (int i = 0; i < SD_NFACETS; i++)
	{
		if ((facets & (1 << i)) == 0)
			continue;
		update_text(sha, sd_facet_names[i]);
		sd_sha256_update(sha, roots[i], SD_SHA256_LENGTH);
	}
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
