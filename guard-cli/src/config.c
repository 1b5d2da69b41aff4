/*
 * config.c
 *	  Reads migguard.ini and MIGGUARD_* strictly: what is not understood is an error.
 *
 * libinih splits the lines; a reader of ours feeds it, to count lines, as the
 * library does not pass their numbers on.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "target.h"
#include "text.h"

#define MG_CONFIG_DEFAULT_FILE "migguard.ini"
#define MG_CONFIG_MAX_LINE	   65536
#define MG_CONFIG_MAX_FILE	   (1024 * 1024)

extern char **environ;

const MgSettingInfo mg_setting_info[MG_SETTING_COUNT] = {
#define X(id, section, key, type, value, choices, help) \
	{ section, key, MG_TYPE_##type, value, choices, help },
	MG_SETTINGS(X)
#undef X
};

/* Sections whose keys are names that the user chooses */
static const char *const named_sections[] = { "env", "preflight.commands", "verify.assertions" };
#define NAMED_SECTIONS (sizeof named_sections / sizeof named_sections[0])

typedef struct Value
{
	const char *text; /* NULL: unset */
	const char *source;
	int line; /* where the file set it, 0: it did not */
} Value;

struct MgConfig
{
	MgArena *arena;
	const char *path;
	Value values[MG_SETTING_COUNT];
	MgNamed *named[NAMED_SECTIONS];
	/* while the file is read */
	const char *at; /* rest of the text */
	int line;
	bool continued; /* the line begins with a blank */
	char *full_name;
	MgError *err;
};

static bool
parse_duration(const char *text, long long *ms)
{
	static const struct
	{
		const char *unit;
		long long ms;
	} units[] = { { "", 1000 },		{ "ms", 1 },	  { "s", 1000 },
				  { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	char *end;
	double number;

	errno = 0;
	number = strtod(text, &end);
	if (end == text || errno != 0 || !(number >= 0 && number < 1e12) ||
		!isdigit((unsigned char) text[0]))
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0)
		{
			*ms = (long long) (number * (double) units[i].ms + 0.5);
			return true;
		}
	return false;
}

static bool
parse_bool(const char *text, bool *value)
{
	static const char *const words[][2] = {
		{ "off", "on" }, { "false", "true" }, { "no", "yes" }, { "0", "1" }
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (int j = 0; j < 2; j++)
			if (strcasecmp(text, words[i][j]) == 0)
			{
				*value = j == 1;
				return true;
			}
	return false;
}

static bool
parse_level(const char *text, MgLevel *level)
{
	static const char *const words[] = { "off", "warning", "required" };

	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0)
		{
			*level = (MgLevel) i;
			return true;
		}
	return false;
}

static bool
parse_int(const char *text, int *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < 0 || number > INT_MAX)
		return false;
	*value = (int) number;
	return true;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; p != NULL && *p != '\0';)
	{
		size_t word = strcspn(p, " ");

		if (word == len && strncmp(p, text, len) == 0)
			return true;
		p += word + strspn(p + word, " ");
	}
	return false;
}

/* What a value must look like, or NULL when this one does. */
static const char *
wrong_value(MgArena *arena, const MgSettingInfo *info, const char *text)
{
	long long ms;
	bool on;
	int number;
	MgLevel level;

	switch (info->type)
	{
		case MG_TYPE_BOOL:
			return parse_bool(text, &on) ? NULL : "Use on or off.";
		case MG_TYPE_INT:
			return parse_int(text, &number) ? NULL : "Use a whole number that is not negative.";
		case MG_TYPE_DURATION:
			return parse_duration(text, &ms) ?
					   NULL :
					   "Use a number and a unit: 500ms, 5s, 10min, 2h, 1d; without a unit it is seconds.";
		case MG_TYPE_LEVEL:
			return parse_level(text, &level) ? NULL : "Use required, warning or off.";
		case MG_TYPE_CHOICE:
			return is_choice(info->choices, text) ?
					   NULL :
					   mg_printf(arena, "Use one of: %s.", info->choices);
		case MG_TYPE_STRING:
		case MG_TYPE_LIST:
		case MG_TYPE_PATH:
			return NULL;
	}
	return NULL;
}

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

