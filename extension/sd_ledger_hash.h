/*
 * sd_ledger_hash.h
 *	  Canonical form of a row of the ledger, and its SHA-256.
 *
 * The form is the table's name, then for each column that is not NULL, in the
 * order of the table, the column's name and its value, each with its length in
 * front.  The column "hash" itself is left out.  So NULL is not '', no value
 * can be moved into its neighbour, and a column added by a later version leaves
 * the hash of older rows as it is.  Values do not depend on settings, on the
 * encoding of the database or on the byte order of the machine.
 */
#ifndef SD_LEDGER_HASH_H
#define SD_LEDGER_HASH_H

#include "access/tupdesc.h"

/* Name of the column that holds a row's hash. */
#define SD_LEDGER_HASH_COLUMN "hash"

/* Returns 32 bytes as a bytea in the current context. */
extern bytea *sd_ledger_hash_row(const char *table, TupleDesc desc, const Datum *values,
								 const bool *nulls);

/* True when both are 32 bytes and equal. */
extern bool sd_ledger_hash_equal(const bytea *a, const bytea *b);

/* Returns 64 hexadecimal digits. */
extern char *sd_ledger_hash_text(const bytea *hash);

#endif
