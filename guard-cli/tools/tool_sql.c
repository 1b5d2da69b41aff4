/*
 * tool_sql.c
 *	  A directory of plain SQL: N_name.up.sql and N_name.down.sql, run by psql.
 *
 * What is applied is kept in safedeploy.applied_migration with the checksum of
 * the file.  A migration and its record are one transaction, unless the file has
 * transactions of its own or a statement that runs in none; then the record
 * follows in a statement of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "file.h"
#include "log.h"
#include "pg_catalog_tool.h"
#include "script.h"
#include "sql_files.h"
#include "tool_util.h"
#include "tools.h"

static MgSqlFiles *
files_of(MgTool *tool)
{
	return tool->state;
}

static bool
sql_recognise(char *const *argv)
{
	(void) argv;
	return false;
}

static bool
sql_open(MgTool *tool, MgError *err)
{
	MgSqlFiles *files = mg_alloc(tool->arena, sizeof *files);
	const char *directory = mg_config_string(tool->config, MG_SET_TOOL_DIRECTORY);
	const char *path;

	tool->state = files;
	if (directory == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "tool.directory is not set");
		return mg_err_hint(err, "Set directory in section [tool] to where the N_name.up.sql are.");
	}
	path = mg_file_absolute(tool->arena, NULL, directory);
	if (mg_file_kind(path) != MG_FILE_DIRECTORY)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not a directory", path);
		mg_err_detail(err, "It is named by %s.",
					  mg_config_source(tool->config, MG_SET_TOOL_DIRECTORY));
		return mg_err_hint(err, "Set directory in section [tool] to where the N_name.up.sql are.");
	}
	return mg_sql_files_find(tool->arena, path, files, err);
}

static bool
applied(MgTool *tool, MgPg *pg, MgAppliedRow **rows, int *count, MgError *err)
{
	return mg_catalog_applied_migrations(pg, mg_config_string(tool->config, MG_SET_TOOL_PROJECT),
										 rows, count, err);
}

static bool
is_applied(const MgAppliedRow *rows, int count, const char *version)
{
	for (int i = 0; i < count; i++)
		if (strcmp(rows[i].version, version) == 0)
			return true;
	return false;
}

static bool
sql_current(MgTool *tool, MgPg *pg, MgRevisions *revisions, MgError *err)
{
	MgAppliedRow *rows;
	MgStrings ids;
	int count;

	if (!applied(tool, pg, &rows, &count, err))
		return false;
	mg_strings_init(&ids, tool->arena);
	if (count > 0)
		mg_strings_add(&ids, rows[count - 1].version);
	mg_revisions_set(tool->arena, revisions, &ids);
	return true;
}

/* An applied migration has its file, as it was when it was applied. */
static bool
check_row(MgTool *tool, const MgAppliedRow *row, MgError *err)
{
	MgSqlFiles *files = files_of(tool);
	MgSqlEntry *entry = mg_sql_files_version(files, row->version);

	if (entry == NULL)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "migration %s is applied, but its file is missing", row->version);
		mg_err_detail(err, "It was \"%s\"; it is not in directory \"%s\".", row->name,
					  files->directory);
		return mg_err_hint(err, "Run from the code that has this file.");
	}
	if (!mg_sql_file_load(tool->arena, &entry->files[MG_UP], err))
		return false;
	if (strcmp(entry->files[MG_UP].checksum, row->checksum) == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "migration \"%s\" was changed after it was applied",
			   entry->files[MG_UP].name);
	mg_err_detail(err, "Its SHA-256 is %s, but it was %s.", entry->files[MG_UP].checksum,
				  row->checksum);
	return mg_err_hint(err, "Restore the file, and put the change into a new migration.");
}

static bool
sql_check(MgTool *tool, MgPg *pg, const MgRevisions *current, MgError *err)
{
	MgSqlFiles *files = files_of(tool);
	MgAppliedRow *rows;
	int count;

	(void) current;
	if (!applied(tool, pg, &rows, &count, err))
		return false;
	for (int i = 0; i < count; i++)
		if (!check_row(tool, &rows[i], err))
			return false;
	for (int i = 0; i < files->count && count > 0; i++)
	{
		const MgSqlEntry *entry = &files->items[i];

		if (mg_sql_version_compare(entry->version, rows[count - 1].version) > 0 ||
			is_applied(rows, count, entry->version))
			continue;
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "migration \"%s\" was never applied, but a newer one was",
				   entry->files[MG_UP].name);
		mg_err_detail(err, "The newest applied is \"%s\".", rows[count - 1].name);
		return mg_err_hint(err, "Give it a number above all that are applied.");
	}
	return true;
}

