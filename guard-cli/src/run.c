/*
 * run.c
 *	  The table of states and its interpreter.
 */
#include "run.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "signals.h"

/*
 * The run.  What may change the real database fails into rollback, what comes
 * before it fails into the end; self-check below.
 */
const MgStateRow mg_run_table[] = {
	{ MG_STATE_PREFLIGHT, mg_state_preflight, MG_STATE_LOCK, MG_STATE_END,
	  MG_EXIT_REFUSED_PREFLIGHT, .plan = true },
	{ MG_STATE_LOCK, mg_state_lock, MG_STATE_CAPTURE, MG_STATE_END, MG_EXIT_REFUSED_LOCK,
	  .plan = true },
	{ MG_STATE_CAPTURE, mg_state_capture, MG_STATE_REHEARSE, MG_STATE_END,
	  MG_EXIT_REFUSED_PREFLIGHT, .plan = true },
	{ MG_STATE_REHEARSE, mg_state_rehearse, MG_STATE_BACKUP, MG_STATE_END,
	  MG_EXIT_REFUSED_REHEARSAL, .plan = true },
	{ MG_STATE_BACKUP, mg_state_backup, MG_STATE_MIGRATE, MG_STATE_END, MG_EXIT_REFUSED_PREFLIGHT,
	  .plan = false },
	{ MG_STATE_MIGRATE, mg_state_migrate, MG_STATE_VERIFY, MG_STATE_ROLLBACK, MG_EXIT_INTERRUPTED,
	  .touches = true },
	{ MG_STATE_VERIFY, mg_state_verify, MG_STATE_DONE, MG_STATE_ROLLBACK, MG_EXIT_INTERRUPTED,
	  .touches = true },
	{ MG_STATE_DONE, mg_state_done, MG_STATE_END, MG_STATE_END, MG_EXIT_INTERRUPTED,
	  .shielded = true },
	{ MG_STATE_ROLLBACK, mg_state_rollback, MG_STATE_END, MG_STATE_END, MG_EXIT_ROLLBACK_FAILED,
	  .touches = true, .shielded = true },
};
const int mg_run_table_count = sizeof mg_run_table / sizeof mg_run_table[0];

static const struct
{
	const char *name;
	const char *text;
} state_names[] = {
#define X(id, name, text) { name, text },
	SD_RUN_STATES(X)
#undef X
		{ "end", "the run is over" },
};

const char *
mg_state_name(MgRunState state)
{
	return state_names[state].name;
}

static const MgStateRow *
find_row(const MgStateRow *rows, int count, MgRunState state)
{
	for (int i = 0; i < count; i++)
		if (rows[i].state == state)
			return &rows[i];
	return NULL;
}

