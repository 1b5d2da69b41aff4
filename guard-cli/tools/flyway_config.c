/*
 * flyway_config.c
 *	  Flyway's settings, from where Flyway takes them: files, environment, command line.
 */
#include "flyway_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"

extern char **environ;

static const char placeholder_prefix[] = "placeholders.";

void
mg_flyway_config_init(MgFlywayConfig *config, MgArena *arena)
{
	memset(config, 0, sizeof *config);
	config->arena = arena;
	config->size = 64;
	config->items = mg_alloc(arena, (size_t) config->size * sizeof *config->items);
}

/* Names of placeholders are the same in any case. */
static char *
normal_key(MgArena *arena, const char *key)
{
	char *copy = mg_strdup(arena, key);

	if (strncmp(copy, placeholder_prefix, sizeof placeholder_prefix - 1) == 0)
		for (char *p = copy; *p != '\0'; p++)
			*p = (char) tolower((unsigned char) *p);
	return copy;
}

void
mg_flyway_config_set(MgFlywayConfig *config, const char *key, const char *value, const char *source)
{
	const char *normal;
	MgFlywaySetting *item = NULL;

	if (strncmp(key, "flyway.", 7) == 0)
		key += 7;
	normal = normal_key(config->arena, key);
	for (int i = 0; i < config->count; i++)
		if (strcmp(config->items[i].key, normal) == 0)
			item = &config->items[i];
	if (item == NULL && config->count == config->size)
	{
		MgFlywaySetting *old = config->items;

		config->size *= 2;
		config->items = mg_alloc(config->arena, (size_t) config->size * sizeof *config->items);
		memcpy(config->items, old, (size_t) config->count * sizeof *old);
	}
	if (item == NULL)
		item = &config->items[config->count++];
	item->key = normal;
	item->value = mg_strdup(config->arena, value);
	item->source = source;
}

const char *
mg_flyway_config_get(const MgFlywayConfig *config, const char *key, const char *fallback)
{
	const char *normal = normal_key(config->arena, key);

	for (int i = 0; i < config->count; i++)
		if (strcmp(config->items[i].key, normal) == 0)
			return config->items[i].value;
	return fallback;
}

bool
mg_flyway_config_bool(const MgFlywayConfig *config, const char *key, bool fallback)
{
	const char *value = mg_flyway_config_get(config, key, NULL);

	return value != NULL ? strcasecmp(value, "true") == 0 : fallback;
}

const char *
mg_flyway_config_environment(const MgFlywayConfig *config, const char *key)
{
	const char *name = mg_flyway_config_get(config, "environment", "default");
	const char *value =
		mg_flyway_config_get(config, mg_printf(config->arena, "environments.%s.%s", name, key), NULL);

	return value != NULL ? value : mg_flyway_config_get(config, key, NULL);
}

void
mg_flyway_config_list(MgStrings *list, const char *value)
{
	while (value != NULL && *value != '\0')
	{
		size_t len = strcspn(value, ",");
		const char *start = value + strspn(value, " \t");
		const char *end = value + len;

		while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (end > start)
			mg_strings_add(list, mg_strndup(list->arena, start, (size_t) (end - start)));
		value += len;
		value += *value == ',';
	}
}

/* Replaces references to variables of the environment: ${NAME}, in TOML ${env.NAME}. */
static char *
expand(MgArena *arena, const char *value, const char *prefix)
{
	MgBuf buf;
	size_t prefix_len = strlen(prefix);

	mg_buf_init(&buf, arena);
	while (*value != '\0')
	{
		size_t len;

		if (strncmp(value, prefix, prefix_len) == 0)
		{
			const char *name = value + prefix_len;

			len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
			if (len > 0 && name[len] == '}')
			{
				const char *found = getenv(mg_strndup(arena, name, len));

				mg_buf_add(&buf, found != NULL ? found : "");
				value = name + len + 1;
				continue;
			}
		}
		mg_buf_add_bytes(&buf, value++, 1);
	}
	return buf.data;
}

static char *
trimmed(MgArena *arena, const char *start, const char *end)
{
	while (start < end && isspace((unsigned char) *start))
		start++;
	while (end > start && isspace((unsigned char) end[-1]))
		end--;
	return mg_strndup(arena, start, (size_t) (end - start));
}

