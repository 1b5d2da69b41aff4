/*
 * mask.h
 *	  Secrets that nobody has told of, known by the words that stand before them.
 */
#ifndef MG_MASK_H
#define MG_MASK_H

#include <stdbool.h>

#include "arena.h"

/*
 * mg_mask returns the text with "***" for what follows a word like PASSWORD, as a
 * literal or after "=", and for the password of a URL.  In the text of JSON no secret
 * goes beyond the string that it is in.
 */
extern char *mg_mask(MgArena *arena, const char *text, bool json);

#endif
