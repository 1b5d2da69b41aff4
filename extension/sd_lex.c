/*
 * sd_lex.c
 *	  A tokenizer for SQL and PL/pgSQL text that never fails.
 *
 * Every server encoding is safe for ASCII, so the text is read byte by byte
 * and a byte with the high bit set belongs to an identifier.
 */
#include "postgres.h"

#include "sd_lex.h"

#define IS_BLANK(c) \
	((c) == ' ' || (c) == '\t' || (c) == '\n' || (c) == '\r' || (c) == '\f' || (c) == '\v')
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_WORD_START(c) \
	(((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z') || (c) == '_' || (c) >= 0x80)
#define IS_WORD(c) (IS_WORD_START(c) || IS_DIGIT(c) || (c) == '$')

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
	for (;;)
	{
		unsigned char c = at(lexer, lexer->pos);

		if (lexer->pos >= lexer->len)
			return;
		if (IS_BLANK(c))
			lexer->pos++;
		else if (c == '-' && at(lexer, lexer->pos + 1) == '-')
			lexer->pos = skip_line_comment(lexer, lexer->pos);
		else if (c == '/' && at(lexer, lexer->pos + 1) == '*')
			lexer->pos = skip_block_comment(lexer, lexer->pos);
		else
			return;
	}
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

SdToken
sd_lex_next(SdLexer *lexer)
{
	SdToken token;
	unsigned char c;

	sd_lex_skip_blank(lexer);
	token.kind = SD_TOKEN_END;
	token.start = token.end = lexer->pos;
	if (lexer->pos >= lexer->len)
		return token;

	c = lexer->text[lexer->pos];
	if (IS_WORD_START(c))
		token = word_token(lexer, lexer->pos);
	else if (c == '\'' || c == '"')
	{
		token.kind = c == '"' ? SD_TOKEN_QUOTED_NAME : SD_TOKEN_STRING;
		token.end = end_of_quoted(lexer, lexer->pos + 1, c);
	}
	else if (c == '$')
		token = dollar_token(lexer, lexer->pos);
	else if (IS_DIGIT(c))
	{
		token.kind = SD_TOKEN_NUMBER;
		while (IS_DIGIT(at(lexer, token.end)))
			token.end++;
	}
	else
	{
		token.kind = SD_TOKEN_CHAR;
		token.end = lexer->pos + 1;
	}
	lexer->pos = token.end;
	return token;
}

bool
sd_token_is(const SdLexer *lexer, const SdToken *token, const char *word)
{
	int len = token->end - token->start;

	return token->kind == SD_TOKEN_WORD && (int) strlen(word) == len &&
		   pg_strncasecmp(lexer->text + token->start, word, len) == 0;
}

bool
sd_token_is_char(const SdLexer *lexer, const SdToken *token, char c)
{
	return token->kind == SD_TOKEN_CHAR && lexer->text[token->start] == c;
}
