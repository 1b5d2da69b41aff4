/*
 * shadow.c
 *	  Starting from a warm shadow, keeping one, moving it on.
 */
#include "shadow.h"

#include <poll.h>
#include <string.h>

#include "failpoint.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "signals.h"

#define LOCK_POLL_MS 50
#define LOCK_WAIT_MS 5000

/* Another run may be making the shadow that this one would copy, or copying the one it would replace. */
static bool
lock(MgClone *clone, bool alone, bool *got, MgError *err)
{
	for (int waited = 0;; waited += LOCK_POLL_MS)
	{
		if (!mg_shadow_server_lock(clone->admin, clone->shadow, alone, got, err))
			return false;
		if (*got || waited >= LOCK_WAIT_MS || mg_signals_pending() != 0)
			return true;
		poll(NULL, 0, LOCK_POLL_MS);
	}
}

/* What cannot be released goes with the session. */
static void
unlock(MgRun *run, MgClone *clone, bool alone)
{
	MgError ignored;

	mg_err_init(&ignored, run->arena);
	mg_shadow_server_unlock(clone->admin, clone->shadow, alone, &ignored);
}

/*
 * Turns an error of the shadow's into a reason to do without it; false when it is
 * more than that: the user's wish to stop, or a session of the run lost.
 */
static bool
do_without(MgRun *run, MgClone *clone, const char **why, MgError *err)
{
	if (!err->set)
		return true;
	if (mg_signals_pending() != 0 || run->told_to_stop || !mg_pg_alive(run->pg) ||
		!mg_pg_alive(clone->admin))
		return false;
	*why = mg_printf(run->arena, "%s%s%s", err->message, err->detail != NULL ? ": " : "",
					 err->detail != NULL ? err->detail : "");
	mg_err_clear(err);
	return true;
}

/* The name that the shadow of the run's database has on the server of its clones. */
static bool
find_name(MgRun *run, MgClone *clone, MgError *err)
{
	const char *home = "here";
	char *name;

	if (mg_config_string(run->config, MG_SET_REHEARSE_URL) != NULL &&
		!mg_shadow_server_home(run->pg, &home, err))
		return false;
	if (!mg_shadow_server_name(clone->admin, home, run->facts.database, &name, err))
		return false;
	clone->shadow = name;
	return true;
}

/*
 * Puts a database aside, to be dropped at the very end: the server writes
 * everything out for that, which takes long when much is new, and nobody is to
 * wait for it with the deploy lock held.
 */
static bool
put_aside(MgRun *run, MgClone *clone, const char *name, MgError *err)
{
	const char *aside =
		mg_printf(run->arena, "migguard_%s_old%d", run->short_id, run->discarded.count + 1);

	if (!mg_shadow_server_rename(clone->admin, name, aside, err))
		return false;
	mg_failpoint("shadow.aside");
	mg_strings_add(&run->discarded, aside);
	return true;
}

/* A shadow that does not fit is of no use any more, unless another run copies it just now. */
static bool
put_misfit_aside(MgRun *run, MgClone *clone, MgError *err)
{
	const char *why = NULL;
	bool got;

	if (mg_shadow_server_lock(clone->admin, clone->shadow, true, &got, err) && got)
	{
		put_aside(run, clone, clone->shadow, err);
		unlock(run, clone, true);
	}
	return do_without(run, clone, &why, err);
}

/*
 * Compares the clone with the real schema as it is now, in all that a rehearsal
 * starts from; *why says how they differ, NULL when they do not.
 */
static bool
compare(MgRun *run, MgClone *clone, const char **why, MgError *err)
{
	MgRows real;
	MgRows copy;
	MgStrings differ;
	MgStrings faults;

	*why = NULL;
	if (!mg_shadow_faults(clone->pg, &faults, err) || !mg_shadow_state(run->pg, &real, err) ||
		!mg_shadow_state(clone->pg, &copy, err))
		return false;
	mg_strings_init(&differ, run->arena);
	for (int i = 0; i < real.count; i++)
		if (i >= copy.count || strcmp(mg_rows_get(&real, i, "value"), mg_rows_get(&copy, i, "value")))
			mg_strings_add(&differ, mg_rows_get(&real, i, "what"));
	if (faults.count > 0)
		*why = mg_printf(run->arena, "it is not the schema alone: %s", faults.items[0]);
	else if (differ.count > 0)
		*why = mg_printf(run->arena, "it differs from the real database in: %s",
						 mg_changes_text(run->arena, &differ, differ.count));
	return true;
}

/* Copies the shadow and looks at the copy; the shadow itself is never connected to. */
static bool
copy_shadow(MgRun *run, MgClone *clone, const char **why, bool *misfit, MgError *err)
{
	bool got;
	bool ok;

	if (!lock(clone, false, &got, err))
		return false;
	if (!got)
	{
		*why = "another run is replacing it";
		return true;
	}
	clone->created = true;
	ok = mg_server_create_scratch(clone->admin, run->pg, clone->name, clone->shadow,
								  mg_clone_comment(run), err);
	unlock(run, clone, false);
	if (!ok || !mg_clone_open(run, clone, err) || !compare(run, clone, why, err))
		return false;
	*misfit = *why != NULL;
	return true;
}

