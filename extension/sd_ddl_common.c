/*
 * sd_ddl_common.c
 *	  Facets that are the same for all kinds: owner and comment.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl.h"

void
sd_ddl_owner(SdDdl *ddl)
{
	const char *old = sd_ddl_old(ddl, "owner", "name", NULL);
	const char *new = sd_ddl_new(ddl, "owner", "name", NULL);

	if (old != NULL && (new == NULL || strcmp(old, new) != 0))
		sd_ddl_step(ddl, "ALTER %s OWNER TO %s", sd_ddl_address(ddl->writer, ddl->identity),
					quote_identifier(old));
}

void
sd_ddl_comment(SdDdl *ddl, const char *target, SdNode *old, SdNode *new)
{
	if (sd_ddl_equal(old, new))
		return;
	sd_ddl_step(ddl, "COMMENT ON %s IS %s", target,
				old ? sd_ddl_literal(sd_ddl_scalar(old)) : "NULL");
}
