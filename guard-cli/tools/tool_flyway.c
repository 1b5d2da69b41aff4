/*
 * tool_flyway.c
 *	  Flyway Community, with the dry run and the undo (flyway_undo.c) that it lacks.
 *
 * The migration files are read here, and compared with Flyway's history, by
 * Flyway's own rules; what is applied is always applied by Flyway.
 */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "flyway.h"
#include "log.h"
#include "script.h"
#include "tool_util.h"
#include "tools.h"

MgFlyway *
mg_flyway(MgTool *tool)
{
	return tool->state;
}

/* "-key=value": the value, when the word sets that key. */
static const char *
option_value(const char *word, const char *key)
{
	size_t len = strlen(key);

	if (word[0] != '-')
		return NULL;
	word += strspn(word, "-");
	return strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

/* Options that say where the database is, which migguard says itself. */
static bool
says_where(const char *word)
{
	static const char *const keys[] = { "url", "user", "password" };
	const char *name = word + strspn(word, "-");
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
	{
		size_t key = strlen(keys[i]);

		if (option_value(word, keys[i]) != NULL)
			return true;
		/* -environments.prod.url=... */
		if (strncmp(name, "environments.", 13) == 0 && len > key + 1 &&
			name[len - key - 1] == '.' && strncmp(name + len - key, keys[i], key) == 0)
			return true;
	}
	return false;
}

static bool
flyway_current(MgTool *tool, MgPg *pg, MgRevisions *revisions, MgError *err)
{
	MgFlywayFiles *files = &mg_flyway(tool)->files;
	const MgFlywayRow *newest;
	MgFlywayRow *rows;
	MgStrings ids;
	int count;

	if (!mg_flyway_history(tool, pg, &rows, &count, err))
		return false;
	mg_strings_init(&ids, tool->arena);
	newest = mg_flyway_newest(rows, count);
	if (newest != NULL)
		mg_strings_add(&ids, newest->version);
	/* With outOfOrder the newest alone does not say what is applied. */
	for (int i = 0; newest != NULL && i < files->count; i++)
		if (files->items[i].kind == MG_FLYWAY_VERSIONED &&
			mg_flyway_version_compare(files->items[i].version, newest->version) < 0 &&
			mg_flyway_applied(rows, count, files->items[i].version) == NULL &&
			!mg_flyway_below_baseline(rows, count, files->items[i].version))
			mg_strings_addf(&ids, "without %s", files->items[i].version);
	mg_revisions_set(tool->arena, revisions, &ids);
	return true;
}

MgFlywayPlaces
mg_flyway_places(MgTool *tool, const MgTarget *target)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *schema = mg_flyway_schema(tool);

	if (schema == NULL)
		schema = flyway->table.schema != NULL ? flyway->table.schema : "public";
	return (MgFlywayPlaces){ .target = target,
							 .schema = schema,
							 .table = mg_flyway_config_get(&flyway->config, "table", MG_FLYWAY_TABLE),
							 .directory = flyway->directory };
}

bool
mg_flyway_reachable(const MgTarget *target, MgError *err)
{
	if (target->host[0] != '\0' && target->host[0] != '/' && target->host[0] != '@')
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "Flyway cannot connect by a Unix socket");
	mg_err_detail(err, "The database is %s.",
				  target->host[0] != '\0' ?
					  mg_printf(err->arena, "at socket directory \"%s\"", target->host) :
					  "at the default socket");
	return mg_err_hint(err, "Give it by TCP: postgresql://user@127.0.0.1:5432/database.");
}

