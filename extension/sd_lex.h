/*
 * sd_lex.h
 *	  A tokenizer for SQL and PL/pgSQL text that never fails.
 *
 * It draws the same boundaries of quotes, comments and words as the server's
 * own scanner with standard_conforming_strings on, but has no opinion on what a
 * token means: text that the server would refuse is cut somehow and goes on.
 * Whoever needs the truth gives the piece to the raw parser.
 */
#ifndef SD_LEX_H
#define SD_LEX_H

typedef enum SdTokenKind
{
	SD_TOKEN_END,		  /* end of the text */
	SD_TOKEN_WORD,		  /* unquoted identifier or keyword */
	SD_TOKEN_QUOTED_NAME, /* "identifier", U& included */
	SD_TOKEN_STRING,	  /* any quoted string but the next two */
	SD_TOKEN_ESCAPE,	  /* E'string' */
	SD_TOKEN_DOLLAR,	  /* $tag$string$tag$ */
	SD_TOKEN_NUMBER,	  /* digits, or $1 */
	SD_TOKEN_CHAR		  /* any other single character, at .start */
} SdTokenKind;

typedef struct SdToken
{
	SdTokenKind kind;
	int start; /* byte offsets into the text; .end is exclusive */
	int end;
} SdToken;

typedef struct SdLexer
{
	const char *text;
	int len; /* the text needs no terminating NUL */
	int pos; /* where the next token is looked for */
} SdLexer;

/* sd_lex_next skips white space and comments and returns the next token. */
extern SdToken sd_lex_next(SdLexer *lexer);

/* sd_lex_skip_blank moves over white space and comments only. */
extern void sd_lex_skip_blank(SdLexer *lexer);

/* sd_lex_comment_end returns where the comment at an offset ends, or the offset when none is there. */
extern int sd_lex_comment_end(const SdLexer *lexer, int pos);

/* What sd_lex_skip_dull has passed; its caller starts it with zeros. */
typedef struct SdDull
{
	int end;		 /* behind the last byte that is not white space, or 0 for none */
	int paren_depth; /* of the statement */
	int calls;		 /* names directly before "(", the first VALUES excluded */
	bool after_name; /* nothing but white space has followed a name */
	int values;		 /* the first "(" behind VALUES outside of parentheses, or 0 */
} SdDull;

/*
 * sd_lex_skip_dull moves over all that cannot end a statement and begins nothing
 * that needs a closer look: words, numbers, plain strings, parentheses, white space
 * and most operators.  It is what most bytes of a script go through.
 */
extern void sd_lex_skip_dull(SdLexer *lexer, SdDull *dull);

/*
 * sd_token_is tells whether a token is this unquoted word; "word" is lower case.
 * It is inline so that the length of a constant word costs nothing.
 */
static inline bool
sd_token_is(const SdLexer *lexer, const SdToken *token, const char *word)
{
	size_t len = strlen(word);

	return token->kind == SD_TOKEN_WORD && (size_t) (token->end - token->start) == len &&
		   (lexer->text[token->start] | 0x20) == word[0] &&
		   pg_strncasecmp(lexer->text + token->start, word, len) == 0;
}

/* sd_token_is_char tells whether a token is this single character. */
static inline bool
sd_token_is_char(const SdLexer *lexer, const SdToken *token, char c)
{
	return token->kind == SD_TOKEN_CHAR && lexer->text[token->start] == c;
}

/*
 * sd_normalized returns a statement so that two which differ in comments, white
 * space and the case of words alone are equal.
 */
extern char *sd_normalized(const char *sql, int len);

#endif
