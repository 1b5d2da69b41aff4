/*
 * backup_ledger.c
 *	  What the ledger keeps of a backup.
 */
#include <string.h>

#include "backup_ledger.h"
#include "json.h"
#include "log.h"
#include "pg_catalog_ledger.h"
#include "run.h"
#include "session.h"
#include "signals.h"
#include "text.h"

void
mg_backup_detail(const MgBackup *backup, cJSON *detail)
{
	mg_json_text(detail, "path", backup->path);
	mg_json_text(detail, "kind", backup->kind);
	mg_json_text(detail, "manifest_sha256", backup->manifest_sha256);
	mg_json_text(detail, "lsn", backup->lsn);
	mg_json_text(detail, "restore_point", backup->restore_point);
	mg_json_text(detail, "restore_point_error", backup->restore_point_error);
	mg_json_text(detail, "reason", backup->reason);
	mg_json_int(detail, "size", backup->size);
	if (backup->proof != NULL)
		mg_json_raw(detail, "proof", backup->proof);
}

char *
mg_backup_summary(MgArena *arena, const MgBackup *backup)
{
	const char *tables = "";

	if (strcmp(backup->kind, "targeted") == 0)
		tables = mg_printf(arena, " (%s)", mg_text_count(arena, backup->table_count, "table"));
	return mg_printf(arena, "%s, %s%s, %lld kB, read back whole", backup->path, backup->kind,
					 tables, (backup->size + 1023) / 1024);
}

static bool
enter(MgContext *context, MgPg *pg, const MgBackup *backup, const MgError *failure, MgError *err)
{
	MgNewRun run = { .id = backup->run_id, .command = "backup", .client = mg_session_client(context) };
	const char *message =
		failure != NULL ? failure->message : mg_backup_summary(context->arena, backup);
	char *text = NULL;

	if (failure == NULL)
	{
		cJSON *detail = cJSON_CreateObject();

		mg_backup_detail(backup, detail);
		text = mg_json_take(context->arena, detail);
	}
	return mg_ledger_begin(pg, &run, err) &&
		   mg_ledger_event(pg, run.id, mg_state_name(MG_STATE_BACKUP),
						   failure != NULL ? "failed" : "ok", message, text, err) &&
		   mg_ledger_end(pg, run.id, failure != NULL ? failure->exit_code : MG_EXIT_DONE, message,
						 NULL, err);
}

/*
 * Entered when it is over, so that one that is killed leaves no run without an end: it has
 * changed nothing that somebody would have to look after.
 */
void
mg_backup_enter(MgContext *context, MgPg *pg, const MgBackup *backup, const MgError *failure)
{
	bool shielded = mg_signals_shield(true);
	MgError why;

	mg_err_init(&why, context->arena);
	if (!enter(context, pg, backup, failure, &why))
		mg_log_warning("the ledger does not have this backup: %s", why.message);
	mg_signals_shield(shielded);
}
