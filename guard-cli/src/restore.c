/*
 * restore.c
 *	  A backup in the place of its database: steps as a table, each of which may be the last for a while.
 */
#include "restore.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "failpoint.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_backup.h"
#include "pg_catalog_ledger.h"
#include "pg_catalog_restore.h"
#include "pg_catalog_schema.h"
#include "pg_catalog_server.h"
#include "restore_trace.h"
#include "run.h"

#define FRESH_PREFIX "migguard_restore_"
#define LOCK_POLL_MS 100

/* A session in the live database, also while nobody is let in, with the deploy lock. */
static bool
open_live(MgRestore *r, MgError *err)
{
	const MgConfig *config = r->context->config;
	long long wait = mg_config_ms(config, MG_SET_LOCK_WAIT);
	const char *lock = mg_config_string(config, MG_SET_LOCK_NAME);
	char *token = NULL;

	if ((r->again && !mg_restore_allow(r->admin, r->live, true, err)) ||
		!mg_pg_open(r->arena, &r->context->target, mg_printf(r->arena, "%s:guard", r->tag),
					&r->session, err))
		return false;
	for (long long waited = 0;; waited += LOCK_POLL_MS)
	{
		if (!mg_lock_try(r->session, lock, "restore of a backup", r->run_id, &token, err))
			return false;
		if (token != NULL || waited >= wait)
			break;
		poll(NULL, 0, LOCK_POLL_MS);
	}
	r->token = token;
	return token != NULL ||
		   mg_err_set(err, MG_EXIT_REFUSED_LOCK, "deploy lock \"%s\" is held by another run", lock);
}

/*
 * Restores that died before they had told a database whose it is.  They are dead,
 * since we hold the lock; but the server may still be at what they have asked for.
 */
static bool
bury_dead(MgRestore *r, MgError *err)
{
	const char *lock = mg_config_string(r->context->config, MG_SET_LOCK_NAME);
	MgStrings ids;
	int ended;

	if (!mg_restore_unfinished(r->session, lock, r->run_id, &ids, err))
		return false;
	for (int i = 0; i < ids.count; i++)
		if (!mg_server_end_sessions(r->admin, mg_printf(r->arena, "migguard:%.8s:admin", ids.items[i]),
									0, &ended, err) ||
			!mg_server_drop_database(r->admin,
									 mg_printf(r->arena, FRESH_PREFIX "%.8s", ids.items[i]), err) ||
			!mg_ledger_end(r->session, ids.items[i], MG_EXIT_FAILED_UNCHANGED,
						   "found dead: the restore had not come to its swap", NULL, err))
			return false;
	return true;
}

/* All that could stand in the way, before anything is made. */
static bool
check(MgRestore *r, MgError *err)
{
	MgServerFacts facts;
	MgStrings obstacles;

	if (!mg_server_facts(r->session, &facts, err) ||
		!mg_restore_obstacles(r->session, &obstacles, err))
		return false;
	if (!facts.own_session)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "the connection is not a session of its own");
		return mg_err_hint(err,
						   "Give migguard a URL that leads to the server directly, not to a pooler.");
	}
	if (!facts.superuser)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "role \"%s\" may not restore: it is no superuser", facts.role);
		return mg_err_hint(err, "Extension and ledger are restored, and databases given away, by a "
								"superuser only.");
	}
	if (obstacles.count == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "database \"%s\" cannot be put aside", r->live);
	mg_err_detail(err, "%s.", mg_changes_text(r->arena, &obstacles, 10));
	return mg_err_hint(err, "End these first; they would stay with the database that is put aside.");
}

/* The backup is one of this database, unless that is not wanted. */
static bool
check_origin(const MgRestore *r, MgPg *pg, MgError *err)
{
	MgBackup here = { 0 };

	if (r->any_origin)
		return true;
	if (!mg_backup_place(pg, NULL, &here, err))
		return false;
	if (strcmp(here.system_identifier, r->backup->system_identifier) == 0 &&
		strcmp(r->live, r->backup->database) == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup \"%s\" is not of this database",
			   r->backup->path);
	mg_err_detail(err, "It is of database \"%s\" of cluster %s; this is \"%s\" of %s.",
				  r->backup->database, r->backup->system_identifier, r->live, here.system_identifier);
	return mg_err_hint(err, "Look at it by --into NAME, or go on by --any-origin.");
}

static bool
begin(MgRestore *r, MgError *err)
{
	MgNewRun run = { .id = r->run_id,
					 .command = "restore",
					 .tool = "migguard",
					 .lock_name = mg_config_string(r->context->config, MG_SET_LOCK_NAME),
					 .to = r->backup->revision };

	r->begun = mg_ledger_begin(r->session, &run, err);
	return r->begun;
}

static bool
create(MgRestore *r, MgError *err)
{
	return mg_restore_create(r->admin, r->session, r->fresh, mg_restore_trace_text(r, 0, false), err);
}

static bool
load(MgRestore *r, MgError *err)
{
	return r->kind->load(r->arena, r->context->config, r->backup,
						 mg_target_with_database(r->arena, &r->context->target, r->fresh),
						 mg_printf(r->arena, "%s:restore", r->tag), err);
}

