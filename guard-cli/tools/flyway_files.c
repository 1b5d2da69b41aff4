/*
 * flyway_files.c
 *	  Flyway's migration files: names, versions, checksums, placeholders.
 */
#include "flyway_files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <zlib.h>

#include "file.h"
#include "log.h"
#include "text.h"

static const char bom[] = "\xef\xbb\xbf";

/* One part of a version: digits without leading zeros. */
static const char *
version_part(const char **at, size_t *len)
{
	const char *start = *at;

	while (start[0] == '0' && isdigit((unsigned char) start[1]))
		start++;
	*len = strspn(start, "0123456789");
	*at = start + *len;
	if (**at == '.')
		(*at)++;
	return start;
}

int
mg_flyway_version_compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0')
	{
		size_t a_len;
		size_t b_len;
		const char *a_part = *a != '\0' ? version_part(&a, &a_len) : (a_len = 1, "0");
		const char *b_part = *b != '\0' ? version_part(&b, &b_len) : (b_len = 1, "0");
		int order;

		if (a_len != b_len)
			return a_len < b_len ? -1 : 1;
		order = strncmp(a_part, b_part, a_len);
		if (order != 0)
			return order;
		if (a_len == 0)
			break;
	}
	return 0;
}

bool
mg_flyway_is_version(const char *text)
{
	bool digit = false;

	for (; *text != '\0'; text++)
	{
		if (isdigit((unsigned char) *text))
			digit = true;
		else if (*text != '.' || !digit || !isdigit((unsigned char) text[1]))
			return false;
	}
	return digit;
}

int
mg_flyway_checksum(const char *text)
{
	uLong crc = crc32(0, NULL, 0);

	if (strncmp(text, bom, sizeof bom - 1) == 0)
		text += sizeof bom - 1;
	while (*text != '\0')
	{
		size_t len = strcspn(text, "\r\n");

		crc = crc32(crc, (const Bytef *) text, (uInt) len);
		text += len;
		if (*text == '\r' && text[1] == '\n')
			text++;
		text += *text != '\0';
	}
	return (int) (unsigned int) crc;
}

static bool
has_prefix(const char *text, const char *prefix)
{
	return prefix[0] != '\0' && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Underscores of a name stand for blanks in a description, and for dots in a version. */
static char *
with(MgArena *arena, const char *start, size_t len, char replacement)
{
	char *copy = mg_strndup(arena, start, len);

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '_')
			*p = replacement;
	return copy;
}

/* Takes "V1_2__add_users" apart; false when it is no name of a migration of this kind. */
static bool
parse_name(const MgFlywayConfig *config, const char *prefix, MgFlywayKind kind, const char *name,
		   MgFlywayFile *file)
{
	const char *separator = mg_flyway_config_get(config, "sqlMigrationSeparator", "__");
	const char *rest = name + strlen(prefix);
	const char *at = strstr(rest, separator);
	const char *description = at != NULL ? at + strlen(separator) : "";

	if (!has_prefix(name, prefix))
		return false;
	file->kind = kind;
	file->version = NULL;
	file->description = with(config->arena, description, strlen(description), ' ');
	if (kind == MG_FLYWAY_REPEATABLE)
		return at == rest && description[0] != '\0';
	file->version = with(config->arena, rest, at != NULL ? (size_t) (at - rest) : strlen(rest), '.');
	return mg_flyway_is_version(file->version);
}

static void
add_file(MgArena *arena, MgFlywayFiles *files, const MgFlywayFile *file)
{
	/* Room is doubled whenever the count is a power of two. */
	if ((files->count & (files->count - 1)) == 0)
	{
		int size = files->count == 0 ? 1 : files->count * 2;
		MgFlywayFile *items = mg_alloc(arena, (size_t) size * sizeof *items);

		if (files->count > 0)
			memcpy(items, files->items, (size_t) files->count * sizeof *items);
		files->items = items;
	}
	files->items[files->count++] = *file;
}

/* The name without its suffix, NULL when it has none of the suffixes. */
static char *
without_suffix(const MgFlywayConfig *config, const char *name)
{
	MgStrings suffixes;

	mg_strings_init(&suffixes, config->arena);
	mg_flyway_config_list(&suffixes, mg_flyway_config_get(config, "sqlMigrationSuffixes", ".sql"));
	for (int i = 0; i < suffixes.count; i++)
	{
		size_t len = strlen(name);
		size_t end = strlen(suffixes.items[i]);

		if (len > end && strcmp(name + len - end, suffixes.items[i]) == 0)
			return mg_strndup(config->arena, name, len - end);
	}
	return NULL;
}

