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

extern bool mg_backup_cmd_restore(MgContext *context, int *exit_code, MgError *err);

#endif
