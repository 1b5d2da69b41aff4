/*
 * cmd_backup_restore.c
 *	  migguard backup restore.
 */
#include <string.h>

#include "backup_command.h"
#include "json.h"
#include "log.h"
#include "report.h"
#include "restore.h"
#include "signals.h"
#include "uuid.h"

static bool
give_up(MgContext *context, MgError *err)
{
	bool was;

	if (context->nargs != 1)
		return mg_err_set(err, MG_EXIT_USAGE, "--abort takes no backup");
	if (!mg_restore_abort(context, &was, err))
		return false;
	mg_report_pair(context, "result",
				   was ? "given up, the database is as it was" : "nothing to give up");
	return true;
}

static void
print_result(MgContext *context, const MgRestore *r, const char *into)
{
	cJSON *json;

	if (context->format == MG_FORMAT_JSON)
	{
		json = cJSON_CreateObject();
		mg_json_text(json, "backup", r->backup->path);
		mg_json_text(json, "database", into != NULL ? into : r->live);
		mg_json_text(json, "kept", into != NULL ? NULL : r->kept);
		mg_json_text(json, "run_id", into != NULL ? NULL : r->run_id);
		mg_json_bool(json, "resumed", r->again);
		mg_json_print(stdout, json);
		return;
	}
	mg_report_pair(context, "restored", into != NULL ? into : r->live);
	if (into == NULL)
		mg_report_pair(context, "put aside", r->kept);
}

bool
mg_backup_restore_path(MgContext *context, const char *path, const char *manifest, const char *into,
					   bool any_origin, MgError *err)
{
	MgBackup backup;
	MgRestore restore = {
		.arena = context->arena, .context = context, .backup = &backup, .any_origin = any_origin
	};

	mg_signals_catch();
	if (!mg_manifest_read(context->arena, path, &backup, err))
		return false;
	if (manifest != NULL && strcmp(manifest, backup.manifest_sha256) != 0)
		return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
						  "backup \"%s\" is not the one that the ledger knows", path);
	restore.kind = mg_backup_kind(&backup, err);
	if (restore.kind == NULL)
		return false;
	if (restore.kind->load == NULL)
		return mg_err_set(err, MG_EXIT_USAGE,
						  "backup \"%s\" is %s: restore it by the program that made it", path,
						  backup.kind);
	/* all of it, before anything is touched */
	if (!mg_backup_verify(context->arena, context->config, &backup, err) ||
		!mg_uuid_new(context->arena, &restore.run_id, err))
		return false;
	if (!(into != NULL ? mg_restore_into(&restore, into, err) : mg_restore_run(&restore, err)))
		return false;
	print_result(context, &restore, into);
	return true;
}

bool
mg_backup_cmd_restore(MgContext *context, int *exit_code, MgError *err)
{
	(void) exit_code;
	if (mg_cli_flag(context, &mg_cmd_backup, "abort") != NULL)
		return give_up(context, err);
	if (context->nargs != 2)
		return mg_err_set(err, MG_EXIT_USAGE, "backup restore needs the directory of a backup");
	return mg_backup_restore_path(context, context->args[1], NULL,
								  mg_cli_flag(context, &mg_cmd_backup, "into"),
								  mg_cli_flag(context, &mg_cmd_backup, "any-origin") != NULL, err);
}