/* A shadow that nobody wants any more does not stay behind. */
static bool
drop_unwanted(MgRun *run, MgClone *clone, MgError *err)
{
	MgShadowFacts facts;
	const char *why = NULL;

	if (find_name(run, clone, err) &&
		mg_shadow_server_find(clone->admin, clone->shadow, false, &facts, err) && facts.there &&
		mg_server_drop_database(clone->admin, clone->shadow, err))
		mg_log_info("warm shadow %s was dropped, as none is wanted", clone->shadow);
	clone->shadow = NULL;
	clone->why_cold = "no shadow is wanted";
	return do_without(run, clone, &why, err);
}

bool
mg_shadow_start(MgRun *run, MgClone *clone, MgError *err)
{
	MgShadowFacts facts = { 0 };
	const char *why = NULL;
	bool misfit = false;

	if (!mg_config_bool(run->config, MG_SET_REHEARSE_SHADOW))
		return drop_unwanted(run, clone, err);
	if (find_name(run, clone, err) &&
		mg_shadow_server_find(clone->admin, clone->shadow, false, &facts, err))
	{
		if (!facts.there)
			why = "there is no shadow yet";
		else
			copy_shadow(run, clone, &why, &misfit, err);
	}
	if (!do_without(run, clone, &why, err))
		return false;
	if ((clone->why_cold = why) == NULL)
		return true;
	if (misfit && mg_clone_close(clone, err) && put_aside(run, clone, clone->name, err))
		clone->created = false;
	if (!do_without(run, clone, &why, err) || !mg_clone_undo(run, clone, err))
		return false;
	return !misfit || put_misfit_aside(run, clone, err);
}

/* Gives a database that is ready the shadow's name, in place of the one that has it. */
static bool
install(MgRun *run, MgClone *clone, const char *name, const char **why, MgError *err)
{
	MgShadowFacts facts;
	bool got;
	bool ok;

	if (!lock(clone, true, &got, err))
		return false;
	if (!got)
	{
		*why = "another run uses the one that is there";
		return true;
	}
	mg_failpoint("shadow.begin");
	ok = mg_shadow_server_close(clone->admin, name, err) &&
		 mg_shadow_server_find(clone->admin, clone->shadow, false, &facts, err) &&
		 (!facts.there || put_aside(run, clone, clone->shadow, err)) &&
		 /* the name is what marks it as complete, so it comes last */
		 mg_shadow_server_rename(clone->admin, name, clone->shadow, err);
	mg_failpoint("shadow.renamed");
	unlock(run, clone, true);
	return ok;
}

bool
mg_shadow_keep(MgRun *run, MgClone *clone, MgError *err)
{
	const char *half_made = mg_printf(run->arena, "migguard_%s_shadow", run->short_id);
	const char *why = NULL;

	if (clone->shadow == NULL)
		return true;
	if (compare(run, clone, &why, err) && why == NULL && mg_clone_close(clone, err) &&
		mg_server_create_scratch(clone->admin, run->pg, half_made, clone->name,
								 mg_clone_comment(run), err))
		install(run, clone, half_made, &why, err);
	if (!do_without(run, clone, &why, err))
		return false;
	if (why != NULL)
	{
		mg_log_verbose("no warm shadow is kept: %s", why);
		mg_run_detail_text(run, "shadow_not_kept", why);
		mg_server_drop_database(clone->admin, half_made, err);
		if (!do_without(run, clone, &why, err))
			return false;
	}
	return clone->pg != NULL || mg_clone_open(run, clone, err);
}

bool
mg_shadow_watch(MgRun *run, MgClone *clone, MgError *err)
{
	const char *why = NULL;
	char *rows = NULL;

	if (clone->shadow == NULL || run->kind == MG_RUN_PLAN)
		return true;
	mg_shadow_extension_rows(clone->pg, &rows, err);
	if (!do_without(run, clone, &why, err))
		return false;
	clone->extension_rows = why == NULL ? rows : NULL;
	return true;
}

bool
mg_shadow_park(MgRun *run, MgClone *clone)
{
	MgError ignored;

	/* one that was not equal at the beginning is not equal at the end */
	if (run->kind == MG_RUN_PLAN || clone->extension_rows == NULL || run->clone_before.id != NULL)
		return false;
	mg_err_init(&ignored, run->arena);
	mg_clone_close(clone, &ignored);
	mg_clone_leave(run, clone);
	run->kept = clone;
	return true;
}

