/*
 * pg.c
 *	  The only way of migguard to a server.
 */
#include "pg_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mg_sql.h"
#include "signals.h"

#define MG_CONNECT_TIMEOUT_S 10
#define MG_POLL_MS			 1000

/* What a user should do about a class of SQLSTATE, and how the program ends for it. */
static const struct
{
	const char *prefix;
	MgExit exit_code;
	const char *hint;
} classes[] = {
	{ "28P01", MG_EXIT_UNAVAILABLE, "Check user and password: PGPASSWORD, ~/.pgpass or the URL." },
	{ "28", MG_EXIT_UNAVAILABLE, "Check the user and the server's pg_hba.conf." },
	{ "3D000", MG_EXIT_UNAVAILABLE, "Check the name of the database, or create it first." },
	{ "08", MG_EXIT_UNAVAILABLE, NULL },
	{ "53", MG_EXIT_UNAVAILABLE, NULL },
	{ "57", MG_EXIT_UNAVAILABLE, NULL },
	{ "25006", MG_EXIT_UNAVAILABLE,
	  "The server is read-only, such as a standby; connect to the primary." },
	{ "42501", MG_EXIT_UNAVAILABLE,
	  "The role lacks a privilege: run \"migguard init --deployer ROLE\" as a superuser, or "
	  "--reader ROLE for one that only looks." },
	{ "SD22", MG_EXIT_CONFIG, NULL },
	{ "SD210", MG_EXIT_CONFIG, NULL },
	{ "22", MG_EXIT_CONFIG, NULL },
	{ "23", MG_EXIT_CONFIG, NULL },
	{ "54", MG_EXIT_CONFIG, NULL },
	{ "40", MG_EXIT_UNAVAILABLE, "The statement met another session; try again." },
	{ "55P03", MG_EXIT_UNAVAILABLE, "Another session holds a lock; try again." },
};

static void
receive_notice(void *arg, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	(void) arg;
	mg_log_verbose("server: %s: %s", severity != NULL ? severity : "NOTICE",
				   message != NULL ? message : "");
}

/* Copies a message of libpq's without the line ends it is made of. */
static char *
one_line(MgArena *arena, const char *text)
{
	char *copy = mg_strdup(arena, text);
	size_t len = strlen(copy);

	while (len > 0 && strchr("\n \t", copy[len - 1]) != NULL)
		copy[--len] = '\0';
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return copy;
}

bool
mg_pg_error(MgPg *pg, const PGresult *result, MgError *err)
{
	const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *detail = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
	const char *hint = result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_HINT) : NULL;
	MgExit exit_code = MG_EXIT_INTERNAL;
	const char *own_hint = NULL;

	if (err->set)
		return false;
	if (state == NULL && PQstatus(pg->conn) != CONNECTION_OK)
		exit_code = MG_EXIT_UNAVAILABLE;
	for (size_t i = 0; state != NULL && i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
		{
			exit_code = classes[i].exit_code;
			own_hint = classes[i].hint;
			break;
		}
	if (message != NULL && strstr(message, "safedeploy") != NULL &&
		(strcmp(state, "3F000") == 0 || strcmp(state, "42883") == 0 || strcmp(state, "42P01") == 0))
	{
		exit_code = MG_EXIT_UNAVAILABLE;
		own_hint = "Run \"migguard init\" to create the extension, or to update it.";
		hint = NULL;
	}
	mg_err_set(err, exit_code, "%s",
			   message != NULL ? message : one_line(err->arena, PQerrorMessage(pg->conn)));
	if (state != NULL)
	{
		strncpy(err->sqlstate, state, sizeof err->sqlstate - 1);
		err->sqlstate[sizeof err->sqlstate - 1] = '\0';
	}
	if (detail != NULL)
		mg_err_detail(err, "%s", detail);
	if (hint != NULL || own_hint != NULL)
		mg_err_hint(err, "%s", hint != NULL ? hint : own_hint);
	return false;
}

bool
mg_pg_interrupted(MgError *err)
{
	mg_err_set(err, MG_EXIT_INTERRUPTED, "interrupted by signal %d (%s)", mg_signals_pending(),
			   strsignal(mg_signals_pending()));
	return false;
}

