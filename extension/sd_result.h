/*
 * sd_result.h
 *	  Rows that a function returns all at once.
 */
#ifndef SD_RESULT_H
#define SD_RESULT_H

#include "fmgr.h"
#include "utils/tuplestore.h"

/* sd_result_begin makes the tuplestore of a set-returning function, and its row type. */
extern Tuplestorestate *sd_result_begin(FunctionCallInfo fcinfo, TupleDesc *desc);

#endif
