/*
 * sd_split.h
 *	  Cuts a script into pieces the way psql does, without ever failing.
 *
 * Each byte of the script is in exactly one piece's [from, next), and all but
 * the bytes of META and COPY_DATA pieces are meant for the raw parser, blank
 * ones included: so a statement that this splitter reads wrongly can become a
 * syntax error, but cannot hide.
 */
#ifndef SD_SPLIT_H
#define SD_SPLIT_H

#include "sd_lex.h"

typedef enum SdPieceKind
{
	SD_PIECE_SQL,	   /* a statement; more than one where psql says "\;" */
	SD_PIECE_BLANK,	   /* white space and comments, or an empty statement */
	SD_PIECE_META,	   /* a backslash command of psql */
	SD_PIECE_COPY_DATA /* lines behind COPY ... FROM STDIN up to "\." */
} SdPieceKind;

typedef struct SdPiece
{
	SdPieceKind kind;
	int from;		  /* byte offset where the piece begins, comments included */
	int start;		  /* first token */
	int end;		  /* behind the last token, semicolon excluded */
	int next;		  /* where the next piece begins */
	int calls;		  /* names before "(", the first VALUES excluded: no fewer than calls; -1 when
					   * not counted */
	int values;		  /* the first "(" behind VALUES outside of parentheses, or 0 */
	bool interrupted; /* backslash commands stand in it, see sd_split_blank_commands */
} SdPiece;

typedef struct SdSplitter
{
	SdLexer lexer;
	int copy_data;	  /* where COPY data begins when the last statement wants it, else -1 */
	bool no_copy_end; /* the rest of the script is known to have no line "\." */
} SdSplitter;

extern void sd_split_init(SdSplitter *splitter, const char *text, int len);

/*
 * sd_split_blank_commands overwrites the backslash commands inside a piece with
 * blanks: what psql keeps of the statement around them.
 */
extern void sd_split_blank_commands(char *text, const SdPiece *piece);

/* sd_split_next finds the next piece, or returns false at the end of the script. */
extern bool sd_split_next(SdSplitter *splitter, SdPiece *piece);

#endif
