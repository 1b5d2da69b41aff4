/*
 * cmd_backup.c
 *	  migguard backup: create, list, verify, restore, prune.
 */
#include <string.h>

#include "backup_command.h"
#include "backup_file.h"
#include "backup_ledger.h"
#include "backup_list.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_backup.h"
#include "pg_catalog_server.h"
#include "report.h"
#include "restore_trace.h"
#include "session.h"
#include "text.h"
#include "uuid.h"

static const MgOption options[] = {
	{ 'k', "kind", "KIND", MG_SETTING_COUNT, NULL,
	  "create: full, targeted or external (default: [backup] policy)" },
	{ 't', "table", "TABLE", MG_SETTING_COUNT, NULL,
	  "create: a table of a targeted backup, quoted as in SQL; once for each" },
	{ 'd', "directory", "DIR", MG_SET_BACKUP_DIRECTORY, NULL, "where backups are kept" },
	{ '\0', "backup-format", "FORMAT", MG_SET_BACKUP_FORMAT, NULL, "create: custom or directory" },
	{ 'j', "jobs", "N", MG_SET_BACKUP_JOBS, NULL, "sessions of pg_dump and pg_restore" },
	{ '\0', "compress", "LEVEL", MG_SET_BACKUP_COMPRESS, NULL, "create: compression level" },
	{ '\0', "restore", NULL, MG_SETTING_COUNT, "on",
	  "verify: restore into a scratch database and compare schema and row counts" },
	{ '\0', "into", "DATABASE", MG_SETTING_COUNT, NULL,
	  "restore: into a new database of that name, and leave it at that" },
	{ '\0', "any-origin", NULL, MG_SETTING_COUNT, "on",
	  "restore: also a backup of another database or cluster" },
	{ '\0', "abort", NULL, MG_SETTING_COUNT, "on",
	  "restore: give up one that was interrupted, before its swap" },
	{ '\0', "keep", "N", MG_SET_BACKUP_KEEP, NULL, "prune: leave the newest N" },
	{ '\0', "keep-for", "TIME", MG_SET_BACKUP_KEEP_FOR, NULL, "prune: leave those younger than TIME" },
	{ '\0', "databases", NULL, MG_SETTING_COUNT, "on",
	  "prune: also drop databases that restores have put aside, by the same rule" },
	{ 'n', "dry-run", NULL, MG_SETTING_COUNT, "on", "prune: only say what would be removed" },
	{ '\0', NULL, NULL, MG_SETTING_COUNT, NULL, NULL },
};

static cJSON *
to_json(const MgBackup *backup)
{
	cJSON *json = cJSON_CreateObject();

	mg_backup_detail(backup, json);
	mg_json_text(json, "format", backup->format);
	mg_json_text(json, "run_id", backup->run_id);
	mg_json_text(json, "revision", backup->revision);
	mg_json_text(json, "database", backup->database);
	mg_json_text(json, "system_identifier", backup->system_identifier);
	mg_json_text(json, "server_version", backup->server_version);
	mg_json_text(json, "fingerprint", backup->fingerprint);
	mg_json_text(json, "created_at", backup->created_at);
	mg_json_int(json, "age_seconds", mg_backup_age(backup));
	mg_json_int(json, "files", backup->file_count);
	mg_json_int(json, "tables", backup->table_count);
	return json;
}

static cJSON *
list_json(const MgBackups *list)
{
	cJSON *items = cJSON_CreateArray();

	for (int i = 0; i < list->count; i++)
		cJSON_AddItemToArray(items, to_json(&list->items[i]));
	return items;
}

static void
print_list(MgContext *context, const char *key, const MgBackups *list)
{
	static const MgColumn columns[] = { { "created", "created", 0 },
										{ "kind", "kind", 0 },
										{ "database", "database", 24 },
										{ "run", "run", 0 },
										{ "size", "kB", 0 },
										{ "path", "path", 0 },
										{ NULL, NULL, 0 } };
	char *names[] = { (char[]){ "created" }, (char[]){ "kind" }, (char[]){ "database" },
					  (char[]){ "run" },	 (char[]){ "size" }, (char[]){ "path" } };
	MgColumnType types[] = { MG_COLUMN_TEXT, MG_COLUMN_TEXT,   MG_COLUMN_TEXT,
							 MG_COLUMN_TEXT, MG_COLUMN_NUMBER, MG_COLUMN_TEXT };
	MgRows rows = { .count = list->count, .columns = 6, .names = names, .types = types };
	cJSON *root;

	if (context->format == MG_FORMAT_JSON)
	{
		root = cJSON_CreateObject();
		cJSON_AddItemToObject(root, key, list_json(list));
		mg_json_print(stdout, root);
		return;
	}
	rows.cells = mg_alloc(context->arena, (size_t) (list->count + 1) * 6 * sizeof(char *));
	for (int i = 0; i < list->count; i++)
	{
		const MgBackup *b = &list->items[i];
		char **cells = rows.cells + (size_t) i * 6;

		cells[0] = mg_strdup(context->arena, b->created_at);
		cells[1] = mg_strdup(context->arena, b->kind);
		cells[2] = mg_strdup(context->arena, b->database);
		cells[3] = mg_printf(context->arena, "%.8s", b->run_id);
		cells[4] = mg_printf(context->arena, "%lld", (b->size + 1023) / 1024);
		cells[5] = mg_strdup(context->arena, b->path);
	}
	if (list->count > 0)
		mg_report_table(context, &rows, columns);
	else
		puts("no backups");
}

