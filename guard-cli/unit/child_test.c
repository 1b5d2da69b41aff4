/*
 * child_test.c
 *	  Programs that end in every way, write too much, leave children, or do not start.
 */
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "keeper.h"
#include "log.h"

static MgArena *arena;
static MgChildResult result;
static MgError err;

static bool
run(const MgChildSpec *given, const char *code)
{
	MgChildSpec spec = *given;
	char *argv[] = { mg_strdup(arena, "perl"), mg_strdup(arena, "-e"), mg_strdup(arena, code), NULL };
	char *env[] = { mg_printf(arena, "PATH=%s", getenv("PATH")), mg_strdup(arena, "SEEN=yes"), NULL };

	mg_err_init(&err, arena);
	spec.argv = argv;
	if (spec.env == NULL)
		spec.env = env;
	return mg_child_run(arena, &spec, &result, &err);
}

static bool
refuse_bytes(void *arg, const char *data, size_t len)
{
	(void) data;
	*(size_t *) arg += len;
	return *(size_t *) arg < 100000;
}

static void
test_ends(void)
{
	MgChildSpec spec = { 0 };

	unit_ok(run(&spec, "print 'out'; print STDERR 'err'; exit 7"), "a program runs");
	unit_is_int(result.exit_code, 7, "its exit code is known");
	unit_is(result.out, "out", "its stdout is kept");
	unit_is(result.err, "err", "its stderr is kept");
	unit_is(mg_child_describe(arena, &result), "exited with 7", "it is described");
	unit_ok(!mg_child_succeeded(&result), "7 is no success");
	unit_ok(run(&spec, "kill 'KILL', $$"), "a program kills itself");
	unit_is_int(result.term_signal, SIGKILL, "the signal is known");
	unit_contains(mg_child_describe(arena, &result), "signal 9", "and described");
	unit_ok(run(&spec, "print scalar <STDIN> // 'end'; print $ENV{SEEN}, getpgrp == $$ ? 1 : 0"),
			"a program sees");
	unit_is(result.out, "endyes1", "no input, the given environment, and a group of its own");
	spec.input = "in\n";
	spec.directory = "/";
	run(&spec, "use Cwd; print scalar <STDIN>, getcwd");
	unit_is(result.out, "in\n/", "input and directory as given");
}

static void
test_limits(void)
{
	MgChildSpec spec = { .timeout_ms = 300 };
	size_t taken = 0;

	unit_ok(run(&spec, "$SIG{TERM} = 'IGNORE'; sleep 60"),
			"a program that hangs and ignores SIGTERM");
	unit_ok(result.timed_out && result.elapsed_us < 5000000, "is ended in time");
	unit_contains(mg_child_describe(arena, &result), "timed out", "which is said");
	spec.timeout_ms = 0;
	mg_log_secret("canary-secret");
	run(&spec, "print 'x' x 1000, 'canary-secret', $_, qq{\\n} for 1 .. 500");
	unit_ok(strlen(result.out) <= 65536 && strlen(result.out) > 60000,
			"the end of much output is kept");
	unit_contains(result.out, "***500", "to its last line, without secrets");
	unit_ok(strstr(result.out, "canary") == NULL, "none of them");
	unit_ok(result.out[0] == 'x', "from the start of a line on");
	spec.sink = refuse_bytes;
	spec.sink_arg = &taken;
	run(&spec, "$| = 1; print 'x' x 1000 while 1");
	unit_ok(result.sink_failed && !mg_child_succeeded(&result),
			"a sink that is full ends the program");
}

/* Two that each wait for what the other writes, and one of two that cannot be started. */
static void
test_together(void)
{
	char *dir = mg_printf(arena, "/tmp/together-%d", (int) getpid());
	char *env[] = { mg_printf(arena, "PATH=%s", getenv("PATH")), NULL };
	char *argv[2][4];
	MgChildSpec specs[2] = { 0 };
	MgChildResult results[2];

	for (int i = 0; i < 2; i++)
	{
		char *code = mg_printf(arena,
							   "open my $f, '>', '%s.%d'; close $f; until (-e '%s.%d') { "
							   "select undef, undef, undef, 0.01 } print 'x' x 200000; exit %d",
							   dir, i, dir, 1 - i, i);

		memcpy(argv[i], (char *[]){ (char *) "perl", (char *) "-e", code, NULL }, sizeof argv[i]);
		specs[i] = (MgChildSpec){ .argv = argv[i], .env = env, .timeout_ms = 60000 };
	}
	mg_err_init(&err, arena);
	unit_ok(mg_child_run_all(arena, specs, results, 2, &err), "two programs run at the same time");
	unit_is_int(results[0].exit_code, 0, "each has its result: the first");
	unit_is_int(results[1].exit_code, 1, "and the second");
	unit_is_int((int) strlen(results[1].out), (int) strlen(results[0].out),
				"with all that they said");
	for (int i = 0; i < 2; i++)
		unlink(mg_printf(arena, "%s.%d", dir, i));
	argv[0][2] = (char *) "sleep 600";
	argv[1][0] = (char *) "nowhere-at-all";
	unit_ok(!mg_child_run_all(arena, specs, results, 2, &err), "one of two cannot be started");
	unit_contains(err.message, "nowhere-at-all", "which is named");
	unit_ok(results[0].elapsed_us < 30000000, "and the other does not go on");
}

