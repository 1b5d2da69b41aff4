/*
 * alembic_down.c
 *	  The downgrades of Alembic's that lead to exactly these revisions.
 */
#include <string.h>

#include "alembic.h"
#include "tool_util.h"

bool
mg_alembic_check_known(MgTool *tool, const MgRevisions *current, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	MgRevisions heads;

	for (int i = 0; i < current->count; i++)
		if (mg_alembic_graph_find(&state->graph, current->ids[i]) < 0)
		{
			mg_err_set(err, MG_EXIT_REFUSED_PREFLIGHT,
					   "the database is at revision \"%s\", which the migrations do not have",
					   current->ids[i]);
			mg_revisions_set(tool->arena, &heads, &state->heads);
			mg_err_detail(err, "The newest of the %d revisions known here: %s.", state->graph.count,
						  mg_revisions_text(tool->arena, &heads));
			return mg_err_hint(err, "Run from the code that has this revision, usually a newer "
									"release or another branch.");
		}
	return true;
}

static bool
downgrade(MgTool *tool, const MgToolSession *session, const char *to, MgChildResult *total,
		  MgError *err)
{
	char *words[] = { (char *) "downgrade", (char *) to, NULL };
	MgChildResult result;

	if (!mg_alembic_run(tool, session, words, &result, err))
		return false;
	mg_tool_add_result(tool, total, &result);
	return true;
}

/* What is applied in the session's database. */
static bool
applied_there(MgTool *tool, const MgToolSession *session, MgRevisions *current, MgError *err)
{
	MgPg *pg = NULL;
	bool ok;

	if (!mg_tool_connect(tool, session, &pg, err))
		return false;
	ok = mg_alembic_current(tool, pg, current, err);
	mg_pg_close(pg);
	return ok;
}

/* A parent of the revision that stays; NULL when it has none. */
static const char *
kept_parent(const MgAlembicGraph *graph, int at, const bool *kept)
{
	const MgStrings *parents = &graph->items[at].parents;

	for (int i = 0; i < parents->count; i++)
	{
		int parent = mg_alembic_graph_find(graph, parents->items[i]);

		if (parent >= 0 && kept[parent])
			return parents->items[i];
	}
	return NULL;
}

/* Nothing that stays builds on the revision. */
static bool
nothing_kept_above(MgTool *tool, const char *id, const bool *kept)
{
	const MgAlembicGraph *graph = &mg_alembic(tool)->graph;
	bool *rest = mg_alloc(tool->arena, (size_t) (graph->count + 1) * sizeof *rest);

	memcpy(rest, kept, (size_t) graph->count * sizeof *rest);
	mg_alembic_graph_downgrade(tool->arena, graph, id, rest);
	return memcmp(rest, kept, (size_t) graph->count * sizeof *rest) == 0;
}

/*
 * "downgrade X" takes back all that builds on X by way of parents, in every branch;
 * "downgrade R@X" only the branch of R above X.  So the lowest revision that has to
 * go names the next command, until none is left.
 */
static bool
downgrade_to(MgTool *tool, const MgToolSession *session, bool *marks, const bool *kept,
			 MgChildResult *result, MgError *err)
{
	const MgAlembicGraph *graph = &mg_alembic(tool)->graph;

	for (int i = 0; i < graph->count; i++)
	{
		const char *id = graph->items[i].id;
		const char *parent = kept_parent(graph, i, kept);
		const char *name;

		if (!marks[i] || kept[i])
			continue;
		if (parent != NULL && nothing_kept_above(tool, parent, kept))
		{
			name = parent;
			mg_alembic_graph_downgrade(tool->arena, graph, parent, marks);
		}
		else
			name = mg_printf(tool->arena, "%s@%s", id, parent != NULL ? parent : "base");
		if (!downgrade(tool, session, name, result, err))
			return false;
		if (!mg_child_succeeded(result))
			return true;
		mg_alembic_graph_downgrade(tool->arena, graph, id, marks);
		marks[i] = false;
	}
	return true;
}

bool
mg_alembic_down(MgTool *tool, const MgToolSession *session, const MgRevisions *to,
				MgChildResult *result, MgError *err)
{
	const MgAlembicGraph *graph = &mg_alembic(tool)->graph;
	MgRevisions current;
	bool *marks;
	bool *kept;

	mg_tool_idle(tool, result);
	if (!applied_there(tool, session, &current, err))
		return false;
	if (mg_revisions_equal(&current, to))
		return true;
	if (!mg_alembic_check_known(tool, &current, err) || !mg_alembic_check_known(tool, to, err))
		return false;
	if (to->count == 0)
		return downgrade(tool, session, "base", result, err);
	marks = mg_alembic_graph_closure(tool->arena, graph, current.ids, current.count);
	kept = mg_alembic_graph_closure(tool->arena, graph, to->ids, to->count);
	for (int i = 0; i < graph->count; i++)
		if (kept[i] && !marks[i])
			return mg_err_set(err, MG_EXIT_CONFIG, "revision \"%s\" is not applied",
							  graph->items[i].id);
	return downgrade_to(tool, session, marks, kept, result, err);
}
