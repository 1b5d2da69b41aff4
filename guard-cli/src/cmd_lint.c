/*
 * cmd_lint.c
 *	  migguard lint: what is dangerous in migrations, by the server's own parser.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "lint_look.h"
#include "lint_output.h"
#include "log.h"
#include "session.h"

extern const MgCommand mg_cmd_lint;

static const MgOption options[] = {
	{ '\0', "format", "FORMAT", MG_SETTING_COUNT, NULL,
	  "text, json, sarif, github, gitlab or junit (default: text); may be repeated" },
	{ '\0', "output", "FILE", MG_SETTING_COUNT, NULL,
	  "write the format before it to FILE; what has no FILE goes to standard output" },
	{ '\0', "fail-on", "SEVERITY", MG_SET_RUN_FAIL_ON, NULL,
	  "end with 13 from this severity on: error, warning, notice, info or never" },
	{ '\0', "min-severity", "SEVERITY", MG_SET_LINT_MIN_SEVERITY, NULL,
	  "leave out, and do not count, what is below this severity" },
	{ '\0', "all", NULL, MG_SETTING_COUNT, "on", "print also what is allowed or known" },
	{ '\0', "baseline", "FILE", MG_SET_LINT_BASELINE, NULL,
	  "file of findings that are known and do not count" },
	{ '\0', "write-baseline", NULL, MG_SETTING_COUNT, "on",
	  "write what is found to the baseline's file, and end with 0" },
	{ '\0', "no-transaction", NULL, MG_SETTING_COUNT, "on",
	  "plain files are run statement by statement, not in one transaction" },
	{ '\0', "changed-since", "REF", MG_SETTING_COUNT, NULL,
	  "only what has changed since HEAD parted from REF, as it is now" },
	{ '\0', "git-range", "A..B", MG_SETTING_COUNT, NULL,
	  "only what has changed in B since it parted from A, as it is in B" },
	{ '\0', "probe", NULL, MG_SET_LINT_PROBE, "on",
	  "ask the rows of the database whether they let the statements through" },
	{ '\0', "schema", "FILE", MG_SET_LINT_SCHEMA, NULL,
	  "look at them on a server of lint's own that begins with this dump of a schema" },
	{ '\0', "from-migrations", NULL, MG_SET_LINT_FROM_MIGRATIONS, "on",
	  "run the migrations before those that are looked at on a server of lint's own" },
	{ '\0', "server-bindir", "DIR", MG_SET_LINT_SERVER_BINDIR, NULL,
	  "where initdb and postgres for lint's own server are (default: looked for)" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static bool
flag(const MgContext *context, const char *name)
{
	return mg_cli_flag(context, &mg_cmd_lint, name) != NULL;
}

/* The sources that the command line means. */
static bool
collect(MgContext *context, MgLintSources *sources, MgError *err)
{
	const char *since = mg_cli_flag(context, &mg_cmd_lint, "changed-since");
	const char *range = mg_cli_flag(context, &mg_cmd_lint, "git-range");

	if (since != NULL && range != NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "--changed-since and --git-range exclude each other");
		return mg_err_hint(err, "The first reads the work tree, the second the end of the range.");
	}
	if (since != NULL || range != NULL)
		return mg_lint_git(sources, since, range, context->args, context->nargs, err);
	if (context->nargs == 0)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no file given");
		return mg_err_hint(err, "Name files, directories or globs, - for standard input, or a range "
								"by --changed-since or --git-range.");
	}
	for (int i = 0; i < context->nargs; i++)
		if (!mg_lint_source_operand(sources, context->args[i], i, err))
			return false;
	return true;
}

static bool
is_from_flag(const MgContext *context, MgSetting setting)
{
	return strncmp(mg_config_source(context->config, setting), "flag ", 5) == 0;
}

/*
 * Whether lint starts a server: when no database is named, and when there is a schema
 * to begin with.  Nothing is ever run on a database that was there before.
 */
static bool
choose_server(const MgContext *context, bool *own, MgError *err)
{
	static const char *const variables[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE",
											 "PGSERVICE" };
	bool schema = mg_config_string(context->config, MG_SET_LINT_SCHEMA) != NULL ||
				  mg_config_bool(context->config, MG_SET_LINT_FROM_MIGRATIONS);

	*own = mg_config_string(context->config, MG_SET_DATABASE_URL) == NULL;
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (getenv(variables[i]) != NULL)
			*own = false;
	if (is_from_flag(context, MG_SET_DATABASE_URL))
	{
		*own = false;
		if (is_from_flag(context, MG_SET_LINT_SCHEMA) ||
			is_from_flag(context, MG_SET_LINT_FROM_MIGRATIONS))
		{
			mg_err_set(err, MG_EXIT_USAGE,
					   "--schema and --from-migrations are not for a database that is there");
			return mg_err_hint(err, "Nothing is run on it: files are looked at as it is now. Leave "
									"--database-url out, and lint starts a server of its own.");
		}
	}
	else if (schema)
		*own = true;
	return true;
}

