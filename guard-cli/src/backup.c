/*
 * backup.c
 *	  The way of a backup, whatever its kind: make, read back, rename; verify; try.
 */
#include "backup.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backup_file.h"
#include "failpoint.h"
#include "file.h"
#include "log.h"
#include "pg_catalog_backup.h"
#include "pg_catalog_schema.h"
#include "pg_catalog_server.h"
#include "signals.h"
#include "uuid.h"

static const MgBackupKind kinds[] = {
	{ "full", "custom", mg_full_custom_make, mg_full_unpack, mg_full_load, .needs_snapshot = true,
	  .whole = true },
	{ "full", "directory", mg_full_directory_make, mg_full_unpack, mg_full_load,
	  .needs_snapshot = true, .whole = true },
	{ "targeted", "copy", mg_targeted_make, mg_targeted_unpack, mg_targeted_load,
	  .needs_snapshot = true },
	{ .kind = "external", .format = "none", .make = mg_external_make },
};

const MgBackupKind *
mg_backup_kind(const MgBackup *backup, MgError *err)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].kind, backup->kind) == 0 && strcmp(kinds[i].format, backup->format) == 0)
			return &kinds[i];
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
			   "backup \"%s\" is of kind \"%s\", format \"%s\", which "
			   "this migguard does not know",
			   backup->path, backup->kind, backup->format);
	return NULL;
}

static const char *
format_of(const MgConfig *config, const char *kind)
{
	if (strcmp(kind, "full") == 0)
		return mg_config_string(config, MG_SET_BACKUP_FORMAT);
	return strcmp(kind, "targeted") == 0 ? "copy" : "none";
}

/* Database (only what is harmless in a file name), time, and what it was made for. */
static char *
name_backup(MgBackupJob *job, const char *database)
{
	char *name = mg_printf(job->arena, "%.100s", database);
	time_t now = time(NULL);
	struct tm utc;
	char stamp[32];

	for (char *p = name; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *p) == NULL)
			*p = '_';
	gmtime_r(&now, &utc);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
	job->backup.created_at = mg_strdup(job->arena, stamp);
	return mg_printf(job->arena, "%s-%s-%.8s", name, stamp, job->backup.run_id);
}

static bool
count_rows(MgBackupJob *job, MgError *err)
{
	MgBackup *backup = &job->backup;

	if (!mg_config_bool(job->config, MG_SET_BACKUP_ROW_COUNTS))
		return true;
	for (int i = 0; i < backup->table_count; i++)
		if (backup->tables[i].rows < 0 &&
			!mg_backup_count_rows(job->snapshot, &backup->tables[i], &backup->tables[i].rows, err))
			return false;
	return true;
}

/* The schema is one and the same before, meanwhile and after. */
static bool
same_schema(MgBackupJob *job, MgError *err)
{
	char *now;

	if (!mg_schema_fingerprint(job->pg, &now, err))
		return false;
	if (job->backup.fingerprint == NULL)
		job->backup.fingerprint = now;
	if (strcmp(now, job->backup.fingerprint) == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "the schema was changed while the backup was made");
	return mg_err_hint(err, "Somebody else is at work in the database; try again.");
}

static bool
open_snapshot(MgBackupJob *job, MgError *err)
{
	return mg_pg_open(job->arena, job->target, mg_printf(job->arena, "%s:snapshot", job->tag),
					  &job->snapshot, err) &&
		   mg_backup_snapshot(job->snapshot, &job->exported, err) &&
		   mg_backup_tables(job->snapshot, &job->backup, err);
}

static bool
make(MgBackupJob *job, const MgBackupKind *kind, const char *directory, MgError *err)
{
	const char *point = mg_printf(job->arena, "migguard_%.8s", job->backup.run_id);
	MgBackup partial;

	if (!mg_backup_place(job->pg, point, &job->backup, err) || !same_schema(job, err) ||
		(kind->needs_snapshot && !open_snapshot(job, err)) || !kind->make(job, err))
		return false;
	mg_failpoint("dump.written");
	if ((kind->needs_snapshot && !count_rows(job, err)) || !same_schema(job, err) ||
		!mg_manifest_write(job, err))
		return false;
	mg_failpoint("dump.described");
	/* as anybody will find it */
	return mg_manifest_read(job->arena, job->work, &partial, err) &&
		   mg_backup_verify(job->arena, job->config, &partial, err) &&
		   mg_backup_commit(job, directory, err);
}

bool
mg_backup_make(MgBackupJob *job, const char *kind_name, MgError *err)
{
	const char *directory = mg_config_string(job->config, MG_SET_BACKUP_DIRECTORY);
	const MgBackupKind *kind;
	bool ok;

	job->backup.kind = kind_name;
	job->backup.format = format_of(job->config, kind_name);
	kind = mg_backup_kind(&job->backup, err);
	if (kind == NULL)
		return false;
	ok = mg_backup_begin(job, directory, name_backup(job, mg_backup_database(job->pg)), err) &&
		 make(job, kind, directory, err);
	mg_pg_close(job->snapshot);
	job->snapshot = NULL;
	/* nothing that is not whole stays under any name */
	mg_backup_abandon(job);
	return ok;
}

static const MgBackupFile *
find_file(const MgBackup *backup, const char *name)
{
	for (int i = 0; i < backup->file_count; i++)
		if (strcmp(backup->files[i].name, name) == 0)
			return &backup->files[i];
	return NULL;
}

