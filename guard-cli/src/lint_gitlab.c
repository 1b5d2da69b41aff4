/*
 * lint_gitlab.c
 *	  Open findings as a code quality report of GitLab.
 */
#include "json.h"
#include "lint_output.h"

static const char *const severities[] = {
	[MG_SEVERITY_INFO] = "info", [MG_SEVERITY_NOTICE] = "minor", [MG_SEVERITY_WARNING] = "major", [MG_SEVERITY_ERROR] = "critical"
};

static cJSON *
issue_of(MgArena *arena, const MgLintFinding *finding)
{
	const MgLintPlace *place = &finding->place;
	cJSON *issue = cJSON_CreateObject();
	cJSON *location;
	cJSON *lines;

	mg_json_text(issue, "description", mg_printf(arena, "%s (%s)", finding->message, finding->rule));
	mg_json_text(issue, "check_name", finding->rule);
	mg_json_text(issue, "fingerprint", finding->fingerprint);
	mg_json_text(issue, "severity", severities[finding->severity]);
	location = cJSON_AddObjectToObject(issue, "location");
	mg_json_text(location, "path", mg_lint_path(arena, place->file));
	lines = cJSON_AddObjectToObject(location, "lines");
	mg_json_int(lines, "begin", place->line);
	if (place->end_line > 0)
		mg_json_int(lines, "end", place->end_line);
	return issue;
}

void
mg_lint_write_gitlab(const MgLintView *view, MgBuf *out)
{
	cJSON *issues = cJSON_CreateArray();

	for (int i = 0; i < view->lint->count; i++)
		if (view->lint->findings[i].state == MG_LINT_OPEN)
			cJSON_AddItemToArray(issues, issue_of(view->context->arena, &view->lint->findings[i]));
	mg_lint_add_json(out, issues);
}
