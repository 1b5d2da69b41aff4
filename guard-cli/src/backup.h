/*
 * backup.h
 *	  A backup that counts only after it has been read back.
 */
#ifndef MG_BACKUP_H
#define MG_BACKUP_H

#include "run.h"

/* What the manifest beside a backup says; it binds the file to run, database and schema. */
typedef struct MgBackup
{
	const char *path;	  /* of the dump */
	const char *manifest; /* of the manifest */
	const char *run_id;
	const char *database;
	const char *server_version;
	const char *fingerprint; /* of the schema when it was made */
	const char *snapshot_id;
	const char *created_at;
	const char *sha256;
	long long size;
} MgBackup;

extern bool mg_backup_read_manifest(MgArena *arena, const char *manifest, MgBackup *backup,
									MgError *err);

/*
 * Reads the whole file: size and SHA-256 as in the manifest, and pg_restore
 * (found as that program name) can unpack it to its end.  pg_restore alone
 * misses a changed byte in an uncompressed dump, and its list misses a cut.
 */
extern bool mg_backup_verify(MgArena *arena, const char *pg_restore, const MgBackup *backup,
							 MgError *err);

#endif
