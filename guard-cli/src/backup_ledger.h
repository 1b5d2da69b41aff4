/*
 * backup_ledger.h
 *	  What the ledger keeps of a backup.
 */
#ifndef MG_BACKUP_LEDGER_H
#define MG_BACKUP_LEDGER_H

#include <cjson/cJSON.h>

#include "backup.h"
#include "cli.h"

/* Adds where it is, its kind, hash, size and place in the write-ahead log; the ledger and lists tell it alike. */
extern void mg_backup_detail(const MgBackup *backup, cJSON *detail);

/* "PATH, full, 12 kB, read back whole" */
extern char *mg_backup_summary(MgArena *arena, const MgBackup *backup);

/*
 * Enters a backup that no run has made, as a run of command "backup"; failure tells why
 * there is none, NULL: there is.  The backup counts without its entry, which is warned of.
 */
extern void mg_backup_enter(MgContext *context, MgPg *pg, const MgBackup *backup,
							const MgError *failure);

#endif
