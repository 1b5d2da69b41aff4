/*
 * sd_plpgsql.c
 *	  Finds the SQL statements in PL/pgSQL text by its tokens.
 */
#include "postgres.h"

#include "sd_plpgsql.h"

/* Words that begin a statement of SQL where PL/pgSQL has no statement of that name. */
static const char *const sql_starters[] = {
	"alter",   "analyze",  "call",	   "checkpoint", "cluster",	 "comment",	 "commit",	"copy",
	"create",  "delete",   "discard",  "do",		 "drop",	 "explain",	 "grant",	"import",
	"insert",  "listen",   "load",	   "lock",		 "merge",	 "notify",	 "prepare", "reassign",
	"refresh", "reindex",  "reset",	   "revoke",	 "rollback", "security", "select",	"set",
	"table",   "truncate", "unlisten", "update",	 "vacuum",	 "values",	 "with",
};

void
sd_pl_init(SdPlWalker *walker, const char *text, int len)
{
	walker->lexer.text = text;
	walker->lexer.len = len;
	walker->lexer.pos = 0;
	walker->at_start = true;
	walker->in_declare = false;
}

static bool
is_starter(const SdLexer *lexer, const SdToken *token)
{
	for (int i = 0; i < lengthof(sql_starters); i++)
		if (sd_token_is(lexer, token, sql_starters[i]))
			return true;
	return false;
}

/* peek returns the token after the next "skip" ones without moving. */
static SdToken
peek(const SdLexer *lexer)
{
	SdLexer copy = *lexer;

	return sd_lex_next(&copy);
}

/* is_assignment tells whether the word just read is a variable that gets a value. */
static bool
is_assignment(const SdLexer *lexer)
{
	SdToken next = peek(lexer);

	return sd_token_is_char(lexer, &next, ':') || sd_token_is_char(lexer, &next, '=') ||
		   sd_token_is_char(lexer, &next, '.') || sd_token_is_char(lexer, &next, '[');
}

/*
 * skip_to moves behind the next semicolon, or behind one of the words, outside
 * parentheses, and returns where that token begins.
 */
static int
skip_to(SdLexer *lexer, const char *word1, const char *word2)
{
	int depth = 0;

	for (;;)
	{
		SdToken token = sd_lex_next(lexer);

		if (token.kind == SD_TOKEN_END)
			return token.start;
		if (sd_token_is_char(lexer, &token, '('))
			depth++;
		else if (sd_token_is_char(lexer, &token, ')'))
			depth--;
		else if (depth <= 0 && (sd_token_is_char(lexer, &token, ';') ||
								(word1 != NULL && sd_token_is(lexer, &token, word1)) ||
								(word2 != NULL && sd_token_is(lexer, &token, word2))))
			return token.start;
	}
}

/* dynamic_statement reads what follows EXECUTE. */
static bool
dynamic_statement(SdPlWalker *walker, SdPlStatement *statement)
{
	SdToken first = peek(&walker->lexer);
	SdLexer after = walker->lexer;

	statement->kind = SD_PL_DYNAMIC;
	statement->start = first.start;
	statement->end = skip_to(&walker->lexer, "loop", "using");
	if (first.kind == SD_TOKEN_STRING || first.kind == SD_TOKEN_DOLLAR)
	{
		SdToken next;

		after.pos = first.end;
		next = sd_lex_next(&after);
		if (next.kind == SD_TOKEN_END || next.start == statement->end ||
			sd_token_is(&after, &next, "into"))
		{
			statement->kind = SD_PL_CONSTANT;
			statement->end = first.end;
		}
	}
	walker->at_start = true;
	return true;
}

/* sql_statement reads a statement of SQL that began at "start". */
static bool
sql_statement(SdPlWalker *walker, SdPlStatement *statement, int start, const char *end_word)
{
	statement->kind = SD_PL_SQL;
	statement->start = start;
	statement->end = skip_to(&walker->lexer, end_word, NULL);
	walker->at_start = true;
	return true;
}