bool
mg_run_table_check(const MgStateRow *rows, int count, const char **why)
{
	const MgStateRow *row;
	bool touched = false;
	int steps = 0;

#define FAULT(condition, text) \
	if (condition)             \
	return *why = (text), false
	FAULT(count == 0, "the table is empty");
	for (int i = 0; i < count; i++)
	{
		FAULT(find_row(rows, count, rows[i].state) != &rows[i], "a state is there twice");
		FAULT(rows[i].act == NULL, "a state does nothing");
		FAULT(rows[i].next != MG_STATE_END && find_row(rows, count, rows[i].next) == NULL,
			  "a state leads to one that is not there");
		FAULT(rows[i].failed != MG_STATE_END && find_row(rows, count, rows[i].failed) == NULL,
			  "a failure leads to a state that is not there");
		FAULT(rows[i].plan && rows[i].touches, "a plan would change the database");
		FAULT(mg_exit_result(rows[i].exit_code) == NULL || rows[i].exit_code == MG_EXIT_DONE,
			  "a failure has no result");
	}
	for (row = &rows[0]; row->state != MG_STATE_DONE; row = find_row(rows, count, row->next))
	{
		FAULT(++steps > count, "the run goes round in circles");
		FAULT(row->next == MG_STATE_END, "the run ends before it is done");
		touched = touched || row->touches;
		FAULT(touched && row->failed != MG_STATE_ROLLBACK,
			  "a failure after a change is not rolled back");
		FAULT(!touched && row->failed != MG_STATE_END, "a failure before any change is rolled back");
		FAULT(!touched && (row->exit_code < 10 || row->exit_code > 19),
			  "a refusal has not the exit code of one");
		FAULT(row->plan && row->state == MG_STATE_BACKUP, "a plan makes a backup");
		FAULT(row->plan == touched && row->state != MG_STATE_BACKUP,
			  "a plan leaves out what changes the database, and nothing else");
	}
	FAULT(!touched, "nothing is migrated");
	FAULT(row->next != MG_STATE_END || !row->shielded, "what is done goes on");
	row = find_row(rows, count, MG_STATE_ROLLBACK);
	FAULT(row == NULL || row->next != MG_STATE_END || row->failed != MG_STATE_END,
		  "the rollback does not end the run");
	FAULT(!row->shielded, "a rollback can be interrupted");
	FAULT(row->exit_code != MG_EXIT_ROLLBACK_FAILED, "a failed rollback does not call for a person");
#undef FAULT
	return true;
}

void
mg_run_explain(const MgContext *context)
{
	cJSON *json = cJSON_CreateArray();

	if (context->format != MG_FORMAT_JSON)
		printf("%-10s %-10s %-10s %-5s %s\n", "state", "then", "failure", "plan", "what is done");
	for (int i = 0; i < mg_run_table_count; i++)
	{
		const MgStateRow *row = &mg_run_table[i];
		const char *failed = row->failed == MG_STATE_END ?
								 mg_printf(context->arena, "exit %d", row->exit_code) :
								 mg_state_name(row->failed);

		if (context->format == MG_FORMAT_JSON)
		{
			cJSON *item = cJSON_CreateObject();

			mg_json_text(item, "state", mg_state_name(row->state));
			mg_json_text(item, "text", state_names[row->state].text);
			mg_json_text(item, "next", mg_state_name(row->next));
			mg_json_text(item, "failure", mg_state_name(row->failed));
			mg_json_int(item, "exit_code", row->exit_code);
			mg_json_bool(item, "plan", row->plan);
			mg_json_bool(item, "changes_database", row->touches);
			cJSON_AddItemToArray(json, item);
		}
		else
			printf("%-10s %-10s %-10s %-5s %s\n", mg_state_name(row->state), mg_state_name(row->next),
				   failed, row->plan ? "yes" : "no", state_names[row->state].text);
	}
	if (context->format == MG_FORMAT_JSON)
		mg_json_print(stdout, json);
	else
		cJSON_Delete(json);
}

void
mg_run_say(MgRun *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	run->message = mg_vprintf(run->arena, fmt, args);
	va_end(args);
}

cJSON *
mg_run_detail(MgRun *run)
{
	if (run->detail == NULL)
		run->detail = cJSON_CreateObject();
	return run->detail;
}

void
mg_run_detail_text(MgRun *run, const char *key, const char *value)
{
	mg_json_text(mg_run_detail(run), key, value);
}

void
mg_run_detail_list(MgRun *run, const char *key, const MgStrings *list)
{
	cJSON *array = cJSON_AddArrayToObject(mg_run_detail(run), key);

	for (int i = 0; i < list->count; i++)
	{
		cJSON *holder = cJSON_CreateObject();

		/* by way of an object, because that makes the text valid UTF-8 */
		mg_json_text(holder, "text", list->items[i]);
		cJSON_AddItemToArray(array, cJSON_DetachItemFromObject(holder, "text"));
		cJSON_Delete(holder);
	}
}

