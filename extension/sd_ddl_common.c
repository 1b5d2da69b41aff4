/*
 * sd_ddl_common.c
 *	  Facets that are the same for all kinds: owner, privileges, comment.
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

/* A grantee of a document as it stands in a GRANT. */
static const char *
grantee_sql(const char *grantee)
{
	if (strcmp(grantee, "PUBLIC") == 0)
		return "PUBLIC";
	/* a role of that name, or one in quotes, is quoted already */
	return grantee[0] == '"' ? grantee : quote_identifier(grantee);
}

/* Privileges of a list of a document, as "SELECT, INSERT"; those with or without the right to grant. */
static char *
privileges_sql(SdNode *list, bool grantable, const char *columns)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (SdNode *item = list->first; item != NULL; item = item->next)
	{
		const char *name = sd_ddl_scalar(item);
		size_t length = strlen(name);

		if ((name[length - 1] == '*') != grantable)
			continue;
		appendStringInfo(&buf, "%s%.*s%s%s", buf.len > 0 ? ", " : "",
						 (int) (grantable ? length - 1 : length), name, columns ? " " : "",
						 columns ? columns : "");
	}
	return buf.data;
}

static void
grant(SdDdl *ddl, const char *on, const char *columns, const char *grantee, SdNode *list)
{
	for (int grantable = 0; grantable < 2; grantable++)
	{
		const char *privileges = privileges_sql(list, grantable, columns);

		if (privileges[0] != '\0')
			sd_ddl_step(ddl, "GRANT %s ON %s TO %s%s", privileges, on, grantee_sql(grantee),
						grantable ? " WITH GRANT OPTION" : "");
	}
}

/* Whether anybody but the owner may hand a privilege on, so that others may depend on it. */
static bool
has_grant_options(SdNode *list, const char *owner)
{
	for (SdNode *member = list->first; member != NULL; member = member->next)
	{
		if (owner != NULL && strcmp(sd_ddl_key(member), owner) == 0)
			continue;
		if (privileges_sql(member, true, NULL)[0] != '\0')
			return true;
	}
	return false;
}

/* The list after a change of the owner, whose privileges go to the new one. */
static SdNode *
with_owner(SdNode *list, const char *from, const char *to)
{
	if (from == NULL || to == NULL || strcmp(from, to) == 0)
		return list;
	for (SdNode *member = list->first; member != NULL; member = member->next)
		if (strcmp(sd_ddl_key(member), from) == 0 && sd_map_find(list, to) == NULL)
		{
			member->key = to;
			member->keylen = strlen(to);
		}
	return list;
}

void
sd_ddl_privileges(SdDdl *ddl, const char *on, const char *columns, ObjectType type, SdNode *old,
				  SdNode *new, const char *old_owner, const char *new_owner)
{
	bool all;
	ListCell *cell;

	if (old == NULL && new == NULL && ddl->default_grantees == NIL)
		return;
	old = old ? old : sd_acl_default_node(type, old_owner);
	new = new ? with_owner(new, new_owner, old_owner) : sd_acl_default_node(type, old_owner);
	all = !sd_ddl_equal(old, new) && has_grant_options(new, old_owner);

	/* default privileges may give a new object more than the built-in ones do */
	if (ddl->new == NULL && columns == NULL)
		foreach (cell, ddl->default_grantees)
			if (sd_map_find(new, lfirst(cell)) == NULL)
				sd_ddl_step(ddl, "REVOKE ALL ON %s FROM %s", on, grantee_sql(lfirst(cell)));
	for (SdNode *member = new->first; member != NULL; member = member->next)
		if (all || !sd_ddl_equal(member, sd_map_find(old, sd_ddl_key(member))))
			sd_ddl_step(ddl, "REVOKE ALL%s%s ON %s FROM %s%s", columns ? " " : "",
						columns ? columns : "", on, grantee_sql(sd_ddl_key(member)),
						all ? " CASCADE" : "");
	for (SdNode *member = old->first; member != NULL; member = member->next)
		if (all || !sd_ddl_equal(member, sd_map_find(new, sd_ddl_key(member))))
			grant(ddl, on, columns, sd_ddl_key(member), member);
}
