/*
 * cmd_history.c
 *	  migguard history: what was done to the database, newest first.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "pg_catalog_report.h"
#include "report.h"
#include "session.h"
#include "text.h"

extern const MgCommand mg_cmd_history;

static const MgOption options[] = {
	{ 'n', "limit", "COUNT", MG_SETTING_COUNT, NULL, "show COUNT runs; 0 shows all (default: 20)" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

/* Makes times and ids short for a terminal; JSON keeps them as they are. */
static void
shorten(MgArena *arena, MgRows *rows)
{
	for (int r = 0; r < rows->count; r++)
		for (int c = 0; c < rows->columns; c++)
		{
			char **cell = &rows->cells[r * rows->columns + c];
			const char *name = rows->names[c];

			if (*cell == NULL)
				continue;
			if (strcmp(name, "run_id") == 0)
				*cell = mg_printf(arena, "%.8s", *cell);
			else if (strcmp(name, "started_at") == 0)
				*cell = mg_report_time(arena, *cell);
			else if (strcmp(name, "duration_ms") == 0)
				*cell = mg_text_duration(arena, atoll(*cell) * 1000);
		}
}

/* A run without an end is shown with the state it was last in. */
static void
name_unfinished(MgArena *arena, MgRows *rows)
{
	for (int r = 0; r < rows->count; r++)
		for (int c = 0; c < rows->columns; c++)
			if (strcmp(rows->names[c], "result") == 0 && rows->cells[r * rows->columns + c] == NULL)
				rows->cells[r * rows->columns + c] =
					mg_printf(arena, "(in %s)",
							  mg_rows_get(rows, r, "last_state") != NULL ?
								  mg_rows_get(rows, r, "last_state") :
								  "begin");
}

static void
print_text(const MgContext *context, MgRows *rows)
{
	static const MgColumn columns[] = { { "run_id", "run", 0 },
										{ "started_at", "started", 0 },
										{ "duration_ms", "took", 0 },
										{ "command", "command", 24 },
										{ "tool", "tool", 12 },
										{ "from_revision", "from", 16 },
										{ "to_revision", "to", 16 },
										{ "result", "result", 0 },
										{ "exit_code", "exit", 0 },
										{ "session_user", "user", 16 },
										{ NULL, NULL, 0 } };

	if (rows->count == 0)
	{
		puts("no runs yet");
		return;
	}
	shorten(context->arena, rows);
	name_unfinished(context->arena, rows);
	mg_report_table(context, rows, columns);
}

static bool
parse_limit(const char *text, const char **limit, MgError *err)
{
	char *end;
	long value;

	*limit = "20";
	if (text == NULL)
		return true;
	value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || value < 0)
	{
		mg_err_set(err, MG_EXIT_USAGE, "invalid value for --limit: \"%s\"", text);
		return mg_err_hint(err, "Use a whole number; 0 shows all.");
	}
	*limit = value == 0 ? NULL : text;
	return true;
}

static bool
run_history(MgContext *context, int *exit_code, MgError *err)
{
	const char *limit;
	MgPg *pg = NULL;
	MgRows rows;
	bool ok = false;

	(void) exit_code;
	if (!parse_limit(mg_cli_flag(context, &mg_cmd_history, "limit"), &limit, err) ||
		!mg_session_open(context, "history", &pg, err) || !mg_report_history(pg, limit, &rows, err))
		goto done;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		cJSON_AddItemToObject(root, "runs", mg_json_rows(&rows));
		mg_json_print(stdout, root);
	}
	else
		print_text(context, &rows);
	ok = true;
done:
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_history = {
	.name = "history",
	.summary = "show what was done to the database, newest first",
	.description = "Lists the runs in the ledger: upgrades, rollbacks, refusals and failures alike. "
				   "A run without an end is shown with the state that it was last in.",
	.needs_database = true,
	.options = options,
	.run = run_history,
};