/* One line that is, or continues, a setting of a flyway.conf. */
static void
read_properties(MgFlywayConfig *config, const char *path, const char *text)
{
	MgBuf line;

	mg_buf_init(&line, config->arena);
	while (*text != '\0')
	{
		size_t len = strcspn(text, "\n");
		char *part = trimmed(config->arena, text, text + len);
		size_t part_len = strlen(part);
		const char *equals;

		text += len;
		text += *text == '\n';
		if (line.len == 0 && (part[0] == '#' || part[0] == '!' || part[0] == '\0'))
			continue;
		if (part_len > 0 && part[part_len - 1] == '\\' && *text != '\0')
		{
			mg_buf_add_bytes(&line, part, part_len - 1);
			continue;
		}
		mg_buf_add(&line, part);
		equals = strchr(line.data, '=');
		if (equals != NULL)
			mg_flyway_config_set(config, trimmed(config->arena, line.data, equals),
								 expand(config->arena,
										trimmed(config->arena, equals + 1, line.data + line.len),
										"${"),
								 path);
		mg_buf_init(&line, config->arena);
	}
}

/* A reader of the part of TOML that configuration files use. */
typedef struct Toml
{
	MgFlywayConfig *config;
	const char *path;
	const char *at;
	int line;
	MgError *err;
} Toml;

static bool
toml_error(Toml *toml, const char *what)
{
	mg_err_set(toml->err, MG_EXIT_CONFIG, "%s", what);
	return mg_err_where(toml->err, toml->path, toml->line);
}

static void
toml_skip(Toml *toml, bool newlines)
{
	for (;; toml->at++)
	{
		if (*toml->at == '#')
			toml->at += strcspn(toml->at, "\n");
		if (*toml->at == '\n' && newlines)
			toml->line++;
		else if (*toml->at != ' ' && *toml->at != '\t' && *toml->at != '\r')
			return;
	}
}

static bool
toml_string(Toml *toml, MgBuf *buf)
{
	char quote = *toml->at;

	if (strncmp(toml->at, quote == '"' ? "\"\"\"" : "'''", 3) == 0)
		return toml_error(toml, "strings over several lines are not understood here");
	for (toml->at++; *toml->at != quote; toml->at++)
	{
		if (*toml->at == '\0' || *toml->at == '\n')
			return toml_error(toml, "string without an end");
		if (quote == '"' && *toml->at == '\\')
		{
			static const char from[] = "ntr\"\\";
			static const char to[] = "\n\t\r\"\\";
			const char *escape = strchr(from, *++toml->at);

			if (escape == NULL || *toml->at == '\0')
				return toml_error(toml, "unknown escape in a string");
			mg_buf_add_bytes(buf, &to[escape - from], 1);
			continue;
		}
		mg_buf_add_bytes(buf, toml->at, 1);
	}
	toml->at++;
	return true;
}

/* "a.b", each part bare or quoted. */
static bool
toml_key(Toml *toml, MgBuf *key)
{
	for (;;)
	{
		size_t len = strspn(toml->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
									  "0123456789_-");

		if (*toml->at == '"' || *toml->at == '\'')
		{
			if (!toml_string(toml, key))
				return false;
		}
		else if (len == 0)
			return toml_error(toml, "expected a key");
		else
			mg_buf_add_bytes(key, toml->at, len);
		toml->at += *toml->at == '"' || *toml->at == '\'' ? 0 : len;
		toml_skip(toml, false);
		if (*toml->at != '.')
			return true;
		mg_buf_add(key, ".");
		toml->at++;
		toml_skip(toml, false);
	}
}

