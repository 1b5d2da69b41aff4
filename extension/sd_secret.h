/*
 * sd_secret.h
 *	  Statements whose text may hold a password, a token or a connection string.
 */
#ifndef SD_SECRET_H
#define SD_SECRET_H

#include "nodes/nodes.h"

/* sd_statement_may_hold_secret judges a statement by its kind and options. */
extern bool sd_statement_may_hold_secret(Node *statement);

/*
 * sd_text_may_hold_secret judges a text by its words, for bodies of functions and
 * DO blocks: words that stand beside passwords, and URLs with one in them.
 */
extern bool sd_text_may_hold_secret(const char *text, int len);

/*
 * sd_text_to_keep returns the text of a statement as records keep it: as it is, or
 * its shape when it may hold a secret, which "statement" tells where it is known;
 * NULL when there is neither.  At most "limit" bytes, palloc'd.
 */
extern char *sd_text_to_keep(Node *statement, const char *text, int len, int limit);

/*
 * sd_text_shape returns a text without comments and with "***" in place of each
 * literal, with "numbers" of each number too; palloc'd.  NULL when the session's setting of strings makes that unsure.
 */
extern char *sd_text_shape(const char *text, int len, bool numbers);

#endif
