/*
 * input.h
 *	  Reading of files and standard input.
 */
#ifndef MG_INPUT_H
#define MG_INPUT_H

#include "err.h"

/* The whole text of a file, "-" being standard input; it must be UTF-8 without zero bytes. */
extern bool mg_input_text(MgArena *arena, const char *path, char **text, MgError *err);

/* Lines one by one, without their ends; empty ones are left out.  handler as in pg_catalog_snapshot.h */
extern bool mg_input_lines(const char *path,
						   bool (*handler)(void *arg, const char *line, MgError *err), void *arg,
						   MgError *err);

#endif
