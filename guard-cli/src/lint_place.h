/*
 * lint_place.h
 *	  Places in a text: bytes, the server's positions, lines and columns.
 */
#ifndef MG_LINT_PLACE_H
#define MG_LINT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* A place that moves forward cheaply, and back by beginning again. */
typedef struct MgCursor
{
	const char *text;
	bool in_bytes; /* the server's positions count bytes, not characters */
	size_t offset; /* in bytes, from 0 */
	long position; /* as the server counts, from 1 */
	int line;	   /* from 1 */
	int column;	   /* in characters, from 1; a byte order mark has none */
	size_t line_start;
} MgCursor;

extern void mg_cursor_init(MgCursor *cursor, const char *text, bool in_bytes);
/* Neither goes beyond the end of the text. */
extern void mg_cursor_to_offset(MgCursor *cursor, size_t offset);
extern void mg_cursor_to_position(MgCursor *cursor, long position);

#endif
