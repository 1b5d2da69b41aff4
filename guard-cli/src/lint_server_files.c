/*
 * lint_server_files.c
 *	  Where lint's own server has its programs, and its directory.
 */
#include "lint_server_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "file.h"
#include "log.h"

#define MG_PREFIX		"migguard-lint-"
#define MG_LOCK			"lock"
#define MG_PG_CONFIG_MS 10000
#define MG_UNLOCKED_S \
	3600 /* a directory without a lock is one that is being made, but not for so long */
#define MG_SOCKET_MAX 80 /* a socket's path has little room */

extern char **environ;

static bool
has_server(MgArena *arena, const char *directory)
{
	return access(mg_file_join(arena, directory, "initdb"), X_OK) == 0 &&
		   access(mg_file_join(arena, directory, "postgres"), X_OK) == 0;
}

/* What pg_config says; NULL when there is none. */
static char *
ask_pg_config(MgArena *arena)
{
	char *argv[] = { (char *) "pg_config", (char *) "--bindir", NULL };
	MgChildSpec spec = {
		.argv = argv, .env = environ, .timeout_ms = MG_PG_CONFIG_MS, .stop_on_signal = true
	};
	MgChildResult result;
	MgError ignored;

	mg_err_init(&ignored, arena);
	if (!mg_child_run(arena, &spec, &result, &ignored) || !mg_child_succeeded(&result))
		return NULL;
	return mg_strndup(arena, result.out, strcspn(result.out, "\n"));
}

/* The newest of the directories in the places where systems put them; NULL when there is none. */
static char *
find_newest(MgArena *arena)
{
	static const char *const patterns[] = { "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
											"/usr/local/pgsql/bin",
											"/opt/homebrew/opt/postgresql@*/bin" };
	char *newest = NULL;

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
	{
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			if (has_server(arena, found.gl_pathv[j]) &&
				(newest == NULL || strverscmp(found.gl_pathv[j], newest) > 0))
				newest = mg_strdup(arena, found.gl_pathv[j]);
		globfree(&found);
		if (newest != NULL)
			break;
	}
	return newest;
}

bool
mg_lint_server_find(MgArena *arena, const MgConfig *config, const char **bindir, MgError *err)
{
	const char *set = mg_config_string(config, MG_SET_LINT_SERVER_BINDIR);
	const char *asked;

	if (set != NULL)
	{
		*bindir = mg_file_absolute(arena, NULL, set);
		if (has_server(arena, *bindir))
			return true;
		mg_err_set(err, MG_EXIT_CONFIG, "there is no initdb and postgres in \"%s\"", set);
		return mg_err_hint(err, "It is named by %s.",
						   mg_config_source(config, MG_SET_LINT_SERVER_BINDIR));
	}
	asked = ask_pg_config(arena);
	*bindir = asked != NULL && has_server(arena, asked) ? asked : find_newest(arena);
	if (*bindir != NULL)
		return true;
	mg_err_set(err, MG_EXIT_UNAVAILABLE,
			   "no database is named, and no PostgreSQL server is installed");
	mg_err_detail(err, "Without a database lint starts a server of its own. It was looked for by "
					   "pg_config and in /usr/lib/postgresql.");
	return mg_err_hint(err, "Name a database by --database-url, or the directory of initdb by "
							"[lint] server_bindir.");
}

/* Directories for such directories: TMPDIR unless its name is too long for a socket's path. */
static const char *
temporary(void)
{
	const char *directory = getenv("TMPDIR");

	return directory != NULL && directory[0] == '/' && strlen(directory) < MG_SOCKET_MAX - 30 ?
			   directory :
			   "/tmp";
}

static bool
cannot(const char *what, const char *path, MgError *err)
{
	return mg_err_set(err, MG_EXIT_UNAVAILABLE, "could not %s \"%s\": %s", what, path,
					  strerror(errno));
}

bool
mg_lint_server_make_place(MgArena *arena, const struct passwd *user, MgLintPlaceOfServer *place,
						  MgError *err)
{
	char *directory = mg_printf(arena, "%s/" MG_PREFIX "XXXXXX", temporary());
	char *early;
	char *lock;

	place->lock = -1;
	if (mkdtemp(directory) == NULL)
		return cannot("make", directory, err);
	place->directory = directory;
	place->data = mg_file_join(arena, directory, "data");
	place->log = mg_file_join(arena, directory, "log");
	early = mg_file_join(arena, directory, "lock.new");
	lock = mg_file_join(arena, directory, MG_LOCK);
	place->lock = open(early, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* the name is there only when the lock is held */
	if (place->lock < 0 || flock(place->lock, LOCK_EX | LOCK_NB) != 0 || rename(early, lock) != 0)
		return cannot("lock", lock, err);
	if (user != NULL && (chown(lock, user->pw_uid, user->pw_gid) != 0 ||
						 chown(directory, user->pw_uid, user->pw_gid) != 0))
		return cannot("give away", directory, err);
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void) st;
	(void) type;
	(void) ftw;
	remove(path);
	return 0;
}

static void
remove_tree(const char *directory)
{
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
mg_lint_server_remove_place(MgLintPlaceOfServer *place)
{
	if (place->directory != NULL)
		remove_tree(place->directory);
	if (place->lock >= 0)
		close(place->lock);
	place->directory = NULL;
	place->lock = -1;
}

/* Nobody holds the directory, and it is that user's. */
static bool
is_left(MgArena *arena, const char *directory, uid_t owner)
{
	struct stat st;
	int lock;
	bool left;

	if (lstat(directory, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != owner ||
		(st.st_mode & 077) != 0)
		return false;
	lock = open(mg_file_join(arena, directory, MG_LOCK), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock < 0)
		return errno == ENOENT && time(NULL) - st.st_mtime > MG_UNLOCKED_S;
	left = flock(lock, LOCK_EX | LOCK_NB) == 0;
	close(lock);
	return left;
}

void
mg_lint_server_clean(MgArena *arena, uid_t owner)
{
	MgStrings names;
	MgError ignored;

	mg_err_init(&ignored, arena);
	if (!mg_file_list(arena, temporary(), &names, &ignored))
		return;
	for (int i = 0; i < names.count; i++)
	{
		char *directory = mg_file_join(arena, temporary(), names.items[i]);

		if (strncmp(names.items[i], MG_PREFIX, strlen(MG_PREFIX)) != 0 ||
			!is_left(arena, directory, owner))
			continue;
		mg_log_verbose("\"%s\" is left of a run that was killed: removed", directory);
		remove_tree(directory);
	}
}