/* Until when to wait for a socket, in milliseconds from now. */
static int
poll_timeout(long long until_us)
{
	long long left = until_us < 0 ? MG_POLL_MS : (until_us - mg_clock_us() + 999) / 1000;

	return left < 0 ? 0 : left > MG_POLL_MS ? MG_POLL_MS : (int) left;
}

/* Waits a while for the socket, a signal, or the session's company; false when a signal is pending. */
static bool
wait_socket(const MgPg *pg, int socket, short events)
{
	const MgCompany *company = pg->company;
	struct pollfd fds[] = { { .fd = socket, .events = events },
							{ .fd = mg_signals_fd(), .events = POLLIN },
							{ .fd = -1 } };
	long long until_us = -1;

	if (company != NULL)
		fds[2].fd = company->ask(company->arg, &fds[2].events, &until_us);
	if (mg_signals_pending() == 0)
		poll(fds, 3, poll_timeout(until_us));
	if (company != NULL)
		company->turn(company->arg);
	return mg_signals_pending() == 0;
}

static long long
connect_timeout_ms(const MgTarget *target)
{
	for (int i = 0; target->keywords[i] != NULL; i++)
		if (strcmp(target->keywords[i], "connect_timeout") == 0 && atoll(target->values[i]) > 0)
			return atoll(target->values[i]) * 1000;
	return MG_CONNECT_TIMEOUT_S * 1000;
}

/* The asynchronous way, since a blocking connect cannot be interrupted. */
static bool
connect_to(MgPg *pg, const char **keywords, const char **values, MgError *err)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	long long until = mg_clock_ms() + connect_timeout_ms(pg->target);

	pg->conn = mg_must(PQconnectStartParams(keywords, values, 0));
	while (PQstatus(pg->conn) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
		   state != PGRES_POLLING_FAILED)
	{
		struct pollfd fd = { .fd = PQsocket(pg->conn),
							 .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };

		if (!wait_socket(pg, fd.fd, fd.events))
			return mg_pg_interrupted(err);
		if (mg_clock_ms() > until)
		{
			mg_err_set(err, MG_EXIT_UNAVAILABLE, "no answer from the server within %lld s",
					   connect_timeout_ms(pg->target) / 1000);
			mg_err_detail(err, "Tried %s.", mg_target_display(err->arena, pg->target));
			return mg_err_hint(err,
							   "Check host, port and firewalls; connect_timeout in the URL sets the limit.");
		}
		if (poll(&fd, 1, 0) > 0)
			state = PQconnectPoll(pg->conn);
	}
	return true;
}

/* Says where it tried, and libpq's message without the password it never holds. */
static bool
connect_failed(MgPg *pg, MgError *err)
{
	const char *message = one_line(err->arena, PQerrorMessage(pg->conn));
	static const struct
	{
		const char *part;
		const char *sqlstate;
		const char *hint;
	} known[] = {
		{ "password authentication failed", "28P01",
		  "Check user and password: PGPASSWORD, ~/.pgpass or the URL." },
		{ "no password supplied", "28P01", "Set PGPASSWORD, use ~/.pgpass or put it into the URL." },
		{ "pg_hba.conf", "28000", "Check the server's pg_hba.conf." },
		{ "role \"", "28000", "Check the name of the user." },
		{ "does not exist", "3D000", "Check the name of the database, or create it first." },
		{ "Connection refused", "08001",
		  "Check that the server runs and listens at that host and port." },
		{ "No such file or directory", "08001",
		  "Check that the server runs; set the host in the URL, or PGHOST." },
		{ "could not translate host name", "08001", "Check the name of the host." },
		{ "too many clients", "53300", "Try again when sessions have ended." },
		{ "remaining connection slots", "53300", "Try again when sessions have ended." },
		{ "starting up", "57P03", "Try again when the server is ready." },
		{ "shutting down", "57P03", "Try again when the server is ready." },
	};

	if (strstr(message, "out of memory") != NULL)
		mg_out_of_memory();
	mg_err_set(err, MG_EXIT_UNAVAILABLE, "could not connect to the server");
	mg_err_detail(err, "Tried %s: %s", mg_target_display(err->arena, pg->target), message);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strstr(message, known[i].part) != NULL)
		{
			strcpy(err->sqlstate, known[i].sqlstate);
			return mg_err_hint(err, "%s", known[i].hint);
		}
	return false;
}

