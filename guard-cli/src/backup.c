/*
 * backup.c
 *	  State backup: pg_dump, hashed on its way to the disk, read back.
 */
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "log.h"

#define READ_BYTES	   (1 << 20)
#define MANIFEST_BYTES 65536
#define DIGEST_HEX	   65

/* A file on its way to the disk. */
typedef struct Writer
{
	int fd;
	int failed; /* errno of the write that failed */
	long long size;
	EVP_MD_CTX *hash;
} Writer;

static void
hex(const unsigned char *bytes, unsigned len, char *text)
{
	for (unsigned i = 0; i < len; i++)
		snprintf(text + (size_t) i * 2, 3, "%02x", bytes[i]);
}

static bool
take_bytes(void *arg, const char *data, size_t len)
{
	Writer *writer = arg;

	EVP_DigestUpdate(writer->hash, data, len);
	writer->size += (long long) len;
	while (len > 0)
	{
		ssize_t n = write(writer->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			writer->failed = n < 0 ? errno : ENOSPC;
			return false;
		}
		data += n;
		len -= (size_t) n;
	}
	return true;
}

static bool
file_error(const char *what, const char *path, int number, MgError *err)
{
	return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "could not %s \"%s\": %s", what, path,
					  strerror(number));
}

/* Creates the directory for us alone; one that others may write to is refused. */
static bool
prepare_directory(const char *path, MgError *err)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return file_error("create directory", path, errno, err);
	if (stat(path, &st) != 0)
		return file_error("look at", path, errno, err);
	if (!S_ISDIR(st.st_mode))
		return file_error("use", path, ENOTDIR, err);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup directory \"%s\" is writable by others",
				   path);
		return mg_err_hint(err, "Make it yours alone by: chmod 700");
	}
	return true;
}

static bool
sync_directory(const char *path, MgError *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		file_error("sync", path, errno, err);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* pg_dump into the open file. */
static bool
dump(MgRun *run, Writer *writer, const char *path, MgError *err)
{
	char *argv[] = { mg_strdup(run->arena, mg_config_string(run->config, MG_SET_PROGRAM_PG_DUMP)),
					 (char[]){ "--format=custom" },
					 mg_printf(run->arena, "--compress=%d",
							   mg_config_int(run->config, MG_SET_BACKUP_COMPRESS)),
					 (char[]){ "--no-password" }, NULL };
	MgStrings env;
	MgChildSpec spec = { .argv = argv,
						 .target = &run->context->target,
						 .application_name = mg_run_application_name(run, "backup"),
						 .stop_on_signal = true,
						 .sink = take_bytes,
						 .sink_arg = writer };
	MgChildResult result;

	mg_strings_init(&env, run->arena);
	for (char **e = environ; *e != NULL; e++)
		mg_strings_add(&env, *e);
	mg_target_setenv(spec.target, &env);
	mg_strings_setenv(&env, "PGAPPNAME", spec.application_name);
	spec.env = env.items;
	if (!mg_child_run(run->arena, &spec, &result, err))
		return false;
	run->told_to_stop = run->told_to_stop || result.interrupted;
	if (result.sink_failed)
		return file_error("write to", path, writer->failed, err);
	if (mg_child_succeeded(&result))
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "pg_dump %s", mg_child_describe(run->arena, &result));
	return mg_err_detail(err, "%s", mg_child_tail(run->arena, &result, 5));
}

/* Writes the file under a temporary name, hashed, synced; the caller renames it. */
static bool
write_dump(MgRun *run, const char *temporary, MgBackup *backup, MgError *err)
{
	Writer writer = { .hash = EVP_MD_CTX_new() };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text = mg_alloc(run->arena, DIGEST_HEX);
	bool ok = false;

	writer.fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (writer.fd < 0)
		file_error("create", temporary, errno, err);
	else if (writer.hash == NULL || EVP_DigestInit_ex(writer.hash, EVP_sha256(), NULL) != 1)
		mg_err_set(err, MG_EXIT_INTERNAL, "SHA-256 is not available");
	else if (dump(run, &writer, temporary, err))
	{
		ok = fsync(writer.fd) == 0 && EVP_DigestFinal_ex(writer.hash, digest, &len) == 1;
		if (!ok)
			file_error("sync", temporary, errno, err);
	}
	EVP_MD_CTX_free(writer.hash);
	if (writer.fd >= 0 && close(writer.fd) != 0 && ok)
		ok = file_error("close", temporary, errno, err);
	hex(digest, len, text);
	backup->sha256 = text;
	backup->size = writer.size;
	return ok;
}

