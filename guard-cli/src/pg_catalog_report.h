/*
 * pg_catalog_report.h
 *	  What the ledger and the locks show; nothing here writes but the breaking of a lock.
 */
#ifndef MG_PG_CATALOG_REPORT_H
#define MG_PG_CATALOG_REPORT_H

#include "pg.h"

/* limit NULL: all */
extern bool mg_report_history(MgPg *pg, const char *limit, MgRows *rows, MgError *err);

/* Full id of the one run whose id begins with the prefix. */
extern bool mg_report_find_run(MgPg *pg, const char *prefix, const char **run_id, MgError *err);
extern bool mg_report_run(MgPg *pg, const char *run_id, MgRows *run, MgRows *events, MgError *err);

extern bool mg_report_unfinished(MgPg *pg, MgRows *rows, MgError *err);
extern bool mg_report_last_good(MgPg *pg, const char *lock_name, MgRows *rows, MgError *err);

extern bool mg_report_lock_holders(MgPg *pg, MgRows *rows, MgError *err);
/* *broken false: nobody held it. */
extern bool mg_report_break_lock(MgPg *pg, const char *name, const char *reason, bool *broken,
								 MgError *err);

#endif
