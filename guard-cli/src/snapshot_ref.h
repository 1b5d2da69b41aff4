/*
 * snapshot_ref.h
 *	  Snapshots as a user names them: an id, a label, a file, a database, "live"
 *	  or "last-good".
 */
#ifndef MG_SNAPSHOT_REF_H
#define MG_SNAPSHOT_REF_H

#include "cli.h"
#include "pg_catalog_snapshot.h"

/* A positive number, else an error about usage. */
extern bool mg_snapshot_parse_id(const char *text, long long *id, MgError *err);

/* Imports an exported file; best inside a transaction.  started may be NULL. */
extern bool mg_snapshot_import_file(MgPg *pg, const char *path, MgImportStarted started, void *arg,
									long long *id, MgError *err);

/* The word is a connection string, not a snapshot of the session's own database. */
extern bool mg_snapshot_is_database(const char *name);

/* The word needs nothing of the session's own database: a connection string or a file. */
extern bool mg_snapshot_is_foreign(const char *name);

/* The word is the schema of a database as it is: "live" or a connection string. */
extern bool mg_snapshot_is_live(const char *name);

/* Opens a session of such a database. */
extern bool mg_snapshot_open(MgContext *context, const char *name, MgPg **pg, MgError *err);

/*
 * Id of what the user names.  "live" becomes 0 where live_ok, else a snapshot
 * taken for it; a file is imported, and so is a snapshot of another database.
 * The caller's transaction takes all of them back.
 */
extern bool mg_snapshot_resolve(MgContext *context, MgPg *pg, const char *name, bool live_ok,
								long long *id, MgError *err);

#endif