/*
 * query_statement reads what follows RETURN QUERY, FOR ... IN and OPEN ... FOR:
 * a query, EXECUTE, or something else that is none of our business.
 */
static bool
query_statement(SdPlWalker *walker, SdPlStatement *statement, const char *end_word)
{
	SdToken token = peek(&walker->lexer);

	if (sd_token_is(&walker->lexer, &token, "execute"))
	{
		walker->lexer.pos = token.end;
		return dynamic_statement(walker, statement);
	}
	if (is_starter(&walker->lexer, &token) || sd_token_is_char(&walker->lexer, &token, '('))
		return sql_statement(walker, statement, token.start, end_word);
	return false;
}

/*
 * skip_expression moves to the word, or the semicolon, that ends an expression,
 * and returns where it begins; the WHEN ... THEN of a CASE inside is part of it.
 */
static int
skip_expression(SdLexer *lexer, const char *word)
{
	int depth = 0;

	for (;;)
	{
		SdLexer before = *lexer;
		SdToken token = sd_lex_next(lexer);

		if (token.kind == SD_TOKEN_END)
			return token.start;
		if (sd_token_is_char(lexer, &token, '(') || sd_token_is(lexer, &token, "case"))
			depth++;
		else if (sd_token_is_char(lexer, &token, ')') || sd_token_is(lexer, &token, "end"))
			depth--;
		else if (sd_token_is_char(lexer, &token, ';') ||
				 (depth <= 0 && word != NULL && sd_token_is(lexer, &token, word)))
		{
			*lexer = before;
			return token.start;
		}
	}
}

/*
 * expression_statement reads a condition or value.  One without a parenthesis has
 * neither a query nor a call in it, and is none of our business.
 */
static bool
expression_statement(SdPlWalker *walker, SdPlStatement *statement, const char *end_word)
{
	SdLexer *lexer = &walker->lexer;

	statement->kind = SD_PL_EXPRESSION;
	statement->start = lexer->pos;
	statement->end = skip_expression(lexer, end_word);
	return memchr(lexer->text + statement->start, '(', statement->end - statement->start) != NULL;
}

/* assignment_statement reads the value that a variable gets. */
static bool
assignment_statement(SdPlWalker *walker, SdPlStatement *statement)
{
	SdLexer *lexer = &walker->lexer;

	for (;;)
	{
		SdLexer before = *lexer;
		SdToken token = sd_lex_next(lexer);

		if (token.kind == SD_TOKEN_END)
			return false;
		if (sd_token_is_char(lexer, &token, ';'))
		{
			*lexer = before;
			return false;
		}
		if (sd_token_is_char(lexer, &token, '='))
			return expression_statement(walker, statement, NULL);
	}
}

/* statement_start looks at the word that begins a statement; true when it is one of SQL. */
static bool
statement_start(SdPlWalker *walker, const SdToken *token, SdPlStatement *statement)
{
	SdLexer *lexer = &walker->lexer;
	SdToken next;

	if (is_assignment(lexer))
		return assignment_statement(walker, statement);
	if (sd_token_is(lexer, token, "if") || sd_token_is(lexer, token, "elsif") ||
		sd_token_is(lexer, token, "elseif"))
		return expression_statement(walker, statement, "then");
	if (sd_token_is(lexer, token, "while"))
		return expression_statement(walker, statement, "loop");
	if (sd_token_is(lexer, token, "execute"))
		return dynamic_statement(walker, statement);
	if (sd_token_is(lexer, token, "perform"))
	{
		(void) sql_statement(walker, statement, token->end, NULL);
		statement->kind = SD_PL_EXPRESSION;
		return true;
	}
	if (sd_token_is(lexer, token, "return"))
	{
		next = peek(lexer);
		if (sd_token_is(lexer, &next, "next"))
			lexer->pos = next.end;
		if (!sd_token_is(lexer, &next, "query"))
			return expression_statement(walker, statement, NULL);
		lexer->pos = next.end;
		return query_statement(walker, statement, NULL);
	}
	if (sd_token_is(lexer, token, "for") || sd_token_is(lexer, token, "open"))
	{
		bool loop = sd_token_is(lexer, token, "for");
		int stop = skip_to(lexer, loop ? "in" : "for", "loop");

		if (stop < lexer->len && lexer->text[stop] == ';')
		{
			walker->at_start = true;
			return false;
		}
		return query_statement(walker, statement, loop ? "loop" : NULL);
	}
	if (is_starter(lexer, token))
		return sql_statement(walker, statement, token->start, NULL);
	return false;
}

