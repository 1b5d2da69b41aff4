/*
 * cmd_lint.c
 *	  migguard lint: what is dangerous in SQL files, by the server's own parser.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "json.h"
#include "pg_catalog_report.h"
#include "report.h"
#include "session.h"

extern const MgCommand mg_cmd_lint;

static const MgOption options[] = {
	{ '\0', "fail-on", "SEVERITY", MG_SET_RUN_FAIL_ON, NULL,
	  "end with 13 from this severity on: error, warning, notice or never" },
	{ '\0', "no-transaction", NULL, MG_SETTING_COUNT, "on",
	  "the files are run statement by statement, not in one transaction" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static const char *const severities[] = { "info", "notice", "warning", "error" };
static const char *const plurals[] = { "info", "notices", "warnings", "errors" };
#define SEVERITIES 4

static int
severity_rank(const char *severity)
{
	for (int i = 0; i < SEVERITIES; i++)
		if (severity != NULL && strcmp(severity, severities[i]) == 0)
			return i;
	return SEVERITIES; /* "never" */
}

/*
 * Column, in characters from 1, of a position that the server counts from 1:
 * in characters, or in bytes where it knows no characters.
 */
static int
column_of(const char *text, long position, bool in_bytes)
{
	int column = 1;

	for (; position > 1 && *text != '\0'; text++)
	{
		bool last = ((unsigned char) text[1] & 0xC0) != 0x80;

		if (last)
			column = *text == '\n' ? 1 : column + 1;
		if (last || in_bytes)
			position--;
	}
	return column;
}

static void
print_extra(const MgContext *context, const char *label, const char *text)
{
	if (text != NULL && text[0] != '\0')
		printf("    %s: %s\n", label, mg_report_clean(context->arena, text));
}

static void
print_cost(const MgContext *context, const MgRows *rows, int r)
{
	const char *lock = mg_rows_get(rows, r, "lock_mode");
	const char *rewrites = mg_rows_get(rows, r, "rewrites");
	const char *scans = mg_rows_get(rows, r, "scans");
	const char *loss = mg_rows_get(rows, r, "data_loss");
	const char *tuples = mg_rows_get(rows, r, "rows");
	MgBuf buf;

	mg_buf_init(&buf, context->arena);
	if (lock != NULL)
		mg_buf_addf(&buf, ", takes %s lock", lock);
	if (rewrites != NULL && rewrites[0] == 't')
		mg_buf_add(&buf, ", rewrites the table");
	if (scans != NULL && scans[0] == 't')
		mg_buf_add(&buf, ", scans the table");
	if (tuples != NULL)
		mg_buf_addf(&buf, ", about %s rows", tuples);
	if (loss != NULL && strcmp(loss, "none") != 0)
		mg_buf_addf(&buf, ", data loss %s", loss);
	if (buf.len > 0)
		print_extra(context, "cost", buf.data + 2);
}

static void
print_finding(const MgContext *context, const char *file, int column, const MgRows *rows, int r)
{
	static const MgColor colors[] = { MG_COLOR_DIM, MG_COLOR_NONE, MG_COLOR_YELLOW, MG_COLOR_RED };
	const char *severity = mg_rows_get(rows, r, "severity");
	const char *line = mg_rows_get(rows, r, "line");
	const char *message = mg_rows_get(rows, r, "message");
	int rank = severity_rank(severity);

	printf("%s:%s:%d: %s: %s [%s]\n", mg_report_clean(context->arena, file),
		   line != NULL ? line : "1", column,
		   mg_report_color(context, rank < SEVERITIES ? colors[rank] : MG_COLOR_NONE, severity),
		   mg_report_clean(context->arena, message), mg_rows_get(rows, r, "rule"));
	print_cost(context, rows, r);
	print_extra(context, "detail", mg_rows_get(rows, r, "detail"));
	print_extra(context, "hint", mg_rows_get(rows, r, "hint"));
}

typedef struct Tally
{
	int count[SEVERITIES + 1];
	int worst; /* rank, -1: no finding */
	cJSON *findings;
} Tally;

static bool
lint_file(MgContext *context, MgPg *pg, const char *path, Tally *tally, MgError *err)
{
	bool in_transaction = mg_cli_flag(context, &mg_cmd_lint, "no-transaction") == NULL;
	const char *file = strcmp(path, "-") == 0 ? "<stdin>" : path;
	char *text;
	MgRows rows;

	if (!mg_input_text(context->arena, path, &text, err) ||
		!mg_report_analyze(pg, text, in_transaction, &rows, err))
		return false;
	for (int r = 0; r < rows.count; r++)
	{
		const char *position = mg_rows_get(&rows, r, "position");
		int column = column_of(text, position != NULL ? atol(position) : 1, mg_pg_counts_bytes(pg));
		int rank = severity_rank(mg_rows_get(&rows, r, "severity"));

		tally->count[rank]++;
		if (rank < SEVERITIES && rank > tally->worst)
			tally->worst = rank;
		if (context->format == MG_FORMAT_JSON)
		{
			cJSON *finding = mg_json_row(&rows, r);

			mg_json_text(finding, "file", file);
			mg_json_int(finding, "column", column);
			cJSON_AddItemToArray(tally->findings, finding);
		}
		else
			print_finding(context, file, column, &rows, r);
	}
	return true;
}

static void
print_summary(const MgContext *context, const Tally *tally)
{
	if (context->format == MG_FORMAT_JSON)
	{
		cJSON *root = cJSON_CreateObject();
		cJSON *count = cJSON_AddObjectToObject(root, "count");

		for (int i = SEVERITIES - 1; i >= 0; i--)
			mg_json_int(count, severities[i], tally->count[i]);
		cJSON_AddItemToObject(root, "findings", tally->findings);
		mg_json_print(stdout, root);
	}
	else if (tally->worst < 0)
		puts("no findings");
	else
	{
		bool first = true;

		for (int i = SEVERITIES - 1; i >= 0; i--)
			if (tally->count[i] > 0)
			{
				printf("%s%d %s", first ? "" : ", ", tally->count[i],
					   tally->count[i] == 1 ? severities[i] : plurals[i]);
				first = false;
			}
		puts("");
	}
}

static bool
run_lint(MgContext *context, int *exit_code, MgError *err)
{
	int threshold = severity_rank(mg_config_string(context->config, MG_SET_RUN_FAIL_ON));
	Tally tally = { .worst = -1 };
	MgPg *pg = NULL;
	bool ok = true;

	if (context->nargs == 0)
	{
		mg_err_set(err, MG_EXIT_USAGE, "no file given");
		return mg_err_hint(err, "Name SQL files, or - for standard input.");
	}
	if (!mg_session_open(context, "lint", &pg, err))
		return false;
	tally.findings = cJSON_CreateArray();
	for (int i = 0; i < context->nargs && ok; i++)
		ok = lint_file(context, pg, context->args[i], &tally, err);
	mg_pg_close(pg);
	if (!ok)
	{
		cJSON_Delete(tally.findings);
		return false;
	}
	print_summary(context, &tally);
	if (context->format != MG_FORMAT_JSON)
		cJSON_Delete(tally.findings);
	if (tally.worst >= threshold)
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
		"One line a finding, as file:line:column: severity: message [rule]. Statements that do not "
		"parse are findings too.",
	.needs_database = true,
	.options = options,
	.run = run_lint,
};