/* Processes whose command line has the text. */
static int
count_processes(const char *text)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(proc)) != NULL)
	{
		char line[4096];
		FILE *file = fopen(mg_printf(arena, "/proc/%s/cmdline", entry->d_name), "re");

		if (file == NULL)
			continue;
		line[fread(line, 1, sizeof line - 1, file)] = '\0';
		count += strstr(line, text) != NULL;
		fclose(file);
	}
	closedir(proc);
	return count;
}

static void
test_left_behind(void)
{
	MgChildSpec spec = { 0 };
	char *tag = mg_printf(arena, "left-behind-%d", (int) getpid());
	char *code =
		mg_printf(arena,
				  "for (1 .. 3) { fork or do { setpgrp; $0 = '%s'; close STDOUT; close STDERR; "
				  "exec 'sleep', '60' if $_ == 1; sleep 60; exit } } exit 0",
				  tag);
	pid_t guard;

	unit_ok(run(&spec, code) && result.exit_code == 0, "a program that leaves others running");
	unit_is_int(count_processes(tag), 0, "leaves none");
	unit_ok(result.elapsed_us < 3000000, "and is not waited for in vain");

	/* the same below a guard that is killed */
	guard = fork();
	if (guard == 0)
	{
		run(&spec,
			mg_printf(arena,
					  "for (1 .. 3) { fork or do { setpgrp; $0 = '%s'; sleep 60; exit } } $0 = '%s'; sleep 60",
					  tag, tag));
		_exit(0);
	}
	for (int i = 0; i < 500 && count_processes(tag) < 4; i++)
		usleep(10000);
	unit_ok(count_processes(tag) >= 4, "they run");
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	for (int i = 0; i < 200 && count_processes(tag) > 0; i++)
		usleep(10000);
	unit_is_int(count_processes(tag), 0, "the death of the guard is theirs, within two seconds");
}

static void
test_no_start(void)
{
	char *argv[] = { mg_strdup(arena, "no-such-program-at-all"), NULL };
	char *env[] = { NULL };
	MgChildSpec spec = { .argv = argv, .env = env };

	mg_err_init(&err, arena);
	unit_ok(!mg_child_run(arena, &spec, &result, &err), "a program that is not there");
	unit_contains(err.message, "could not find program \"no-such-program-at-all\"", "is named");
	argv[0] = mg_strdup(arena, "/etc/passwd");
	mg_err_init(&err, arena);
	unit_ok(!mg_child_run(arena, &spec, &result, &err), "a file that is no program");
	unit_contains(err.message, "could not execute \"/etc/passwd\"", "is named");
	argv[0] = mg_strdup(arena, "/bin/true");
	spec.directory = "/no/such/directory";
	mg_err_init(&err, arena);
	unit_ok(!mg_child_run(arena, &spec, &result, &err), "a directory that is not there");
	unit_contains(err.message, "/no/such/directory", "is named");
}

static void
test_words(void)
{
	MgChildResult ends[] = { { .started = false },
							 { .started = true, .interrupted = true },
							 { .started = true, .guard_lost = true },
							 { .started = true, .sink_failed = true } };
	static const char *const words[] = { "could not be started", "told to stop",
										 "session that holds", "could not be kept" };

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
	{
		unit_contains(mg_child_describe(arena, &ends[i]), words[i], "an end is described");
		unit_ok(i == 0 || !mg_child_succeeded(&ends[i]), "and is no success");
	}
}

int
main(void)
{
	arena = mg_arena_new();
	mg_log_init(0, false);
	test_ends();
	test_limits();
	test_together();
	test_left_behind();
	test_no_start();
	test_words();
	mg_arena_free(arena);
	return unit_done();
}
