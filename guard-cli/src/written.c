/*
 * written.c
 *	  What was written to tables and columns that a downgrade drops.
 */
#include "written.h"

#include <string.h>

#include "log.h"
#include "observe.h"
#include "pg_catalog_schema.h"
#include "pg_catalog_server.h"
#include "text.h"

/* A table that takes longer to look through is taken for written to. */
#define LOOK_MS		 2000
#define MOST_WRITTEN 20

/* holds_values asks one table; "no answer" counts as yes. */
static bool
holds_values(MgPg *pg, const MgRows *rows, int r)
{
	MgError ignored;
	MgRows found;

	mg_err_init(&ignored, pg->arena);
	if (strcmp(mg_rows_get(rows, r, "readable"), "t") != 0)
		return true;
	return !mg_pg_rows(pg, mg_rows_get(rows, r, "query"), 0, NULL, &found, &ignored) ||
		   found.count > 0;
}

bool
mg_written_look(MgRun *run, MgStrings *written, MgError *err)
{
	const MgStrings *losses = mg_observe_losses(run, MG_PASS_DOWN);
	MgPg *pg = NULL;
	MgRows rows;
	bool ok;

	mg_strings_init(written, run->arena);
	if (losses == NULL || losses->count == 0)
		return true;
	/* a session of its own: it only reads, and has a time limit */
	ok = mg_pg_open(run->arena, &run->context->target, mg_run_application_name(run, "verify"), &pg,
					err) &&
		 mg_server_user_session(pg, LOOK_MS, err) && mg_schema_written(pg, losses, &rows, err);
	for (int r = 0; ok && r < rows.count; r++)
		if (holds_values(pg, &rows, r))
			mg_strings_add(written, mg_rows_get(&rows, r, "name"));
	mg_pg_close(pg);
	return ok;
}

bool
mg_written_tell(MgRun *run, const MgStrings *written, bool *lost, MgError *err)
{
	MgStrings gone;
	MgRows left;

	*lost = false;
	if (written->count == 0)
		return true;
	if (!mg_schema_written(run->pg, written, &left, err))
		return false;
	mg_strings_init(&gone, run->arena);
	for (int i = 0; i < written->count; i++)
	{
		bool there = false;

		for (int r = 0; r < left.count && !there; r++)
			there = strcmp(mg_rows_get(&left, r, "name"), written->items[i]) == 0;
		if (!there)
			mg_strings_add(&gone, written->items[i]);
	}
	if (gone.count == 0)
		return true;
	*lost = true;
	mg_run_detail_list(run, "written_and_lost", &gone);
	mg_log_warning("data written since the upgrade is lost: %s",
				   mg_changes_text(run->arena, &gone, MOST_WRITTEN));
	return true;
}
