/*
 * log_test.c
 *	  Messages on stderr: their form, and that no secret is in them.
 */
#include "log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "progress.h"
#include "unit.h"

static char captured[8192];

/* Everything that the call prints on stderr. */
static const char *
capture(void (*call)(void))
{
	FILE *file = tmpfile();
	int keep = dup(STDERR_FILENO);
	size_t len;

	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	call();
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(file);
	len = fread(captured, 1, sizeof captured - 1, file);
	captured[len] = '\0';
	fclose(file);
	return captured;
}

static void
print_error(void)
{
	MgArena *arena = mg_arena_new();
	MgError err;

	mg_err_init(&err, arena);
	mg_err_set(&err, MG_EXIT_CONFIG, "broken \"%s\"", "na\nme");
	mg_err_where(&err, "migguard.ini", 7);
	mg_err_detail(&err, "First.\nSecond with pa%%ss word.");
	mg_err_hint(&err, "Mend it.");
	strcpy(err.sqlstate, "SD202");
	mg_log_error(&err);
	mg_arena_free(arena);
}

static void
print_lines(void)
{
	mg_log_warning("warn %s", "pa%ss word");
	mg_log_info("note");
	mg_log_verbose("more");
}

static void
print_state(void)
{
	mg_log_state(5, 9, "rehearse", "ok", 1200000, "up, down, up: equal");
}

/* Half of two megabytes, a minute after the beginning. */
static void
print_progress(void)
{
	MgProgress progress;

	mg_progress_begin(&progress, "backup", 2 * 1024 * 1024);
	mg_progress_at(&progress, 10, 10);
	progress.started_us -= 60000000;
	progress.last_us = progress.started_us;
	mg_progress_at(&progress, 1024 * 1024, 6 * 1024 * 1024);
	mg_progress_end(&progress, 8);
}

/* What the call prints where standard error is a terminal. */
static const char *
capture_terminal(void (*call)(void))
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int keep = dup(STDERR_FILENO);
	int slave;
	size_t len = 0;
	ssize_t got;

	unit_ok(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "a terminal");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	dup2(slave, STDERR_FILENO);
	call();
	dup2(keep, STDERR_FILENO);
	close(keep);
	/* what is written last says when to stop: once nobody has the other end, the rest may be lost */
	unit_ok(write(slave, "\001", 1) == 1, "its end");
	while ((got = read(master, captured + len, sizeof captured - 1 - len)) > 0)
	{
		len += (size_t) got;
		if (captured[len - 1] == '\001')
			break;
	}
	if (len > 0)
		len--;
	close(slave);
	captured[len] = '\0';
	close(master);
	return captured;
}

static void
test_progress(void)
{
	const char *text = capture(print_progress);

	unit_contains(text, "migguard: backup: about 2.0 MB\nmigguard: backup: 6.0 MB, 102 kB/s, 50 %, ",
				  "how far it is, what it makes of it, and how long it will take");
	unit_contains(text, " left\nmigguard: backup: 8 B in 1 min 0 s", "and what it took");
	unit_ok(strchr(text, '\r') == NULL, "in lines of their own");
	unit_contains(capture_terminal(print_progress), "\r\033[Kbackup: 6.0 MB", "in one on a terminal");
	unit_contains(captured, "\r\033[Kmigguard: backup: 8 B", "which goes away");
}

static void
test_redaction(MgArena *arena)
{
	unit_is(mg_log_redact(arena, "no secret yet"), "no secret yet",
			"without secrets nothing changes");
	mg_log_secret("pa%ss word");
	mg_log_secret("pa%ss word, longer \"one\"");
	mg_log_secret("ab");
	mg_log_secret(NULL);
	mg_log_secret("");
	unit_is(mg_log_redact(arena, "x=pa%ss word;"), "x=***;", "a secret is replaced");
	unit_is(mg_log_redact(arena, "pa%ss wordpa%ss word"), "******", "every time");
	unit_is(mg_log_redact(arena, "u:pa%25ss%20word@h"), "u:***@h", "also as part of a URL");
	unit_is(mg_log_redact(arena, "[pa%ss word, longer \"one\"]"), "[***]",
			"the longest one goes first");
	unit_is(mg_log_redact(arena, "pa%ss word, longer \\\"one\\\""), "***", "also as JSON has it");
	mg_log_secret("p \303\251/'%x");
	unit_is(mg_log_redact(arena, "a=p+%c3%A9%2F%27%25x,p \\u00e9/''%x,p \303\251/\\'%x"),
			"a=***,***,***", "also as forms, Python, Java and SQL have it");
	unit_is(mg_log_redact(arena, "p%20%C3%A9/'%y"), "p%20%C3%A9/'%y", "but not what is another text");
	unit_is(mg_log_redact(arena, "end: pa%ss"), "end: pa%ss", "the beginning of one is none");
	unit_is(mg_log_redact_cut(arena, "end: pa%ss"), "end: ***", "but where a text was cut off");
	unit_is(mg_log_redact(arena, "cabbage"), "cabbage", "two letters are no secret");
	unit_is(mg_log_redact(arena, NULL), NULL, "nothing stays nothing");
}

int
main(void)
{
	MgArena *arena = mg_arena_new();

	test_redaction(arena);
	unit_is(capture(print_error),
			"migguard: error: migguard.ini:7: broken \"na\\nme\" (SQLSTATE SD202)\n"
			"migguard: detail: First.\n"
			"migguard: detail: Second with ***.\n"
			"migguard: hint: Mend it.\n",
			"an error: one line a part, no secret, no line break from a name");
	unit_is(capture(print_lines), "migguard: warning: warn ***\nmigguard: note\n", "normal level");
	unit_contains(capture(print_state), "[5/9] rehearse   ok          1.2 s  up, down, up: equal\n",
				  "line of a state");
	test_progress();
	mg_log_init(2, false);
	unit_contains(capture(print_lines), "migguard: more\n", "verbose");
	mg_log_init(0, false);
	unit_is(capture(print_lines), "", "quiet prints no notes");
	unit_is(capture(print_state), "", "and no states");
	unit_contains(capture(print_error), "broken", "but errors");
	mg_log_init(1, true);
	unit_is(capture(print_error),
			"{\"level\":\"error\",\"message\":\"broken \\\"na\\nme\\\"\",\"where\":\"migguard.ini:7\","
			"\"sqlstate\":\"SD202\",\"detail\":\"First.\\nSecond with ***.\",\"hint\":\"Mend it.\","
			"\"exit_code\":65}\n",
			"an error as JSON");
	mg_arena_free(arena);
	return unit_done();
}
