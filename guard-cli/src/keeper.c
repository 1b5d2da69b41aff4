/*
 * keeper.c
 *	  Starts the program, reports its end, and ends it when migguard dies.
 */
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "signals.h"

#define KILL_LIMIT_MS	 1500
#define KILL_POLL_MS	 2
#define SESSIONS_LIMIT_S 10
#define CLOSE_ON_EXEC	 (1U << 2) /* CLOSE_RANGE_CLOEXEC, which older headers lack */

typedef struct Process
{
	pid_t pid;
	pid_t parent;
	bool zombie;
	bool ours; /* descends from this process */
} Process;

typedef struct Processes
{
	Process *items;
	int count;
	int size;
} Processes;

/* Reads parent and state from /proc/PID/stat; the name in it may hold anything, so look behind the
 * last parenthesis. */
static bool
read_process(const char *pid, Process *process)
{
	char path[64];
	char text[512];
	char state;
	int parent;
	ssize_t len;
	int fd;
	const char *rest;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	rest = strrchr(text, ')');
	if (rest == NULL || sscanf(rest + 1, " %c %d", &state, &parent) != 2)
		return false;
	*process = (Process){ .pid = (pid_t) strtol(pid, NULL, 10),
						  .parent = parent,
						  .zombie = state == 'Z' || state == 'X' };
	return true;
}

static bool
list_processes(Processes *list)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	list->count = 0;
	if (dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL)
	{
		Process process;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!read_process(entry->d_name, &process))
			continue;
		if (list->count == list->size)
		{
			int size = list->size == 0 ? 256 : list->size * 2;
			Process *items = realloc(list->items, (size_t) size * sizeof *items);

			if (items == NULL)
				break;
			list->items = items;
			list->size = size;
		}
		list->items[list->count++] = process;
	}
	closedir(dir);
	return true;
}

/* A process that is not ended with the others, with all that came of it; 0: there is none. */
static pid_t spared;

void
mg_spare_process(pid_t pid)
{
	spared = pid;
}

/* Marks what descends from root; a pass a generation, because the list has no order. */
static void
mark_descendants(Processes *list, pid_t root)
{
	bool found = true;

	while (found)
	{
		found = false;
		for (int i = 0; i < list->count; i++)
		{
			Process *process = &list->items[i];

			if (process->ours || (process->pid == spared && spared != 0))
				continue;
			for (int j = 0; j < list->count && !process->ours; j++)
				process->ours = list->items[j].ours && list->items[j].pid == process->parent;
			process->ours = process->ours || process->parent == root;
			found = found || process->ours;
		}
	}
}

/* True when no child is left, dead or alive. */
static bool
reap_all(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		if (pid == spared)
			spared = 0;
	return pid < 0 && errno == ECHILD;
}

/* Ends those that descend from this process; false when there was none. */
static bool
kill_marked(const Processes *list)
{
	bool any = false;

	for (int i = 0; i < list->count; i++)
	{
		any = any || list->items[i].ours;
		if (list->items[i].ours && !list->items[i].zombie)
			kill(list->items[i].pid, SIGKILL);
	}
	return any;
}

bool
mg_kill_descendants(void)
{
	Processes list = { 0 };
	long long until = mg_clock_ms() + KILL_LIMIT_MS;
	bool none = false;

	/* Orphans become our children, so who has no child has no descendant either.  A process may
	 * fork between the listing and the signal: repeat until there is none. */
	while (!(none = reap_all()) && mg_clock_ms() <= until)
	{
		if (!list_processes(&list))
			break;
		mark_descendants(&list, getpid());
		if (!kill_marked(&list) && spared != 0)
		{
			none = true;
			break;
		}
		poll(NULL, 0, KILL_POLL_MS);
	}
	free(list.items);
	return none;
}

static void
report(const MgKeeperJob *job, MgKeeperEvent event, int value)
{
	MgKeeperReport record = { event, value };

	(void) !write(job->report, &record, sizeof record);
}

/* Becomes the program. */
static void __attribute__((noreturn)) become_program(const MgKeeperJob *job, pid_t keeper)
{
	int stdio[3] = { job->in, job->out, job->err };
	sigset_t none;

	/* SIGKILL, because a program may ignore any other signal */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(127);
	setpgid(0, 0);

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	for (int i = 0; i < 3; i++)
		while (stdio[i] <= 2)
			stdio[i] = dup(stdio[i]);
	for (int i = 0; i < 3; i++)
		dup2(stdio[i], i);
#ifdef SYS_close_range
	(void) syscall(SYS_close_range, 3U, ~0U, CLOSE_ON_EXEC);
#endif
	if (job->directory != NULL && chdir(job->directory) != 0)
	{
		report(job, MG_KEEPER_NO_DIRECTORY, errno);
		_exit(127);
	}
	execve(job->path, job->argv, job->env);
	report(job, MG_KEEPER_NO_EXEC, errno);
	_exit(127);
}

/* migguard is gone: nothing of the program may live on, neither here nor in the server. */
static void __attribute__((noreturn)) clean_up_alone(const MgKeeperJob *job)
{
	MgError err;
	sigset_t alarm_only;
	int ended;

	mg_kill_descendants();
	if (job->target == NULL || job->application_name == NULL)
		_exit(0);

	/* A server that does not answer must not keep us, and with us the lock, for ever. */
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	signal(SIGALRM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	alarm(SESSIONS_LIMIT_S);
	mg_signals_shield(true);
	mg_err_init(&err, job->arena);
	mg_child_end_sessions(job->arena, job->target, job->application_name, &ended, &err);
	_exit(0);
}

/* Obeys one command; false at the end of file. */
static bool
obey(const MgKeeperJob *job, pid_t program)
{
	char command;
	ssize_t len = read(job->control, &command, 1);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN;
	if (len == 0)
		return false;
	if (command == MG_KEEPER_TERMINATE)
		kill(-program, SIGTERM);
	else if (command == MG_KEEPER_KILL)
	{
		/* the program's own status is wanted, so it is not reaped by the sweep */
		kill(-program, SIGKILL);
		kill(program, SIGKILL);
	}
	return true;
}

/* Reaps; true when the program itself has ended, with its status. */
static bool
reap(int signals, pid_t program, int *status)
{
	struct signalfd_siginfo info;
	bool ended = false;
	pid_t pid;
	int st;

	while (read(signals, &info, sizeof info) == (ssize_t) sizeof info)
		;
	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		if (pid == program)
		{
			*status = st;
			ended = true;
		}
	return ended;
}

void
mg_keeper_main(const MgKeeperJob *job)
{
	sigset_t all;
	sigset_t child;
	int signals;
	int status = 0;
	pid_t keeper = getpid();
	pid_t program;

	/* Ctrl-C at a terminal reaches migguard alone, which decides what becomes of the program. */
	setpgid(0, 0);
	prctl(PR_SET_NAME, "migguard-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);

	program = fork();
	if (program == 0)
		become_program(job, keeper);
	if (program < 0 || signals < 0)
	{
		report(job, MG_KEEPER_NO_FORK, errno);
		mg_kill_descendants();
		_exit(1);
	}
	close(job->in);
	close(job->out);
	close(job->err);

	while (true)
	{
		struct pollfd fds[] = { { .fd = job->control, .events = POLLIN },
								{ .fd = signals, .events = POLLIN } };

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents != 0 && reap(signals, program, &status))
			break;
		if (fds[0].revents != 0 && !obey(job, program))
			clean_up_alone(job);
	}
	/* what the program left running ends with it */
	mg_kill_descendants();
	report(job, MG_KEEPER_EXITED, status);
	_exit(0);
}