static bool
set_value(MgConfig *config, MgSetting setting, const char *text, const char *source,
		  const char *directory, MgError *err)
{
	const MgSettingInfo *info = &mg_setting_info[setting];
	const char *wrong = wrong_value(config->arena, info, text);
	Value *value = &config->values[setting];

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
	if (set_value(config, setting, value, where, NULL, err))
		return true;
	if (err->where == NULL)
		mg_err_where(err, where, 0);
	return false;
}

/* The nearest of the known names, or NULL when none is near. */
static const char *
nearest_setting(const char *section, const char *name)
{
	const char *best = NULL;
	int distance = 4;

	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		const char *candidate = section != NULL ? mg_setting_info[i].key : mg_setting_info[i].section;
		int d;

		if (section != NULL && strcmp(section, mg_setting_info[i].section) != 0)
			continue;
		d = mg_text_distance(name, candidate);
		if (d < distance && d < (int) strlen(candidate))
		{
			distance = d;
			best = candidate;
		}
	}
	for (size_t i = 0; section == NULL && i < NAMED_SECTIONS; i++)
		if (mg_text_distance(name, named_sections[i]) < distance)
		{
			distance = mg_text_distance(name, named_sections[i]);
			best = named_sections[i];
		}
	return best;
}

static const char *
keys_of(MgArena *arena, const char *section)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (int i = 0; i < MG_SETTING_COUNT; i++)
		if (section == NULL ?
				i == 0 || strcmp(mg_setting_info[i].section, mg_setting_info[i - 1].section) != 0 :
				strcmp(mg_setting_info[i].section, section) == 0)
			mg_buf_addf(&buf, "%s%s", buf.len > 0 ? ", " : "",
						section == NULL ? mg_setting_info[i].section : mg_setting_info[i].key);
	for (size_t i = 0; section == NULL && i < NAMED_SECTIONS; i++)
		mg_buf_addf(&buf, ", %s", named_sections[i]);
	return buf.data;
}

static bool
unknown_section(MgConfig *config, const char *section, MgError *err)
{
	const char *near = nearest_setting(NULL, section);

	mg_err_set(err, MG_EXIT_CONFIG, "unknown section \"%s\"", section);
	if (near != NULL)
		return mg_err_hint(err, "Did you mean [%s]?", near);
	return mg_err_hint(err, "Sections are: %s.", keys_of(config->arena, NULL));
}

static bool
unknown_key(MgConfig *config, const char *section, const char *key, MgError *err)
{
	const char *near = nearest_setting(section, key);

	mg_err_set(err, MG_EXIT_CONFIG, "unknown key \"%s\" in section \"%s\"", key, section);
	if (near != NULL)
		return mg_err_hint(err, "Did you mean \"%s\"?", near);
	for (int i = 0; i < MG_SETTING_COUNT; i++)
		if (strcmp(mg_setting_info[i].key, key) == 0)
			return mg_err_hint(err, "The key belongs to section [%s].", mg_setting_info[i].section);
	return mg_err_hint(err, "Keys of [%s] are: %s.", section, keys_of(config->arena, section));
}

static bool
given_twice(const char *section, const char *key, const char *first, MgError *err)
{
	mg_err_set(err, MG_EXIT_CONFIG, "key \"%s\" in section \"%s\" is given twice", key, section);
	mg_err_detail(err, "It is given first at %s.", first);
	return mg_err_hint(err, "Remove one of the two.");
}

static bool
add_named(MgConfig *config, size_t section, const char *key, const char *text, bool continued,
		  MgError *err)
{
	MgNamed **at = &config->named[section];
	MgNamed *entry;

	for (; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, key) == 0)
		{
			if (!continued)
				return given_twice(named_sections[section], key, (*at)->where, err);
			/* A longer SQL text goes on in indented lines. */
			(*at)->value = mg_printf(config->arena, "%s\n%s", (*at)->value, text);
			return true;
		}
	entry = mg_alloc(config->arena, sizeof *entry);
	entry->name = mg_strdup(config->arena, key);
	entry->value = mg_strdup(config->arena, text);
	entry->where = mg_printf(config->arena, "%s:%d", config->path, config->line);
	*at = entry;
	return true;
}

