/*
 * backup_command.h
 *	  Verbs of "migguard backup".
 */
#ifndef MG_BACKUP_COMMAND_H
#define MG_BACKUP_COMMAND_H

#include "cli.h"

typedef struct MgBackupVerb
{
	const char *name;
	int least; /* operands behind the verb */
	int most;  /* -1: any number */
	bool (*act)(MgContext *context, int *exit_code, MgError *err);
} MgBackupVerb;

extern const MgCommand mg_cmd_backup;

/* Verifies the backup and restores it; manifest is the hash that it must have, NULL: any. */
extern bool mg_backup_restore_path(MgContext *context, const char *path, const char *manifest,
								   const char *into, bool any_origin, MgError *err);
/* Restores the backup that a run made (start of its id; NULL: the last that touched the schema). */
extern bool mg_rollback_from_backup(MgContext *context, const char *which, MgError *err);
extern bool mg_backup_cmd_restore(MgContext *context, int *exit_code, MgError *err);

#endif
