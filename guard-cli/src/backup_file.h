/*
 * backup_file.h
 *	  Files of backups: written once, hashed on their way, private, on disk when closed.
 */
#ifndef MG_BACKUP_FILE_H
#define MG_BACKUP_FILE_H

#include <openssl/evp.h>
#include <zlib.h>

#include "backup.h"

#define MG_PARTIAL ".partial"

/* A file on its way to the disk. */
typedef struct MgWriter
{
	const char *path;
	int fd;
	int failed; /* errno of the write that failed */
	long long size;
	EVP_MD_CTX *hash;
	EVP_MD_CTX *content_hash; /* NULL: it is not compressed */
	z_stream deflate;
} MgWriter;

/* Creates the file, which must not be there; level of gzip, 0: it is written as it comes. */
extern bool mg_writer_open(MgWriter *writer, const char *path, int level, MgError *err);
/* Takes a MgWriter; false once a write has failed. */
extern bool mg_writer_add(void *writer, const char *data, size_t len);
/* Syncs and closes; what was written is added to the files of the backup. */
extern bool mg_writer_close(MgWriter *writer, MgArena *arena, MgBackup *backup, const char *name,
							MgError *err);
/* Closes without more ado, after an error. */
extern void mg_writer_drop(MgWriter *writer);

/* Content of a gzip file, piece by piece; what is not whole, or goes on behind its end, is an error. */
extern bool mg_gzip_read(const char *path, bool (*take)(void *arg, const char *data, size_t len),
						 void *arg, MgError *err);

extern void mg_backup_add_file(MgArena *arena, MgBackup *backup, const MgBackupFile *file);
/* SHA-256 and size of a file as it is on the disk. */
extern bool mg_backup_hash_file(MgArena *arena, const char *path, char **sha256, long long *size,
								MgError *err);

/* Creates NAME.partial in it, locked; removes what dead processes have left and says so. */
extern bool mg_backup_begin(MgBackupJob *job, const char *directory, const char *name, MgError *err);
/* Syncs everything and gives it its name, at once and over nothing. */
extern bool mg_backup_commit(MgBackupJob *job, const char *directory, MgError *err);
/* Removes it. */
extern void mg_backup_abandon(MgBackupJob *job);
/* Removes a directory with all that is in it, never by way of a link. */
extern bool mg_backup_remove(const char *path, MgError *err);
/* Syncs all files below a directory and the directories. */
extern bool mg_backup_sync(const char *path, MgError *err);
/* All files below the directory of a backup, as names below it, sorted. */
extern bool mg_backup_files(MgArena *arena, const char *path, MgStrings *names, MgError *err);

extern bool mg_backup_file_error(const char *what, const char *path, int number, MgError *err);

#endif
