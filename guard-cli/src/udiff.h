/*
 * udiff.h
 *	  Unified difference of two texts, line by line.
 */
#ifndef MG_UDIFF_H
#define MG_UDIFF_H

#include "arena.h"

/*
 * Gets each line of the result: the head of a hunk ('@'), a line of both texts
 * (' '), of the old one ('-'), of the new one ('+'), or the remark that the line
 * before has no end ('\\').  The text is terminated and has no line end.
 */
typedef void (*MgUdiffWriter)(void *arg, char mark, const char *text);

/* Hunks with that many lines around each change; false, and nothing written, for equal texts. */
extern bool mg_udiff(MgArena *arena, const char *old_text, const char *new_text, int around,
					 MgUdiffWriter writer, void *arg);

#endif
