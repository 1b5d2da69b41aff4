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
	HTAB *pairs;		/* identity without arguments to pair; old and new names */
	HTAB *objects;		/* kind and old identity to pair */
	HTAB *renames;		/* bare old name to its renames */
	HTAB *dependents;	/* of sd_diff_depends; NULL when nobody can feel a change */
	const char *tested; /* what a test of texts looks for */
} SdDiffNames;

/* A test of one text for a change that it points to. */
typedef SdDiffChange *(*SdDiffTest)(SdDiffNames *names, const SdDiffChange *change, const char *text);

/* Indexes the pairs and renames of names->diff. */
extern void sd_diff_names_build(SdDiffNames *names);
/* The pair that had that name before, or has it now; NULL when none is among the pairs. */
extern SdDiffPair *sd_diff_pair_named(SdDiffNames *names, const char *identity, bool before);
/* The pair that was the object of that kind and identity, "table app.t"; NULL when none is among the pairs. */
extern SdDiffPair *sd_diff_pair_of(SdDiffNames *names, const char *object);
/* The change by which the named thing went or was made anew, NULL when it did not. */
extern SdDiffChange *sd_diff_loss_of(SdDiffNames *names, const char *identity);
/* True when both values of a change are equal but for changed names; the first rename is left in *cause. */
extern bool sd_diff_values_same_but_names(SdDiffNames *names, const SdDiffChange *change,
										  SdDiffChange **cause);
extern bool sd_diff_text_has_name(const char *text, const char *name);
/* Runs a test on every string in a value until one gives a change. */
extern SdDiffChange *sd_diff_search_strings(SdDiffNames *names, const SdDiffChange *change,
											Jsonb *value, SdDiffTest test);

/*
 * sd_diff_depends
 */

/* Reads who depended on what has changed. */
extern void sd_diff_load_dependents(SdDiffNames *names);
/* Earlier objects that depend on what a change is about, as char *: kind, blank, identity. */
extern List *sd_diff_dependents(SdDiffNames *names, const SdDiffChange *change);

/*
 * sd_diff_hits
 */

/* Earlier objects that a numbered change hits, as char *: kind, blank, identity; the object itself first. */
extern List *sd_diff_hits(SdDiffNames *names, const SdDiffChange *change);

#endif
