/*
 * sd_result.c
 *	  Rows that a function returns all at once.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"

#include "sd_result.h"

/* Results of a large script are kept in memory up to this, which saves writing a file. */
#define RESULT_MEMORY_KB (16 * 1024)

Tuplestorestate *
sd_result_begin(FunctionCallInfo fcinfo, TupleDesc *desc)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in a context that cannot accept a set")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");
	*desc = CreateTupleDescCopy(*desc);
	info->returnMode = SFRM_Materialize;
	info->setResult = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0,
											false, Max(work_mem, RESULT_MEMORY_KB));
	info->setDesc = *desc;
	MemoryContextSwitchTo(old);
	return info->setResult;
}
