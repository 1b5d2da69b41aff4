/*
 * sd_lex.c
 *	  A tokenizer for SQL and PL/pgSQL text that never fails.
 *
 * Every server encoding is safe for ASCII, so the text is read byte by byte
 * and a byte with the high bit set belongs to an identifier.
 */
#include "postgres.h"

#include "sd_lex.h"

/* Classes of bytes. */
#define BLANK	   1
#define WORD	   2 /* may go on in a word */
#define WORD_START 4
#define DIGIT	   8
#define DULL	   16 /* begins and ends nothing */

#define B (BLANK | DULL)
#define D (WORD | DIGIT | DULL)
#define P DULL /* punctuation */
#define W (WORD | WORD_START)
#define S WORD /* $ */

/* clang-format off */
static const uint8 classes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, B, B, B, B, B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	B, 0, 0, 0, S, 0, 0, 0, 0, 0, P, P, P, 0, P, 0, D, D, D, D, D, D, D, D, D, D, P, 0, P, P, P, 0,
	0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, W,
	0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, 0,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};
/* clang-format on */

#undef B
#undef D
#undef W
#undef S
#undef P

#define IS_BLANK(c)		 (classes[c] & BLANK)
#define IS_DIGIT(c)		 (classes[c] & DIGIT)
#define IS_WORD_START(c) (classes[c] & WORD_START)
#define IS_WORD(c)		 (classes[c] & WORD)

/* at reads one byte, 0 beyond the end. */
static inline unsigned char
at(const SdLexer *lexer, int pos)
{
	return pos < lexer->len ? (unsigned char) lexer->text[pos] : 0;
}

/* skip_line_comment returns the offset behind "--...", which ends at CR or LF. */
static int
skip_line_comment(const SdLexer *lexer, int pos)
{
	while (pos < lexer->len && lexer->text[pos] != '\n' && lexer->text[pos] != '\r')
		pos++;
	return pos;
}

/* skip_block_comment returns the offset behind a comment; they nest. */
static int
skip_block_comment(const SdLexer *lexer, int pos)
{
	int depth = 0;

	while (pos < lexer->len)
	{
		if (at(lexer, pos) == '/' && at(lexer, pos + 1) == '*')
		{
			depth++;
			pos += 2;
		}
		else if (at(lexer, pos) == '*' && at(lexer, pos + 1) == '/')
		{
			pos += 2;
			if (--depth == 0)
				break;
		}
		else
			pos++;
	}
	return Min(pos, lexer->len);
}

void
sd_lex_skip_blank(SdLexer *lexer)
{
	const unsigned char *text = (const unsigned char *) lexer->text;
	int pos = lexer->pos;
	int len = lexer->len;

	while (pos < len)
	{
		unsigned char c = text[pos];

		if (IS_BLANK(c))
			pos++;
		else if (c == '-' && pos + 1 < len && text[pos + 1] == '-')
			pos = skip_line_comment(lexer, pos);
		else if (c == '/' && pos + 1 < len && text[pos + 1] == '*')
			pos = skip_block_comment(lexer, pos);
		else
			break;
	}
	lexer->pos = pos;
}

int
sd_lex_comment_end(const SdLexer *lexer, int pos)
{
	if (at(lexer, pos) == '-' && at(lexer, pos + 1) == '-')
		return skip_line_comment(lexer, pos);
	if (at(lexer, pos) == '/' && at(lexer, pos + 1) == '*')
		return skip_block_comment(lexer, pos);
	return pos;
}

/* end_of_quoted returns the offset behind the quote that closes; a doubled one does not. */
static int
end_of_quoted(const SdLexer *lexer, int pos, char quote)
{
	for (;;)
	{
		const char *hit =
			pos < lexer->len ? memchr(lexer->text + pos, quote, lexer->len - pos) : NULL;

		if (hit == NULL)
			return lexer->len;
		pos = hit - lexer->text + 1;
		if (at(lexer, pos) != quote)
			return pos;
		pos++;
	}
}

/*
 * continued_string looks behind a closing quote for another one after white
 * space with a line break, which continues the same string; it returns the
 * offset of that quote, or -1.
 */
static int
continued_string(const SdLexer *lexer, int pos)
{
	bool line_break = false;

	while (pos < lexer->len)
	{
		unsigned char c = lexer->text[pos];

		if (c == '\n' || c == '\r')
			line_break = true;
		if (IS_BLANK(c))
			pos++;
		else if (c == '-' && at(lexer, pos + 1) == '-')
			pos = skip_line_comment(lexer, pos);
		else
			return line_break && c == '\'' ? pos : -1;
	}
	return -1;
}

/* end_of_escape is end_of_quoted for E'...', where a backslash hides a quote. */
static int
end_of_escape(const SdLexer *lexer, int pos)
{
	while (pos < lexer->len)
	{
		char c = lexer->text[pos];

		if (c == '\\')
			pos += 2;
		else if (c != '\'')
			pos++;
		else if (at(lexer, pos + 1) == '\'')
			pos += 2;
		else
		{
			int next = continued_string(lexer, pos + 1);

			if (next < 0)
				return pos + 1;
			pos = next + 1;
		}
	}
	return lexer->len;
}

/*
 * dollar_token reads what begins with a dollar sign: a quoted string, a
 * parameter, or the sign alone.
 */
