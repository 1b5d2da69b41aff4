/*
 * config_rules.c
 *	  Sections [rules] and [rules "GLOB"]: severities of rules.
 */
#include <string.h>

#include "config_internal.h"

bool
mg_config_is_rules(const char *section)
{
	return strncmp(section, "rules", 5) == 0 &&
		   (section[5] == '\0' || section[5] == ' ' || section[5] == '"');
}

/* The glob of [rules "GLOB"]; *glob is NULL for [rules]. */
static bool
parse_section(MgConfig *config, const char *section, const char **glob, MgError *err)
{
	const char *text = section + 5 + strspn(section + 5, " ");
	size_t len = strlen(text);

	*glob = NULL;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len == 0)
		return true;
	if (len < 3 || text[0] != '"' || text[len - 1] != '"')
	{
		mg_err_set(err, MG_EXIT_CONFIG, "section [%s] is not understood", section);
		return mg_err_hint(err, "Write [rules] or, for some files, [rules \"migrations/old/*\"].");
	}
	*glob = mg_strndup(config->arena, text + 1, len - 2);
	return true;
}

static bool
unknown_rule(const char *key, MgError *err)
{
	const MgRule *near = mg_rule_nearest(key);

	mg_err_set(err, MG_EXIT_CONFIG, "unknown rule \"%s\"", key);
	if (near != NULL)
		return mg_err_hint(err, "Did you mean \"%s\"?", near->name);
	return mg_err_hint(err, "\"migguard rules\" lists the rules.");
}

bool
mg_config_take_rule(MgConfig *config, const char *section, const char *key, const char *text,
					MgError *err)
{
	MgRuleSetting setting = { .rule = mg_rule_find(key) };
	MgRuleSetting **at = &config->rules;

	if (!parse_section(config, section, &setting.glob, err))
		return false;
	if (setting.rule == NULL)
		return unknown_rule(key, err);
	if (!mg_severity_of(text, &setting.severity) || setting.severity == MG_SEVERITY_NEVER)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "invalid severity of rule \"%s\": \"%s\"", key, text);
		return mg_err_hint(err, "Use error, warning, notice, info or off.");
	}
	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->rule == setting.rule && ((*at)->glob == NULL) == (setting.glob == NULL) &&
			(setting.glob == NULL || strcmp((*at)->glob, setting.glob) == 0))
		{
			mg_err_set(err, MG_EXIT_CONFIG, "rule \"%s\" is given twice in section [%s]", key,
					   section);
			mg_err_detail(err, "It is given first at %s.", (*at)->where);
			return mg_err_hint(err, "Remove one of the two.");
		}
	setting.where = mg_printf(config->arena, "%s:%d", config->path, config->line);
	*at = mg_alloc(config->arena, sizeof setting);
	**at = setting;
	return true;
}
