/*
 * file.h
 *	  Whole files, directories and checksums of migrations.
 */
#ifndef MG_FILE_H
#define MG_FILE_H

#include "err.h"

typedef enum MgFileKind
{
	MG_FILE_ABSENT,
	MG_FILE_REGULAR,
	MG_FILE_DIRECTORY,
	MG_FILE_OTHER
} MgFileKind;

/* What the path leads to, links followed. */
extern MgFileKind mg_file_kind(const char *path);

/* The whole file; text is terminated and may hold NUL bytes, len counts them. */
extern bool mg_file_read(MgArena *arena, const char *path, const char **text, size_t *len,
						 MgError *err);

/* Writes the whole file, over one that is there. */
extern bool mg_file_write(const char *path, const char *text, MgError *err);

/* Names in a directory without "." and "..", sorted by bytes. */
extern bool mg_file_list(MgArena *arena, const char *directory, MgStrings *names, MgError *err);

/* Paths of all regular files below a directory, sorted by bytes; links are followed, but no
 * directory is entered twice on one way down. */
extern bool mg_file_walk(MgArena *arena, const char *directory, MgStrings *paths, MgError *err);

extern char *mg_file_join(MgArena *arena, const char *directory, const char *name);
extern const char *mg_file_name(const char *path); /* behind the last slash */
/* Absolute, below the directory when it is relative (NULL: the working directory). */
extern char *mg_file_absolute(MgArena *arena, const char *directory, const char *path);

/*
 * A file that has no name in any directory and is gone with this process, however it
 * ends; path leads to it for other processes of this user.  Close fd when done.
 */
extern bool mg_file_unnamed(MgArena *arena, const char *text, int *fd, char **path, MgError *err);

#endif
