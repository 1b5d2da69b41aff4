/*
 * sd_predict.h
 *	  What the server would do, decided the way the server decides it.
 *
 * Each question looks at the catalog without waiting for a lock.  An answer
 * that cannot be had is SD_UNKNOWN, never SD_NO.
 */
#ifndef SD_PREDICT_H
#define SD_PREDICT_H

#include "sd_rules.h"

/* What ADD COLUMN does besides adding a column. */
typedef struct SdColumnPrediction
{
	bool is_serial;
	bool is_identity;
	bool is_stored;		   /* a generated column whose values are kept */
	bool has_default;	   /* a DEFAULT that is not NULL */
	bool constant_default; /* the DEFAULT is a literal */
	bool not_null;
	SdTruth default_rewrites; /* the DEFAULT is volatile */
	SdTruth domain_rewrites;  /* the type is a domain with constraints */
	const char *error;		  /* why something is not known */
} SdColumnPrediction;

extern SdColumnPrediction sd_predict_add_column(ColumnDef *column);

/* What ALTER COLUMN TYPE does. */
typedef struct SdTypePrediction
{
	SdTruth rewrites;
	SdTruth narrows;	   /* values may not fit, or are rounded */
	const char *narrowing; /* how, as a sentence */
	bool loses_all;		   /* USING does not read the column */
	bool uses_time_zone;   /* the session's TimeZone decides what the values become */
	const char *old_type;  /* as text; NULL when not known */
	const char *new_type;
	bool same_type;		/* nothing but its modifier changes */
	List *checks;		/* names of CHECK constraints that are verified again */
	List *foreign_keys; /* OIDs of foreign keys that are made again */
	List *indexes;		/* names of indexes that are built again without a rewrite */
	List *blockers;		/* descriptions of objects that forbid the change */
	const char *error;	/* why something is not known */
} SdTypePrediction;

extern SdTypePrediction sd_predict_alter_type(Oid relation, const char *column, ColumnDef *def);

/*
 * sd_predict_not_null tells whether SET NOT NULL reads the table.  Constraints
 * in "dropped" (names) go in the same command and prove nothing.
 */
extern SdTruth sd_predict_not_null(Oid relation, const char *column, List *dropped, List *validated);

/* sd_is_plain_type recognises types of the server itself, whose domains have no constraints. */
extern bool sd_is_plain_type(const TypeName *type);

/* sd_is_serial recognises the names of types that the server replaces by a sequence. */
extern bool sd_is_serial(const TypeName *type);

/*
 * sd_predict_attach tells whether ATTACH PARTITION must read a table, because its
 * constraints do not imply the bound that it gets as a partition of "parent".
 * Constraints in "dropped" (names) prove nothing, those in "validated" do.
 */
extern SdTruth sd_predict_attach(Oid table, Oid parent, PartitionBoundSpec *bound, List *dropped,
								 List *validated);

/*
 * sd_predict_default tells whether a new partition of "parent" has the default
 * partition read, because its constraints do not imply that no row of it
 * belongs into the new one.
 */
extern SdTruth sd_predict_default(Oid table, Oid parent, PartitionBoundSpec *bound, List *dropped,
								  List *validated);

/* sd_column_is_not_null tells whether a column of the catalog is declared so. */
extern bool sd_column_is_not_null(Oid relation, const char *column);

#endif
