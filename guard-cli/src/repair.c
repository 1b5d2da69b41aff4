/*
 * repair.c
 *	  The rest of the way back, where the tool's downgrade does not restore the schema.
 */
#include "repair.h"

#include <string.h>

#include "attempts.h"
#include "clock.h"
#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_revert.h"
#include "text.h"

#define MOST_REASONS 10

/* Keys of the detail. */
#define STATEMENTS	  "repair"
#define TRANSACTIONAL "repair_in_one_transaction"
#define INSTEAD		  "no_downgrade"
#define ROWS		  "tool_rows"

/* Settings of the transaction are of no use to the author: all names are qualified. */
static bool
is_for_author(const char *sql)
{
	return strncmp(sql, "SET LOCAL ", 10) != 0;
}

/* Shows the author what is missing, in the words of the tool. */
static void
tell_author(MgRun *run, const MgRevert *revert)
{
	MgStrings lines;

	mg_strings_init(&lines, run->arena);
	mg_log_warning(run->no_downgrade ?
					   "there is no downgrade that works; the way back is, ready to be its text:" :
					   "the downgrade does not restore the schema; ready to be added to its end:");
	for (int i = 0; i < revert->statements.count; i++)
	{
		const char *sql = revert->statements.items[i];

		if (!is_for_author(sql))
			continue;
		mg_strings_add(&lines, run->tool->ops->paste != NULL ? run->tool->ops->paste(run->arena, sql) :
															   mg_printf(run->arena, "%s;", sql));
		mg_log_warning("    %s", lines.items[lines.count - 1]);
	}
	mg_run_detail_list(run, "downgrade_forgets", &lines);
	for (int i = 0; i < revert->losses.count; i++)
		mg_log_warning("the way back loses data: %s", revert->losses.items[i]);
}

/* Tries to lead the clone back by the server's statements, and compares. */
static bool
lead_back(MgRun *run, MgPg *clone, const MgSnapshot *before, MgRevert *revert, MgChanges *changes,
		  MgError *err)
{
	const MgStrings *tables = run->no_downgrade ? &run->bookkeeping : NULL;
	MgError fault;

	if (!mg_revert_propose(clone, before->id, &run->bookkeeping, revert, err))
		return false;
	if (revert->reasons.count > 0)
		mg_run_detail_list(run, "repair_cannot", &revert->reasons);
	if (revert->statements.count == 0 && tables == NULL)
		return true;
	mg_err_init(&fault, run->arena);
	if (!mg_revert_session(clone, run->id, "", mg_config_ms(run->config, MG_SET_RUN_LOCK_TIMEOUT),
						   mg_config_ms(run->config, MG_SET_RUN_STATEMENT_TIMEOUT), err))
		return false;
	if (!mg_revert_run(clone, &revert->statements, revert->transactional, tables, run->tool_rows,
					   &fault))
	{
		mg_run_detail_text(run, "repair_fails", fault.message);
		mg_log_warning("what the downgrade leaves cannot be repaired: %s%s%s", fault.message,
					   fault.detail != NULL ? ". " : "", fault.detail != NULL ? fault.detail : "");
		if (!mg_pg_alive(clone))
			return mg_err_set(err, MG_EXIT_UNAVAILABLE, "the clone is lost");
	}
	/* also after a failure: what is left decides, never what was tried */
	return mg_schema_changes(clone, before->id, NULL, &run->bookkeeping, changes, err);
}

/* Keeps the statements in the run, if nothing real is left. */
static void
keep(MgRun *run, const MgRevert *revert, const MgChanges *changes)
{
	if (changes->real.count > 0)
	{
		for (int i = 0; i < revert->reasons.count && i < MOST_REASONS; i++)
			mg_log_warning("no way back: %s", revert->reasons.items[i]);
		run->no_downgrade = false;
		return;
	}
	run->repair = revert->statements;
	run->repair_transactional = revert->transactional;
	if (revert->losses.count > 0)
		mg_run_detail_list(run, "repair_loses", &revert->losses);
	tell_author(run, revert);
}