void
mg_run_detail_revisions(MgRun *run, const char *key, const MgRevisions *list)
{
	MgStrings items;

	mg_strings_init(&items, run->arena);
	for (int i = 0; i < list->count; i++)
		mg_strings_add(&items, list->ids[i]);
	mg_run_detail_list(run, key, &items);
}

void
mg_run_detail_snapshot(MgRun *run, const MgSnapshot *snapshot)
{
	mg_json_raw(mg_run_detail(run), "snapshot_id", snapshot->id);
	mg_json_text(mg_run_detail(run), "fingerprint", snapshot->fingerprint);
}

void
mg_run_detail_child(MgRun *run, const char *key, const MgChildResult *result)
{
	cJSON *child = cJSON_AddObjectToObject(mg_run_detail(run), key);

	mg_json_text(child, "ended", mg_child_describe(run->arena, result));
	mg_json_int(child, "exit_code", result->exit_code);
	mg_json_int(child, "elapsed_ms", result->elapsed_us / 1000);
	if (result->sessions_seen > 0)
		mg_json_int(child, "sessions_ended", result->sessions_seen);
	if (!mg_child_succeeded(result))
		mg_json_text(child, "output", mg_child_tail(run->arena, result, 20));
}

bool
mg_run_event(MgRun *run, const char *status, MgError *err)
{
	char *detail;
	bool ok;

	if (run->pg == NULL)
		return mg_err_set(err, MG_EXIT_UNAVAILABLE, "the connection to the server is lost");
	detail = run->detail == NULL ? NULL : cJSON_PrintUnformatted(run->detail);
	ok = mg_ledger_event(run->pg, run->id, mg_state_name(run->state), status, run->message, detail,
						 err);

	cJSON_free(detail);
	if (ok && strcmp(status, "begin") == 0)
		mg_failpoint_state(mg_state_name(run->state), "begun");
	return ok;
}

bool
mg_run_note(MgRun *run, MgError *err, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = mg_vprintf(run->arena, fmt, args);
	va_end(args);
	mg_log_info("%s", text);
	return mg_ledger_event(run->pg, run->id, mg_state_name(run->state), "note", text, NULL, err);
}

bool
mg_run_note_detail(MgRun *run, const cJSON *detail, MgError *err, const char *fmt, ...)
{
	char *printed = cJSON_PrintUnformatted(detail);
	va_list args;
	char *text;
	bool ok;

	va_start(args, fmt);
	text = mg_vprintf(run->arena, fmt, args);
	va_end(args);
	mg_log_info("%s", text);
	ok = mg_ledger_event(run->pg, run->id, mg_state_name(run->state), "note", text, printed, err);
	cJSON_free(printed);
	return ok;
}

/* Clears what belongs to one state. */
static void
forget_state(MgRun *run)
{
	cJSON_Delete(run->detail);
	run->detail = NULL;
	run->last_message = run->message;
	run->message = NULL;
}

static int
number_of(const MgRun *run)
{
	for (int i = 0; i < run->row_count; i++)
		if (run->rows[i].state == run->state)
			return i + 1;
	return 0;
}

/* Closes the state in the ledger and on the screen. */
static MgStep
close_state(MgRun *run, MgStep step, long long started, MgError *err)
{
	static const char *const statuses[] = {
		[MG_STEP_OK] = "ok", [MG_STEP_SKIPPED] = "skipped", [MG_STEP_END] = "ok", [MG_STEP_FAILED] = "failed"
	};
	long long elapsed = mg_clock_us() - started;
	bool shielded = mg_signals_shield(true);
	MgError ignored;

	mg_err_init(&ignored, run->arena);
	if (step == MG_STEP_FAILED)
	{
		run->message = err->message;
		if (err->detail != NULL)
			mg_run_detail_text(run, "detail", err->detail);
		if (err->sqlstate[0] != '\0')
			mg_run_detail_text(run, "sqlstate", err->sqlstate);
	}
	mg_json_int(mg_run_detail(run), "elapsed_ms", elapsed / 1000);
	mg_log_state(number_of(run), run->row_count, mg_state_name(run->state), statuses[step], elapsed,
				 run->message);
	/* a failure that cannot be written must not hide itself behind the ledger's error */
	if (!mg_run_event(run, statuses[step], step == MG_STEP_FAILED ? &ignored : err) &&
		step != MG_STEP_FAILED)
		step = MG_STEP_FAILED;
	mg_failpoint_state(mg_state_name(run->state), "closed");
	mg_signals_shield(shielded);
	return step;
}