bool
mg_flyway_file_name(const MgFlywayConfig *config, const char *path, MgFlywayFile *file)
{
	const struct
	{
		const char *key;
		const char *prefix;
		MgFlywayKind kind;
	} kinds[] = {
		{ "sqlMigrationPrefix", "V", MG_FLYWAY_VERSIONED },
		{ "undoSqlMigrationPrefix", "U", MG_FLYWAY_UNDO },
		{ "repeatableSqlMigrationPrefix", "R", MG_FLYWAY_REPEATABLE },
		{ "baselineMigrationPrefix", "B", MG_FLYWAY_BASELINE },
	};
	const char *name = without_suffix(config, mg_file_name(path));

	memset(file, 0, sizeof *file);
	file->path = path;
	for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
	{
		const char *prefix = mg_flyway_config_get(config, kinds[i].key, kinds[i].prefix);

		if (parse_name(config, prefix, kinds[i].kind, name, file))
			return true;
		if (has_prefix(name, prefix))
			mg_log_verbose("flyway: \"%s\" is not the name of a migration", path);
	}
	return false;
}

static void
take_path(const MgFlywayConfig *config, const char *location, const char *path, MgFlywayFiles *files)
{
	MgFlywayFile file;

	if (!mg_flyway_file_name(config, path, &file))
		return;
	file.script = path + strlen(location);
	file.script += strspn(file.script, "/");
	add_file(config->arena, files, &file);
}

/* The directory of a location; NULL with the error set when it is not one. */
static char *
location_directory(const MgFlywayConfig *config, const char *directory, const char *location,
				   MgError *err)
{
	static const char prefix[] = "filesystem:";
	const char *path = location + sizeof prefix - 1;

	if (!has_prefix(location, prefix) || strpbrk(path, "*?") != NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migguard cannot read Flyway's location \"%s\"", location);
		mg_err_hint(err, "Give the directory of the SQL files as \"filesystem:DIRECTORY\", "
						 "without wildcards.");
		return NULL;
	}
	path = mg_file_absolute(config->arena, directory, path);
	if (mg_file_kind(path) != MG_FILE_DIRECTORY)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "Flyway's location \"%s\" is not a directory", path);
		mg_err_hint(err, "Set locations in Flyway's configuration, or workdir in section [tool].");
		return NULL;
	}
	return mg_strdup(config->arena, path);
}

static int
compare_files(const void *a, const void *b)
{
	const MgFlywayFile *one = a;
	const MgFlywayFile *two = b;
	int order = 0;

	if (one->kind != two->kind)
		return one->kind < two->kind ? -1 : 1;
	if (one->version != NULL)
		order = mg_flyway_version_compare(one->version, two->version);
	return order != 0 ? order : strcmp(one->description, two->description);
}

static bool
check_duplicates(const MgFlywayFiles *files, MgError *err)
{
	for (int i = 1; i < files->count; i++)
	{
		const MgFlywayFile *one = &files->items[i - 1];
		const MgFlywayFile *two = &files->items[i];

		if (one->kind != two->kind ||
			(one->version != NULL ? mg_flyway_version_compare(one->version, two->version) != 0 :
									strcmp(one->description, two->description) != 0))
			continue;
		mg_err_set(err, MG_EXIT_CONFIG, "two migrations have the same %s",
				   one->version != NULL ? "version" : "description");
		mg_err_detail(err, "They are \"%s\" and \"%s\".", one->path, two->path);
		return mg_err_hint(err, "Give one of them another number.");
	}
	return true;
}

bool
mg_flyway_files_find(const MgFlywayConfig *config, const char *directory, MgFlywayFiles *files,
					 MgError *err)
{
	MgStrings locations;

	memset(files, 0, sizeof *files);
	mg_strings_init(&locations, config->arena);
	mg_flyway_config_list(&locations, mg_flyway_config_get(config, "locations", "filesystem:sql"));
	for (int i = 0; i < locations.count; i++)
	{
		char *location = location_directory(config, directory, locations.items[i], err);
		MgStrings paths;

		if (location == NULL || !mg_file_walk(config->arena, location, &paths, err))
			return false;
		for (int j = 0; j < paths.count; j++)
			take_path(config, location, paths.items[j], files);
	}
	if (files->count > 1)
		qsort(files->items, (size_t) files->count, sizeof *files->items, compare_files);
	return check_duplicates(files, err);
}

bool
mg_flyway_file_load(MgArena *arena, MgFlywayFile *file, MgError *err)
{
	size_t len;

	if (file->text != NULL)
		return true;
	if (!mg_file_read(arena, file->path, &file->text, &len, err))
		return false;
	if (strlen(file->text) == len)
		return true;
	file->text = NULL;
	return mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not a text", file->path);
}

MgFlywayFile *
mg_flyway_files_version(const MgFlywayFiles *files, MgFlywayKind kind, const char *version)
{
	for (int i = 0; i < files->count; i++)
		if (files->items[i].kind == kind && files->items[i].version != NULL &&
			mg_flyway_version_compare(files->items[i].version, version) == 0)
			return &files->items[i];
	return NULL;
}