static bool
check_file(MgArena *arena, const MgBackup *backup, const MgBackupFile *file, MgError *err)
{
	long long size;
	char *sha256;

	if (!mg_backup_hash_file(arena, mg_file_join(arena, backup->path, file->name), &sha256, &size,
							 err))
		return false;
	if (size == file->size && strcmp(sha256, file->sha256) == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup \"%s\" is not what was written: \"%s\"",
			   backup->path, file->name);
	return mg_err_detail(err, "It has %lld bytes with SHA-256 %s, the manifest says %lld and %s.",
						 size, sha256, file->size, file->sha256);
}

bool
mg_backup_verify(MgArena *arena, const MgConfig *config, const MgBackup *backup, MgError *err)
{
	const MgBackupKind *kind = mg_backup_kind(backup, err);
	MgStrings names;

	if (kind == NULL || !mg_backup_files(arena, backup->path, &names, err))
		return false;
	for (int i = 0; i < names.count; i++)
		if (strcmp(names.items[i], MG_BACKUP_MANIFEST) != 0 &&
			find_file(backup, names.items[i]) == NULL)
			return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
							  "backup \"%s\" holds \"%s\", which its manifest does not name",
							  backup->path, names.items[i]);
	for (int i = 0; i < backup->file_count; i++)
		if (!check_file(arena, backup, &backup->files[i], err))
			return false;
	return kind->unpack == NULL || kind->unpack(arena, config, backup, err);
}

bool
mg_backup_compare(MgPg *pg, const MgBackup *backup, MgError *err)
{
	const MgBackupKind *kind = mg_backup_kind(backup, err);
	MgStrings wrong;
	char *fingerprint;

	if (kind == NULL)
		return false;
	mg_strings_init(&wrong, pg->arena);
	if (kind->whole)
	{
		if (!mg_schema_fingerprint(pg, &fingerprint, err))
			return false;
		if (strcmp(fingerprint, backup->fingerprint) != 0)
			mg_strings_addf(&wrong, "the schema has fingerprint %s, not %s", fingerprint,
							backup->fingerprint);
	}
	for (int i = 0; i < backup->table_count; i++)
	{
		long long rows;

		if (backup->tables[i].rows < 0)
			continue;
		if (!mg_backup_count_rows(pg, &backup->tables[i], &rows, err))
			return false;
		if (rows != backup->tables[i].rows)
			mg_strings_addf(&wrong, "%s has %lld rows, not %lld", backup->tables[i].name, rows,
							backup->tables[i].rows);
	}
	if (wrong.count == 0)
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "what was restored is not what was backed up");
	return mg_err_detail(err, "%s.", mg_changes_text(pg->arena, &wrong, 10));
}

/* Loads it into the scratch database and compares. */
static bool
load_and_compare(MgArena *arena, const MgConfig *config, const MgBackupKind *kind,
				 const MgBackup *backup, const MgTarget *scratch, const char *tag, MgError *err)
{
	MgPg *pg = NULL;
	bool ok = kind->load(arena, config, backup, scratch, mg_printf(arena, "%s:restore", tag), err) &&
			  mg_pg_open(arena, scratch, mg_printf(arena, "%s:compare", tag), &pg, err) &&
			  mg_backup_compare(pg, backup, err);

	mg_pg_close(pg);
	return ok;
}

/* Scratch databases of trials whose process is gone. */
static void
drop_dead_trials(MgPg *pg)
{
	MgStrings names;
	MgError fault;

	mg_err_init(&fault, pg->arena);
	if (!mg_backup_dead_trials(pg, &names, &fault))
		return;
	for (int i = 0; i < names.count; i++)
		if (mg_server_drop_database(pg, names.items[i], &fault))
			mg_log_info("scratch database %s of a trial that died was dropped", names.items[i]);
		else
			mg_log_warning("scratch database %s could not be dropped: %s", names.items[i],
						   fault.message);
}

/* In a scratch database, which is gone afterwards. */
static bool
try_in_scratch(MgPg *pg, const MgConfig *config, const MgBackupKind *kind, const MgBackup *backup,
			   const MgTarget *target, const char *id, MgError *err)
{
	const char *tag = mg_printf(pg->arena, "migguard:%.8s", id);
	const char *name = mg_printf(pg->arena, "migguard_%.8s_verify", id);
	MgError fault;
	bool shielded;
	bool ok;

	mg_err_init(&fault, pg->arena);
	if (!mg_server_create_scratch(pg, pg, name, "template0",
								  mg_printf(pg->arena, "migguard: trial of backup %s", backup->path),
								  err))
		return false;
	ok = load_and_compare(pg->arena, config, kind, backup,
						  mg_target_with_database(pg->arena, target, name), tag, err);
	shielded = mg_signals_shield(true);
	if (!mg_server_drop_database(pg, name, &fault))
		mg_log_warning("scratch database %s could not be dropped: %s", name, fault.message);
	mg_signals_shield(shielded);
	return ok;
}

bool
mg_backup_try(MgArena *arena, const MgConfig *config, const MgTarget *target,
			  const MgBackup *backup, MgError *err)
{
	const MgBackupKind *kind = mg_backup_kind(backup, err);
	const char *id;
	MgPg *pg = NULL;
	bool ok;

	if (kind == NULL)
		return false;
	if (kind->load == NULL)
		return mg_err_set(err, MG_EXIT_USAGE,
						  "backup \"%s\" is %s: it holds nothing that migguard could "
						  "restore",
						  backup->path, backup->kind);
	/* the session is there before the database, and longer: without it a trial is dead */
	if (!mg_uuid_new(arena, &id, err) ||
		!mg_pg_open(arena, target, mg_printf(arena, "migguard:%.8s:verify", id), &pg, err))
		return false;
	drop_dead_trials(pg);
	ok = try_in_scratch(pg, config, kind, backup, target, id, err);
	mg_pg_close(pg);
	return ok;
}