/* The version to go up to, NULL for the newest. */
static bool
resolve_target(MgTool *tool, const char *target, const MgFlywayRow *newest, const char **version,
			   MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	char *copy;

	*version = NULL;
	if (target == NULL)
		target = mg_config_string(tool->config, MG_SET_RUN_TARGET);
	if (target == NULL)
		target = mg_flyway_config_get(&flyway->config, "target", "latest");
	if (strcmp(target, "latest") == 0 || strcmp(target, "head") == 0)
		return true;
	if (strcmp(target, "current") == 0 && newest != NULL)
	{
		*version = newest->version;
		return true;
	}
	for (int i = 0; i < flyway->files.count && strcmp(target, "next") == 0; i++)
		if (flyway->files.items[i].kind == MG_FLYWAY_VERSIONED &&
			(newest == NULL ||
			 mg_flyway_version_compare(flyway->files.items[i].version, newest->version) > 0))
		{
			*version = flyway->files.items[i].version;
			return true;
		}
	if (strcmp(target, "next") == 0)
		return true;
	copy = mg_strdup(tool->arena, target);
	for (char *p = copy; *p != '\0'; p++)
		*p = (char) (*p == '_' ? '.' : *p == '?' ? '\0' : *p);
	*version = copy;
	if (mg_flyway_is_version(copy) &&
		mg_flyway_files_version(&flyway->files, MG_FLYWAY_VERSIONED, copy) != NULL)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "there is no migration with version \"%s\"", target);
	return mg_err_hint(err, "Name the version of a migration file, or \"latest\".");
}

/* A repeatable migration runs again when its text, with placeholders replaced, is another. */
static bool
repeatable_is_due(MgTool *tool, const MgFlywayRow *rows, int count, const MgTarget *target,
				  MgFlywayFile *file, bool *due, MgError *err)
{
	MgFlywayPlaces places = mg_flyway_places(tool, target);
	const char *missing;
	const char *text;
	const MgFlywayRow *last = NULL;

	if (!mg_flyway_file_load(tool->arena, file, err))
		return false;
	text = mg_flyway_replace(&mg_flyway(tool)->config, &places, file, &missing);
	for (int i = 0; i < count; i++)
		if (rows[i].version == NULL && rows[i].success && strcmp(rows[i].type, "SQL") == 0 &&
			strcmp(rows[i].description, file->description) == 0)
			last = &rows[i];
	*due = last == NULL || last->checksum == NULL || text == NULL ||
		   atoi(last->checksum) != mg_flyway_checksum(text);
	return true;
}

static bool
add_pending(MgTool *tool, MgPg *pg, MgFlywayFile *file, MgMigrations *migrations, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayFile *undo = NULL;
	MgFlywayPlaces places = mg_flyway_places(tool, pg->target);
	const char *missing;
	const char *text;
	MgScript script = { 0 };
	MgError ignored;
	MgMigration migration;

	if (file->version != NULL)
		undo = mg_flyway_files_version(&flyway->files, MG_FLYWAY_UNDO, file->version);
	if (!mg_flyway_file_load(tool->arena, file, err))
		return false;
	text = mg_flyway_replace(&flyway->config, &places, file, &missing);
	/* Flyway runs the file, so what psql would mind is no error here. */
	mg_err_init(&ignored, tool->arena);
	if (text != NULL)
		mg_script_look(pg, file->path, text, &script, &ignored);
	migration = (MgMigration){ .id = file->version != NULL ?
										 file->version :
										 mg_printf(tool->arena, "R__%s", file->description),
							   .title = file->description,
							   .path = file->path,
							   .down_path = undo != NULL ? undo->path : NULL,
							   .reversible = undo != NULL,
							   .transactional = script.outside == NULL && !script.own_transaction };
	mg_migrations_add(tool->arena, migrations, &migration);
	return true;
}