/* A string, a bare word such as true or 17, or a list of them, which is joined by commas. */
static bool
toml_value(Toml *toml, MgBuf *value)
{
	size_t len;

	if (*toml->at == '"' || *toml->at == '\'')
		return toml_string(toml, value);
	if (*toml->at == '[')
	{
		bool first = true;

		for (toml->at++, toml_skip(toml, true); *toml->at != ']'; toml_skip(toml, true))
		{
			if (!first)
				mg_buf_add(value, ",");
			first = false;
			if (!toml_value(toml, value))
				return false;
			toml_skip(toml, true);
			if (*toml->at == ',')
				toml->at++;
			else if (*toml->at != ']')
				return toml_error(toml, "expected \",\" or \"]\" in a list");
		}
		toml->at++;
		return true;
	}
	len = strcspn(toml->at, " \t\r\n#,]");
	if (len == 0 || *toml->at == '{')
		return toml_error(toml, "expected a string, a number, true, false or a list");
	mg_buf_add_bytes(value, toml->at, len);
	toml->at += len;
	return true;
}

static bool
toml_table(Toml *toml, MgBuf *table)
{
	mg_buf_init(table, toml->config->arena);
	toml->at++;
	toml_skip(toml, false);
	if (!toml_key(toml, table))
		return false;
	if (*toml->at != ']')
		return toml_error(toml, "expected \"]\" after the name of a table");
	toml->at++;
	return true;
}

static bool
toml_setting(Toml *toml, const MgBuf *table)
{
	MgBuf key;
	MgBuf value;

	mg_buf_init(&key, toml->config->arena);
	mg_buf_init(&value, toml->config->arena);
	if (table->len > 0)
		mg_buf_addf(&key, "%s.", table->data);
	if (!toml_key(toml, &key))
		return false;
	if (*toml->at != '=')
		return toml_error(toml, "expected \"=\" after a key");
	toml->at++;
	toml_skip(toml, false);
	if (!toml_value(toml, &value))
		return false;
	mg_flyway_config_set(toml->config, key.data, expand(toml->config->arena, value.data, "${env."),
						 toml->path);
	return true;
}

static bool
read_toml(MgFlywayConfig *config, const char *path, const char *text, MgError *err)
{
	Toml toml = { config, path, text, 1, err };
	MgBuf table;

	mg_buf_init(&table, config->arena);
	for (toml_skip(&toml, true); *toml.at != '\0'; toml_skip(&toml, true))
	{
		if (*toml.at == '[' ? !toml_table(&toml, &table) : !toml_setting(&toml, &table))
			return false;
		toml_skip(&toml, false);
		if (*toml.at != '\n' && *toml.at != '\0')
			return toml_error(&toml, "expected the end of the line");
	}
	return true;
}

bool
mg_flyway_config_read(MgFlywayConfig *config, const char *path, MgError *err)
{
	const char *text;
	size_t len = strlen(path);
	size_t size;

	if (!mg_file_read(config->arena, path, &text, &size, err))
		return false;
	if (len > 5 && strcmp(path + len - 5, ".toml") == 0)
		return read_toml(config, path, text, err);
	read_properties(config, path, text);
	return true;
}

/* FLYWAY_DEFAULT_SCHEMA is defaultSchema, FLYWAY_PLACEHOLDERS_X is placeholders.x. */
static char *
key_of_variable(MgArena *arena, const char *name, size_t len)
{
	static const char placeholders[] = "PLACEHOLDERS_";
	MgBuf key;
	bool upper = false;

	mg_buf_init(&key, arena);
	if (len > sizeof placeholders - 1 && strncmp(name, placeholders, sizeof placeholders - 1) == 0)
	{
		mg_buf_add(&key, placeholder_prefix);
		mg_buf_add_bytes(&key, name + sizeof placeholders - 1, len - (sizeof placeholders - 1));
		return key.data;
	}
	for (size_t i = 0; i < len; i++)
	{
		char c = (char) (upper ? toupper((unsigned char) name[i]) : tolower((unsigned char) name[i]));

		upper = name[i] == '_';
		if (!upper)
			mg_buf_add_bytes(&key, &c, 1);
	}
	return key.data;
}

void
mg_flyway_config_environ(MgFlywayConfig *config)
{
	for (char **entry = environ; *entry != NULL; entry++)
	{
		size_t len = strcspn(*entry, "=");

		if (strncmp(*entry, "FLYWAY_", 7) == 0 && (*entry)[len] == '=')
			mg_flyway_config_set(config, key_of_variable(config->arena, *entry + 7, len - 7),
								 *entry + len + 1, "environment");
	}
}
