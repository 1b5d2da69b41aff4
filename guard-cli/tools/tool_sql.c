/*
 * tool_sql.c
 *	  A directory of plain SQL: N_name.up.sql and N_name.down.sql, run by psql.
 *
 * What is applied is kept in safedeploy.applied_migration with the checksum of
 * the file.  A migration and its record are one transaction, unless the file has
 * transactions of its own or a statement that runs in none; then the record
 * follows in a statement of its own.
 */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "pg_catalog_tool.h"
#include "script.h"
#include "text.h"
#include "tool_util.h"
#include "tools.h"

typedef struct File
{
	const char *name; /* NULL: there is none */
	const char *path;
	const char *text; /* NULL: not read yet */
	const char *checksum;
} File;

typedef struct Entry
{
	const char *version; /* without leading zeros */
	const char *title;
	File files[2]; /* by MgDirection */
} Entry;

typedef struct State
{
	const char *directory;
	Entry *entries; /* by number */
	int count;
} State;

static State *
state_of(MgTool *tool)
{
	return tool->state;
}

static const char *
without_zeros(const char *digits)
{
	while (digits[0] == '0' && isdigit((unsigned char) digits[1]))
		digits++;
	return digits;
}

/* Numbers of any width, without leading zeros. */
static int
compare_versions(const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

static int
compare_entries(const void *a, const void *b)
{
	return compare_versions(((const Entry *) a)->version, ((const Entry *) b)->version);
}

static bool
is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool
is_utf8(const char *text, size_t len)
{
	for (const char *p = text; p < text + len;)
	{
		int step = mg_text_utf8_length(p, text + len);

		if (step == 0)
			return false;
		p += step;
	}
	return true;
}

/* "0007_add_users.up.sql" */
static bool
parse_name(MgArena *arena, const char *name, const char **version, const char **title,
		   MgDirection *direction)
{
	static const char *const ends[] = { [MG_UP] = ".up.sql", [MG_DOWN] = ".down.sql" };
	size_t len = strlen(name);
	size_t digits = strspn(name, "0123456789");

	if (digits == 0 || name[digits] != '_')
		return false;
	for (int d = MG_UP; d <= MG_DOWN; d++)
	{
		size_t end = strlen(ends[d]);

		if (len <= digits + 1 + end || strcmp(name + len - end, ends[d]) != 0)
			continue;
		*version = mg_strdup(arena, without_zeros(mg_strndup(arena, name, digits)));
		*title = mg_strndup(arena, name + digits + 1, len - digits - 1 - end);
		*direction = d;
		return true;
	}
	return false;
}

static Entry *
find_entry(const State *state, const char *version)
{
	for (int i = 0; i < state->count; i++)
		if (strcmp(state->entries[i].version, version) == 0)
			return &state->entries[i];
	return NULL;
}

static bool
add_file(MgTool *tool, const char *name, MgError *err)
{
	State *state = state_of(tool);
	const char *version;
	const char *title;
	MgDirection direction;
	size_t len = strlen(name);
	Entry *entry;

	if (!parse_name(tool->arena, name, &version, &title, &direction))
	{
		/* What looks like a migration and is none would be left out without a word. */
		if (isdigit((unsigned char) name[0]) && len > 4 && strcmp(name + len - 4, ".sql") == 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not the name of a migration", name);
			mg_err_detail(err, "It is in directory \"%s\".", state->directory);
			return mg_err_hint(err, "Name it NUMBER_name.up.sql or NUMBER_name.down.sql.");
		}
		if (len > 4 && strcmp(name + len - 4, ".sql") == 0)
			mg_log_warning("\"%s\" is not the name of a migration and is left out", name);
		return true;
	}
	if (!is_utf8(name, len))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the name of migration \"%s\" is not UTF-8", name);
		return mg_err_hint(err, "Rename the file.");
	}
	entry = find_entry(state, version);
	if (entry == NULL)
	{
		entry = &state->entries[state->count++];
		entry->version = version;
		entry->title = title;
	}
	if (entry->files[direction].name != NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" and \"%s\" have the same number",
				   entry->files[direction].name, name);
		mg_err_detail(err, "They are in directory \"%s\".", state->directory);
		return mg_err_hint(err, "Give one of them another number.");
	}
	entry->files[direction].name = mg_strdup(tool->arena, name);
	entry->files[direction].path = mg_file_join(tool->arena, state->directory, name);
	return true;
}

