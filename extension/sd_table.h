/*
 * sd_table.h
 *	  The module's own tables, read and written as rows of named columns.
 *
 * Rows are written straight into the heap and its indexes, as the server writes
 * its catalogs: no trigger, rule or policy is run, so the triggers on the
 * ledger can refuse every statement without exception, and a transaction with
 * an old snapshot (REPEATABLE READ) can append like any other.
 *
 * Everything returned is palloc'd in the current context.
 */
#ifndef SD_TABLE_H
#define SD_TABLE_H

#include "access/htup.h"
#include "access/skey.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* One row: its table and one value a column, in the order of the table. */
typedef struct SdRow
{
	Relation rel;
	Datum *values;
	bool *nulls;
} SdRow;

/* A scan of one of our tables that sees everything committed before it began. */
typedef struct SdScan SdScan;

/*
 * sd_table_open opens safedeploy.NAME.  Anything of that name that is not a
 * table of the extension counts as missing: without the extension, somebody
 * else's schema "safedeploy" must not be read as ours.
 * sd_table_open_if_exists returns NULL when it is missing.
 */
extern Relation sd_table_open(const char *name, LOCKMODE lockmode);
extern Relation sd_table_open_if_exists(const char *name, LOCKMODE lockmode);

/* OID of safedeploy.NAME in the extension's schema, or InvalidOid. */
extern Oid sd_table_oid(const char *name);

/*
 * sd_table_next_id draws a number from a sequence of ours, which counts by ones.
 * lastval() of the session goes on telling what the user drew last.
 */
extern int64 sd_table_next_id(const char *sequence);

/*
 * sd_scan_begin scans in the order of an index of ours, or, with NULL, in no
 * order at all.  With a column, only rows equal to key are returned; equality
 * is the function eq, and text columns have collation "C".  "backward" takes
 * the index from its end.
 */
extern SdScan *sd_scan_begin(Relation rel, const char *index, const char *column, RegProcedure eq,
							 Datum key, bool backward);
extern HeapTuple sd_scan_next(SdScan *scan);
extern void sd_scan_end(SdScan *scan);

/* Rows: a new one is all NULL; a loaded one copies what the tuple holds. */
extern SdRow *sd_row_new(Relation rel);
extern SdRow *sd_row_load(Relation rel, HeapTuple tuple);
extern Datum sd_row_get(const SdRow *row, const char *column, bool *isnull);
extern char *sd_row_get_text(const SdRow *row, const char *column);
extern void sd_row_set(SdRow *row, const char *column, Datum value);
extern void sd_row_set_nullable(SdRow *row, const char *column, Datum value, bool isnull);
extern void sd_row_set_text(SdRow *row, const char *column, const char *value);
/* sd_text_array makes a text[] of a list of strings. */
extern Datum sd_text_array(List *strings);
extern void sd_row_insert(SdRow *row);
extern void sd_row_update(SdRow *row, ItemPointer tid);

#endif
