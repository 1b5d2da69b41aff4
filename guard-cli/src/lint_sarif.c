/*
 * lint_sarif.c
 *	  Findings as SARIF 2.1.0, the format of code scanning.
 */
#include <string.h>

#include "json.h"
#include "lint_output.h"
#include "text.h"

#define MG_SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* SARIF has three levels; "info" and "notice" share one. */
static const char *
level_of(MgSeverity severity)
{
	return severity >= MG_SEVERITY_ERROR   ? "error" :
		   severity == MG_SEVERITY_WARNING ? "warning" :
											 "note";
}

static void
add_message(cJSON *object, const char *key, const char *text)
{
	mg_json_text(cJSON_AddObjectToObject(object, key), "text", text);
}

/* A path as a relative or a file URI: segments percent-encoded. */
static char *
uri_of(MgArena *arena, const char *path)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_buf_add(&buf, path[0] == '/' ? "file://" : "");
	while (*path != '\0')
	{
		size_t len = strcspn(path, "/");

		mg_buf_add(&buf, mg_text_percent(arena, mg_strndup(arena, path, len)));
		path += len;
		if (*path == '/')
		{
			mg_buf_add(&buf, "/");
			path++;
		}
	}
	return buf.data;
}

static void
add_rules(MgArena *arena, cJSON *driver)
{
	cJSON *rules = cJSON_AddArrayToObject(driver, "rules");

	for (const MgRule *rule = mg_rules; rule->name != NULL; rule++)
	{
		cJSON *item = cJSON_CreateObject();
		cJSON *configuration;
		cJSON *properties;

		mg_json_text(item, "id", rule->name);
		add_message(item, "shortDescription", rule->summary);
		add_message(item, "help", mg_rule_hint(arena, rule));
		configuration = cJSON_AddObjectToObject(item, "defaultConfiguration");
		mg_json_bool(configuration, "enabled", rule->severity != MG_SEVERITY_OFF);
		mg_json_text(configuration, "level", level_of(rule->severity));
		properties = cJSON_AddObjectToObject(item, "properties");
		mg_json_add_text(cJSON_AddArrayToObject(properties, "tags"), mg_rule_family(arena, rule));
		cJSON_AddItemToArray(rules, item);
	}
}

static void
add_region(cJSON *physical, const MgLintPlace *place)
{
	cJSON *region = cJSON_AddObjectToObject(physical, "region");

	mg_json_int(region, "startLine", place->line);
	mg_json_int(region, "startColumn", place->column);
	if (place->end_line > 0)
	{
		mg_json_int(region, "endLine", place->end_line);
		mg_json_int(region, "endColumn", place->end_column);
	}
}

static void
add_location(MgArena *arena, cJSON *result, const MgLintFinding *finding)
{
	cJSON *location = cJSON_CreateObject();
	cJSON *physical = cJSON_AddObjectToObject(location, "physicalLocation");
	cJSON *artifact = cJSON_AddObjectToObject(physical, "artifactLocation");

	mg_json_text(artifact, "uri", uri_of(arena, mg_lint_path(arena, finding->place.file)));
	add_region(physical, &finding->place);
	if (finding->object != NULL)
	{
		cJSON *logical = cJSON_CreateObject();

		mg_json_text(logical, "fullyQualifiedName", finding->object);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(location, "logicalLocations"), logical);
	}
	cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "locations"), location);
}

static void
add_suppression(cJSON *result, const MgLintFinding *finding)
{
	cJSON *suppression = cJSON_CreateObject();
	bool in_source = finding->state == MG_LINT_ALLOWED;

	mg_json_text(suppression, "kind", in_source ? "inSource" : "external");
	mg_json_text(suppression, "status", "accepted");
	mg_json_text(suppression, "justification", in_source ? finding->reason : "known by the baseline");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "suppressions"), suppression);
}

static cJSON *
result_of(MgArena *arena, const MgLintFinding *finding)
{
	const MgRule *rule = mg_rule_find(finding->rule);
	cJSON *result = cJSON_CreateObject();
	cJSON *properties;
	const char *probe;

	mg_json_text(result, "ruleId", finding->rule);
	if (rule != NULL)
		mg_json_int(result, "ruleIndex", rule - mg_rules);
	mg_json_text(result, "level", level_of(finding->severity));
	add_message(result, "message", mg_lint_full_text(arena, finding));
	add_location(arena, result, finding);
	mg_json_text(cJSON_AddObjectToObject(result, "partialFingerprints"), "migguard/v1",
				 finding->fingerprint);
	if (finding->state != MG_LINT_OPEN)
		add_suppression(result, finding);
	properties = cJSON_AddObjectToObject(result, "properties");
	mg_json_text(properties, "severity", mg_severity_name(finding->severity));
	if (finding->rows != NULL && mg_rows_get(finding->rows, finding->row, "context") != NULL)
		mg_json_raw(properties, "context", mg_rows_get(finding->rows, finding->row, "context"));
	probe = finding->rows == NULL ? NULL : mg_rows_get(finding->rows, finding->row, "probe");
	if (probe != NULL)
		mg_json_raw(properties, "probe", probe);
	return result;
}

void
mg_lint_write_sarif(const MgLintView *view, MgBuf *out)
{
	MgArena *arena = view->context->arena;
	cJSON *root = cJSON_CreateObject();
	cJSON *run = cJSON_CreateObject();
	cJSON *invocation = cJSON_CreateObject();
	cJSON *driver;
	cJSON *results;

	mg_json_text(root, "$schema", MG_SARIF_SCHEMA);
	mg_json_text(root, "version", "2.1.0");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "runs"), run);
	driver = cJSON_AddObjectToObject(cJSON_AddObjectToObject(run, "tool"), "driver");
	mg_json_text(driver, "name", "migguard");
	mg_json_text(driver, "version", SAFEDEPLOY_VERSION);
	add_rules(arena, driver);
	mg_json_text(run, "columnKind", "unicodeCodePoints");
	mg_json_bool(invocation, "executionSuccessful", true);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(run, "invocations"), invocation);
	results = cJSON_AddArrayToObject(run, "results");
	for (int i = 0; i < view->lint->count; i++)
		cJSON_AddItemToArray(results, result_of(arena, &view->lint->findings[i]));
	mg_lint_add_json(out, root);
}
