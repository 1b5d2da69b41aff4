/*
 * sd_ddl_environment.c
 *	  Statements for what surrounds the schema: roles, their settings, the
 *	  database, tablespaces, parameters and large objects.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "sd_compat_catalog.h"
#include "sd_ddl_list.h"

static const char *
old_text(SdDdl *ddl, const char *key, const char *otherwise)
{
	return sd_ddl_old(ddl, "environment", key, otherwise);
}

static bool
changed(SdDdl *ddl, const char *key)
{
	return sd_ddl_changed(ddl, "environment", key);
}

static SdNode *
part_of(SdDdl *ddl, SdNode *side, const char *key)
{
	SdNode *part = sd_ddl_node(ddl, side, "environment", key, NULL);

	sd_ddl_mark(part);
	return part;
}

/* Owner, privileges and comment, which stand in the one facet here. */
static void
write_common(SdDdl *ddl, const char *address, const char *on, ObjectType type)
{
	const char *owner = old_text(ddl, "owner", NULL);

	if (owner != NULL && changed(ddl, "owner"))
		sd_ddl_step(ddl, "ALTER %s OWNER TO %s", address, quote_identifier(owner));
	if (on != NULL)
		sd_ddl_privileges(ddl, on, NULL, type, part_of(ddl, ddl->old, "acl"),
						  part_of(ddl, ddl->new, "acl"), owner,
						  sd_ddl_new(ddl, "environment", "owner", NULL));
	sd_ddl_comment(ddl, address, part_of(ddl, ddl->old, "comment"),
				   part_of(ddl, ddl->new, "comment"));
	sd_ddl_labels(ddl, address, part_of(ddl, ddl->old, "security_labels"),
				  part_of(ddl, ddl->new, "security_labels"));
}

/* Settings that differ, one statement each after what stands before SET. */
static void
write_settings(SdDdl *ddl, const char *alter)
{
	SdNode *old = part_of(ddl, ddl->old, "settings");
	SdNode *new = part_of(ddl, ddl->new, "settings");

	for (SdNode *setting = new ? new->first : NULL; setting != NULL; setting = setting->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(setting)) == NULL)
			sd_ddl_step(ddl, "%s RESET %s", alter, quote_identifier(sd_ddl_key(setting)));
	for (SdNode *setting = old ? old->first : NULL; setting != NULL; setting = setting->next)
	{
		const char *clause;

		if (new != NULL && sd_ddl_equal(setting, sd_map_find(new, sd_ddl_key(setting))))
			continue;
		clause = sd_ddl_setting(ddl, setting);
		if (clause != NULL)
			sd_ddl_step(ddl, "%s %s", alter, clause);
	}
}

/* Roles */

static const struct
{
	const char *key;
	const char *otherwise;
	const char *word;
} attributes[] = {
	{ "superuser", "false", "SUPERUSER" },	 { "createdb", "false", "CREATEDB" },
	{ "createrole", "false", "CREATEROLE" }, { "inherit", "true", "INHERIT" },
	{ "login", "false", "LOGIN" },			 { "replication", "false", "REPLICATION" },
	{ "bypassrls", "false", "BYPASSRLS" },
};

static char *
role_options(SdDdl *ddl)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(attributes); i++)
		if (changed(ddl, attributes[i].key))
		{
			const char *value = old_text(ddl, attributes[i].key, attributes[i].otherwise);

			appendStringInfo(&buf, " %s%s", strcmp(value, "true") == 0 ? "" : "NO",
							 attributes[i].word);
		}
	if (changed(ddl, "connection_limit"))
		appendStringInfo(&buf, " CONNECTION LIMIT %s", old_text(ddl, "connection_limit", "-1"));
	if (changed(ddl, "valid_until"))
		appendStringInfo(&buf, " VALID UNTIL %s",
						 sd_ddl_literal(old_text(ddl, "valid_until", "infinity")));
	return buf.data;
}

/* " WITH …" of a membership; inherit is there where the server knows the options. */
static char *
membership_options(SdNode *membership)
{
	bool admin = sd_ddl_true(membership, "admin");
	const char *inherit = sd_ddl_text(membership, "inherit", NULL);

	if (inherit == NULL)
		return pstrdup(admin ? " WITH ADMIN OPTION" : "");
	return psprintf(" WITH ADMIN %s, INHERIT %s, SET %s", admin ? "TRUE" : "FALSE",
					strcmp(inherit, "true") == 0 ? "TRUE" : "FALSE",
					strcmp(sd_ddl_text(membership, "set", "true"), "true") == 0 ? "TRUE" : "FALSE");
}

static void
write_memberships(SdDdl *ddl)
{
	SdNode *old = part_of(ddl, ddl->old, "member_of");
	SdNode *new = part_of(ddl, ddl->new, "member_of");

	for (SdNode *of = new ? new->first : NULL; of != NULL; of = of->next)
		if (old == NULL || !sd_ddl_equal(of, sd_map_find(old, sd_ddl_key(of))))
			sd_ddl_step(ddl, "REVOKE %s FROM %s", quote_identifier(sd_ddl_key(of)), ddl->identity);
	for (SdNode *of = old ? old->first : NULL; of != NULL; of = of->next)
		if (new == NULL || !sd_ddl_equal(of, sd_map_find(new, sd_ddl_key(of))))
			sd_ddl_step(ddl, "GRANT %s TO %s%s", quote_identifier(sd_ddl_key(of)), ddl->identity,
						membership_options(of));
}

