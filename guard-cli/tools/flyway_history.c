/*
 * flyway_history.c
 *	  What Flyway's history says, and whether it fits the files.
 */
#include <stdlib.h>
#include <string.h>

#include "flyway.h"
#include "log.h"
#include "tool_util.h"

const char *
mg_flyway_schema(MgTool *tool)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *schema = mg_flyway_config_get(&flyway->config, "defaultSchema", NULL);
	MgStrings schemas;

	if (schema != NULL)
		return schema;
	mg_strings_init(&schemas, tool->arena);
	mg_flyway_config_list(&schemas, mg_flyway_config_environment(&flyway->config, "schemas"));
	return schemas.count > 0 ? schemas.items[0] : NULL;
}

bool
mg_flyway_find_table(MgTool *tool, MgPg *pg, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *wanted = mg_config_string(tool->config, MG_SET_TOOL_VERSION_TABLE);
	MgFlywayTable *found;
	MgBuf names;
	int count;

	memset(&flyway->table, 0, sizeof flyway->table);
	if (!mg_catalog_flyway_tables(pg, mg_flyway_schema(tool),
								  mg_flyway_config_get(&flyway->config, "table", MG_FLYWAY_TABLE),
								  &found, &count, err))
		return false;
	mg_buf_init(&names, tool->arena);
	for (int i = 0; i < count; i++)
	{
		mg_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", found[i].quoted);
		if (wanted != NULL ? strcmp(found[i].quoted, wanted) == 0 : count == 1)
			flyway->table = found[i];
	}
	if (flyway->table.quoted != NULL)
		mg_log_verbose("flyway: the history is in %s", flyway->table.quoted);
	if (flyway->table.quoted != NULL || wanted != NULL || count == 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "several tables may hold Flyway's history");
	mg_err_detail(err, "They are: %s.", names.data);
	return mg_err_hint(err, "Set defaultSchema in Flyway's configuration, or version_table in section "
							"[tool].");
}

bool
mg_flyway_history(MgTool *tool, MgPg *pg, MgFlywayRow **rows, int *count, MgError *err)
{
	*rows = NULL;
	*count = 0;
	if (!mg_flyway_find_table(tool, pg, err))
		return false;
	if (mg_flyway(tool)->table.quoted == NULL)
		return true;
	return mg_catalog_flyway_history(pg, mg_flyway(tool)->table.quoted, rows, count, err);
}

static bool
is_type(const MgFlywayRow *row, const char *type)
{
	return strcmp(row->type, type) == 0;
}

/* Undone by the paid edition, or deleted by "repair". */
static bool
is_taken_back(const MgFlywayRow *row)
{
	return strncmp(row->type, "UNDO_", 5) == 0 || is_type(row, "DELETE");
}

const MgFlywayRow *
mg_flyway_applied(const MgFlywayRow *rows, int count, const char *version)
{
	const MgFlywayRow *found = NULL;

	for (int i = 0; i < count; i++)
		if (rows[i].version != NULL && rows[i].success &&
			mg_flyway_version_compare(rows[i].version, version) == 0)
			found = is_taken_back(&rows[i]) ? NULL : &rows[i];
	return found;
}

const MgFlywayRow *
mg_flyway_newest(const MgFlywayRow *rows, int count)
{
	const MgFlywayRow *newest = NULL;

	for (int i = 0; i < count; i++)
		if (rows[i].version != NULL && mg_flyway_applied(rows, count, rows[i].version) == &rows[i] &&
			(newest == NULL || mg_flyway_version_compare(rows[i].version, newest->version) > 0))
			newest = &rows[i];
	return newest;
}

bool
mg_flyway_below_baseline(const MgFlywayRow *rows, int count, const char *version)
{
	for (int i = 0; i < count; i++)
		if (rows[i].success && rows[i].version != NULL && strstr(rows[i].type, "BASELINE") != NULL &&
			mg_flyway_version_compare(version, rows[i].version) <= 0)
			return true;
	return false;
}

/* An applied SQL migration has its file, as it was. */
static bool
check_row(MgTool *tool, const MgFlywayRow *row, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayFile *file = mg_flyway_files_version(&flyway->files, MG_FLYWAY_VERSIONED, row->version);
	const char *ignored = mg_flyway_config_get(&flyway->config, "ignoreMigrationPatterns", "");

	if (file == NULL)
	{
		if (strstr(ignored, ":missing") != NULL || strstr(ignored, "*:*") != NULL)
			return true;
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "version %s is applied, but its file is missing",
				   row->version);
		mg_err_detail(err, "It was \"%s\".", row->script);
		return mg_err_hint(err, "Run from the code that has this file.");
	}
	if (!mg_flyway_file_load(tool->arena, file, err))
		return false;
	if (row->checksum == NULL || atoi(row->checksum) == mg_flyway_checksum(file->text))
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "migration \"%s\" was changed after it was applied",
			   file->path);
	mg_err_detail(err, "Its checksum is %d, but it was %s.", mg_flyway_checksum(file->text),
				  row->checksum);
	return mg_err_hint(err, "Restore the file and put the change into a new migration, or run "
							"\"flyway repair\" when the change means nothing.");
}

static bool
check_order(MgTool *tool, const MgFlywayRow *rows, int count, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const MgFlywayRow *newest = mg_flyway_newest(rows, count);
	const char *ignored = mg_flyway_config_get(&flyway->config, "ignoreMigrationPatterns", "");

	if (newest == NULL || mg_flyway_config_bool(&flyway->config, "outOfOrder", false) ||
		strstr(ignored, ":ignored") != NULL)
		return true;
	for (int i = 0; i < flyway->files.count; i++)
	{
		const MgFlywayFile *file = &flyway->files.items[i];

		if (file->kind != MG_FLYWAY_VERSIONED ||
			mg_flyway_version_compare(file->version, newest->version) > 0 ||
			mg_flyway_applied(rows, count, file->version) != NULL ||
			mg_flyway_below_baseline(rows, count, file->version))
			continue;
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "migration \"%s\" was never applied, but a newer one was", file->path);
		mg_err_detail(err, "The newest applied version is %s.", newest->version);
		return mg_err_hint(err, "Give it a number above all that are applied, or set outOfOrder in "
								"Flyway's configuration.");
	}
	return true;
}

bool
mg_flyway_check(MgTool *tool, MgPg *pg, const MgRevisions *current, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayRow *rows;
	int count;

	(void) current;
	if (!mg_flyway_reachable(pg->target, err) || !mg_flyway_history(tool, pg, &rows, &count, err))
		return false;
	for (int i = 0; i < count; i++)
		if (!rows[i].success)
		{
			mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
					   "Flyway's history has a failed entry: version %s (\"%s\")",
					   rows[i].version != NULL ? rows[i].version : "(repeatable)", rows[i].script);
			mg_err_detail(err, "It ran outside a transaction, so part of it may be there.");
			return mg_err_hint(err, "Clean up what it left, then run \"flyway repair\".");
		}
	for (int i = 0; i < count; i++)
		if (rows[i].version != NULL && is_type(&rows[i], "SQL") &&
			mg_flyway_applied(rows, count, rows[i].version) == &rows[i] &&
			!check_row(tool, &rows[i], err))
			return false;
	for (int i = 0; i < flyway->files.count && count == 0; i++)
		if (flyway->files.items[i].kind == MG_FLYWAY_BASELINE)
		{
			mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
					   "baseline migration \"%s\" would replace those below it",
					   flyway->files.items[i].path);
			return mg_err_hint(err, "migguard does not know baseline migrations yet; run Flyway itself "
									"once.");
		}
	return check_order(tool, rows, count, err);
}