/* The number of the migration to go up to; NULL when there are no files. */
static bool
resolve_target(MgTool *tool, const char *newest, const char *target, const char **version,
			   MgError *err)
{
	MgSqlFiles *files = files_of(tool);

	if (target == NULL)
		target = mg_config_string(tool->config, MG_SET_RUN_TARGET);
	*version = files->count > 0 ? files->items[files->count - 1].version : NULL;
	if (target == NULL || strcmp(target, "head") == 0)
		return true;
	if (target[0] == '+' && mg_sql_is_number(target + 1))
	{
		long steps = strtol(target + 1, NULL, 10);

		*version = newest;
		for (int i = 0; i < files->count && steps > 0; i++)
			if (newest == NULL || mg_sql_version_compare(files->items[i].version, newest) > 0)
			{
				*version = files->items[i].version;
				steps--;
			}
		return steps == 0 || mg_tool_too_far(target, err);
	}
	if (mg_sql_is_number(target) && mg_sql_files_version(files, mg_sql_without_zeros(target)) != NULL)
	{
		*version = mg_strdup(tool->arena, mg_sql_without_zeros(target));
		return true;
	}
	mg_err_set(err, MG_EXIT_CONFIG, "there is no migration \"%s\"", target);
	mg_err_detail(err, "Directory \"%s\" has %d migrations%s%s.", files->directory, files->count,
				  *version != NULL ? ", the newest is " : "", *version != NULL ? *version : "");
	return mg_err_hint(err, "Name a migration by its number.");
}

/* Looks at a file through a database with the extension. */
static bool
look(MgTool *tool, MgPg *pg, MgSqlFile *file, MgScript *script, MgError *err)
{
	return mg_sql_file_load(tool->arena, file, err) &&
		   mg_script_look(pg, file->path, file->text, script, err);
}

static bool
sql_pending(MgTool *tool, MgPg *pg, const MgRevisions *current, const char *target,
			MgMigrations *migrations, MgRevisions *resolved, MgError *err)
{
	MgSqlFiles *files = files_of(tool);
	const char *newest = current->count > 0 ? current->ids[current->count - 1] : NULL;
	const char *to;
	MgStrings ids;

	memset(migrations, 0, sizeof *migrations);
	if (!resolve_target(tool, newest, target, &to, err))
		return false;
	mg_strings_init(&ids, tool->arena);
	for (int i = 0; i < files->count; i++)
	{
		MgSqlEntry *entry = &files->items[i];
		MgMigration migration = { .id = entry->version,
								  .title = entry->title,
								  .path = entry->files[MG_UP].path,
								  .down_path = entry->files[MG_DOWN].path,
								  .reversible = entry->files[MG_DOWN].path != NULL };
		MgScript script;

		if ((newest != NULL && mg_sql_version_compare(entry->version, newest) <= 0) ||
			mg_sql_version_compare(entry->version, to) > 0)
			continue;
		if (entry->files[MG_DOWN].path != NULL &&
			!look(tool, pg, &entry->files[MG_DOWN], &script, err))
			return false;
		if (!look(tool, pg, &entry->files[MG_UP], &script, err))
			return false;
		migration.transactional = !script.own_transaction && script.outside == NULL;
		mg_migrations_add(tool->arena, migrations, &migration);
	}
	if (migrations->count > 0)
		mg_strings_add(&ids, to);
	else if (newest != NULL)
		mg_strings_add(&ids, newest);
	mg_revisions_set(tool->arena, resolved, &ids);
	return true;
}

