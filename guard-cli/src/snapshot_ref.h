/*
 * snapshot_ref.h
 *	  Snapshots as a user names them: an id, a file, or "live".
 */
#ifndef MG_SNAPSHOT_REF_H
#define MG_SNAPSHOT_REF_H

#include "pg_catalog_snapshot.h"

/* A positive number, else an error about usage. */
extern bool mg_snapshot_parse_id(const char *text, long long *id, MgError *err);

/* Imports an exported file; best inside a transaction. */
extern bool mg_snapshot_import_file(MgPg *pg, const char *path, long long *id, MgError *err);

/*
 * Id of what the user names.  "live" becomes 0 where live_ok, else a snapshot
 * taken for it; a file is imported.  The caller's transaction takes both back.
 */
extern bool mg_snapshot_resolve(MgPg *pg, const char *name, bool live_ok, long long *id,
								MgError *err);

#endif
