/*
 * unit.h
 *	  Printer of test lines: "ok 1 - name" or "not ok 1 - name" with what was got.
 */
#ifndef MG_UNIT_H
#define MG_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int unit_number = 0;
static int unit_failed = 0;

static inline void
unit_ok(bool passed, const char *name)
{
	unit_number++;
	unit_failed += !passed;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", unit_number, name);
	fflush(stdout);
}

static inline void
unit_is(const char *got, const char *want, const char *name)
{
	bool passed = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;

	unit_ok(passed, name);
	if (!passed)
		printf("#   got:  %s\n#   want: %s\n", got != NULL ? got : "(null)",
			   want != NULL ? want : "(null)");
}

static inline void
unit_is_int(long long got, long long want, const char *name)
{
	unit_ok(got == want, name);
	if (got != want)
		printf("#   got:  %lld\n#   want: %lld\n", got, want);
}

static inline void
unit_contains(const char *text, const char *part, const char *name)
{
	bool passed = text != NULL && strstr(text, part) != NULL;

	unit_ok(passed, name);
	if (!passed)
		printf("#   text: %s\n#   part: %s\n", text != NULL ? text : "(null)", part);
}

/* The plan, last, and the exit code of the program. */
static inline int
unit_done(void)
{
	printf("1..%d\n", unit_number);
	return unit_failed > 0;
}

#endif
