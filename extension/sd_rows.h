/*
 * sd_rows.h
 *	  Rows of constants behind VALUES, which say nothing that an analysis needs.
 *
 * Only text that the raw parser takes for certain is recognised: numbers, plain
 * strings, NULL, TRUE and FALSE between parentheses and commas, with nothing but
 * white space around.  Anything else is left to the parser.
 */
#ifndef SD_ROWS_H
#define SD_ROWS_H

#include "sd_lex.h"

/* sd_row_end returns the offset behind the row of constants at "pos", and how many they are; -1 for none. */
extern int sd_row_end(const SdLexer *lexer, int pos, int *constants);

/* sd_rows_end returns the offset behind all further rows, each after a comma. */
extern int sd_rows_end(const SdLexer *lexer, int pos);

/* sd_rows_blank returns the offset of the first byte that is no white space. */
extern int sd_rows_blank(const SdLexer *lexer, int pos);

#endif
