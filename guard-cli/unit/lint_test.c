/*
 * lint_test.c
 *	  Places of findings: positions of the server, spans of scripts, lines that are shown.
 */
#include "lint_internal.h"

#include "unit.h"

static MgArena *arena;
static MgLint lint;

static void
test_cursor(void)
{
	const char *text = "\xEF\xBB\xBF"
					   "a\xC3\xA4"
					   "b\r\nc\n";
	MgCursor c;

	mg_cursor_init(&c, text, false);
	mg_cursor_to_position(&c, 4);
	unit_is_int((long long) c.offset, 6, "the fourth character, a byte order mark counted");
	unit_is_int(c.column, 3, "its column, where the mark has none");
	mg_cursor_to_position(&c, 7);
	unit_ok(c.line == 2 && c.column == 1 && c.line_start == 9, "behind a line's end");
	mg_cursor_to_position(&c, 2);
	unit_ok(c.offset == 3 && c.line == 1 && c.column == 1, "back again");
	mg_cursor_to_position(&c, 1000);
	unit_is_int((long long) c.offset, (long long) strlen(text), "not beyond the end");
	mg_cursor_init(&c, text, true);
	mg_cursor_to_position(&c, 7);
	unit_ok(c.offset == 6 && c.column == 3, "a server that counts bytes");
	mg_cursor_to_offset(&c, 9);
	unit_ok(c.position == 10 && c.line == 2, "by offset");
}

/* Characters of a text in front of a word. */
static int
characters_before(const char *text, const char *word)
{
	int n = 0;

	for (const char *end = strstr(text, word); text < end; text++)
		n += ((unsigned char) *text & 0xC0) != 0x80;
	return n;
}

static MgLintPlace
place_in(const char *text, const MgLintSpan *spans, int count, size_t start, size_t end)
{
	MgLintScript script = { .text = text, .spans = spans, .span_count = count };
	MgLintRead read = { .lint = &lint, .script = &script };

	mg_cursor_init(&read.cursor, text, false);
	return mg_lint_place(&read, start, end);
}

static void
test_spans(void)
{
	/* a file of which the second half is run, a whole one, and SQL that a tool made of a third */
	MgLintFile *marked = mg_lint_add_file(&lint, "./marked.sql", "up", "-- up\nA;\n-- down\n  B;\n");
	MgLintFile *plain = mg_lint_add_file(&lint, "plain.sql", NULL, "C;\nDD;");
	MgLintFile *python = mg_lint_add_file(&lint, "a.py", "a1", "import x\n\ndef upgrade():\n");
	const char *text = "  B;\n;\nC;\nDD;\n;\nE;\nFF;\n";
	MgLintSpan spans[] = { { 0, marked, 17, false }, { 7, plain, 0, false }, { 16, python, 10, true } };
	MgLintPlace p = place_in(text, spans, 3, 2, 3);

	unit_is(p.file->path, "marked.sql", "a path without its dot");
	unit_ok(p.line == 4 && p.column == 3 && p.end_line == 4 && p.end_column == 4,
			"a place in a part of a file");
	unit_is(p.source, "  B;", "its line");
	p = place_in(text, spans, 3, 10, 12);
	unit_ok(p.file == plain && p.line == 2 && p.column == 1 && p.end_column == 3,
			"a place in the file behind it");
	p = place_in(text, spans, 3, 10, 20);
	unit_ok(p.file == plain && p.end_line == 0, "an end in another file is none");
	p = place_in(text, spans, 3, 14, 15);
	unit_ok(p.file == plain && p.line == 2 && p.column == 4, "text between two files is at the end");
	p = place_in(text, spans, 3, 19, 21);
	unit_ok(p.file == python && p.line == 3 && p.column == 1 && p.made_up, "made-up text");
	unit_is(p.source, "FF;", "shows its own line");
	unit_ok(p.source_column == 1 && p.source_end == 3 && p.end_line == 0, "and marks in that");
	p = place_in(text, spans, 3, 16, 0);
	unit_ok(p.file == python && p.source_end == 0, "an unknown end");
}

static void
test_long_line(void)
{
	char text[2000];
	MgLintFile *file;
	MgLintSpan span = { 0 };
	MgLintPlace p;

	for (int i = 0; i < 900; i++)
		memcpy(text + 2 * i, "\xC3\xA4", 2);
	memcpy(text + 1800, "DROP", 5);
	for (int shift = 0; shift < 2; shift++)
	{
		/* the cut may fall into a character */
		if (shift == 1)
			memmove(text + 1, text, 1805), text[0] = 'x';
		file = mg_lint_add_file(&lint, "long.sql", NULL, text);
		span.file = file;
		p = place_in(text, &span, 1, 1800 + (size_t) shift, 1804 + (size_t) shift);
		unit_ok(p.column == 901 + shift && strlen(p.source) < 250, "a long line is cut");
		unit_ok(strncmp(p.source, "...\xC3\xA4", 5) == 0, "between two characters");
		unit_is_int(characters_before(p.source, "DROP") + 1, p.source_column, "the mark is right");
		unit_is_int(p.source_end, p.source_column + 4, "to its end");
	}
}

/* Of a line that is long on both sides of the mark, whole characters are shown. */
static void
test_middle(void)
{
	char text[3001];
	MgLintSpan span = { 0 };

	for (size_t shift = 0; shift < 3; shift++)
	{
		MgLintPlace p;
		size_t len;

		memset(text, 'x', shift);
		for (size_t at = shift; at + 3 < sizeof text; at += 3)
			memcpy(text + at, "\xE2\x82\xAC", 4);
		span.file = mg_lint_add_file(&lint, "middle.sql", NULL, text);
		/* a mark of three bytes, wherever the text around it is cut */
		p = place_in(text, &span, 1, shift + 1500, shift + 1503);
		len = strlen(p.source);
		unit_ok(len < 250 && strncmp(p.source, "...\xE2\x82\xAC", 6) == 0, "the middle of a line");
		unit_ok(strcmp(p.source + len - 3, "\xE2\x82\xAC") == 0, "to the end of a character");
	}
}

static void
test_rules(void)
{
	MgSeverity severity;

	unit_ok(mg_severity_of("warning", &severity) && severity == MG_SEVERITY_WARNING, "a severity");
	unit_ok(!mg_severity_of("loud", &severity) && !mg_severity_of(NULL, &severity), "none");
	unit_is(mg_rule_nearest("dropcolumn")->name, "drop-column", "the nearest rule");
	unit_ok(mg_rule_nearest("qqqqqqqqqq") == NULL, "none is near");
	for (const MgRule *rule = mg_rules; rule->name != NULL; rule++)
		if (mg_rule_why(rule)[0] == '\0' || mg_rule_find(rule->name) != rule ||
			strchr(mg_rule_hint(arena, rule), '%') != NULL)
			unit_is(rule->name, NULL, "a rule has a name of its own, a reason and a hint");
	unit_ok(true, "every rule was looked at");
}

int
main(void)
{
	arena = mg_arena_new();
	lint.arena = arena;
	test_cursor();
	test_spans();
	test_long_line();
	test_middle();
	test_rules();
	return unit_done();
}
