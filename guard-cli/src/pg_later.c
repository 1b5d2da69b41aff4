/*
 * pg_later.c
 *	  Statements whose answer is fetched when it is there, beside other work.
 */
#include <poll.h>

#include "pg_internal.h"

bool
mg_later_send(MgLater *later, const char *sql, int count, const char *const *values, MgError *err)
{
	PGconn *conn = later->pg->conn;

	/* unlike those of mg_pg_send it is no statement that a signal has to end */
	PQsetnonblocking(conn, 1);
	if (PQstatus(conn) != CONNECTION_OK ||
		!PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 0) || PQflush(conn) < 0)
		return mg_pg_error(later->pg, NULL, err);
	later->asked = true;
	return true;
}

int
mg_later_socket(const MgLater *later, short *events)
{
	*events = PQflush(later->pg->conn) > 0 ? POLLIN | POLLOUT : POLLIN;
	return PQsocket(later->pg->conn);
}

bool
mg_later_take(MgLater *later, PGresult **result, MgError *err)
{
	PGconn *conn = later->pg->conn;
	ExecStatusType status;

	*result = NULL;
	if (PQflush(conn) < 0 || !PQconsumeInput(conn))
		return mg_pg_error(later->pg, NULL, err);
	while (!PQisBusy(conn))
	{
		PGresult *next = PQgetResult(conn);

		if (next != NULL)
		{
			PQclear(later->result);
			later->result = next;
			continue;
		}
		later->asked = false;
		status = PQresultStatus(later->result);
		if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
			*result = later->result;
		else
		{
			mg_pg_error(later->pg, later->result, err);
			PQclear(later->result);
		}
		later->result = NULL;
		return *result != NULL;
	}
	return true;
}

void
mg_later_close(MgLater *later)
{
	PQclear(later->result);
	mg_pg_close(later->pg);
	*later = (MgLater){ 0 };
}