bool
sd_pl_next(SdPlWalker *walker, SdPlStatement *statement)
{
	SdLexer *lexer = &walker->lexer;

	for (;;)
	{
		SdToken token = sd_lex_next(lexer);
		bool at_start = walker->at_start;

		if (token.kind == SD_TOKEN_END)
			return false;
		/* a label <<name>> comes before a statement */
		if (at_start && (sd_token_is_char(lexer, &token, '<') || sd_token_is_char(lexer, &token, '>')))
			continue;
		walker->at_start = sd_token_is_char(lexer, &token, ';');
		if (token.kind != SD_TOKEN_WORD)
			continue;
		if (sd_token_is(lexer, &token, "begin"))
		{
			walker->in_declare = false;
			walker->at_start = true;
		}
		else if (walker->in_declare)
			continue;
		else if (at_start && sd_token_is(lexer, &token, "declare"))
			walker->in_declare = true;
		else if (sd_token_is(lexer, &token, "then") || sd_token_is(lexer, &token, "else") ||
				 sd_token_is(lexer, &token, "loop"))
			walker->at_start = true;
		else if (at_start)
		{
			if (statement_start(walker, &token, statement))
				return true;
			/* the word of a label, or the first of a statement that is not of SQL */
			if (!walker->at_start)
			{
				SdToken next = peek(lexer);

				walker->at_start = sd_token_is_char(lexer, &next, '>');
			}
		}
		else if (sd_token_is(lexer, &token, "execute"))
			return dynamic_statement(walker, statement);
	}
}

/* blank_targets returns the offset behind the variables that follow INTO. */
static int
end_of_targets(SdLexer *lexer)
{
	SdToken token = sd_lex_next(lexer);
	int end = token.end;

	if (sd_token_is(lexer, &token, "strict"))
		token = sd_lex_next(lexer);
	for (;;)
	{
		SdToken next;

		end = token.end;
		next = peek(lexer);
		/* name.field, name[1], and the next name of the list */
		if (sd_token_is_char(lexer, &next, '.') || sd_token_is_char(lexer, &next, ','))
		{
			lexer->pos = next.end;
			token = sd_lex_next(lexer);
		}
		else if (sd_token_is_char(lexer, &next, '['))
		{
			do
				token = sd_lex_next(lexer);
			while (token.kind != SD_TOKEN_END && !sd_token_is_char(lexer, &token, ']'));
		}
		else
			return end;
	}
}

void
sd_pl_blank_into(char *text, int len)
{
	SdLexer lexer = { text, len, 0 };
	bool expected = false; /* the last word was INSERT or MERGE, whose INTO is SQL */
	int depth = 0;

	for (;;)
	{
		SdToken token = sd_lex_next(&lexer);

		if (token.kind == SD_TOKEN_END)
			return;
		if (sd_token_is_char(&lexer, &token, '('))
			depth++;
		else if (sd_token_is_char(&lexer, &token, ')'))
			depth--;
		else if (depth == 0 && !expected && sd_token_is(&lexer, &token, "into"))
		{
			int end = end_of_targets(&lexer);

			memset(text + token.start, ' ', end - token.start);
			lexer.pos = end;
		}
		expected = sd_token_is(&lexer, &token, "insert") || sd_token_is(&lexer, &token, "merge");
	}
}
