/*
 * kill_at.c
 *	  Preloaded into migguard: kills it at the n-th statement that changes something.
 *
 * KILL_AT=n kills before that statement is sent, KILL_AFTER=n once its result has
 * been asked for.  COUNT_TO names a file that gets the number of such statements.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;
typedef unsigned int Oid;

static int seen;
static int armed;
static pid_t self;

static int
changes(const char *sql)
{
	static const char *const words[] = { "ALTER",
										 "CREATE",
										 "COMMENT",
										 "GRANT",
										 "REVOKE",
										 "DROP",
										 "INSERT",
										 "BEGIN",
										 "COMMIT",
										 "SELECT safedeploy.",
										 "SELECT pg_catalog.setval",
										 "SELECT pg_catalog.count(pg_catalog.pg_terminate" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strncasecmp(sql + strspn(sql, " \n\t"), words[i], strlen(words[i])) == 0)
			return 1;
	return 0;
}

static int
number(const char *name)
{
	return getenv(name) == NULL ? 0 : atoi(getenv(name));
}

static void
note(void)
{
	FILE *file = getenv("COUNT_TO") == NULL ? NULL : fopen(getenv("COUNT_TO"), "w");

	if (file == NULL)
		return;
	fprintf(file, "%d\n", seen);
	fclose(file);
}

int
PQsendQueryParams(PGconn *conn, const char *command, int nParams, const Oid *paramTypes,
				  const char *const *paramValues, const int *paramLengths, const int *paramFormats,
				  int resultFormat)
{
	int (*real)(PGconn *, const char *, int, const Oid *, const char *const *, const int *,
				const int *, int) = dlsym(RTLD_NEXT, "PQsendQueryParams");

	if (self == 0)
		self = getpid();
	/* not in a keeper that was forked off */
	if (self == getpid() && changes(command))
	{
		seen++;
		note();
		if (seen == number("KILL_AT"))
			kill(getpid(), SIGKILL);
		armed = seen == number("KILL_AFTER");
	}
	return real(conn, command, nParams, paramTypes, paramValues, paramLengths, paramFormats,
				resultFormat);
}

PGresult *
PQgetResult(PGconn *conn)
{
	PGresult *(*real)(PGconn *) = dlsym(RTLD_NEXT, "PQgetResult");
	PGresult *result = real(conn);

	if (armed)
		kill(getpid(), SIGKILL);
	return result;
}
