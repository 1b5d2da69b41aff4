/*
 * sd_rows.c
 *	  Rows of constants behind VALUES, which say nothing that an analysis needs.
 */
#include "postgres.h"

#include "sd_rows.h"

int
sd_rows_blank(const SdLexer *lexer, int pos)
{
	while (pos < lexer->len)
	{
		char c = lexer->text[pos];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f')
			break;
		pos++;
	}
	return pos;
}

/* string_end returns the offset behind the plain string that begins at "pos", or -1. */
static int
string_end(const SdLexer *lexer, int pos)
{
	const char *text = lexer->text;

	pos++;
	while (pos < lexer->len)
	{
		int stop = Min(lexer->len, pos + 16);

		/* most strings are so short that a loop finds the end faster than memchr() */
		while (pos < stop && text[pos] != '\'')
			pos++;
		if (pos == stop)
		{
			const char *hit = memchr(text + pos, '\'', lexer->len - pos);

			if (hit == NULL)
				return -1;
			pos = hit - text;
		}
		if (pos + 1 >= lexer->len || text[pos + 1] != '\'')
			return pos + 1;
		pos += 2;
	}
	return -1;
}

static inline bool
is_digit(const SdLexer *lexer, int pos)
{
	return pos < lexer->len && lexer->text[pos] >= '0' && lexer->text[pos] <= '9';
}

/* number_end returns the offset behind the number at "pos", or -1. */
static int
number_end(const SdLexer *lexer, int pos)
{
	int digits = 0;

	if (lexer->text[pos] == '-' || lexer->text[pos] == '+')
		pos++;
	for (; is_digit(lexer, pos); pos++)
		digits++;
	if (pos < lexer->len && lexer->text[pos] == '.')
		for (pos++; is_digit(lexer, pos); pos++)
			digits++;
	return digits > 0 ? pos : -1;
}

/* word_end returns the offset behind NULL, TRUE or FALSE at "pos", or -1. */
static int
word_end(const SdLexer *lexer, int pos)
{
	static const char *const words[] = { "null", "true", "false" };

	for (int i = 0; i < lengthof(words); i++)
	{
		int len = strlen(words[i]);

		if (pos + len <= lexer->len && pg_strncasecmp(lexer->text + pos, words[i], len) == 0)
			return pos + len;
	}
	return -1;
}

/* constant_end returns the offset behind the constant at "pos", or -1. */
static inline int
constant_end(const SdLexer *lexer, int pos)
{
	if (pos >= lexer->len)
		return -1;
	switch (lexer->text[pos])
	{
		case '\'':
			return string_end(lexer, pos);
		case '-':
		case '+':
		case '.':
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':
			return number_end(lexer, pos);
		default:
			return word_end(lexer, pos);
	}
}

int
sd_row_end(const SdLexer *lexer, int pos, int *constants)
{
	*constants = 0;
	if (pos >= lexer->len || lexer->text[pos] != '(')
		return -1;
	do
	{
		/* what follows a constant has to be one of the two: so "1a" and 'a' 'b' are none */
		pos = constant_end(lexer, sd_rows_blank(lexer, pos + 1));
		if (pos < 0)
			return -1;
		pos = sd_rows_blank(lexer, pos);
		++*constants;
	} while (pos < lexer->len && lexer->text[pos] == ',');
	return pos < lexer->len && lexer->text[pos] == ')' ? pos + 1 : -1;
}

int
sd_rows_end(const SdLexer *lexer, int pos)
{
	for (;;)
	{
		int next = sd_rows_blank(lexer, pos);
		int constants;

		if (next >= lexer->len || lexer->text[next] != ',')
			return pos;
		next = sd_row_end(lexer, sd_rows_blank(lexer, next + 1), &constants);
		if (next < 0)
			return pos;
		pos = next;
	}
}
