/*
 * restore.h
 *	  A backup in the place of its database.
 *
 * The steps are rows of a table.  How far a restore has come is written into the
 * comment of the database that it makes, and after the swap into that of the one
 * that is kept; so a restore that was interrupted goes on where it was.
 */
#ifndef MG_RESTORE_H
#define MG_RESTORE_H

#include "backup.h"
#include "cli.h"

typedef struct MgRestore
{
	MgArena *arena;
	const MgContext *context;
	const MgBackup *backup;
	const MgBackupKind *kind;
	bool any_origin;	/* another database or cluster is fine */
	const char *run_id; /* of the restore, in the ledger */
	const char *tag;	/* application names begin so */
	const char *live;	/* name of the database whose place is taken */
	const char *fresh;	/* of the one that is made */
	const char *kept;	/* of the one that is put aside */
	int done;			/* steps that are behind it */
	bool begun;			/* it is in the ledger */
	bool again;			/* it goes on from an interruption */
	MgPg *admin;
	MgPg *session; /* in the live database; holds the deploy lock */
	const char *token;
} MgRestore;

/* From the checks to the swap, or from where it was interrupted. */
extern bool mg_restore_run(MgRestore *restore, MgError *err);

/* The backup whose restore was interrupted before its swap; *path NULL: there is none. */
extern bool mg_restore_interrupted(MgContext *context, const char **path, MgError *err);

/* Gives up what was interrupted before its swap; *was false: there was nothing. */
extern bool mg_restore_abort(MgContext *context, bool *was, MgError *err);

/* Into a new database of that name, and no more. */
extern bool mg_restore_into(MgRestore *restore, const char *name, MgError *err);

#endif
