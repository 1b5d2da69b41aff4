/*
 * rollback.h
 *	  A rollback on demand: to before a run, or to a revision.
 */
#ifndef MG_ROLLBACK_H
#define MG_ROLLBACK_H

#include "run.h"

/* Its states; run->goal_run, run->goal_revision or run->resumed says where to. */
extern const MgStateRow mg_rollback_table[];
extern const int mg_rollback_table_count;

#endif
