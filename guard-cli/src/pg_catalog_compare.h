/*
 * pg_catalog_compare.h
 *	  Two databases compared without storing anything in either.
 */
#ifndef MG_PG_CATALOG_COMPARE_H
#define MG_PG_CATALOG_COMPARE_H

#include "pg.h"

/*
 * Changes that lead from the schema of one session's database to that of the
 * other's, as mg_snapshot_diff returns them; facets as there.  Both sessions
 * read at the same time, each in a transaction of its own that is taken back.
 * With "superusers", or when one is a copy of the other, a new owner is judged by who is superuser
 * in the new database.
 */
extern bool mg_compare_databases(MgPg *old_pg, MgPg *new_pg, const char *facets, bool superusers,
								 MgRows *rows, MgError *err);

#endif
