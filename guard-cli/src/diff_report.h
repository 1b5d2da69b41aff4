/*
 * diff_report.h
 *	  The writers of "migguard diff": for people, for programs, as a unified
 *	  difference of definitions.
 */
#ifndef MG_DIFF_REPORT_H
#define MG_DIFF_REPORT_H

#include "cli.h"
#include "json.h"

/* Prints what a caller has to say about a root, below its sentence and so far to the right. */
typedef struct MgDiffNotes
{
	void (*print)(void *arg, int row, int indent);
	void *arg;
} MgDiffNotes;

/* Changes as mg_snapshot_diff returns them, in its order; notes may be NULL. */
extern void mg_diff_print_text(const MgContext *context, const MgRows *rows,
							   const MgDiffNotes *notes);

/* How many changes there are, by severity and by loss. */
extern cJSON *mg_diff_totals(const MgContext *context, const MgRows *rows);

/* "a, b" as an array literal; NULL stays NULL. */
extern char *mg_diff_facets(MgArena *arena, const char *list);

/* The changes with their counts; equal says what the exit code says. */
extern void mg_diff_print_json(const MgContext *context, const MgRows *rows, const char *old_name,
							   const char *new_name, bool equal);

/* Hunks for each object that differs between two stored snapshots. */
extern bool mg_diff_print_unified(MgContext *context, MgPg *pg, long long old_id, long long new_id,
								  const char *facets, const char *old_name, const char *new_name,
								  MgError *err);

#endif
