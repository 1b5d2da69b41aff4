/*
 * alembic_scan.h
 *	  Alembic's revisions read from their files, where these leave no doubt.
 */
#ifndef MG_ALEMBIC_SCAN_H
#define MG_ALEMBIC_SCAN_H

#include "alembic_graph.h"

/*
 * Starting Alembic costs some hundred milliseconds, so plain histories are read
 * directly: script_location in the ini names a directory, and each file in its
 * "versions" assigns literals to revision and down_revision, once, and neither
 * branch labels nor dependencies.  False means that Alembic has to be asked;
 * so do files that contradict each other, since its messages are the ones that
 * people know.  here is the directory of the ini.
 */
extern bool mg_alembic_scan(MgArena *arena, const char *ini_text, const char *section,
							const char *here, const char *directory, MgAlembicGraph *graph);

#endif