static const char *
directory_of(MgArena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	return slash == path ? "" : mg_strndup(arena, path, (size_t) (slash - path));
}

static bool
take_line(MgConfig *config, const char *section, const char *key, const char *text, MgError *err)
{
	bool known = false;

	for (size_t i = 0; i < NAMED_SECTIONS; i++)
		if (strcmp(section, named_sections[i]) == 0)
			return add_named(config, i, key, text, config->continued, err);
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		Value *value = &config->values[i];

		if (strcmp(section, mg_setting_info[i].section) != 0)
			continue;
		known = true;
		if (strcmp(key, mg_setting_info[i].key) != 0)
			continue;
		if (config->continued)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "value of %s.%s goes on in a second line", section, key);
			return mg_err_hint(err, "Write it in one line; keys begin in the first column.");
		}
		if (value->line > 0)
			return given_twice(section, key,
							   mg_printf(config->arena, "%s:%d", config->path, value->line), err);
		value->line = config->line;
		return set_value(config, (MgSetting) i, text,
						 mg_printf(config->arena, "%s:%d", config->path, config->line),
						 directory_of(config->arena, config->path), err);
	}
	if (section[0] == '\0')
	{
		mg_err_set(err, MG_EXIT_CONFIG, "key \"%s\" stands before the first section", key);
		return mg_err_hint(err, "Put a line such as [database] above it.");
	}
	return known ? unknown_key(config, section, key, err) : unknown_section(config, section, err);
}

/* Called by libinih for each line that has a value; 0 stops it. */
static int
handle_line(void *arg, const char *section, const char *name, const char *text)
{
	MgConfig *config = arg;

	if (config->err->set)
		return 0;
	/* The library keeps only the first 49 bytes of the name for lines that continue it. */
	if (!config->continued || config->full_name == NULL)
		config->full_name = mg_strdup(config->arena, name);
	if (!take_line(config, section, config->full_name, text, config->err))
	{
		mg_err_where(config->err, config->path, config->line);
		return 0;
	}
	return 1;
}

/* Feeds libinih line by line, as fgets would. */
static char *
read_line(char *out, int size, void *arg)
{
	MgConfig *config = arg;
	size_t len = strcspn(config->at, "\n");

	if (*config->at == '\0' || config->err->set)
		return NULL;
	config->line++;
	if (len + 3 > (size_t) size)
	{
		mg_err_set(config->err, MG_EXIT_CONFIG, "line is longer than %d bytes", size - 3);
		mg_err_where(config->err, config->path, config->line);
		return NULL;
	}
	memcpy(out, config->at, len);
	out[len] = '\0';
	config->continued = out[0] == ' ' || out[0] == '\t';
	config->at += len + (config->at[len] == '\n');
	return out;
}

static char *
read_file(MgArena *arena, const char *path, bool must_exist, size_t *len, MgError *err)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	struct stat st;

	if (file == NULL)
	{
		if (errno == ENOENT && !must_exist)
			return NULL;
		mg_err_set(err, MG_EXIT_CONFIG, "could not open configuration file \"%s\": %s", path,
				   strerror(errno));
		mg_err_hint(err, "\"migguard init\" writes one with every setting explained.");
		return NULL;
	}
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MG_CONFIG_MAX_FILE)
		mg_err_set(err, MG_EXIT_CONFIG, "configuration file \"%s\" is not a file of at most 1 MB",
				   path);
	else
	{
		text = mg_alloc(arena, (size_t) st.st_size + 1);
		*len = fread(text, 1, (size_t) st.st_size, file);
		if (ferror(file))
		{
			mg_err_set(err, MG_EXIT_CONFIG, "could not read configuration file \"%s\": %s", path,
					   strerror(errno));
			text = NULL;
		}
	}
	fclose(file);
	return text;
}

