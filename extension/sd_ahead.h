/*
 * sd_ahead.h
 *	  What the rest of a script does, for rules that a later statement can excuse.
 */
#ifndef SD_AHEAD_H
#define SD_AHEAD_H

#include "sd_rules.h"

typedef enum SdAheadKind
{
	SD_AHEAD_END,		  /* a transaction ends */
	SD_AHEAD_RELATION,	  /* a table or view of that name is made */
	SD_AHEAD_COLUMN,	  /* a column is added, or gets that name; "part" names it */
	SD_AHEAD_PRIMARY_KEY, /* a primary key of that table is added */
	SD_AHEAD_POLICY,	  /* a policy of that table is made */
	SD_AHEAD_ROUTINE,	  /* a routine of that name is made anew or dropped */
	SD_AHEAD_ANALYZE,	  /* that table is analysed */
	SD_AHEAD_SEQUENCE	  /* some sequence is set, whatever its name */
} SdAheadKind;

/*
 * sd_ahead looks for a later statement.  Names are compared by their last part;
 * "part" is given for a column only.  With "same_transaction" only up to the end of this one.  The
 * rest of the script is parsed once, when it is asked for the first time.
 */
extern bool sd_ahead(SdAnalysis *analysis, SdAheadKind kind, const char *name, const char *part,
					 bool same_transaction);

/* sd_ahead_is_last tells whether nothing but blanks and comments follows. */
extern bool sd_ahead_is_last(SdAnalysis *analysis);

#endif
