/*
 * cmd_status.c
 *	  migguard status: where the database stands, and whether anyone changed it behind the guard.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "pg_catalog_report.h"
#include "pg_catalog_schema.h"
#include "pg_catalog_snapshot.h"
#include "report.h"
#include "session.h"
#include "shadow.h"
#include "text.h"
#include "tool.h"

#define MG_STATUS_CHANGES 20

/* What the tool knows; why is set in place of it when that cannot be had. */
typedef struct ToolStatus
{
	const char *name;
	const char *why;
	const char *current;
	const char *target; /* NULL: nothing is pending, or it is not known */
	int pending;		/* -1: not known */
	MgStrings bookkeeping;
} ToolStatus;

typedef struct Status
{
	ToolStatus tool;
	MgRows good;
	MgRows unfinished;
	MgRows locks;
	const char *shadow; /* NULL: there is none, or it cannot be looked at */
	MgChanges changes;
	bool compared; /* with the snapshot of the last good run */
	bool revision_drift;
	bool drift;
} Status;

/* What is wrong with the tool is shown, and the rest of the status with it. */
static void
explain(MgContext *context, ToolStatus *status, MgError *err)
{
	status->why = err->hint != NULL ? mg_printf(context->arena, "%s. %s", err->message, err->hint) :
									  err->message;
	mg_err_clear(err);
}

/* False only when the server fails; what the tool cannot say is explained. */
static void
read_tool(MgContext *context, MgPg *pg, ToolStatus *status, MgError *err)
{
	MgTool *tool;
	MgRevisions current;
	MgRevisions target;
	MgMigrations pending;

	status->pending = -1;
	mg_strings_init(&status->bookkeeping, context->arena);
	if (!mg_tool_open(context->arena, context->config, context->tool_argv, &tool, err))
	{
		explain(context, status, err);
		return;
	}
	status->name = tool->ops->name;
	if (!tool->ops->bookkeeping(tool, pg, &status->bookkeeping, err) ||
		!tool->ops->current(tool, pg, &current, err))
	{
		explain(context, status, err);
		return;
	}
	status->current = mg_revisions_text(context->arena, &current);
	if (!tool->ops->check(tool, pg, &current, err) ||
		!tool->ops->pending(tool, pg, &current, mg_config_string(context->config, MG_SET_RUN_TARGET),
							&pending, &target, err))
	{
		explain(context, status, err);
		return;
	}
	status->pending = pending.count;
	if (pending.count > 0)
		status->target = mg_revisions_text(context->arena, &target);
}

static bool
find_drift(MgPg *pg, Status *status, MgError *err)
{
	const char *snapshot =
		status->good.count > 0 ? mg_rows_get(&status->good, 0, "snapshot_id") : NULL;
	const char *revision = status->good.count > 0 ? mg_rows_get(&status->good, 0, "revision") : NULL;
	char *fingerprint;

	if (revision != NULL && status->tool.current != NULL)
		status->revision_drift = strcmp(revision, status->tool.current) != 0;
	if (snapshot != NULL)
	{
		MgError missing;

		mg_err_init(&missing, pg->arena);
		/* It may have been dropped since; then only the revision can be compared. */
		status->compared = mg_snapshot_stored(pg, atoll(snapshot), &fingerprint, &missing);
		if (!status->compared && strcmp(missing.sqlstate, SD_SQLSTATE_NO_SUCH_SNAPSHOT) != 0)
		{
			*err = missing;
			return false;
		}
	}
	if (status->compared &&
		!mg_schema_changes(pg, snapshot, NULL, &status->tool.bookkeeping, &status->changes, err))
		return false;
	status->drift = status->revision_drift || status->changes.real.count > 0;
	return true;
}

/* It is of no weight for where the database stands, so what hides it is no error. */
static void
find_shadow(MgContext *context, MgPg *pg, Status *status)
{
	MgShadow shadow;
	MgError ignored;

	mg_err_init(&ignored, context->arena);
	if (mg_shadow_find(context, pg, &shadow, &ignored) && shadow.facts.there)
		status->shadow = mg_shadow_describe(context->arena, &shadow);
	mg_shadow_close(pg, &shadow);
}

static cJSON *
texts(const MgStrings *list)
{
	cJSON *array = cJSON_CreateArray();

	for (int i = 0; i < list->count; i++)
	{
		cJSON *holder = cJSON_CreateObject();

		mg_json_text(holder, "text", list->items[i]);
		cJSON_AddItemToArray(array, cJSON_DetachItemFromObject(holder, "text"));
		cJSON_Delete(holder);
	}
	return array;
}

static void
print_json(MgContext *context, const Status *status)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *tool = cJSON_AddObjectToObject(root, "tool");

	mg_json_text(root, "database", mg_target_display(context->arena, &context->target));
	mg_json_text(tool, "name", status->tool.name);
	mg_json_text(tool, "current", status->tool.current);
	mg_json_text(tool, "target", status->tool.target);
	if (status->tool.pending >= 0)
		mg_json_int(tool, "pending", status->tool.pending);
	else
		mg_json_raw(tool, "pending", NULL);
	mg_json_text(tool, "problem", status->tool.why);
	cJSON_AddItemToObject(root, "last_known_good",
						  status->good.count > 0 ? mg_json_row(&status->good, 0) :
												   cJSON_CreateNull());
	cJSON_AddItemToObject(root, "unfinished_runs", mg_json_rows(&status->unfinished));
	cJSON_AddItemToObject(root, "locks", mg_json_rows(&status->locks));
	mg_json_text(root, "warm_shadow", status->shadow);
	mg_json_bool(root, "drift", status->drift);
	mg_json_bool(root, "schema_compared", status->compared);
	cJSON_AddItemToObject(root, "changes",
						  status->compared ? texts(&status->changes.real) : cJSON_CreateNull());
	mg_json_print(stdout, root);
}

