/*
 * sd_analyze.h
 *	  A script's statements through the rules.
 */
#ifndef SD_ANALYZE_H
#define SD_ANALYZE_H

#include "sd_rules.h"

/* sd_analyze_script reports the findings of a whole script. */
extern void sd_analyze_script(SdAnalysis *analysis);

/*
 * sd_analyze_statement reports the findings of one statement and records its
 * effects.  The caller has set number, start, origin and what it is inside of.
 */
extern void sd_analyze_statement(SdAnalysis *analysis, Node *statement);

#endif