bool
mg_repair_rehearse(MgRun *run, MgPg *clone, const MgSnapshot *before, MgChanges *changes, MgError *err)
{
	MgRevert revert;

	run->no_downgrade = false;
	if (strcmp(mg_config_string(run->config, MG_SET_REHEARSE_REPAIR), "off") == 0)
		return true;
	if (!lead_back(run, clone, before, &revert, changes, err))
		return false;
	keep(run, &revert, changes);
	return true;
}

bool
mg_repair_instead(MgRun *run, MgPg *clone, const MgSnapshot *before, MgChanges *changes, MgError *err)
{
	MgRevert revert;
	MgRevisions now;

	if (strcmp(mg_config_string(run->config, MG_SET_REHEARSE_REPAIR), "on") != 0)
		return true;
	run->no_downgrade = true;
	if (!lead_back(run, clone, before, &revert, changes, err) ||
		!run->tool->ops->current(run->tool, clone, &now, err))
		return false;
	if (changes->real.count == 0 && !mg_revisions_equal(&now, &run->from))
		mg_strings_addf(&changes->real, "The revision is %s, not %s.",
						mg_revisions_text(run->arena, &now),
						mg_revisions_text(run->arena, &run->from));
	keep(run, &revert, changes);
	return true;
}

bool
mg_repair_again(MgRun *run, MgPg *clone, MgError *err)
{
	return mg_revert_session(clone, run->id, "", mg_config_ms(run->config, MG_SET_RUN_LOCK_TIMEOUT),
							 mg_config_ms(run->config, MG_SET_RUN_STATEMENT_TIMEOUT), err) &&
		   mg_revert_run(clone, &run->repair, run->repair_transactional,
						 run->no_downgrade ? &run->bookkeeping : NULL, run->tool_rows, err);
}

/* Runs statements on the real database, in a session of their own that is tagged as the tool's are. */
static bool
run_once(MgAttempts *attempts, const MgRevert *revert, MgError *err)
{
	MgRun *run = attempts->run;
	MgToolSession session;
	MgPg *pg = NULL;
	bool ok;

	mg_run_session(run, &run->context->target, attempts->step, &session);
	ok = mg_run_permit(run, attempts->step, NULL, err) &&
		 mg_pg_open(run->arena, session.target, session.application_name, &pg, err) &&
		 mg_revert_session(pg, session.run_id, session.fence_token, session.lock_timeout_ms,
						   session.statement_timeout_ms, err);
	if (ok)
	{
		pg->company = attempts->watched ? &attempts->watch.company : NULL;
		ok = mg_revert_run(pg, &revert->statements, revert->transactional,
						   run->no_downgrade ? &run->bookkeeping : NULL, run->tool_rows, err);
	}
	mg_failpoint("repair.ran");
	mg_pg_close(pg);
	return ok;
}

/* Again where all that it met was a lock, and nothing of it has stayed. */
static bool
run_patiently(MgRun *run, const MgRevert *revert, MgError *err)
{
	MgAttempts attempts;

	mg_attempts_init(&attempts, run, "repair", MG_PASS_DOWN);
	attempts.who = "the repair";
	attempts.list = "repair_attempts";
	while (true)
	{
		long long began_us = mg_clock_us();
		bool ok;

		mg_failpoint("repair.begin");
		ok = mg_attempt_begin(&attempts, err) && run_once(&attempts, revert, err);
		mg_attempt_end_own(&attempts, ok ? NULL : err, mg_clock_us() - began_us);
		if (ok)
			return true;
		if (mg_attempts_hint(&attempts) != NULL)
			mg_err_hint(err, "%s", mg_attempts_hint(&attempts));
		if (!revert->transactional || !mg_attempt_may_follow(&attempts))
			return false;
		mg_err_clear(err);
		if (!mg_attempt_pause(&attempts, "changed nothing", err))
			return false;
	}
}

