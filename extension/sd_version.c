/*
 * sd_version.c
 *	  What a client asks before it asks anything else.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "common/sd_protocol.h"

PG_FUNCTION_INFO_V1(safedeploy_version);
PG_FUNCTION_INFO_V1(safedeploy_protocol_version);

/* version() returns text */
Datum
safedeploy_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(SAFEDEPLOY_VERSION));
}

/* protocol_version() returns integer */
Datum
safedeploy_protocol_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(SD_PROTOCOL_VERSION);
}
