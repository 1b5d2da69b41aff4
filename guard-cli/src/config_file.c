/*
 * config_file.c
 *	  Reads migguard.ini strictly: what is not understood is an error with file and line.
 *
 * libinih splits the lines; a reader of ours feeds it, to count lines, as the
 * library does not pass their numbers on.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ini.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_internal.h"
#include "log.h"
#include "target.h"
#include "text.h"

#define MG_CONFIG_MAX_LINE 65536
#define MG_CONFIG_MAX_FILE (1024 * 1024)

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
	for (size_t i = 0; section == NULL && i < MG_NAMED_SECTIONS; i++)
		if (mg_text_distance(name, mg_named_sections[i]) < distance)
		{
			distance = mg_text_distance(name, mg_named_sections[i]);
			best = mg_named_sections[i];
		}
	if (section == NULL && mg_text_distance(name, "rules") < distance)
		best = "rules";
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
	for (size_t i = 0; section == NULL && i < MG_NAMED_SECTIONS; i++)
		mg_buf_addf(&buf, ", %s", mg_named_sections[i]);
	if (section == NULL)
		mg_buf_add(&buf, ", rules");
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
				return given_twice(mg_named_sections[section], key, (*at)->where, err);
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

	if (mg_config_is_rules(section))
		return mg_config_take_rule(config, section, key, text, err);
	for (size_t i = 0; i < MG_NAMED_SECTIONS; i++)
		if (strcmp(section, mg_named_sections[i]) == 0)
			return add_named(config, i, key, text, config->continued, err);
	for (int i = 0; i < MG_SETTING_COUNT; i++)
	{
		MgValue *value = &config->values[i];

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
		return mg_config_set_value(config, (MgSetting) i, text,
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
	if (config->section != NULL && strncmp(config->section, section, strlen(section)) == 0)
		section = config->section;
	if (!take_line(config, section, config->full_name, text, config->err))
	{
		mg_err_where(config->err, config->path, config->line);
		return 0;
	}
	return 1;
}

static bool
is_section(const char *name)
{
	bool known = mg_config_is_rules(name);

	for (size_t i = 0; i < MG_NAMED_SECTIONS; i++)
		known |= strcmp(name, mg_named_sections[i]) == 0;
	for (int i = 0; i < MG_SETTING_COUNT; i++)
		known |= strcmp(name, mg_setting_info[i].section) == 0;
	return known;
}

/* Checks a line that begins a section: the library says nothing of one that has no keys, or text behind it. */
static bool
take_section(MgConfig *config, const char *line)
{
	const char *end = strrchr(line, ']');

	if (end == NULL)
		return true;
	config->section = mg_strndup(config->arena, line + 1, (size_t) (end - line - 1));
	if (end[1 + strspn(end + 1, " \t\r")] != '\0')
	{
		mg_err_set(config->err, MG_EXIT_CONFIG, "text stands behind section [%s]", config->section);
		mg_err_hint(config->err, "Keys and comments have lines of their own.");
	}
	else if (!is_section(config->section))
		unknown_section(config, config->section, config->err);
	return !config->err->set || mg_err_where(config->err, config->path, config->line);
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
	if (out[0] == '[' && !take_section(config, out))
		return NULL;
	config->at += len + (config->at[len] == '\n');
	return out;
}

/* A group that is nobody's but the owner's, as many systems make for each user. */
static bool
is_private_group(const struct stat *st)
{
	const struct passwd *owner = getpwuid(st->st_uid);
	const struct group *group = owner != NULL ? getgrgid(st->st_gid) : NULL;

	if (group == NULL || owner->pw_gid != st->st_gid || strcmp(owner->pw_name, group->gr_name) != 0)
		return false;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, owner->pw_name) != 0)
			return false;
	return true;
}

/* The file names programs that are run; so it must be what it looks like, and nobody else's to change. */
static bool
check_file(const char *path, const struct stat *st, MgError *err)
{
	if (!S_ISREG(st->st_mode))
		return mg_err_set(err, MG_EXIT_CONFIG, "configuration file \"%s\" is not a regular file",
						  path);
	if (st->st_size > MG_CONFIG_MAX_FILE)
		return mg_err_set(err, MG_EXIT_CONFIG, "configuration file \"%s\" is larger than 1 MB", path);
	if ((st->st_mode & S_IWOTH) == 0 && ((st->st_mode & S_IWGRP) == 0 || is_private_group(st)))
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "configuration file \"%s\" can be written by others", path);
	mg_err_detail(err, "Whoever writes it has programs run as this user.");
	return mg_err_hint(err, "Take that from them: chmod go-w.");
}

static char *
read_file(MgArena *arena, const char *path, bool must_exist, size_t *len, MgError *err)
{
	/* at once also where a FIFO would wait for somebody to write */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat st;

	if (fd < 0)
	{
		if (errno == ENOMEM)
			mg_out_of_memory();
		if (errno == ENOENT && !must_exist)
			return NULL;
		mg_err_set(err, MG_EXIT_CONFIG, "could not open configuration file \"%s\": %s", path,
				   strerror(errno));
		if (errno == ENOENT)
			mg_err_hint(err, "\"migguard init\" writes one with every setting explained.");
		return NULL;
	}
	if (fstat(fd, &st) != 0)
		mg_err_set(err, MG_EXIT_CONFIG, "could not look at configuration file \"%s\": %s", path,
				   strerror(errno));
	else if (check_file(path, &st, err))
	{
		ssize_t got;

		text = mg_alloc(arena, (size_t) st.st_size + 1);
		while ((got = read(fd, text + *len, (size_t) st.st_size - *len)) > 0 ||
			   (got < 0 && errno == EINTR))
			*len += got > 0 ? (size_t) got : 0;
		if (got < 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "could not read configuration file \"%s\": %s", path,
					   strerror(errno));
			text = NULL;
		}
	}
	close(fd);
	return text;
}

/* Control characters have no meaning in it; a carriage return has one at the end of a line. */
static bool
is_control(const char *p)
{
	return ((unsigned char) *p < 0x20 && *p != '\t' && *p != '\n' && !(*p == '\r' && p[1] == '\n')) ||
		   *p == 0x7F;
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
		if (is_control(p))
		{
			mg_err_set(err, MG_EXIT_CONFIG, "control character 0x%02x", (unsigned char) *p);
			mg_err_hint(err, "Remove it; lines end with LF or CR LF.");
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
		const MgValue *value = &config->values[urls[i]];

		/* "variable" in the source marks what came through env:NAME */
		if (value->line == 0 || value->text == NULL || strstr(value->source, ", variable ") != NULL)
			continue;
		if (mg_target_holds_password(value->text))
			mg_log_warning("%s:%d: the file holds a password and others can read it: use "
						   "env:NAME, or chmod 600",
						   path, value->line);
	}
}

bool
mg_config_read_file(MgConfig *config, const char *path, bool must_exist, MgError *err)
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
	/* a mark that some editors put before UTF-8 */
	config->at = strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
	config->err = err;
	rc = ini_parse_stream(read_line, config, handle_line, config);
	config->err = NULL;
	/* the library's own number for it */
	if (rc == -2)
		mg_out_of_memory();
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
