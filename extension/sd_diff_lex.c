/*
 * sd_diff_lex.c
 *	  Just enough of a lexer to find names in deparsed text.
 *
 * The text comes from the server's own deparser or from jsonb, so it has no
 * comments and every quote is closed; an open one ends at the end of the text.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_diff.h"

static bool
name_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool
name_rest(unsigned char c)
{
	return name_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Position after a quoted run that starts at text; a doubled quote stays inside. */
static const char *
skip_quoted(const char *text, char quote)
{
	for (text++; *text; text++)
	{
		if (*text != quote)
			continue;
		if (text[1] != quote)
			return text + 1;
		text++;
	}
	return text;
}

SdDiffToken
sd_diff_next_token(const char **text)
{
	const char *p = *text;
	SdDiffToken token;

	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	token.start = p;
	if (*p == '\0')
		token.type = 0;
	else if (*p == '"')
	{
		token.type = 'i';
		p = skip_quoted(p, '"');
	}
	else if (*p == '\'')
	{
		token.type = 's';
		p = skip_quoted(p, '\'');
	}
	else if (name_start(*p))
	{
		token.type = 'i';
		while (name_rest(*p))
			p++;
	}
	else
	{
		token.type = 'o';
		/* digits together, so that 1 and 10 are different tokens */
		if (*p >= '0' && *p <= '9')
			while (name_rest(*p))
				p++;
		else
			p++;
	}
	token.length = p - token.start;
	*text = p;
	return token;
}

void
sd_diff_split_identity(const char *identity, char **schema, char **name, char **rest)
{
	const char *p = identity;
	SdDiffToken first = sd_diff_next_token(&p);
	SdDiffToken second;

	*schema = NULL;
	*name = pnstrdup(first.start, first.length);
	if (*p == '.')
	{
		p++;
		second = sd_diff_next_token(&p);
		*schema = *name;
		*name = pnstrdup(second.start, second.length);
	}
	*rest = pstrdup(p);
}

const char *
sd_diff_lexeme(const char *name)
{
	return quote_identifier(name);
}