static bool
write_text(const char *path, const char *text, MgError *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool ok;

	if (fd < 0)
		return file_error("create", path, errno, err);
	ok = write(fd, text, len) == (ssize_t) len && fsync(fd) == 0;
	if (!ok)
		file_error("write to", path, errno, err);
	if (close(fd) != 0 && ok)
		ok = file_error("close", path, errno, err);
	return ok;
}

static bool
write_manifest(MgRun *run, const MgBackup *backup, MgError *err)
{
	cJSON *json = cJSON_CreateObject();
	char *text;
	bool ok;

	mg_json_int(json, "migguard_backup", 1);
	mg_json_text(json, "file", basename(mg_strdup(run->arena, backup->path)));
	mg_json_text(json, "run_id", backup->run_id);
	mg_json_text(json, "database", backup->database);
	mg_json_text(json, "server_version", backup->server_version);
	mg_json_text(json, "system_identifier", run->system_identifier);
	mg_json_text(json, "snapshot_id", backup->snapshot_id);
	mg_json_text(json, "fingerprint", backup->fingerprint);
	mg_json_text(json, "created_at", backup->created_at);
	mg_json_int(json, "size", backup->size);
	mg_json_text(json, "sha256", backup->sha256);
	text = cJSON_Print(json);
	ok = write_text(backup->manifest, mg_printf(run->arena, "%s\n", text), err);
	cJSON_free(text);
	cJSON_Delete(json);
	return ok;
}

static const char *
text_of(MgArena *arena, const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(item) ? mg_strdup(arena, item->valuestring) : NULL;
}

bool
mg_backup_read_manifest(MgArena *arena, const char *manifest, MgBackup *backup, MgError *err)
{
	char *text = mg_alloc(arena, MANIFEST_BYTES);
	FILE *file = fopen(manifest, "re");
	const cJSON *size;
	const char *name;
	cJSON *json;

	memset(backup, 0, sizeof *backup);
	if (file == NULL)
		return file_error("open", manifest, errno, err);
	text[fread(text, 1, MANIFEST_BYTES - 1, file)] = '\0';
	fclose(file);
	json = cJSON_Parse(text);
	size = cJSON_GetObjectItemCaseSensitive(json, "size");
	name = text_of(arena, json, "file");
	backup->manifest = mg_strdup(arena, manifest);
	backup->sha256 = text_of(arena, json, "sha256");
	backup->run_id = text_of(arena, json, "run_id");
	backup->database = text_of(arena, json, "database");
	backup->server_version = text_of(arena, json, "server_version");
	backup->fingerprint = text_of(arena, json, "fingerprint");
	backup->snapshot_id = text_of(arena, json, "snapshot_id");
	backup->created_at = text_of(arena, json, "created_at");
	backup->size = cJSON_IsNumber(size) ? (long long) size->valuedouble : -1;
	if (name != NULL)
		backup->path = mg_printf(arena, "%s/%s", dirname(mg_strdup(arena, manifest)),
								 basename(mg_strdup(arena, name)));
	cJSON_Delete(json);
	if (backup->path == NULL || backup->sha256 == NULL || backup->size < 0)
		return mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not the manifest of a backup", manifest);
	return true;
}

/* SHA-256 of a file as it is on disk now. */
static bool
hash_file(MgArena *arena, const char *path, char **text, long long *size, MgError *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	char *buffer = mg_alloc(arena, READ_BYTES);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = -1;

	*size = 0;
	*text = mg_alloc(arena, DIGEST_HEX);
	if (fd >= 0 && hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1)
	{
		/* from the disk, not from what the kernel still remembers of the writing */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		while ((n = read(fd, buffer, READ_BYTES)) > 0)
		{
			EVP_DigestUpdate(hash, buffer, (size_t) n);
			*size += n;
		}
		EVP_DigestFinal_ex(hash, digest, &len);
	}
	if (n < 0)
		file_error("read", path, errno, err);
	EVP_MD_CTX_free(hash);
	if (fd >= 0)
		close(fd);
	hex(digest, len, *text);
	return n == 0;
}

