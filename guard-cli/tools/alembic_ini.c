/*
 * alembic_ini.c
 *	  Values in an alembic.ini, and a copy of the file with another database URL.
 *
 * Reads lines as Python's ConfigParser does: "key = value" or "key: value",
 * comments in lines of their own, further lines of a value indented, keys in
 * any case, [DEFAULT] for all sections.
 */
#include "alembic_ini.h"

#include <string.h>
#include <strings.h>

typedef struct Line
{
	const char *text;
	size_t len; /* without the line end */
	const char *next;
	bool blank; /* empty, or a comment */
	bool continues;
} Line;

static bool
next_line(const char **at, Line *line)
{
	const char *p = *at;

	if (*p == '\0')
		return false;
	line->text = p;
	line->len = strcspn(p, "\n");
	line->next = p + line->len + (p[line->len] == '\n');
	*at = line->next;
	while (line->len > 0 && line->text[line->len - 1] == '\r')
		line->len--;
	line->continues = line->len > 0 && (p[0] == ' ' || p[0] == '\t');
	p += strspn(p, " \t");
	line->blank = p >= line->text + line->len || *p == '#' || *p == ';';
	return true;
}

/* "[name]" */
static char *
section_name(MgArena *arena, const Line *line)
{
	const char *end;

	if (line->blank || line->continues || line->text[0] != '[')
		return NULL;
	end = memchr(line->text, ']', line->len);
	return end != NULL ? mg_strndup(arena, line->text + 1, (size_t) (end - line->text - 1)) : NULL;
}

/* The value when the line sets the key, else NULL. */
static const char *
value_of(const Line *line, const char *key)
{
	size_t len = strlen(key);
	const char *p = line->text + len;
	const char *end = line->text + line->len;

	if (line->blank || line->continues || line->len <= len || strncasecmp(line->text, key, len) != 0)
		return NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || (*p != '=' && *p != ':'))
		return NULL;
	p++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool
in_section(const char *name, const char *section)
{
	return name != NULL && (strcmp(name, section) == 0 || strcmp(name, "DEFAULT") == 0);
}

char *
mg_alembic_ini_value(MgArena *arena, const char *text, const char *section, const char *key)
{
	const char *name = NULL;
	char *found = NULL;
	bool own = false;
	Line line;

	while (next_line(&text, &line))
	{
		char *header = section_name(arena, &line);
		const char *value;

		if (header != NULL)
			name = header;
		value = in_section(name, section) ? value_of(&line, key) : NULL;
		if (value == NULL || (own && strcmp(name, section) != 0))
			continue;
		own = strcmp(name, section) == 0;
		found = mg_strndup(arena, value, (size_t) (line.text + line.len - value));
	}
	return found != NULL && found[0] != '\0' ? found : NULL;
}

/* A value as ConfigParser reads it back: % is doubled. */
static void
add_value(MgBuf *buf, const char *key, const char *value)
{
	mg_buf_addf(buf, "%s = ", key);
	for (; *value != '\0'; value++)
		mg_buf_add(buf, *value == '%' ? "%%" : (const char[]){ *value, '\0' });
	mg_buf_add(buf, "\n");
}

char *
mg_alembic_ini_redirect(MgArena *arena, const char *text, const char *section, const char *url,
						const char *here)
{
	const char *name = NULL;
	bool has_here = false;
	bool dropping = false;
	MgBuf buf;
	Line line;

	mg_buf_init(&buf, arena);
	while (next_line(&text, &line))
	{
		char *header = section_name(arena, &line);

		if (header != NULL)
			name = header;
		if (dropping && line.continues && !line.blank)
			continue;
		dropping = in_section(name, section) && value_of(&line, "sqlalchemy.url") != NULL;
		has_here |= name != NULL && strcmp(name, "DEFAULT") == 0 && value_of(&line, "here") != NULL;
		if (dropping)
			add_value(&buf, "sqlalchemy.url", url);
		else
			mg_buf_add_bytes(&buf, line.text, (size_t) (line.next - line.text));
	}
	if (!has_here)
	{
		mg_buf_add(&buf, "\n[DEFAULT]\n");
		add_value(&buf, "here", here);
	}
	return buf.data;
}
