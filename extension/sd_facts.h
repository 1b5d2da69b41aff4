/*
 * sd_facts.h
 *	  What the catalog says of a table's indexes, constraints and columns.
 *
 * Look-ups take no lock but those on the catalogs, and results live in the
 * current memory context.
 */
#ifndef SD_FACTS_H
#define SD_FACTS_H

#include "nodes/pg_list.h"

#include "sd_rules.h"

typedef struct SdIndexFacts
{
	Oid oid;
	Oid table;
	Oid method;
	bool unique;
	bool primary;
	bool valid;
	bool partial;
	bool has_expressions;
	bool deferrable;
	bool plain;			  /* default operator classes, collations and order */
	bool partitioned;	  /* on a partitioned table */
	int nkeys;			  /* without INCLUDE columns */
	const int16 *columns; /* of the keys; 0 for an expression */
} SdIndexFacts;

/* sd_fact_index describes one index, or returns NULL when there is no such. */
extern SdIndexFacts *sd_fact_index(Oid index);

/* sd_fact_indexes lists the indexes of a table (SdIndexFacts), looked up once. */
extern List *sd_fact_indexes(SdAnalysis *analysis, Oid table);

typedef struct SdConstraintFacts
{
	Oid oid;
	const char *name;
	char type; /* CONSTRAINT_* */
	Oid table;
	Oid other; /* referenced table of a foreign key */
	Oid index;
	bool enforced;
	Oid parent;	   /* the constraint that it is a partition's copy of */
	List *columns; /* attribute numbers */
} SdConstraintFacts;

/* sd_fact_constraints lists the constraints of a table (SdConstraintFacts), looked up once. */
extern List *sd_fact_constraints(SdAnalysis *analysis, Oid table);

/* sd_fact_primary_key lists the columns of a table's primary key, as attribute numbers. */
extern List *sd_fact_primary_key(SdAnalysis *analysis, Oid table);

/* sd_fact_constraint finds a constraint of a table by name, or NULL. */
extern SdConstraintFacts *sd_fact_constraint(SdAnalysis *analysis, Oid table, const char *name);

/* sd_fact_referencing lists the foreign keys that point at a table. */
extern List *sd_fact_referencing(Oid table);

/*
 * sd_fact_column returns the number of a column that the catalog has under
 * the name that it had before the script; 0 when there is none.
 */
extern AttrNumber sd_fact_column(SdAnalysis *analysis, const SdRelation *relation, const char *name);

/* sd_fact_columns does that for a list of String; NIL when one is not in the catalog. */
extern List *sd_fact_columns(SdAnalysis *analysis, const SdRelation *relation, List *names);

/* What ANALYZE found in a column. */
typedef struct SdColumnStats
{
	bool known;
	double null_fraction;
	bool repeats; /* a value was seen more than once */
} SdColumnStats;

extern SdColumnStats sd_fact_stats(Oid table, AttrNumber column);

/* sd_fact_partition_key lists the columns of a partition key, 0 for an expression. */
extern List *sd_fact_partition_key(Oid table);

/* sd_fact_children lists the partitions and other children of a table, of all levels. */
extern List *sd_fact_children(Oid table);

/*
 * sd_fact_parent returns the parent of a partition, or InvalidOid.  "detaching",
 * which may be NULL, says whether a concurrent DETACH of it was begun and not ended.
 */
extern Oid sd_fact_parent(Oid partition, bool *detaching);

/* sd_fact_indexes_using lists the indexes (OIDs) that go with a column, whatever they use it for. */
extern List *sd_fact_indexes_using(Oid table, AttrNumber column);

/* sd_fact_backs_constraint tells whether an index is that of a constraint of a list. */
extern bool sd_fact_backs_constraint(List *constraints, Oid index);

/* sd_fact_is_still_there tells whether the script has neither dropped nor renamed a relation. */
extern bool sd_fact_is_still_there(SdAnalysis *analysis, Oid relation);

/* sd_fact_owned_sequences lists the sequences that belong to a column of a table, or to any (0). */
extern List *sd_fact_owned_sequences(Oid table, AttrNumber column);

#endif
