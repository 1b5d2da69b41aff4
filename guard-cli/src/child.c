/*
 * child.c
 *	  migguard's side of a running program: its pipes, time limits, signals, the watched connection.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child_capture.h"
#include "clock.h"
#include "failpoint.h"
#include "keeper.h"
#include "pg_catalog_server.h"
#include "signals.h"

#define TERM_GRACE_MS 1000 /* from SIGTERM to SIGKILL */
#define KILL_GRACE_MS 5000 /* from SIGKILL to giving up on the keeper */
#define DEFAULT_PATH  "/usr/local/bin:/usr/bin:/bin"
#define NO_FD		  (-1)

typedef enum Stopping
{
	NOT_STOPPING,
	TERMINATED, /* SIGTERM is sent */
	KILLED		/* SIGKILL is sent */
} Stopping;

typedef struct Child
{
	MgArena *arena;
	const MgChildSpec *spec;
	MgChildResult *result;
	pid_t keeper;
	int control;
	int report;
	MgCapture *out;
	MgCapture *err;
	long long started_us;
	Stopping stopping;
	long long stop_until_us; /* when the next, harder step is taken */
	bool ended;
	MgKeeperReport last;
} Child;

/* The connection whose loss ends every child. */
static struct
{
	int fd;
	bool (*alive)(void *arg);
	void *arg;
} watched = { NO_FD, NULL, NULL };

/* What goes on beside a child; NULL: nothing. */
static const MgCompany *company;

void
mg_child_accompany(const MgCompany *with)
{
	company = with;
}

void
mg_child_watch(int fd, bool (*alive)(void *arg), void *arg)
{
	watched.fd = fd;
	watched.alive = alive;
	watched.arg = arg;
}

