/*
 * sd_split.c
 *	  Cuts a script into pieces the way psql does, without ever failing.
 *
 * A semicolon ends a statement unless it is inside parentheses or between
 * BEGIN and END of a CREATE FUNCTION or CREATE PROCEDURE.
 */
#include "postgres.h"

#include "sd_split.h"

/* CREATE OR REPLACE FUNCTION: the words that can tell what a statement is. */
#define MAX_WORDS 4

/* What must be remembered of a statement's words to find its end. */
typedef struct StatementWords
{
	int words;
	bool is_create;	 /* CREATE [OR REPLACE] ... */
	bool is_routine; /* ... FUNCTION or PROCEDURE */
	bool is_copy;	 /* COPY ... */
	bool last_from;	 /* the last word was FROM */
	bool from_stdin; /* COPY ... FROM STDIN */
	int paren_depth;
	int begin_depth;
} StatementWords;

void
sd_split_init(SdSplitter *splitter, const char *text, int len)
{
	splitter->lexer.text = text;
	splitter->lexer.len = len;
	splitter->lexer.pos = 0;
	splitter->copy_data = -1;
	splitter->no_copy_end = false;
}

/* note_word follows the words of a statement. */
static void
note_word(StatementWords *words, const SdLexer *lexer, const SdToken *token)
{
	words->words++;
	if (words->words == 1)
	{
		words->is_create = sd_token_is(lexer, token, "create");
		words->is_copy = sd_token_is(lexer, token, "copy");
	}
	else if (words->is_create && words->words <= MAX_WORDS &&
			 (sd_token_is(lexer, token, "function") || sd_token_is(lexer, token, "procedure")))
		words->is_routine = true;

	if (words->is_routine && words->paren_depth == 0)
	{
		if (sd_token_is(lexer, token, "begin"))
			words->begin_depth++;
		else if (words->begin_depth > 0 && sd_token_is(lexer, token, "case"))
			words->begin_depth++;
		else if (words->begin_depth > 0 && sd_token_is(lexer, token, "end"))
			words->begin_depth--;
	}
	if (words->is_copy && words->paren_depth == 0)
	{
		if (words->last_from &&
			(sd_token_is(lexer, token, "stdin") || sd_token_is(lexer, token, "stdout")))
			words->from_stdin = true;
		words->last_from = sd_token_is(lexer, token, "from");
	}
}

/* line_end returns the offset of the line feed that ends the line, or the end of the text. */
static int
line_end(const SdLexer *lexer, int pos)
{
	const char *hit = pos < lexer->len ? memchr(lexer->text + pos, '\n', lexer->len - pos) : NULL;

	return hit == NULL ? lexer->len : hit - lexer->text;
}

/*
 * meta_end returns where a backslash command ends: at the end of the line, or
 * behind an unquoted double backslash, after which psql reads SQL again.
 */
static int
meta_end(const SdLexer *lexer, int start)
{
	int stop = line_end(lexer, start);
	char quote = 0;

	for (int pos = start + 1; pos < stop; pos++)
	{
		char c = lexer->text[pos];

		if (quote == 0 && c == '\\' && pos + 1 < stop && lexer->text[pos + 1] == '\\')
			return pos + 2;
		if (quote == 0 && (c == '\'' || c == '"' || c == '`'))
			quote = c;
		else if (quote == '\'' && c == '\\')
			pos++;
		else if (c == quote)
			quote = 0;
	}
	/* a quote that the line does not close hides nothing */
	if (quote != 0)
	{
		for (int pos = start + 1; pos + 1 < stop; pos++)
			if (lexer->text[pos] == '\\' && lexer->text[pos + 1] == '\\')
				return pos + 2;
	}
	return stop;
}

/*
 * copy_data_start tells where the data of a COPY ... FROM STDIN begins: on the
 * next line, when the rest of this one is blank and a line "\." ends the data.
 * Otherwise -1: the text is then taken for SQL, so that nothing hides in it.
 */
static int
copy_data_start(SdSplitter *splitter, int pos)
{
	const SdLexer *lexer = &splitter->lexer;
	int stop = line_end(lexer, pos);
	int line;

	if (splitter->no_copy_end)
		return -1;

	for (; pos < stop; pos++)
		if (strchr(" \t\r\f\v", lexer->text[pos]) == NULL)
			return -1;
	for (line = stop + 1; line < lexer->len; line = stop + 1)
	{
		int n;

		stop = line_end(lexer, line);
		n = stop - line;
		if (n > 0 && lexer->text[stop - 1] == '\r')
			n--;
		if (n == 2 && lexer->text[line] == '\\' && lexer->text[line + 1] == '.')
			return pos + 1;
	}
	splitter->no_copy_end = true;
	return -1;
}

