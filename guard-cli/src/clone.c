/*
 * clone.c
 *	  Making and dropping of scratch databases.
 */
#include "clone.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failpoint.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "pg_catalog_permit.h"
#include "shadow.h"
#include "signals.h"

#define NAME_PREFIX	  "migguard_"
#define MOST_CHANGES  10
#define CLOSE_WAIT_MS 200

/* "run 01234567-... of database app" */
char *
mg_clone_comment(MgRun *run)
{
	return mg_printf(run->arena, "migguard: run %s of database %s", run->id, run->facts.database);
}

/* A program of PostgreSQL's with a database to work on; argv without a database. */
static bool
run_program(MgRun *run, char *const *argv, const MgTarget *target, const char *step, int input,
			bool (*sink)(void *, const char *, size_t), void *sink_arg, MgChildResult *result,
			MgError *err)
{
	MgStrings env;
	MgChildSpec spec = { .argv = argv,
						 .input_fd = input,
						 .timeout_ms = mg_config_ms(run->config, MG_SET_RUN_TIMEOUT),
						 .target = target,
						 .application_name = mg_run_application_name(run, step),
						 .stop_on_signal = true,
						 .sink = sink,
						 .sink_arg = sink_arg };

	mg_strings_init(&env, run->arena);
	for (char **e = environ; *e != NULL; e++)
		mg_strings_add(&env, *e);
	mg_target_setenv(target, &env);
	mg_strings_setenv(&env, "PGAPPNAME", spec.application_name);
	spec.env = env.items;
	if (!mg_child_run(run->arena, &spec, result, err))
		return false;
	run->told_to_stop = run->told_to_stop || result->interrupted;
	return true;
}

static bool
write_all(void *arg, const char *data, size_t len)
{
	int fd = *(int *) arg;

	while (len > 0)
	{
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t) n;
	}
	return true;
}

/* Dumps the schema into memory, where it needs no cleaning up after a crash. */
static bool
dump_schema(MgRun *run, int fd, MgError *err)
{
	char *argv[] = { mg_strdup(run->arena, mg_config_string(run->config, MG_SET_PROGRAM_PG_DUMP)),
					 (char[]){ "--schema-only" }, (char[]){ "--format=custom" },
					 (char[]){ "--compress=0" }, (char[]){ "--no-subscriptions" },
					 /* even a dump of the schema has the rows of an extension's own tables */
					 (char[]){ "--exclude-table-data=safedeploy.*" }, (char[]){ "--no-password" },
					 NULL };
	MgChildResult result;

	if (!run_program(run, argv, &run->context->target, "dump", 0, write_all, &fd, &result, err))
		return false;
	if (mg_child_succeeded(&result))
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "pg_dump of the schema %s",
			   mg_child_describe(run->arena, &result));
	return mg_err_detail(err, "%s", mg_child_tail(run->arena, &result, 5));
}

static bool
restore_schema(MgRun *run, MgClone *clone, int fd, MgError *err)
{
	char *argv[] = { mg_strdup(run->arena, mg_config_string(run->config, MG_SET_PROGRAM_PG_RESTORE)),
					 mg_printf(run->arena, "--dbname=%s", ""), (char[]){ "--no-password" },
					 /* what extensions have marked as data to be dumped is no part of it */
					 (char[]){ "--schema-only" }, NULL };
	MgChildResult result;

	/* an empty conninfo leaves everything to the environment, where no process list shows it */
	if (lseek(fd, 0, SEEK_SET) != 0 ||
		!run_program(run, argv, clone->target, "restore", fd, NULL, NULL, &result, err))
		return false;
	if (mg_child_succeeded(&result))
		return true;
	if (result.exit_code != 1)
	{
		mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "pg_restore to the clone %s",
				   mg_child_describe(run->arena, &result));
		return mg_err_detail(err, "%s", mg_child_tail(run->arena, &result, 5));
	}
	/* it goes on after errors, such as an owner that this role may not set; what they cost is seen
	 * by comparing */
	return mg_run_note(run, err, "pg_restore to the clone had errors: %s",
					   mg_child_tail(run->arena, &result, 5));
}

static bool
fill(MgRun *run, MgClone *clone, MgError *err)
{
	int fd = memfd_create("schema", MFD_CLOEXEC);
	bool ok;

	if (fd < 0)
		return mg_err_set(err, MG_EXIT_INTERNAL, "could not keep the schema in memory: %s",
						  strerror(errno));
	ok = dump_schema(run, fd, err) && restore_schema(run, clone, fd, err);
	mg_failpoint("clone.filled");
	close(fd);
	return ok;
}