/* The schema goes in before the extension, which the dump may have. */
static bool
fill_server(MgContext *context, MgLintServer *server, MgError *err)
{
	const char *schema = mg_config_string(context->config, MG_SET_LINT_SCHEMA);
	MgLintApplied applied;
	char *text;

	if (schema != NULL)
	{
		if (!mg_input_text(context->arena, schema, &text, err) ||
			!mg_lint_server_run(server, text, true, &applied, err))
			return false;
		if (!applied.ok)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "the schema cannot be loaded: %s", applied.message);
			mg_err_where(err, schema, applied.line);
			return mg_err_hint(err, "It is what \"pg_dump --schema-only\" prints.");
		}
	}
	return mg_lint_server_extension(server, err);
}

static bool
start_server(MgContext *context, MgLintServer **server, MgError *err)
{
	if (!mg_lint_server_start(context->arena, context->config, server, err) ||
		!fill_server(context, *server, err))
		return false;
	context->target = *mg_lint_server_target(*server);
	/* tools that print their SQL may want to know where the database is */
	return mg_config_set(context->config, MG_SET_DATABASE_URL,
						 mg_target_url(context->arena, &context->target, NULL, false),
						 "lint's own server", err);
}

static bool
look_at(MgContext *context, MgLintSources *sources, bool own, MgError *err)
{
	MgLintServer *server = NULL;
	MgPg *pg = NULL;
	bool ok;

	if (own)
		ok = start_server(context, &server, err);
	else
		ok = mg_target_parse(context->arena, mg_config_string(context->config, MG_SET_DATABASE_URL),
							 &context->target, err);
	ok = ok && mg_session_open(context, "lint", &pg, err);
	sources->target = &context->target;
	ok = ok && mg_lint_look(sources, pg, server, err);
	mg_pg_close(pg);
	mg_lint_server_stop(server);
	return ok;
}

static bool
lint_files(MgContext *context, MgLint *lint, MgError *err)
{
	MgLintSources sources = { .arena = context->arena,
							  .config = context->config,
							  .lint = lint,
							  .no_transaction = flag(context, "no-transaction") };
	bool own;

	if (!choose_server(context, &own, err) || !collect(context, &sources, err))
		return false;
	/* a server of lint's own has no rows to ask */
	lint->probe = !own && mg_config_bool(context->config, MG_SET_LINT_PROBE);
	if (sources.count == 0)
	{
		mg_log_info("no migration was added or changed");
		return true;
	}
	if (own && mg_config_bool(context->config, MG_SET_LINT_FROM_MIGRATIONS) &&
		!mg_lint_source_earlier(&sources, err))
		return false;
	mg_lint_source_sort(&sources);
	return look_at(context, &sources, own, err);
}

/* Which file is read as the baseline; one that is written for the first time is not there yet. */
static bool
choose_baseline(const MgContext *context, const char **read, MgError *err)
{
	*read = mg_config_string(context->config, MG_SET_LINT_BASELINE);
	if (!flag(context, "write-baseline"))
		return true;
	if (*read == NULL)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no file is named that --write-baseline is to write");
		return mg_err_hint(err, "Name it with --baseline FILE or by [lint] baseline.");
	}
	*read = NULL;
	return true;
}

static bool
run_lint(MgContext *context, int *exit_code, MgError *err)
{
	MgLint *lint = mg_lint_new(context->arena, context->config);
	MgLintOutputs outputs;
	const char *baseline;

	if (!mg_lint_outputs(context, &outputs, err) || !choose_baseline(context, &baseline, err))
		return false;
	if (!lint_files(context, lint, err) || !mg_lint_finish(lint, baseline, err))
		return false;
	if (flag(context, "write-baseline") &&
		!mg_lint_write_baseline(lint, mg_config_string(context->config, MG_SET_LINT_BASELINE), err))
		return false;
	if (!mg_lint_write(context, lint, flag(context, "all"), &outputs, err))
		return false;
	if (!flag(context, "write-baseline") && mg_lint_failures(lint) > 0)
		*exit_code = MG_EXIT_REFUSED_FINDINGS;
	return true;
}

const MgCommand mg_cmd_lint = {
	.name = "lint",
	.operands = "[FILE|DIRECTORY|GLOB]...",
	.summary = "show what is dangerous in migrations",
	.description =
		"Sends each file to safedeploy.analyze() of the database, which parses it with the server's "
		"own parser and looks objects up in the catalog; nothing is run there. When no database is "
		"named, or a schema to begin with, lint starts a private server of the installed PostgreSQL, "
		"runs each migration there after it was looked at, and removes the server. "
		"Directories are read with all below them, in the order in which the migrations run; files of "
		"Alembic, Flyway, goose, dbmate, Sqitch and golang-migrate are known by their names and "
		"texts. \"-\" reads standard input. One line a finding, as file:line:column: severity: message [rule], and the source line. "
		"Statements that do not parse are findings too.\n\n"
		"\"-- safedeploy: allow RULE[, RULE]: reason\" on the line before a statement or behind it "
		"allows it what these rules find; \"allow-file\" allows it the whole file. Severities of "
		"rules are set in section [rules]. Several reports are written at once by --format and "
		"--output in pairs: --format sarif --output lint.sarif --format junit --output lint.xml; "
		"when every format has a file, text goes to standard output, unless --quiet.",
	.options = options,
	.run = run_lint,
};