static bool
flyway_pending(MgTool *tool, MgPg *pg, const MgRevisions *current, const char *target,
			   MgMigrations *migrations, MgRevisions *resolved, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	bool out_of_order = mg_flyway_config_bool(&flyway->config, "outOfOrder", false);
	const MgFlywayRow *newest;
	const char *limit;
	const char *last;
	MgFlywayRow *rows;
	MgStrings ids;
	int count;

	memset(migrations, 0, sizeof *migrations);
	if (!mg_flyway_history(tool, pg, &rows, &count, err))
		return false;
	newest = mg_flyway_newest(rows, count);
	if (!resolve_target(tool, target, newest, &limit, err))
		return false;
	last = newest != NULL ? newest->version : NULL;
	mg_strings_init(&ids, tool->arena);
	for (int i = 0; i < flyway->files.count; i++)
	{
		MgFlywayFile *file = &flyway->files.items[i];
		bool below = file->version != NULL && newest != NULL &&
					 mg_flyway_version_compare(file->version, newest->version) <= 0;

		if (file->kind != MG_FLYWAY_VERSIONED ||
			(limit != NULL && mg_flyway_version_compare(file->version, limit) > 0) ||
			(below && !out_of_order) || mg_flyway_applied(rows, count, file->version) != NULL ||
			mg_flyway_below_baseline(rows, count, file->version))
			continue;
		if (!add_pending(tool, pg, file, migrations, err))
			return false;
		if (!below)
			last = file->version;
	}
	for (int i = 0; i < flyway->files.count; i++)
	{
		bool due = false;

		if (flyway->files.items[i].kind != MG_FLYWAY_REPEATABLE)
			continue;
		if (!repeatable_is_due(tool, rows, count, pg->target, &flyway->files.items[i], &due, err) ||
			(due && !add_pending(tool, pg, &flyway->files.items[i], migrations, err)))
			return false;
	}
	if (last != NULL)
		mg_strings_add(&ids, last);
	/* Versions that stay left out below the target */
	for (int i = 1; i < current->count; i++)
		if (!out_of_order ||
			(limit != NULL &&
			 mg_flyway_version_compare(current->ids[i] + strlen("without "), limit) > 0))
			mg_strings_add(&ids, current->ids[i]);
	mg_revisions_set(tool->arena, resolved, &ids);
	return true;
}

/* "base", a version that is applied, or "-N" steps back. */
static bool
flyway_locate(MgTool *tool, const MgRevisions *current, const char *name, MgRevisions *found,
			  MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *newest = current->count > 0 ? current->ids[0] : NULL;
	char *end;
	long steps = strtol(name, &end, 10);
	MgFlywayFile *file;
	MgStrings ids;

	mg_strings_init(&ids, tool->arena);
	if (name[0] == '-' && *end == '\0' && steps < 0)
	{
		for (int i = flyway->files.count - 1; i >= 0; i--)
			if (flyway->files.items[i].kind == MG_FLYWAY_VERSIONED && newest != NULL &&
				mg_flyway_version_compare(flyway->files.items[i].version, newest) <= 0 &&
				steps++ == 0)
				mg_strings_add(&ids, flyway->files.items[i].version);
		if (steps < 0)
			return mg_tool_too_far(name, err);
	}
	else if (strcmp(name, "base") != 0)
	{
		file = mg_flyway_is_version(name) ?
				   mg_flyway_files_version(&flyway->files, MG_FLYWAY_VERSIONED, name) :
				   NULL;
		if (file == NULL || newest == NULL || mg_flyway_version_compare(file->version, newest) > 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "version \"%s\" is not applied", name);
			mg_err_detail(err, "The database is at %s.", mg_revisions_text(tool->arena, current));
			return mg_err_hint(err, "Name an applied version, or \"base\".");
		}
		mg_strings_add(&ids, file->version);
	}
	for (int i = 1; i < current->count && ids.count > 0; i++)
		if (mg_flyway_version_compare(current->ids[i] + strlen("without "), ids.items[0]) < 0)
			mg_strings_add(&ids, current->ids[i]);
	mg_revisions_set(tool->arena, found, &ids);
	return true;
}

static bool
flyway_sql(MgTool *tool, const MgMigration *migration, MgDirection direction, const char **text,
		   const char **why_not, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *path = direction == MG_UP ? migration->path : migration->down_path;
	MgFlywayPlaces places;
	MgTarget target;
	const char *missing;

	*text = *why_not = NULL;
	if (!mg_tool_target(tool, &target))
	{
		*why_not = "the database is not known";
		return true;
	}
	places = mg_flyway_places(tool, &target);
	if (path == NULL)
		*why_not = "there is no undo file";
	for (int i = 0; i < flyway->files.count && path != NULL; i++)
	{
		MgFlywayFile *file = &flyway->files.items[i];

		if (strcmp(file->path, path) != 0)
			continue;
		if (!mg_flyway_file_load(tool->arena, file, err))
			return false;
		*text = mg_flyway_replace(&flyway->config, &places, file, &missing);
		if (*text == NULL)
			*why_not = mg_printf(tool->arena, "placeholder %s has no value", missing);
	}
	return true;
}

