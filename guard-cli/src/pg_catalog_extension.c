/*
 * pg_catalog_extension.c
 *	  Statements about the extension itself.
 */
#include "pg_catalog_extension.h"

#include <stdlib.h>
#include <string.h>

#include "common/sd_protocol.h"
#include "mg_sql.h"
#include "pg_catalog_server.h"

bool
mg_extension_read(MgPg *pg, MgExtension *extension, MgError *err)
{
	MgRows rows;

	memset(extension, 0, sizeof *extension);
	if (!mg_pg_rows(pg, mg_sql_extension, 0, NULL, &rows, err))
		return false;
	extension->installed = mg_rows_get(&rows, 0, "installed");
	extension->available = mg_rows_get(&rows, 0, "available");
	if (extension->installed == NULL || strcmp(mg_rows_get(&rows, 0, "has_protocol"), "t") != 0)
		return true;
	if (!mg_pg_rows(pg, mg_sql_extension_protocol, 0, NULL, &rows, err))
		return false;
	extension->protocol = atoi(rows.cells[0]);
	return true;
}

bool
mg_extension_check(const MgExtension *extension, MgError *err)
{
	if (extension->installed == NULL && extension->available == NULL)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE,
				   "extension \"safedeploy\" is not installed on the server");
		return mg_err_hint(err, "Install it there (make install), then run \"migguard init\".");
	}
	if (extension->installed == NULL)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE, "extension \"safedeploy\" is not in this database");
		return mg_err_hint(err, "Run \"migguard init\".");
	}
	if (extension->protocol < SD_PROTOCOL_VERSION)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE, "extension \"safedeploy\" %s is too old for migguard %s",
				   extension->installed, SAFEDEPLOY_VERSION);
		mg_err_detail(err, "It speaks protocol %d, migguard needs %d.", extension->protocol,
					  SD_PROTOCOL_VERSION);
		return mg_err_hint(err,
						   "Install the new one on the server, then run \"migguard init\" to update it.");
	}
	if (extension->protocol > SD_PROTOCOL_VERSION)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE, "migguard %s is too old for extension \"safedeploy\" %s",
				   SAFEDEPLOY_VERSION, extension->installed);
		mg_err_detail(err, "It speaks protocol %d, migguard knows %d.", extension->protocol,
					  SD_PROTOCOL_VERSION);
		return mg_err_hint(err, "Install the migguard that came with the extension.");
	}
	return true;
}

bool
mg_extension_create(MgPg *pg, const char **changed, MgError *err)
{
	MgExtension extension;

	*changed = NULL;
	if (!mg_extension_read(pg, &extension, err))
		return false;
	if (extension.installed == NULL && extension.available == NULL)
		return mg_extension_check(&extension, err);
	if (extension.installed == NULL)
	{
		*changed = "created";
		return mg_pg_exec(pg, mg_sql_extension_create, 0, NULL, NULL, err);
	}
	if (extension.available == NULL || strcmp(extension.installed, extension.available) == 0)
		return true;
	*changed = "updated";
	return mg_pg_exec(pg, mg_sql_extension_update, 0, NULL, NULL, err);
}

/* The template's database, made when it is not there. */
static bool
make_database(MgPg *pg, const char *name, MgError *err)
{
	const char *const values[] = { name };
	MgRows rows;

	if (!mg_pg_rows(pg, mg_sql_database_template, 1, values, &rows, err))
		return false;
	if (rows.count > 0 && strcmp(rows.cells[0], "t") == 0)
		return true;
	if (rows.count > 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "database \"%s\" is there and is no template", name);
		return mg_err_hint(err, "Give another name; migguard makes the database itself.");
	}
	return mg_server_create_scratch(pg, pg, name, "template0", "migguard: template of rehearsals",
									err) &&
		   mg_pg_exec(pg,
					  mg_printf(pg->arena, "ALTER DATABASE %s IS_TEMPLATE true",
								mg_pg_identifier(pg, name)),
					  0, NULL, NULL, err);
}

bool
mg_extension_template(MgPg *pg, const char *name, MgPg **template_pg, MgError *err)
{
	const char *ignored;

	*template_pg = NULL;
	return make_database(pg, name, err) &&
		   mg_pg_open(pg->arena, mg_target_with_database(pg->arena, pg->target, name),
					  "migguard:init", template_pg, err) &&
		   mg_extension_create(*template_pg, &ignored, err);
}

bool
mg_extension_grant(MgPg *pg, bool deployer, const char *role, MgError *err)
{
	const char *const values[] = { role };
	MgRows rows;

	if (!mg_pg_rows(pg, deployer ? mg_sql_grant_deployer : mg_sql_grant_reader, 1, values, &rows, err))
		return false;
	if (rows.count == 0)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "there is no role \"%s\"", role);
		return mg_err_hint(err, "Create it first with CREATE ROLE.");
	}
	return true;
}

bool
mg_extension_server(MgPg *pg, MgRows *rows, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_doctor_server, 0, NULL, rows, err);
}

bool
mg_extension_rights(MgPg *pg, MgRows *rows, MgError *err)
{
	return mg_pg_rows(pg, mg_sql_doctor_rights, 0, NULL, rows, err);
}

bool
mg_extension_can_preload(MgPg *pg)
{
	const MgTarget *target =
		mg_target_with_option(pg->arena, pg->target, "-c local_preload_libraries=safedeploy");
	MgPg *probe = NULL;
	MgError ignored;
	bool can;

	mg_err_init(&ignored, pg->arena);
	can = mg_pg_open(pg->arena, target, "migguard:probe", &probe, &ignored);
	mg_pg_close(probe);
	return can;
}
