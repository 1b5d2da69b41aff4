/*
 * cmd_show.c
 *	  migguard show: everything the ledger knows of one run.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "pg_catalog_report.h"
#include "report.h"
#include "session.h"
#include "text.h"

static void
print_run(const MgContext *context, const MgRows *run)
{
	static const char *const pairs[][2] = {
		{ "run", "run_id" },		 { "command", "command" },
		{ "tool", "tool" },			 { "database", "database" },
		{ "lock", "lock_name" },	 { "token", "token" },
		{ "from", "from_revision" }, { "to", "to_revision" },
		{ "result", "result" },		 { "exit code", "exit_code" },
		{ "user", "session_user" },	 { "address", "client_addr" },
		{ "client", "client" },		 { "server", "server_version_num" },
	};
	const char *duration = mg_rows_get(run, 0, "duration_ms");

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		mg_report_pair(context, pairs[i][0], mg_rows_get(run, 0, pairs[i][1]));
	mg_report_pair(context, "started",
				   mg_report_time(context->arena, mg_rows_get(run, 0, "started_at")));
	if (duration != NULL)
		mg_report_pair(context, "took", mg_text_duration(context->arena, atoll(duration) * 1000));
	else
		mg_report_pair(context, "took", "it has no end: running, or interrupted");
}

static void
print_events(const MgContext *context, const MgRows *events)
{
	for (int r = 0; r < events->count; r++)
	{
		const char *status = mg_rows_get(events, r, "status");
		const char *message = mg_rows_get(events, r, "message");
		const char *detail = mg_rows_get(events, r, "detail");
		MgColor color = strcmp(status, "failed") == 0 ? MG_COLOR_RED :
						strcmp(status, "ok") == 0	  ? MG_COLOR_GREEN :
														MG_COLOR_NONE;
		char *padded = mg_printf(context->arena, "%-7s", mg_report_clean(context->arena, status));

		printf("%6s  %s  %-9s  %s  %s\n", mg_rows_get(events, r, "seq"),
			   mg_report_time(context->arena, mg_rows_get(events, r, "at")),
			   mg_report_clean(context->arena, mg_rows_get(events, r, "state")),
			   mg_report_color(context, color, padded),
			   mg_report_clean(context->arena, message != NULL ? message : ""));
		if (detail != NULL)
			printf("        %s\n",
				   mg_report_color(context, MG_COLOR_DIM, mg_report_clean(context->arena, detail)));
	}
}

/* What an id may begin with; anything else would be refused by the server's cast. */
static bool
check_prefix(const char *prefix, MgError *err)
{
	if (prefix[0] != '\0' && prefix[strspn(prefix, "0123456789abcdef-")] == '\0')
		return true;
	mg_err_set(err, MG_EXIT_USAGE, "\"%s\" is not the beginning of a run id", prefix);
	return mg_err_hint(err,
					   "Run ids are made of the digits 0-9, a-f and \"-\"; see \"migguard history\".");
}

static bool
run_show(MgContext *context, int *exit_code, MgError *err)
{
	const char *run_id;
	MgPg *pg = NULL;
	MgRows run;
	MgRows events;
	bool ok = false;

	(void) exit_code;
	if (context->nargs != 1)
	{
		mg_err_set(err, MG_EXIT_USAGE, "\"show\" takes one run id");
		return mg_err_hint(err, "Try \"migguard show --help\" for more information.");
	}
	if (!check_prefix(context->args[0], err) || !mg_session_open(context, "show", &pg, err) ||
		!mg_report_find_run(pg, context->args[0], &run_id, err) ||
		!mg_report_run(pg, run_id, &run, &events, err))
		goto done;
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = mg_json_row(&run, 0);

		cJSON_AddItemToObject(root, "events", mg_json_rows(&events));
		mg_json_print(stdout, root);
	}
	else
	{
		print_run(context, &run);
		puts("");
		print_events(context, &events);
	}
	ok = true;
done:
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_show = {
	.name = "show",
	.operands = "RUN",
	.summary = "show everything the ledger knows of one run",
	.description =
		"Prints the run and all of its events in order. RUN is its id or the beginning of it, "
		"as long as no other run's id begins so.",
	.needs_database = true,
	.run = run_show,
};
