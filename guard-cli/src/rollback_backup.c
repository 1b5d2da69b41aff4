/*
 * rollback_backup.c
 *	  migguard rollback --from-backup: the backup that a run has made, in the place of what it left.
 */
#include "backup_command.h"
#include "pg_catalog_backup.h"
#include "pg_catalog_ledger.h"
#include "restore.h"
#include "session.h"

/* The run that is named, else the last one that touched the schema. */
static bool
find_run(MgPg *pg, const char *lock, const char *which, const char **id, MgError *err)
{
	MgPastRuns runs;

	if (!mg_ledger_past_runs(pg, lock, which != NULL ? which : "last", NULL, &runs, err))
		return false;
	if (runs.count != 1)
		return mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "%s",
						  runs.count == 0 ? "no such run is in the ledger" :
											"that is the beginning of the ids of several runs");
	*id = runs.items[0].id;
	return true;
}

bool
mg_rollback_from_backup(MgContext *context, const char *which, MgError *err)
{
	const char *path = NULL;
	const char *manifest = NULL;
	const char *id = NULL;
	MgPg *pg = NULL;
	bool ok;

	/* one that was interrupted may have left the database closed */
	if (!mg_restore_interrupted(context, &path, err))
		return false;
	if (path != NULL)
		return mg_backup_restore_path(context, path, NULL, NULL, false, err);
	if (!mg_session_open(context, "rollback", &pg, err))
		return false;
	ok = find_run(pg, mg_config_string(context->config, MG_SET_LOCK_NAME), which, &id, err) &&
		 mg_backup_of_run(pg, id, &path, &manifest, err);
	mg_pg_close(pg);
	if (!ok)
		return false;
	if (path == NULL)
	{
		mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "run %.8s has made no backup", id);
		return mg_err_hint(err, "See \"migguard backup list\".");
	}
	return mg_backup_restore_path(context, path, manifest, NULL, false, err);
}
