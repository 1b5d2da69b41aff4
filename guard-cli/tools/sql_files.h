/*
 * sql_files.h
 *	  A directory of plain SQL migrations: N_name.up.sql and N_name.down.sql.
 */
#ifndef MG_SQL_FILES_H
#define MG_SQL_FILES_H

#include "err.h"
#include "tool.h"

typedef struct MgSqlFile
{
	const char *name; /* NULL: there is none */
	const char *path;
	const char *text; /* NULL: not read yet */
	const char *checksum;
} MgSqlFile;

typedef struct MgSqlEntry
{
	const char *version; /* without leading zeros */
	const char *title;
	MgSqlFile files[2]; /* by MgDirection */
} MgSqlEntry;

typedef struct MgSqlFiles
{
	const char *directory;
	MgSqlEntry *items; /* by number */
	int count;
} MgSqlFiles;

/* Reads the names; duplicates, halves of pairs and names with a slip are errors. */
extern bool mg_sql_files_find(MgArena *arena, const char *directory, MgSqlFiles *files, MgError *err);

/* Reads a file when it is first needed. */
extern bool mg_sql_file_load(MgArena *arena, MgSqlFile *file, MgError *err);

extern MgSqlEntry *mg_sql_files_version(const MgSqlFiles *files, const char *version);

/* Numbers of any width, without leading zeros. */
extern int mg_sql_version_compare(const char *a, const char *b);
extern bool mg_sql_is_number(const char *text);
extern const char *mg_sql_without_zeros(const char *digits);

#endif
