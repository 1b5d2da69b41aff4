/*
 * sd_text_table.c
 *	  Hash tables by text of any length.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "sd_text_table.h"

static uint32
hash_text(const void *key, Size keysize)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
compare_texts(const void *a, const void *b, Size keysize)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

HTAB *
sd_text_table(const char *name, Size entrysize)
{
	HASHCTL control = { .keysize = sizeof(const char *),
						.entrysize = entrysize,
						.hash = hash_text,
						.match = compare_texts,
						.hcxt = CurrentMemoryContext };

	return hash_create(name, 256, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

void *
sd_text_search(HTAB *table, const char *key, HASHACTION action, bool *found)
{
	return hash_search(table, &key, action, found);
}
