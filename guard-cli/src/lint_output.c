/*
 * lint_output.c
 *	  Which formats are written where to, and what they share.
 */
#include "lint_output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

const MgLintWriter mg_lint_writers[] = {
	{ "text", mg_lint_write_text },
	{ "json", mg_lint_write_json },
	{ "sarif", mg_lint_write_sarif },
	{ "github", mg_lint_write_github },
	{ "gitlab", mg_lint_write_gitlab },
	{ "junit", mg_lint_write_junit },
	{ NULL, NULL },
};

static const MgLintWriter *
find_writer(const char *name)
{
	for (const MgLintWriter *writer = mg_lint_writers; writer->name != NULL; writer++)
		if (strcmp(writer->name, name) == 0)
			return writer;
	return NULL;
}

static bool
unknown_format(MgArena *arena, const char *name, MgError *err)
{
	MgBuf list;

	mg_buf_init(&list, arena);
	for (const MgLintWriter *writer = mg_lint_writers; writer->name != NULL; writer++)
		mg_buf_addf(&list, "%s%s", list.len > 0 ? ", " : "", writer->name);
	mg_err_set(err, MG_EXIT_USAGE, "invalid value for --format: \"%s\"", name);
	return mg_err_hint(err, "Use one of: %s.", list.data);
}

static void
add_output(MgLintOutputs *outputs, const MgLintWriter *writer, const char *path)
{
	outputs->items[outputs->count].writer = writer;
	outputs->items[outputs->count++].path = path;
}

bool
mg_lint_outputs(const MgContext *context, MgLintOutputs *outputs, MgError *err)
{
	const MgLintWriter *writer = NULL; /* the format that waits for a file */
	int count = 0;
	bool to_stdout = false;
	bool quiet = false;

	for (const MgGiven *g = context->given; g->option != NULL; g++)
		count++;
	outputs->items = mg_alloc(context->arena, (size_t) (count + 2) * sizeof(MgLintOutput));
	outputs->count = 0;
	for (const MgGiven *g = context->given;; g++)
	{
		bool is_format = g->option == NULL || strcmp(g->option->long_name, "format") == 0;

		if (is_format && writer != NULL)
		{
			if (to_stdout)
			{
				mg_err_set(err, MG_EXIT_USAGE, "two formats are to go to standard output");
				return mg_err_hint(err, "Write --output FILE behind the --format that it is for.");
			}
			add_output(outputs, writer, NULL);
			if (writer->write == mg_lint_write_json)
				mg_log_json();
			to_stdout = true;
			writer = NULL;
		}
		if (g->option == NULL)
			break;
		if (is_format)
		{
			writer = find_writer(g->value);
			if (writer == NULL)
				return unknown_format(context->arena, g->value, err);
		}
		else if (strcmp(g->option->long_name, "quiet") == 0)
			quiet = true;
		else if (strcmp(g->option->long_name, "output") == 0)
		{
			add_output(outputs, writer != NULL ? writer : &mg_lint_writers[0], g->value);
			writer = NULL;
		}
	}
	if (!to_stdout && (outputs->count == 0 || !quiet))
		add_output(outputs, &mg_lint_writers[0], NULL);
	return true;
}

bool
mg_lint_write(const MgContext *context, const MgLint *lint, bool all, const MgLintOutputs *outputs,
			  MgError *err)
{
	for (int i = 0; i < outputs->count; i++)
	{
		const MgLintOutput *output = &outputs->items[i];
		MgLintView view = { context, lint, context->color && output->path == NULL, all };
		const char *text;
		MgBuf buf;

		mg_buf_init(&buf, context->arena);
		output->writer->write(&view, &buf);
		text = mg_log_redact(context->arena, buf.data);
		if (output->path == NULL)
			fputs(text, stdout);
		else if (!mg_file_write(output->path, text, err))
			return false;
	}
	return true;
}

int
mg_lint_count(const MgLint *lint, MgSeverity severity)
{
	int n = 0;

	for (int i = 0; i < lint->count; i++)
		n += lint->findings[i].state == MG_LINT_OPEN && lint->findings[i].severity == severity;
	return n;
}

int
mg_lint_count_state(const MgLint *lint, MgLintState state)
{
	int n = 0;

	for (int i = 0; i < lint->count; i++)
		n += lint->findings[i].state == state;
	return n;
}

const char *
mg_lint_cost(MgArena *arena, const MgLintFinding *finding)
{
	static const char *const truths[][2] = { { "rewrites", ", rewrites the table" },
											 { "scans", ", scans the table" } };
	const MgRows *rows = finding->rows;
	const char *value;
	MgBuf buf;

	if (rows == NULL)
		return NULL;
	mg_buf_init(&buf, arena);
	value = mg_rows_get(rows, finding->row, "lock_mode");
	if (value != NULL)
		mg_buf_addf(&buf, ", takes %s", value);
	for (int i = 0; i < 2; i++)
	{
		value = mg_rows_get(rows, finding->row, truths[i][0]);
		if (value != NULL && value[0] == 't')
			mg_buf_add(&buf, truths[i][1]);
	}
	value = mg_rows_get(rows, finding->row, "rows");
	if (value != NULL)
		mg_buf_addf(&buf, ", about %s rows", value);
	value = mg_rows_get(rows, finding->row, "data_loss");
	if (value != NULL && strcmp(value, "none") != 0)
		mg_buf_addf(&buf, ", data loss %s", value);
	return buf.len > 0 ? buf.data + 2 : NULL;
}

const char *
mg_lint_facts(MgArena *arena, const MgLintFinding *finding)
{
	const char *context =
		finding->rows == NULL ? NULL : mg_rows_get(finding->rows, finding->row, "context");
	cJSON *json = context == NULL ? NULL : cJSON_Parse(context);
	const char *summary = cJSON_GetStringValue(cJSON_GetObjectItem(json, "summary"));
	const char *relation = cJSON_GetStringValue(cJSON_GetObjectItem(json, "relation"));
	const char *facts = NULL;

	if (summary != NULL && summary[0] != '\0')
		facts = mg_log_redact(arena,
							  mg_printf(arena, "%s: %s", relation != NULL ? relation : "", summary));
	cJSON_Delete(json);
	return facts;
}

const char *
mg_lint_full_text(MgArena *arena, const MgLintFinding *finding)
{
	const char *cost = mg_lint_cost(arena, finding);
	const char *facts = mg_lint_facts(arena, finding);
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, finding->message);
	if (cost != NULL)
		mg_buf_addf(&buf, "\nCost: %s", cost);
	if (facts != NULL)
		mg_buf_addf(&buf, "\nFacts: %s", facts);
	if (finding->detail != NULL)
		mg_buf_addf(&buf, "\n%s", finding->detail);
	if (finding->hint != NULL)
		mg_buf_addf(&buf, "\nHint: %s", finding->hint);
	return buf.data;
}

const char *
mg_lint_path(MgArena *arena, const MgLintFile *file)
{
	const char *here = mg_file_absolute(arena, NULL, ".");
	size_t len = strlen(here);

	/* "/where/it/is/." */
	if (len >= 2 && strcmp(here + len - 2, "/.") == 0)
		len -= 1;
	if (file->path[0] == '/' && strncmp(file->path, here, len) == 0)
		return file->path + len;
	return file->path;
}

void
mg_lint_add_json(MgBuf *out, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	mg_buf_addf(out, "%s\n", text);
	cJSON_free(text);
	cJSON_Delete(json);
}