/* The pairs: a downgrade needs its upgrade, and an upgrade should have a downgrade. */
static bool
check_pairs(State *state, MgError *err)
{
	for (int i = 0; i < state->count; i++)
	{
		const Entry *entry = &state->entries[i];

		if (entry->files[MG_UP].name == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" has no .up.sql with the same number",
					   entry->files[MG_DOWN].name);
			mg_err_detail(err, "It is in directory \"%s\".", state->directory);
			return mg_err_hint(err, "Add the file, or remove this one.");
		}
		if (entry->files[MG_DOWN].name == NULL)
			mg_log_verbose("\"%s\" has no .down.sql and cannot be taken back",
						   entry->files[MG_UP].name);
		else if (strncmp(strchr(entry->files[MG_UP].name, '_'),
						 strchr(entry->files[MG_DOWN].name, '_'), strlen(entry->title) + 1) != 0)
			mg_log_warning("\"%s\" and \"%s\" are a pair by their number, but have different names",
						   entry->files[MG_UP].name, entry->files[MG_DOWN].name);
	}
	return true;
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
	State *state = mg_alloc(tool->arena, sizeof *state);
	const char *directory = mg_config_string(tool->config, MG_SET_TOOL_DIRECTORY);
	MgStrings names;

	tool->state = state;
	if (directory == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "tool.directory is not set");
		return mg_err_hint(err, "Set directory in section [tool] to where the N_name.up.sql are.");
	}
	state->directory = mg_file_absolute(tool->arena, NULL, directory);
	if (mg_file_kind(state->directory) != MG_FILE_DIRECTORY)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not a directory", state->directory);
		mg_err_detail(err, "It is named by %s.",
					  mg_config_source(tool->config, MG_SET_TOOL_DIRECTORY));
		return mg_err_hint(err, "Set directory in section [tool] to where the N_name.up.sql are.");
	}
	if (!mg_file_list(tool->arena, state->directory, &names, err))
		return false;
	state->entries = mg_alloc(tool->arena, (size_t) (names.count + 1) * sizeof *state->entries);
	for (int i = 0; i < names.count; i++)
		if (!add_file(tool, names.items[i], err))
			return false;
	qsort(state->entries, (size_t) state->count, sizeof *state->entries, compare_entries);
	return check_pairs(state, err);
}

