/*
 * backup_test.c
 *	  A backup is believed only as it was written: cut, changed or swapped ones are refused.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_file.h"
#include "backup_list.h"
#include "config.h"
#include "file.h"

static MgArena *arena;
static MgConfig *config;
static char *directory;

static char *
path_of(const char *name)
{
	return mg_printf(arena, "%s/%s", directory, name);
}

static void
write_file(const char *name, const char *text, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	unit_ok(fd >= 0 && write(fd, text, len) == (ssize_t) len, name);
	close(fd);
}

static bool
verifies(const char *program, const char **why)
{
	MgBackup backup;
	MgError err;
	bool ok;

	mg_err_init(&err, arena);
	ok = mg_config_set(config, MG_SET_PROGRAM_PG_RESTORE, program, "test", &err) &&
		 mg_manifest_read(arena, directory, &backup, &err) &&
		 mg_backup_verify(arena, config, &backup, &err);
	*why = ok ? "" : err.message;
	return ok;
}

/* As a backup is written. */
static void
write_backup(const char *text, size_t len)
{
	MgBackupJob job = { .arena = arena,
						.work = directory,
						.backup = { .kind = "full",
									.format = "custom",
									.run_id = "run",
									.fingerprint = "f",
									.database = "app",
									.system_identifier = "7000000000000000001",
									.server_version = "150020",
									.created_at = "20260101T000000Z" } };
	MgWriter writer;
	MgError err;

	mg_err_init(&err, arena);
	unit_ok(mg_writer_open(&writer, path_of(MG_BACKUP_DUMP), 0, &err) &&
				mg_writer_add(&writer, text, len) &&
				mg_writer_close(&writer, arena, &job.backup, MG_BACKUP_DUMP, &err) &&
				mg_manifest_write(&job, &err),
			"a backup is written");
	unit_ok(!mg_writer_open(&writer, path_of(MG_BACKUP_DUMP), 0, &err), "but over nothing");
}

/* Each byte of the manifest, changed, and each length. */
static void
damage_manifest(void)
{
	const char *why;
	const char *text;
	char *copy;
	size_t len;
	int believed = 0;
	MgError err;

	mg_err_init(&err, arena);
	unit_ok(mg_file_read(arena, path_of(MG_BACKUP_MANIFEST), &text, &len, &err), "the manifest");
	for (size_t at = 0; at < len; at++)
	{
		copy = mg_strndup(arena, text, len);
		copy[at] = (char) (copy[at] ^ 1);
		unit_ok(mg_file_write(path_of(MG_BACKUP_MANIFEST), copy, &err), "changed");
		believed += verifies("true", &why);
		unit_ok(mg_file_write(path_of(MG_BACKUP_MANIFEST), mg_strndup(arena, text, at), &err), "cut");
		believed += verifies("true", &why);
	}
	unit_ok(believed == 0, "no changed byte and no cut of the manifest is believed");
	unit_ok(mg_file_write(path_of(MG_BACKUP_MANIFEST), text, &err), "put right");
}

static bool
take_all(void *arg, const char *data, size_t len)
{
	(void) data;
	*(size_t *) arg += len;
	return true;
}

static bool
take_none(void *arg, const char *data, size_t len)
{
	(void) arg;
	(void) data;
	return len == 0;
}

/* Tables are kept by gzip; only a whole file is read, and nothing behind its end. */
static void
test_packed(const char *text, size_t len)
{
	MgBackup backup = { 0 };
	MgWriter writer;
	MgError err;
	const char *packed;
	size_t size;
	size_t got = 0;

	mg_err_init(&err, arena);
	unit_ok(mg_writer_open(&writer, path_of("packed"), 6, &err) && mg_writer_add(&writer, text, len) &&
				mg_writer_close(&writer, arena, &backup, "packed", &err),
			"a packed file");
	unit_ok(mg_gzip_read(path_of("packed"), take_all, &got, &err) && got == len, "is unpacked");
	unit_ok(!mg_gzip_read(path_of("packed"), take_none, NULL, &err), "unless nobody takes it");
	unit_contains(err.message, "could not be taken", "which is said");
	mg_err_init(&err, arena);
	unit_ok(!mg_gzip_read(path_of("none"), take_all, &got, &err), "one that is not there");
	unit_ok(mg_file_read(arena, path_of("packed"), &packed, &size, &err), "as it is on the disk");
	write_file("damaged", packed, size - 1);
	mg_err_init(&err, arena);
	unit_ok(!mg_gzip_read(path_of("damaged"), take_all, &got, &err), "a cut one is refused");
	unit_contains(err.message, "is damaged: it cannot be unpacked", "which is said");
	write_file("damaged", mg_printf(arena, "%s", "no gzip at all"), 14);
	unit_ok(!mg_gzip_read(path_of("damaged"), take_all, &got, &err), "so is what was never packed");
	write_file("damaged", packed, size);
	{
		int fd = open(path_of("damaged"), O_WRONLY | O_APPEND);

		unit_ok(fd >= 0 && write(fd, "x", 1) == 1, "a byte more");
		close(fd);
	}
	unit_ok(!mg_gzip_read(path_of("damaged"), take_all, &got, &err),
			"and what goes on behind its end");
	unlink(path_of("damaged"));
	unlink(path_of("packed"));
}