static bool
create(MgContext *context, int *exit_code, MgError *err)
{
	const char *kind = mg_cli_flag(context, &mg_cmd_backup, "kind");
	MgStrings tables;
	MgBackupJob job = { .arena = context->arena,
						.config = context->config,
						.target = &context->target,
						.only = &tables,
						.work_fd = -1 };
	MgBackups one = { &job.backup, 1 };
	bool ok;

	(void) exit_code;
	mg_strings_init(&tables, context->arena);
	for (const MgGiven *given = context->given; given->option != NULL; given++)
		if (strcmp(given->option->long_name, "table") == 0)
			mg_strings_add(&tables, given->value);
	if (kind == NULL)
		kind =
			tables.count > 0 ? "targeted" : mg_config_string(context->config, MG_SET_BACKUP_POLICY);
	if (strcmp(kind, "full") != 0 && strcmp(kind, "external") != 0 &&
		(strcmp(kind, "targeted") != 0 || tables.count == 0))
	{
		mg_err_set(err, MG_EXIT_USAGE, "no backup of kind \"%s\" can be made so", kind);
		return mg_err_hint(err, "Use --kind full or external, or name tables by --table.");
	}
	if (!mg_uuid_new(context->arena, &job.backup.run_id, err) ||
		!mg_session_open(context, "backup", &job.pg, err))
		return false;
	job.tag = mg_printf(context->arena, "migguard:%.8s", job.backup.run_id);
	ok = mg_backup_known_tables(job.pg, &tables, err);
	if (ok)
	{
		ok = mg_backup_make(&job, kind, err);
		mg_backup_enter(context, job.pg, &job.backup, ok ? NULL : err);
	}
	mg_pg_close(job.pg);
	if (ok)
		print_list(context, "backups", &one);
	return ok;
}

static bool
list(MgContext *context, int *exit_code, MgError *err)
{
	MgBackups all;

	(void) exit_code;
	if (!mg_backup_list(context->arena, mg_config_string(context->config, MG_SET_BACKUP_DIRECTORY),
						false, &all, err))
		return false;
	print_list(context, "backups", &all);
	return true;
}

/* One backup; *why tells what is wrong with it, NULL: nothing. */
static void
verify_one(MgContext *context, const char *path, const char **why, const char **detail)
{
	MgBackup backup;
	MgError fault;

	mg_err_init(&fault, context->arena);
	*why = *detail = NULL;
	if (mg_manifest_read(context->arena, path, &backup, &fault) &&
		mg_backup_verify(context->arena, context->config, &backup, &fault) &&
		(mg_cli_flag(context, &mg_cmd_backup, "restore") == NULL ||
		 mg_backup_try(context->arena, context->config, &context->target, &backup, &fault)))
		return;
	*why = fault.message;
	*detail = fault.detail;
}

static bool
verify(MgContext *context, int *exit_code, MgError *err)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *items = cJSON_AddArrayToObject(root, "backups");
	const char *first = NULL;
	const char *first_detail = NULL;
	int bad = 0;

	(void) exit_code;
	for (int i = 1; i < context->nargs; i++)
	{
		cJSON *item = cJSON_CreateObject();
		const char *why;
		const char *detail;

		verify_one(context, context->args[i], &why, &detail);
		if (why != NULL && bad++ == 0)
		{
			first = why;
			first_detail = detail;
		}
		mg_json_text(item, "path", context->args[i]);
		mg_json_bool(item, "good", why == NULL);
		mg_json_text(item, "problem", why);
		mg_json_text(item, "detail", detail);
		cJSON_AddItemToArray(items, item);
		if (context->format != MG_FORMAT_JSON && why == NULL)
			mg_report_pair(context, "good", context->args[i]);
		else if (context->format != MG_FORMAT_JSON)
			mg_report_pair(context, "bad", why);
	}
	if (context->format == MG_FORMAT_JSON)
		mg_json_print(stdout, root);
	else
		cJSON_Delete(root);
	if (bad == 0)
		return true;
	if (bad == 1)
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s", first);
	else
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
				   "%d of %d backups cannot be relied on; the first: %s", bad, context->nargs - 1,
				   first);
	return first_detail == NULL ? false : mg_err_detail(err, "%s", first_detail);
}

