/*
 * cmd_rules.c
 *	  migguard rules and explain: what the rules are, without a database.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "report.h"

#define MG_MANUAL "https://www.postgresql.org/docs/current/"

/* "13 and later", "up to 14", "all" */
static const char *
versions_of(MgArena *arena, const MgRule *rule)
{
	if (rule->since > 0 && rule->until > 0)
		return mg_printf(arena, "%d to %d", rule->since, rule->until);
	if (rule->since > 0)
		return mg_printf(arena, "%d and later", rule->since);
	return rule->until > 0 ? mg_printf(arena, "up to %d", rule->until) : "all";
}

/* The line of [rules] that is for every file; NULL: none */
static const MgRuleSetting *
setting_of(const MgContext *context, const MgRule *rule)
{
	const MgRuleSetting *found = NULL;

	for (const MgRuleSetting *s = mg_config_rules(context->config); s != NULL; s = s->next)
		if (s->rule == rule && s->glob == NULL)
			found = s;
	return found;
}

static const char *
reference_of(MgArena *arena, const MgRule *rule)
{
	return rule->reference != NULL ? mg_printf(arena, MG_MANUAL "%s", rule->reference) : NULL;
}

static void
add_version(cJSON *object, const char *key, int version)
{
	if (version > 0)
		mg_json_int(object, key, version);
	else
		cJSON_AddNullToObject(object, key);
}

static cJSON *
json_of(const MgContext *context, const MgRule *rule)
{
	const MgRuleSetting *setting = setting_of(context, rule);
	cJSON *object = cJSON_CreateObject();

	mg_json_text(object, "rule", rule->name);
	mg_json_text(object, "family", mg_rule_family(context->arena, rule));
	mg_json_text(object, "severity", mg_severity_name(rule->severity));
	mg_json_text(object, "configured", setting != NULL ? mg_severity_name(setting->severity) : NULL);
	mg_json_text(object, "statements", rule->applies);
	add_version(object, "since", rule->since);
	add_version(object, "until", rule->until);
	mg_json_text(object, "summary", rule->summary);
	mg_json_text(object, "safer_way", mg_rule_hint(context->arena, rule));
	mg_json_text(object, "reference", reference_of(context->arena, rule));
	return object;
}

static bool
run_rules(MgContext *context, int *exit_code, MgError *err)
{
	static const MgColumn columns[] = {
		{ "rule", "rule", 0 },		 { "family", "family", 0 }, { "severity", "severity", 0 },
		{ "summary", "summary", 0 }, { NULL, NULL, 0 },
	};
	MgRows rows = { .columns = 4 };
	cJSON *list;

	(void) exit_code;
	(void) err;
	for (const MgRule *rule = mg_rules; rule->name != NULL; rule++)
		rows.count++;
	if (context->format == MG_FORMAT_JSON)
	{
		list = cJSON_CreateArray();
		for (int i = 0; i < rows.count; i++)
			cJSON_AddItemToArray(list, json_of(context, &mg_rules[i]));
		mg_json_print(stdout, list);
		return true;
	}
	rows.names = mg_alloc(context->arena, 4 * sizeof(char *));
	for (int c = 0; c < 4; c++)
		rows.names[c] = mg_strdup(context->arena, columns[c].name);
	rows.cells = mg_alloc(context->arena, (size_t) rows.count * 4 * sizeof(char *));
	for (int i = 0; i < rows.count; i++)
	{
		const MgRule *rule = &mg_rules[i];
		const MgRuleSetting *setting = setting_of(context, rule);
		MgSeverity severity = setting != NULL ? setting->severity : rule->severity;
		const char *cells[] = { rule->name, mg_rule_family(context->arena, rule),
								mg_severity_name(severity), rule->summary };

		for (int c = 0; c < 4; c++)
			rows.cells[i * 4 + c] = mg_strdup(context->arena, cells[c]);
	}
	mg_report_table(context, &rows, columns);
	return true;
}