static SdToken
dollar_token(const SdLexer *lexer, int start)
{
	SdToken token = { SD_TOKEN_CHAR, start, start + 1 };
	int pos = start + 1;

	if (IS_DIGIT(at(lexer, pos)))
	{
		while (IS_DIGIT(at(lexer, pos)))
			pos++;
		token.kind = SD_TOKEN_NUMBER;
		token.end = pos;
		return token;
	}
	while (at(lexer, pos) != '$' && IS_WORD(at(lexer, pos)))
		pos++;
	if (at(lexer, pos) == '$')
	{
		int tag_len = pos + 1 - start;
		const char *end = lexer->text + lexer->len;
		const char *hit = lexer->text + pos + 1;

		token.kind = SD_TOKEN_DOLLAR;
		token.end = lexer->len;
		while (hit < end && (hit = memchr(hit, '$', end - hit)) != NULL)
		{
			if (end - hit >= tag_len && memcmp(hit, lexer->text + start, tag_len) == 0)
			{
				token.end = hit - lexer->text + tag_len;
				break;
			}
			hit++;
		}
	}
	return token;
}

/* word_token reads a word, or the string or quoted name that a short word introduces. */
static SdToken
word_token(const SdLexer *lexer, int start)
{
	SdToken token = { SD_TOKEN_WORD, start, start + 1 };
	unsigned char c = lexer->text[start];
	unsigned char next = at(lexer, start + 1);

	if ((c == 'e' || c == 'E') && next == '\'')
	{
		token.kind = SD_TOKEN_ESCAPE;
		token.end = Min(end_of_escape(lexer, start + 2), lexer->len);
		return token;
	}
	if ((c == 'u' || c == 'U') && next == '&')
	{
		unsigned char quote = at(lexer, start + 2);

		if (quote == '\'' || quote == '"')
		{
			token.kind = quote == '"' ? SD_TOKEN_QUOTED_NAME : SD_TOKEN_STRING;
			token.end = end_of_quoted(lexer, start + 3, quote);
			return token;
		}
	}
	while (token.end < lexer->len && IS_WORD((unsigned char) lexer->text[token.end]))
		token.end++;
	return token;
}

/* is_values tells whether the word at "pos" is VALUES, which calls nothing. */
static bool
is_values(const SdLexer *lexer, int pos)
{
	return lexer->len - pos > 6 && (lexer->text[pos] | 0x20) == 'v' &&
		   !IS_WORD(at(lexer, pos + 6)) && pg_strncasecmp(lexer->text + pos, "values", 6) == 0;
}

/*
 * end_of_short looks for the quote that closes a string of a few bytes, where a
 * loop is faster than memchr(); it returns the offset behind it, or -1.
 */
static inline int
end_of_short(const SdLexer *lexer, int pos)
{
	int stop = Min(lexer->len - 1, pos + 32);

	for (; pos < stop; pos++)
		if (lexer->text[pos] == '\'')
			return lexer->text[pos + 1] == '\'' ? -1 : pos + 1;
	return -1;
}

void
sd_lex_skip_dull(SdLexer *lexer, SdDull *dull)
{
	const unsigned char *text = (const unsigned char *) lexer->text;
	int len = lexer->len;
	int pos = lexer->pos;
	int word = pos; /* where the last word began */

	while (pos < len)
	{
		unsigned char c = text[pos];

		if (classes[c] & WORD_START)
		{
			word = pos;
			while (++pos < len && IS_WORD(text[pos]))
				;
			/* E'...', U&'...' and the like are strings of their own kinds */
			if (pos == word + 1 && pos < len && (text[pos] == '\'' || text[pos] == '&'))
			{
				pos = word;
				break;
			}
			dull->after_name = true;
			dull->end = pos;
			continue;
		}
		if (IS_BLANK(c))
		{
			pos++;
			continue;
		}
		if (c == '(')
		{
			if (dull->after_name)
			{
				/* a routine may have that name too, behind the one of its schema */
				if (dull->paren_depth == 0 && dull->values == 0 && is_values(lexer, word))
					dull->values = pos;
				else
					dull->calls++;
			}
			dull->paren_depth++;
			pos++;
		}
		else if (c == ')')
		{
			dull->paren_depth -= dull->paren_depth > 0;
			pos++;
		}
		else if (c == '\'')
		{
			int end = end_of_short(lexer, pos + 1);

			pos = end >= 0 ? end : end_of_quoted(lexer, pos + 1, c);
		}
		else if (classes[c] & DULL)
			pos++;
		else
			break;
		dull->after_name = false;
		dull->end = pos;
	}
	lexer->pos = pos;
}

SdToken
sd_lex_next(SdLexer *lexer)
{
	const unsigned char *text = (const unsigned char *) lexer->text;
	SdToken token;
	unsigned char c;

	sd_lex_skip_blank(lexer);
	token.kind = SD_TOKEN_END;
	token.start = token.end = lexer->pos;
	if (lexer->pos >= lexer->len)
		return token;

	c = text[lexer->pos];
	token.end++;
	if (IS_WORD_START(c))
		token = word_token(lexer, token.start);
	else if (IS_DIGIT(c))
	{
		token.kind = SD_TOKEN_NUMBER;
		while (token.end < lexer->len && IS_DIGIT(text[token.end]))
			token.end++;
	}
	else if (c == '\'' || c == '"')
	{
		token.kind = c == '"' ? SD_TOKEN_QUOTED_NAME : SD_TOKEN_STRING;
		token.end = end_of_quoted(lexer, token.end, c);
	}
	else if (c == '$')
		token = dollar_token(lexer, token.start);
	else
		token.kind = SD_TOKEN_CHAR;
	lexer->pos = token.end;
	return token;
}
