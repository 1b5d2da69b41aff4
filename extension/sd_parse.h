/*
 * sd_parse.h
 *	  Scripts as statements: each piece through the server's own raw parser.
 */
#ifndef SD_PARSE_H
#define SD_PARSE_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "sd_split.h"

/*
 * A place in the script that only moves forward cheaply.  Offsets are bytes,
 * "character" and "line" are 1-based, as people count.
 */
typedef struct SdPlace
{
	int offset;
	int character;
	int line;
} SdPlace;

/* Pieces that the parser is given together, so that it stays in the processor's caches. */
#define SD_TOGETHER 16

typedef struct SdScript
{
	char *text;			 /* writable: a piece is ended by a NUL while it is parsed */
	const char *counted; /* the text in which characters are counted: as it was written */
	int len;
	SdSplitter splitter;
	SdPlace place;		   /* start of the last statement that was located */
	SdPlace inner;		   /* somewhere behind it, for findings inside a statement */
	MemoryContext context; /* parse trees of one piece; reset for the next */
	bool all_rows;		   /* rows of constants are wanted too, see SdParsed */
	List *single;		   /* of one RawStmt, for the statement that is handed out */
	int behind;			   /* where the piece behind the last one begins */

	/* Pieces that were parsed together, of which some are handed out. */
	SdPiece pieces[SD_TOGETHER];
	RawStmt *trees[SD_TOGETHER]; /* NULL for a blank piece */
	int npieces;
	int handed_out;
	int alone; /* so many that come next cannot be parsed together */

	/*
	 * A short rest that was parsed as a whole, without a splitter.  Who asks for it
	 * by "brief" does without SdPiece.end: it is where the parser says, blanks behind
	 * the statement included.
	 */
	bool brief;
	List *rest;	   /* RawStmt that are not handed out yet begin at rest_next */
	int rest_next; /* index in it */
	int rest_from; /* where its text begins */
} SdScript;

/* What one piece turned out to be. */
typedef struct SdParsed
{
	SdPiece piece;
	List *statements; /* RawStmt */
	int origin;		  /* byte offset that locations in them count from */
	/*
	 * An INSERT of rows of constants: how many the first row has, else 0.  Only
	 * that row is in the tree, because the others would say nothing more.
	 */
	int constants;
	int read_end; /* where the text that the parser was given ends */
	/* When the parser refused the piece: */
	bool failed;
	int error_code;		 /* SQLSTATE, packed */
	char *error_message; /* in the script's context */
	int error_offset;	 /* byte offset in the script */
} SdParsed;

/*
 * sd_script_init copies the text and refuses one above
 * safedeploy.max_script_size with 54000 (program_limit_exceeded).
 */
extern void sd_script_init(SdScript *script, text *sql);

/*
 * sd_script_next parses the next piece into "parsed"; false at the end.
 *
 * An error of the parser is a result, not an error, with the memory of the last
 * piece given back first; the server's time-outs and cancels are obeyed
 * between pieces.
 */
extern bool sd_script_next(SdScript *script, SdParsed *parsed);

/*
 * sd_script_repeats moves over the next piece when it differs from the one just
 * parsed, an INSERT of rows of constants, in their values alone.
 */
extern bool sd_script_repeats(SdScript *script, const SdParsed *parsed);

/*
 * sd_parse_text parses text of its own, such as one statement of a PL/pgSQL
 * body, in the current memory context.  On an error of the parser it returns
 * false and sets "error" to the message.
 */
extern bool sd_parse_text(const char *sql, List **statements, char **error);

/* sd_script_blank overwrites the backslash commands inside a piece of the script with blanks. */
extern void sd_script_blank(SdScript *script, const SdPiece *piece);

/* sd_statement_start gives the byte where a raw statement begins, without comments before it. */
extern int sd_statement_start(const SdScript *script, const SdParsed *parsed, const RawStmt *raw);

/* sd_statement_end gives the byte where it ends, semicolon excluded. */
extern int sd_statement_end(const SdScript *script, const SdParsed *parsed, const RawStmt *raw);

/* sd_script_locate turns a byte offset into a place; statements come in order. */
extern SdPlace sd_script_locate(SdScript *script, int offset);

/* sd_script_locate_inner is sd_script_locate for an offset behind the last one. */
extern SdPlace sd_script_locate_inner(SdScript *script, int offset);

/* sd_script_characters counts the characters of a byte range. */
extern int sd_script_characters(const SdScript *script, int from, int to);

#endif