bool
mg_repair_real(MgRun *run, const MgSnapshot *before, const char **how, MgError *err)
{
	MgRevert revert;
	MgChanges changes;
	MgError fault;

	*how = NULL;
	if (run->repair.count == 0 && !run->no_downgrade)
		return true;
	if (!mg_schema_changes(run->pg, before->id, NULL, &run->bookkeeping, &changes, err) ||
		!mg_revert_propose(run->pg, before->id, &run->bookkeeping, &revert, err))
		return false;
	if (changes.real.count == 0 && !run->no_downgrade)
		return true;
	for (int i = 0; i < revert.statements.count; i++)
		if (!mg_strings_has(&run->repair, revert.statements.items[i]))
		{
			mg_run_detail_text(run, "not_rehearsed", revert.statements.items[i]);
			*how = "what is left is not what was rehearsed, so it was not repaired";
			mg_log_warning("%s: %s", *how, revert.statements.items[i]);
			return true;
		}
	mg_run_detail_list(run, "repaired_by", &revert.statements);
	mg_err_init(&fault, run->arena);
	if (run_patiently(run, &revert, &fault))
		*how = mg_printf(run->arena, "%s of migguard",
						 mg_text_count(run->arena, revert.statements.count, "statement"));
	else
	{
		*how = mg_printf(run->arena, "the repair failed: %s", fault.message);
		mg_log_warning("%s; nothing of it stays%s%s", *how, fault.detail != NULL ? ". " : "",
					   fault.detail != NULL ? fault.detail : "");
	}
	return mg_run_hold(run, err);
}

bool
mg_repair_keep_rows(MgRun *run, MgError *err)
{
	run->tool_rows = mg_alloc(run->arena, ((size_t) run->bookkeeping.count + 1) * sizeof(char *));
	for (int i = 0; i < run->bookkeeping.count; i++)
		if (!mg_server_read_rows(run->pg, run->bookkeeping.items[i], &run->tool_rows[i], err))
			return false;
	return true;
}

void
mg_repair_record(MgRun *run)
{
	cJSON *rows;

	if (run->repair.count == 0 && !run->no_downgrade)
		return;
	mg_run_detail_list(run, STATEMENTS, &run->repair);
	mg_json_bool(mg_run_detail(run), TRANSACTIONAL, run->repair_transactional);
	if (!run->no_downgrade)
		return;
	mg_json_bool(mg_run_detail(run), INSTEAD, true);
	rows = cJSON_AddObjectToObject(mg_run_detail(run), ROWS);
	for (int i = 0; i < run->bookkeeping.count; i++)
		mg_json_raw(rows, run->bookkeeping.items[i],
					run->tool_rows[i] != NULL ? run->tool_rows[i] : "null");
}

void
mg_repair_recall(MgRun *run, const char *detail)
{
	cJSON *json = detail == NULL ? NULL : cJSON_Parse(detail);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, STATEMENTS);
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, ROWS);
	const cJSON *item;

	mg_strings_init(&run->repair, run->arena);
	cJSON_ArrayForEach (item, list)
		mg_strings_add(&run->repair, cJSON_GetStringValue(item));
	run->repair_transactional = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, TRANSACTIONAL));
	run->no_downgrade = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, INSTEAD));
	run->tool_rows = mg_alloc(run->arena, ((size_t) run->bookkeeping.count + 1) * sizeof(char *));
	for (int i = 0; run->no_downgrade && i < run->bookkeeping.count; i++)
	{
		char *text;

		item = cJSON_GetObjectItemCaseSensitive(rows, run->bookkeeping.items[i]);
		if (item == NULL || cJSON_IsNull(item))
			continue;
		text = cJSON_PrintUnformatted(item);
		run->tool_rows[i] = mg_strdup(run->arena, text);
		cJSON_free(text);
	}
	cJSON_Delete(json);
}
