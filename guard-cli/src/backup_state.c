/*
 * backup_state.c
 *	  State backup: after the rehearsal, which has shown what the migration changes.
 */
#include <string.h>

#include "backup.h"
#include "backup_ledger.h"
#include "log.h"
#include "observe.h"
#include "pg_catalog_backup.h"
#include "run.h"

#define ROW_EXCLUSIVE		3
#define SHARE_ROW_EXCLUSIVE 6

/* What the migration changes, gathered from its statements. */
typedef struct Changed
{
	MgStrings kinds;
	MgStrings objects;
	MgStrings made;		 /* by the migration itself */
	bool writes;		 /* some statement changes rows */
	const char *unknown; /* why that is not all; NULL: it is */
} Changed;

/* NULL for a prediction. */
static const char *
tag_of(const MgStatement *statement)
{
	return statement->rows == NULL ? NULL : mg_rows_get(statement->rows, statement->row, "tag");
}

/* Statements whose own statements depend on the rows that they find; a clone has none. */
static bool
depends_on_rows(const char *tag)
{
	return tag != NULL && (strcmp(tag, "DO") == 0 || strcmp(tag, "CALL") == 0);
}

/* One that changes rows. */
static bool
writes_rows(const char *tag)
{
	static const char *const tags[] = { "INSERT", "UPDATE", "DELETE",
										"MERGE",  "COPY",	"TRUNCATE TABLE" };

	for (size_t i = 0; tag != NULL && i < sizeof tags / sizeof tags[0]; i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return false;
}

/*
 * A lock is told of by the statement that takes it first, or more strongly: a
 * statement that changes rows of a table that is locked already takes no new
 * one.  So where rows are changed at all, every table that is held strongly counts.
 */
static bool
loses_rows(const MgEffect *effect, bool writes)
{
	int strength = mg_lock_strength(effect->lock_mode);

	if (effect->kind == NULL || effect->object == NULL)
		return false;
	if (strcmp(effect->effect, "drop") == 0)
		return strcmp(effect->kind, "table") == 0 || strcmp(effect->kind, "table column") == 0;
	if (strcmp(effect->kind, "table") != 0)
		return false;
	return strcmp(effect->effect, "rewrite") == 0 ||
		   (strcmp(effect->effect, "lock") == 0 &&
			(strength == ROW_EXCLUSIVE || (writes && strength >= SHARE_ROW_EXCLUSIVE)));
}

static bool
is_made(const MgStrings *made, const char *object)
{
	for (int i = 0; i < made->count; i++)
	{
		size_t len = strlen(made->items[i]);

		if (strncmp(object, made->items[i], len) == 0 && (object[len] == '\0' || object[len] == '.'))
			return true;
	}
	return false;
}

static void
gather(MgRun *run, const MgStatements *list, Changed *changed)
{
	const char *outer = NULL; /* tag of the statement of the tool's own that others ran in */

	for (int i = 0; i < list->count; i++)
	{
		const MgStatement *statement = &list->items[i];
		const char *tag = tag_of(statement);

		/* functions of ours write to tables of ours */
		if (statement->nesting == 0)
			outer = statement->text != NULL && strstr(statement->text, "SELECT safedeploy.") != NULL ?
						NULL :
						tag;
		else if (outer != NULL && strcmp(outer, "SELECT") == 0)
			changed->unknown = "a function runs statements, which may depend on the rows it finds";
		if (depends_on_rows(tag))
			changed->unknown =
				mg_printf(run->arena, "%s does what depends on the rows it finds", tag);
		for (int e = 0; e < statement->effects.count; e++)
		{
			const MgEffect *effect = &statement->effects.items[e];

			if (strcmp(effect->effect, "opaque") == 0)
				changed->unknown = effect->detail != NULL ? effect->detail : "a statement is opaque";
			else if (strcmp(effect->effect, "drop") == 0 && effect->kind != NULL &&
					 strcmp(effect->kind, "extension") == 0)
				changed->unknown = "an extension is dropped";
			else if (strcmp(effect->effect, "new") == 0 && effect->object != NULL)
				mg_strings_add(&changed->made, effect->object);
			else if (loses_rows(effect, changed->writes) && !is_made(&changed->made, effect->object))
			{
				mg_strings_add(&changed->kinds, effect->kind);
				mg_strings_add(&changed->objects, effect->object);
			}
		}
	}
}

/* Somebody has seen every statement of what is pending. */
static bool
all_is_seen(MgRun *run, Changed *changed, MgError *err)
{
	const MgPassage *seen = &run->observation->passes[MG_PASS_UP];

	if (seen->was_rehearsed && !seen->is_whole)
		changed->unknown = "the rehearsal was not seen to its end";
	if (!seen->was_rehearsed)
		changed->unknown = "the migration was not rehearsed";
	for (int i = 0; i < run->pending.count; i++)
	{
		const char *sql = NULL;
		const char *why_not = NULL;

		if (!run->tool->ops->sql(run->tool, &run->pending.items[i], MG_UP, &sql, &why_not, err))
			return false;
		if (sql == NULL)
			changed->unknown = mg_printf(run->arena, "%s: %s", run->pending.items[i].id,
										 why_not != NULL ? why_not : "its SQL is not available");
	}
	return true;
}

/* The tables of a targeted backup; *unknown tells why it would not have all, or NULL. */
static bool
choose(MgRun *run, MgStrings *tables, const char **unknown, MgError *err)
{
	const MgPassage *up = &run->observation->passes[MG_PASS_UP];
	const MgStatements *seen = &up->rehearsed;
	Changed changed = { 0 };

	mg_strings_init(&changed.kinds, run->arena);
	mg_strings_init(&changed.objects, run->arena);
	mg_strings_init(&changed.made, run->arena);
	if (!all_is_seen(run, &changed, err))
		return false;
	/* a prediction does not say whether rows are changed */
	for (int i = 0; i < seen->count; i++)
		changed.writes =
			changed.writes || (seen->items[i].nesting == 0 && writes_rows(tag_of(&seen->items[i])));
	gather(run, &up->predicted, &changed);
	gather(run, &up->rehearsed, &changed);
	*unknown = changed.unknown;
	return changed.unknown != NULL ||
		   mg_backup_targets(run->pg, &changed.kinds, &changed.objects, tables, unknown, err);
}

static bool
make(MgRun *run, const char *kind, MgBackupJob *job, MgError *err)
{
	MgStrings tables;
	const char *unknown = NULL;

	*job = (MgBackupJob){ .arena = run->arena,
						  .config = run->config,
						  .target = &run->context->target,
						  .pg = run->pg,
						  .tag = mg_printf(run->arena, "migguard:%s", run->short_id),
						  .only = &tables,
						  .work_fd = -1 };
	job->backup.run_id = run->id;
	job->backup.revision = mg_revisions_text(run->arena, &run->here_revisions);
	job->backup.snapshot_id = run->here.id;
	job->backup.fingerprint = run->here.fingerprint;
	if (strcmp(kind, "targeted") == 0)
	{
		if (!choose(run, &tables, &unknown, err))
			return false;
		if (unknown != NULL)
		{
			job->backup.reason =
				mg_printf(run->arena, "what the migration changes is not all known: %s", unknown);
			mg_log_warning("a full backup is made in place of a targeted one: %s",
						   job->backup.reason);
			kind = "full";
		}
	}
	return mg_backup_make(job, kind, err);
}

MgStep
mg_state_backup(MgRun *run, MgError *err)
{
	const char *kind = mg_config_string(run->config, MG_SET_BACKUP_POLICY);
	MgBackupJob job;

	if (strcmp(kind, "none") == 0)
	{
		mg_run_say(run, "none (%s)", mg_config_source(run->config, MG_SET_BACKUP_POLICY));
		return MG_STEP_SKIPPED;
	}
	if (make(run, kind, &job, err))
	{
		run->backup_path = job.backup.path;
		mg_backup_detail(&job.backup, mg_run_detail(run));
		mg_run_say(run, "%s", mg_backup_summary(run->arena, &job.backup));
		return mg_run_hold(run, err) ? MG_STEP_OK : MG_STEP_FAILED;
	}
	run->told_to_stop = run->told_to_stop || job.interrupted;
	if (run->told_to_stop ||
		strcmp(mg_config_string(run->config, MG_SET_BACKUP_ON_FAILURE), "refuse") == 0)
		return MG_STEP_FAILED;
	mg_log_warning("there is no backup: %s", err->message);
	mg_run_detail_text(run, "failed", err->message);
	mg_run_say(run, "none: %s (%s)", err->message,
			   mg_config_source(run->config, MG_SET_BACKUP_ON_FAILURE));
	mg_err_clear(err);
	return mg_run_hold(run, err) ? MG_STEP_SKIPPED : MG_STEP_FAILED;
}
