/*
 * backup_place.c
 *	  The directory of backups: private, partial ones known by a lock, whole ones by one rename.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_file.h"
#include "failpoint.h"
#include "file.h"
#include "log.h"

#define OPEN_DIRECTORIES 16 /* of nftw */

/* The directory that holds all backups: created for us alone; one that others may change is refused. */
static bool
make_directory(const char *path, MgError *err)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return mg_backup_file_error("create directory", path, errno, err);
	if (lstat(path, &st) != 0)
		return mg_backup_file_error("look at", path, errno, err);
	if (!S_ISDIR(st.st_mode))
		return mg_backup_file_error("use", path, ENOTDIR, err);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || st.st_uid != geteuid())
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup directory \"%s\" is %s", path,
				   st.st_uid != geteuid() ? "somebody else's" : "writable by others");
		return mg_err_hint(err, "Make it yours alone by: chown and chmod 700");
	}
	return true;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void) st;
	(void) ftw;
	return type == FTW_DP || type == FTW_D ? rmdir(path) : unlink(path);
}

bool
mg_backup_remove(const char *path, MgError *err)
{
	return nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ||
		   mg_backup_file_error("remove", path, errno, err);
}

static int
sync_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int saved = errno;

	(void) st;
	(void) type;
	(void) ftw;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return rc;
}

bool
mg_backup_sync(const char *path, MgError *err)
{
	return nftw(path, sync_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ||
		   mg_backup_file_error("sync", path, errno, err);
}

bool
mg_backup_files(MgArena *arena, const char *path, MgStrings *names, MgError *err)
{
	MgStrings paths;
	size_t skip = strlen(path) + 1;

	mg_strings_init(names, arena);
	if (!mg_file_walk(arena, path, &paths, err))
		return false;
	for (int i = 0; i < paths.count; i++)
		mg_strings_add(names, paths.items[i] + skip);
	return true;
}

/* A locked one belongs to a process that lives. */
static int
lock_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
	{
		close(fd);
		return -1;
	}
	return fd;
}

static bool
remove_dead(MgBackupJob *job, const char *directory, MgError *err)
{
	MgStrings names;

	if (!mg_file_list(job->arena, directory, &names, err))
		return false;
	for (int i = 0; i < names.count; i++)
	{
		const char *path = mg_file_join(job->arena, directory, names.items[i]);
		size_t len = strlen(names.items[i]);
		size_t ending = strlen(MG_PARTIAL);
		int fd;

		if (len <= ending || strcmp(names.items[i] + len - ending, MG_PARTIAL) != 0 ||
			(fd = lock_directory(path)) < 0)
			continue;
		mg_log_warning("removed \"%s\", which a backup that died has left", path);
		if (!mg_backup_remove(path, err))
		{
			close(fd);
			return false;
		}
		close(fd);
	}
	return true;
}

bool
mg_backup_begin(MgBackupJob *job, const char *directory, const char *name, MgError *err)
{
	job->work_fd = -1;
	if (!make_directory(directory, err) || !remove_dead(job, directory, err))
		return false;
	job->backup.path = mg_file_join(job->arena, directory, name);
	job->work = mg_printf(job->arena, "%s%s", job->backup.path, MG_PARTIAL);
	if (mkdir(job->work, 0700) != 0)
		return mg_backup_file_error("create directory", job->work, errno, err);
	job->work_fd = lock_directory(job->work);
	mg_failpoint("dump.begun");
	return job->work_fd >= 0 || mg_backup_file_error("lock", job->work, errno, err);
}

bool
mg_backup_commit(MgBackupJob *job, const char *directory, MgError *err)
{
	if (!mg_backup_sync(job->work, err))
		return false;
	mg_failpoint("dump.verified");
	if (renameat2(AT_FDCWD, job->work, AT_FDCWD, job->backup.path, RENAME_NOREPLACE) != 0)
		return mg_backup_file_error("rename", job->work, errno, err);
	mg_failpoint("dump.renamed");
	close(job->work_fd);
	job->work_fd = -1;
	job->work = NULL;
	return sync_entry(directory, NULL, 0, NULL) == 0 ||
		   mg_backup_file_error("sync", directory, errno, err);
}

void
mg_backup_abandon(MgBackupJob *job)
{
	MgError fault;

	mg_err_init(&fault, job->arena);
	if (job->work != NULL && job->work_fd >= 0 && !mg_backup_remove(job->work, &fault))
		mg_log_warning("%s", fault.message);
	if (job->work_fd >= 0)
		close(job->work_fd);
	job->work_fd = -1;
	job->work = NULL;
}