/* The value of a placeholder, NULL when it has none. */
static const char *
place_value(const MgFlywayConfig *config, const MgFlywayPlaces *places, const MgFlywayFile *file,
			const char *name)
{
	const char *separator = mg_flyway_config_get(config, "placeholderSeparator", ":");
	const char *own = has_prefix(name, "flyway") ? name + strlen("flyway") : NULL;
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];

	if (own == NULL || !has_prefix(own, separator))
		return mg_flyway_config_get(config, mg_printf(config->arena, "placeholders.%s", name), NULL);
	own += strlen(separator);
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
	if (strcasecmp(own, "defaultSchema") == 0)
		return places->schema;
	if (strcasecmp(own, "user") == 0)
		return places->target->user;
	if (strcasecmp(own, "database") == 0)
		return places->target->database;
	if (strcasecmp(own, "timestamp") == 0)
		return mg_strdup(config->arena, stamp);
	if (strcasecmp(own, "filename") == 0)
		return mg_file_name(file->path);
	if (strcasecmp(own, "workingDirectory") == 0)
		return places->directory;
	if (strcasecmp(own, "table") == 0)
		return places->table;
	if (strcasecmp(own, "environment") == 0)
		return mg_flyway_config_get(config, "environment", "default");
	return NULL;
}

bool
mg_flyway_next_place(const MgFlywayConfig *config, const MgFlywayPlaces *places,
					 const MgFlywayFile *file, const char *text, MgFlywayPlace *place)
{
	const char *prefix = mg_flyway_config_get(config, "placeholderPrefix", "${");
	const char *suffix = mg_flyway_config_get(config, "placeholderSuffix", "}");
	const char *end;

	if (!mg_flyway_config_bool(config, "placeholderReplacement", true))
		return false;
	place->start = strstr(text, prefix);
	end = place->start != NULL ? strstr(place->start + strlen(prefix), suffix) : NULL;
	if (end == NULL)
		return false;
	place->name = mg_strndup(config->arena, place->start + strlen(prefix),
							 (size_t) (end - place->start) - strlen(prefix));
	place->end = end + strlen(suffix);
	place->value = place_value(config, places, file, place->name);
	return true;
}

char *
mg_flyway_replace(const MgFlywayConfig *config, const MgFlywayPlaces *places,
				  const MgFlywayFile *file, const char **missing)
{
	const char *text = file->text;
	MgFlywayPlace place;
	MgBuf buf;

	*missing = NULL;
	mg_buf_init(&buf, config->arena);
	if (strncmp(text, bom, sizeof bom - 1) == 0)
		text += sizeof bom - 1;
	for (; mg_flyway_next_place(config, places, file, text, &place); text = place.end)
	{
		if (place.value == NULL)
		{
			*missing = mg_strndup(config->arena, place.start, (size_t) (place.end - place.start));
			return NULL;
		}
		mg_buf_add_bytes(&buf, text, (size_t) (place.start - text));
		mg_buf_add(&buf, place.value);
	}
	mg_buf_add(&buf, text);
	return buf.data;
}

/* Java's hashCode of a string, over its UTF-16 units. */
static int
java_hash(const char *text)
{
	const char *end = text + strlen(text);
	unsigned int hash = 0;

	while (text < end)
	{
		int len = mg_text_utf8_length(text, end);
		unsigned int code = (unsigned char) *text;

		if (len == 2)
			code = (code & 0x1f) << 6 | ((unsigned char) text[1] & 0x3f);
		else if (len == 3)
			code = (code & 0x0f) << 12 | ((unsigned char) text[1] & 0x3fu) << 6 |
				   ((unsigned char) text[2] & 0x3f);
		else if (len == 4)
		{
			code = (code & 0x07) << 18 | ((unsigned char) text[1] & 0x3fu) << 12 |
				   ((unsigned char) text[2] & 0x3fu) << 6 | ((unsigned char) text[3] & 0x3f);
			code -= 0x10000;
			hash = hash * 31 + (0xd800 | code >> 10);
			code = 0xdc00 | (code & 0x3ff);
		}
		hash = hash * 31 + code;
		text += len > 0 ? len : 1;
	}
	return (int) hash;
}

static void
add_quoted(MgBuf *buf, const char *name)
{
	mg_buf_add(buf, "\"");
	for (; *name != '\0'; name++)
	{
		if (*name == '"')
			mg_buf_add(buf, "\"");
		mg_buf_add_bytes(buf, name, 1);
	}
	mg_buf_add(buf, "\"");
}

long long
mg_flyway_lock_key(MgArena *arena, const char *schema, const char *table)
{
	/* "Flyway" as six bytes */
	static const long long magic = 0x466c79776179LL;
	MgBuf name;

	mg_buf_init(&name, arena);
	add_quoted(&name, schema);
	mg_buf_add(&name, ".");
	add_quoted(&name, table);
	return magic + java_hash(name.data);
}
