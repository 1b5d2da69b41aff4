/*
 * sd_try.c
 *	  Questions to the server that may fail, and that must not run user code.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "sd_try.h"

static object_access_hook_type prev_object_access = NULL;

/* refuse_user_code is the object access hook while a question is asked. */
static void
refuse_user_code(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (access == OAT_FUNCTION_EXECUTE && class == ProcedureRelationId &&
		object >= FirstNormalObjectId)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function %u is not executed during analysis", object)));
	if (prev_object_access)
		prev_object_access(access, class, object, sub, arg);
}

/*
 * ask calls a function inside a subtransaction, which is committed if "keep" says so;
 * "trusted" says that it may run what is not the server's own.
 */
static bool
ask(void (*function)(void *arg), void *arg, char **error, bool keep, bool trusted)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	object_access_hook_type outer_prev = prev_object_access;
	object_access_hook_type outer = object_access_hook;
	volatile bool ok = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	prev_object_access = outer == refuse_user_code ? outer_prev : outer;
	if (!trusted)
		object_access_hook = refuse_user_code;
	PG_TRY();
	{
		function(arg);
		object_access_hook = outer;
		prev_object_access = outer_prev;
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *edata;

		object_access_hook = outer;
		prev_object_access = outer_prev;
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(edata);
		if (error != NULL)
			*error = edata->message;
		ok = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return ok;
}

bool
sd_try(void (*function)(void *arg), void *arg, char **error)
{
	return ask(function, arg, error, true, false);
}

bool
sd_try_undone(void (*function)(void *arg), void *arg, char **error)
{
	return ask(function, arg, error, false, false);
}

bool
sd_try_trusted(void (*function)(void *arg), void *arg, char **error)
{
	return ask(function, arg, error, true, true);
}