/* Databases are dropped on express wish only: what was written after the backup is nowhere else. */
static bool
choose_databases(MgContext *context, MgPg *pg, const char *live, MgStrings *names, MgError *err)
{
	mg_strings_init(names, context->arena);
	return mg_cli_flag(context, &mg_cmd_backup, "databases") == NULL ||
		   mg_restore_put_aside(context->arena, pg, live,
								mg_config_int(context->config, MG_SET_BACKUP_KEEP),
								mg_config_ms(context->config, MG_SET_BACKUP_KEEP_FOR), names, err);
}

static void
print_pruned(MgContext *context, bool dry, const MgBackups *backups, const MgStrings *databases)
{
	const char *done = dry ? "would_remove" : "removed";
	cJSON *root;
	cJSON *names;

	if (context->format != MG_FORMAT_JSON)
	{
		print_list(context, done, backups);
		for (int i = 0; i < databases->count; i++)
			mg_report_pair(context, dry ? "would drop" : "dropped", databases->items[i]);
		return;
	}
	root = cJSON_CreateObject();
	cJSON_AddItemToObject(root, done, list_json(backups));
	names = cJSON_AddArrayToObject(root, dry ? "would_drop_databases" : "dropped_databases");
	for (int i = 0; i < databases->count; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(databases->items[i]));
	mg_json_print(stdout, root);
}

static bool
prune(MgContext *context, int *exit_code, MgError *err)
{
	const char *directory = mg_config_string(context->config, MG_SET_BACKUP_DIRECTORY);
	bool dry = mg_cli_flag(context, &mg_cmd_backup, "dry-run") != NULL;
	MgStrings needed;
	MgBackups all;
	MgBackups doomed;
	MgStrings aside;
	const char *database = NULL;
	MgPg *pg = NULL;
	bool ok;

	(void) exit_code;
	/* without its ledger nobody knows what is still needed */
	if (!mg_session_open(context, "backup", &pg, err))
		return false;
	database = mg_backup_database(pg);
	ok = mg_backup_needed(pg, &needed, err) &&
		 mg_backup_list(context->arena, directory, true, &all, err) &&
		 mg_backup_choose(context->arena, context->config, &needed, database, &all, &doomed, err) &&
		 choose_databases(context, pg, database, &aside, err);
	for (int i = 0; ok && !dry && i < doomed.count; i++)
		ok = mg_backup_remove(doomed.items[i].path, err);
	for (int i = 0; ok && !dry && i < aside.count; i++)
		ok = mg_server_drop_database(pg, aside.items[i], err);
	mg_pg_close(pg);
	if (ok)
		print_pruned(context, dry, &doomed, &aside);
	return ok;
}

static const MgBackupVerb verbs[] = {
	{ "create", 0, 0, create },	 { "list", 0, 0, list },
	{ "verify", 1, -1, verify }, { "restore", 0, 1, mg_backup_cmd_restore },
	{ "prune", 0, 0, prune },
};

static bool
cmd_backup(MgContext *context, int *exit_code, MgError *err)
{
	int operands = context->nargs - 1;

	for (size_t i = 0; context->nargs > 0 && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, context->args[0]) == 0)
		{
			if (operands >= verbs[i].least && (verbs[i].most < 0 || operands <= verbs[i].most))
				return verbs[i].act(context, exit_code, err);
			return mg_err_set(err, MG_EXIT_USAGE, "backup %s does not take %s", verbs[i].name,
							  mg_text_count(context->arena, operands, "operand"));
		}
	mg_err_set(err, MG_EXIT_USAGE, "backup needs one of: create, list, verify, restore, prune");
	return mg_err_hint(err, "See \"migguard help backup\".");
}

const MgCommand mg_cmd_backup = {
	.name = "backup",
	.operands = "create | list | verify BACKUP... | restore BACKUP | prune",
	.summary = "make, list, verify, restore and prune backups",
	.description =
		"create makes a backup by policy, reads it back and gives it its name only then.  list shows "
		"what is in the directory of backups.  verify reads backups whole: sizes, SHA-256, and whether "
		"they unpack; with --restore it restores each into a scratch database and compares schema and "
		"row counts.  restore makes a new database of a backup, compares it, and puts it in the place "
		"of the present one, which is kept under a dated name; interrupted at any point it can be run "
		"again.  prune removes old backups, but never one that the ledger still needs, and with --databases "
		"also drops databases that restores have put aside.  Ends with 10 "
		"when a backup cannot be relied on.",
	.needs_database = true,
	.options = options,
	.run = cmd_backup,
};
