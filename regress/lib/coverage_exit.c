/*
 * coverage_exit.c
 *	  Linked into migguard where lines are counted: writes the counters where the program leaves
 *	  without its own end, by _exit(), by a signal that it sends itself, or by becoming another.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

extern void __gcov_dump(void);
extern void __gcov_reset(void);
extern void __real__exit(int status) __attribute__((noreturn));
extern int __real_execve(const char *path, char *const argv[], char *const env[]);
extern int __real_kill(pid_t pid, int signal);

void __wrap__exit(int status) __attribute__((noreturn));
int __wrap_execve(const char *path, char *const argv[], char *const env[]);
int __wrap_kill(pid_t pid, int signal);

/* What makes calls fail leaves these alone: see fail_nth.c. */
static void (*pause_failures)(bool pause);

static void __attribute__((constructor)) begin(void)
{
	pause_failures = (void (*)(bool)) dlsym(RTLD_DEFAULT, "fail_nth_pause");
}

/* Before the counters are written at the end of the program. */
static void __attribute__((destructor)) end(void)
{
	if (pause_failures != NULL)
		pause_failures(true);
}

/* What was written is counted from nothing again, so that it is not added twice. */
static void
write_counters(void)
{
	if (pause_failures != NULL)
		pause_failures(true);
	__gcov_dump();
	__gcov_reset();
	if (pause_failures != NULL)
		pause_failures(false);
}

void
__wrap__exit(int status)
{
	write_counters();
	__real__exit(status);
}

int
__wrap_execve(const char *path, char *const argv[], char *const env[])
{
	write_counters();
	return __real_execve(path, argv, env);
}

int
__wrap_kill(pid_t pid, int signal)
{
	if (pid == getpid())
		write_counters();
	return __real_kill(pid, signal);
}