static bool
open_fresh(MgRestore *r, MgPg **pg, MgError *err)
{
	return mg_pg_open(r->arena, mg_target_with_database(r->arena, &r->context->target, r->fresh),
					  mg_printf(r->arena, "%s:fresh", r->tag), pg, err);
}

static bool
compare(MgRestore *r, MgError *err)
{
	MgPg *pg = NULL;
	bool ok = open_fresh(r, &pg, err) && mg_backup_compare(pg, r->backup, err);

	mg_pg_close(pg);
	return ok;
}

static bool
give_properties(MgRestore *r, MgError *err)
{
	return mg_restore_properties(r->admin, r->live, r->fresh, err);
}

static bool
hold(MgRestore *r, MgError *err)
{
	return mg_restore_hold(r->admin, r->live, r->session->backend_pid, err);
}

/* What the ledger keeps of the restore, in the database that comes to be. */
static bool
record(MgRestore *r, MgPg *fresh, MgError *err)
{
	cJSON *json = cJSON_CreateObject();
	const char *message =
		mg_printf(r->arena, "restored from backup %.8s of %s; what was here is database %s",
				  r->backup->run_id, r->backup->created_at, r->kept);
	const char *state;
	const char *detail;

	mg_json_text(json, "backup", r->backup->path);
	mg_json_text(json, "manifest_sha256", r->backup->manifest_sha256);
	mg_json_text(json, "kept", r->kept);
	mg_json_text(json, "revision", r->backup->revision);
	if (r->backup->snapshot_id != NULL)
		mg_json_raw(json, "snapshot_id", r->backup->snapshot_id);
	mg_json_text(json, "fingerprint", r->backup->fingerprint);
	detail = mg_json_take(r->arena, json);
	/* once each, however often it is interrupted */
	return mg_restore_run_state(fresh, r->run_id, &state, err) &&
		   (strcmp(state, "2") >= 0 ||
			mg_ledger_event(fresh, r->run_id, mg_state_name(MG_STATE_ROLLBACK), "ok", message,
							detail, err)) &&
		   (strcmp(state, "3") >= 0 ||
			mg_ledger_end(fresh, r->run_id, MG_EXIT_DONE, message, detail, err));
}

static bool
carry(MgRestore *r, MgError *err)
{
	MgPg *fresh = NULL;
	bool ok = open_fresh(r, &fresh, err) && mg_restore_carry(r->session, fresh, err) &&
			  record(r, fresh, err);
	int pid = fresh != NULL ? fresh->backend_pid : 0;

	mg_pg_close(fresh);
	return ok && mg_server_await_end(r->admin, pid, 5000, err);
}

static bool
swap(MgRestore *r, MgError *err)
{
	int pid = r->session->backend_pid;

	mg_pg_close(r->session);
	r->session = NULL;
	return mg_server_await_end(r->admin, pid, 5000, err) &&
		   mg_restore_swap(r->admin, r->live, r->fresh, r->kept, mg_restore_trace_text(r, 0, true),
						   err);
}

/* What is done, in this order. */
static const struct
{
	const char *name;
	const char *text;
	bool (*act)(MgRestore *restore, MgError *err);
	bool always; /* its effect ends with the process */
} steps[] = {
	{ "create", "an empty database", create, false },
	{ "load", "the backup is loaded", load, false },
	{ "compare", "schema and row counts are compared", compare, false },
	{ "properties", "owner, privileges and settings of the database", give_properties, false },
	{ "hold", "nobody is let in, sessions are ended", hold, true },
	{ "carry", "the ledger goes on", carry, true },
	{ "swap", "names are changed", swap, false },
};
#define STEPS  ((int) (sizeof steps / sizeof steps[0]))
#define LOADED 2 /* steps that a database must have behind it to be worth keeping */

static bool
walk(MgRestore *r, MgError *err)
{
	for (int i = 0; i < STEPS; i++)
	{
		if (i < r->done && !steps[i].always)
			continue;
		mg_log_info("restore: [%d/%d] %s: %s", i + 1, STEPS, steps[i].name, steps[i].text);
		if (!steps[i].act(r, err))
			return false;
		mg_failpoint_state("restore", steps[i].name);
		if (i + 1 < STEPS && i + 1 > r->done &&
			!mg_restore_comment(r->admin, r->fresh, mg_restore_trace_text(r, i + 1, false), err))
			return false;
	}
	return true;
}

/* Goes on with the one that was interrupted, if that is of the same backup. */
static bool
resume(MgRestore *r, MgError *err)
{
	MgRestoreTrace trace;

	if (!mg_restore_trace_interrupted(r->arena, r->admin, r->live, &trace, err))
		return false;
	if (trace.run_id == NULL)
		return true;
	if (strcmp(trace.manifest, r->backup->manifest_sha256) != 0)
	{
		mg_err_set(err, MG_EXIT_INTERRUPTED, "a restore of another backup was interrupted here");
		return mg_err_hint(err,
						   "Run that again, or give it up by \"migguard backup restore --abort\".");
	}
	r->again = true;
	r->run_id = trace.run_id;
	r->kept = trace.kept;
	r->done = trace.done;
	return true;
}