bool
mg_backup_verify(MgArena *arena, const char *pg_restore, const MgBackup *backup, MgError *err)
{
	char *argv[] = { mg_strdup(arena, pg_restore), (char[]){ "--file=/dev/null" },
					 mg_strdup(arena, backup->path), NULL };
	MgChildSpec spec = { .argv = argv, .env = environ, .stop_on_signal = true };
	MgChildResult result;
	long long size;
	char *sha256;

	if (!hash_file(arena, backup->path, &sha256, &size, err))
		return false;
	if (size != backup->size || strcmp(sha256, backup->sha256) != 0)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup \"%s\" is not what was written",
				   backup->path);
		return mg_err_detail(err, "It has %lld bytes with SHA-256 %s, the manifest says %lld and %s.",
							 size, sha256, backup->size, backup->sha256);
	}
	if (!mg_child_run(arena, &spec, &result, err))
		return false;
	if (mg_child_succeeded(&result))
		return true;
	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "backup \"%s\" cannot be unpacked: pg_restore %s",
			   backup->path, mg_child_describe(arena, &result));
	return mg_err_detail(err, "%s", mg_child_tail(arena, &result, 5));
}

/* Names: database (only what is harmless in a file name), time, run. */
static void
name_files(MgRun *run, MgBackup *backup)
{
	const char *directory = mg_config_string(run->config, MG_SET_BACKUP_DIRECTORY);
	char *database = mg_strdup(run->arena, run->facts.database);
	time_t now = time(NULL);
	struct tm utc;
	char stamp[32];

	for (char *p = database; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *p) == NULL)
			*p = '_';
	gmtime_r(&now, &utc);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
	backup->created_at = mg_strdup(run->arena, stamp);
	backup->path =
		mg_printf(run->arena, "%s/%s-%s-%s.dump", directory, database, stamp, run->short_id);
	backup->manifest = mg_printf(run->arena, "%s.json", backup->path);
	backup->run_id = run->id;
	backup->database = run->facts.database;
	backup->server_version = mg_printf(run->arena, "%d", run->facts.version);
	backup->snapshot_id = run->before.id;
	backup->fingerprint = run->before.fingerprint;
}

static bool
make_backup(MgRun *run, MgBackup *backup, MgError *err)
{
	const char *directory = mg_config_string(run->config, MG_SET_BACKUP_DIRECTORY);
	const char *temporary = mg_printf(run->arena, "%s.partial", backup->path);
	bool ok = prepare_directory(directory, err) && write_dump(run, temporary, backup, err);

	if (ok && rename(temporary, backup->path) != 0)
		ok = file_error("rename", temporary, errno, err);
	if (!ok)
	{
		/* nothing that is not whole stays under any name */
		unlink(temporary);
		return false;
	}
	ok = write_manifest(run, backup, err) && sync_directory(directory, err) &&
		 mg_backup_verify(run->arena, mg_config_string(run->config, MG_SET_PROGRAM_PG_RESTORE),
						  backup, err);
	if (!ok)
	{
		unlink(backup->path);
		unlink(backup->manifest);
	}
	return ok;
}

MgStep
mg_state_backup(MgRun *run, MgError *err)
{
	MgBackup backup = { 0 };

	if (run->kind == MG_RUN_PLAN)
	{
		mg_run_say(run, "left out of a plan");
		return MG_STEP_SKIPPED;
	}
	if (strcmp(mg_config_string(run->config, MG_SET_BACKUP_POLICY), "none") == 0)
	{
		mg_run_say(run, "none (%s)", mg_config_source(run->config, MG_SET_BACKUP_POLICY));
		return MG_STEP_SKIPPED;
	}
	name_files(run, &backup);
	if (!make_backup(run, &backup, err))
		return MG_STEP_FAILED;
	run->backup_path = backup.path;
	mg_run_detail_text(run, "path", backup.path);
	mg_run_detail_text(run, "sha256", backup.sha256);
	mg_json_int(mg_run_detail(run), "size", backup.size);
	mg_run_say(run, "%s, %lld kB, read back whole", backup.path, (backup.size + 1023) / 1024);
	return MG_STEP_OK;
}