static bool
set_up(MgPg *pg, int pid, MgError *err)
{
	const char *values[] = { mg_printf(pg->arena, "%d", pid) };

	return mg_pg_exec(pg, mg_sql_session_setup, 1, values, NULL, err);
}

bool
mg_pg_pin(MgPg *pg, MgError *err)
{
	return set_up(pg, 0, err);
}

bool
mg_pg_open(MgArena *arena, const MgTarget *target, const char *application_name, MgPg **result,
		   MgError *err)
{
	static const char *const extra[][2] = {
		{ "client_encoding", "UTF8" },
		{ "keepalives", "1" },
		/* as sql/session_setup.sql has the server do: both ends give up at the same time */
		{ "keepalives_idle", "5" },
		{ "keepalives_interval", "5" },
		{ "keepalives_count", "3" },
		{ "tcp_user_timeout", "20000" },
		{ "fallback_application_name", "migguard" },
	};
	const size_t extras = sizeof extra / sizeof extra[0];
	MgPg *pg = mg_alloc(arena, sizeof *pg);
	const char **keywords;
	const char **values;
	size_t count = 0;

	*result = NULL;
	pg->arena = arena;
	pg->target = target;
	while (target->keywords[count] != NULL)
		count++;
	keywords = mg_alloc(arena, (count + extras + 2) * sizeof(char *));
	values = mg_alloc(arena, (count + extras + 2) * sizeof(char *));
	count = 0;
	/* Of a keyword given twice libpq takes the last, so what the user set comes after ours. */
	for (size_t i = 0; i < extras; i++, count++)
	{
		keywords[count] = extra[i][0];
		values[count] = extra[i][1];
	}
	for (int i = 0; target->keywords[i] != NULL; i++)
	{
		if (strcmp(target->keywords[i], "client_encoding") == 0 ||
			(application_name != NULL && strcmp(target->keywords[i], "application_name") == 0))
			continue;
		keywords[count] = target->keywords[i];
		values[count++] = target->values[i];
	}
	if (application_name != NULL)
	{
		keywords[count] = "application_name";
		values[count++] = application_name;
	}
	if (!connect_to(pg, keywords, values, err))
		goto failed;
	if (PQstatus(pg->conn) != CONNECTION_OK)
	{
		connect_failed(pg, err);
		goto failed;
	}
	/* It may come from a password file and is unknown until now. */
	mg_log_secret(PQpass(pg->conn));
	PQsetNoticeReceiver(pg->conn, receive_notice, NULL);
	pg->server_version = PQserverVersion(pg->conn);
	pg->backend_pid = PQbackendPID(pg->conn);
	if (!set_up(pg, pg->backend_pid, err))
		goto failed;
	*result = pg;
	return true;
failed:
	mg_pg_close(pg);
	return false;
}

void
mg_pg_close(MgPg *pg)
{
	if (pg == NULL)
		return;
	PQfinish(pg->conn);
	pg->conn = NULL;
}

void
mg_pg_cancel(MgPg *pg)
{
	PGcancel *handle = PQgetCancel(pg->conn);
	char message[256];

	if (handle != NULL && !PQcancel(handle, message, sizeof message))
		mg_log_verbose("could not send a cancel request: %s", message);
	PQfreeCancel(handle);
}

/* Waits for the end of the statement; after a signal it is cancelled and waited for again. */
static bool
wait_result(MgPg *pg, bool *cancelled)
{
	int flush = 1;

	for (;;)
	{
		if (flush > 0)
			flush = PQflush(pg->conn);
		/* what has arrived goes first: libpq moves all of it when it looks for more */
		if (flush == 0 && !PQisBusy(pg->conn))
			return true;
		if (flush < 0 || !PQconsumeInput(pg->conn))
			return false;
		if (flush == 0 && !PQisBusy(pg->conn))
			return true;
		if (*cancelled)
		{
			struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };

			poll(&fd, 1, MG_POLL_MS);
		}
		else if (!wait_socket(pg, PQsocket(pg->conn), flush > 0 ? POLLIN | POLLOUT : POLLIN))
		{
			*cancelled = true;
			mg_pg_cancel(pg);
		}
	}
}