/* "base", a number that is applied, or "-N" steps back. */
static bool
sql_locate(MgTool *tool, const MgRevisions *current, const char *name, MgRevisions *found,
		   MgError *err)
{
	MgSqlFiles *files = files_of(tool);
	const char *newest = current->count > 0 ? current->ids[current->count - 1] : NULL;
	MgStrings ids;
	long steps;

	mg_strings_init(&ids, tool->arena);
	if (strcmp(name, "base") == 0)
		goto done;
	if (name[0] == '-' && mg_sql_is_number(name + 1))
	{
		steps = strtol(name + 1, NULL, 10);
		for (int i = files->count - 1; i >= 0; i--)
			if (newest != NULL && mg_sql_version_compare(files->items[i].version, newest) <= 0 &&
				steps-- == 0)
				mg_strings_add(&ids, files->items[i].version);
		if (steps > 0)
			return mg_tool_too_far(name, err);
		goto done;
	}
	if (!mg_sql_is_number(name) || newest == NULL ||
		mg_sql_version_compare(mg_sql_without_zeros(name), newest) > 0 ||
		mg_sql_files_version(files, mg_sql_without_zeros(name)) == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not applied", name);
		mg_err_detail(err, "The database is at %s.", mg_revisions_text(tool->arena, current));
		return mg_err_hint(err, "Name an applied migration by its number, or \"base\".");
	}
	mg_strings_add(&ids, mg_sql_without_zeros(name));
done:
	mg_revisions_set(tool->arena, found, &ids);
	return true;
}

static bool
sql_sql(MgTool *tool, const MgMigration *migration, MgDirection direction, const char **text,
		const char **why_not, MgError *err)
{
	MgSqlEntry *entry = mg_sql_files_version(files_of(tool), migration->id);

	*text = *why_not = NULL;
	if (entry == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "no migration \"%s\"", migration->id);
	if (entry->files[direction].path == NULL)
		*why_not = "there is no .down.sql";
	else if (!mg_sql_file_load(tool->arena, &entry->files[direction], err))
		return false;
	else
		*text = entry->files[direction].text;
	return true;
}

static void
start_argv(MgTool *tool, MgStrings *argv)
{
	mg_strings_init(argv, tool->arena);
	mg_strings_add(argv, mg_config_string(tool->config, MG_SET_PROGRAM_PSQL));
	mg_strings_add(argv, "-X");
	mg_strings_add(argv, "-v");
	mg_strings_add(argv, "ON_ERROR_STOP=1");
}

static void
add_variable(MgStrings *argv, const char *name, const char *value)
{
	mg_strings_add(argv, "-v");
	mg_strings_addf(argv, "migguard_%s=%s", name, value);
}

static bool
sql_probe(MgTool *tool, const MgToolSession *session, MgChildResult *result, MgError *err)
{
	MgStrings argv;

	start_argv(tool, &argv);
	mg_strings_add(&argv, "-c");
	mg_strings_add(&argv, "\\conninfo");
	return mg_tool_exec(tool, session, argv.items, NULL, result, err);
}

typedef struct Step
{
	MgSqlEntry *entry;
	MgScript script;
	bool counts_bytes; /* the database does */
} Step;

/* Runs one file and its record. */
static bool
run_step(MgTool *tool, const MgToolSession *session, const Step *step, MgDirection direction,
		 MgChildResult *result, MgError *err)
{
	const MgSqlFile *file = &step->entry->files[direction];
	MgStrings argv;

	start_argv(tool, &argv);
	add_variable(&argv, "project", mg_config_string(tool->config, MG_SET_TOOL_PROJECT));
	add_variable(&argv, "version", step->entry->version);
	add_variable(&argv, "name", file->name);
	add_variable(&argv, "checksum", file->checksum);
	add_variable(&argv, "run_id", session->run_id != NULL ? session->run_id : "");
	if (!step->script.own_transaction && step->script.outside == NULL)
		mg_strings_add(&argv, "-1");
	mg_strings_add(&argv, "-c");
	/* where any bytes are a name, UTF-8 could not take what the server says of them */
	mg_strings_add(&argv, step->counts_bytes ? "\\encoding SQL_ASCII" : "\\encoding UTF8");
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, file->path);
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, "-");
	mg_log_verbose("psql: %s", file->path);
	return mg_tool_exec(tool, session, argv.items,
						direction == MG_UP ? mg_catalog_record_migration() :
											 mg_catalog_forget_migration(),
						result, err);
}

/* Runs the steps within the time of the session, and stops at the first that fails. */
static bool
run_steps(MgTool *tool, const MgToolSession *session, const Step *steps, int count,
		  MgDirection direction, MgChildResult *total, MgError *err)
{
	mg_tool_idle(tool, total);
	for (int i = 0; i < count; i++)
	{
		MgToolSession rest;
		MgChildResult result;

		if (!mg_tool_time_left(session, total, &rest))
			return true;
		mg_failpoint("sql.step");
		if (!run_step(tool, &rest, &steps[i], direction, &result, err))
			return false;
		mg_failpoint("sql.stepped");
		mg_tool_add_result(tool, total, &result);
		if (!mg_child_succeeded(&result))
			return true;
	}
	return true;
}

