/*
 * pg_catalog_compare.h
 *	  A database as it is compared with another one, or with a stored snapshot.
 *
 * Servers read their schema at the same time, keep it, and tell a hash of each
 * object.  Only the objects that differ go from the new side to the session of
 * the old one, which has the rest of what the diff needs.
 */
#ifndef MG_PG_CATALOG_COMPARE_H
#define MG_PG_CATALOG_COMPARE_H

#include "pg.h"

typedef struct MgCompareSide
{
	MgPg *pg;	  /* a session that the other side does not use */
	bool stored;  /* a snapshot, which mg_compare_stored names */
	long long id; /* of that, 0 before */
	const char *version;
	const char *system;
	const char *oid;
	const char *superusers;
	MgStream stream;
	struct MgCompareObject *objects;
	int count;
	int size;
	MgStrings differ; /* numbers of those that may differ */
} MgCompareSide;

typedef struct MgCompare
{
	MgCompareSide old_side;
	MgCompareSide new_side;
	const char *facets; /* as mg_snapshot_diff takes them */
	bool judge_owners;	/* by who is superuser of the new side */
	bool physical;		/* one side is a state of the other, so that numbers mean something */
	MgArena *arena;		/* of the objects */
} MgCompare;

/* Begins a transaction on either side, and lets a database be read when nothing else is waited for. */
extern bool mg_compare_begin(MgCompare *compare, MgError *err);

/* The stored side has a header; an import may go on, while the database is read. */
extern bool mg_compare_stored(MgCompare *compare, long long id, MgError *err);

/* Changes as mg_snapshot_diff returns them; both transactions are taken back. */
extern bool mg_compare_end(MgCompare *compare, MgRows *rows, MgError *err);

/* Ends what is under way, also after an error; the sessions stay open. */
extern void mg_compare_free(MgCompare *compare);

#endif
