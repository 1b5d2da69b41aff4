/*
 * lint_look.c
 *	  Sources through the analysis, in their order.
 */
#include "lint_look.h"

#include <string.h>

#include "log.h"
#include "pg_catalog_lint.h"
#include "pg_catalog_tool.h"
#include "script.h"
#include "signals.h"

/* How a part is run by its tool, and how it is run here. */
typedef struct Way
{
	bool in_transaction;
	bool one_transaction; /* psql wraps it in one */
} Way;

/* The text has no more than one statement. */
static bool
is_single(MgPg *pg, const char *text, bool *single, MgError *err)
{
	MgScriptPart *parts;
	int count;

	if (!mg_catalog_script_outline(pg, text, &parts, &count, err))
		return false;
	*single = count <= 1;
	return true;
}

static bool
choose_way(MgLintSources *sources, MgPg *pg, const MgLintSource *source, const MgLintPart *part,
		   Way *way, MgError *err)
{
	const char *tool = mg_config_string(sources->config, MG_SET_TOOL_NAME);
	bool ours = source->kind == MG_LINT_PAIR && tool != NULL && strcmp(tool, "sql") == 0;
	MgScript script;
	MgError ignored;
	bool single;

	mg_err_init(&ignored, sources->arena);
	/* what is wrong with a script is found by the analysis */
	if (!mg_script_look(pg, source->path, part->text, &script, &ignored) &&
		ignored.exit_code == MG_EXIT_INTERRUPTED)
	{
		*err = ignored;
		return false;
	}
	way->in_transaction = part->in_transaction;
	if (part->by_content)
		way->in_transaction = !script.own_transaction;
	/* Flyway, and migguard, leave the transaction out for a statement that runs in none */
	if (part->by_content && (ours || source->kind == MG_LINT_FLYWAY) && script.outside != NULL)
		way->in_transaction = false;
	/* what is sent in one piece is one transaction, when it is more than one statement */
	if (part->by_content && source->kind == MG_LINT_PAIR && !ours && way->in_transaction)
	{
		if (!is_single(pg, part->text, &single, err))
			return false;
		way->in_transaction = !single;
	}
	way->one_transaction = way->in_transaction && !script.own_transaction && script.outside == NULL;
	return true;
}

/* Why a script is not to be run, such as a psql command that runs a program; NULL: it may. */
static const char *
refusal(MgPg *pg, const MgLintSource *source, const char *text, MgArena *arena)
{
	MgScript script;
	MgError found;

	mg_err_init(&found, arena);
	return mg_script_look(pg, source->path, text, &script, &found) ? NULL : found.message;
}

/* Runs an upgrade, so that what comes later finds what it makes. */
static bool
apply(MgLintSources *sources, MgPg *pg, MgLintServer *server, const MgLintSource *source,
	  const MgLintScript *script, const Way *way, MgError *err)
{
	MgLintApplied applied = { .ok = true };
	MgLintFinding finding = { .rule = "migration-fails" };
	const char *refused = refusal(pg, source, script->text, sources->arena);

	if (refused != NULL)
		applied = (MgLintApplied){ .message = refused };
	else if (!mg_lint_server_run(server, script->text, way->one_transaction, &applied, err))
		return false;
	if (applied.ok)
		return true;
	if (!source->wanted)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "a migration before those that are looked at fails: %s",
				   applied.message);
		mg_err_where(err, source->path, applied.line > 0 ? applied.line : 1);
		return mg_err_hint(err, "Begin with a dump of the schema, by --schema, in place of all "
								"migrations.");
	}
	finding.message = mg_printf(sources->arena, "fails on lint's own server: %s", applied.message);
	finding.detail = "What comes later is looked at without it.";
	return mg_lint_report_line(sources->lint, pg, script, applied.line, &finding, err);
}

static bool
look_at_part(MgLintSources *sources, MgPg *pg, MgLintServer *server, const MgLintSource *source,
			 const MgLintPart *part, MgError *err)
{
	MgLintScript script = {
		.text = part->text, .spans = part->spans, .span_count = part->span_count, .down = part->down
	};
	Way way;

	if (!choose_way(sources, pg, source, part, &way, err))
		return false;
	script.in_transaction = way.in_transaction;
	if (source->wanted && !mg_lint_script(sources->lint, pg, &script, err))
		return false;
	return server == NULL || part->down || source->apart ||
		   apply(sources, pg, server, source, &script, &way, err);
}

static bool
look_at(MgLintSources *sources, MgPg *pg, MgLintServer *server, const MgLintSource *source,
		MgError *err)
{
	MgLintPart parts[MG_LINT_PARTS];
	MgLintFile *file = NULL;
	int count;

	if (source->wanted)
		file = mg_lint_add_file(sources->lint,
								strcmp(source->path, "-") == 0 ? "<stdin>" : source->path, NULL,
								source->text);
	else if (server == NULL || source->down || source->apart)
		return true;
	if (!mg_lint_parts(sources, source, file, parts, &count, err))
		return false;
	/* the way down is looked at when the way up has been gone */
	for (int down = 0; down < 2; down++)
		for (int i = 0; i < count; i++)
			if (parts[i].down == (down == 1) && (file != NULL || down == 0) &&
				!look_at_part(sources, pg, server, source, &parts[i], err))
				return false;
	return true;
}

bool
mg_lint_look(MgLintSources *sources, MgPg *pg, MgLintServer *server, MgError *err)
{
	int last = -1;

	for (int i = 0; i < sources->count; i++)
		if (sources->items[i].wanted)
			last = i;
	for (int i = 0; i <= last; i++)
	{
		if (mg_signals_pending() != 0)
			return mg_err_set(err, MG_EXIT_INTERRUPTED, "interrupted by signal %d",
							  mg_signals_pending());
		if (!look_at(sources, pg, server, &sources->items[i], err))
			return false;
	}
	return true;
}
