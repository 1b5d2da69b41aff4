/*
 * alembic_text.h
 *	  The SQL text of single revisions in what "alembic upgrade --sql" prints.
 */
#ifndef MG_ALEMBIC_TEXT_H
#define MG_ALEMBIC_TEXT_H

#include "alembic_graph.h"

/*
 * Sets the text of each revision that the output has, by its position in the
 * graph.  When Alembic failed, the last one is not complete and left out: its
 * position is returned, or -1 when there is none.
 */
extern int mg_alembic_text_split(MgArena *arena, const MgAlembicGraph *graph, const char *output,
								 bool up, bool complete, const char **texts);

/*
 * A statement as a line of a revision: op.execute("...").  Alembic makes a bind
 * parameter of a colon and a name, so such a colon is escaped.
 */
extern char *mg_alembic_paste(MgArena *arena, const char *sql);

#endif
