/*
 * backup_targeted.c
 *	  Single tables: rows by COPY in one snapshot, the schema by pg_dump.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_file.h"
#include "backup_program.h"
#include "file.h"
#include "hash.h"
#include "log.h"
#include "pg_catalog_backup.h"
#include "progress.h"

#define SCHEMA_FILE "schema.dump"

/* The whole schema: tables alone would lack the types and functions that they are made of. */
static bool
dump_schema(MgBackupJob *job, MgError *err)
{
	char *argv[] = { mg_strdup(job->arena, mg_config_string(job->config, MG_SET_PROGRAM_PG_DUMP)),
					 (char[]){ "--schema-only" }, (char[]){ "--format=custom" },
					 mg_printf(job->arena, "--snapshot=%s", job->exported),
					 /* even a dump of the schema has the rows of an extension's own tables */
					 (char[]){ "--exclude-table-data=safedeploy.*" }, (char[]){ "--no-password" },
					 NULL };
	MgWriter writer;
	MgProgram program = { .title = mg_printf(job->arena, "backup \"%s\": pg_dump of the schema",
											 job->work),
						  .target = job->target,
						  .application_name = mg_printf(job->arena, "%s:backup", job->tag),
						  .argv = argv,
						  .sink = mg_writer_add,
						  .arg = &writer };
	MgChildResult result;

	if (!mg_writer_open(&writer, mg_file_join(job->arena, job->work, SCHEMA_FILE), 0, err))
		return false;
	if (mg_program_run(job->arena, &program, &result, err))
		return mg_writer_close(&writer, job->arena, &job->backup, SCHEMA_FILE, err);
	job->interrupted = job->interrupted || result.interrupted;
	if (result.sink_failed)
		mg_backup_file_error("write to", writer.path, writer.failed, err);
	mg_writer_drop(&writer);
	return false;
}

/* A table on its way out. */
typedef struct Copy
{
	MgWriter writer;
	MgProgress *progress;
	long long before; /* bytes of the tables before it */
	long long taken;
} Copy;

static bool
take(void *arg, const char *data, size_t len)
{
	Copy *copy = arg;

	copy->taken += (long long) len;
	mg_progress_at(copy->progress, copy->before + copy->taken, copy->writer.size);
	return mg_writer_add(&copy->writer, data, len);
}

static bool
copy_table(MgBackupJob *job, MgBackupTable *table, Copy *copy, MgError *err)
{
	int level = mg_config_int(job->config, MG_SET_BACKUP_COMPRESS);
	bool ok;

	copy->taken = 0;
	if (!mg_writer_open(&copy->writer, mg_file_join(job->arena, job->work, table->file),
						level > 0 ? level : 1, err))
		return false;
	ok = mg_backup_copy_out(job->snapshot, table->name, take, copy, &table->rows, err);
	if (ok)
		return mg_writer_close(&copy->writer, job->arena, &job->backup, table->file, err);
	if (copy->writer.failed != 0)
	{
		mg_err_clear(err);
		mg_backup_file_error("write to", copy->writer.path, copy->writer.failed, err);
	}
	mg_writer_drop(&copy->writer);
	return false;
}

/* Leaves in the list of tables only those that are wanted. */
static bool
choose_tables(MgBackupJob *job, MgError *err)
{
	MgBackup *backup = &job->backup;
	int kept = 0;

	for (int i = 0; i < backup->table_count; i++)
		if (mg_strings_has(job->only, backup->tables[i].name))
			backup->tables[kept++] = backup->tables[i];
	backup->table_count = kept;
	return kept == job->only->count ||
		   mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
					  "of %d tables that the migration changes only %d are there", job->only->count,
					  kept);
}

bool
mg_targeted_make(MgBackupJob *job, MgError *err)
{
	MgBackup *backup = &job->backup;
	MgProgress progress;
	Copy copy = { .progress = &progress };
	long long total = 0;
	bool ok = true;

	if (!choose_tables(job, err) || !dump_schema(job, err) ||
		!mg_backup_sequences(job->snapshot, job->only, backup, err))
		return false;
	for (int i = 0; i < backup->table_count; i++)
		total += backup->tables[i].bytes;
	mg_progress_begin(&progress, "backup", total);
	for (int i = 0; ok && i < backup->table_count; i++)
	{
		backup->tables[i].file = mg_printf(job->arena, "table-%04d.copy.gz", i + 1);
		ok = copy_table(job, &backup->tables[i], &copy, err);
		copy.before += backup->tables[i].bytes;
	}
	if (ok)
		mg_progress_end(&progress, backup->size);
	else
		mg_progress_drop(&progress);
	return ok;
}

/* Content of a file that is hashed. */
static bool
hash_bytes(void *arg, const char *data, size_t len)
{
	return EVP_DigestUpdate(arg, data, len) == 1;
}

static bool
check_content(MgArena *arena, const MgBackup *backup, const MgBackupFile *file, MgError *err)
{
	EVP_MD_CTX *hash = mg_hash_new();
	bool ok = mg_gzip_read(mg_file_join(arena, backup->path, file->name), hash_bytes, hash, err);

	if (ok && strcmp(mg_hash_hex(arena, hash), file->content_sha256) != 0)
		ok = mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
						"\"%s\" of backup \"%s\" does not hold the rows that were written",
						file->name, backup->path);
	EVP_MD_CTX_free(hash);
	return ok;
}

