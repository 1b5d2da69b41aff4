/*
 * lint_json.c
 *	  Findings as JSON of our own; its keys are documented in docs/how-to/lint.md.
 */
#include <string.h>

#include "json.h"
#include "lint_output.h"

#define MG_JSON_VERSION 1

static const char *const states[] = {
	[MG_LINT_OPEN] = "open", [MG_LINT_ALLOWED] = "allowed", [MG_LINT_KNOWN] = "known"
};

/* What the server says beside: all of its columns that have no place yet. */
static void
add_server_columns(cJSON *object, const MgLintFinding *finding)
{
	for (int c = 0; finding->rows != NULL && c < finding->rows->columns; c++)
		if (cJSON_GetObjectItem(object, finding->rows->names[c]) == NULL)
			mg_json_cell(object, finding->rows, finding->row, c);
}

static void
add_number(cJSON *object, const char *key, int number)
{
	if (number > 0)
		mg_json_int(object, key, number);
	else
		cJSON_AddNullToObject(object, key);
}

static cJSON *
json_of(MgArena *arena, const MgLintFinding *finding)
{
	const MgRule *rule = mg_rule_find(finding->rule);
	const MgLintPlace *place = &finding->place;
	cJSON *object = cJSON_CreateObject();

	mg_json_text(object, "file", mg_lint_path(arena, place->file));
	mg_json_text(object, "unit", place->file->unit);
	mg_json_int(object, "line", place->line);
	mg_json_int(object, "column", place->column);
	add_number(object, "end_line", place->end_line);
	add_number(object, "end_column", place->end_column);
	mg_json_text(object, "rule", finding->rule);
	mg_json_text(object, "family", rule != NULL ? mg_rule_family(arena, rule) : NULL);
	mg_json_text(object, "severity", mg_severity_name(finding->severity));
	mg_json_bool(object, "downgrade", finding->down);
	mg_json_text(object, "object", finding->object);
	mg_json_text(object, "message", finding->message);
	mg_json_text(object, "detail", finding->detail);
	mg_json_text(object, "hint", finding->hint);
	mg_json_text(object, "state", states[finding->state]);
	mg_json_text(object, "reason", finding->reason);
	add_number(object, "reason_line", finding->reason_line);
	mg_json_text(object, "fingerprint", finding->fingerprint);
	add_server_columns(object, finding);
	return object;
}

static void
add_files(MgArena *arena, cJSON *root, const MgLint *lint)
{
	cJSON *list = cJSON_AddArrayToObject(root, "files");

	for (const MgLintFile *file = lint->files; file != NULL; file = file->next)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "file", mg_lint_path(arena, file));
		mg_json_text(item, "unit", file->unit);
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_vanished(cJSON *root, const MgLint *lint)
{
	cJSON *list = cJSON_AddArrayToObject(root, "vanished");

	for (int i = 0; i < lint->vanished_count; i++)
	{
		const MgLintVanished *v = &lint->vanished[i];
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "file", v->path);
		mg_json_text(item, "rule", v->rule);
		mg_json_text(item, "object", v->object);
		mg_json_text(item, "message", v->message);
		mg_json_int(item, "count", v->count);
		cJSON_AddItemToArray(list, item);
	}
}

void
mg_lint_write_json(const MgLintView *view, MgBuf *out)
{
	const MgLint *lint = view->lint;
	cJSON *root = cJSON_CreateObject();
	cJSON *count = cJSON_CreateObject();
	cJSON *list;

	mg_json_int(root, "version", MG_JSON_VERSION);
	mg_json_text(root, "fail_on", mg_severity_name(lint->fail_on));
	mg_json_int(root, "failures", mg_lint_failures(lint));
	for (int severity = MG_SEVERITY_ERROR; severity > MG_SEVERITY_OFF; severity--)
		mg_json_int(count, mg_severity_name((MgSeverity) severity),
					mg_lint_count(lint, (MgSeverity) severity));
	mg_json_int(count, "allowed", mg_lint_count_state(lint, MG_LINT_ALLOWED));
	mg_json_int(count, "known", mg_lint_count_state(lint, MG_LINT_KNOWN));
	cJSON_AddItemToObject(root, "count", count);
	list = cJSON_AddArrayToObject(root, "findings");
	for (int i = 0; i < lint->count; i++)
		cJSON_AddItemToArray(list, json_of(view->context->arena, &lint->findings[i]));
	add_files(view->context->arena, root, lint);
	add_vanished(root, lint);
	mg_lint_add_json(out, root);
}
