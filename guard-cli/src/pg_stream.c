/*
 * pg_stream.c
 *	  Rows of a statement as they arrive, so that none has to wait for another
 *	  and statements of several sessions run at the same time.
 */
#include <string.h>

#include "pg_internal.h"

bool
mg_stream_open(MgStream *stream, MgPg *pg, const char *sql, int count, const char *const *values,
			   MgError *err)
{
	memset(stream, 0, sizeof *stream);
	if (!mg_pg_send(pg, sql, count, values, err))
		return false;
	stream->pg = pg;
	PQsetSingleRowMode(pg->conn);
	return true;
}

/* Keeps what says which columns there are, and fills the cells of a row. */
static void
take_result(MgStream *stream, PGresult *result)
{
	PQclear(stream->result);
	stream->result = result;
	if (stream->cells == NULL)
	{
		stream->columns = PQnfields(result);
		stream->cells = mg_alloc(stream->pg->arena, (size_t) stream->columns * sizeof(char *));
	}
	for (int c = 0; PQntuples(result) == 1 && c < stream->columns; c++)
		stream->cells[c] = PQgetisnull(result, 0, c) ? NULL : PQgetvalue(result, 0, c);
}

/* What is still to come is fetched and thrown away, so that the session can go on. */
static void
drain(MgStream *stream)
{
	PGresult *result;
	bool copy = false;

	while (!stream->ended && !copy &&
		   (result = mg_pg_next_result(stream->pg, &stream->cancelled)) != NULL)
	{
		copy = mg_pg_is_copy(result);
		PQclear(result);
	}
	stream->ended = true;
}

static bool
fail(MgStream *stream, PGresult *result, MgError *err)
{
	if (stream->cancelled)
		mg_pg_interrupted(err);
	else
		mg_pg_error(stream->pg, result, err);
	stream->ended = mg_pg_is_copy(result);
	PQclear(result);
	drain(stream);
	return false;
}

bool
mg_stream_next(MgStream *stream, bool *more, MgError *err)
{
	PGresult *result;
	bool done = false;

	*more = false;
	while ((result = mg_pg_next_result(stream->pg, &stream->cancelled)) != NULL)
	{
		ExecStatusType status = PQresultStatus(result);

		done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
		if (!done && status != PGRES_SINGLE_TUPLE)
			return fail(stream, result, err);
		take_result(stream, result);
		if (status == PGRES_SINGLE_TUPLE)
		{
			*more = true;
			return true;
		}
	}
	stream->ended = true;
	return done || mg_pg_error(stream->pg, NULL, err);
}

void
mg_stream_close(MgStream *stream)
{
	if (stream->pg == NULL)
		return;
	if (!stream->ended)
		mg_pg_cancel(stream->pg);
	drain(stream);
	PQclear(stream->result);
	memset(stream, 0, sizeof *stream);
}

bool
mg_pg_each(MgPg *pg, const char *sql, int count, const char *const *values, MgRowHandler handler,
		   void *arg, MgError *err)
{
	MgStream stream;
	bool more = true;
	bool ok = mg_stream_open(&stream, pg, sql, count, values, err);

	while (ok && (ok = mg_stream_next(&stream, &more, err)) && more)
		ok = handler(arg, stream.columns, stream.cells, err);
	mg_stream_close(&stream);
	return ok;
}
