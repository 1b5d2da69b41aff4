/*
 * sql_files.c
 *	  A directory of plain SQL migrations: N_name.up.sql and N_name.down.sql.
 */
#include "sql_files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "hash.h"
#include "log.h"
#include "text.h"

const char *
mg_sql_without_zeros(const char *digits)
{
	while (digits[0] == '0' && isdigit((unsigned char) digits[1]))
		digits++;
	return digits;
}

int
mg_sql_version_compare(const char *a, const char *b)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

static int
compare_entries(const void *a, const void *b)
{
	return mg_sql_version_compare(((const MgSqlEntry *) a)->version,
								  ((const MgSqlEntry *) b)->version);
}

bool
mg_sql_is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* "0007_add_users.up.sql" */
static bool
parse_name(MgArena *arena, const char *name, const char **version, const char **title,
		   MgDirection *direction)
{
	static const char *const ends[] = { [MG_UP] = ".up.sql", [MG_DOWN] = ".down.sql" };
	size_t len = strlen(name);
	size_t digits = strspn(name, "0123456789");

	if (digits == 0 || name[digits] != '_')
		return false;
	for (int d = MG_UP; d <= MG_DOWN; d++)
	{
		size_t end = strlen(ends[d]);

		if (len <= digits + 1 + end || strcmp(name + len - end, ends[d]) != 0)
			continue;
		*version = mg_strdup(arena, mg_sql_without_zeros(mg_strndup(arena, name, digits)));
		*title = mg_strndup(arena, name + digits + 1, len - digits - 1 - end);
		*direction = d;
		return true;
	}
	return false;
}

MgSqlEntry *
mg_sql_files_version(const MgSqlFiles *files, const char *version)
{
	for (int i = 0; i < files->count; i++)
		if (strcmp(files->items[i].version, version) == 0)
			return &files->items[i];
	return NULL;
}

static bool
add_file(MgArena *arena, MgSqlFiles *files, const char *name, MgError *err)
{
	const char *version;
	const char *title;
	MgDirection direction;
	size_t len = strlen(name);
	MgSqlEntry *entry;

	if (!parse_name(arena, name, &version, &title, &direction))
	{
		/* What looks like a migration and is none would be left out without a word. */
		if (isdigit((unsigned char) name[0]) && len > 4 && strcmp(name + len - 4, ".sql") == 0)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not the name of a migration", name);
			mg_err_detail(err, "It is in directory \"%s\".", files->directory);
			return mg_err_hint(err, "Name it NUMBER_name.up.sql or NUMBER_name.down.sql.");
		}
		if (len > 4 && strcmp(name + len - 4, ".sql") == 0)
			mg_log_warning("\"%s\" is not the name of a migration and is left out", name);
		return true;
	}
	if (!mg_text_is_utf8(name, len))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "the name of migration \"%s\" is not UTF-8", name);
		return mg_err_hint(err, "Rename the file.");
	}
	entry = mg_sql_files_version(files, version);
	if (entry == NULL)
	{
		entry = &files->items[files->count++];
		entry->version = version;
		entry->title = title;
	}
	if (entry->files[direction].name != NULL)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" and \"%s\" have the same number",
				   entry->files[direction].name, name);
		mg_err_detail(err, "They are in directory \"%s\".", files->directory);
		return mg_err_hint(err, "Give one of them another number.");
	}
	entry->files[direction].name = mg_strdup(arena, name);
	entry->files[direction].path = mg_file_join(arena, files->directory, name);
	return true;
}

/* The pairs: a downgrade needs its upgrade, and an upgrade should have a downgrade. */
static bool
check_pairs(MgSqlFiles *files, MgError *err)
{
	for (int i = 0; i < files->count; i++)
	{
		const MgSqlEntry *entry = &files->items[i];

		if (entry->files[MG_UP].name == NULL)
		{
			mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" has no .up.sql with the same number",
					   entry->files[MG_DOWN].name);
			mg_err_detail(err, "It is in directory \"%s\".", files->directory);
			return mg_err_hint(err, "Add the file, or remove this one.");
		}
		if (entry->files[MG_DOWN].name == NULL)
			mg_log_verbose("\"%s\" has no .down.sql and cannot be taken back",
						   entry->files[MG_UP].name);
		else if (strncmp(strchr(entry->files[MG_UP].name, '_'),
						 strchr(entry->files[MG_DOWN].name, '_'), strlen(entry->title) + 1) != 0)
			mg_log_warning("\"%s\" and \"%s\" are a pair by their number, but have different names",
						   entry->files[MG_UP].name, entry->files[MG_DOWN].name);
	}
	return true;
}

bool
mg_sql_file_load(MgArena *arena, MgSqlFile *file, MgError *err)
{
	size_t len;

	if (file->text != NULL)
		return true;
	if (!mg_file_read(arena, file->path, &file->text, &len, err))
		return false;
	if (strlen(file->text) != len || !mg_text_is_utf8(file->text, len))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "migration \"%s\" is not a text in UTF-8", file->path);
		file->text = NULL;
		return mg_err_hint(err, "Convert the file to UTF-8.");
	}
	file->checksum = mg_hash_sha256(arena, file->text, len);
	return true;
}

bool
mg_sql_files_find(MgArena *arena, const char *directory, MgSqlFiles *files, MgError *err)
{
	MgStrings names;

	memset(files, 0, sizeof *files);
	files->directory = directory;
	if (!mg_file_list(arena, directory, &names, err))
		return false;
	files->items = mg_alloc(arena, (size_t) (names.count + 1) * sizeof *files->items);
	for (int i = 0; i < names.count; i++)
		if (!add_file(arena, files, names.items[i], err))
			return false;
	qsort(files->items, (size_t) files->count, sizeof *files->items, compare_entries);
	return check_pairs(files, err);
}
