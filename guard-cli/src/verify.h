/*
 * verify.h
 *	  Proofs: what is there equals what was there, or what was rehearsed.
 */
#ifndef MG_VERIFY_H
#define MG_VERIFY_H

#include "run.h"

/*
 * The schema as it is equals the snapshot: by fingerprint, or by a difference
 * without anything real once the tool's own tables are left out.
 */
extern bool mg_verify_same(MgRun *run, const MgSnapshot *snapshot, bool *same, MgChanges *changes,
						   MgError *err);

/* Revisions and schema are those before the run; of one that carries on, before the dead one. */
extern bool mg_verify_unchanged(MgRun *run, bool *unchanged, MgRevisions *now, MgChanges *changes,
								MgError *err);

/* They are those that this run has found. */
extern bool mg_verify_as_found(MgRun *run, bool *as_found, MgRevisions *now, MgChanges *changes,
							   MgError *err);

/* Ends what is left of a step's server sessions, seen by the run's own session. */
extern bool mg_verify_no_sessions(MgRun *run, const char *step, MgError *err);

/* The user's assertions hold; *count is how many there are. */
extern bool mg_verify_assertions(MgRun *run, int *count, MgError *err);

/* "; invalid index x, clean it by DROP INDEX CONCURRENTLY x" for indexes that the run left behind. */
extern bool mg_verify_invalid_indexes(MgRun *run, MgStrings *new_ones, MgError *err);

#endif
