/*
 * alembic_load.c
 *	  The graph of revisions: read from the files where these leave no doubt,
 *	  else asked of Alembic ("history --verbose" needs no database).
 */
#include <string.h>
#include <unistd.h>

#include "alembic.h"
#include "alembic_scan.h"
#include "file.h"
#include "tool_util.h"

static bool
failed(MgTool *tool, const MgChildResult *result, const char *output, const char *what, MgError *err)
{
	mg_err_set(err, MG_EXIT_CONFIG, "alembic could not %s: it %s", what,
			   mg_child_describe(tool->arena, result));
	mg_err_detail(err, "It said: %s", mg_alembic_reason(tool, result, output));
	return mg_err_hint(err, "Run the same command by hand: %s history --verbose.",
					   mg_alembic(tool)->command.program.items[0]);
}

/* Dependencies may be written as labels or parts of ids. */
static bool
resolve_dependencies(MgTool *tool, MgError *err)
{
	MgAlembicGraph *graph = &mg_alembic(tool)->graph;

	for (int i = 0; i < graph->count; i++)
		for (int j = 0; j < graph->items[i].depends.count; j++)
		{
			MgStrings ids;

			if (mg_alembic_graph_find(graph, graph->items[i].depends.items[j]) >= 0)
				continue;
			mg_strings_init(&ids, tool->arena);
			if (!mg_alembic_show(tool, graph->items[i].depends.items[j], &ids, err))
				return false;
			graph->items[i].depends.items[j] = ids.items[0];
		}
	return true;
}

static bool
ask_graph(MgTool *tool, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);
	char *words[] = { (char *) "history", (char *) "--verbose", NULL };
	MgChildResult result;
	const char *output = "";

	if (!mg_alembic_ask(tool, words, &output, &result, err))
		return false;
	if (!mg_child_succeeded(&result))
		return failed(tool, &result, output, "list its revisions", err);
	mg_alembic_graph_parse(tool->arena, output, &state->graph);
	return resolve_dependencies(tool, err);
}

/* A pyproject.toml may hold settings of Alembic's next to the ini. */
static bool
has_toml_settings(MgTool *tool)
{
	char *path = mg_file_join(tool->arena, mg_tool_directory(tool), "pyproject.toml");
	const char *text;
	size_t len;
	MgError ignored;

	mg_err_init(&ignored, tool->arena);
	if (mg_file_kind(path) == MG_FILE_ABSENT)
		return false;
	return !mg_file_read(tool->arena, path, &text, &len, &ignored) ||
		   strstr(text, "tool.alembic") != NULL;
}

static bool
scan_graph(MgTool *tool)
{
	MgAlembic *state = mg_alembic(tool);
	char *here;

	if (state->ini_text == NULL || has_toml_settings(tool))
		return false;
	here = mg_strndup(tool->arena, state->ini_path,
					  (size_t) (mg_file_name(state->ini_path) - state->ini_path - 1));
	return mg_alembic_scan(tool->arena, state->ini_text, state->command.section, here,
						   mg_tool_directory(tool), &state->graph);
}

bool
mg_alembic_load(MgTool *tool, MgError *err)
{
	MgAlembic *state = mg_alembic(tool);

	if (!scan_graph(tool) && !ask_graph(tool, err))
		return false;
	/* Nobody has started the program yet when the files were enough. */
	if (mg_child_find(tool->arena, state->command.program.items[0], environ, err) == NULL)
		return false;
	mg_alembic_graph_heads(tool->arena, &state->graph, &state->heads);
	for (int d = MG_UP; d <= MG_DOWN; d++)
	{
		size_t size = (size_t) (state->graph.count + 1) * sizeof(char *);

		state->texts[d] = mg_alloc(tool->arena, size);
		state->why_not[d] = mg_alloc(tool->arena, size);
	}
	return true;
}
