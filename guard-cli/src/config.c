/*
 * config.c
 *	  Settings from file, environment and flags, and what they are.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "failpoint.h"
#include "log.h"
#include "target.h"
#include "text.h"

#define MG_CONFIG_DEFAULT_FILE "migguard.ini"

extern char **environ;

const MgSettingInfo mg_setting_info[MG_SETTING_COUNT] = {
#define X(id, section, key, type, value, choices, help) \
	{ section, key, MG_TYPE_##type, value, choices, help },
	MG_SETTINGS(X)
#undef X
};

const char *const mg_named_sections[MG_NAMED_SECTIONS] = { "env", "preflight.commands",
														   "verify.assertions" };

static bool
holds_url(MgSetting setting)
{
	return setting == MG_SET_DATABASE_URL || setting == MG_SET_REHEARSE_URL;
}

/* A URL may be "env:NAME", so that a file can be shown to anyone. */
static bool
resolve_env(MgConfig *config, const char **text, const char **source, MgError *err)
{
	const char *name = *text + 4;
	const char *value;

	if (strncmp(*text, "env:", 4) != 0)
		return true;
	value = getenv(name);
	if (value == NULL || value[0] == '\0')
	{
		mg_err_set(err, MG_EXIT_CONFIG, "environment variable \"%s\" is not set", name);
		return mg_err_hint(err, "Set it, or change the value \"env:%s\".", name);
	}
	*text = mg_strdup(config->arena, value);
	*source = mg_printf(config->arena, "%s, variable %s", *source, name);
	return true;
}

bool
mg_config_set_value(MgConfig *config, MgSetting setting, const char *text, const char *source,
					const char *directory, MgError *err)
{
	const MgSettingInfo *info = &mg_setting_info[setting];
	const char *wrong = mg_value_wrong(config->arena, info, text);
	MgValue *value = &config->values[setting];

	if (!mg_text_is_utf8(text, strlen(text)))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the value for %s.%s is not UTF-8", info->section, info->key);
		return mg_err_hint(err,
						   "Write it in UTF-8; in a URL other bytes of a password are written as %%XX.");
	}
	if (wrong != NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "invalid value for %s.%s: \"%s\"", info->section, info->key,
				   text);
		return mg_err_hint(err, "%s", wrong);
	}
	if (holds_url(setting))
	{
		MgTarget target;

		if (!resolve_env(config, &text, &source, err))
			return false;
		/* Parsed here for the place of a mistake, and so that the password is known at once. */
		if (text[0] != '\0' && !mg_target_parse(config->arena, text, &target, err))
			return false;
	}
	if (info->type == MG_TYPE_PATH && text[0] != '\0' && text[0] != '/' && directory != NULL)
		text = mg_printf(config->arena, "%s/%s", directory, text);
	/* An empty value is the way to unset one that a file sets. */
	value->text = text[0] != '\0' ? mg_strdup(config->arena, text) : NULL;
	value->source = mg_strdup(config->arena, source);
	return true;
}

bool
mg_config_set(MgConfig *config, MgSetting setting, const char *value, const char *where, MgError *err)
{
	if (mg_config_set_value(config, setting, value, where, NULL, err))
		return true;
	if (err->where == NULL)
		mg_err_where(err, where, 0);
	return false;
}

static char *
variable_name(MgArena *arena, const MgSettingInfo *info)
{
	char *name = mg_printf(arena, "MIGGUARD_%s_%s", info->section, info->key);

	for (char *p = name; *p != '\0'; p++)
		*p = *p == '.' ? '_' : (char) toupper((unsigned char) *p);
	return name;
}