static const char *
env_value(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

const char *
mg_child_find(MgArena *arena, const char *name, char *const *env, MgError *err)
{
	const char *path = env_value(env, "PATH");

	if (strchr(name, '/') != NULL)
		return name;
	if (path == NULL)
		path = DEFAULT_PATH;
	for (const char *p = path; *name != '\0';)
	{
		size_t len = strcspn(p, ":");
		char *file =
			len == 0 ? mg_strdup(arena, name) : mg_printf(arena, "%.*s/%s", (int) len, p, name);

		if (access(file, X_OK) == 0)
			return file;
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	mg_err_set(err, MG_EXIT_UNAVAILABLE, "could not find program \"%s\"", name);
	mg_err_hint(err, "Install it, put its directory on PATH, or name it with its path.");
	return NULL;
}

/* A descriptor from which the program reads its stdin. */
static int
open_input(const MgChildSpec *spec)
{
	size_t len = spec->input == NULL ? 0 : strlen(spec->input);
	int fd;

	if (spec->input_fd > 0)
		return fcntl(spec->input_fd, F_DUPFD_CLOEXEC, 3);
	if (spec->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	for (size_t done = 0; fd >= 0 && done < len;)
	{
		ssize_t n = write(fd, spec->input + done, len - done);

		if (n <= 0)
		{
			close(fd);
			return NO_FD;
		}
		done += (size_t) n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = NO_FD;
}

static void
send_command(Child *child, char command)
{
	(void) !write(child->control, &command, 1);
}

/* Ends the program: SIGTERM first, so that it may leave things in order. */
static void
stop(Child *child)
{
	if (child->stopping != NOT_STOPPING)
		return;
	child->stopping = TERMINATED;
	child->stop_until_us = mg_clock_us() + TERM_GRACE_MS * 1000LL;
	send_command(child, MG_KEEPER_TERMINATE);
}

/* Reads what is there; false at the end of file. */
static bool
drain(Child *child, MgCapture *capture)
{
	static char chunk[65536];
	const MgChildSpec *spec = child->spec;

	while (capture->fd >= 0)
	{
		ssize_t n = read(capture->fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
		{
			close_fd(&capture->fd);
			return false;
		}
		if (capture == child->out && spec->sink != NULL)
		{
			if (!child->result->sink_failed && !spec->sink(spec->sink_arg, chunk, (size_t) n))
			{
				child->result->sink_failed = true;
				stop(child);
			}
		}
		else
			mg_capture_add(capture, chunk, (size_t) n);
	}
	return false;
}

static void
read_report(Child *child)
{
	MgKeeperReport record;
	ssize_t n = read(child->report, &record, sizeof record);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* the keeper itself was killed, and its death has killed the program */
	if (n != (ssize_t) sizeof record)
		record = (MgKeeperReport){ MG_KEEPER_EXITED, SIGKILL };
	/* what came first is the reason, as "could not execute" before "exited with 127" */
	if (!child->ended)
		child->last = record;
	child->ended = true;
}

/* Time limits, a pending signal, a sink that failed. */
static void
check_reasons_to_stop(Child *child, long long now)
{
	const MgChildSpec *spec = child->spec;

	if (child->stopping == NOT_STOPPING)
	{
		if (spec->stop_on_signal && mg_signals_pending() != 0)
		{
			child->result->interrupted = true;
			stop(child);
		}
		else if (spec->timeout_ms > 0 && now - child->started_us >= spec->timeout_ms * 1000)
		{
			child->result->timed_out = true;
			stop(child);
		}
	}
	else if (now >= child->stop_until_us)
	{
		if (child->stopping == TERMINATED)
		{
			child->stopping = KILLED;
			child->stop_until_us = now + KILL_GRACE_MS * 1000LL;
			send_command(child, MG_KEEPER_KILL);
		}
		else
			kill(child->keeper, SIGKILL);
	}
}

/* company_until: -1 when nobody else wants to be woken. */
static int
poll_timeout(const Child *child, long long now, long long company_until)
{
	long long until = -1;

	if (child->stopping != NOT_STOPPING)
		until = child->stop_until_us;
	else if (child->spec->timeout_ms > 0)
		until = child->started_us + child->spec->timeout_ms * 1000;
	if (company_until >= 0 && (until < 0 || company_until < until))
		until = company_until;
	if (until < 0)
		return -1;
	if (until <= now)
		return 0;
	/* rounded up, so that the loop does not spin through the last millisecond */
	return until - now > INT32_MAX * 1000LL ? INT32_MAX : (int) ((until - now + 999) / 1000);
}

/* Lets a signal in only while waiting, so that none slips in between the look at it and the wait. */
static int
wait_for(struct pollfd *fds, nfds_t count, int timeout_ms, const sigset_t *unblocked)
{
	struct timespec timeout = { .tv_sec = timeout_ms / 1000,
								.tv_nsec = (timeout_ms % 1000) * 1000000L };
	int rc = ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, unblocked);

	if (rc < 0)
		for (nfds_t i = 0; i < count; i++)
			fds[i].revents = 0;
	return rc < 0 && errno != EINTR ? -1 : 0;
}

/* Runs until the keeper has reported the end. */
static void
attend(Child *child)
{
	bool guarded = watched.fd >= 0;
	sigset_t blocked;
	sigset_t unblocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	while (!child->ended)
	{
		struct pollfd fds[] = {
			{ .fd = child->report, .events = POLLIN },
			{ .fd = child->out->fd, .events = POLLIN },
			{ .fd = child->err->fd, .events = POLLIN },
			{ .fd = guarded ? watched.fd : NO_FD, .events = POLLIN | POLLRDHUP },
			{ .fd = NO_FD },
		};
		long long until = -1;

		check_reasons_to_stop(child, mg_clock_us());
		if (company != NULL)
			fds[4].fd = company->ask(company->arg, &fds[4].events, &until);
		if (wait_for(fds, sizeof fds / sizeof fds[0], poll_timeout(child, mg_clock_us(), until),
					 &unblocked) < 0)
			break;
		if (company != NULL)
			company->turn(company->arg);
		if (fds[1].revents != 0)
			drain(child, child->out);
		if (fds[2].revents != 0)
			drain(child, child->err);
		if (fds[3].revents != 0 && !watched.alive(watched.arg))
		{
			guarded = false;
			child->result->guard_lost = true;
			stop(child);
		}
		if (fds[0].revents != 0)
			read_report(child);
	}
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
	/* all that the program wrote is in the pipes by now */
	drain(child, child->out);
	drain(child, child->err);
	mg_capture_end_line(child->out);
	mg_capture_end_line(child->err);
}

/* Turns the keeper's report into the result. */
static bool
conclude(Child *child, MgError *err)
{
	MgChildResult *result = child->result;
	const char *program = child->spec->argv[0];

	result->elapsed_us = mg_clock_us() - child->started_us;
	result->out = mg_capture_text(child->arena, child->out);
	result->err = mg_capture_text(child->arena, child->err);
	switch ((MgKeeperEvent) child->last.event)
	{
		case MG_KEEPER_NO_DIRECTORY:
			return mg_err_set(err, MG_EXIT_CONFIG, "could not enter directory \"%s\": %s",
							  child->spec->directory, strerror(child->last.value));
		case MG_KEEPER_NO_EXEC:
			return mg_err_set(err, MG_EXIT_UNAVAILABLE, "could not execute \"%s\": %s", program,
							  strerror(child->last.value));
		case MG_KEEPER_NO_FORK:
			return mg_err_set(err, MG_EXIT_INTERNAL, "could not start \"%s\": %s", program,
							  strerror(child->last.value));
		case MG_KEEPER_EXITED:
			break;
	}
	result->started = true;
	result->exit_code = WIFEXITED(child->last.value) ? WEXITSTATUS(child->last.value) : -1;
	result->term_signal = WIFSIGNALED(child->last.value) ? WTERMSIG(child->last.value) : 0;
	return true;
}

static void
close_all(Child *child)
{
	if (child->out != NULL)
		close_fd(&child->out->fd);
	if (child->err != NULL)
		close_fd(&child->err->fd);
	close_fd(&child->control);
	close_fd(&child->report);
}

/* Forks the keeper; the four pipes and stdin are set up around it. */
static bool
start(Child *children, int at, MgError *err)
{
	Child *child = &children[at];
	const MgChildSpec *spec = child->spec;
	int in = NO_FD;
	int pipes[4][2] = {
		{ NO_FD, NO_FD }, { NO_FD, NO_FD }, { NO_FD, NO_FD }, { NO_FD, NO_FD }
	}; /* stdout, stderr, control, report */
	MgKeeperJob job = { .arena = child->arena,
						.path = mg_child_find(child->arena, spec->argv[0], spec->env, err),
						.argv = spec->argv,
						.env = spec->env,
						.directory = spec->directory,
						.target = spec->target,
						.application_name = spec->application_name };
	bool ok = false;

	if (job.path == NULL)
		return false;
	in = open_input(spec);
	ok = in >= 0;
	for (int i = 0; i < 4 && ok; i++)
		ok = pipe2(pipes[i], O_CLOEXEC) == 0;
	if (ok)
	{
		fflush(NULL);
		child->keeper = fork();
		if (child->keeper == 0)
		{
			/* a keeper that holds the pipe of another would hide the death of migguard from it */
			for (int i = 0; i < at; i++)
				close_all(&children[i]);
			close(pipes[0][0]);
			close(pipes[1][0]);
			close(pipes[2][1]);
			close(pipes[3][0]);
			job.in = in;
			job.out = pipes[0][1];
			job.err = pipes[1][1];
			job.control = pipes[2][0];
			job.report = pipes[3][1];
			mg_keeper_main(&job);
		}
		ok = child->keeper > 0;
	}
	if (!ok)
		mg_err_set(err, MG_EXIT_INTERNAL, "could not start \"%s\": %s", spec->argv[0],
				   strerror(errno));
	close_fd(&in);
	close_fd(&pipes[0][1]);
	close_fd(&pipes[1][1]);
	close_fd(&pipes[2][0]);
	close_fd(&pipes[3][1]);
	child->out = mg_capture_new(child->arena, pipes[0][0], spec->argv[0]);
	child->err = mg_capture_new(child->arena, pipes[1][0], spec->argv[0]);
	child->err->said = spec->said;
	child->err->said_arg = spec->sink_arg;
	child->control = pipes[2][1];
	child->report = pipes[3][0];
	return ok;
}

/* The end of a client does not end what its session is doing. */
static bool
end_sessions(Child *child, MgError *err)
{
	const MgChildSpec *spec = child->spec;
	bool shielded;
	bool ok;

	if (child->stopping == NOT_STOPPING || spec->target == NULL || spec->application_name == NULL)
		return true;
	/* what the signal asked for is being done, so it must not stop this */
	shielded = mg_signals_shield(true);
	ok = mg_child_end_sessions(child->arena, spec->target, spec->application_name,
							   &child->result->sessions_seen, err);
	mg_signals_shield(shielded);
	return ok;
}

bool
mg_child_run_all(MgArena *arena, const MgChildSpec *specs, MgChildResult *results, int count,
				 MgError *err)
{
	Child *children = mg_alloc(arena, (size_t) count * sizeof(Child));
	int begun = 0;
	bool ok = true;

	for (int i = 0; i < count; i++)
	{
		memset(&results[i], 0, sizeof results[i]);
		results[i].out = results[i].err = mg_strdup(arena, "");
		children[i] = (Child){ .arena = arena,
							   .spec = &specs[i],
							   .result = &results[i],
							   .keeper = -1,
							   .control = NO_FD,
							   .report = NO_FD };
	}
	/* should a keeper be killed, what it kept comes to us */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	mg_failpoint("child.begin");
	for (; ok && begun < count; begun++)
	{
		children[begun].started_us = mg_clock_us();
		ok = start(children, begun, err);
	}
	mg_failpoint("child.started");
	for (int i = 0; i < begun; i++)
	{
		if (children[i].keeper <= 0)
			continue;
		if (!ok)
			stop(&children[i]);
		attend(&children[i]);
		ok = conclude(&children[i], err) && ok;
	}
	mg_failpoint("child.ended");
	for (int i = 0; i < begun; i++)
	{
		close_all(&children[i]);
		while (children[i].keeper > 0 && waitpid(children[i].keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (begun > 1 || children[0].keeper > 0)
		mg_kill_descendants();
	for (int i = 0; i < begun && ok; i++)
		ok = end_sessions(&children[i], err);
	return ok;
}

bool
mg_child_run(MgArena *arena, const MgChildSpec *spec, MgChildResult *result, MgError *err)
{
	return mg_child_run_all(arena, spec, result, 1, err);
}

bool
mg_child_succeeded(const MgChildResult *result)
{
	return result->exit_code == 0 && !result->timed_out && !result->interrupted &&
		   !result->guard_lost && !result->sink_failed;
}

char *
mg_child_describe(MgArena *arena, const MgChildResult *result)
{
	if (!result->started)
		return mg_strdup(arena, "could not be started");
	if (result->timed_out)
		return mg_printf(arena, "timed out after %lld s", result->elapsed_us / 1000000);
	if (result->interrupted)
		return mg_strdup(arena, "was ended because migguard was told to stop");
	if (result->guard_lost)
		return mg_strdup(arena, "was ended because the session that holds the lock was lost");
	if (result->sink_failed)
		return mg_strdup(arena, "was ended because its output could not be kept");
	if (result->term_signal != 0)
		return mg_printf(arena, "was ended by signal %d (%s)", result->term_signal,
						 strsignal(result->term_signal));
	return mg_printf(arena, "exited with %d", result->exit_code);
}

char *
mg_child_tail(MgArena *arena, const MgChildResult *result, int lines)
{
	const char *text = result->err != NULL && *result->err != '\0' ? result->err : result->out;
	size_t len = text == NULL ? 0 : strlen(text);
	size_t start;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (start = len; start > 0 && lines > 0; start--)
		if (text[start - 1] == '\n' && --lines == 0)
			break;
	return text == NULL ? mg_strdup(arena, "") : mg_strndup(arena, text + start, len - start);
}

bool
mg_child_end_sessions(MgArena *arena, const MgTarget *target, const char *application_name,
					  int *ended, MgError *err)
{
	MgPg *pg = NULL;
	bool ok;

	*ended = 0;
	if (!mg_pg_open(arena, target, "migguard:end-sessions", &pg, err))
		return false;
	ok = mg_server_end_sessions(pg, application_name, 0, ended, err);
	mg_pg_close(pg);
	return ok;
}
