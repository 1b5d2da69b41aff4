/*
 * rawparse.c
 *	  The server's raw parser as a SQL function, to measure analyze() against,
 *	  and the clock to measure with.
 *
 * The function returns an empty set by the same way as analyze() returns its
 * findings, so that the difference between the two is the analysis alone.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(raw_parse);
PG_FUNCTION_INFO_V1(cpu_ms);

/* cpu_ms() RETURNS float8 is the processor time of this backend: other processes do not disturb it. */
Datum
cpu_ms(PG_FUNCTION_ARGS)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	PG_RETURN_FLOAT8(now.tv_sec * 1000.0 + now.tv_nsec / 1000000.0);
}

/* raw_parse(sql text) RETURNS SETOF safedeploy.finding parses the whole text at once. */
Datum
raw_parse(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "raw parse", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);

	info->returnMode = SFRM_Materialize;
	info->setResult = tuplestore_begin_heap(false, false, work_mem);
	if (get_call_result_type(fcinfo, NULL, &info->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type is not a row type");
	info->setDesc = CreateTupleDescCopy(info->setDesc);
	MemoryContextSwitchTo(context);
#if PG_VERSION_NUM >= 140000
	(void) raw_parser(sql, RAW_PARSE_DEFAULT);
#else
	(void) raw_parser(sql);
#endif
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
