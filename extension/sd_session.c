/*
 * sd_session.c
 *	  Who is connected and how.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "sd_compat.h"
#include "sd_session.h"

char *
sd_session_user(void)
{
	return GetUserNameFromId(GetSessionUserId(), false);
}

bool
sd_session_may_record(void)
{
	static const Oid arguments[] = { UUIDOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID };
	/* Not by LookupFuncName: that one raises an error where the schema may not be used. */
	Oid schema = get_namespace_oid("safedeploy", true);
	Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("record_event"),
								   PointerGetDatum(buildoidvector(arguments, lengthof(arguments))),
								   ObjectIdGetDatum(schema));

	return OidIsValid(function) && sd_may_execute(function, GetSessionUserId());
}

void
sd_session_set_client_addr(SdRow *row, const char *column)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum addr;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	addr = inet_client_addr(fcinfo);
	sd_row_set_nullable(row, column, addr, fcinfo->isnull);
}

void
sd_session_require_autocommit(const char *function, const char *why)
{
	if (IsTransactionBlock() || IsSubTransaction())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("safedeploy.%s cannot run inside a transaction block", function),
						errdetail("%s", why),
						errhint("Call it in autocommit mode, as a statement of its own.")));

	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	PreventCommandDuringRecovery(function);

	/* A pipelining client has no block: this makes the server commit at once. */
	PreventInTransactionBlock(true, function);
}
