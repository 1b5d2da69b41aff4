/*
 * pg_catalog_snapshot.h
 *	  Snapshots: take, compare, move.  All of it is the server's work.
 */
#ifndef MG_PG_CATALOG_SNAPSHOT_H
#define MG_PG_CATALOG_SNAPSHOT_H

#include "pg.h"
#include "portion.h"

/* label and run_id may be NULL. */
extern bool mg_snapshot_take(MgPg *pg, const char *label, const char *run_id, long long *id,
							 MgError *err);
extern bool mg_snapshot_drop(MgPg *pg, long long id, MgError *err);

/* Hash of the schema as it is; facets NULL: the server's default, else an array literal. */
extern bool mg_snapshot_fingerprint(MgPg *pg, const char *facets, char **fingerprint, MgError *err);

/* SQLSTATE of an error that says that a lock of another session kept something from being read. */
#define MG_SQLSTATE_LOCKED "55P03"

/* Fingerprint of a stored snapshot; an error when it is not there or not complete. */
extern bool mg_snapshot_stored(MgPg *pg, long long id, char **fingerprint, MgError *err);

extern bool mg_snapshot_list(MgPg *pg, MgRows *rows, MgError *err);

/* When and of what it was taken, in one row, and whether DDL is recorded here. */
extern bool mg_snapshot_header(MgPg *pg, long long id, MgRows *rows, MgError *err);

/* DDL made outside of runs since then, oldest first. */
extern bool mg_drift_records(MgPg *pg, const char *since, MgRows *rows, MgError *err);

/* Both sessions are of one database of one running server. */
extern bool mg_snapshot_same_database(MgPg *a, MgPg *b, bool *same, MgError *err);

/* The newest complete snapshot of that label, 0 when there is none. */
extern bool mg_snapshot_labelled(MgPg *pg, const char *label, long long *id, MgError *err);

/*
 * Objects that differ between two stored snapshots: kind, identity before and
 * after, text before and after; NULL where one side has none.
 */
extern bool mg_snapshot_definitions(MgPg *pg, long long old_id, long long new_id, const char *facets,
									MgRowHandler handler, void *arg, MgError *err);

/* Changes from old to new, new 0 meaning the schema as it is; columns as in safedeploy.change. */
extern bool mg_snapshot_diff(MgPg *pg, long long old_id, long long new_id, const char *facets,
							 MgRows *rows, MgError *err);

/* Lines of JSON, one call each, without line end. */
typedef bool (*MgLineHandler)(void *arg, const char *line, MgError *err);
extern bool mg_snapshot_export(MgPg *pg, long long id, MgLineHandler handler, void *arg,
							   MgError *err);

/* Is told that the header is stored, while the objects still come. */
typedef bool (*MgImportStarted)(void *arg, long long id, MgError *err);

/* Takes lines as they come and sends them in portions. */
typedef struct MgImport
{
	MgPg *pg;
	MgPortion portion;
	long long id; /* 0 until the first portion was sent */
	MgImportStarted started;
	void *arg;
} MgImport;

/* started may be NULL */
extern void mg_import_begin(MgImport *import, MgPg *pg, MgImportStarted started, void *arg);
extern bool mg_import_line(void *import, const char *line, MgError *err); /* an MgLineHandler */
/* Sends the rest; *id is complete afterwards. */
extern bool mg_import_end(MgImport *import, long long *id, MgError *err);
/* Frees the portion, also after an error. */
extern void mg_import_free(MgImport *import);

/* Exports from one database into another, both connections at once; the id is the new one's. */
extern bool mg_snapshot_copy(MgPg *from, long long from_id, MgPg *to, long long *to_id, MgError *err);

/* A transaction around several of these. */
extern bool mg_transaction_begin(MgPg *pg, MgError *err);
extern bool mg_transaction_end(MgPg *pg, bool commit, MgError *err);

#endif
