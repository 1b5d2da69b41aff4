/*
 * cmd_lock.c
 *	  migguard lock: who holds a deploy lock; take it away from him.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "pg_catalog_report.h"
#include "report.h"
#include "session.h"
#include "text.h"

extern const MgCommand mg_cmd_lock;

static const MgOption options[] = {
	{ '\0', "break", "NAME", MG_SETTING_COUNT, NULL, "end the session that holds lock NAME" },
	{ '\0', "reason", "TEXT", MG_SETTING_COUNT, NULL, "why; it is written to the ledger" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static void
print_holders(const MgContext *context, MgRows *rows)
{
	static const MgColumn columns[] = {
		{ "name", "lock", 24 },		   { "token", "token", 0 },
		{ "pid", "pid", 0 },		   { "usename", "user", 16 },
		{ "client_addr", "from", 0 },  { "run_id", "run", 9 },
		{ "acquired_at", "since", 0 }, { "held_for_ms", "held for", 0 },
		{ "reason", "reason", 0 },	   { NULL, NULL, 0 }
	};

	if (rows->count == 0)
	{
		puts("no lock is held");
		return;
	}
	for (int r = 0; r < rows->count; r++)
		for (int c = 0; c < rows->columns; c++)
		{
			char **cell = &rows->cells[r * rows->columns + c];

			if (*cell != NULL && strcmp(rows->names[c], "acquired_at") == 0)
				*cell = mg_report_time(context->arena, *cell);
			else if (*cell != NULL && strcmp(rows->names[c], "held_for_ms") == 0)
				*cell = mg_text_duration(context->arena, atoll(*cell) * 1000);
			else if (*cell != NULL && strcmp(rows->names[c], "run_id") == 0)
				*cell = mg_printf(context->arena, "%.8s", *cell);
			else if (*cell == NULL && strcmp(rows->names[c], "client_addr") == 0)
				*cell = mg_strdup(context->arena, "local");
		}
	mg_report_table(context, rows, columns);
}

static bool
list_holders(MgContext *context, MgPg *pg, MgError *err)
{
	MgRows rows;

	if (!mg_report_lock_holders(pg, &rows, err))
		return false;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		cJSON_AddItemToObject(root, "locks", mg_json_rows(&rows));
		mg_json_print(stdout, root);
	}
	else
		print_holders(context, &rows);
	return true;
}

static bool
break_lock(MgContext *context, MgPg *pg, const char *name, const char *reason, MgError *err)
{
	bool broken;

	if (!mg_report_break_lock(pg, name, reason, &broken, err))
		return false;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();

		mg_json_text(root, "lock", name);
		mg_json_bool(root, "broken", broken);
		mg_json_print(stdout, root);
	}
	else
		printf(broken ? "lock \"%s\" is free now\n" : "nobody held lock \"%s\"\n",
			   mg_report_clean(context->arena, name));
	return true;
}

static bool
run_lock(MgContext *context, int *exit_code, MgError *err)
{
	const char *name = mg_cli_flag(context, &mg_cmd_lock, "break");
	const char *reason = mg_cli_flag(context, &mg_cmd_lock, "reason");
	MgPg *pg = NULL;
	bool ok;

	(void) exit_code;
	if ((name == NULL) != (reason == NULL) || (reason != NULL && reason[0] == '\0'))
	{
		mg_err_set(err, MG_EXIT_USAGE, "--break and --reason belong together");
		return mg_err_hint(err, "Say why: migguard lock --break NAME --reason \"...\".");
	}
	if (!mg_session_open(context, "lock", &pg, err))
		return false;
	ok = name != NULL ? break_lock(context, pg, name, reason, err) : list_holders(context, pg, err);
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_lock = {
	.name = "lock",
	.summary = "show who holds a deploy lock, or take it away",
	.description =
		"Without options it lists the locks that living sessions hold. With --break it ends the "
		"session that holds the lock and waits until it is gone; its run then has no end and is "
		"resumed or refused by the next one. The breaking is written to the ledger.",
	.needs_database = true,
	.options = options,
	.run = run_lock,
};
