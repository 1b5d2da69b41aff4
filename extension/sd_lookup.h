/*
 * sd_lookup.h
 *	  Look-ups in the catalog that several rules share.  None takes a lock on what
 *	  it looks up, and none fails for names that mean nothing.
 */
#ifndef SD_LOOKUP_H
#define SD_LOOKUP_H

#include "access/htup.h"
#include "catalog/pg_attribute.h"

#include "sd_rules.h"

/* sd_lookup_column finds a column that the catalog has and that the script has not made or dropped. */
extern bool sd_lookup_column(SdAnalysis *analysis, const SdRelation *relation, const char *name,
							 FormData_pg_attribute *column);

/* sd_lookup_default returns the default or generation expression of a column, or NULL. */
extern Node *sd_lookup_default(Oid relation, AttrNumber column);

/* sd_lookup_same_default tells whether a column has the default that a raw expression means; NULL is none. */
extern bool sd_lookup_same_default(Oid relation, const FormData_pg_attribute *column, Node *raw);

/* sd_lookup_columns returns the number of the last column of a relation. */
extern int sd_lookup_columns(Oid relation);

/* sd_lookup_has_type tells whether a relation has a column of a type, or of an array of it. */
extern bool sd_lookup_has_type(Oid relation, Oid type);

/* sd_lookup_index_use tells whether an index is that of the primary key, and the replica identity. */
extern void sd_lookup_index_use(Oid index, bool *primary, bool *identity);

/* sd_lookup_leads_index tells whether a valid index begins with a column. */
extern bool sd_lookup_leads_index(Oid table, AttrNumber column);

/* sd_lookup_index_taken finds the relation that has the name of an index that is to be made on a table. */
extern bool sd_lookup_index_taken(SdAnalysis *analysis, const IndexStmt *stmt, SdRelation *table,
								  SdRelation *taken);

/* sd_lookup_index_table returns the table of an index, or InvalidOid. */
extern Oid sd_lookup_index_table(Oid index);

/* sd_lookup_is_table tells whether a relation is a table, partitioned or not. */
extern bool sd_lookup_is_table(Oid relation);

/* sd_lookup_drop_targets lists what a DROP names of the catalog (ObjectAddress), as far as it is known. */
extern List *sd_lookup_drop_targets(SdAnalysis *analysis, DropStmt *stmt);

/* sd_lookup_type resolves a type with its modifier; InvalidOid when it is not in the catalog. */
extern Oid sd_lookup_type(const TypeName *name, int32 *typmod);

/* sd_lookup_routine resolves a routine with its arguments; InvalidOid when there is none of that name, or several. */
extern Oid sd_lookup_routine(ObjectType kind, ObjectWithArgs *name);

/* sd_lookup_routine_count counts the routines of a name. */
extern int sd_lookup_routine_count(const char *name);

/* sd_lookup_row asks for an OID in the row of a catalog that an index finds; InvalidOid when there is none. */
extern Oid sd_lookup_row(Oid catalog, Oid index, AttrNumber key_column, Oid object,
						 Oid (*value)(HeapTuple));

/* What publications do with a table. */
typedef struct SdPublished
{
	const char *name; /* of one of them, NULL for none */
	List *names;	  /* of all */
	bool updates;	  /* changes that need a replica identity are published */
} SdPublished;

extern SdPublished sd_lookup_published(SdAnalysis *analysis, Oid relation);

/* sd_lookup_subscribed tells whether rows of a table come from a subscription. */
extern bool sd_lookup_subscribed(SdAnalysis *analysis, Oid relation);

#endif