/* Runs Flyway in a session: the database by the environment, which hides the password. */
static bool
run(MgTool *tool, const MgToolSession *session, const char *target, const char *command,
	MgChildResult *result, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const MgTarget *plain = mg_tool_plain_target(tool, session->target);
	bool own_locations = mg_config_string(tool->config, MG_SET_TOOL_DIRECTORY) != NULL;
	const char *prod = mg_flyway_config_get(&flyway->config, "environment", NULL);
	MgStrings argv;
	MgStrings more;

	memset(result, 0, sizeof *result);
	if (!mg_flyway_reachable(session->target, err))
		return false;
	mg_strings_init(&argv, tool->arena);
	for (int i = 0; i < flyway->program.count; i++)
		mg_strings_add(&argv, flyway->program.items[i]);
	for (int i = 0; i < flyway->options.count; i++)
		if (!says_where(flyway->options.items[i]) &&
			(target == NULL || option_value(flyway->options.items[i], "target") == NULL) &&
			(!own_locations || option_value(flyway->options.items[i], "locations") == NULL))
			mg_strings_add(&argv, flyway->options.items[i]);
	if (target != NULL)
		mg_strings_addf(&argv, "-target=%s", target);
	mg_strings_add(&argv, "-skipCheckForUpdate");
	mg_strings_add(&argv, command);
	mg_strings_init(&more, tool->arena);
	mg_strings_addf(&more, "FLYWAY_URL=%s",
					mg_target_jdbc_url(tool->arena, plain, mg_tool_session_options(tool, session),
									   session->application_name));
	mg_strings_addf(&more, "FLYWAY_USER=%s", plain->user);
	if (plain->password[0] != '\0')
		mg_strings_addf(&more, "FLYWAY_PASSWORD=%s", plain->password);
	if (own_locations)
		mg_strings_addf(&more, "FLYWAY_LOCATIONS=%s",
						mg_flyway_config_get(&flyway->config, "locations", ""));
	/* Its lock in an open transaction would make CREATE INDEX CONCURRENTLY wait for ever. */
	mg_strings_add(&more, "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK=false");
	if (prod != NULL)
		mg_log_verbose("flyway: environment \"%s\" is led to %s", prod,
					   mg_target_display(tool->arena, plain));
	return mg_tool_exec_with(tool, session, argv.items, &more, NULL, result, err);
}

static bool
flyway_probe(MgTool *tool, const MgToolSession *session, MgChildResult *result, MgError *err)
{
	return run(tool, session, NULL, "info", result, err);
}

static bool
flyway_up(MgTool *tool, const MgToolSession *session, const char *target, MgChildResult *result,
		  MgError *err)
{
	if (target == NULL)
		target = mg_config_string(tool->config, MG_SET_RUN_TARGET);
	if (target != NULL && strcmp(target, "head") == 0)
		target = "latest";
	return run(tool, session, target, "migrate", result, err);
}

static bool
flyway_bookkeeping(MgTool *tool, MgPg *pg, MgStrings *tables, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	const char *schema = mg_flyway_schema(tool);
	char *own = NULL;

	mg_strings_init(tables, tool->arena);
	if (!mg_flyway_find_table(tool, pg, err) ||
		(schema == NULL && !mg_catalog_default_schema(pg, &own, err)))
		return false;
	if (flyway->table.quoted != NULL)
		mg_strings_add(tables, flyway->table.quoted);
	else
		mg_strings_addf(tables, "%s.%s", schema != NULL ? mg_tool_quote(tool->arena, schema) : own,
						mg_tool_quote(tool->arena, mg_flyway_config_get(&flyway->config, "table",
																		MG_FLYWAY_TABLE)));
	return true;
}

const MgToolOps mg_tool_flyway = {
	.name = "flyway",
	.summary = "Flyway Community, with undo by U files",
	.recognise = mg_flyway_recognise,
	.open = mg_flyway_open,
	.current = flyway_current,
	.check = mg_flyway_check,
	.pending = flyway_pending,
	.locate = flyway_locate,
	.sql = flyway_sql,
	.probe = flyway_probe,
	.up = flyway_up,
	.down = mg_flyway_down,
	.bookkeeping = flyway_bookkeeping,
};
