/*
 * sd_estimate.h
 *	  How many rows a data change would touch, as the planner sees it.
 */
#ifndef SD_ESTIMATE_H
#define SD_ESTIMATE_H

#include "nodes/nodes.h"

/*
 * sd_estimate_rows plans an INSERT, UPDATE, DELETE or MERGE and returns how many
 * rows the plan expects; -1 when it cannot be planned, with *why set to the
 * reason.  It waits for no lock, and keeps none.
 */
extern double sd_estimate_rows(Node *statement, const char **why);

#endif