static void
name_all(MgRestore *r)
{
	r->tag = mg_printf(r->arena, "migguard:%.8s", r->run_id);
	r->fresh = mg_printf(r->arena, FRESH_PREFIX "%.8s", r->run_id);
}

/* One that was only half loaded is begun anew; the ledger knows the run already. */
static bool
begin_or_go_on(MgRestore *r, MgError *err)
{
	const char *state;

	if (!r->again)
		return check_origin(r, r->session, err) && begin(r, err);
	mg_log_info("restore: goes on after \"%s\"", r->done == 0 ? "begin" : steps[r->done - 1].name);
	if (!mg_restore_run_state(r->session, r->run_id, &state, err))
		return false;
	if (strcmp(state, "3") >= 0)
	{
		mg_err_set(err, MG_EXIT_INTERRUPTED, "the interrupted restore was ended by a later run");
		return mg_err_hint(err, "Give it up by \"migguard backup restore --abort\", and begin anew.");
	}
	if (r->done >= LOADED)
		return true;
	r->done = 0;
	return mg_server_drop_database(r->admin, r->fresh, err);
}

/* After a failure, and not after a kill: what was closed is opened again. */
static void
let_in(MgRestore *r)
{
	MgError fault;

	mg_err_init(&fault, r->arena);
	if (!mg_restore_allow(r->admin, r->live, true, &fault))
		mg_log_warning("database \"%s\" lets nobody in: %s", r->live, fault.message);
	mg_log_warning("run it again to go on, or give it up by \"migguard backup restore --abort\"");
}

bool
mg_restore_run(MgRestore *r, MgError *err)
{
	bool ok;

	r->live = r->context->target.database;
	if (!r->kind->whole)
		return mg_err_set(err, MG_EXIT_USAGE,
						  "backup \"%s\" is %s, not the whole database: restore it "
						  "with --into",
						  r->backup->path, r->backup->kind);
	ok = mg_restore_admin(r->arena, &r->context->target, r->live,
						  mg_printf(r->arena, "migguard:%.8s:admin", r->run_id), &r->admin, err) &&
		 resume(r, err) &&
		 (r->kept != NULL || mg_restore_kept_name(r->arena, r->admin, r->live, &r->kept, err));
	if (ok)
	{
		name_all(r);
		ok = open_live(r, err) && check(r, err) && bury_dead(r, err) && begin_or_go_on(r, err) &&
			 walk(r, err);
		if (!ok && (r->again || r->begun))
			let_in(r);
	}
	mg_pg_close(r->session);
	mg_pg_close(r->admin);
	r->session = r->admin = NULL;
	return ok;
}

bool
mg_restore_interrupted(MgContext *context, const char **path, MgError *err)
{
	const char *live = context->target.database;
	MgPg *admin = NULL;
	MgRestoreTrace trace = { 0 };
	bool ok =
		mg_restore_admin(context->arena, &context->target, live, "migguard:restore", &admin, err) &&
		mg_restore_trace_interrupted(context->arena, admin, live, &trace, err);

	mg_pg_close(admin);
	*path = trace.path;
	return ok;
}

bool
mg_restore_abort(MgContext *context, bool *was, MgError *err)
{
	MgArena *arena = context->arena;
	const char *live = context->target.database;
	MgPg *admin = NULL;
	MgPg *pg = NULL;
	const char *state;
	MgRestoreTrace trace;
	bool ok = mg_restore_admin(arena, &context->target, live, "migguard:abort", &admin, err) &&
			  mg_restore_trace_interrupted(arena, admin, live, &trace, err);

	*was = ok && trace.run_id != NULL;
	if (*was)
		ok = mg_restore_allow(admin, live, true, err) &&
			 mg_pg_open(arena, &context->target, "migguard:abort", &pg, err) &&
			 mg_restore_run_state(pg, trace.run_id, &state, err) &&
			 (strcmp(state, "1 begun") != 0 ||
			  mg_ledger_end(pg, trace.run_id, MG_EXIT_FAILED_UNCHANGED, "the restore was given up",
							NULL, err)) &&
			 mg_server_drop_database(pg, mg_printf(arena, FRESH_PREFIX "%.8s", trace.run_id), err);
	mg_pg_close(pg);
	mg_pg_close(admin);
	return ok;
}

bool
mg_restore_into(MgRestore *r, const char *name, MgError *err)
{
	bool ok;

	r->live = r->context->target.database;
	name_all(r);
	r->fresh = name;
	if (!mg_pg_open(r->arena, &r->context->target, r->tag, &r->session, err))
		return false;
	r->admin = r->session;
	ok = check_origin(r, r->session, err) &&
		 mg_restore_create(r->admin, r->session, name,
						   mg_printf(r->arena, "migguard: from backup %s", r->backup->path), err) &&
		 load(r, err) && compare(r, err);
	mg_pg_close(r->session);
	r->session = r->admin = NULL;
	return ok;
}
