/*
 * sd_diff_cause.h
 *	  Which changes follow from which: the searches that sd_diff_fold.c has in a table.
 *
 * Each tells the change that another one follows from, NULL when it knows of none.
 */
#ifndef SD_DIFF_CAUSE_H
#define SD_DIFF_CAUSE_H

#include "sd_diff_names.h"

/* Whether the last name of the path of a change is one of a list, which ends with NULL. */
extern bool sd_diff_ends_in(const SdDiffChange *change, const char *const *names);

/*
 * sd_diff_cause_column
 */

/* Another type or collation of a column: the server builds indexes and constraints over it anew. */
extern bool sd_diff_is_retyped(const SdDiffChange *change);
/* What is defined over a column goes with it; another column only when it is computed from it. */
extern SdDiffChange *sd_diff_cause_column(SdDiffNames *names, SdDiffChange *change);
/* The change of the type in the same column or sequence, which brings others along. */
extern SdDiffChange *sd_diff_cause_type(SdDiffNames *names, SdDiffChange *change);
/* A new primary key forbids nulls in its columns. */
extern SdDiffChange *sd_diff_cause_primary_key(SdDiffNames *names, SdDiffChange *change);
/* Where a NOT NULL is a constraint, it comes and goes with that of the column, or with the column. */
extern SdDiffChange *sd_diff_cause_not_null(SdDiffNames *names, SdDiffChange *change);
/* A column has another type, and what is said of it is cast another way. */
extern SdDiffChange *sd_diff_cause_retyped(SdDiffNames *names, SdDiffChange *change);

/*
 * sd_diff_cause_parent
 */

/* What a table has from its parent comes and goes with it, or with the parent's column. */
extern SdDiffChange *sd_diff_cause_attached(SdDiffNames *names, SdDiffChange *change);
/* A partition or child does what its parent does. */
extern SdDiffChange *sd_diff_cause_parent(SdDiffNames *names, SdDiffChange *change);
/* A table of a type has the columns that its type has. */
extern SdDiffChange *sd_diff_cause_of_type(SdDiffNames *names, SdDiffChange *change);

/*
 * sd_diff_depends
 */

/* The loss of something that the changed thing depended on. */
extern SdDiffChange *sd_diff_cause_depends(SdDiffNames *names, SdDiffChange *change);

#endif
