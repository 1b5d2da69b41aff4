/*
 * cmd_lint.c
 *	  migguard lint: what is dangerous in SQL files, by the server's own parser.
 */
#include <string.h>

#include "input.h"
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
	  "the files are run statement by statement, not in one transaction" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static bool
flag(const MgContext *context, const char *name)
{
	return mg_cli_flag(context, &mg_cmd_lint, name) != NULL;
}

static bool
lint_file(MgContext *context, MgLint *lint, MgPg *pg, const char *path, MgError *err)
{
	MgLintSpan span = { 0 };
	MgLintScript script = { .spans = &span,
							.span_count = 1,
							.in_transaction = !flag(context, "no-transaction") };
	char *text;

	if (!mg_input_text(context->arena, path, &text, err))
		return false;
	span.file = mg_lint_add_file(lint, strcmp(path, "-") == 0 ? "<stdin>" : path, NULL, text);
	script.text = text;
	return mg_lint_script(lint, pg, &script, err);
}

static bool
lint_files(MgContext *context, MgLint *lint, MgError *err)
{
	MgPg *pg = NULL;
	bool ok = true;

	if (!mg_session_open(context, "lint", &pg, err))
		return false;
	for (int i = 0; i < context->nargs && ok; i++)
		ok = lint_file(context, lint, pg, context->args[i], err);
	mg_pg_close(pg);
	return ok;
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
	if (context->nargs == 0)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no file given");
		return mg_err_hint(err, "Name SQL files, or - for standard input.");
	}
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
	.operands = "FILE...",
	.summary = "show what is dangerous in SQL files",
	.description =
		"Sends each file to safedeploy.analyze() of the database, which parses it with the server's "
		"own parser and looks objects up in the catalog; nothing is run. \"-\" reads standard input. "
		"One line a finding, as file:line:column: severity: message [rule], and the source line. "
		"Statements that do not parse are findings too.\n\n"
		"\"-- safedeploy: allow RULE[, RULE]: reason\" on the line before a statement or behind it "
		"allows it what these rules find; \"allow-file\" allows it the whole file. Severities of "
		"rules are set in section [rules]. Several reports are written at once by --format and "
		"--output in pairs: --format sarif --output lint.sarif --format junit --output lint.xml; "
		"when every format has a file, text goes to standard output, unless --quiet.",
	.needs_database = true,
	.options = options,
	.run = run_lint,
};
