/*
 * lint_place.c
 *	  Places in a text: bytes, the server's positions, lines and columns.
 */
#include "lint_place.h"

#include <string.h>

void
mg_cursor_init(MgCursor *cursor, const char *text, bool in_bytes)
{
	memset(cursor, 0, sizeof *cursor);
	cursor->text = text;
	cursor->in_bytes = in_bytes;
	cursor->position = cursor->line = cursor->column = 1;
}

static void
step(MgCursor *cursor)
{
	const char *at = cursor->text + cursor->offset;
	bool last = ((unsigned char) at[1] & 0xC0) != 0x80;

	cursor->offset++;
	if (last || cursor->in_bytes)
		cursor->position++;
	if (!last)
		return;
	if (*at == '\n')
	{
		cursor->line++;
		cursor->column = 1;
		cursor->line_start = cursor->offset;
	}
	else if (cursor->offset != 3 || memcmp(cursor->text, "\xEF\xBB\xBF", 3) != 0)
		cursor->column++;
}

void
mg_cursor_to_offset(MgCursor *cursor, size_t offset)
{
	if (offset < cursor->offset)
		mg_cursor_init(cursor, cursor->text, cursor->in_bytes);
	while (cursor->offset < offset && cursor->text[cursor->offset] != '\0')
		step(cursor);
}

void
mg_cursor_to_position(MgCursor *cursor, long position)
{
	if (position < cursor->position)
		mg_cursor_init(cursor, cursor->text, cursor->in_bytes);
	while (cursor->position < position && cursor->text[cursor->offset] != '\0')
		step(cursor);
	/* not in the middle of a character */
	while (!cursor->in_bytes && ((unsigned char) cursor->text[cursor->offset] & 0xC0) == 0x80)
		step(cursor);
}
