/*
 * session.c
 *	  Opening of a simple command's session.
 */
#include "session.h"

#include "pg_catalog_extension.h"

bool
mg_session_open(MgContext *context, const char *command, MgPg **pg, MgError *err)
{
	MgExtension extension;

	if (!mg_pg_open(context->arena, &context->target,
					mg_printf(context->arena, "migguard:%s", command), pg, err))
		return false;
	if (mg_extension_read(*pg, &extension, err) && mg_extension_check(&extension, err))
		return true;
	mg_pg_close(*pg);
	*pg = NULL;
	return false;
}