/* False, with the error, when the user wants it to stop. */
static bool
may_go_on(MgRun *run, MgError *err)
{
	if (mg_signals_pending() == 0)
		return true;
	run->told_to_stop = true;
	return mg_err_set(err, MG_EXIT_FAILED_UNCHANGED, "told to stop by signal %d (%s)",
					  mg_signals_pending(), strsignal(mg_signals_pending()));
}

bool
mg_run_pause(MgRun *run, long long ms, MgError *err)
{
	struct pollfd fd = { .fd = mg_signals_fd(), .events = POLLIN };

	poll(&fd, 1, (int) ms);
	return may_go_on(run, err);
}

/* One state from its first event to its last. */
static MgStep
run_state(MgRun *run, const MgStateRow *row, MgError *err)
{
	long long started = mg_clock_us();
	bool shielded;
	MgStep step;

	run->state = row->state;
	if (!row->shielded && !may_go_on(run, err))
		return MG_STEP_FAILED;
	shielded = mg_signals_shield(row->shielded);
	if (row->state == MG_STATE_MIGRATE)
	{
		/* what a later run needs, should this one not come back from here */
		mg_run_detail_revisions(run, "from", &run->from);
		mg_run_detail_revisions(run, "to", &run->to);
	}
	/* the rollback takes the lock again when it was lost, and begins itself then */
	step = row->state == MG_STATE_ROLLBACK || mg_run_event(run, "begin", err) ? row->act(run, err) :
																				MG_STEP_FAILED;
	mg_failpoint_state(mg_state_name(run->state), "acted");
	mg_signals_shield(shielded);
	return close_state(run, step, started, err);
}

bool
mg_run_walk(MgRun *run, const MgStateRow *rows, int count, MgError *err)
{
	MgRunState state = rows[0].state;
	bool touched = false;
	const char *why;

	run->rows = rows;
	run->row_count = count;
	if (!mg_run_table_check(mg_run_table, mg_run_table_count, &why))
		return mg_err_set(err, MG_EXIT_INTERNAL, "the table of states is broken: %s", why);
	run->exit_code = MG_EXIT_DONE;
	while (state != MG_STATE_END)
	{
		const MgStateRow *row = find_row(rows, count, state);
		MgStep step;

		if ((run->kind == MG_RUN_PLAN || run->dry) && !row->plan)
			return true;
		touched = touched || row->touches;
		step = run_state(run, row, err);
		forget_state(run);
		if (step == MG_STEP_END)
			return true;
		if (step != MG_STEP_FAILED)
		{
			state = row->next;
			continue;
		}
		if (row->failed == MG_STATE_END)
		{
			/* a state may know better how it ended than its row */
			run->exit_code = mg_exit_result(err->exit_code) != NULL ? (int) err->exit_code :
																	  (int) row->exit_code;
			/* what follows a migration does not touch the database, but has not left it unchanged */
			if (!touched && run->lock_lost)
				run->exit_code = MG_EXIT_REFUSED_LOCK;
			if (!touched && mg_signals_pending() != 0)
				run->exit_code = MG_EXIT_FAILED_UNCHANGED;
			err->exit_code = (MgExit) run->exit_code;
			return false;
		}
		run->failure = *err;
		mg_err_clear(err);
		state = row->failed;
	}
	return true;
}