bool
mg_pg_send(MgPg *pg, const char *sql, int count, const char *const *values, MgError *err)
{
	if (mg_signals_pending() != 0)
		return mg_pg_interrupted(err);
	if (PQstatus(pg->conn) != CONNECTION_OK)
	{
		mg_err_set(err, MG_EXIT_UNAVAILABLE, "the connection to the server is lost");
		return mg_err_detail(err, "%s", one_line(err->arena, PQerrorMessage(pg->conn)));
	}
	PQsetnonblocking(pg->conn, 1);
	if (!PQsendQueryParams(pg->conn, sql, count, NULL, values, NULL, NULL, 0))
		return mg_pg_error(pg, NULL, err);
	return true;
}

PGresult *
mg_pg_next_result(MgPg *pg, bool *cancelled)
{
	return wait_result(pg, cancelled) ? PQgetResult(pg->conn) : NULL;
}

bool
mg_pg_is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

bool
mg_pg_exec(MgPg *pg, const char *sql, int count, const char *const *values, PGresult **result,
		   MgError *err)
{
	PGresult *last = NULL;
	PGresult *next;
	bool cancelled = false;
	bool ok = false;
	ExecStatusType status;

	if (result != NULL)
		*result = NULL;
	if (!mg_pg_send(pg, sql, count, values, err))
		return false;
	while ((next = mg_pg_next_result(pg, &cancelled)) != NULL)
	{
		PQclear(last);
		last = next;
		if (mg_pg_is_copy(last))
			break;
	}
	status = last != NULL ? PQresultStatus(last) : PGRES_FATAL_ERROR;
	ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!ok && cancelled)
		mg_pg_interrupted(err);
	else if (!ok)
		mg_pg_error(pg, last, err);
	if (ok && result != NULL)
		*result = last;
	else
		PQclear(last);
	return ok;
}

bool
mg_pg_alive(MgPg *pg)
{
	MgError ignored;
	bool alive;

	mg_err_init(&ignored, pg->arena);
	alive = mg_pg_exec(pg, mg_sql_server_version, 0, NULL, NULL, &ignored);
	return alive && PQstatus(pg->conn) == CONNECTION_OK;
}

bool
mg_pg_counts_bytes(const MgPg *pg)
{
	const char *encoding = PQparameterStatus(pg->conn, "server_encoding");

	return encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0;
}

bool
mg_pg_strings(MgPg *pg, const char *sql, int count, const char *const *values, MgStrings *list,
			  MgError *err)
{
	PGresult *result;

	mg_strings_init(list, pg->arena);
	if (!mg_pg_exec(pg, sql, count, values, &result, err))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
		mg_strings_add(list, PQgetvalue(result, i, 0));
	PQclear(result);
	return true;
}

char *
mg_pg_value(MgArena *arena, const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return NULL;
	return mg_strdup(arena, PQgetvalue(result, row, column));
}

/* A text that libpq cannot quote, because of its bytes, becomes one that no server accepts. */
static char *
take_quoted(MgPg *pg, char *quoted)
{
	char *copy;

	if (quoted == NULL && strstr(PQerrorMessage(pg->conn), "out of memory") != NULL)
		mg_out_of_memory();
	copy = mg_strdup(pg->arena, quoted != NULL ? quoted : "\"\"");
	PQfreemem(quoted);
	return copy;
}

char *
mg_pg_identifier(MgPg *pg, const char *name)
{
	return take_quoted(pg, PQescapeIdentifier(pg->conn, name, strlen(name)));
}

char *
mg_pg_literal(MgPg *pg, const char *text)
{
	return take_quoted(pg, PQescapeLiteral(pg->conn, text, strlen(text)));
}