/* Takes the clone's first snapshot and tells how it differs from the real S0, if it does. */
static bool
compare(MgRun *run, MgClone *clone, MgError *err)
{
	MgChanges changes;

	if (!mg_schema_take(clone->pg, "clone before", NULL, &clone->before, err))
		return false;
	if (strcmp(clone->before.fingerprint, run->here.fingerprint) == 0)
		return true;
	if (!mg_schema_copy_snapshot(clone->pg, clone->before.id, run->pg, &run->clone_before, err) ||
		!mg_schema_changes(run->pg, run->here.id, run->clone_before.id, &run->bookkeeping, &changes,
						   err))
		return false;
	mg_run_detail_list(run, "clone_differs", &changes.real);
	return mg_run_note(run, err,
					   "the clone is not quite the real schema, so changes are compared in place of "
					   "schemas: %s",
					   changes.real.count > 0 ?
						   mg_changes_text(run->arena, &changes.real, MOST_CHANGES) :
						   "only its fingerprint differs");
}

bool
mg_clone_server(MgRun *run, MgClone *clone, MgError *err)
{
	const char *url = mg_config_string(run->config, MG_SET_REHEARSE_URL);
	const MgTarget *server = &run->context->target;
	MgTarget *other;

	clone->name = mg_printf(run->arena, NAME_PREFIX "%s_rehearsal", run->short_id);
	clone->admin = run->pg;
	if (url != NULL)
	{
		clone->admin = NULL;
		other = mg_alloc(run->arena, sizeof *other);
		if (!mg_target_parse(run->arena, url, other, err) ||
			!mg_pg_open(run->arena, other, mg_run_application_name(run, "clone-admin"),
						&clone->admin, err))
			return false;
		server = other;
	}
	clone->target = mg_target_with_database(run->arena, server, clone->name);
	return true;
}

void
mg_clone_leave(MgRun *run, MgClone *clone)
{
	if (clone->admin != run->pg)
		mg_pg_close(clone->admin);
	clone->admin = NULL;
}

bool
mg_clone_open(MgRun *run, MgClone *clone, MgError *err)
{
	return mg_pg_open(run->arena, clone->target, mg_run_application_name(run, "clone"), &clone->pg,
					  err) &&
		   mg_permit_clone(clone->pg, run->id, err);
}

bool
mg_clone_close(MgClone *clone, MgError *err)
{
	int pid;

	if (clone->pg == NULL)
		return true;
	pid = clone->pg->backend_pid;
	mg_pg_close(clone->pg);
	clone->pg = NULL;
	/* whatever wants the database for itself would look for other sessions only ten times a second */
	return mg_server_await_end(clone->admin, pid, CLOSE_WAIT_MS, err);
}

bool
mg_clone_undo(MgRun *run, MgClone *clone, MgError *err)
{
	bool shielded = mg_signals_shield(true);
	bool ok = true;

	(void) run;
	if (clone->created)
		ok = mg_clone_close(clone, err) && mg_server_drop_database(clone->admin, clone->name, err);
	mg_failpoint("clone.dropped");
	clone->created = clone->created && !ok;
	mg_signals_shield(shielded);
	return ok;
}

/* The long way: an empty database, a dump of the schema, a restore. */
static bool
make_cold(MgRun *run, MgClone *clone, MgError *err)
{
	clone->created = true;
	return mg_server_create_scratch(clone->admin, run->pg, clone->name,
									mg_config_string(run->config, MG_SET_REHEARSE_TEMPLATE),
									mg_clone_comment(run), err) &&
		   fill(run, clone, err) && mg_clone_open(run, clone, err);
}

/* A restore goes on when it cannot create the extension; everything after it needs that. */
static bool
check_extension(MgClone *clone, MgError *err)
{
	MgServerFacts facts;

	if (!mg_server_facts(clone->pg, &facts, err))
		return false;
	if (facts.extension != NULL)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_REHEARSAL, "extension safedeploy is not in the clone");
	return mg_err_hint(err, "Only a superuser can create it: let one make a template database that has "
							"it, and set [rehearse] template.");
}

static bool drop_dead_on(MgRun *run, MgPg *server, MgError *err);

/* The tool finds its own tables as they are on the real database. */
static bool
copy_tool_rows(MgRun *run, MgClone *clone, MgError *err)
{
	for (int i = 0; i < run->bookkeeping.count; i++)
	{
		const char *table = run->bookkeeping.items[i];
		char *rows;

		if (!mg_server_read_rows(run->pg, table, &rows, err) ||
			(rows != NULL && !mg_server_write_rows(clone->pg, table, rows, err)))
			return false;
	}
	return true;
}

bool
mg_clone_create(MgRun *run, MgClone *clone, MgError *err)
{
	memset(clone, 0, sizeof *clone);
	if (!mg_clone_server(run, clone, err) ||
		(clone->admin != run->pg && !drop_dead_on(run, clone->admin, err)) ||
		!mg_shadow_start(run, clone, err))
		return false;
	if (clone->why_cold != NULL && (!make_cold(run, clone, err) || !check_extension(clone, err) ||
									!mg_shadow_keep(run, clone, err)))
		return false;
	mg_run_detail_text(run, "began_from", clone->why_cold == NULL ? "warm shadow" : "cold clone");
	if (clone->why_cold != NULL)
		mg_run_detail_text(run, "cold_because", clone->why_cold);
	if (!mg_shadow_watch(run, clone, err))
		return false;
	mg_failpoint("clone.made");
	return copy_tool_rows(run, clone, err) && compare(run, clone, err);
}

