/*
 * sd_words.c
 *	  Texts by the words in them.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "sd_words.h"

struct SdWords
{
	MemoryContext context;
	HTAB *by_word;
	List *all;
};

/* Items of all words of one hash. */
typedef struct Entry
{
	uint32 hash; /* the key */
	List *items;
} Entry;

SdWords *
sd_words_create(void)
{
	SdWords *words = palloc0(sizeof(SdWords));
	HASHCTL options = { .keysize = sizeof(uint32),
						.entrysize = sizeof(Entry),
						.hcxt = CurrentMemoryContext };

	words->context = CurrentMemoryContext;
	words->by_word =
		hash_create("safedeploy words", 256, &options, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return words;
}

/* is_word_char takes the characters of names that need no quotes, and of other alphabets. */
static bool
is_word_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		   c >= 0x80;
}

/* next_word finds the next word of a text from *pos on, and its hash; false at the end. */
static bool
next_word(const char *text, int len, int *pos, uint32 *hash)
{
	uint32 h = 0;
	int i = *pos;

	while (i < len && !is_word_char(text[i]))
		i++;
	if (i == len)
		return false;
	for (; i < len && is_word_char(text[i]); i++)
		h = (h ^ pg_ascii_tolower((unsigned char) text[i])) * 16777619;
	*hash = murmurhash32(h);
	*pos = i;
	return true;
}

void
sd_words_add(SdWords *words, const char *text, int len, void *item)
{
	MemoryContext old = MemoryContextSwitchTo(words->context);
	int pos = 0;
	uint32 hash;

	words->all = lappend(words->all, item);
	while (next_word(text, len, &pos, &hash))
	{
		bool found;
		Entry *entry = hash_search(words->by_word, &hash, HASH_ENTER, &found);

		if (!found)
			entry->items = NIL;
		if (entry->items == NIL || llast(entry->items) != item)
			entry->items = lappend(entry->items, item);
	}
	MemoryContextSwitchTo(old);
}

List *
sd_words_find(SdWords *words, const char *name)
{
	int pos = 0;
	uint32 hash;
	Entry *entry;

	if (!next_word(name, strlen(name), &pos, &hash))
		return words->all;
	entry = hash_search(words->by_word, &hash, HASH_FIND, NULL);
	return entry == NULL ? NIL : entry->items;
}
