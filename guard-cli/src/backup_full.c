/*
 * backup_full.c
 *	  The whole database by pg_dump: one file hashed on its way, or a directory of files made in parallel.
 */
#include <string.h>

#include "backup_file.h"
#include "backup_program.h"
#include "file.h"
#include "pg_catalog_backup.h"
#include "progress.h"

#define DUMP_DIRECTORY "dump"

/* A dump as it goes on. */
typedef struct Dump
{
	MgBackupJob *job;
	MgWriter writer;
	MgProgress progress;
	long long begun;   /* bytes of tables that were begun before the one at hand */
	long long at_hand; /* bytes of that one */
} Dump;

static bool
take(void *arg, const char *data, size_t len)
{
	Dump *dump = arg;

	mg_progress_at(&dump->progress, dump->begun, dump->writer.size);
	return mg_writer_add(&dump->writer, data, len);
}

/* pg_dump tells which table it comes to; those before it are done. */
static void
said(void *arg, const char *line)
{
	static const char mark[] = "dumping contents of table \"";
	Dump *dump = arg;
	const MgBackup *backup = &dump->job->backup;
	const char *name = strstr(line, mark);

	if (name == NULL)
		return;
	name += strlen(mark);
	for (int i = 0; i < backup->table_count; i++)
	{
		size_t len = strlen(backup->tables[i].plain);

		if (strncmp(name, backup->tables[i].plain, len) == 0 && strcmp(name + len, "\"") == 0)
		{
			dump->begun += dump->at_hand;
			dump->at_hand = backup->tables[i].bytes;
			break;
		}
	}
	mg_progress_at(&dump->progress, dump->begun, dump->writer.size);
}

static bool
run_pg_dump(Dump *dump, const char *format, const char *const *more, MgError *err)
{
	MgBackupJob *job = dump->job;
	MgChildResult result;
	MgStrings argv;
	MgProgram program = { .title = mg_printf(job->arena, "backup \"%s\": pg_dump", job->work),
						  .target = job->target,
						  .application_name = mg_printf(job->arena, "%s:backup", job->tag),
						  .sink = take,
						  .said = said,
						  .arg = dump };
	long long total = 0;
	bool ok;

	mg_strings_init(&argv, job->arena);
	mg_strings_add(&argv, mg_config_string(job->config, MG_SET_PROGRAM_PG_DUMP));
	mg_strings_addf(&argv, "--format=%s", format);
	mg_strings_addf(&argv, "--compress=%d", mg_config_int(job->config, MG_SET_BACKUP_COMPRESS));
	mg_strings_addf(&argv, "--snapshot=%s", job->exported);
	mg_strings_add(&argv, "--no-password");
	mg_strings_add(&argv, "--verbose");
	for (int i = 0; more[i] != NULL; i++)
		mg_strings_add(&argv, more[i]);
	program.argv = argv.items;
	for (int i = 0; i < job->backup.table_count; i++)
		total += job->backup.tables[i].bytes;
	mg_progress_begin(&dump->progress, "backup", total);
	ok = mg_program_run(job->arena, &program, &result, err);
	job->interrupted = job->interrupted || result.interrupted;
	mg_progress_drop(&dump->progress);
	if (!ok && result.sink_failed)
		return mg_backup_file_error("write to", dump->writer.path, dump->writer.failed, err);
	return ok;
}

bool
mg_full_custom_make(MgBackupJob *job, MgError *err)
{
	static const char *const none[] = { NULL };
	Dump dump = { .job = job };

	if (!mg_writer_open(&dump.writer, mg_file_join(job->arena, job->work, MG_BACKUP_DUMP), 0, err))
		return false;
	if (!run_pg_dump(&dump, "custom", none, err))
	{
		mg_writer_drop(&dump.writer);
		return false;
	}
	mg_progress_end(&dump.progress, dump.writer.size);
	return mg_writer_close(&dump.writer, job->arena, &job->backup, MG_BACKUP_DUMP, err);
}

/* Lists what pg_dump has written, with the hash that it has on the disk. */
static bool
list_files(MgBackupJob *job, MgError *err)
{
	MgStrings names;

	if (!mg_backup_sync(job->work, err) || !mg_backup_files(job->arena, job->work, &names, err))
		return false;
	for (int i = 0; i < names.count; i++)
	{
		MgBackupFile file = { .name = names.items[i] };
		char *sha256;

		if (!mg_backup_hash_file(job->arena, mg_file_join(job->arena, job->work, file.name),
								 &sha256, &file.size, err))
			return false;
		file.sha256 = sha256;
		mg_backup_add_file(job->arena, &job->backup, &file);
	}
	return true;
}

bool
mg_full_directory_make(MgBackupJob *job, MgError *err)
{
	const char *const more[] = {
		mg_printf(job->arena, "--jobs=%d", mg_config_int(job->config, MG_SET_BACKUP_JOBS)),
		mg_printf(job->arena, "--file=%s", mg_file_join(job->arena, job->work, DUMP_DIRECTORY)), NULL
	};
	Dump dump = { .job = job };

	dump.writer.fd = -1;
	if (!run_pg_dump(&dump, "directory", more, err) || !list_files(job, err))
		return false;
	mg_progress_end(&dump.progress, job->backup.size);
	return true;
}

static const char *
dump_of(MgArena *arena, const MgBackup *backup)
{
	return mg_file_join(arena, backup->path,
						strcmp(backup->format, "directory") == 0 ? DUMP_DIRECTORY : MG_BACKUP_DUMP);
}

bool
mg_full_unpack(MgArena *arena, const MgConfig *config, const MgBackup *backup, MgError *err)
{
	char *argv[] = { mg_strdup(arena, mg_config_string(config, MG_SET_PROGRAM_PG_RESTORE)),
					 (char[]){ "--file=/dev/null" }, mg_strdup(arena, dump_of(arena, backup)), NULL };
	MgProgram program = { .title = mg_printf(arena, "backup \"%s\" cannot be unpacked: pg_restore",
											 backup->path),
						  .application_name = "migguard",
						  .argv = argv };
	MgChildResult result;

	return mg_program_run(arena, &program, &result, err);
}

bool
mg_full_load(MgArena *arena, const MgConfig *config, const MgBackup *backup, const MgTarget *target,
			 const char *application_name, MgError *err)
{
	/* an empty conninfo leaves everything to the environment, where no process list shows it */
	char *argv[] = { mg_strdup(arena, mg_config_string(config, MG_SET_PROGRAM_PG_RESTORE)),
					 mg_printf(arena, "--dbname=%s", ""),
					 (char[]){ "--no-password" },
					 (char[]){ "--exit-on-error" },
					 mg_printf(arena, "--jobs=%d", mg_config_int(config, MG_SET_BACKUP_JOBS)),
					 mg_strdup(arena, dump_of(arena, backup)),
					 NULL };
	MgProgram program = { .title = "pg_restore",
						  .target =
							  mg_target_with_option(arena, target, "-c safedeploy.record_drift=off"),
						  .application_name = application_name,
						  .argv = argv };
	MgChildResult result;

	return mg_program_run(arena, &program, &result, err);
}
