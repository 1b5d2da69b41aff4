/*
 * sd_revert.c
 *	  SQL functions that write DDL: definition_sql().
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "sd_ddl.h"

PG_FUNCTION_INFO_V1(safedeploy_definition_sql);

Datum
safedeploy_definition_sql(PG_FUNCTION_ARGS)
{
	char *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *identity = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Jsonb *definition = PG_GETARG_JSONB_P(2);
	SdDdl *ddl;
	StringInfoData buf;
	ListCell *cell;

	if (!JB_ROOT_IS_OBJECT(definition))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("definition is not an object"),
				 errhint("Pass a definition as safedeploy.objects() gives it.")));
	ddl = sd_ddl_begin(kind, identity, NULL, definition, NULL);
	sd_ddl_run_create(ddl);
	initStringInfo(&buf);
	foreach (cell, ddl->steps)
	{
		SdDdlStep *step = lfirst(cell);

		if (step->sql != NULL)
			appendStringInfo(&buf, "%s;\n", step->sql);
		else
			appendStringInfo(&buf, "-- %s\n", step->reason);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}
