/*
 * flyway_undo.c
 *	  The undo that Flyway Community lacks.
 *
 * An undo file is named as Flyway names it, U2__x.sql for V2__x.sql, and is run
 * by psql: one transaction each, newest version first, with Flyway's own lock
 * taken and the row of the version removed from the history, so that Flyway
 * takes the version for pending.
 */
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "flyway.h"
#include "log.h"
#include "script.h"
#include "tool_util.h"

typedef struct Step
{
	const MgFlywayRow *row;
	MgFlywayFile *file;
	const char *text; /* with placeholders replaced */
} Step;

/* The text to run; an error when it cannot run in one transaction under psql. */
static bool
prepare(MgTool *tool, MgPg *pg, Step *step, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayPlaces places = mg_flyway_places(tool, pg->target);
	const char *missing;
	MgScript script;

	if (!mg_flyway_file_load(tool->arena, step->file, err))
		return false;
	step->text = mg_flyway_replace(&flyway->config, &places, step->file, &missing);
	if (step->text == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "placeholder \"%s\" has no value", missing);
		mg_err_where(err, step->file->path, 1);
		return mg_err_hint(err, "Set it in Flyway's configuration.");
	}
	if (!mg_script_look(pg, step->file->path, step->text, &script, err))
		return false;
	if (!script.own_transaction && script.outside == NULL && !script.meta)
		return true;
	if (script.own_transaction)
		mg_err_set(err, MG_EXIT_CONFIG, "undo file \"%s\" has transactions of its own",
				   step->file->script);
	else if (script.outside != NULL)
		mg_err_set(err, MG_EXIT_CONFIG, "undo file \"%s\" has %s, which runs in no transaction",
				   step->file->script, script.outside);
	else
		mg_err_set(err, MG_EXIT_CONFIG, "undo file \"%s\" has a command of psql", step->file->script);
	mg_err_where(err, step->file->path, script.outside_line > 0 ? script.outside_line : 1);
	mg_err_detail(err, "An undo and its entry in Flyway's history are one transaction.");
	return mg_err_hint(err, "Write it as SQL that runs in a transaction, such as DROP INDEX without "
							"CONCURRENTLY.");
}

/* A repeatable migration that came later may need what is undone, and has no undo itself. */
static bool
check_repeatables(const MgFlywayRow *rows, int count, const MgFlywayRow *undone, MgError *err)
{
	for (int i = 0; i < count; i++)
		if (rows[i].version == NULL && rows[i].success && rows[i].rank > undone->rank)
		{
			mg_err_set(err, MG_EXIT_CONFIG,
					   "repeatable migration \"%s\" was applied after version %s and has no undo",
					   rows[i].script, undone->version);
			mg_err_detail(err, "Nothing was undone.");
			return mg_err_hint(err, "Write a new migration that leads back, or restore the backup.");
		}
	return true;
}

/* "without 1.2": a version that was not applied below one that was. */
static bool
is_left_out(const MgRevisions *to, const char *version)
{
	static const char without[] = "without ";

	for (int i = 0; i < to->count; i++)
		if (strncmp(to->ids[i], without, sizeof without - 1) == 0 &&
			mg_flyway_version_compare(to->ids[i] + sizeof without - 1, version) == 0)
			return true;
	return false;
}

static bool
stays(const MgRevisions *to, const char *version)
{
	return to->count > 0 && mg_flyway_version_compare(version, to->ids[0]) <= 0 &&
		   !is_left_out(to, version);
}

