/*
 * backup_list.h
 *	  The backups of a directory, newest first.
 */
#ifndef MG_BACKUP_LIST_H
#define MG_BACKUP_LIST_H

#include "backup.h"

typedef struct MgBackups
{
	MgBackup *items;
	int count;
} MgBackups;

/* Reads all manifests; what cannot be read is warned of, or is an error where none may be overlooked. */
extern bool mg_backup_list(MgArena *arena, const char *directory, bool strict, MgBackups *list,
						   MgError *err);

/* Seconds since it was made. */
extern long long mg_backup_age(const MgBackup *backup);

/* Those that may go: neither among the newest keep of their database, nor younger than keep_ms, nor needed. */
extern bool mg_backup_choose(MgArena *arena, const MgConfig *config, const MgStrings *needed,
							 const char *database, const MgBackups *all, MgBackups *doomed,
							 MgError *err);

#endif
