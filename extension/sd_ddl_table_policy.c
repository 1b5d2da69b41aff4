/*
 * sd_ddl_table_policy.c
 *	  Policies of row security.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"

#include "sd_ddl_part.h"

static char *
roles_sql(SdNode *roles)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (SdNode *role = roles ? roles->first : NULL; role != NULL; role = role->next)
	{
		const char *name = sd_ddl_scalar(role);

		appendStringInfo(&sql, "%s%s", role == roles->first ? "" : ", ",
						 strcmp(name, "PUBLIC") == 0 || name[0] == '"' ? name :
																		 quote_identifier(name));
	}
	return sql.data;
}

static char *
policy_clauses(SdNode *policy)
{
	const char *using = sd_ddl_text(policy, "using", NULL);
	const char *check = sd_ddl_text(policy, "with_check", NULL);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, " TO %s", roles_sql(sd_ddl_get(policy, "roles")));
	if (using != NULL)
		appendStringInfo(&sql, " USING (%s)", using);
	if (check != NULL)
		appendStringInfo(&sql, " WITH CHECK (%s)", check);
	return sql.data;
}

static void
create_policy(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "CREATE POLICY %s ON %s%s FOR %s%s", part->quoted, ddl->identity,
				sd_map_find(part->old, "permissive") ? " AS RESTRICTIVE" : "",
				asc_toupper(sd_ddl_text(part->old, "command", "all"),
							strlen(sd_ddl_text(part->old, "command", "all"))),
				policy_clauses(part->old));
	sd_ddl_mark(part->old);
}

static bool
alter_policy(SdDdl *ddl, const SdDdlPart *part)
{
	static const char *const keys[] = { "roles", "using", "with_check" };
	bool lost = false;

	if (!sd_ddl_differs_only_in(ddl, part, keys, lengthof(keys)))
		return false;
	/* an expression can be changed in place, but not taken away */
	for (int i = 1; i < lengthof(keys); i++)
		lost |= sd_map_find(part->old, keys[i]) == NULL && sd_map_find(part->new, keys[i]) != NULL;
	if (lost)
		return false;
	if (!sd_ddl_same(ddl, part->old, part->new))
		sd_ddl_step(ddl, "ALTER POLICY %s ON %s%s", part->quoted, ddl->identity,
					policy_clauses(part->old));
	return true;
}

static void
drop_policy(SdDdl *ddl, const SdDdlPart *part)
{
	sd_ddl_step(ddl, "DROP POLICY %s ON %s", part->quoted, sd_ddl_here(ddl));
}

const SdDdlPartKind sd_ddl_policies = {
	.number = SD_DIFF_POLICIES,
	.collection = "policies",
	.facet = "security",
	.create = create_policy,
	.alter = alter_policy,
	.drop = drop_policy,
};
