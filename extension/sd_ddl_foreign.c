/*
 * sd_ddl_foreign.c
 *	  Statements for foreign data wrappers, servers and user mappings.
 *
 * Snapshots hide the values of options that are passwords as a rule; what needs
 * one of them becomes a step that says so.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "sd_ddl_list.h"

static SdNode *
options_of(SdDdl *ddl, SdNode *side)
{
	return sd_ddl_node(ddl, side, "core", "options", NULL);
}

/* " HANDLER f" or " NO HANDLER". */
static char *
function_clause(const char *word, const char *function)
{
	return function ? psprintf(" %s %s", word, function) : psprintf(" NO %s", word);
}

static void
create_wrapper(SdDdl *ddl)
{
	const char *handler = sd_ddl_old(ddl, "core", "handler", NULL);
	const char *validator = sd_ddl_old(ddl, "core", "validator", NULL);

	sd_ddl_step(ddl, "CREATE FOREIGN DATA WRAPPER %s%s%s%s", ddl->identity,
				function_clause("HANDLER", handler), function_clause("VALIDATOR", validator),
				sd_ddl_foreign_options(ddl, options_of(ddl, ddl->old)));
}

static bool
alter_wrapper(SdDdl *ddl)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (sd_ddl_changed(ddl, "core", "handler"))
		appendStringInfoString(&buf,
							   function_clause("HANDLER", sd_ddl_old(ddl, "core", "handler", NULL)));
	if (sd_ddl_changed(ddl, "core", "validator"))
		appendStringInfoString(&buf, function_clause("VALIDATOR",
													 sd_ddl_old(ddl, "core", "validator", NULL)));
	appendStringInfoString(&buf, sd_ddl_foreign_changes(ddl, options_of(ddl, ddl->old),
														options_of(ddl, ddl->new)));
	if (buf.len > 0)
		sd_ddl_step(ddl, "ALTER FOREIGN DATA WRAPPER %s%s", ddl->identity, buf.data);
	return true;
}

static void
create_server(SdDdl *ddl)
{
	const char *type = sd_ddl_old(ddl, "core", "type", NULL);
	const char *version = sd_ddl_old(ddl, "core", "version", NULL);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE SERVER %s", ddl->identity);
	if (type != NULL)
		appendStringInfo(&buf, " TYPE %s", sd_ddl_literal(type));
	if (version != NULL)
		appendStringInfo(&buf, " VERSION %s", sd_ddl_literal(version));
	appendStringInfo(&buf, " FOREIGN DATA WRAPPER %s%s", sd_ddl_old(ddl, "core", "fdw", ""),
					 sd_ddl_foreign_options(ddl, options_of(ddl, ddl->old)));
	sd_ddl_step(ddl, "%s", buf.data);
}

static bool
alter_server(SdDdl *ddl)
{
	StringInfoData buf;

	if (sd_ddl_changed(ddl, "core", "fdw") || sd_ddl_changed(ddl, "core", "type"))
		return false;
	initStringInfo(&buf);
	if (sd_ddl_changed(ddl, "core", "version"))
	{
		const char *version = sd_ddl_old(ddl, "core", "version", NULL);

		appendStringInfo(&buf, " VERSION %s", version ? sd_ddl_literal(version) : "NULL");
	}
	appendStringInfoString(&buf, sd_ddl_foreign_changes(ddl, options_of(ddl, ddl->old),
														options_of(ddl, ddl->new)));
	if (buf.len > 0)
		sd_ddl_step(ddl, "ALTER SERVER %s%s", ddl->identity, buf.data);
	return true;
}

/* "for role server s" with the words of statements. */
static char *
mapping_address(const char *identity)
{
	char *role;
	char *server;

	if (!sd_ddl_split(identity, " server ", &role, &server))
		elog(ERROR, "\"%s\" is not the identity of a user mapping", identity);
	return psprintf("FOR %s SERVER %s", role + strlen("for "), server);
}

static void
create_mapping(SdDdl *ddl)
{
	const char *options = sd_ddl_foreign_options(ddl, options_of(ddl, ddl->old));

	sd_ddl_step(ddl, "CREATE %s%s", sd_ddl_address(ddl->writer, ddl->identity), options);
}

static bool
alter_mapping(SdDdl *ddl)
{
	const char *options =
		sd_ddl_foreign_changes(ddl, options_of(ddl, ddl->old), options_of(ddl, ddl->new));

	if (options[0] != '\0')
		sd_ddl_step(ddl, "ALTER %s%s", sd_ddl_address(ddl->writer, ddl->identity), options);
	return true;
}

const SdDdlKind sd_ddl_foreign_kinds[] = { { .kind = "foreign data wrapper",
											 .keyword = "FOREIGN DATA WRAPPER",
											 .acl_keyword = "FOREIGN DATA WRAPPER",
											 .acl_type = OBJECT_FDW,
											 .has_owner = true,
											 .has_comment = true,
											 .can_rename = true,
											 .create = create_wrapper,
											 .alter = alter_wrapper },
										   { .kind = "server",
											 .keyword = "SERVER",
											 .acl_keyword = "FOREIGN SERVER",
											 .acl_type = OBJECT_FOREIGN_SERVER,
											 .has_owner = true,
											 .has_comment = true,
											 .can_rename = true,
											 .create = create_server,
											 .alter = alter_server },
										   { .kind = "user mapping",
											 .keyword = "USER MAPPING",
											 .create = create_mapping,
											 .alter = alter_mapping,
											 .address = mapping_address,
											 .loss = SD_DIFF_POSSIBLE,
											 .lost = "values of its options" },
										   { NULL } };
