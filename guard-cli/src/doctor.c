/*
 * doctor.c
 *	  Looks at server, extension, programs and tool, without changing anything.
 */
#include "doctor.h"

#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "log.h"
#include "pg_catalog_extension.h"
#include "shadow.h"
#include "signals.h"
#include "tool.h"

#define MG_PROGRAM_TIMEOUT_MS 10000
#define MG_SERVER_MIN		  130000
#define MG_SERVER_END		  190000

extern char **environ;

static void add(MgDoctor *doctor, const char *what, MgDoctorLevel level, const char *hint,
				const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void
add(MgDoctor *doctor, const char *what, MgDoctorLevel level, const char *hint, const char *fmt, ...)
{
	MgArena *arena = doctor->context->arena;
	MgFinding *finding = mg_alloc(arena, sizeof *finding);
	va_list args;

	va_start(args, fmt);
	finding->text = mg_vprintf(arena, fmt, args);
	va_end(args);
	finding->what = what;
	finding->level = level;
	finding->hint = mg_strdup(arena, hint);
	if (doctor->last != NULL)
		doctor->last->next = finding;
	else
		doctor->first = finding;
	doctor->last = finding;
	if (level > doctor->worst)
		doctor->worst = level;
}

/* Turns an error into a finding. */
static void
add_error(MgDoctor *doctor, const char *what, MgDoctorLevel level, MgError *err)
{
	const char *detail = err->detail != NULL ? err->detail : "";

	add(doctor, what, level, err->hint, "%s%s%s", err->message, detail[0] != '\0' ? ": " : "",
		detail);
	mg_err_clear(err);
}

/* What a rehearsal on the same server takes: a scratch database, and the extension in it. */
static void
examine_role(MgDoctor *doctor, const MgRows *rows)
{
	if (strcmp(mg_config_string(doctor->context->config, MG_SET_REHEARSE_MODE), "off") != 0 &&
		mg_config_string(doctor->context->config, MG_SET_REHEARSE_URL) == NULL &&
		mg_rows_get(rows, 0, "may_create_database")[0] == 't' &&
		mg_rows_get(rows, 0, "superuser")[0] != 't' &&
		strcmp(mg_config_string(doctor->context->config, MG_SET_REHEARSE_TEMPLATE), "template0") == 0)
		add(doctor, "role", MG_DOCTOR_WARNING,
			"Let a superuser run \"migguard init --rehearsal-template NAME\", and set template in "
			"section [rehearse] to that name.",
			"%s may not create the extension in the scratch database of a rehearsal",
			mg_rows_get(rows, 0, "role"));
	else if (mg_rows_get(rows, 0, "may_create_database")[0] == 't')
		add(doctor, "role", MG_DOCTOR_OK, NULL, "%s%s", mg_rows_get(rows, 0, "role"),
			mg_rows_get(rows, 0, "superuser")[0] == 't' ? ", a superuser" : "");
	else if (mg_config_string(doctor->context->config, MG_SET_REHEARSE_URL) != NULL)
		add(doctor, "role", MG_DOCTOR_OK, NULL, "%s; rehearsals run at rehearse.url",
			mg_rows_get(rows, 0, "role"));
	else
		add(doctor, "role", MG_DOCTOR_WARNING,
			"Grant it with ALTER ROLE ... CREATEDB, or set rehearse.url to a server where it may.",
			"%s may not create the scratch database of a rehearsal", mg_rows_get(rows, 0, "role"));
}

static void
examine_preload(MgDoctor *doctor, MgPg *pg, const char *preloaded)
{
	if (strstr(preloaded, "safedeploy") != NULL)
		add(doctor, "preload", MG_DOCTOR_OK, NULL,
			"the library is loaded into every session: the server refuses a stale deploy by itself");
	else if (mg_extension_can_preload(pg))
		add(doctor, "preload", MG_DOCTOR_OK, NULL,
			"the library can be loaded into the tool's sessions: the server refuses a stale deploy "
			"by itself");
	else
		add(doctor, "preload", MG_DOCTOR_WARNING,
			"Set session_preload_libraries = 'safedeploy', or run \"make install\", which links it into "
			"$libdir/plugins.",
			"the library is not loaded into the tool's sessions; lost: a deploy that lost its lock is "
			"stopped by migguard only, not by the server");
}

/* Whether the server keeps sessions of this role from dropping things outside of a run. */
static void
examine_protect(MgDoctor *doctor, const MgRows *rows)
{
	const char *level = mg_rows_get(rows, 0, "protect");

	if (strcmp(level, "off") == 0)
		add(doctor, "protect", MG_DOCTOR_OK,
			"A superuser protects a database by ALTER DATABASE ... SET safedeploy.protect = enforce.",
			"off; not promised: that nobody drops anything outside of a run");
	else if (mg_rows_get(rows, 0, "loaded")[0] != 't')
		add(doctor, "protect", MG_DOCTOR_WARNING, "Set shared_preload_libraries = 'safedeploy'.",
			"%s, but the library is not loaded into every session; lost: a session without it drops "
			"what it likes",
			level);
	else if (strcmp(level, "enforce") != 0)
		add(doctor, "protect", MG_DOCTOR_OK, NULL,
			"%s: destructive statements without a permit are warned of and recorded (%s)", level,
			mg_rows_get(rows, 0, "protect_classes"));
	else
		add(doctor, "protect", MG_DOCTOR_OK,
			mg_rows_get(rows, 0, "loaded_late")[0] == 't' ?
				"What postgresql.conf says can be hidden by options of a connection; load the library "
				"by shared_preload_libraries, or set it for the database or the role." :
				NULL,
			"enforce: destructive statements outside of a run and without a permit are refused (%s)",
			mg_rows_get(rows, 0, "protect_classes"));
}

static void
examine_server(MgDoctor *doctor, MgPg *pg, MgError *err)
{
	MgRows rows;

	if (!mg_extension_server(pg, &rows, err))
	{
		add_error(doctor, "server", MG_DOCTOR_MISSING, err);
		return;
	}
	doctor->server_version = atoi(mg_rows_get(&rows, 0, "server_version_num"));
	if (doctor->server_version < MG_SERVER_MIN || doctor->server_version >= MG_SERVER_END)
		add(doctor, "server", MG_DOCTOR_MISSING, "migguard works with PostgreSQL 13 to 18.",
			"PostgreSQL %s", mg_rows_get(&rows, 0, "server_version"));
	else if (mg_rows_get(&rows, 0, "in_recovery")[0] == 't')
		add(doctor, "server", MG_DOCTOR_MISSING, "Connect to the primary.",
			"PostgreSQL %s is a standby", mg_rows_get(&rows, 0, "server_version"));
	else
		add(doctor, "server", MG_DOCTOR_OK, NULL, "PostgreSQL %s",
			mg_rows_get(&rows, 0, "server_version"));
	examine_role(doctor, &rows);
	examine_preload(doctor, pg, mg_rows_get(&rows, 0, "preloaded"));
	examine_protect(doctor, &rows);
}

/* An update of the extension brings functions that nobody has been granted. */
static void
examine_rights(MgDoctor *doctor, MgPg *pg, MgError *err)
{
	MgRows rows;

	if (!mg_extension_rights(pg, &rows, err))
		add_error(doctor, "rights", MG_DOCTOR_MISSING, err);
	else if (strcmp(mg_rows_get(&rows, 0, "missing"), "0") == 0)
		add(doctor, "rights", MG_DOCTOR_OK, NULL, "%s may use all that a deployer needs",
			mg_rows_get(&rows, 0, "role"));
	else
		add(doctor, "rights", MG_DOCTOR_WARNING,
			mg_printf(doctor->context->arena, "Let a superuser run in database %s: %s",
					  mg_rows_get(&rows, 0, "database"), mg_rows_get(&rows, 0, "command")),
			"%s may not use %s parts of the extension that a deployer needs, such as %s",
			mg_rows_get(&rows, 0, "role"), mg_rows_get(&rows, 0, "missing"),
			mg_rows_get(&rows, 0, "first"));
}

static void
examine_extension(MgDoctor *doctor, MgPg *pg, MgError *err)
{
	MgExtension extension;

	if (!mg_extension_read(pg, &extension, err) || !mg_extension_check(&extension, err))
	{
		add_error(doctor, "extension", MG_DOCTOR_MISSING, err);
		return;
	}
	if (extension.available != NULL && strcmp(extension.available, extension.installed) != 0)
		add(doctor, "extension", MG_DOCTOR_WARNING, "Run \"migguard init\" to update it.",
			"safedeploy %s, the server has %s", extension.installed, extension.available);
	else
		add(doctor, "extension", MG_DOCTOR_OK, NULL, "safedeploy %s, protocol %d",
			extension.installed, extension.protocol);
	examine_rights(doctor, pg, err);
}

/* The scratch database that the next rehearsal starts from, wherever rehearsals take place. */
static void
examine_shadow(MgDoctor *doctor, MgPg *pg, MgError *err)
{
	const MgConfig *config = doctor->context->config;
	MgShadow shadow;

	if (!mg_shadow_find(doctor->context, pg, &shadow, err))
		add_error(doctor, "shadow", MG_DOCTOR_WARNING, err);
	else if (doctor->drop_shadow && shadow.facts.there && !mg_shadow_drop(&shadow, err))
		add_error(doctor, "shadow", MG_DOCTOR_WARNING, err);
	else if (doctor->drop_shadow)
		add(doctor, "shadow", MG_DOCTOR_OK, NULL, "%s %s", shadow.name,
			shadow.facts.there ? "was dropped" : "is not there");
	else if (shadow.facts.there)
		add(doctor, "shadow", MG_DOCTOR_OK, NULL, "%s",
			mg_shadow_describe(doctor->context->arena, &shadow));
	else if (!mg_config_bool(config, MG_SET_REHEARSE_SHADOW) ||
			 strcmp(mg_config_string(config, MG_SET_REHEARSE_MODE), "off") == 0)
		add(doctor, "shadow", MG_DOCTOR_OK, NULL, "none is wanted");
	else
		add(doctor, "shadow", MG_DOCTOR_OK, NULL,
			"none yet; the next rehearsal starts cold and leaves one");
	mg_shadow_close(pg, &shadow);
}

/* Major version in "pg_dump (PostgreSQL) 15.20 (Debian ...)", 0 when it shows none. */
static int
major_of(const char *text)
{
	const char *p = strpbrk(text, "0123456789");

	return p != NULL ? atoi(p) : 0;
}

static void
examine_program(MgDoctor *doctor, MgSetting setting, bool needed, bool versioned, MgError *err)
{
	MgContext *context = doctor->context;
	const char *what = mg_setting_info[setting].key;
	const char *program = mg_config_string(context->config, setting);
	char *argv[] = { mg_strdup(context->arena, program != NULL ? program : what),
					 mg_strdup(context->arena, "--version"), NULL };
	MgChildSpec spec = {
		.argv = argv, .env = environ, .timeout_ms = MG_PROGRAM_TIMEOUT_MS, .stop_on_signal = true
	};
	MgChildResult result;
	MgDoctorLevel level = needed ? MG_DOCTOR_MISSING : MG_DOCTOR_WARNING;

	if (!mg_child_run(context->arena, &spec, &result, err))
		add_error(doctor, what, level, err);
	else if (!mg_child_succeeded(&result))
		add(doctor, what, level, NULL, "%s --version %s", argv[0],
			mg_child_describe(context->arena, &result));
	else
	{
		char *line = mg_strndup(context->arena, result.out, strcspn(result.out, "\n"));

		/* pg_dump refuses a server that is newer than itself. */
		if (versioned && doctor->server_version / 10000 > major_of(line))
			add(doctor, what, level,
				mg_printf(context->arena, "Set programs.%s to one of version %d or newer.", what,
						  doctor->server_version / 10000),
				"%s is older than the server", line);
		else
			add(doctor, what, MG_DOCTOR_OK, NULL, "%s", line);
	}
}

static void
examine_tool(MgDoctor *doctor, MgPg *pg, MgError *err)
{
	MgContext *context = doctor->context;
	MgTool *tool;
	MgRevisions current;

	if (!mg_tool_open(context->arena, context->config, context->tool_argv, &tool, err))
	{
		/* Without any word about a tool, none is asked for. */
		add_error(doctor, "tool",
				  context->tool_argv == NULL &&
						  mg_config_string(context->config, MG_SET_TOOL_NAME) == NULL ?
					  MG_DOCTOR_WARNING :
					  MG_DOCTOR_MISSING,
				  err);
		return;
	}
	if (pg == NULL)
		add(doctor, "tool", MG_DOCTOR_OK, NULL, "%s", tool->ops->name);
	else if (!tool->ops->current(tool, pg, &current, err) ||
			 !tool->ops->check(tool, pg, &current, err))
		add_error(doctor, "tool", MG_DOCTOR_MISSING, err);
	else
		add(doctor, "tool", MG_DOCTOR_OK, NULL, "%s, revision %s", tool->ops->name,
			mg_revisions_text(context->arena, &current));
}

void
mg_doctor_examine(MgDoctor *doctor, MgError *err)
{
	MgContext *context = doctor->context;
	const MgConfig *config = context->config;
	bool dumps = strcmp(mg_config_string(config, MG_SET_BACKUP_POLICY), "none") != 0 ||
				 strcmp(mg_config_string(config, MG_SET_REHEARSE_MODE), "off") != 0;
	MgPg *pg = NULL;

	if (mg_pg_open(context->arena, &context->target, "migguard:doctor", &pg, err))
	{
		add(doctor, "connection", MG_DOCTOR_OK, NULL, "%s",
			mg_target_display(context->arena, &context->target));
		examine_server(doctor, pg, err);
		examine_extension(doctor, pg, err);
		examine_shadow(doctor, pg, err);
	}
	else
	{
		doctor->unreachable = true;
		add_error(doctor, "connection", MG_DOCTOR_MISSING, err);
	}
	examine_program(doctor, MG_SET_PROGRAM_PG_DUMP, dumps, true, err);
	examine_program(doctor, MG_SET_PROGRAM_PG_RESTORE, dumps, true, err);
	examine_program(doctor, MG_SET_PROGRAM_PSQL, false, false, err);
	examine_program(doctor, MG_SET_PROGRAM_GIT, false, false, err);
	examine_tool(doctor, pg, err);
	mg_pg_close(pg);
	if (mg_signals_pending() != 0)
		mg_err_set(err, MG_EXIT_INTERRUPTED, "interrupted by signal %d", mg_signals_pending());
}