/* Reads a file when it is first needed. */
static bool
load_file(MgTool *tool, File *file, MgError *err)
{
	size_t len;

	if (file->text != NULL)
		return true;
	if (!mg_file_read(tool->arena, file->path, &file->text, &len, err))
		return false;
	if (strlen(file->text) != len || !is_utf8(file->text, len))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not a text in UTF-8", file->path);
		file->text = NULL;
		return mg_err_hint(err, "Convert the file to UTF-8.");
	}
	file->checksum = mg_file_sha256(tool->arena, file->text, len);
	return true;
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
	State *state = state_of(tool);
	Entry *entry = find_entry(state, row->version);

	if (entry == NULL)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "migration %s is applied, but its file is missing", row->version);
		mg_err_detail(err, "It was \"%s\"; it is not in directory \"%s\".", row->name,
					  state->directory);
		return mg_err_hint(err, "Run from the code that has this file.");
	}
	if (!load_file(tool, &entry->files[MG_UP], err))
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
	State *state = state_of(tool);
	MgAppliedRow *rows;
	int count;

	(void) current;
	if (!applied(tool, pg, &rows, &count, err))
		return false;
	for (int i = 0; i < count; i++)
		if (!check_row(tool, &rows[i], err))
			return false;
	for (int i = 0; i < state->count && count > 0; i++)
	{
		const Entry *entry = &state->entries[i];

		if (compare_versions(entry->version, rows[count - 1].version) > 0 ||
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
	State *state = state_of(tool);

	if (target == NULL)
		target = mg_config_string(tool->config, MG_SET_RUN_TARGET);
	*version = state->count > 0 ? state->entries[state->count - 1].version : NULL;
	if (target == NULL || strcmp(target, "head") == 0)
		return true;
	if (target[0] == '+' && is_number(target + 1))
	{
		long steps = strtol(target + 1, NULL, 10);

		*version = newest;
		for (int i = 0; i < state->count && steps > 0; i++)
			if (newest == NULL || compare_versions(state->entries[i].version, newest) > 0)
			{
				*version = state->entries[i].version;
				steps--;
			}
		return true;
	}
	if (is_number(target) && find_entry(state, without_zeros(target)) != NULL)
	{
		*version = mg_strdup(tool->arena, without_zeros(target));
		return true;
	}
	mg_err_set(err, MG_EXIT_CONFIG, "there is no migration \"%s\"", target);
	mg_err_detail(err, "Directory \"%s\" has %d migrations%s%s.", state->directory, state->count,
				  *version != NULL ? ", the newest is " : "", *version != NULL ? *version : "");
	return mg_err_hint(err, "Name a migration by its number.");
}

/* Looks at a file through a database with the extension. */
static bool
look(MgTool *tool, MgPg *pg, File *file, MgScript *script, MgError *err)
{
	return load_file(tool, file, err) && mg_script_look(pg, file->path, file->text, script, err);
}

static bool
sql_pending(MgTool *tool, MgPg *pg, const MgRevisions *current, const char *target,
			MgMigrations *migrations, MgRevisions *resolved, MgError *err)
{
	State *state = state_of(tool);
	const char *newest = current->count > 0 ? current->ids[current->count - 1] : NULL;
	const char *to;
	MgStrings ids;

	memset(migrations, 0, sizeof *migrations);
	if (!resolve_target(tool, newest, target, &to, err))
		return false;
	mg_strings_init(&ids, tool->arena);
	for (int i = 0; i < state->count; i++)
	{
		Entry *entry = &state->entries[i];
		MgMigration migration = { .id = entry->version,
								  .title = entry->title,
								  .path = entry->files[MG_UP].path,
								  .down_path = entry->files[MG_DOWN].path,
								  .reversible = entry->files[MG_DOWN].path != NULL };
		MgScript script;

		if ((newest != NULL && compare_versions(entry->version, newest) <= 0) ||
			compare_versions(entry->version, to) > 0)
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
	State *state = state_of(tool);
	const char *newest = current->count > 0 ? current->ids[current->count - 1] : NULL;
	MgStrings ids;
	long steps;

	mg_strings_init(&ids, tool->arena);
	if (strcmp(name, "base") == 0)
		goto done;
	if (name[0] == '-' && is_number(name + 1))
	{
		steps = strtol(name + 1, NULL, 10);
		for (int i = state->count - 1; i >= 0; i--)
			if (newest != NULL && compare_versions(state->entries[i].version, newest) <= 0 &&
				steps-- == 0)
				mg_strings_add(&ids, state->entries[i].version);
		goto done;
	}
	if (!is_number(name) || newest == NULL || compare_versions(without_zeros(name), newest) > 0 ||
		find_entry(state, without_zeros(name)) == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not applied", name);
		mg_err_detail(err, "The database is at %s.", mg_revisions_text(tool->arena, current));
		return mg_err_hint(err, "Name an applied migration by its number, or \"base\".");
	}
	mg_strings_add(&ids, without_zeros(name));
done:
	mg_revisions_set(tool->arena, found, &ids);
	return true;
}

static bool
sql_sql(MgTool *tool, const MgMigration *migration, MgDirection direction, const char **text,
		const char **why_not, MgError *err)
{
	Entry *entry = find_entry(state_of(tool), migration->id);

	*text = *why_not = NULL;
	if (entry == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "no migration \"%s\"", migration->id);
	if (entry->files[direction].path == NULL)
		*why_not = "there is no .down.sql";
	else if (!load_file(tool, &entry->files[direction], err))
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
	Entry *entry;
	MgScript script;
} Step;

/* Runs one file and its record. */
static bool
run_step(MgTool *tool, const MgToolSession *session, const Step *step, MgDirection direction,
		 MgChildResult *result, MgError *err)
{
	const File *file = &step->entry->files[direction];
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
	mg_strings_add(&argv, "\\encoding UTF8");
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
		if (!run_step(tool, &rest, &steps[i], direction, &result, err))
			return false;
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
	State *state = state_of(tool);
	MgRevisions current;
	const char *newest;
	const char *to;

	*count = 0;
	if (!sql_current(tool, pg, &current, err) || !sql_check(tool, pg, &current, err))
		return false;
	newest = current.count > 0 ? current.ids[0] : NULL;
	if (!resolve_target(tool, newest, target, &to, err))
		return false;
	for (int i = 0; i < state->count; i++)
	{
		Entry *entry = &state->entries[i];

		if ((newest != NULL && compare_versions(entry->version, newest) <= 0) ||
			compare_versions(entry->version, to) > 0)
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
		Entry *entry = find_entry(state_of(tool), rows[i].version);

		if (to->count > 0 && compare_versions(rows[i].version, to->ids[to->count - 1]) <= 0)
			break;
		if (entry == NULL || entry->files[MG_DOWN].path == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" has no .down.sql", rows[i].name);
			mg_err_detail(err, "Nothing was taken back.");
			return mg_err_hint(err, "Write the file that undoes it in directory \"%s\".",
							   state_of(tool)->directory);
		}
		steps[*count].entry = entry;
		if (!look(tool, pg, &entry->files[MG_DOWN], &steps[(*count)++].script, err))
			return false;
	}
	return true;
}

static bool
sql_up(MgTool *tool, const MgToolSession *session, const char *target, MgChildResult *result,
	   MgError *err)
{
	Step *steps = mg_alloc(tool->arena, (size_t) (state_of(tool)->count + 1) * sizeof *steps);
	MgPg *pg = NULL;
	int count;
	bool ok;

	mg_tool_idle(tool, result);
	if (!mg_tool_connect(tool, session, &pg, err))
		return false;
	ok = plan_up(tool, pg, target, steps, &count, err);
	mg_pg_close(pg);
	return ok && run_steps(tool, session, steps, count, MG_UP, result, err);
}

static bool
sql_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to, MgChildResult *result,
		 MgError *err)
{
	Step *steps = mg_alloc(tool->arena, (size_t) (state_of(tool)->count + 1) * sizeof *steps);
	MgPg *pg = NULL;
	int count;
	bool ok;

	mg_tool_idle(tool, result);
	if (!mg_tool_connect(tool, session, &pg, err))
		return false;
	ok = plan_down(tool, pg, to, steps, &count, err);
	mg_pg_close(pg);
	return ok && run_steps(tool, session, steps, count, MG_DOWN, result, err);
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
