/*
 * file.c
 *	  Whole files and directories.
 */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A migration larger than this is data, which psql should load. */
#define MG_FILE_MAX	  (256 * 1024 * 1024)
#define MG_FILE_DEPTH 64

MgFileKind
mg_file_kind(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return MG_FILE_ABSENT;
	if (S_ISREG(st.st_mode))
		return MG_FILE_REGULAR;
	return S_ISDIR(st.st_mode) ? MG_FILE_DIRECTORY : MG_FILE_OTHER;
}

static bool
cannot_read(const char *path, MgError *err)
{
	mg_err_set(err, MG_EXIT_CONFIG, "could not read \"%s\": %s", path, strerror(errno));
	return false;
}

bool
mg_file_read(MgArena *arena, const char *path, const char **text, size_t *len, MgError *err)
{
	struct stat st;
	size_t size;
	char *data;
	bool ok = false;
	/* at once also where a FIFO would wait for somebody to write */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*text = NULL;
	*len = 0;
	if (fd < 0)
		return cannot_read(path, err);
	if (fstat(fd, &st) != 0)
	{
		cannot_read(path, err);
		goto done;
	}
	if (!S_ISREG(st.st_mode))
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not a regular file", path);
		goto done;
	}
	if (st.st_size > MG_FILE_MAX)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is larger than %d MB", path,
				   MG_FILE_MAX / 1024 / 1024);
		goto done;
	}
	size = (size_t) st.st_size;
	data = mg_alloc(arena, size + 1);
	while (*len < size)
	{
		ssize_t got = read(fd, data + *len, size - *len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			cannot_read(path, err);
			goto done;
		}
		if (got == 0)
			break;
		*len += (size_t) got;
	}
	*text = data;
	ok = true;
done:
	close(fd);
	return ok;
}

bool
mg_file_write(const char *path, const char *text, MgError *err)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok = fd >= 0;

	for (size_t done = 0; ok && done < len;)
	{
		ssize_t put = write(fd, text + done, len - done);

		if (put > 0)
			done += (size_t) put;
		ok = put >= 0 || errno == EINTR;
	}
	/* a full disk may be noticed only now */
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok || mg_err_set(err, MG_EXIT_CONFIG, "could not write \"%s\": %s", path, strerror(errno));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
sort_strings(MgStrings *list)
{
	if (list->count > 1)
		qsort(list->items, (size_t) list->count, sizeof list->items[0], compare_names);
}

bool
mg_file_list(MgArena *arena, const char *directory, MgStrings *names, MgError *err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool ok = false;

	mg_strings_init(names, arena);
	if (dir == NULL)
		return cannot_read(directory, err);
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			mg_strings_add(names, entry->d_name);
	ok = errno == 0 || cannot_read(directory, err);
	closedir(dir);
	sort_strings(names);
	return ok;
}

/* The directories above, so that a link to one of them is no endless way. */
typedef struct Above
{
	const struct Above *up;
	dev_t dev;
	ino_t ino;
	int depth;
} Above;

static bool
walk(MgArena *arena, const char *directory, const Above *up, MgStrings *paths, MgError *err)
{
	MgStrings names;
	struct stat st;
	Above here;

	if (stat(directory, &st) != 0)
		return cannot_read(directory, err);
	here = (Above){ up, st.st_dev, st.st_ino, up != NULL ? up->depth + 1 : 0 };
	for (const Above *a = up; a != NULL; a = a->up)
		if (a->dev == here.dev && a->ino == here.ino)
			return true;
	if (here.depth > MG_FILE_DEPTH)
		return mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is nested too deeply", directory);
	if (!mg_file_list(arena, directory, &names, err))
		return false;
	for (int i = 0; i < names.count; i++)
	{
		char *path = mg_file_join(arena, directory, names.items[i]);
		MgFileKind kind = mg_file_kind(path);

		if (kind == MG_FILE_REGULAR)
			mg_strings_add(paths, path);
		else if (kind == MG_FILE_DIRECTORY && !walk(arena, path, &here, paths, err))
			return false;
	}
	return true;
}

bool
mg_file_walk(MgArena *arena, const char *directory, MgStrings *paths, MgError *err)
{
	mg_strings_init(paths, arena);
	if (!walk(arena, directory, NULL, paths, err))
		return false;
	sort_strings(paths);
	return true;
}

char *
mg_file_join(MgArena *arena, const char *directory, const char *name)
{
	size_t len = strlen(directory);

	return mg_printf(arena, len > 0 && directory[len - 1] == '/' ? "%s%s" : "%s/%s", directory, name);
}

const char *
mg_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

char *
mg_file_absolute(MgArena *arena, const char *directory, const char *path)
{
	char *cwd;
	char *base;

	if (path[0] == '/')
		return mg_strdup(arena, path);
	if (directory != NULL)
		return mg_file_absolute(arena, NULL, mg_file_join(arena, directory, path));
	cwd = getcwd(NULL, 0);
	if (cwd == NULL && errno == ENOMEM)
		mg_out_of_memory();
	base = mg_strdup(arena, cwd != NULL ? cwd : ".");
	free(cwd);
	return path[0] != '\0' ? mg_file_join(arena, base, path) : base;
}

bool
mg_file_unnamed(MgArena *arena, const char *text, int *fd, char **path, MgError *err)
{
	size_t len = strlen(text);

	*fd = memfd_create("migguard", MFD_CLOEXEC);
	if (*fd < 0 || fchmod(*fd, S_IRUSR | S_IWUSR) != 0)
		goto failed;
	for (size_t done = 0; done < len;)
	{
		ssize_t put = write(*fd, text + done, len - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			goto failed;
		done += (size_t) put;
	}
	*path = mg_printf(arena, "/proc/%ld/fd/%d", (long) getpid(), *fd);
	return true;
failed:
	mg_err_set(err, MG_EXIT_INTERNAL, "could not make a temporary file: %s", strerror(errno));
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return false;
}
