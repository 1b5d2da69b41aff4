/*
 * pg_catalog_schema.h
 *	  Snapshots and differences, as a run uses them.
 */
#ifndef MG_PG_CATALOG_SCHEMA_H
#define MG_PG_CATALOG_SCHEMA_H

#include "pg.h"

/* A stored snapshot; id NULL: there is none. */
typedef struct MgSnapshot
{
	const char *id;
	const char *fingerprint;
} MgSnapshot;

/*
 * What another session keeps from being read is waited for a little; then it is
 * an error to take a snapshot or the fingerprint, and a real difference.
 */
extern bool mg_schema_take(MgPg *pg, const char *label, const char *run_id, MgSnapshot *snapshot,
						   MgError *err);

extern bool mg_schema_fingerprint(MgPg *pg, char **fingerprint, MgError *err);

/* Differences as sentences.  Order of columns is told apart from what is real. */
typedef struct MgChanges
{
	MgStrings real;
	MgStrings order;
	MgStrings lost; /* loses data, or may; some of these are real as well, none unknown */
	int unknown;	/* how many of the real ones are objects that could not be read */
} MgChanges;

/* From a snapshot to another, or to the schema as it is (NULL); ignore names tables left out. */
extern bool mg_schema_changes(MgPg *pg, const char *from, const char *to, const MgStrings *ignore,
							  MgChanges *changes, MgError *err);

/* Differences between two ways: from a to b, and from c to d. */
extern bool mg_schema_compare_changes(MgPg *pg, const char *a, const char *b, const char *c,
									  const char *d, const MgStrings *ignore, MgChanges *changes,
									  MgError *err);

/* Copies a snapshot to another database. */
extern bool mg_schema_copy_snapshot(MgPg *from, const char *id, MgPg *to, MgSnapshot *copy,
									MgError *err);

/*
 * Of tables and columns, named as a permit names them, those that are there: name, query (a
 * row when it holds a value of its own), readable.
 */
extern bool mg_schema_written(MgPg *pg, const MgStrings *names, MgRows *rows, MgError *err);

/* "a; b; c and 4 more"; "" when there is none. */
extern char *mg_changes_text(MgArena *arena, const MgStrings *list, int most);

#endif
