/*
 * alembic_graph.c
 *	  Alembic's revisions and how they build on each other.
 */
#include "alembic_graph.h"

#include <string.h>

static void
split_commas(MgStrings *list, const char *text)
{
	while (*text != '\0')
	{
		size_t len = strcspn(text, ",");

		text += strspn(text, " ");
		len = strcspn(text, ",");
		if (len > 0)
			mg_strings_add(list, mg_strndup(list->arena, text, len));
		text += len;
		text += *text == ',';
	}
}

/* A line of a revision's entry. */
static void
parse_line(MgArena *arena, MgAlembicRevision *revision, const char *line)
{
	static const char parent[] = "Parent: ";
	static const char merges[] = "Merges: ";
	static const char depends[] = "Also depends on: ";
	static const char path[] = "Path: ";

	if (strncmp(line, parent, sizeof parent - 1) == 0)
	{
		if (strcmp(line + sizeof parent - 1, "<base>") != 0)
			mg_strings_add(&revision->parents, line + sizeof parent - 1);
	}
	else if (strncmp(line, merges, sizeof merges - 1) == 0)
		split_commas(&revision->parents, line + sizeof merges - 1);
	else if (strncmp(line, depends, sizeof depends - 1) == 0)
		split_commas(&revision->depends, line + sizeof depends - 1);
	else if (strncmp(line, path, sizeof path - 1) == 0)
		revision->path = mg_strdup(arena, line + sizeof path - 1);
	else if (strncmp(line, "    ", 4) == 0 && revision->title == NULL && line[4] != '\0')
		revision->title = mg_strdup(arena, line + 4);
}

static MgAlembicRevision *
add_revision(MgArena *arena, MgAlembicGraph *graph, const char *line)
{
	MgAlembicRevision *revision = &graph->items[graph->count++];

	/* "Rev: ae1027a6acf (head) (mergepoint)" */
	revision->id = mg_strndup(arena, line, strcspn(line, " "));
	mg_strings_init(&revision->parents, arena);
	mg_strings_init(&revision->depends, arena);
	return revision;
}

void
mg_alembic_graph_parse(MgArena *arena, const char *text, MgAlembicGraph *graph)
{
	static const char rev[] = "Rev: ";
	MgAlembicRevision *current = NULL;
	int room = 0;

	for (const char *p = text; p != NULL; p = strchr(p, '\n'))
	{
		p += *p == '\n';
		room += strncmp(p, rev, sizeof rev - 1) == 0;
	}
	graph->count = 0;
	graph->items = mg_alloc(arena, (size_t) (room + 1) * sizeof *graph->items);
	while (*text != '\0')
	{
		size_t len = strcspn(text, "\n");
		char *line = mg_strndup(arena, text, len);

		if (strncmp(line, rev, sizeof rev - 1) == 0)
			current = add_revision(arena, graph, line + sizeof rev - 1);
		else if (current != NULL)
			parse_line(arena, current, line);
		text += len;
		text += *text == '\n';
	}
	/* The newest is listed first. */
	for (int i = 0; i < graph->count / 2; i++)
	{
		MgAlembicRevision swap = graph->items[i];

		graph->items[i] = graph->items[graph->count - 1 - i];
		graph->items[graph->count - 1 - i] = swap;
	}
	for (int i = 0; i < graph->count; i++)
		if (graph->items[i].title == NULL)
			graph->items[i].title = "";
}

int
mg_alembic_graph_find(const MgAlembicGraph *graph, const char *id)
{
	for (int i = 0; i < graph->count; i++)
		if (strcmp(graph->items[i].id, id) == 0)
			return i;
	return -1;
}

/* The list is in order, so one walk from the newest to the oldest reaches everything. */
bool *
mg_alembic_graph_closure(MgArena *arena, const MgAlembicGraph *graph, char *const *ids, int count)
{
	bool *marks = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *marks);

	for (int i = 0; i < count; i++)
	{
		int at = mg_alembic_graph_find(graph, ids[i]);

		if (at >= 0)
			marks[at] = true;
	}
	for (int i = graph->count - 1; i >= 0; i--)
	{
		const MgStrings *const lists[] = { &graph->items[i].parents, &graph->items[i].depends };

		for (int l = 0; marks[i] && l < 2; l++)
			for (int j = 0; j < lists[l]->count; j++)
			{
				int at = mg_alembic_graph_find(graph, lists[l]->items[j]);

				if (at >= 0)
					marks[at] = true;
			}
	}
	return marks;
}

void
mg_alembic_graph_tops(MgArena *arena, const MgAlembicGraph *graph, const bool *marks, MgStrings *ids)
{
	bool *below = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *below);

	mg_strings_init(ids, arena);
	for (int i = 0; i < graph->count; i++)
	{
		const MgStrings *const lists[] = { &graph->items[i].parents, &graph->items[i].depends };

		for (int l = 0; marks[i] && l < 2; l++)
			for (int j = 0; j < lists[l]->count; j++)
			{
				int at = mg_alembic_graph_find(graph, lists[l]->items[j]);

				if (at >= 0)
					below[at] = true;
			}
	}
	for (int i = 0; i < graph->count; i++)
		if (marks[i] && !below[i])
			mg_strings_add(ids, graph->items[i].id);
}

void
mg_alembic_graph_heads(MgArena *arena, const MgAlembicGraph *graph, MgStrings *ids)
{
	bool *is_parent = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *is_parent);

	mg_strings_init(ids, arena);
	for (int i = 0; i < graph->count; i++)
		for (int j = 0; j < graph->items[i].parents.count; j++)
		{
			int at = mg_alembic_graph_find(graph, graph->items[i].parents.items[j]);

			if (at >= 0)
				is_parent[at] = true;
		}
	for (int i = 0; i < graph->count; i++)
		if (!is_parent[i])
			mg_strings_add(ids, graph->items[i].id);
}

void
mg_alembic_graph_downgrade(MgArena *arena, const MgAlembicGraph *graph, const char *id, bool *marks)
{
	bool *above = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *above);
	int start = mg_alembic_graph_find(graph, id);

	for (int i = start + 1; start >= 0 && i < graph->count; i++)
		for (int j = 0; j < graph->items[i].parents.count; j++)
		{
			int at = mg_alembic_graph_find(graph, graph->items[i].parents.items[j]);

			if (at == start || (at >= 0 && above[at]))
				above[i] = true;
		}
	for (int i = 0; i < graph->count; i++)
		if (above[i])
			marks[i] = false;
}
