/*
 * text_test.c
 *	  Escaping, UTF-8, near matches, and quoting for the server.
 */
#include "text.h"

#include "pg.h"
#include "unit.h"

static MgArena *arena;

static const char *
escaped(const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_text_escape(&buf, text);
	return buf.data;
}

static const char *
json(const char *text)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	mg_text_json(&buf, text);
	return buf.data;
}

static int
utf8(const char *text)
{
	return mg_text_utf8_length(text, text + strlen(text));
}

static void
test_escape(void)
{
	unit_is(escaped("pl\xC3\xA4in"), "pl\xC3\xA4in", "letters stay");
	unit_is(escaped("a\nb\tc\rd"), "a\\nb\\tc\\rd", "line ends and tabs become visible");
	unit_is(escaped("\033[31mred"), "\\x1b[31mred", "a terminal cannot be driven");
	unit_is(escaped("\x7F"), "\\x7f", "nor by DEL");
	unit_is(escaped("\xC2\x9B"), "\\x9b", "nor by a control of the upper half");
	unit_is(escaped("a\xFF"), "a\\xff", "bytes that are no text become visible");
	unit_is(escaped("\xE2\x80\xAEx"), "\\u202ex", "so do marks of direction");
	unit_is(json("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\u0001\"", "JSON");
	unit_is(escaped("\xF3\xA0\x81\x81"), "\\ue0041", "and hidden tags");
	unit_is(json("\xF3\xA0\x81\x81"), "\"\\udb40\\udc41\"", "which take two escapes in JSON");
	unit_is(mg_text_json_escaped(arena, "{\"a\":\"\xE2\x80\xAE\"}"), "{\"a\":\"\\u202e\"}",
			"in JSON that is there, too");
	unit_is(json("\xFF"), "\"\xEF\xBF\xBD\"", "JSON is always UTF-8");
}

static void
test_utf8(void)
{
	unit_is_int(utf8("a"), 1, "one byte");
	unit_is_int(utf8("\xC3\xA4"), 2, "two bytes");
	unit_is_int(utf8("\xE2\x82\xAC"), 3, "three bytes");
	unit_is_int(utf8("\xF0\x9F\x90\x98"), 4, "four bytes");
	unit_is_int(utf8("\xC0\xAF"), 0, "an overlong form is none");
	unit_is_int(utf8("\xED\xA0\x80"), 0, "a surrogate is none");
	unit_is_int(utf8("\xF4\x90\x80\x80"), 0, "above the last character");
	unit_is_int(utf8("\xE2\x82"), 0, "a cut sequence is none");
	unit_is_int(mg_text_width("a\xC3\xA4\xE2\x82\xAC"), 3, "width counts characters");
}

static void
test_words(void)
{
	MgStrings list;

	unit_is_int(mg_text_distance("", "abc"), 3, "distance from nothing");
	unit_is_int(mg_text_distance("statemnt_timeout", "statement_timeout"), 1,
				"one letter is missing");
	unit_is_int(mg_text_distance("kitten", "sitting"), 3, "three edits");
	unit_is(mg_text_percent(arena, "a b/@\xC3\xA4-._~"), "a%20b%2F%40%C3%A4-._~", "percent-encoding");
	unit_is(mg_text_duration(arena, 999), "0 ms", "below a millisecond");
	unit_is(mg_text_duration(arena, 1500000), "1.5 s", "seconds");
	unit_is(mg_text_duration(arena, 125000000), "2 min 5 s", "minutes");
	unit_is(mg_text_duration(arena, 7260000000), "2 h 1 min", "hours");
	mg_strings_init(&list, arena);
	mg_strings_add(&list, "plain");
	mg_strings_add(&list, "q\"u\\o,t{e}");
	mg_strings_add(&list, "");
	mg_strings_add(&list, "NULL");
	unit_is(mg_pg_array(arena, list.items, list.count),
			"{\"plain\",\"q\\\"u\\\\o,t{e}\",\"\",\"NULL\"}",
			"an array literal keeps every character");
	unit_is(mg_pg_array(arena, list.items, 0), "{}", "an empty one");
}

int
main(void)
{
	arena = mg_arena_new();
	test_escape();
	test_utf8();
	test_words();
	mg_arena_free(arena);
	return unit_done();
}