bool
mg_clone_drop(MgRun *run, MgClone *clone, MgError *err)
{
	bool shielded = mg_signals_shield(true);
	bool other = mg_config_string(run->config, MG_SET_REHEARSE_URL) != NULL;
	bool ok = true;

	/* the run's own session may have been lost, and opened anew, meanwhile */
	if (!other)
		clone->admin = run->pg;
	else if (clone->created && clone->admin == NULL)
		ok = mg_clone_server(run, clone, err);
	if (ok && clone->created && clone->admin == NULL)
		ok = mg_err_set(err, MG_EXIT_UNAVAILABLE, "the session of the run is lost");
	if (ok && clone->admin != NULL)
		ok = mg_clone_undo(run, clone, err);
	mg_pg_close(clone->pg);
	clone->pg = NULL;
	mg_clone_leave(run, clone);
	mg_signals_shield(shielded);
	return ok;
}

/* The run of this database whose scratch database that is; "" when it is not one of ours. */
static bool
owner_of(MgRun *run, const MgScratch *scratch, const char **run_id, MgError *err)
{
	static const char prefix[] = "migguard: run ";
	const size_t id_len = 36;
	MgPastRuns runs;

	*run_id = "";
	if (scratch->comment != NULL)
	{
		const char *id = scratch->comment + strlen(prefix);
		const char *database = mg_printf(run->arena, " of database %s", run->facts.database);

		if (strncmp(scratch->comment, prefix, strlen(prefix)) == 0 && strlen(id) > id_len &&
			strcmp(id + id_len, database) == 0)
			*run_id = mg_strndup(run->arena, id, id_len);
		return true;
	}
	/* killed between CREATE DATABASE and COMMENT: the name begins like a run of ours */
	if (!mg_ledger_past_runs(run->pg, run->lock_name,
							 mg_strndup(run->arena, scratch->name + strlen(NAME_PREFIX), 8),
							 run->id, &runs, err))
		return false;
	if (runs.count == 1)
		*run_id = runs.items[0].id;
	return true;
}

/*
 * Only a run of this ledger is ours to judge: a database of the same name on
 * another server may have its rehearsals here.  On another server than the run's
 * own, its sessions there count as well.
 */
static bool
is_dead(MgRun *run, MgPg *server, const char *owner, const MgStrings *living, bool *dead, MgError *err)
{
	const char *prefix = mg_printf(run->arena, "migguard:%.8s:", owner);
	MgStrings there;

	*dead = false;
	if (mg_strings_has(living, mg_printf(run->arena, "%sguard", prefix)))
		return true;
	if (server != run->pg)
	{
		if (!mg_server_living_sessions(server, prefix, &there, err))
			return false;
		if (there.count > 0)
			return true;
	}
	return mg_ledger_knows(run->pg, owner, dead, err);
}

static bool
drop_dead_on(MgRun *run, MgPg *server, MgError *err)
{
	MgScratches list;
	MgStrings living;

	if (!mg_server_scratch_databases(server, &list, err))
		return false;
	if (list.count == 0)
		return true;
	mg_strings_init(&living, run->arena);
	if (!mg_server_living_sessions(run->pg, "migguard:", &living, err))
		return false;
	for (int i = 0; i < list.count; i++)
	{
		const char *owner;
		bool dead;

		if (!owner_of(run, &list.items[i], &owner, err))
			return false;
		/* one that was a shadow until now bears in its name who is about to drop it */
		if (*owner == '\0' ||
			mg_strings_has(&living, mg_printf(run->arena, "migguard:%.8s:guard",
											  list.items[i].name + strlen(NAME_PREFIX))))
			continue;
		if (!is_dead(run, server, owner, &living, &dead, err))
			return false;
		if (dead && (!mg_server_drop_database(server, list.items[i].name, err) ||
					 !mg_run_note(run, err, "scratch database %s of dead run %.8s was dropped",
								  list.items[i].name, owner)))
			return false;
	}
	return true;
}

bool
mg_clone_drop_dead(MgRun *run, MgError *err)
{
	MgStrings orphans;

	if (!drop_dead_on(run, run->pg, err) || !mg_shadow_server_orphans(run->pg, &orphans, err))
		return false;
	for (int i = 0; i < orphans.count; i++)
		if (!mg_server_drop_database(run->pg, orphans.items[i], err) ||
			!mg_run_note(run, err, "warm shadow %s of a database that is gone was dropped",
						 orphans.items[i]))
			return false;
	return true;
}