/* Text below a title, each line indented. */
static void
print_block(const MgContext *context, const char *title, const char *text)
{
	printf("\n%s\n", mg_report_color(context, MG_COLOR_BOLD, title));
	while (*text != '\0')
	{
		size_t len = strcspn(text, "\n");

		printf("    %.*s\n", (int) len, text);
		text += len + (text[len] == '\n');
	}
}

static void
print_rule(const MgContext *context, const MgRule *rule)
{
	const MgRuleSetting *setting = setting_of(context, rule);
	const MgRuleExample *example = mg_rule_example(rule);
	MgArena *arena = context->arena;

	printf("%s: %s\n\n", mg_report_color(context, MG_COLOR_BOLD, rule->name), rule->summary);
	mg_report_pair(context, "family", mg_rule_family(arena, rule));
	mg_report_pair(context, "severity",
				   setting != NULL ? mg_printf(arena, "%s (usually %s), by %s",
											   mg_severity_name(setting->severity),
											   mg_severity_name(rule->severity), setting->where) :
									 mg_severity_name(rule->severity));
	mg_report_pair(context, "statements", rule->applies);
	mg_report_pair(context, "versions", versions_of(arena, rule));
	mg_report_pair(context, "reference", reference_of(arena, rule));
	print_block(context, "Why", mg_rule_why(rule));
	print_block(context, "Safer way", mg_rule_hint(arena, rule));
	if (example != NULL)
	{
		if (example->setup[0] != '\0')
			print_block(context, "With this in the database", example->setup);
		print_block(context, mg_printf(arena, "it fires: %s", example->fires_label), example->fires);
		print_block(context, mg_printf(arena, "it does not: %s", example->quiet_label),
					example->quiet);
	}
	if (strcmp(rule->family, "SUPPRESSION") != 0)
		print_block(context, "To allow it once, on the line before the statement",
					mg_printf(arena, "-- safedeploy: allow %s: the reason", rule->name));
}

static void
print_json(const MgContext *context, const MgRule *rule)
{
	const MgRuleExample *example = mg_rule_example(rule);
	cJSON *object = json_of(context, rule);

	mg_json_text(object, "why", mg_rule_why(rule));
	if (example != NULL)
	{
		cJSON *item = cJSON_AddObjectToObject(object, "example");

		mg_json_text(item, "setup", example->setup);
		mg_json_text(item, "fires", example->fires);
		mg_json_text(item, "quiet", example->quiet);
	}
	mg_json_print(stdout, object);
}

static bool
run_explain(MgContext *context, int *exit_code, MgError *err)
{
	const MgRule *rule;

	(void) exit_code;
	if (context->nargs != 1)
	{
		mg_err_set(err, MG_EXIT_USAGE, "one rule is to be named");
		return mg_err_hint(err, "\"migguard rules\" lists the rules.");
	}
	rule = mg_rule_find(context->args[0]);
	if (rule == NULL)
	{
		const MgRule *near = mg_rule_nearest(context->args[0]);

		mg_err_set(err, MG_EXIT_USAGE, "there is no rule \"%s\"", context->args[0]);
		return near != NULL ? mg_err_hint(err, "Did you mean \"%s\"?", near->name) :
							  mg_err_hint(err, "\"migguard rules\" lists the rules.");
	}
	if (context->format == MG_FORMAT_JSON)
		print_json(context, rule);
	else
		print_rule(context, rule);
	return true;
}

extern const MgCommand mg_cmd_rules;
extern const MgCommand mg_cmd_explain;

const MgCommand mg_cmd_rules = {
	.name = "rules",
	.summary = "list the rules of the analysis",
	.description = "Each with its family, the severity that its findings usually have or that section "
				   "[rules] gives them, and what it is about. No database is needed.",
	.run = run_rules,
};

const MgCommand mg_cmd_explain = {
	.name = "explain",
	.operands = "RULE",
	.summary = "explain a rule of the analysis",
	.description =
		"Says what the rule is about and why that hurts, the safer way, the versions of the "
		"server, an example that it fires for and one that it does not, and the page of the "
		"server's manual. No database is needed.",
	.run = run_explain,
};
