/*
 * backup.h
 *	  Backups: kinds as a table of operations, and what a manifest says.
 *
 * A backup is a directory with its files and manifest.json.  It is made under
 * the name NAME.partial, read back, and renamed as a whole; so what has a final
 * name has been verified.
 */
#ifndef MG_BACKUP_H
#define MG_BACKUP_H

#include "config.h"
#include "pg.h"

#define MG_BACKUP_MANIFEST "manifest.json"
#define MG_BACKUP_DUMP	   "database.dump"

typedef struct MgBackupFile
{
	const char *name; /* below the directory of the backup */
	long long size;
	const char *sha256;
	const char *content_sha256; /* of what is inside of a compressed one; NULL: it is not compressed */
} MgBackupFile;

typedef struct MgBackupTable
{
	const char *name;	   /* qualified and quoted */
	const char *plain;	   /* as pg_dump names it in its messages */
	const char *condition; /* "" or "WHERE ...": which rows of an extension's table are dumped */
	long long bytes;
	long long rows;	  /* -1: not counted */
	const char *file; /* that holds its rows; NULL: the dump does */
} MgBackupTable;

typedef struct MgBackupSequence
{
	const char *name; /* qualified and quoted */
	const char *value;
	bool called;
} MgBackupSequence;

/* What the manifest says; it binds the files to run, cluster, database and schema. */
typedef struct MgBackup
{
	const char *path;	/* of its directory */
	const char *kind;	/* full, targeted, external */
	const char *format; /* custom, directory, copy, none */
	const char *run_id;
	const char *revision;	 /* of the tool; NULL: not known */
	const char *snapshot_id; /* NULL: none was taken */
	const char *fingerprint; /* of the schema when it was made */
	const char *database;
	const char *system_identifier;
	const char *server_version;
	const char *created_at;
	const char *lsn;
	const char *restore_point;		 /* NULL: none could be made */
	const char *restore_point_error; /* why not */
	const char *reason; /* why it is of another kind than was asked for; NULL: it is not */
	const char *proof;	/* of an external one: what was found, as JSON */
	MgBackupFile *files;
	int file_count;
	MgBackupTable *tables;
	int table_count;
	MgBackupSequence *sequences;
	int sequence_count;
	long long size;				 /* of all files */
	const char *manifest_sha256; /* of the manifest, as it says itself */
} MgBackup;

/* A backup on its way. */
typedef struct MgBackupJob
{
	MgArena *arena;
	const MgConfig *config;
	const MgTarget *target;
	MgPg *pg;			   /* a session in autocommit */
	const char *tag;	   /* application names of all sessions begin so: "migguard:01234567" */
	MgPg *snapshot;		   /* holds the snapshot that everything is read by */
	const char *exported;  /* its name */
	const char *work;	   /* directory that is filled */
	int work_fd;		   /* locked as long as this process lives */
	const MgStrings *only; /* tables of a targeted backup, qualified and quoted */
	MgBackup backup;
	bool interrupted;
} MgBackupJob;

/* What is done differently by kind and format. */
typedef struct MgBackupKind
{
	const char *kind;
	const char *format;
	/* Fills job->work; lists its files in job->backup. */
	bool (*make)(MgBackupJob *job, MgError *err);
	/* Reads all of it beyond its hashes; NULL: there is nothing to unpack. */
	bool (*unpack)(MgArena *arena, const MgConfig *config, const MgBackup *backup, MgError *err);
	/* Loads it into an empty database; NULL: that is for other programs. */
	bool (*load)(MgArena *arena, const MgConfig *config, const MgBackup *backup,
				 const MgTarget *target, const char *application_name, MgError *err);
	bool needs_snapshot;
	bool whole; /* has all of the database */
} MgBackupKind;

extern const MgBackupKind *mg_backup_kind(const MgBackup *backup, MgError *err);

/*
 * Makes a backup of that kind: the whole way, from leftovers of dead ones that
 * are removed to the rename.  The caller fills in what is known of the run.
 */
extern bool mg_backup_make(MgBackupJob *job, const char *kind, MgError *err);

/* Reads all that is there: sizes and SHA-256 as in the manifest, nothing else, and it unpacks. */
extern bool mg_backup_verify(MgArena *arena, const MgConfig *config, const MgBackup *backup,
							 MgError *err);

/* Row counts and, of a whole one, the schema of a database are those of the backup. */
extern bool mg_backup_compare(MgPg *pg, const MgBackup *backup, MgError *err);

/* A scratch database beside that of the target: load, compare, drop. */
extern bool mg_backup_try(MgArena *arena, const MgConfig *config, const MgTarget *target,
						  const MgBackup *backup, MgError *err);

/* backup_manifest.c */
extern bool mg_manifest_write(MgBackupJob *job, MgError *err);
extern bool mg_manifest_read(MgArena *arena, const char *path, MgBackup *backup, MgError *err);

/* The parts, for the table of kinds. */
extern bool mg_full_custom_make(MgBackupJob *job, MgError *err);
extern bool mg_full_directory_make(MgBackupJob *job, MgError *err);
extern bool mg_full_unpack(MgArena *arena, const MgConfig *config, const MgBackup *backup,
						   MgError *err);
extern bool mg_full_load(MgArena *arena, const MgConfig *config, const MgBackup *backup,
						 const MgTarget *target, const char *application_name, MgError *err);
extern bool mg_targeted_make(MgBackupJob *job, MgError *err);
extern bool mg_targeted_unpack(MgArena *arena, const MgConfig *config, const MgBackup *backup,
							   MgError *err);
extern bool mg_targeted_load(MgArena *arena, const MgConfig *config, const MgBackup *backup,
							 const MgTarget *target, const char *application_name, MgError *err);
extern bool mg_external_make(MgBackupJob *job, MgError *err);

#endif
