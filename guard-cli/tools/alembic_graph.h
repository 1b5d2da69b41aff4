/*
 * alembic_graph.h
 *	  Alembic's revisions and how they build on each other.
 */
#ifndef MG_ALEMBIC_GRAPH_H
#define MG_ALEMBIC_GRAPH_H

#include "arena.h"

typedef struct MgAlembicRevision
{
	const char *id;
	const char *title;
	const char *path;
	MgStrings parents;
	MgStrings depends; /* as written in the file: ids, parts of ids, labels */
} MgAlembicRevision;

typedef struct MgAlembicGraph
{
	MgAlembicRevision *items; /* each behind those it builds on */
	int count;
} MgAlembicGraph;

extern void mg_alembic_graph_parse(MgArena *arena, const char *text, MgAlembicGraph *graph);

/* Position of a revision, -1 when it is not there. */
extern int mg_alembic_graph_find(const MgAlembicGraph *graph, const char *id);

/* One mark for each revision: these and all they build on. */
extern bool *mg_alembic_graph_closure(MgArena *arena, const MgAlembicGraph *graph, char *const *ids,
									  int count);

/* The marked revisions that no other marked one builds on: what the version table has then. */
extern void mg_alembic_graph_tops(MgArena *arena, const MgAlembicGraph *graph, const bool *marks,
								  MgStrings *ids);

/* The revisions that are nobody's parent: Alembic's heads. */
extern void mg_alembic_graph_heads(MgArena *arena, const MgAlembicGraph *graph, MgStrings *ids);

/* Takes the marks off everything above a revision by way of parents, as "downgrade" does. */
extern void mg_alembic_graph_downgrade(MgArena *arena, const MgAlembicGraph *graph, const char *id,
									   bool *marks);

#endif
