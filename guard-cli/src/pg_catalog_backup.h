/*
 * pg_catalog_backup.h
 *	  What a backup asks of the server, and rows on their way out and in.
 */
#ifndef MG_PG_CATALOG_BACKUP_H
#define MG_PG_CATALOG_BACKUP_H

#include "backup.h"

/* The name of the database that the session is in. */
extern const char *mg_backup_database(MgPg *pg);

/* Begins the transaction whose snapshot everything is read by, and exports it. */
extern bool mg_backup_snapshot(MgPg *pg, const char **name, MgError *err);

/* Fills in place in the log, cluster, server and database; tries to make a restore point of that name (NULL: none). */
extern bool mg_backup_place(MgPg *pg, const char *restore_point, MgBackup *backup, MgError *err);

/* Tables whose rows a dump has; rows are not counted yet. */
extern bool mg_backup_tables(MgPg *pg, MgBackup *backup, MgError *err);
extern bool mg_backup_count_rows(MgPg *pg, const MgBackupTable *table, long long *rows, MgError *err);

/* Tables behind objects that are changed; *refused tells why they are not all that changes, or NULL. */
extern bool mg_backup_targets(MgPg *pg, const MgStrings *kinds, const MgStrings *objects,
							  MgStrings *tables, const char **refused, MgError *err);
/* Turns names as a person gives them into such as the catalog has them; an unknown one is an error. */
extern bool mg_backup_known_tables(MgPg *pg, MgStrings *tables, MgError *err);
/* The sequences of tables, with their values. */
extern bool mg_backup_sequences(MgPg *pg, const MgStrings *tables, MgBackup *backup, MgError *err);
extern bool mg_backup_set_sequence(MgPg *pg, const MgBackupSequence *sequence, MgError *err);

/* COPY of a table in binary format, out to take and in from what give sends. */
extern bool mg_backup_copy_out(MgPg *pg, const char *table,
							   bool (*take)(void *arg, const char *data, size_t len), void *arg,
							   long long *rows, MgError *err);
typedef bool (*MgCopyGive)(void *arg, bool (*take)(void *to, const char *data, size_t len),
						   void *to, MgError *err);
extern bool mg_backup_copy_in(MgPg *pg, const char *table, MgCopyGive give, void *arg, MgError *err);

/* Scratch databases that trials of backups have left behind. */
extern bool mg_backup_dead_trials(MgPg *pg, MgStrings *names, MgError *err);

/* Hashes of the manifests that the ledger still needs. */
extern bool mg_backup_needed(MgPg *pg, MgStrings *manifests, MgError *err);
/* Path and manifest's hash of a run's backup; *path NULL: it has made none. */
extern bool mg_backup_of_run(MgPg *pg, const char *run_id, const char **path, const char **sha256,
							 MgError *err);

#endif