static bool
load_environment(MgConfig *config, MgError *err)
{
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const char *name = variable_name(config->arena, &mg_setting_info[i]);
		const char *text = getenv(name);

		if (text != NULL && !mg_config_set_value(config, (MgSetting) i, text, name, NULL, err))
		{
			mg_err_where(err, name, 0);
			return false;
		}
	}
	for (char **e = environ; *e != NULL; e++)
	{
		size_t len = strcspn(*e, "=");
		bool known = strncmp(*e, "MIGGUARD_", 9) != 0 || strncmp(*e, "MIGGUARD_CONFIG=", 16) == 0 ||
					 mg_failpoint_is_variable(*e);

		for (int i = 0; i < MG_SETTING_COUNT && !known; i++)
		{
			const char *name = variable_name(config->arena, &mg_setting_info[i]);

			known = strlen(name) == len && strncmp(*e, name, len) == 0;
		}
		if (!known)
			mg_log_warning("environment variable %.*s names no setting", (int) len, *e);
	}
	return true;
}

static bool
load(MgArena *arena, const char *path, bool must_exist, MgConfig **result, MgError *err)
{
	MgConfig *config = mg_alloc(arena, sizeof *config);
	const char *from_env = getenv("MIGGUARD_CONFIG");

	config->arena = arena;
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		config->values[i].text = mg_setting_info[i].value;
		config->values[i].source = "default";
	}
	if (path == NULL && from_env != NULL && from_env[0] != '\0')
		path = from_env;
	if (path == NULL)
	{
		path = MG_CONFIG_DEFAULT_FILE;
		must_exist = false;
	}
	if (!mg_config_read_file(config, path, must_exist, err) || !load_environment(config, err))
		return false;
	if (config->values[MG_SET_DATABASE_URL].text == NULL && getenv("DATABASE_URL") != NULL &&
		!mg_config_set(config, MG_SET_DATABASE_URL, getenv("DATABASE_URL"), "DATABASE_URL", err))
		return false;
	*result = config;
	return true;
}

bool
mg_config_load(MgArena *arena, const char *path, MgConfig **result, MgError *err)
{
	return load(arena, path, true, result, err);
}

bool
mg_config_load_if_there(MgArena *arena, const char *path, MgConfig **result, MgError *err)
{
	return load(arena, path, false, result, err);
}

const char *
mg_config_string(const MgConfig *config, MgSetting setting)
{
	return config->values[setting].text;
}

bool
mg_config_bool(const MgConfig *config, MgSetting setting)
{
	bool value = false;

	if (config->values[setting].text != NULL)
		mg_value_bool(config->values[setting].text, &value);
	return value;
}

int
mg_config_int(const MgConfig *config, MgSetting setting)
{
	int value = 0;

	if (config->values[setting].text != NULL)
		mg_value_int(config->values[setting].text, &value);
	return value;
}

long long
mg_config_ms(const MgConfig *config, MgSetting setting)
{
	long long ms = 0;

	if (config->values[setting].text != NULL)
		mg_value_duration(config->values[setting].text, &ms);
	return ms;
}

MgLevel
mg_config_level(const MgConfig *config, MgSetting setting)
{
	MgLevel level = MG_LEVEL_OFF;

	if (config->values[setting].text != NULL)
		mg_value_level(config->values[setting].text, &level);
	return level;
}

void
mg_config_list(const MgConfig *config, MgSetting setting, MgStrings *list)
{
	const char *p = config->values[setting].text;

	mg_strings_init(list, config->arena);
	while (p != NULL && *p != '\0')
	{
		size_t len;

		p += strspn(p, " \t,");
		len = strcspn(p, ",");
		while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (len > 0)
			mg_strings_add(list, mg_strndup(config->arena, p, len));
		p += strcspn(p, ",");
	}
}

const char *
mg_config_source(const MgConfig *config, MgSetting setting)
{
	return config->values[setting].source;
}

const MgNamed *
mg_config_named(const MgConfig *config, const char *section)
{
	for (size_t i = 0; i < MG_NAMED_SECTIONS; i++)
		if (strcmp(section, mg_named_sections[i]) == 0)
			return config->named[i];
	return NULL;
}

const MgRuleSetting *
mg_config_rules(const MgConfig *config)
{
	return config->rules;
}

const char *
mg_config_path(const MgConfig *config)
{
	return config->path;
}