/* Makes the list of what to undo, newest first, and refuses before anything is done. */
static bool
plan(MgTool *tool, MgPg *pg, const MgRevisions *to, Step **steps, int *step_count, MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	MgFlywayRow *rows;
	int count;

	*step_count = 0;
	if (!mg_flyway_history(tool, pg, &rows, &count, err))
		return false;
	*steps = mg_alloc(tool->arena, (size_t) (count + 1) * sizeof **steps);
	if (to->count > 0 && mg_flyway_applied(rows, count, to->ids[0]) == NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "version \"%s\" is not applied", to->ids[0]);
		return mg_err_hint(err, "A downgrade leads to a version that is applied.");
	}
	for (int i = count - 1; i >= 0; i--)
	{
		const MgFlywayRow *row = &rows[i];
		Step *step = &(*steps)[*step_count];

		if (row->version == NULL || mg_flyway_applied(rows, count, row->version) != row ||
			stays(to, row->version))
			continue;
		step->row = row;
		step->file = mg_flyway_files_version(&flyway->files, MG_FLYWAY_UNDO, row->version);
		if (step->file == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "version %s (\"%s\") has no undo file", row->version,
					   row->script);
			mg_err_detail(err, "Nothing was undone.");
			return mg_err_hint(err, "Write U%s__NAME.sql beside it.", row->version);
		}
		if (!check_repeatables(rows, count, row, err) || !prepare(tool, pg, step, err))
			return false;
		(*step_count)++;
	}
	return true;
}

static void
add_variable(MgStrings *argv, const char *name, const char *value)
{
	mg_strings_add(argv, "-v");
	mg_strings_addf(argv, "migguard_%s=%s", name, value);
}

static bool
run_step(MgTool *tool, const MgToolSession *session, const Step *step, MgChildResult *result,
		 MgError *err)
{
	MgFlyway *flyway = mg_flyway(tool);
	long long key = mg_flyway_lock_key(tool->arena, flyway->table.schema, flyway->table.name);
	const char *schema =
		mg_flyway_config_get(&flyway->config, "defaultSchema",
							 mg_flyway_config_environment(&flyway->config, "schemas"));
	MgStrings schemas;
	MgStrings argv;
	char *begin_path = NULL;
	char *text_path = NULL;
	int begin = -1;
	int text = -1;
	bool ok = false;

	mg_strings_init(&schemas, tool->arena);
	mg_flyway_config_list(&schemas, schema);
	mg_strings_init(&argv, tool->arena);
	mg_strings_add(&argv, mg_config_string(tool->config, MG_SET_PROGRAM_PSQL));
	mg_strings_add(&argv, "-X");
	mg_strings_add(&argv, "-v");
	mg_strings_add(&argv, "ON_ERROR_STOP=1");
	add_variable(&argv, "schema", schemas.count > 0 ? schemas.items[0] : "");
	add_variable(&argv, "version", step->row->version);
	add_variable(&argv, "rank", mg_printf(tool->arena, "%d", step->row->rank));
	if (!mg_file_unnamed(tool->arena, mg_catalog_flyway_undo_begin(tool->arena, key), &begin,
						 &begin_path, err))
		goto done;
	/* The file itself, when it runs as it is: messages of psql then name it. */
	if (strcmp(step->text, step->file->text) == 0)
		text_path = mg_strdup(tool->arena, step->file->path);
	else if (!mg_file_unnamed(tool->arena, step->text, &text, &text_path, err))
		goto done;
	mg_strings_add(&argv, "-1");
	mg_strings_add(&argv, "-c");
	mg_strings_add(&argv, "\\encoding UTF8");
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, begin_path);
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, text_path);
	mg_strings_add(&argv, "-f");
	mg_strings_add(&argv, "-");
	mg_log_verbose("psql: %s", step->file->path);
	ok = mg_tool_exec(tool, session, argv.items,
					  mg_catalog_flyway_undo_end(tool->arena, flyway->table.quoted), result, err);
done:
	if (begin >= 0)
		close(begin);
	if (text >= 0)
		close(text);
	return ok;
}

bool
mg_flyway_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to,
			   MgChildResult *total, MgError *err)
{
	MgPg *pg = NULL;
	Step *steps;
	int count;
	bool ok;

	mg_tool_idle(tool, total);
	if (!mg_tool_connect(tool, session, &pg, err))
		return false;
	ok = plan(tool, pg, to, &steps, &count, err);
	mg_pg_close(pg);
	for (int i = 0; ok && i < count; i++)
	{
		MgToolSession rest;
		MgChildResult result;

		if (!mg_tool_time_left(session, total, &rest))
			return true;
		if (!run_step(tool, &rest, &steps[i], &result, err))
			return false;
		mg_tool_add_result(tool, total, &result);
		if (!mg_child_succeeded(&result))
			return true;
	}
	return ok;
}
