/*
 * alembic_names.c
 *	  The ways to name a revision of Alembic's: "head", "+1", part of an id, a label.
 */
#include <stdlib.h>
#include <string.h>

#include "alembic.h"
#include "tool_util.h"

static char *
heads_text(MgTool *tool)
{
	MgRevisions heads;

	mg_revisions_set(tool->arena, &heads, &mg_alembic(tool)->heads);
	return mg_revisions_text(tool->arena, &heads);
}

/* What the user asks for: the setting, the command line, else the newest. */
const char *
mg_alembic_target(MgTool *tool, const char *target)
{
	if (target == NULL)
		target = mg_config_string(tool->config, MG_SET_RUN_TARGET);
	if (target == NULL)
		target = mg_alembic(tool)->command.revision;
	return target != NULL ? target : "head";
}

bool
mg_alembic_several_heads(MgTool *tool, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);

	mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT, "the migrations have %d heads: %s",
			   state->heads.count, heads_text(tool));
	mg_err_detail(err, "With more than one newest revision, \"head\" names none of them.");
	return mg_err_hint(err, "Join them by \"alembic merge heads\", or ask for \"heads\" or for one "
							"revision.");
}

/* "show" knows every way to name a revision; adds the ids. */
bool
mg_alembic_show(MgTool *tool, const char *name, MgStrings *ids, MgError *err)
{
	char *words[] = { (char *) "show", (char *) name, NULL };
	MgChildResult result;
	const char *output = "";
	MgAlembicGraph found;

	if (name[0] == '-')
		goto unknown;
	if (!mg_alembic_ask(tool, words, &output, &result, err))
		return false;
	mg_alembic_graph_parse(tool->arena, output, &found);
	for (int i = 0; i < found.count; i++)
		mg_strings_add(ids, found.items[i].id);
	if (mg_child_succeeded(&result) && found.count > 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "alembic knows no revision \"%s\"", name);
	mg_err_detail(err, "It said: %s", mg_alembic_reason(tool, &result, output));
	return mg_err_hint(err, "\"alembic history\" lists the revisions.");
unknown:
	mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" cannot name a revision here", name);
	return mg_err_hint(err, "\"alembic history\" lists the revisions.");
}

/* Steps up from a revision (NULL: from the base) by the only way there is; NULL when there are
 * several ways or none. */
static const char *
step_up(const MgAlembicGraph *graph, const char *id)
{
	const char *next = NULL;

	for (int i = 0; i < graph->count; i++)
	{
		const MgStrings *parents = &graph->items[i].parents;

		if (id == NULL ? parents->count > 0 : !mg_strings_has(parents, id))
			continue;
		if (next != NULL)
			return NULL;
		next = graph->items[i].id;
	}
	return next;
}

/* "REVISION+2", "REVISION-1", and "+2" or "-1" from where the database is. */
static bool
resolve_relative(MgTool *tool, const MgRevisions *current, const char *name, MgStrings *ids,
				 MgError *err)
{
	const MgAlembicGraph *graph = &mg_alembic(tool)->graph;
	size_t len = strcspn(name, "+-");
	long steps = strtol(name + len, NULL, 10);
	const char *id = NULL;

	if (len > 0)
	{
		id = mg_strndup(tool->arena, name, len);
		if (mg_alembic_graph_find(graph, id) < 0)
			return mg_alembic_show(tool, name, ids, err);
	}
	else if (current->count > 1)
	{
		mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" is not clear: the database is at %s", name,
				   mg_revisions_text(tool->arena, current));
		return mg_err_hint(err, "Name the revision.");
	}
	else if (current->count == 1)
		id = current->ids[0];
	for (; steps > 0; steps--)
	{
		id = step_up(graph, id);
		if (id == NULL)
			goto nowhere;
	}
	for (; steps < 0; steps++)
	{
		int at = id != NULL ? mg_alembic_graph_find(graph, id) : -1;

		if (at < 0 || graph->items[at].parents.count > 1)
			goto nowhere;
		id = graph->items[at].parents.count == 0 ? NULL : graph->items[at].parents.items[0];
	}
	if (id != NULL)
		mg_strings_add(ids, id);
	return true;
nowhere:
	mg_err_set(err, MG_EXIT_CONFIG, "\"%s\" leads to no single revision from %s", name,
			   mg_revisions_text(tool->arena, current));
	return mg_err_hint(err, "Name the revision; \"alembic history\" lists them.");
}

static bool
is_relative(const char *name)
{
	const char *sign = name + strcspn(name, "+-");

	return (*sign == '+' || *sign == '-') && sign[1] != '\0' &&
		   sign[1 + strspn(sign + 1, "0123456789")] == '\0';
}

/* The revisions that a name stands for; none for "base". */
bool
mg_alembic_resolve(MgTool *tool, const MgRevisions *current, const char *name, MgStrings *ids,
				   MgError *err)
{
	MgAlembic *state = mg_alembic(tool);

	mg_strings_init(ids, tool->arena);
	if (strcmp(name, "base") == 0)
		return true;
	if (mg_alembic_graph_find(&state->graph, name) >= 0)
	{
		mg_strings_add(ids, name);
		return true;
	}
	if (strcmp(name, "head") == 0 && state->heads.count > 1)
		return mg_alembic_several_heads(tool, err);
	if (strcmp(name, "head") == 0 || strcmp(name, "heads") == 0)
	{
		*ids = state->heads;
		return true;
	}
	if (is_relative(name))
		return resolve_relative(tool, current, name, ids, err);
	return mg_alembic_show(tool, name, ids, err);
}
