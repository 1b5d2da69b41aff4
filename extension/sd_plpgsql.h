/*
 * sd_plpgsql.h
 *	  Finds the SQL statements in PL/pgSQL text by its tokens.
 *
 * PL/pgSQL's own compiler wants every table and type to be there, and is not
 * exported by newer servers.  The tokens are enough: a statement begins where
 * the language lets one begin, and ends at its semicolon.
 */
#ifndef SD_PLPGSQL_H
#define SD_PLPGSQL_H

#include "sd_lex.h"

typedef enum SdPlKind
{
	SD_PL_SQL,		  /* a statement of SQL */
	SD_PL_EXPRESSION, /* a condition or value with a query or call in it, or what PERFORM
						 evaluates: SQL when SELECT is put before it */
	SD_PL_DYNAMIC,	  /* what EXECUTE runs, as an expression */
	SD_PL_CONSTANT	  /* EXECUTE of one constant string; the range is the string token */
} SdPlKind;

typedef struct SdPlStatement
{
	SdPlKind kind;
	int start; /* byte range in the body */
	int end;
} SdPlStatement;

typedef struct SdPlWalker
{
	SdLexer lexer;
	bool at_start;	 /* a statement may begin here */
	bool in_declare; /* between DECLARE and BEGIN */
} SdPlWalker;

extern void sd_pl_init(SdPlWalker *walker, const char *text, int len);

/* sd_pl_next finds the next statement, or returns false at the end. */
extern bool sd_pl_next(SdPlWalker *walker, SdPlStatement *statement);

/*
 * sd_pl_blank_into overwrites INTO and its target variables by spaces, so that
 * the raw parser accepts the statement and offsets stay as they are.
 */
extern void sd_pl_blank_into(char *text, int len);

#endif
