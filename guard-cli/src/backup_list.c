/*
 * backup_list.c
 *	  The backups of a directory, newest first.
 */
#include "backup_list.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup_file.h"
#include "file.h"
#include "log.h"

static int
newest_first(const void *a, const void *b)
{
	const MgBackup *one = a;
	const MgBackup *other = b;
	int order = strcmp(other->created_at, one->created_at);

	return order != 0 ? order : strcmp(one->path, other->path);
}

/* Partial ones belong to somebody who is at work, or to the next backup to remove. */
static bool
is_partial(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(MG_PARTIAL) && strcmp(name + len - strlen(MG_PARTIAL), MG_PARTIAL) == 0;
}

bool
mg_backup_list(MgArena *arena, const char *directory, bool strict, MgBackups *list, MgError *err)
{
	MgStrings names;

	*list = (MgBackups){ NULL, 0 };
	if (mg_file_kind(directory) == MG_FILE_ABSENT)
		return true;
	if (!mg_file_list(arena, directory, &names, err))
		return false;
	list->items = mg_alloc(arena, (size_t) (names.count + 1) * sizeof(MgBackup));
	for (int i = 0; i < names.count; i++)
	{
		const char *path = mg_file_join(arena, directory, names.items[i]);
		MgError fault;

		mg_err_init(&fault, arena);
		if (is_partial(names.items[i]) || mg_file_kind(path) != MG_FILE_DIRECTORY)
			continue;
		if (mg_manifest_read(arena, path, &list->items[list->count], &fault))
			list->count++;
		else if (strict)
		{
			*err = fault;
			return false;
		}
		else
			mg_log_warning("%s", fault.message);
	}
	qsort(list->items, (size_t) list->count, sizeof(MgBackup), newest_first);
	return true;
}

long long
mg_backup_age(const MgBackup *backup)
{
	struct tm utc = { 0 };

	if (strptime(backup->created_at, "%Y%m%dT%H%M%SZ", &utc) == NULL)
		return 0;
	return (long long) time(NULL) - (long long) timegm(&utc);
}

bool
mg_backup_choose(MgArena *arena, const MgConfig *config, const MgStrings *needed,
				 const char *database, const MgBackups *all, MgBackups *doomed, MgError *err)
{
	int keep = mg_config_int(config, MG_SET_BACKUP_KEEP);
	long long keep_ms = mg_config_ms(config, MG_SET_BACKUP_KEEP_FOR);
	int seen = 0;
	bool whole_seen = false;

	if (keep < 0)
		return mg_err_set(err, MG_EXIT_CONFIG, "invalid number of backups to keep: %d", keep);
	*doomed = (MgBackups){ mg_alloc(arena, (size_t) (all->count + 1) * sizeof(MgBackup)), 0 };
	for (int i = 0; i < all->count; i++)
	{
		const MgBackup *backup = &all->items[i];
		bool newest_whole = !whole_seen && strcmp(backup->kind, "full") == 0;

		/* those of other databases are for who knows their ledger */
		if (strcmp(backup->database, database) != 0)
			continue;
		whole_seen = whole_seen || newest_whole;
		if (seen++ < keep || newest_whole || mg_strings_has(needed, backup->manifest_sha256) ||
			(keep_ms > 0 && mg_backup_age(backup) * 1000 <= keep_ms))
			continue;
		doomed->items[doomed->count++] = *backup;
	}
	return true;
}
