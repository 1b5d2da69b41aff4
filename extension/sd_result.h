/*
 * sd_result.h
 *	  Rows that a function returns all at once, and values that they hold.
 */
#ifndef SD_RESULT_H
#define SD_RESULT_H

#include "fmgr.h"
#include "utils/tuplestore.h"

/* sd_result_begin makes the tuplestore of a set-returning function, and its row type. */
extern Tuplestorestate *sd_result_begin(FunctionCallInfo fcinfo, TupleDesc *desc);

/* sd_put_text_column fills one text column of a row; NULL becomes null. */
extern void sd_put_text_column(Datum *values, bool *nulls, int column, const char *text);

#endif
