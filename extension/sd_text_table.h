/*
 * sd_text_table.h
 *	  Hash tables by text of any length.
 *
 * dynahash keeps a key of text in its entries, at a size that is the same for all of
 * them, and takes two that differ behind it for one: the identity of a function with
 * many arguments is longer than any size worth having.
 */
#ifndef SD_TEXT_TABLE_H
#define SD_TEXT_TABLE_H

#include "utils/hsearch.h"

/* A table in the current context; each entry begins with its key, a const char *. */
extern HTAB *sd_text_table(const char *name, Size entrysize);
/* As hash_search.  The key of a new entry is not copied: it lives as long as the table. */
extern void *sd_text_search(HTAB *table, const char *key, HASHACTION action, bool *found);

#endif