/* Makes the clone the shadow; *why tells why that cannot be. */
static bool
move(MgRun *run, MgClone *clone, const char **why, MgError *err)
{
	char *rows;
	if (!mg_clone_open(run, clone, err) || !mg_shadow_clear(clone->pg, err) ||
		!compare(run, clone, why, err) || !mg_shadow_extension_rows(clone->pg, &rows, err) ||
		!mg_clone_close(clone, err))
		return false;
	if (*why == NULL && strcmp(rows, clone->extension_rows) != 0)
		*why = "the migration writes to tables of an extension";
	if (*why != NULL)
		return true;
	if (!install(run, clone, clone->name, why, err))
		return false;
	clone->created = *why != NULL;
	return true;
}

void
mg_shadow_settle(MgRun *run)
{
	MgClone *clone = run->kept;
	const char *why = NULL;
	MgError err;

	if (clone == NULL)
		return;
	run->kept = NULL;
	mg_err_init(&err, run->arena);
	if (run->exit_code != MG_EXIT_DONE)
		why = "the run was not done";
	else if (mg_clone_server(run, clone, &err))
		move(run, clone, &why, &err);
	if (err.set)
		why = mg_printf(run->arena, "%s%s%s", err.message, err.detail != NULL ? ": " : "",
						err.detail != NULL ? err.detail : "");
	mg_err_clear(&err);
	if (why != NULL)
		mg_log_verbose("the warm shadow does not move on: %s", why);
	mg_run_detail_text(run, "shadow",
					   why == NULL ? "moved on" : mg_printf(run->arena, "not moved on: %s", why));
	if (!mg_clone_drop(run, clone, &err))
		mg_log_warning("scratch database %s could not be dropped: %s", clone->name, err.message);
}

void
mg_shadow_tidy(MgRun *run)
{
	MgClone clone = { 0 };
	MgError err;
	bool ok;

	if (run->discarded.count == 0)
		return;
	mg_err_init(&err, run->arena);
	/* the lock is released, so the server would take the token of the session for a stale one */
	ok = run->pg != NULL && mg_lock_tag_session(run->pg, "", "", &err) &&
		 mg_clone_server(run, &clone, &err);
	for (int i = 0; ok && i < run->discarded.count; i++)
		ok = mg_server_drop_database(clone.admin, run->discarded.items[i], &err);
	if (!ok)
		mg_log_verbose("scratch databases are left for the next run to drop: %s",
					   err.set ? err.message : "the connection to the server is lost");
	mg_clone_leave(run, &clone);
}

const char *
mg_shadow_text(MgRun *run, const MgClone *clone)
{
	return clone->why_cold == NULL ? "from the warm shadow" :
									 mg_printf(run->arena, "made anew: %s", clone->why_cold);
}

bool
mg_shadow_find(const MgContext *context, MgPg *pg, MgShadow *shadow, MgError *err)
{
	const char *url = mg_config_string(context->config, MG_SET_REHEARSE_URL);
	MgServerFacts facts;
	const char *home = "here";
	char *name;

	memset(shadow, 0, sizeof *shadow);
	shadow->server = pg;
	if (!mg_server_facts(pg, &facts, err))
		return false;
	if (url != NULL)
	{
		MgTarget *target = mg_alloc(context->arena, sizeof *target);

		shadow->server = NULL;
		if (!mg_target_parse(context->arena, url, target, err) ||
			!mg_pg_open(context->arena, target, "migguard:shadow", &shadow->server, err) ||
			!mg_shadow_server_home(pg, &home, err))
			return false;
	}
	if (!mg_shadow_server_name(shadow->server, home, facts.database, &name, err))
		return false;
	shadow->name = name;
	return mg_shadow_server_find(shadow->server, name, true, &shadow->facts, err);
}

const char *
mg_shadow_describe(MgArena *arena, const MgShadow *shadow)
{
	static const char prefix[] = "migguard: run ";
	const char *comment = shadow->facts.comment;
	bool ours = comment != NULL && strncmp(comment, prefix, strlen(prefix)) == 0;

	return mg_printf(arena, "%s%s%s%s", shadow->name, shadow->facts.size != NULL ? ", " : "",
					 shadow->facts.size != NULL ? shadow->facts.size : "",
					 ours ? mg_printf(arena, ", left by run %.8s", comment + strlen(prefix)) : "");
}

bool
mg_shadow_drop(MgShadow *shadow, MgError *err)
{
	bool got;
	bool ok;

	if (!mg_shadow_server_lock(shadow->server, shadow->name, true, &got, err))
		return false;
	if (!got)
		return mg_err_set(err, MG_EXIT_REFUSED_LOCK, "warm shadow %s is in use by a run",
						  shadow->name);
	ok = mg_server_drop_database(shadow->server, shadow->name, err);
	return mg_shadow_server_unlock(shadow->server, shadow->name, true, err) && ok;
}

void
mg_shadow_close(MgPg *pg, MgShadow *shadow)
{
	if (shadow->server != pg)
		mg_pg_close(shadow->server);
	shadow->server = NULL;
}
