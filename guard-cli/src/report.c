/*
 * report.c
 *	  Tables and pairs on stdout.
 */
#include "report.h"

#include <string.h>

#include "log.h"
#include "text.h"

#define MG_PAIR_WIDTH 18

char *
mg_report_clean(MgArena *arena, const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	if (text != NULL)
		mg_text_escape(&buf, mg_log_redact(arena, text));
	return buf.data;
}

char *
mg_report_color(const MgContext *context, MgColor color, const char *text)
{
	static const char *const codes[] = { "", "1", "31", "32", "33", "2" };

	if (!context->color || color == MG_COLOR_NONE)
		return mg_strdup(context->arena, text);
	return mg_printf(context->arena, "\033[%sm%s\033[0m", codes[color], text);
}

char *
mg_report_time(MgArena *arena, const char *iso)
{
	const char *zone;
	char *text;

	if (iso == NULL || strlen(iso) < 19)
		return mg_strdup(arena, iso != NULL ? iso : "");
	zone = iso + 19 + strspn(iso + 19, ".0123456789");
	text = mg_printf(arena, "%.19s%s", iso, zone);
	if (text[10] == 'T')
		text[10] = ' ';
	return text;
}

/* Cuts a text to a width, on a character. */
static char *
cut(MgArena *arena, const char *text, int width)
{
	const char *p = text;

	if (width == 0 || mg_text_width(text) <= width)
		return mg_strdup(arena, text);
	for (int n = 0; n < width - 1; n++)
		do
			p++;
		while (((unsigned char) *p & 0xC0) == 0x80);
	return mg_printf(arena, "%.*s~", (int) (p - text), text);
}

void
mg_report_table(const MgContext *context, const MgRows *rows, const MgColumn *columns)
{
	int count = 0;
	int *widths;
	char **cells;
	MgBuf out;

	while (columns[count].name != NULL)
		count++;
	widths = mg_alloc(context->arena, (size_t) count * sizeof(int));
	cells = mg_alloc(context->arena, (size_t) count * (size_t) (rows->count + 1) * sizeof(char *));
	for (int c = 0; c < count; c++)
		for (int r = -1; r < rows->count; r++)
		{
			const char *raw = r < 0 ? columns[c].title : mg_rows_get(rows, r, columns[c].name);
			char *cell =
				cut(context->arena, mg_report_clean(context->arena, raw), columns[c].max_width);

			cells[(r + 1) * count + c] = cell;
			if (mg_text_width(cell) > widths[c])
				widths[c] = mg_text_width(cell);
		}
	mg_buf_init(&out, context->arena);
	for (int r = 0; r <= rows->count; r++)
	{
		for (int c = 0; c < count; c++)
		{
			char *cell = cells[r * count + c];

			mg_buf_add(&out, r == 0 ? mg_report_color(context, MG_COLOR_BOLD, cell) : cell);
			/* nothing trails the last column */
			if (c + 1 < count)
				mg_buf_addf(&out, "%*s", widths[c] - mg_text_width(cell) + 2, "");
		}
		mg_buf_add(&out, "\n");
	}
	fwrite(out.data, 1, out.len, stdout);
}

void
mg_report_pair(const MgContext *context, const char *name, const char *value)
{
	if (value != NULL)
		printf("%-*s %s\n", MG_PAIR_WIDTH, mg_printf(context->arena, "%s:", name),
			   mg_report_clean(context->arena, value));
}
