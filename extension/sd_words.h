/*
 * sd_words.h
 *	  Texts by the words in them, to find those that can name something.
 */
#ifndef SD_WORDS_H
#define SD_WORDS_H

#include "nodes/pg_list.h"

typedef struct SdWords SdWords;

/* sd_words_create makes an index in the current memory context. */
extern SdWords *sd_words_create(void);

/* sd_words_add adds a text by all its words. */
extern void sd_words_add(SdWords *words, const char *text, int len, void *item);

/*
 * sd_words_find lists, in the order in which they were added, all items whose text
 * may have a name in it, in any case and also inside strings; and some others.
 */
extern List *sd_words_find(SdWords *words, const char *name);

#endif
