/*
 * failpoint.c
 *	  The list of points, and what a test lets happen there.
 */
#include "failpoint.h"

#ifdef MG_FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sd_codes.h"

#define VARIABLE	   "MIGGUARD_FAILPOINT"
#define TRACE_VARIABLE "MIGGUARD_FAILPOINT_TRACE"
#define NAME_BYTES	   64
#define POLL_MS		   2
#define WRONG		   70 /* exit code for a test that asks for what is not there */

/* In the order in which a run with everything switched on meets them; the boundaries of states lie between. */
const MgFailpoint mg_failpoint_list[] = {
	{ "start", "the command line and the settings are read" },
	{ "run.connected", "the guard's own session is open" },
	{ "run.recorded", "the run is in the ledger" },
	{ "lock.taken", "the lock is held and its token issued; nothing here knows of it yet" },
	{ "lock.tagged", "the guard's session carries the token" },
	{ "recover.done", "dead runs are judged" },
	{ "capture.taken", "the snapshot of before is stored" },
	{ "database.created", "a database of ours exists, as yet without a comment" },
	{ "clone.filled", "the schema is restored into it" },
	{ "clone.made", "the clone is ready" },
	{ "rehearse.up", "the first upgrade of the clone is over" },
	{ "rehearse.down", "its downgrade is over" },
	{ "rehearse.again", "its second upgrade is over" },
	{ "rehearse.copied", "the rehearsed snapshot is stored in the real database" },
	{ "clone.dropped", "the scratch database is dropped" },
	{ "shadow.begin", "the warm shadow is about to be replaced" },
	{ "shadow.aside", "a database is renamed, to be dropped later" },
	{ "shadow.renamed", "a database has the shadow's name" },
	{ "dump.begun", "the backup has its directory, under a name of work" },
	{ "dump.written", "the data is written" },
	{ "dump.described", "the manifest is written" },
	{ "dump.verified", "the backup is read back; it has its name of work still" },
	{ "dump.renamed", "the backup has its name" },
	{ "migrate.permitted", "the tool's sessions are permitted what they drop" },
	{ "child.begin", "a program is about to be started" },
	{ "child.started", "a program runs" },
	{ "child.ended", "a program has ended" },
	{ "sql.step", "a file of plain SQL is about to be run" },
	{ "sql.stepped", "a file of plain SQL is run and recorded" },
	{ "migrate.ran", "the tool's last session on the real database has ended" },
	{ "verify.taken", "the snapshot of after is stored" },
	{ "rollback.permitted", "the sessions of the downgrade are permitted what they drop" },
	{ "rollback.ran", "the tool's downgrade is over" },
	{ "repair.begin", "statements of migguard are about to be run on the real database" },
	{ "repair.statement", "one of them is run, here or on a clone" },
	{ "repair.ran", "they are committed, or rolled back" },
	{ "end.begin", "the run is about to be ended in the ledger" },
	{ "end.recorded", "the end of the run is in the ledger; the lock is held still" },
	{ "end.unlocked", "the lock is released" },
	{ "restore.create", "a database to restore into is made" },
	{ "restore.load", "the backup is loaded" },
	{ "restore.compare", "it is compared with its manifest" },
	{ "restore.properties", "it has the properties of the live database" },
	{ "restore.hold", "nobody is let into the live database" },
	{ "restore.carry", "the ledger is carried over" },
	{ "restore.swap", "the names are changed" },
	{ NULL, NULL },
};

const char *const mg_failpoint_boundaries[] = { "begun", "acted", "closed", NULL };

/* What the environment asks for. */
static struct
{
	bool read;
	char name[NAME_BYTES]; /* "": nothing */
	long nth;
	const char *action;
	long seen;
} wanted;

static void __attribute__((noreturn)) refuse(const char *what, const char *text)
{
	fprintf(stderr, "migguard: error: %s: %s\n", what, text);
	_exit(WRONG);
}

static bool
is_boundary(const char *name)
{
	static const char *const states[] = {
#define X(id, state, text) state,
		SD_RUN_STATES(X)
#undef X
	};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
	{
		size_t len = strlen(states[i]);

		for (int j = 0; mg_failpoint_boundaries[j] != NULL; j++)
			if (strncmp(name, states[i], len) == 0 && name[len] == '.' &&
				strcmp(name + len + 1, mg_failpoint_boundaries[j]) == 0)
				return true;
	}
	return false;
}

static bool
is_known(const char *name)
{
	for (int i = 0; mg_failpoint_list[i].name != NULL; i++)
		if (strcmp(mg_failpoint_list[i].name, name) == 0)
			return true;
	return is_boundary(name);
}

bool
mg_failpoint_is_variable(const char *text)
{
	return strncmp(text, VARIABLE, strlen(VARIABLE)) == 0;
}

static void
read_wish(void)
{
	const char *text = getenv(VARIABLE);
	const char *equals;
	char *colon;

	wanted.read = true;
	if (text == NULL || *text == '\0')
		return;
	equals = strchr(text, '=');
	if (equals == NULL || (size_t) (equals - text) >= sizeof wanted.name)
		refuse("not NAME[:NTH]=ACTION", text);
	memcpy(wanted.name, text, (size_t) (equals - text));
	wanted.action = equals + 1;
	wanted.nth = 1;
	colon = strchr(wanted.name, ':');
	if (colon != NULL)
	{
		wanted.nth = strtol(colon + 1, NULL, 10);
		*colon = '\0';
	}
	if (wanted.nth < 1 || !is_known(wanted.name))
		refuse("there is no such point", text);
}

static void
trace(const char *name)
{
	const char *path = getenv(TRACE_VARIABLE);
	char line[NAME_BYTES + 1];
	int fd;

	if (path == NULL || *path == '\0')
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		refuse(strerror(errno), path);
	snprintf(line, sizeof line, "%s\n", name);
	if (write(fd, line, strlen(line)) < 0)
		refuse(strerror(errno), path);
	close(fd);
}

/* Makes the file, so that the test knows, and waits until the test removes it. */
static void
hold_up(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		refuse(strerror(errno), path);
	close(fd);
	while (access(path, F_OK) == 0)
		poll(NULL, 0, POLL_MS);
}

static void
act(const char *action)
{
	static const struct
	{
		const char *name;
		int number;
	} signals[] = { { "kill", SIGKILL },
					{ "term", SIGTERM },
					{ "int", SIGINT },
					{ "hup", SIGHUP },
					{ "stop", SIGSTOP } };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (strcmp(action, signals[i].name) == 0)
		{
			kill(getpid(), signals[i].number);
			return;
		}
	if (strncmp(action, "pause:", 6) == 0)
		hold_up(action + 6);
	else if (strncmp(action, "exit:", 5) == 0)
		_exit((int) strtol(action + 5, NULL, 10));
	else
		refuse("there is no such action", action);
}

void
mg_failpoint(const char *name)
{
	if (!wanted.read)
		read_wish();
	if (!is_known(name))
		refuse("a point is not in the list", name);
	trace(name);
	if (strcmp(name, wanted.name) == 0 && ++wanted.seen == wanted.nth)
		act(wanted.action);
}

void
mg_failpoint_state(const char *state, const char *boundary)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof name, "%s.%s", state, boundary);
	mg_failpoint(name);
}

#else

/* A file of C needs a declaration. */
typedef int mg_no_failpoints;

#endif
