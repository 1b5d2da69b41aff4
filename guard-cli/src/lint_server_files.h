/*
 * lint_server_files.h
 *	  Where lint's own server has its programs, and its directory.
 */
#ifndef MG_LINT_SERVER_FILES_H
#define MG_LINT_SERVER_FILES_H

#include <pwd.h>

#include "config.h"

typedef struct MgLintPlaceOfServer
{
	const char *directory; /* NULL: not made */
	const char *data;
	const char *log;
	int lock; /* held while the directory is in use; -1: none */
} MgLintPlaceOfServer;

/* Directory of initdb and postgres: what is set, pg_config's, the newest in the usual places. */
extern bool mg_lint_server_find(MgArena *arena, const MgConfig *config, const char **bindir,
								MgError *err);

/* Makes a directory that only the user (NULL: ours) can enter. */
extern bool mg_lint_server_make_place(MgArena *arena, const struct passwd *user,
									  MgLintPlaceOfServer *place, MgError *err);
extern void mg_lint_server_remove_place(MgLintPlaceOfServer *place);

/* Removes directories of that user's that were left by killed runs. */
extern void mg_lint_server_clean(MgArena *arena, uid_t owner);

#endif