static void
create_role(SdDdl *ddl)
{
	SdDdlStep *step;

	step = sd_ddl_step(ddl, "CREATE ROLE %s%s", ddl->identity, role_options(ddl));
	if (sd_ddl_old(ddl, "environment", "login", NULL) != NULL)
		sd_ddl_loses(step, SD_DDL_STRUCTURAL, SD_DIFF_NONE, "a snapshot does not keep passwords");
	write_memberships(ddl);
	write_common(ddl, sd_ddl_address(ddl->writer, ddl->identity), NULL, OBJECT_ROLE);
}

static bool
alter_role(SdDdl *ddl)
{
	const char *options = role_options(ddl);

	if (options[0] != '\0')
		sd_ddl_step(ddl, "ALTER ROLE %s%s", ddl->identity, options);
	write_memberships(ddl);
	write_common(ddl, sd_ddl_address(ddl->writer, ddl->identity), NULL, OBJECT_ROLE);
	return true;
}

/* Settings of roles: "for all roles", "for role r", "for role r in this database" */

static void
write_role_settings(SdDdl *ddl)
{
	static const char for_role[] = "for role ";
	static const char here[] = " in this database";
	char *role;
	char *rest;

	if (strncmp(ddl->identity, for_role, sizeof(for_role) - 1) != 0)
		write_settings(ddl, "ALTER ROLE ALL");
	else if (sd_ddl_split(ddl->identity, here, &role, &rest))
		write_settings(ddl, psprintf("ALTER ROLE %s IN DATABASE %s", role + sizeof(for_role) - 1,
									 quote_identifier(get_database_name(MyDatabaseId))));
	else
		write_settings(ddl, psprintf("ALTER ROLE %s", ddl->identity + sizeof(for_role) - 1));
}

static bool
alter_role_settings(SdDdl *ddl)
{
	write_role_settings(ddl);
	return true;
}

/* The settings of a role that is dropped go with it. */
static void
drop_role_settings(SdDdl *ddl)
{
	ddl->stage = SD_DDL_BEFORE;
	write_role_settings(ddl);
}

/* Tablespaces */

static void
create_tablespace(SdDdl *ddl)
{
	for (SdNode *member = sd_map_find(ddl->old, "environment")->first; member != NULL;
		 member = member->next)
		sd_ddl_mark(member);
	sd_ddl_impossible(ddl,
					  "tablespace %s has to be made by hand: a snapshot does not keep where it lies",
					  ddl->identity);
}

static bool
alter_tablespace(SdDdl *ddl)
{
	SdNode *old = part_of(ddl, ddl->old, "options");
	SdNode *new = part_of(ddl, ddl->new, "options");
	StringInfoData gone;

	initStringInfo(&gone);
	for (SdNode *option = new ? new->first : NULL; option != NULL; option = option->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(option)) == NULL)
			appendStringInfo(&gone, "%s%s", gone.len > 0 ? ", " : "",
							 quote_identifier(sd_ddl_key(option)));
	if (gone.len > 0)
		sd_ddl_step(ddl, "ALTER TABLESPACE %s RESET (%s)", ddl->identity, gone.data);
	if (old != NULL && !sd_ddl_equal(old, new))
		sd_ddl_step(ddl, "ALTER TABLESPACE %s SET (%s)", ddl->identity, sd_ddl_options(old));
	write_common(ddl, sd_ddl_address(ddl->writer, ddl->identity),
				 psprintf("TABLESPACE %s", ddl->identity), OBJECT_TABLESPACE);
	return true;
}

static void
drop_tablespace(SdDdl *ddl)
{
	sd_ddl_step(ddl, "DROP TABLESPACE %s", ddl->identity)->outside = true;
}

/* The database: what is not listed was decided when it was made */

static bool
alter_database(SdDdl *ddl)
{
	char *address = sd_ddl_address(ddl->writer, ddl->identity);

	if (changed(ddl, "allow_connections"))
		sd_ddl_step(ddl, "ALTER %s ALLOW_CONNECTIONS %s", address,
					old_text(ddl, "allow_connections", "true"));
	if (changed(ddl, "connection_limit"))
		sd_ddl_step(ddl, "ALTER %s CONNECTION LIMIT %s", address,
					old_text(ddl, "connection_limit", "-1"));
	if (changed(ddl, "is_template"))
		sd_ddl_step(ddl, "ALTER %s IS_TEMPLATE %s", address, old_text(ddl, "is_template", "false"));
	if (changed(ddl, "tablespace"))
		sd_ddl_impossible(ddl, "a database is moved to another tablespace when nobody is connected "
							   "to it");
	write_settings(ddl, psprintf("ALTER %s", address));
	write_common(ddl, address, address, OBJECT_DATABASE);
	return true;
}

