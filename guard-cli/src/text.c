/*
 * text.c
 *	  Escaping, UTF-8, near matches.
 */
#include "text.h"

#include <stdint.h>
#include <string.h>

int
mg_text_utf8_length(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *) s;
	int len = p[0] < 0x80				  ? 1 :
			  p[0] >= 0xC2 && p[0] < 0xE0 ? 2 :
			  (p[0] & 0xF0) == 0xE0		  ? 3 :
			  p[0] >= 0xF0 && p[0] < 0xF5 ? 4 :
											0;

	if (len == 0 || end - s < len)
		return 0;
	for (int i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	/* overlong forms, surrogates, above U+10FFFF */
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
		(p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return len;
}

bool
mg_text_is_utf8(const char *text, size_t len)
{
	for (const char *p = text; p < text + len;)
	{
		int step = mg_text_utf8_length(p, text + len);

		if (step == 0)
			return false;
		p += step;
	}
	return true;
}

const char *
mg_text_as_utf8(MgArena *arena, const char *text)
{
	const char *end = text != NULL ? text + strlen(text) : NULL;
	MgBuf buf;

	if (text == NULL || mg_text_is_utf8(text, strlen(text)))
		return text;
	mg_buf_init(&buf, arena);
	for (const char *p = text; p < end;)
	{
		int len = mg_text_utf8_length(p, end);

		if (len > 0)
			mg_buf_add_bytes(&buf, p, (size_t) len);
		else
			mg_buf_addf(&buf, "\\x%02x", (unsigned char) *p);
		p += len > 0 ? len : 1;
	}
	return buf.data;
}

static uint32_t
codepoint(const char *s, int len)
{
	const unsigned char *p = (const unsigned char *) s;

	switch (len)
	{
		case 1:
			return p[0];
		case 2:
			return (uint32_t) (p[0] & 0x1F) << 6 | (p[1] & 0x3F);
		case 3:
			return (uint32_t) (p[0] & 0x0F) << 12 | (uint32_t) (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
		default:
			return (uint32_t) (p[0] & 0x07) << 18 | (uint32_t) (p[1] & 0x3F) << 12 |
				   (uint32_t) (p[2] & 0x3F) << 6 | (p[3] & 0x3F);
	}
}

/* Controls, and the marks with which a name can make a terminal show another one. */
static bool
is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x00AD || (c >= 0x200B && c <= 0x200F) ||
		   (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
		   c == 0x061C || c == 0x180E || (c >= 0xE0000 && c <= 0xE007F);
}

void
mg_text_escape(MgBuf *buf, const char *text)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p < end;)
	{
		int len = mg_text_utf8_length(p, end);
		uint32_t c = len > 0 ? codepoint(p, len) : 0;

		if (len == 0)
			mg_buf_addf(buf, "\\x%02x", (unsigned char) *p);
		else if (!is_hidden(c))
			mg_buf_add_bytes(buf, p, (size_t) len);
		else if (c == '\n')
			mg_buf_add(buf, "\\n");
		else if (c == '\t')
			mg_buf_add(buf, "\\t");
		else if (c == '\r')
			mg_buf_add(buf, "\\r");
		else if (c < 0x100)
			mg_buf_addf(buf, "\\x%02x", c);
		else
			mg_buf_addf(buf, "\\u%04x", c);
		p += len > 0 ? len : 1;
	}
}

/* JSON knows 16 bits; what is above takes two. */
static void
add_json_escape(MgBuf *buf, uint32_t c)
{
	if (c < 0x10000)
		mg_buf_addf(buf, "\\u%04x", c);
	else
		mg_buf_addf(buf, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10),
					0xDC00 + ((c - 0x10000) & 0x3FF));
}

void
mg_text_json(MgBuf *buf, const char *text)
{
	const char *end = text + strlen(text);

	mg_buf_add(buf, "\"");
	for (const char *p = text; p < end;)
	{
		int len = mg_text_utf8_length(p, end);
		unsigned char c = (unsigned char) *p;

		if (len == 0)
			mg_buf_add(buf, "\xEF\xBF\xBD");
		else if (c == '"' || c == '\\')
			mg_buf_addf(buf, "\\%c", c);
		else if (c == '\n')
			mg_buf_add(buf, "\\n");
		else if (c == '\t')
			mg_buf_add(buf, "\\t");
		else if (is_hidden(codepoint(p, len)))
			add_json_escape(buf, codepoint(p, len));
		else
			mg_buf_add_bytes(buf, p, (size_t) len);
		p += len > 0 ? len : 1;
	}
	mg_buf_add(buf, "\"");
}

char *
mg_text_json_escaped(MgArena *arena, const char *json)
{
	const char *end = json + strlen(json);
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (const char *p = json; p < end;)
	{
		int len = mg_text_utf8_length(p, end);
		bool wide = len > 1 || (unsigned char) *p == 0x7F;

		if (wide && is_hidden(codepoint(p, len)))
			add_json_escape(&buf, codepoint(p, len));
		else
			mg_buf_add_bytes(&buf, p, (size_t) (len > 0 ? len : 1));
		p += len > 0 ? len : 1;
	}
	return buf.data;
}

int
mg_text_width(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char) *text & 0xC0) != 0x80)
			width++;
	return width;
}

int
mg_text_distance(const char *a, const char *b)
{
	int row[64];
	int la = (int) strlen(a);
	int lb = (int) strlen(b);

	if (la > 60 || lb > 60)
		return 99;
	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++)
	{
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= lb; j++)
		{
			int above = row[j];
			int best = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[lb];
}

char *
mg_text_percent(MgArena *arena, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			mg_buf_add_bytes(&buf, text, 1);
		else
			mg_buf_addf(&buf, "%%%02X", (unsigned char) *text);
	return buf.data;
}

char *
mg_text_duration(MgArena *arena, long long us)
{
	long long s = us / 1000000;

	if (us < 1000000)
		return mg_printf(arena, "%lld ms", us / 1000);
	if (s < 60)
		return mg_printf(arena, "%.1f s", (double) us / 1e6);
	if (s < 3600)
		return mg_printf(arena, "%lld min %lld s", s / 60, s % 60);
	return mg_printf(arena, "%lld h %lld min", s / 3600, s / 60 % 60);
}

char *
mg_text_count(MgArena *arena, int count, const char *noun)
{
	/* English of the nouns in use; "retry" is the one that is not regular */
	bool y = noun[strlen(noun) - 1] == 'y';

	if (count == 1)
		return mg_printf(arena, "1 %s", noun);
	return mg_printf(arena, "%d %.*s%s", count, (int) (strlen(noun) - (y ? 1 : 0)), noun,
					 y ? "ies" : "s");
}
