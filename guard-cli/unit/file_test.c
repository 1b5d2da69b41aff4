/*
 * file_test.c
 *	  Files and directories that are not what they should be, names and checksums.
 */
#include "file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "input.h"
#include "unit.h"

static MgArena *arena;
static MgError err;
static char directory[] = "/tmp/mg-file-XXXXXX";

static char *
path_of(const char *name)
{
	return mg_file_join(arena, directory, name);
}

static bool
reads(const char *path)
{
	const char *text;
	size_t len;

	mg_err_init(&err, arena);
	return mg_file_read(arena, path, &text, &len, &err);
}

static void
test_no_files(void)
{
	int fd;

	unit_ok(!reads(path_of("none")), "a file that is not there");
	unit_contains(err.message, "No such file", "is told so");
	unit_ok(!reads(directory), "a directory");
	unit_contains(err.message, "is not a regular file", "is none");
	fd = open(path_of("huge"), O_WRONLY | O_CREAT, 0600);
	unit_ok(fd >= 0 && ftruncate(fd, 257LL * 1024 * 1024) == 0, "a file of data");
	close(fd);
	unit_ok(!reads(path_of("huge")), "is too large");
	unit_contains(err.message, "is larger than 256 MB", "and told so");
	unlink(path_of("huge"));
	mg_err_init(&err, arena);
	unit_ok(!mg_file_write(path_of("no/where"), "x", &err), "nor is one written below nothing");
	unit_is_int(mg_file_kind("/dev/null"), MG_FILE_OTHER, "a device is no file");
}

static bool
take_line(void *arg, const char *line, MgError *error)
{
	(void) line;
	(void) error;
	++*(int *) arg;
	return true;
}

static void
test_walk(void)
{
	MgStrings paths;
	char *deep = directory;

	mg_err_init(&err, arena);
	unit_ok(!mg_file_walk(arena, path_of("none"), &paths, &err), "no directory to walk");
	mg_err_init(&err, arena);
	unit_ok(!mg_file_list(arena, path_of("none"), &paths, &err), "nor to list");
	mg_err_init(&err, arena);
	unit_ok(mg_file_write(path_of("b"), "", &err) && mg_file_write(path_of("a"), "", &err) &&
				symlink(".", path_of("loop")) == 0 && mg_file_walk(arena, directory, &paths, &err),
			"a directory with a link to itself");
	unit_ok(paths.count == 2 && strcmp(mg_file_name(paths.items[0]), "a") == 0, "in order, once");
	unlink(path_of("loop"));
	for (int i = 0; i < 66; i++)
	{
		deep = mg_file_join(arena, deep, "d");
		if (mkdir(deep, 0700) != 0)
			unit_is(deep, NULL, "a directory is made");
	}
	mg_err_init(&err, arena);
	unit_ok(!mg_file_walk(arena, directory, &paths, &err), "too many directories in each other");
	unit_contains(err.message, "is nested too deeply", "are told so");
	for (; strcmp(deep, directory) != 0; *strrchr(deep, '/') = '\0')
		rmdir(deep);
	unlink(path_of("a"));
	unlink(path_of("b"));
}

static void
test_names(void)
{
	char cwd[4096];
	char *path;
	int fd;
	const char *text;
	size_t len;

	unit_ok(getcwd(cwd, sizeof cwd) != NULL, "where we are");
	unit_is(mg_file_absolute(arena, NULL, "x"), mg_file_join(arena, cwd, "x"), "a relative path");
	unit_is(mg_file_absolute(arena, "/d/", "x"), "/d/x", "one below another");
	unit_is(mg_file_absolute(arena, NULL, ""), cwd, "an empty one");
	unit_is(mg_hash_sha256(arena, "abc", 3),
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "SHA-256");
	mg_err_init(&err, arena);
	unit_ok(mg_file_unnamed(arena, "secret\n", &fd, &path, &err), "a file without a name");
	unit_ok(mg_file_read(arena, path, &text, &len, &err) && len == 7, "has a path nonetheless");
	close(fd);
}

static void
test_lines(void)
{
	int lines = 0;

	mg_err_init(&err, arena);
	unit_ok(!mg_input_lines(directory, take_line, &lines, &err), "a directory has no lines");
	unit_contains(err.message, "could not read", "and is told so");
}

int
main(void)
{
	arena = mg_arena_new();
	if (mkdtemp(directory) == NULL)
		return 1;
	test_no_files();
	test_walk();
	test_names();
	test_lines();
	rmdir(directory);
	mg_arena_free(arena);
	return unit_done();
}