bool
mg_targeted_unpack(MgArena *arena, const MgConfig *config, const MgBackup *backup, MgError *err)
{
	char *argv[] = { mg_strdup(arena, mg_config_string(config, MG_SET_PROGRAM_PG_RESTORE)),
					 (char[]){ "--file=/dev/null" }, mg_file_join(arena, backup->path, SCHEMA_FILE),
					 NULL };
	MgProgram program = { .title = mg_printf(arena, "backup \"%s\" cannot be unpacked: pg_restore",
											 backup->path),
						  .application_name = "migguard",
						  .argv = argv };
	MgChildResult result;

	for (int i = 0; i < backup->file_count; i++)
		if (backup->files[i].content_sha256 != NULL &&
			!check_content(arena, backup, &backup->files[i], err))
			return false;
	return mg_program_run(arena, &program, &result, err);
}

static bool
collect(void *arg, const char *data, size_t len)
{
	mg_buf_add_bytes(arg, data, len);
	return true;
}

/*
 * What a line of pg_restore --list is about: "12; 2606 16399 FK CONSTRAINT public t t_fkey owner".
 * The names behind the kind may hold anything.
 */
static bool
is_of_kind(const char *line, const char *kind)
{
	line += strspn(line, "0123456789");
	line += strspn(line, "; ");
	for (int i = 0; i < 2; i++)
	{
		line += strspn(line, "0123456789");
		line += strspn(line, " ");
	}
	return strncmp(line, kind, strlen(kind)) == 0;
}

/*
 * Foreign keys and triggers are left out: rows of other tables are not there to be referred to.
 * Their comments go with them; those that only look like such are no loss to a table's rows.
 */
static bool
is_left_out(const char *line)
{
	return is_of_kind(line, "FK CONSTRAINT ") || is_of_kind(line, "TRIGGER ") ||
		   is_of_kind(line, "EVENT TRIGGER ") ||
		   (is_of_kind(line, "COMMENT ") &&
			(strstr(line, " CONSTRAINT ") != NULL || strstr(line, " TRIGGER ") != NULL));
}

static bool
schema_list(MgArena *arena, const char *pg_restore, const char *file, const char *list, MgError *err)
{
	char *argv[] = { mg_strdup(arena, pg_restore), (char[]){ "--list" }, mg_strdup(arena, file),
					 NULL };
	MgBuf text;
	MgProgram program = { .title = "pg_restore",
						  .application_name = "migguard",
						  .argv = argv,
						  .sink = collect,
						  .arg = &text };
	MgChildResult result;
	MgBackup nowhere = { 0 };
	MgWriter writer;
	char *save = NULL;

	mg_buf_init(&text, arena);
	if (!mg_program_run(arena, &program, &result, err) || !mg_writer_open(&writer, list, 0, err))
		return false;
	for (char *line = strtok_r(text.data, "\n", &save); line != NULL;
		 line = strtok_r(NULL, "\n", &save))
	{
		if (is_left_out(line))
			continue;
		mg_writer_add(&writer, line, strlen(line));
		mg_writer_add(&writer, "\n", 1);
	}
	return mg_writer_close(&writer, arena, &nowhere, list, err);
}

static bool
load_schema(MgArena *arena, const MgConfig *config, const MgBackup *backup, const MgTarget *target,
			const char *application_name, MgError *err)
{
	const char *pg_restore = mg_config_string(config, MG_SET_PROGRAM_PG_RESTORE);
	char *file = mg_file_join(arena, backup->path, SCHEMA_FILE);
	char *directory = mg_printf(arena, "%s/migguard-XXXXXX", P_tmpdir);
	const char *list;
	char *argv[] = { mg_strdup(arena, pg_restore),
					 mg_printf(arena, "--dbname=%s", ""),
					 (char[]){ "--no-password" },
					 (char[]){ "--exit-on-error" },
					 NULL,
					 file,
					 NULL };
	MgProgram program = { .title = "pg_restore of the schema",
						  .target =
							  mg_target_with_option(arena, target, "-c safedeploy.record_drift=off"),
						  .application_name = application_name,
						  .argv = argv };
	MgChildResult result;
	MgError fault;
	bool ok;

	mg_err_init(&fault, arena);
	if (mkdtemp(directory) == NULL)
		return mg_err_set(err, MG_EXIT_INTERNAL, "could not create a temporary directory");
	list = mg_file_join(arena, directory, "list");
	argv[4] = mg_printf(arena, "--use-list=%s", list);
	ok = schema_list(arena, pg_restore, file, list, err) &&
		 mg_program_run(arena, &program, &result, err);
	if (!mg_backup_remove(directory, &fault))
		mg_log_warning("%s", fault.message);
	return ok;
}

/* The file that a table's rows come from. */
typedef struct Give
{
	const char *path;
} Give;

static bool
give(void *arg, bool (*to)(void *, const char *, size_t), void *to_arg, MgError *err)
{
	const Give *from = arg;

	return mg_gzip_read(from->path, to, to_arg, err);
}

bool
mg_targeted_load(MgArena *arena, const MgConfig *config, const MgBackup *backup,
				 const MgTarget *target, const char *application_name, MgError *err)
{
	MgPg *pg = NULL;
	bool ok = load_schema(arena, config, backup, target, application_name, err) &&
			  mg_pg_open(arena, target, application_name, &pg, err);

	for (int i = 0; ok && i < backup->table_count; i++)
	{
		Give from = { mg_file_join(arena, backup->path, backup->tables[i].file) };

		ok = mg_backup_copy_in(pg, backup->tables[i].name, give, &from, err);
	}
	for (int i = 0; ok && i < backup->sequence_count; i++)
		ok = mg_backup_set_sequence(pg, &backup->sequences[i], err);
	mg_pg_close(pg);
	return ok;
}
