/*
 * backup_manifest.c
 *	  The manifest of a backup: written last, and guarding itself by a hash of its own text.
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup_file.h"
#include "file.h"
#include "hash.h"
#include "json.h"

#define MANIFEST_VERSION 1
#define OWN_HASH		 ",\n\t\"manifest_sha256\":\t\""
#define OWN_END			 "\"\n}\n"

/* Members that are texts: name in the manifest and place in MgBackup. */
static const struct
{
	const char *name;
	size_t at;
	bool required;
} texts[] = {
	{ "kind", offsetof(MgBackup, kind), true },
	{ "format", offsetof(MgBackup, format), true },
	{ "run_id", offsetof(MgBackup, run_id), true },
	{ "revision", offsetof(MgBackup, revision), false },
	{ "snapshot_id", offsetof(MgBackup, snapshot_id), false },
	{ "fingerprint", offsetof(MgBackup, fingerprint), true },
	{ "database", offsetof(MgBackup, database), true },
	{ "system_identifier", offsetof(MgBackup, system_identifier), true },
	{ "server_version", offsetof(MgBackup, server_version), true },
	{ "created_at", offsetof(MgBackup, created_at), true },
	{ "lsn", offsetof(MgBackup, lsn), false },
	{ "restore_point", offsetof(MgBackup, restore_point), false },
	{ "restore_point_error", offsetof(MgBackup, restore_point_error), false },
	{ "reason", offsetof(MgBackup, reason), false },
};

static const char **
text_at(MgBackup *backup, size_t at)
{
	return (const char **) ((char *) backup + at);
}

static void
add_lists(cJSON *json, const MgBackup *backup)
{
	cJSON *files = cJSON_AddArrayToObject(json, "files");
	cJSON *tables = cJSON_AddArrayToObject(json, "tables");
	cJSON *sequences = cJSON_AddArrayToObject(json, "sequences");

	for (int i = 0; i < backup->file_count; i++)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "name", backup->files[i].name);
		mg_json_int(item, "size", backup->files[i].size);
		mg_json_text(item, "sha256", backup->files[i].sha256);
		if (backup->files[i].content_sha256 != NULL)
			mg_json_text(item, "content_sha256", backup->files[i].content_sha256);
		cJSON_AddItemToArray(files, item);
	}
	for (int i = 0; i < backup->table_count; i++)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "name", backup->tables[i].name);
		mg_json_text(item, "condition", backup->tables[i].condition);
		mg_json_int(item, "rows", backup->tables[i].rows);
		if (backup->tables[i].file != NULL)
			mg_json_text(item, "file", backup->tables[i].file);
		cJSON_AddItemToArray(tables, item);
	}
	for (int i = 0; i < backup->sequence_count; i++)
	{
		cJSON *item = cJSON_CreateObject();

		mg_json_text(item, "name", backup->sequences[i].name);
		mg_json_text(item, "value", backup->sequences[i].value);
		mg_json_bool(item, "called", backup->sequences[i].called);
		cJSON_AddItemToArray(sequences, item);
	}
}

bool
mg_manifest_write(MgBackupJob *job, MgError *err)
{
	const char *path = mg_file_join(job->arena, job->work, MG_BACKUP_MANIFEST);
	MgBackup *backup = &job->backup;
	cJSON *json = cJSON_CreateObject();
	MgBackup nowhere = { 0 };
	MgWriter writer;
	char *printed;
	MgBuf text;

	mg_json_int(json, "migguard_backup", MANIFEST_VERSION);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		mg_json_text(json, texts[i].name, *text_at(backup, texts[i].at));
	mg_json_int(json, "size", backup->size);
	if (backup->proof != NULL)
		mg_json_raw(json, "proof", backup->proof);
	add_lists(json, backup);
	printed = cJSON_Print(json);
	cJSON_Delete(json);
	mg_buf_init(&text, job->arena);
	/* without its "\n}", in place of which comes the hash of what stands before it */
	mg_buf_add_bytes(&text, printed, strlen(printed) - 2);
	cJSON_free(printed);
	backup->manifest_sha256 = mg_hash_sha256(job->arena, text.data, text.len);
	mg_buf_addf(&text, "%s%s%s", OWN_HASH, backup->manifest_sha256, OWN_END);
	if (!mg_writer_open(&writer, path, 0, err))
		return false;
	mg_writer_add(&writer, text.data, text.len);
	return mg_writer_close(&writer, job->arena, &nowhere, MG_BACKUP_MANIFEST, err);
}

static const char *
text_of(MgArena *arena, const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(item) ? mg_strdup(arena, item->valuestring) : NULL;
}

static long long
number_of(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? (long long) item->valuedouble : -1;
}

