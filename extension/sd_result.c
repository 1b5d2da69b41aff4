/*
 * sd_result.c
 *	  Rows that a function returns all at once.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_result.h"

/* Results of a large script are kept in memory up to this, which saves writing a file. */
#define RESULT_MEMORY_KB (32 * 1024)

/* result_desc makes a copy of the row type; a function that returns no rows gets one column. */
static TupleDesc
result_desc(FunctionCallInfo fcinfo)
{
	TupleDesc desc;
	Oid type;

	switch (get_call_result_type(fcinfo, &type, &desc))
	{
		case TYPEFUNC_COMPOSITE:
			return CreateTupleDescCopy(desc);
		case TYPEFUNC_SCALAR:
			desc = CreateTemplateTupleDesc(1);
			TupleDescInitEntry(desc, 1, NULL, type, -1, 0);
			return desc;
		default:
			elog(ERROR, "return type is neither a row type nor a type of one value");
	}
}

Tuplestorestate *
sd_result_begin(FunctionCallInfo fcinfo, TupleDesc *desc)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in a context that cannot accept a set"),
						errhint("Call it in the FROM clause.")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	*desc = result_desc(fcinfo);
	info->returnMode = SFRM_Materialize;
	info->setResult = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0,
											false, Max(work_mem, RESULT_MEMORY_KB));
	info->setDesc = *desc;
	MemoryContextSwitchTo(old);
	return info->setResult;
}

void
sd_put_text_column(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	if (text != NULL)
		values[column] = CStringGetTextDatum(text);
}