static void
print_drift(const MgContext *context, const Status *status)
{
	const MgStrings *real = &status->changes.real;

	if (status->revision_drift)
		mg_report_pair(context, "drift", "the tool's revision is not that of the last good run");
	if (real->count > 0)
		mg_report_pair(context, "drift",
					   mg_printf(context->arena, "%s since the last good run",
								 mg_text_count(context->arena, real->count, "change")));
	else if (status->compared)
		mg_report_pair(context, "schema", "as the last good run left it");
	else if (status->good.count > 0)
		mg_report_pair(context, "schema", "not compared: its snapshot is not stored any more");
	for (int i = 0; i < real->count && i < MG_STATUS_CHANGES; i++)
		printf("  %s\n", mg_report_color(context, MG_COLOR_YELLOW,
										 mg_report_clean(context->arena, real->items[i])));
	if (real->count > MG_STATUS_CHANGES)
		printf("  and %d more; see \"migguard diff %s\"\n", real->count - MG_STATUS_CHANGES,
			   mg_rows_get(&status->good, 0, "snapshot_id"));
}

static void
print_text(MgContext *context, const Status *status)
{
	MgArena *arena = context->arena;
	const ToolStatus *tool = &status->tool;

	mg_report_pair(context, "database", mg_target_display(arena, &context->target));
	mg_report_pair(context, "tool", tool->name);
	mg_report_pair(context, tool->name != NULL ? "problem" : "tool", tool->why);
	mg_report_pair(context, "revision", tool->current);
	if (tool->pending > 0)
		mg_report_pair(context, "pending",
					   mg_printf(arena, "%s, up to %s",
								 mg_text_count(arena, tool->pending, "migration"), tool->target));
	else if (tool->pending == 0)
		mg_report_pair(context, "pending", "nothing");
	if (status->good.count > 0)
		mg_report_pair(context, "last known good",
					   mg_printf(arena, "%s, run %.8s, %s",
								 mg_rows_get(&status->good, 0, "revision") != NULL ?
									 mg_rows_get(&status->good, 0, "revision") :
									 "revision unknown",
								 mg_rows_get(&status->good, 0, "run_id"),
								 mg_report_time(arena, mg_rows_get(&status->good, 0, "at"))));
	else
		mg_report_pair(context, "last known good", "none yet");
	print_drift(context, status);
	mg_report_pair(context, "warm shadow", status->shadow);
	for (int r = 0; r < status->unfinished.count; r++)
		mg_report_pair(context, "unfinished run",
					   mg_printf(arena, "%.8s (%s), last in %s, %s",
								 mg_rows_get(&status->unfinished, r, "run_id"),
								 mg_rows_get(&status->unfinished, r, "command"),
								 mg_rows_get(&status->unfinished, r, "last_state"),
								 mg_rows_get(&status->unfinished, r, "holder_alive")[0] == 't' ?
									 "still running" :
									 "its session is gone; see \"migguard resume\""));
	for (int r = 0; r < status->locks.count; r++)
		mg_report_pair(context, "lock held",
					   mg_printf(arena, "\"%s\" by %s, process %s, since %s",
								 mg_rows_get(&status->locks, r, "name"),
								 mg_rows_get(&status->locks, r, "usename"),
								 mg_rows_get(&status->locks, r, "pid"),
								 mg_report_time(arena,
												mg_rows_get(&status->locks, r, "acquired_at"))));
}

static bool
run_status(MgContext *context, int *exit_code, MgError *err)
{
	Status status = { 0 };
	MgPg *pg = NULL;
	bool ok = false;

	mg_strings_init(&status.changes.real, context->arena);
	mg_strings_init(&status.changes.order, context->arena);
	mg_strings_init(&status.changes.lost, context->arena);
	if (!mg_session_open(context, "status", &pg, err))
		return false;
	read_tool(context, pg, &status.tool, err);
	if (!mg_report_last_good(pg, mg_config_string(context->config, MG_SET_LOCK_NAME), &status.good,
							 err) ||
		!mg_report_unfinished(pg, &status.unfinished, err) ||
		!mg_report_lock_holders(pg, &status.locks, err) || !find_drift(pg, &status, err))
		goto done;
	find_shadow(context, pg, &status);
	if (context->format == MG_FORMAT_JSON)
		print_json(context, &status);
	else
		print_text(context, &status);
	*exit_code = status.drift ? MG_EXIT_DRIFT : MG_EXIT_DONE;
	ok = true;
done:
	mg_pg_close(pg);
	return ok;
}

const MgCommand mg_cmd_status = {
	.name = "status",
	.summary = "show where the database stands",
	.description =
		"Prints the tool's revision and what is pending, the last known good state, runs without an "
		"end, and who holds a lock. When the schema is not what the last good run left, or the "
		"tool's revision is another one, it shows the changes and ends with 30.",
	.needs_database = true,
	.takes_tool = true,
	.run = run_status,
};
