/*
 * sd_body.h
 *	  Bodies of routines and DO blocks, statement by statement.
 */
#ifndef SD_BODY_H
#define SD_BODY_H

#include "sd_rules.h"
#include "sd_tree.h"

/* sd_body_is_readable tells whether we can look into a body of this language. */
extern bool sd_body_is_readable(const char *language);

/*
 * sd_analyze_body reports the findings of a body's statements.
 *
 * "origin" is the script offset of the body's first byte, or -1 when it is not
 * in the script as it is.  "inside" names the body in messages.  A deferred
 * body does not run now: its findings are for information.
 */
extern void sd_analyze_body(SdAnalysis *analysis, const SdBodyText *body, int origin,
							const char *inside, bool deferred);

#endif
