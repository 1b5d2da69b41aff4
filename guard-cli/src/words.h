/*
 * words.h
 *	  A command line from the configuration as a list of words, without a shell.
 */
#ifndef MG_WORDS_H
#define MG_WORDS_H

#include "err.h"

/* Splits at blanks; 'single' and "double" quotes and a backslash keep blanks.  Nothing is expanded. */
extern bool mg_words_split(const char *text, MgStrings *words, MgError *err);

#endif
