/*
 * pg_internal.h
 *	  What the files that talk to a server share.
 */
#ifndef MG_PG_INTERNAL_H
#define MG_PG_INTERNAL_H

#include "pg.h"

/* Sends the statement; false when the session is of no use or an interrupt is pending. */
extern bool mg_pg_send(MgPg *pg, const char *sql, int count, const char *const *values, MgError *err);

/* The next result of the statement, NULL after the last one or when the session is lost. */
extern PGresult *mg_pg_next_result(MgPg *pg, bool *cancelled);

/* Statements of ours never copy; whatever asks for it would wait for ever. */
extern bool mg_pg_is_copy(const PGresult *result);

/* Asks the server to end the statement. */
extern void mg_pg_cancel(MgPg *pg);

/* The error of a pending signal. */
extern bool mg_pg_interrupted(MgError *err);

#endif
