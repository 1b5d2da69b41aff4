/*
 * mask.c
 *	  Secrets that nobody has told of, known by the words that stand before them.
 *
 * A tool that fails prints the statement that failed, and that may be CREATE ROLE ...
 * PASSWORD '...'.
 */
#include "mask.h"

#include <string.h>
#include <strings.h>

#define MASK "***"

static const char *const words[] = {
	"password",	  "passwd",		"passphrase",	"passcode",	 "passwort",   "passkey",
	"pwd",		  "secret",		"api_key",		"apikey",	 "access_key", "private_key",
	"credential", "auth_token", "access_token", "api_token",
};

/* Only as a word of its own: there are passengers and bypasses. */
#define WHOLE_WORD "pass"

/* Where a text is looked at; in JSON a quote without a backslash ends the string. */
typedef struct Look
{
	const char *p;
	bool json;
} Look;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The bytes that the next character takes; 0 at the end of the string. */
static size_t
step(const Look *look)
{
	if (look->p[0] == '\0' || (look->json && look->p[0] == '"'))
		return 0;
	return look->json && look->p[0] == '\\' && look->p[1] != '\0' ? 2 : 1;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The length of a word that begins at p in a text that begins at begin; 0 when there is none. */
static size_t
word_at(const char *p, const char *begin)
{
	size_t whole = strlen(WHOLE_WORD);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncasecmp(p, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	if (strncasecmp(p, WHOLE_WORD, whole) == 0 && !is_letter(p[whole]) &&
		(p == begin || !is_letter(p[-1])))
		return whole;
	return 0;
}

/* past_quoted returns where a literal ends that begins with this quote. */
static const char *
past_quoted(Look look, char quote, bool escapes)
{
	for (look.p++; step(&look) > 0; look.p += step(&look))
	{
		if (look.p[0] == '\\' && escapes && look.p[1] != '\0' && !look.json)
			look.p++;
		else if (look.p[0] == quote && look.p[1] == quote)
			look.p++;
		else if (look.p[0] == quote)
			return look.p + 1;
	}
	return look.p;
}

static const char *
past_dollar(Look look)
{
	size_t tag = 1;

	while (look.p[tag] != '$' && look.p[tag] != '\0' && !is_blank(look.p[tag]) && tag < 64)
		tag++;
	if (look.p[tag] != '$')
		return NULL;
	tag++;
	for (Look at = { look.p + tag, look.json }; step(&at) > 0; at.p += step(&at))
		if (strncmp(at.p, look.p, tag) == 0)
			return at.p + tag;
	return NULL;
}

/* past_nested returns where a literal ends that is inside of another one, with its quotes doubled. */
static const char *
past_nested(Look look)
{
	look.p += strspn(look.p, "'");
	while (step(&look) > 0 && look.p[0] != '\'')
		look.p += step(&look);
	return look.p + strspn(look.p, "'");
}

static const char *
past_line(Look look)
{
	while (step(&look) > 0 && look.p[0] != '\n' &&
		   !(look.json && look.p[0] == '\\' && look.p[1] == 'n'))
		look.p += step(&look);
	return look.p;
}

static const char *
past_bare(Look look)
{
	while (step(&look) == 1 && !is_blank(look.p[0]) && strchr(",;)&'\"", look.p[0]) == NULL)
		look.p++;
	return look.p;
}

/*
 * value_after finds what a word like PASSWORD has after it: where it begins and ends,
 * NULL when it is nothing that could be a secret.
 */
static const char *
value_after(Look look, const char **end)
{
	bool assigned = false;
	bool escapes = false;
	bool key;

	while (*look.p == '_' || is_letter(*look.p))
		look.p++;
	key = *look.p == '"' && !look.json;
	if (*look.p == '\'' || key)
		look.p++;
	if (look.json && look.p[0] == '\\' && look.p[1] == '"')
		look.p += 2;
	while (is_blank(*look.p))
		look.p++;
	if (*look.p == '=' || *look.p == ':')
	{
		assigned = *look.p == '=';
		look.p += look.p[0] == '=' && look.p[1] == '>' ? 2 : 1;
		while (is_blank(*look.p))
			look.p++;
	}
	if ((*look.p == 'E' || *look.p == 'e') && look.p[1] == '\'')
	{
		escapes = true;
		look.p++;
	}
	if (*look.p == '\'' && look.p[1] == '\'')
		*end = past_nested(look);
	else if (*look.p == '\'')
		*end = past_quoted(look, '\'', escapes);
	else if (*look.p == '%')
		*end = past_line(look); /* a format; its arguments follow */
	else if (*look.p == '$')
		*end = past_dollar(look);
	else if ((assigned || key) && *look.p == '"' && !look.json)
		*end = past_quoted(look, '"', true);
	else if (assigned)
		*end = past_bare(look);
	else
		return NULL;
	return *end != NULL && *end > look.p ? look.p : NULL;
}

/* password_of_url returns the password of the URL whose "://" is at p, NULL without one. */
static const char *
password_of_url(Look look, const char **end)
{
	const char *colon = NULL;

	look.p += 3;
	for (*end = NULL; step(&look) == 1 && !is_blank(*look.p) && strchr("/?#'\"<>", *look.p) == NULL;
		 look.p++)
	{
		if (*look.p == ':' && colon == NULL)
			colon = look.p + 1;
		else if (*look.p == '@')
			*end = look.p;
	}
	return colon != NULL && *end > colon ? colon : NULL;
}

/*
 * An excerpt of a statement, "LINE 1: ...", as the server's programs show where an error
 * is.  It may begin anywhere in a literal, so all to the last quote goes when it was cut
 * off, and all from a word like PASSWORD on.
 */
static const char *
excerpt_at(Look look, const char **end)
{
	const char *begin = look.p + 5;
	const char *from = NULL;
	const char *last = NULL;

	if (strncmp(look.p, "LINE ", 5) != 0 || *begin < '0' || *begin > '9')
		return NULL;
	begin += strspn(begin, "0123456789");
	if (strncmp(begin, ": ", 2) != 0)
		return NULL;
	begin += 2;
	*end = past_line((Look){ begin, look.json });
	for (const char *p = begin; p < *end; p++)
	{
		if (from == NULL && word_at(p, begin) > 0)
			from = p + word_at(p, begin);
		if (*p == '\'')
			last = p + 1;
	}
	if (strncmp(begin, "...", 3) != 0 || last == NULL)
		return from;
	if (from == NULL)
		*end = last;
	return begin + 3;
}

/* add_masked adds *** in the quotes of the value, if it has any. */
static void
add_masked(MgBuf *buf, const char *value)
{
	bool quoted = *value == '\'' || *value == '"';

	if (quoted)
		mg_buf_add_bytes(buf, value, 1);
	mg_buf_add(buf, MASK);
	if (quoted)
		mg_buf_add_bytes(buf, value, 1);
}

char *
mg_mask(MgArena *arena, const char *text, bool json)
{
	MgBuf buf;
	const char *rest = text; /* is not in buf yet */

	mg_buf_init(&buf, arena);
	for (const char *p = text; *p != '\0';)
	{
		size_t word = word_at(p, text);
		const char *end = NULL;
		const char *value = NULL;

		if (word > 0)
			value = value_after((Look){ p + word, json }, &end);
		else if (strncmp(p, "://", 3) == 0)
			value = password_of_url((Look){ p, json }, &end);
		else if (*p == 'L')
			value = excerpt_at((Look){ p, json }, &end);
		if (value == NULL)
		{
			p += word > 0 ? word : 1;
			continue;
		}
		mg_buf_add_bytes(&buf, rest, (size_t) (value - rest));
		add_masked(&buf, value);
		p = rest = end;
	}
	if (rest == text)
		return mg_strdup(arena, text);
	mg_buf_add(&buf, rest);
	return buf.data;
}
