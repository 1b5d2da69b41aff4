/*
 * flyway_files.h
 *	  Flyway's migration files: names, versions, checksums, placeholders.
 */
#ifndef MG_FLYWAY_FILES_H
#define MG_FLYWAY_FILES_H

#include "flyway_config.h"
#include "target.h"

typedef enum MgFlywayKind
{
	MG_FLYWAY_VERSIONED,
	MG_FLYWAY_UNDO,
	MG_FLYWAY_REPEATABLE,
	MG_FLYWAY_BASELINE
} MgFlywayKind;

typedef struct MgFlywayFile
{
	MgFlywayKind kind;
	const char *version; /* as Flyway shows it; NULL for a repeatable */
	const char *description;
	const char *path;
	const char *script; /* below its location, as in the history */
	const char *text;	/* NULL: not read yet */
} MgFlywayFile;

typedef struct MgFlywayFiles
{
	MgFlywayFile *items; /* by kind, then by version, then by description */
	int count;
} MgFlywayFiles;

/* What the placeholders of Flyway's own stand for. */
typedef struct MgFlywayPlaces
{
	const MgTarget *target;
	const char *schema;
	const char *table;
	const char *directory;
} MgFlywayPlaces;

/* Finds the files in all locations; directory: where relative ones begin. */
extern bool mg_flyway_files_find(const MgFlywayConfig *config, const char *directory,
								 MgFlywayFiles *files, MgError *err);

/* Takes the name of a file apart; false when it is no migration's. */
extern bool mg_flyway_file_name(const MgFlywayConfig *config, const char *path, MgFlywayFile *file);

extern bool mg_flyway_file_load(MgArena *arena, MgFlywayFile *file, MgError *err);

/* The file of a kind and version, NULL when there is none. */
extern MgFlywayFile *mg_flyway_files_version(const MgFlywayFiles *files, MgFlywayKind kind,
											 const char *version);

/* Compares "1.2.10" and "1.10" by their numbers; missing parts are 0. */
extern int mg_flyway_version_compare(const char *a, const char *b);
extern bool mg_flyway_is_version(const char *text);

/* Flyway's checksum: CRC32 over the lines without their ends, as a signed number. */
extern int mg_flyway_checksum(const char *text);

/* A placeholder in a text. */
typedef struct MgFlywayPlace
{
	const char *start; /* with its marks, as far as end */
	const char *end;
	const char *name;
	const char *value; /* NULL: it has none */
} MgFlywayPlace;

/* Finds the first one of the text; false when there is none. */
extern bool mg_flyway_next_place(const MgFlywayConfig *config, const MgFlywayPlaces *places,
								 const MgFlywayFile *file, const char *text, MgFlywayPlace *place);

/* The text with placeholders replaced; NULL and *missing set when one has no value. */
extern char *mg_flyway_replace(const MgFlywayConfig *config, const MgFlywayPlaces *places,
							   const MgFlywayFile *file, const char **missing);

/* The key of Flyway's advisory lock for a history table. */
extern long long mg_flyway_lock_key(MgArena *arena, const char *schema, const char *table);

#endif