static void
create_database(SdDdl *ddl)
{
	for (SdNode *member = sd_map_find(ddl->old, "environment")->first; member != NULL;
		 member = member->next)
		sd_ddl_mark(member);
	sd_ddl_impossible(ddl, "a database is not made from inside of another one");
}

static void
drop_database(SdDdl *ddl)
{
	sd_ddl_impossible(ddl, "a database is not dropped from inside");
}

/* Parameters */

static void
write_parameter(SdDdl *ddl)
{
	sd_ddl_privileges(ddl, psprintf("PARAMETER %s", quote_identifier(ddl->identity)), NULL,
					  SD_OBJECT_PARAMETER, part_of(ddl, ddl->old, "acl"),
					  part_of(ddl, ddl->new, "acl"), old_text(ddl, "owner", NULL),
					  sd_ddl_new(ddl, "environment", "owner", NULL));
}

static bool
alter_parameter(SdDdl *ddl)
{
	write_parameter(ddl);
	return true;
}

/* Nobody owns a parameter: what is granted to the first superuser stays its own. */
static void
drop_parameter(SdDdl *ddl)
{
	const char *owner = sd_ddl_new(ddl, "environment", "owner", NULL);

	sd_ddl_privileges(ddl, psprintf("PARAMETER %s", quote_identifier(ddl->identity)), NULL,
					  SD_OBJECT_PARAMETER, NULL, part_of(ddl, ddl->new, "acl"), owner, owner);
}

/* Large objects */

static void
write_large_object(SdDdl *ddl, const char *oid, SdNode *old, SdNode *new)
{
	char *address = psprintf("LARGE OBJECT %s", oid);
	const char *owner = sd_ddl_text(old, "owner", NULL);
	const char *new_owner = sd_ddl_text(new, "owner", NULL);

	if (new == NULL)
		sd_ddl_loses(sd_ddl_step(ddl, "SELECT pg_catalog.lo_create(%s)", oid), SD_DDL_STRUCTURAL,
					 SD_DIFF_NONE, "the content of the large object does not come back");
	if (owner != NULL && (new_owner == NULL || strcmp(owner, new_owner) != 0))
		sd_ddl_step(ddl, "ALTER %s OWNER TO %s", address, quote_identifier(owner));
	sd_ddl_privileges(ddl, address, NULL, OBJECT_LARGEOBJECT, sd_ddl_get(old, "privileges"),
					  sd_ddl_get(new, "privileges"), owner, new_owner);
	sd_ddl_comment(ddl, address, sd_ddl_get(old, "comment"), sd_ddl_get(new, "comment"));
	sd_ddl_labels(ddl, address, sd_ddl_get(old, "security_labels"),
				  sd_ddl_get(new, "security_labels"));
}

static void
write_large_objects(SdDdl *ddl)
{
	SdNode *old = part_of(ddl, ddl->old, "objects");
	SdNode *new = part_of(ddl, ddl->new, "objects");

	for (SdNode *object = new ? new->first : NULL; object != NULL; object = object->next)
		if (old == NULL || sd_map_find(old, sd_ddl_key(object)) == NULL)
			sd_ddl_loses(sd_ddl_step(ddl, "SELECT pg_catalog.lo_unlink(%s)", sd_ddl_key(object)),
						 SD_DDL_FULL, SD_DIFF_CERTAIN, "the content of the large object is lost");
	for (SdNode *object = old ? old->first : NULL; object != NULL; object = object->next)
	{
		SdNode *present = new ? sd_map_find(new, sd_ddl_key(object)) : NULL;

		if (!sd_ddl_equal(object, present))
			write_large_object(ddl, sd_ddl_key(object), object, present);
	}
}

static bool
alter_large_objects(SdDdl *ddl)
{
	write_large_objects(ddl);
	return true;
}

const SdDdlKind sd_ddl_environment_kinds[] = { { .kind = "role",
												 .keyword = "ROLE",
												 .plain = true,
												 .can_rename = true,
												 .create = create_role,
												 .alter = alter_role },
											   { .kind = "role setting",
												 .keyword = "ROLE",
												 .plain = true,
												 .create = write_role_settings,
												 .alter = alter_role_settings,
												 .drop = drop_role_settings },
											   { .kind = "tablespace",
												 .keyword = "TABLESPACE",
												 .plain = true,
												 .can_rename = true,
												 .create = create_tablespace,
												 .alter = alter_tablespace,
												 .drop = drop_tablespace },
											   { .kind = "database",
												 .keyword = "DATABASE",
												 .plain = true,
												 .create = create_database,
												 .alter = alter_database,
												 .drop = drop_database },
											   { .kind = "parameter",
												 .keyword = "PARAMETER",
												 .plain = true,
												 .create = write_parameter,
												 .alter = alter_parameter,
												 .drop = drop_parameter },
											   { .kind = "large objects",
												 .keyword = "LARGE OBJECT",
												 .plain = true,
												 .create = write_large_objects,
												 .alter = alter_large_objects,
												 .drop = write_large_objects },
											   { NULL } };