/* A file of the backup itself, whatever the manifest says. */
static bool
is_below(const char *name)
{
	return name != NULL && *name != '\0' && *name != '/' && strstr(name, "..") == NULL;
}

static bool
read_lists(MgArena *arena, const cJSON *json, MgBackup *backup)
{
	const cJSON *tables = cJSON_GetObjectItemCaseSensitive(json, "tables");
	const cJSON *sequences = cJSON_GetObjectItemCaseSensitive(json, "sequences");
	const cJSON *item;

	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(json, "files"))
	{
		MgBackupFile file = { .name = text_of(arena, item, "name"),
							  .size = number_of(item, "size"),
							  .sha256 = text_of(arena, item, "sha256"),
							  .content_sha256 = text_of(arena, item, "content_sha256") };

		if (!is_below(file.name) || file.size < 0 || file.sha256 == NULL)
			return false;
		mg_backup_add_file(arena, backup, &file);
	}
	backup->tables =
		mg_alloc(arena, (size_t) (cJSON_GetArraySize(tables) + 1) * sizeof(MgBackupTable));
	cJSON_ArrayForEach (item, tables)
	{
		MgBackupTable *table = &backup->tables[backup->table_count++];

		table->name = text_of(arena, item, "name");
		table->condition = text_of(arena, item, "condition");
		table->rows = number_of(item, "rows");
		table->file = text_of(arena, item, "file");
		if (table->name == NULL || table->condition == NULL ||
			(table->file != NULL && !is_below(table->file)))
			return false;
	}
	backup->sequences =
		mg_alloc(arena, (size_t) (cJSON_GetArraySize(sequences) + 1) * sizeof(MgBackupSequence));
	cJSON_ArrayForEach (item, sequences)
	{
		MgBackupSequence *sequence = &backup->sequences[backup->sequence_count++];

		sequence->name = text_of(arena, item, "name");
		sequence->value = text_of(arena, item, "value");
		sequence->called = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "called"));
		if (sequence->name == NULL || sequence->value == NULL)
			return false;
	}
	return true;
}

/* The hash that a manifest ends with is that of what stands before it, and nothing comes after it. */
static bool
guards_itself(MgArena *arena, const char *text, size_t len, MgBackup *backup)
{
	size_t end_len = strlen(OWN_HASH) + 64 + strlen(OWN_END);
	const char *end = len > end_len ? text + len - end_len : text;

	if (strlen(text) != len || len <= end_len || strncmp(end, OWN_HASH, strlen(OWN_HASH)) != 0 ||
		strcmp(text + len - strlen(OWN_END), OWN_END) != 0)
		return false;
	backup->manifest_sha256 = mg_strndup(arena, end + strlen(OWN_HASH), 64);
	return strcmp(mg_hash_sha256(arena, text, len - end_len), backup->manifest_sha256) == 0;
}

static bool
fill(MgArena *arena, const cJSON *json, MgBackup *backup)
{
	const cJSON *proof = cJSON_GetObjectItemCaseSensitive(json, "proof");

	if (number_of(json, "migguard_backup") != MANIFEST_VERSION || !read_lists(arena, json, backup))
		return false;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
	{
		*text_at(backup, texts[i].at) = text_of(arena, json, texts[i].name);
		if (texts[i].required && *text_at(backup, texts[i].at) == NULL)
			return false;
	}
	if (proof != NULL)
	{
		char *printed = cJSON_PrintUnformatted(proof);

		backup->proof = mg_strdup(arena, printed);
		cJSON_free(printed);
	}
	return true;
}

bool
mg_manifest_read(MgArena *arena, const char *path, MgBackup *backup, MgError *err)
{
	const char *manifest = mg_file_join(arena, path, MG_BACKUP_MANIFEST);
	const char *text;
	struct stat st;
	size_t len;
	cJSON *json;
	bool ok;

	memset(backup, 0, sizeof *backup);
	if (lstat(manifest, &st) != 0 || !S_ISREG(st.st_mode))
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "\"%s\" is not a backup", path);
		return mg_err_hint(err, "Name the directory of a backup: \"migguard backup list\".");
	}
	if (!mg_file_read(arena, manifest, &text, &len, err))
		return false;
	if (!guards_itself(arena, text, len, backup))
		return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
						  "the manifest of backup \"%s\" is damaged: it has not the hash that it names",
						  path);
	json = cJSON_Parse(text);
	ok = fill(arena, json, backup);
	cJSON_Delete(json);
	/* names of files are what follows it and a slash */
	for (len = strlen(path); len > 1 && path[len - 1] == '/';)
		len--;
	backup->path = mg_strndup(arena, path, len);
	return ok || mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
							"the manifest of backup \"%s\" is not understood", path);
}
