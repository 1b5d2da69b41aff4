/*
 * sd_split.c
 *	  Cuts a script into pieces the way psql does, without ever failing.
 *
 * A semicolon ends a statement unless it is inside parentheses or between
 * BEGIN and END of a CREATE FUNCTION or CREATE PROCEDURE.
 */
#include "postgres.h"

#include "sd_split.h"

/* What the words of a statement have said so far, as psql reads them. */
typedef enum StatementKind
{
	KIND_FRESH,	  /* no word yet */
	KIND_CREATE,  /* CREATE */
	KIND_OR,	  /* CREATE OR */
	KIND_REPLACE, /* CREATE OR REPLACE */
	KIND_ROUTINE, /* ... FUNCTION or PROCEDURE: BEGIN and END count */
	KIND_COPY,	  /* COPY: data may follow */
	KIND_PLAIN	  /* any other: its words mean nothing to us */
} StatementKind;

/* What must be remembered of a statement to find its end. */
typedef struct Statement
{
	StatementKind kind;
	bool last_from;	 /* COPY: the last word was FROM */
	bool from_stdin; /* COPY ... FROM STDIN */
	int begin_depth; /* a routine's */
	SdDull dull;
} Statement;

/* Which words lead from one kind to the next; any other leads to KIND_PLAIN. */
static const struct
{
	StatementKind kind;
	const char *word;
	int len;
	StatementKind next;
} transitions[] = {
	{ KIND_FRESH, "create", 6, KIND_CREATE },
	{ KIND_FRESH, "copy", 4, KIND_COPY },
	{ KIND_CREATE, "or", 2, KIND_OR },
	{ KIND_CREATE, "function", 8, KIND_ROUTINE },
	{ KIND_CREATE, "procedure", 9, KIND_ROUTINE },
	{ KIND_OR, "replace", 7, KIND_REPLACE },
	{ KIND_REPLACE, "function", 8, KIND_ROUTINE },
	{ KIND_REPLACE, "procedure", 9, KIND_ROUTINE },
};

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
note_word(Statement *statement, const SdLexer *lexer, const SdToken *token)
{
	if (statement->kind < KIND_ROUTINE)
	{
		StatementKind next = KIND_PLAIN;

		for (int i = 0; i < lengthof(transitions); i++)
			if (transitions[i].kind == statement->kind &&
				transitions[i].len == token->end - token->start &&
				sd_token_is(lexer, token, transitions[i].word))
				next = transitions[i].next;
		statement->kind = next;
	}
	else if (statement->dull.paren_depth > 0)
		return;
	else if (statement->kind == KIND_ROUTINE)
	{
		if (sd_token_is(lexer, token, "begin"))
			statement->begin_depth++;
		else if (statement->begin_depth > 0 && sd_token_is(lexer, token, "case"))
			statement->begin_depth++;
		else if (statement->begin_depth > 0 && sd_token_is(lexer, token, "end"))
			statement->begin_depth--;
	}
	else if (statement->kind == KIND_COPY)
	{
		if (statement->last_from &&
			(sd_token_is(lexer, token, "stdin") || sd_token_is(lexer, token, "stdout")))
			statement->from_stdin = true;
		statement->last_from = sd_token_is(lexer, token, "from");
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
 * next line, when nothing but a comment is left on this one and a line "\." ends the data.
 * Otherwise -1: the text is then taken for SQL, so that nothing hides in it.
 */
static int
copy_data_start(SdSplitter *splitter, int pos)
{
	const SdLexer *lexer = &splitter->lexer;
	int stop = line_end(lexer, pos);
	SdLexer rest = { lexer->text, stop, pos };
	int line;

	if (splitter->no_copy_end)
		return -1;
	sd_lex_skip_blank(&rest);
	if (rest.pos < stop)
		return -1;
	for (line = stop + 1; line < lexer->len; line = stop + 1)
	{
		int n;

		stop = line_end(lexer, line);
		n = stop - line;
		if (n > 0 && lexer->text[stop - 1] == '\r')
			n--;
		if (n == 2 && lexer->text[line] == '\\' && lexer->text[line + 1] == '.')
			return rest.len + 1;
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

/* is_copy_command recognises \copy ... from stdin, whose data stands in the script as COPY's does. */
static bool
is_copy_command(const SdLexer *lexer, int start, int end)
{
	SdLexer words = { lexer->text, end, start + 1 };
	SdToken token = sd_lex_next(&words);
	bool last_from = false;

	if (token.start != start + 1 || !sd_token_is(&words, &token, "copy"))
		return false;
	while ((token = sd_lex_next(&words)).kind != SD_TOKEN_END)
	{
		if (last_from && sd_token_is(&words, &token, "stdin"))
			return true;
		last_from = sd_token_is(&words, &token, "from");
	}
	return false;
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
	if (is_copy_command(&splitter->lexer, start, piece->end))
		splitter->copy_data = copy_data_start(splitter, piece->next);
}

/* note_token takes one token into the statement and the piece. */
static void
note_token(Statement *statement, const SdLexer *lexer, const SdToken *token, SdPiece *piece)
{
	SdDull *dull = &statement->dull;

	if (sd_token_is_char(lexer, token, '('))
	{
		dull->paren_depth++;
		dull->calls += dull->after_name;
	}
	else if (sd_token_is_char(lexer, token, ')') && dull->paren_depth > 0)
		dull->paren_depth--;
	if (piece->kind == SD_PIECE_BLANK)
	{
		piece->kind = SD_PIECE_SQL;
		piece->start = token->start;
	}
	dull->end = token->end;
	dull->after_name = token->kind == SD_TOKEN_QUOTED_NAME ||
					   (token->kind == SD_TOKEN_WORD && !sd_token_is(lexer, token, "values"));
	if (token->kind == SD_TOKEN_WORD)
		note_word(statement, lexer, token);
	else
		statement->last_from = false;
}

/* What a backslash command does to the statement that it stands in. */
typedef enum CommandEffect
{
	COMMAND_KEEPS,	 /* the statement goes on behind it */
	COMMAND_SENDS,	 /* it ends the statement, as a semicolon does */
	COMMAND_DISCARDS /* what has been read of the statement is forgotten */
} CommandEffect;

static const struct
{
	const char *name;
	CommandEffect effect;
} commands[] = {
	{ "g", COMMAND_SENDS },		   { "gx", COMMAND_SENDS },			  { "gset", COMMAND_SENDS },
	{ "gexec", COMMAND_SENDS },	   { "gdesc", COMMAND_SENDS },		  { "watch", COMMAND_SENDS },
	{ "parse", COMMAND_SENDS },	   { "crosstabview", COMMAND_SENDS }, { "r", COMMAND_DISCARDS },
	{ "reset", COMMAND_DISCARDS },
};

/* command_effect looks up the command behind the backslash at "pos". */
static CommandEffect
command_effect(const SdLexer *lexer, int pos)
{
	SdLexer name = { lexer->text, lexer->len, pos + 1 };
	SdToken word = sd_lex_next(&name);

	for (int i = 0; i < lengthof(commands); i++)
		if (word.start == pos + 1 && word.end - word.start == (int) strlen(commands[i].name) &&
			strncmp(lexer->text + word.start, commands[i].name, word.end - word.start) == 0)
			return commands[i].effect;
	return COMMAND_KEEPS;
}

/* at_backslash decides what a backslash means; false when the piece goes on behind it. */
static bool
at_backslash(SdSplitter *splitter, const SdToken *token, SdPiece *piece)
{
	SdLexer *lexer = &splitter->lexer;

	if (token->end < lexer->len && lexer->text[token->end] == ';')
		lexer->pos = token->end + 1;
	/* comments before it are a piece of their own, because they are parsed */
	else if (piece->kind == SD_PIECE_BLANK && token->start == piece->from)
		meta_piece(splitter, piece, token->start);
	else if (piece->kind == SD_PIECE_BLANK)
		lexer->pos = token->start;
	else
	{
		switch (command_effect(lexer, token->start))
		{
			case COMMAND_KEEPS:
				piece->interrupted = true;
				lexer->pos = meta_end(lexer, token->start);
				return false;
			case COMMAND_SENDS:
				lexer->pos = token->start;
				break;
			case COMMAND_DISCARDS:
				meta_piece(splitter, piece, piece->start);
				piece->end = piece->next = lexer->pos = meta_end(lexer, token->start);
				break;
		}
	}
	return true;
}

void
sd_split_blank_commands(char *text, const SdPiece *piece)
{
	SdLexer lexer = { text, piece->end, piece->from };

	for (SdToken token = sd_lex_next(&lexer); token.kind != SD_TOKEN_END; token = sd_lex_next(&lexer))
	{
		if (sd_token_is_char(&lexer, &token, '\\'))
		{
			lexer.pos = meta_end(&lexer, token.start);
			memset(text + token.start, ' ', lexer.pos - token.start);
		}
	}
}

/* start_piece begins a piece where the splitter stands. */
static void
start_piece(SdSplitter *splitter, SdPiece *piece)
{
	SdLexer *lexer = &splitter->lexer;

	if (lexer->pos == 0 && lexer->len >= 3 && memcmp(lexer->text, "\xEF\xBB\xBF", 3) == 0)
		lexer->pos = 3;
	piece->kind = SD_PIECE_BLANK;
	piece->from = piece->start = piece->end = lexer->pos;
	piece->calls = piece->values = 0;
	piece->interrupted = false;
}

bool
sd_split_next(SdSplitter *splitter, SdPiece *piece)
{
	SdLexer *lexer = &splitter->lexer;
	Statement statement = { 0 };

	if (lexer->pos >= lexer->len)
		return false;
	if (splitter->copy_data >= 0)
	{
		copy_data_piece(splitter, piece);
		return true;
	}
	start_piece(splitter, piece);
	for (;;)
	{
		SdToken token;

		if (statement.kind == KIND_PLAIN)
			sd_lex_skip_dull(lexer, &statement.dull);
		token = sd_lex_next(lexer);
		if (token.kind == SD_TOKEN_END)
			break;
		if (sd_token_is_char(lexer, &token, '\\'))
		{
			if (at_backslash(splitter, &token, piece))
				break;
			continue;
		}
		if (sd_token_is_char(lexer, &token, ';') && statement.dull.paren_depth == 0 &&
			statement.begin_depth == 0)
		{
			if (statement.from_stdin)
				splitter->copy_data = copy_data_start(splitter, lexer->pos);
			break;
		}
		note_token(&statement, lexer, &token, piece);
	}
	if (piece->kind == SD_PIECE_META)
		return true;
	piece->end = piece->kind == SD_PIECE_BLANK ? lexer->pos : statement.dull.end;
	piece->calls = statement.dull.calls;
	piece->values = statement.dull.values;
	piece->next = lexer->pos;
	return true;
}