/* Reads what is applied and looks at the files, both through the session's own database. */
static bool
plan_up(MgTool *tool, MgPg *pg, const char *target, Step *steps, int *count, MgError *err)
{
	MgSqlFiles *files = files_of(tool);
	MgRevisions current;
	const char *newest;
	const char *to;

	*count = 0;
	if (!sql_current(tool, pg, &current, err) || !sql_check(tool, pg, &current, err))
		return false;
	newest = current.count > 0 ? current.ids[0] : NULL;
	if (!resolve_target(tool, newest, target, &to, err))
		return false;
	for (int i = 0; i < files->count; i++)
	{
		MgSqlEntry *entry = &files->items[i];

		if ((newest != NULL && mg_sql_version_compare(entry->version, newest) <= 0) ||
			mg_sql_version_compare(entry->version, to) > 0)
			continue;
		steps[*count].entry = entry;
		if (!look(tool, pg, &entry->files[MG_UP], &steps[(*count)++].script, err))
			return false;
	}
	return true;
}

static bool
plan_down(MgTool *tool, MgPg *pg, const MgRevisions *to, Step *steps, int *count, MgError *err)
{
	MgAppliedRow *rows;
	int applied_count;

	*count = 0;
	if (!applied(tool, pg, &rows, &applied_count, err))
		return false;
	if (to->count > 0 && !is_applied(rows, applied_count, to->ids[to->count - 1]))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not applied", to->ids[to->count - 1]);
		return mg_err_hint(err, "A downgrade leads to a migration that is applied.");
	}
	for (int i = applied_count - 1; i >= 0; i--)
	{
		MgSqlEntry *entry = mg_sql_files_version(files_of(tool), rows[i].version);

		if (to->count > 0 && mg_sql_version_compare(rows[i].version, to->ids[to->count - 1]) <= 0)
			break;
		if (entry == NULL || entry->files[MG_DOWN].path == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" has no .down.sql", rows[i].name);
			mg_err_detail(err, "Nothing was taken back.");
			return mg_err_hint(err, "Write the file that undoes it in directory \"%s\".",
							   files_of(tool)->directory);
		}
		steps[*count].entry = entry;
		if (!look(tool, pg, &entry->files[MG_DOWN], &steps[(*count)++].script, err))
			return false;
	}
	return true;
}

/* Plans the steps through a connection of the session's own, then runs them. */
static bool
sql_go(MgTool *tool, const MgToolSession *session, const char *target, const MgRevisions *to,
	   MgDirection direction, MgChildResult *result, MgError *err)
{
	Step *steps = mg_alloc(tool->arena, (size_t) (files_of(tool)->count + 1) * sizeof *steps);
	MgPg *pg = NULL;
	int count;
	bool ok;

	mg_tool_idle(tool, result);
	if (!mg_tool_connect(tool, session, &pg, err))
		return false;
	ok = direction == MG_UP ? plan_up(tool, pg, target, steps, &count, err) :
							  plan_down(tool, pg, to, steps, &count, err);
	for (int i = 0; ok && i < count; i++)
		steps[i].counts_bytes = mg_pg_counts_bytes(pg);
	mg_pg_close(pg);
	return ok && run_steps(tool, session, steps, count, direction, result, err);
}

static bool
sql_up(MgTool *tool, const MgToolSession *session, const char *target, MgChildResult *result,
	   MgError *err)
{
	return sql_go(tool, session, target, NULL, MG_UP, result, err);
}

static bool
sql_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to, MgChildResult *result,
		 MgError *err)
{
	return sql_go(tool, session, NULL, to, MG_DOWN, result, err);
}

static bool
sql_bookkeeping(MgTool *tool, MgPg *pg, MgStrings *tables, MgError *err)
{
	(void) pg;
	(void) err;
	mg_strings_init(tables, tool->arena);
	mg_strings_add(tables, "safedeploy.applied_migration");
	return true;
}

const MgToolOps mg_tool_sql = {
	.name = "sql",
	.summary = "a directory of NUMBER_name.up.sql and NUMBER_name.down.sql, run by psql",
	.recognise = sql_recognise,
	.open = sql_open,
	.current = sql_current,
	.check = sql_check,
	.pending = sql_pending,
	.locate = sql_locate,
	.sql = sql_sql,
	.probe = sql_probe,
	.up = sql_up,
	.down = sql_down,
	.bookkeeping = sql_bookkeeping,
};