/* Of a directory with two backups and something else in it. */
static void
test_list(void)
{
	char *above = mg_printf(arena, "%s.all", directory);
	MgBackup items[] = {
		{ .kind = "full", .database = "app", .manifest_sha256 = "1", .created_at = "3" },
		{ .kind = "full", .database = "app", .manifest_sha256 = "2", .created_at = "2" },
		{ .kind = "full", .database = "other", .manifest_sha256 = "3", .created_at = "1" }
	};
	MgBackups all = { items, 3 };
	MgBackups list;
	MgBackup backup;
	MgStrings needed;
	MgError err;

	mg_err_init(&err, arena);
	unit_ok(mg_backup_list(arena, path_of("none"), true, &list, &err) && list.count == 0,
			"no directory, no backups");
	unit_ok(mkdir(above, 0700) == 0 && mkdir(mg_printf(arena, "%s/empty", above), 0700) == 0 &&
				rename(directory, mg_printf(arena, "%s/one", above)) == 0,
			"a directory of backups");
	unit_ok(mg_backup_list(arena, above, false, &list, &err) && list.count == 1,
			"what is no backup is left out");
	unit_ok(!mg_backup_list(arena, above, true, &list, &err), "but not where none may be overlooked");
	unit_contains(err.message, "is not a backup", "it is named");
	mg_err_init(&err, arena);
	unit_ok(mg_manifest_read(arena, mg_printf(arena, "%s/one//", above), &backup, &err) &&
				strcmp(backup.path, mg_printf(arena, "%s/one", above)) == 0,
			"slashes at the end do not matter");
	backup.kind = "magnetic";
	unit_ok(!mg_backup_verify(arena, config, &backup, &err), "a kind that is not known");
	unit_contains(err.message, "which this migguard does not know", "is refused");
	unit_ok(rename(mg_printf(arena, "%s/one", above), directory) == 0, "put back");
	rmdir(mg_printf(arena, "%s/empty", above));
	rmdir(above);

	mg_strings_init(&needed, arena);
	mg_err_init(&err, arena);
	unit_ok(mg_config_set(config, MG_SET_BACKUP_KEEP, "0", "test", &err) &&
				mg_config_set(config, MG_SET_BACKUP_KEEP_FOR, "0", "test", &err) &&
				mg_backup_choose(arena, config, &needed, "app", &all, &list, &err),
			"old backups");
	unit_ok(list.count == 1 && strcmp(list.items[0].manifest_sha256, "2") == 0,
			"go, but not the newest, nor those of another database");
	unit_ok(!mg_config_set(config, MG_SET_BACKUP_KEEP, "-1", "test", &err) ||
				!mg_backup_choose(arena, config, &needed, "app", &all, &list, &err),
			"less than none cannot be kept");
}

/* The program "true" stands in for pg_restore, because what is tested is what is found before it is
 * asked. */
int
main(void)
{
	static char text[5000];
	char name[] = "/tmp/backup-test-XXXXXX";
	const char *why;
	MgError err;

	arena = mg_arena_new();
	mg_err_init(&err, arena);
	directory = mkdtemp(name);
	unit_ok(mg_config_load_if_there(arena, path_of("none.ini"), &config, &err), "settings");
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char) (i * 7);
	write_backup(text, sizeof text);
	unit_ok(verifies("true", &why), "what was written is believed");
	unit_ok(!verifies("false", &why), "but not when pg_restore cannot unpack it");
	unit_contains(why, "cannot be unpacked", "which is said");

	for (size_t cut = 0; cut < sizeof text; cut += 1249)
	{
		write_file(MG_BACKUP_DUMP, text, cut);
		unit_ok(!verifies("true", &why), "a cut file is refused");
	}
	for (size_t at = 0; at < sizeof text; at += 1249)
	{
		text[at] ^= 1;
		write_file(MG_BACKUP_DUMP, text, sizeof text);
		unit_ok(!verifies("true", &why), "a changed bit is refused");
		text[at] ^= 1;
	}
	unit_contains(why, "is not what was written", "which is said");
	write_file(MG_BACKUP_DUMP, text, sizeof text);
	unit_ok(verifies("true", &why), "put right again it is believed");
	damage_manifest();
	unit_ok(verifies("true", &why), "and again");

	test_packed(text, sizeof text);
	test_list();
	write_file("more", "x", 1);
	unit_ok(!verifies("true", &why), "a file that the manifest does not name is refused");
	unlink(path_of("more"));
	unit_ok(rename(path_of(MG_BACKUP_DUMP), mg_printf(arena, "%s.away", directory)) == 0 &&
				symlink(mg_printf(arena, "%s.away", directory), path_of(MG_BACKUP_DUMP)) == 0,
			"a link in its place");
	unit_ok(!verifies("true", &why), "is not followed");
	unlink(mg_printf(arena, "%s.away", directory));
	unit_ok(mg_backup_remove(directory, &err), "it is removed");
	mg_arena_free(arena);
	return unit_done();
}
