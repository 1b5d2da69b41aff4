/*
 * udiff_test.c
 *	  The unified difference of two texts: its form, and that it leads from one
 *	  to the other, also for texts nobody thought of.
 */
#include "udiff.h"

#include <stdlib.h>

#include "unit.h"

static MgArena *arena;

static void
collect(void *arg, char mark, const char *text)
{
	MgBuf *buf = arg;

	if (mark == '@')
		mg_buf_addf(buf, "%s\n", text);
	else
		mg_buf_addf(buf, "%c%s\n", mark, text);
}

static const char *
udiff(const char *a, const char *b, int around)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	return mg_udiff(arena, a, b, around, collect, &buf) ? buf.data : "equal";
}

static void
test_form(void)
{
	unit_is(udiff("", "", 3), "equal", "two empty texts");
	unit_is(udiff("a\nb\n", "a\nb\n", 3), "equal", "two equal texts");
	unit_is(udiff("", "a\nb\n", 3), "@@ -0,0 +1,2 @@\n+a\n+b\n", "out of nothing");
	unit_is(udiff("a\n", "", 3), "@@ -1 +0,0 @@\n-a\n", "to nothing");
	unit_is(udiff("a\nb\nc\n", "a\nx\nc\n", 3), "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n", "one line");
	unit_is(udiff("a\nb\nc\n", "a\nc\n", 0), "@@ -2 +1,0 @@\n-b\n", "nothing around it");
	unit_is(udiff("a\nb", "a\nb\n", 3), "@@ -1,2 +1,2 @@\n a\n-b\n\\No newline at end of file\n+b\n",
			"a line end is a difference");
	unit_is(udiff("a\nb", "x\nb", 3), "@@ -1,2 +1,2 @@\n-a\n+x\n b\n\\No newline at end of file\n",
			"none on both sides");
	unit_is(udiff("\n\n", "\n", 3), "@@ -1,2 +1 @@\n \n-\n", "empty lines are lines");
	unit_is(udiff("a\r\n", "a\n", 3), "@@ -1 +1 @@\n-a\r\n+a\n", "a carriage return counts");
	unit_is(udiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nx\n3\n4\n5\n6\n7\ny\n9\n", 1),
			"@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n@@ -7,3 +7,3 @@\n 7\n-8\n+y\n 9\n", "two hunks");
	unit_is(udiff("1\n2\n3\n4\n5\n", "1\nx\n3\ny\n5\n", 1),
			"@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n-4\n+y\n 5\n", "near ones are one");
	unit_is(udiff("1\n2\n3\n4\n5\n6\n", "x\n2\n3\n4\n5\ny\n", 2),
			"@@ -1,6 +1,6 @@\n-1\n+x\n 2\n 3\n 4\n 5\n-6\n+y\n", "as far apart as two hunks reach");
}

/* Builds both texts out of the whole difference again. */
static void
rebuild(void *arg, char mark, const char *text)
{
	MgBuf *sides = arg;

	if (mark != '+' && mark != '@')
		mg_buf_addf(&sides[0], "%s\n", text);
	if (mark != '-' && mark != '@')
		mg_buf_addf(&sides[1], "%s\n", text);
}

static char *
random_text(int lines, int words)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (int i = 0; i < lines; i++)
		mg_buf_addf(&buf, "%d\n", rand() % words);
	return buf.data;
}

/* The number of lines that the longest common subsequence leaves out, by the textbook. */
static int
distance(const char *a, const char *b)
{
	static int table[64][64];
	int n = 0;
	int m = 0;
	const char *lines[2][64];

	for (const char *p = a; *p != '\0'; p = strchr(p, '\n') + 1)
		lines[0][n++] = p;
	for (const char *p = b; *p != '\0'; p = strchr(p, '\n') + 1)
		lines[1][m++] = p;
	for (int i = 0; i <= n; i++)
		for (int j = 0; j <= m; j++)
			if (i == 0 || j == 0)
				table[i][j] = i + j;
			else if (strcspn(lines[0][i - 1], "\n") == strcspn(lines[1][j - 1], "\n") &&
					 strncmp(lines[0][i - 1], lines[1][j - 1], strcspn(lines[0][i - 1], "\n")) == 0)
				table[i][j] = table[i - 1][j - 1];
			else
				table[i][j] =
					1 + (table[i - 1][j] < table[i][j - 1] ? table[i - 1][j] : table[i][j - 1]);
	return table[n][m];
}

static void
count_marks(void *arg, char mark, const char *text)
{
	(void) text;
	*(int *) arg += mark == '-' || mark == '+';
}

static void
test_random(void)
{
	int wrong = 0;
	int longer = 0;

	srand(1);
	for (int i = 0; i < 2000; i++)
	{
		const char *a = random_text(rand() % 40, 1 + rand() % 9);
		const char *b = random_text(rand() % 40, 1 + rand() % 9);
		MgBuf sides[2];
		int marks = 0;

		mg_buf_init(&sides[0], arena);
		mg_buf_init(&sides[1], arena);
		if (mg_udiff(arena, a, b, 1000, rebuild, sides))
			wrong += strcmp(sides[0].data, a) != 0 || strcmp(sides[1].data, b) != 0;
		else
			wrong += strcmp(a, b) != 0;
		mg_udiff(arena, a, b, rand() % 4, count_marks, &marks);
		longer += marks != distance(a, b);
	}
	unit_is_int(wrong, 0, "both texts are in it");
	unit_is_int(longer, 0, "it is the shortest");
}

/* Nothing in common: past the rounds that are searched, and still true. */
static void
test_large(void)
{
	MgBuf a, b, sides[2];

	mg_buf_init(&a, arena);
	mg_buf_init(&b, arena);
	mg_buf_init(&sides[0], arena);
	mg_buf_init(&sides[1], arena);
	for (int i = 0; i < 20000; i++)
	{
		mg_buf_addf(&a, "a%d\n", i);
		mg_buf_addf(&b, "b%d\n", i);
	}
	unit_ok(mg_udiff(arena, a.data, b.data, 3, rebuild, sides), "20,000 lines replaced");
	unit_ok(strcmp(sides[0].data, a.data) == 0 && strcmp(sides[1].data, b.data) == 0,
			"by 20,000 others");
}

int
main(void)
{
	arena = mg_arena_new();
	test_form();
	test_random();
	test_large();
	mg_arena_free(arena);
	return unit_done();
}