/* copy_data_piece makes the piece of the data, its last line "\." included. */
static void
copy_data_piece(SdSplitter *splitter, SdPiece *piece)
{
	SdLexer *lexer = &splitter->lexer;
	int line = splitter->copy_data;

	piece->kind = SD_PIECE_COPY_DATA;
	piece->from = lexer->pos;
	piece->start = line;
	for (;;)
	{
		int stop = line_end(lexer, line);
		bool last = lexer->text[line] == '\\' && line + 1 < stop && lexer->text[line + 1] == '.' &&
					(stop - line == 2 || (stop - line == 3 && lexer->text[line + 2] == '\r'));

		line = Min(stop + 1, lexer->len);
		if (last || line >= lexer->len)
		{
			piece->end = stop;
			break;
		}
	}
	piece->next = lexer->pos = line;
	splitter->copy_data = -1;
}

/* meta_piece makes the piece of a backslash command that begins at "start". */
static void
meta_piece(SdSplitter *splitter, SdPiece *piece, int start)
{
	piece->kind = SD_PIECE_META;
	piece->from = piece->start = start;
	piece->end = piece->next = meta_end(&splitter->lexer, start);
	while (piece->end > start + 1 && splitter->lexer.text[piece->end - 1] == '\r')
		piece->end--;
	splitter->lexer.pos = piece->next;
}

bool
sd_split_next(SdSplitter *splitter, SdPiece *piece)
{
	SdLexer *lexer = &splitter->lexer;
	StatementWords words = { 0 };
	bool after_name = false;

	if (lexer->pos >= lexer->len)
		return false;
	if (splitter->copy_data >= 0)
	{
		copy_data_piece(splitter, piece);
		return true;
	}
	if (lexer->pos == 0 && lexer->len >= 3 && memcmp(lexer->text, "\xEF\xBB\xBF", 3) == 0)
		lexer->pos = 3;

	piece->kind = SD_PIECE_BLANK;
	piece->from = piece->start = piece->end = lexer->pos;
	piece->calls = 0;
	for (;;)
	{
		SdToken token;

		/* where words can no longer change what the statement is, most bytes do not matter */
		if (words.words > MAX_WORDS && !words.is_routine && !words.is_copy)
		{
			int end = sd_lex_skip_dull(lexer);

			if (end >= 0)
			{
				piece->end = end;
				after_name = false;
			}
		}
		token = sd_lex_next(lexer);
		if (token.kind == SD_TOKEN_END)
			break;
		if (token.kind == SD_TOKEN_CHAR)
		{
			char c = lexer->text[token.start];

			if (c == '\\' && token.end < lexer->len && lexer->text[token.end] == ';')
			{
				lexer->pos = token.end + 1;
				break;
			}
			if (c == '\\')
			{
				if (piece->kind == SD_PIECE_BLANK)
				{
					/* comments before it are a piece of their own, because they are parsed */
					if (token.start > piece->from)
					{
						lexer->pos = token.start;
						break;
					}
					meta_piece(splitter, piece, token.start);
					return true;
				}
				lexer->pos = token.start;
				break;
			}
			if (c == ';' && words.paren_depth == 0 && words.begin_depth == 0)
			{
				if (words.from_stdin)
					splitter->copy_data = copy_data_start(splitter, lexer->pos);
				break;
			}
			if (c == '(')
			{
				words.paren_depth++;
				piece->calls += after_name;
			}
			else if (c == ')' && words.paren_depth > 0)
				words.paren_depth--;
		}
		if (piece->kind == SD_PIECE_BLANK)
		{
			piece->kind = SD_PIECE_SQL;
			piece->start = token.start;
		}
		piece->end = token.end;
		after_name = token.kind == SD_TOKEN_QUOTED_NAME ||
					 (token.kind == SD_TOKEN_WORD && !sd_token_is(lexer, &token, "values"));
		if (token.kind == SD_TOKEN_WORD)
		{
			if (words.words <= MAX_WORDS || words.is_routine || words.is_copy)
				note_word(&words, lexer, &token);
		}
		else
			words.last_from = false;
	}
	if (piece->kind == SD_PIECE_BLANK)
		piece->end = lexer->pos;
	piece->next = lexer->pos;
	return true;
}