static bool
check_text(const char *path, const char *text, size_t len, MgError *err)
{
	int line = 1;

	for (const char *p = text; p < text + len;)
	{
		int n = *p == '\0' ? 0 : mg_text_utf8_length(p, text + len);

		if (n == 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG, *p == '\0' ? "zero byte" : "text is not valid UTF-8");
			mg_err_hint(err, "Save the file as UTF-8.");
			return mg_err_where(err, path, line);
		}
		if (*p == '\n')
			line++;
		p += n;
	}
	return true;
}

/* A password that others on the machine can read deserves a word. */
static void
warn_readable_password(const MgConfig *config, const char *path)
{
	static const MgSetting urls[] = { MG_SET_DATABASE_URL, MG_SET_REHEARSE_URL };
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & (S_IRGRP | S_IROTH)) == 0)
		return;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
	{
		const Value *value = &config->values[urls[i]];
		MgTarget target;
		MgError ignored;

		mg_err_init(&ignored, config->arena);
		/* "variable" in the source marks what came through env:NAME */
		if (value->line == 0 || value->text == NULL || strstr(value->source, ", variable ") != NULL)
			continue;
		if (mg_target_parse(config->arena, value->text, &target, &ignored) &&
			strstr(value->text, target.password) != NULL && target.password[0] != '\0')
			mg_log_warning("%s:%d: the file holds a password and others can read it: use "
						   "env:NAME, or chmod 600",
						   path, value->line);
	}
}

static bool
load_file(MgConfig *config, const char *path, bool must_exist, MgError *err)
{
	size_t len = 0;
	char *text = read_file(config->arena, path, must_exist, &len, err);
	int rc;

	if (text == NULL)
		return !err->set;
	config->path = mg_strdup(config->arena, path);
	if (!check_text(path, text, len, err))
		return false;
	ini_allow_multiline = true;
	/* " ;" is common in SQL and in passwords */
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_max_line = MG_CONFIG_MAX_LINE;
	ini_initial_alloc = MG_CONFIG_MAX_LINE;
	config->at = text;
	config->err = err;
	rc = ini_parse_stream(read_line, config, handle_line, config);
	config->err = NULL;
	if (rc != 0 && !err->set)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "line is neither [section] nor key = value");
		mg_err_where(err, path, rc > 0 ? rc : config->line);
		mg_err_hint(err, "Comments begin with # or ; in the first column.");
	}
	if (err->set)
		return false;
	warn_readable_password(config, path);
	return true;
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

		if (text != NULL && !set_value(config, (MgSetting) i, text, name, NULL, err))
		{
			mg_err_where(err, name, 0);
			return false;
		}
	}
	for (char **e = environ; *e != NULL; e++)
	{
		size_t len = strcspn(*e, "=");
		bool known = strncmp(*e, "MIGGUARD_", 9) != 0 || strncmp(*e, "MIGGUARD_CONFIG=", 16) == 0;

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
	if (!load_file(config, path, must_exist, err) || !load_environment(config, err))
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
		parse_bool(config->values[setting].text, &value);
	return value;
}

int
mg_config_int(const MgConfig *config, MgSetting setting)
{
	int value = 0;

	if (config->values[setting].text != NULL)
		parse_int(config->values[setting].text, &value);
	return value;
}

long long
mg_config_ms(const MgConfig *config, MgSetting setting)
{
	long long ms = 0;

	if (config->values[setting].text != NULL)
		parse_duration(config->values[setting].text, &ms);
	return ms;
}

MgLevel
mg_config_level(const MgConfig *config, MgSetting setting)
{
	MgLevel level = MG_LEVEL_OFF;

	if (config->values[setting].text != NULL)
		parse_level(config->values[setting].text, &level);
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
	for (size_t i = 0; i < NAMED_SECTIONS; i++)
		if (strcmp(section, named_sections[i]) == 0)
			return config->named[i];
	return NULL;
}

const char *
mg_config_path(const MgConfig *config)
{
	return config->path;
}
