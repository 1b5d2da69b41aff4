/*
 * lint_junit.c
 *	  Findings as test cases in JUnit XML: a suite for each file.
 *
 * What fails lint is a failure; what is allowed or known is skipped; what is
 * below the threshold passes, with its text as output.
 */
#include <string.h>

#include "lint_output.h"
#include "text.h"

/* XML 1.0 cannot say most control characters at all, nor U+FFFE and U+FFFF. */
static bool
is_no_character(const char *p, int len)
{
	unsigned char c = (unsigned char) *p;

	if (len == 1)
		return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
	return len == 0 ||
		   (len == 3 && (memcmp(p, "\xEF\xBF\xBE", 3) == 0 || memcmp(p, "\xEF\xBF\xBF", 3) == 0));
}

static void
add_xml(MgBuf *out, const char *text)
{
	const char *end = text + strlen(text);

	while (text < end)
	{
		int len = mg_text_utf8_length(text, end);

		if (is_no_character(text, len))
			mg_buf_add(out, "\xEF\xBF\xBD");
		/* line ends and tabs too: in an attribute they would be read as blanks */
		else if (len == 1 && strchr("&<>\"'\t\n\r", *text) != NULL)
			mg_buf_addf(out, "&#%d;", *text);
		else
			mg_buf_add_bytes(out, text, (size_t) len);
		text += len > 0 ? len : 1;
	}
}

static void
add_attribute(MgBuf *out, const char *name, const char *value)
{
	mg_buf_addf(out, " %s=\"", name);
	add_xml(out, value);
	mg_buf_add(out, "\"");
}

static void
add_case(const MgLintView *view, MgBuf *out, const MgLintFinding *finding)
{
	MgArena *arena = view->context->arena;
	const MgLintPlace *place = &finding->place;
	const char *path = mg_lint_path(arena, place->file);
	const char *full =
		mg_printf(arena, "%s:%d:%d: %s: %s", path, place->line, place->column,
				  mg_severity_name(finding->severity), mg_lint_full_text(arena, finding));
	const char *element = finding->state != MG_LINT_OPEN	 ? "skipped" :
						  mg_lint_fails(view->lint, finding) ? "failure" :
															   "system-out";

	mg_buf_add(out, "    <testcase");
	add_attribute(out, "name", mg_printf(arena, "%s at line %d", finding->rule, place->line));
	add_attribute(out, "classname", path);
	add_attribute(out, "file", path);
	add_attribute(out, "line", mg_printf(arena, "%d", place->line));
	mg_buf_addf(out, " time=\"0\">\n      <%s", element);
	if (finding->state != MG_LINT_OPEN)
		add_attribute(out, "message",
					  finding->state == MG_LINT_ALLOWED ?
						  mg_printf(arena, "allowed: %s", finding->reason) :
						  "known by the baseline");
	else if (mg_lint_fails(view->lint, finding))
	{
		add_attribute(out, "message", finding->message);
		add_attribute(out, "type", mg_severity_name(finding->severity));
	}
	mg_buf_add(out, ">");
	add_xml(out, full);
	mg_buf_addf(out, "</%s>\n    </testcase>\n", element);
}

/* Counts of a file, or of all of them for NULL; a file in which nothing is found is one test. */
static void
add_counts(const MgLint *lint, MgBuf *out, const MgLintFile *of)
{
	int tests = 0;
	int failures = 0;
	int skipped = 0;

	for (const MgLintFile *file = lint->files; file != NULL; file = file->next)
	{
		int found = 0;

		if (of != NULL && file != of)
			continue;
		for (int i = 0; i < lint->count; i++)
		{
			const MgLintFinding *finding = &lint->findings[i];

			if (finding->place.file != file)
				continue;
			found++;
			skipped += finding->state != MG_LINT_OPEN;
			failures += mg_lint_fails(lint, finding);
		}
		tests += found > 0 ? found : 1;
	}
	mg_buf_addf(out, " tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"0\"", tests,
				failures, skipped);
}

void
mg_lint_write_junit(const MgLintView *view, MgBuf *out)
{
	MgArena *arena = view->context->arena;
	const MgLint *lint = view->lint;
	int i = 0;

	mg_buf_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"migguard lint\"");
	add_counts(lint, out, NULL);
	mg_buf_add(out, ">\n");
	for (const MgLintFile *file = lint->files; file != NULL; file = file->next)
	{
		const char *path = mg_lint_path(arena, file);
		bool found = false;

		mg_buf_add(out, "  <testsuite");
		add_attribute(out, "name", path);
		add_counts(lint, out, file);
		mg_buf_add(out, ">\n");
		/* findings are in the order of the files */
		for (; i < lint->count && lint->findings[i].place.file == file; i++)
		{
			add_case(view, out, &lint->findings[i]);
			found = true;
		}
		if (!found)
		{
			mg_buf_add(out, "    <testcase name=\"no findings\"");
			add_attribute(out, "classname", path);
			mg_buf_add(out, " time=\"0\"/>\n");
		}
		mg_buf_add(out, "  </testsuite>\n");
	}
	mg_buf_add(out, "</testsuites>\n");
}
