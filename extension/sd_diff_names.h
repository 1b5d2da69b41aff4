/*
 * sd_diff_names.h
 *	  Names in definitions: which were changed, which name something dropped.
 */
#ifndef SD_DIFF_NAMES_H
#define SD_DIFF_NAMES_H

#include "sd_diff.h"

typedef struct SdDiffNames
{
	SdDiff *diff;
	HTAB *pairs;   /* identity without arguments to pair; old and new names */
	HTAB *renames; /* bare old name to its renames */
} SdDiffNames;

/* A test of one text for a change that it points to. */
typedef SdDiffChange *(*SdDiffTest)(SdDiffNames *names, const SdDiffChange *change, const char *text);

/* Indexes the pairs and renames of names->diff. */
extern void sd_diff_names_build(SdDiffNames *names);
/* The pair that had that name before, or has it now; NULL when none is among the pairs. */
extern SdDiffPair *sd_diff_pair_named(SdDiffNames *names, const char *identity, bool before);
/* The change by which the named thing went or was made anew, NULL when it did not. */
extern SdDiffChange *sd_diff_loss_of(SdDiffNames *names, const char *identity);
/* True when both values of a change are equal but for changed names; the first rename is left in *cause. */
extern bool sd_diff_values_same_but_names(SdDiffNames *names, const SdDiffChange *change,
										  SdDiffChange **cause);
/* The first dropped thing that a text names; a test. */
extern SdDiffChange *sd_diff_loss_mentioned(SdDiffNames *names, const SdDiffChange *change,
											const char *text);
/* Every schema.name in a text, in order, as char *; with "()" also where a routine may be meant. */
extern List *sd_diff_qualified_names(const char *text);
extern bool sd_diff_text_has_name(const char *text, const char *name);
/* Runs a test on every string in a value until one gives a change. */
extern SdDiffChange *sd_diff_search_strings(SdDiffNames *names, const SdDiffChange *change,
											Jsonb *value, SdDiffTest test);


/*
 * sd_diff_hits
 */

/* Earlier objects that a numbered change hits, as char *: kind, blank, identity; the object itself first. */
extern List *sd_diff_hits(SdDiffNames *names, const SdDiffChange *change);

#endif
