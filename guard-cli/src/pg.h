/*
 * pg.h
 *	  A connection, statements with parameters, cancel.
 *
 * The only users of libpq are pg.c, pg_catalog*.c and target.c.  Statement
 * texts live in src/sql and are sent by pg_catalog*.c alone.
 */
#ifndef MG_PG_H
#define MG_PG_H

#include <libpq-fe.h>

#include "company.h"
#include "err.h"
#include "target.h"

typedef struct MgPg
{
	PGconn *conn;
	MgArena *arena;
	const MgTarget *target;
	int server_version; /* as server_version_num */
	int backend_pid;
	const MgCompany *company; /* what goes on while its statements run; NULL: nothing */
} MgPg;

/*
 * Opens a connection of migguard's own: keepalives set so that a dead link is
 * noticed within 30 s, search_path pinned to pg_catalog, autocommit.  Notices
 * of the server go to mg_log_verbose.  Behind a pooler nothing is set, because it
 * would stay for others, until mg_pg_pin says that the session is ours after all.
 */
extern bool mg_pg_open(MgArena *arena, const MgTarget *target, const char *application_name,
					   MgPg **pg, MgError *err);
extern bool mg_pg_pin(MgPg *pg, MgError *err);
extern void mg_pg_close(MgPg *pg); /* NULL is fine */

/*
 * Sends one statement with text parameters (NULL is SQL NULL) and waits for
 * it; SIGINT and SIGTERM cancel it, unless shielded (signals.h).  On success *result is the caller's to
 * PQclear; result may be NULL when rows are not wanted.
 */
extern bool mg_pg_exec(MgPg *pg, const char *sql, int count, const char *const *values,
					   PGresult **result, MgError *err);

/* Sets the error from a result or, when that has none, from the connection. */
extern bool mg_pg_error(MgPg *pg, const PGresult *result, MgError *err);

/* The connection is alive, asked of the server. */
extern bool mg_pg_alive(MgPg *pg);

/* The database's encoding is SQL_ASCII, in which a character is a byte. */
extern bool mg_pg_counts_bytes(const MgPg *pg);

/* The first column of all rows of a statement, as a new list; parameters as in mg_pg_exec. */
extern bool mg_pg_strings(MgPg *pg, const char *sql, int count, const char *const *values,
						  MgStrings *list, MgError *err);

/* A value copied to the arena; NULL for SQL NULL. */
extern char *mg_pg_value(MgArena *arena, const PGresult *result, int row, int column);

/* A whole result in the arena, for callers that print it; a cell is NULL for SQL NULL. */
typedef enum MgColumnType
{
	MG_COLUMN_TEXT,
	MG_COLUMN_NUMBER,
	MG_COLUMN_BOOL,
	MG_COLUMN_JSON
} MgColumnType;

typedef struct MgRows
{
	int count;
	int columns;
	char **names;
	MgColumnType *types;
	char **cells; /* row by row */
} MgRows;

/* As mg_pg_exec, with the rows copied to the connection's arena. */
extern bool mg_pg_rows(MgPg *pg, const char *sql, int count, const char *const *values,
					   MgRows *rows, MgError *err);
/* The cell of a column that is in the statement; NULL for SQL NULL. */
extern const char *mg_rows_get(const MgRows *rows, int row, const char *name);

/* Calls back for each row as it arrives, with its columns; false from it ends the statement. */
typedef bool (*MgRowHandler)(void *arg, int columns, char *const *cells, MgError *err);
extern bool mg_pg_each(MgPg *pg, const char *sql, int count, const char *const *values,
					   MgRowHandler handler, void *arg, MgError *err);

/* A statement whose rows are fetched one by one, while other sessions run others. */
typedef struct MgStream
{
	MgPg *pg; /* NULL: not open */
	int columns;
	char **cells; /* of the row that was fetched last; NULL for SQL NULL */
	PGresult *result;
	bool cancelled;
	bool ended;
} MgStream;

/* Sends the statement and does not wait; the session takes no other before the end of this one. */
extern bool mg_stream_open(MgStream *stream, MgPg *pg, const char *sql, int count,
						   const char *const *values, MgError *err);
/* Fetches a row; *more is false after the last one. */
extern bool mg_stream_next(MgStream *stream, bool *more, MgError *err);
/* Ends the statement if it has not ended; also after an error. */
extern void mg_stream_close(MgStream *stream);

/*
 * A statement beside other work: sent and left alone, while mg_later_socket tells
 * what to wait for.  mg_later_take never waits; *result is NULL until all of the
 * answer is there, and the caller's to PQclear then.
 */
typedef struct MgLater
{
	MgPg *pg;
	bool asked;		  /* an answer is to come */
	PGresult *result; /* what is there of it */
} MgLater;

extern bool mg_later_send(MgLater *later, const char *sql, int count, const char *const *values,
						  MgError *err);
extern int mg_later_socket(const MgLater *later, short *events);
extern bool mg_later_take(MgLater *later, PGresult **result, MgError *err);
/* Also while an answer is to come. */
extern void mg_later_close(MgLater *later);

/* An array literal of texts, to be sent as one parameter. */
extern char *mg_pg_array(MgArena *arena, char *const *items, int count);

/* An identifier and a text, quoted for SQL text. */
extern char *mg_pg_identifier(MgPg *pg, const char *name);
extern char *mg_pg_literal(MgPg *pg, const char *text);

#endif
