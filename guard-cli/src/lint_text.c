/*
 * lint_text.c
 *	  Findings for people, as a compiler prints them.
 */
#include <string.h>

#include "lint_output.h"
#include "report.h"
#include "text.h"

#define MG_TAB "    "

static const MgColor colors[] = { [MG_SEVERITY_INFO] = MG_COLOR_DIM,
								  [MG_SEVERITY_NOTICE] = MG_COLOR_NONE,
								  [MG_SEVERITY_WARNING] = MG_COLOR_YELLOW,
								  [MG_SEVERITY_ERROR] = MG_COLOR_RED };

static const char *
clean(const MgLintView *view, const char *text)
{
	return mg_report_clean(view->context->arena, text);
}

static const char *
colored(const MgLintView *view, MgColor color, const char *text)
{
	MgContext context = *view->context;

	context.color = view->color;
	return mg_report_color(&context, color, text);
}

static void
add_extra(const MgLintView *view, MgBuf *out, const char *label, const char *text)
{
	if (text != NULL && text[0] != '\0')
		mg_buf_addf(out, "    %s: %s\n", label, clean(view, text));
}

/* The source line, and below it a mark where the finding is. */
static void
add_source(const MgLintView *view, MgBuf *out, const MgLintPlace *place)
{
	MgArena *arena = view->context->arena;
	int width = 0;
	int from = 0;
	int to = 0;
	int column = 1;
	MgBuf line;
	MgBuf mark;

	if (place->source == NULL || place->source[0] == '\0')
		return;
	mg_buf_init(&line, arena);
	for (const char *p = place->source; *p != '\0'; column++)
	{
		size_t len = 1;
		const char *one;

		while (((unsigned char) p[len] & 0xC0) == 0x80)
			len++;
		one = *p == '\t' ? MG_TAB : clean(view, mg_strndup(arena, p, len));
		if (column == place->source_column)
			from = width;
		width += mg_text_width(one);
		if (column < place->source_end)
			to = width;
		mg_buf_add(&line, one);
		p += len;
	}
	if (place->source_column >= column)
		from = width;
	mg_buf_init(&mark, arena);
	mg_buf_add(&mark, "^");
	while (from + (int) mark.len < to)
		mg_buf_add(&mark, "~");
	mg_buf_addf(out, "%5s | %s\n      | %*s%s\n",
				place->made_up ? "sql" : mg_printf(arena, "%d", place->line), line.data, from, "",
				colored(view, MG_COLOR_GREEN, mark.data));
}

/* What is known of the table, once for all findings of a statement. */
static void
add_facts(const MgLintView *view, MgBuf *out, const MgLintFinding *finding)
{
	MgArena *arena = view->context->arena;
	const char *facts = mg_lint_facts(arena, finding);
	const MgLintFinding *before = finding > view->lint->findings ? finding - 1 : NULL;
	const char *told;

	if (before != NULL && before->script == finding->script && before->number == finding->number &&
		before->place.file == finding->place.file && (view->all || before->state == MG_LINT_OPEN))
	{
		told = mg_lint_facts(arena, before);
		if (facts != NULL && told != NULL && strcmp(facts, told) == 0)
			return;
	}
	add_extra(view, out, "facts", facts);
}

static void
add_finding(const MgLintView *view, MgBuf *out, const MgLintFinding *finding)
{
	const MgLintPlace *place = &finding->place;

	mg_buf_addf(out, "%s:%d:%d: %s: %s [%s]", clean(view, place->file->path), place->line,
				place->column,
				colored(view, colors[finding->severity], mg_severity_name(finding->severity)),
				clean(view, finding->message), finding->rule);
	if (finding->state == MG_LINT_ALLOWED)
		mg_buf_addf(out, " (allowed by line %d: %s)", finding->reason_line,
					clean(view, finding->reason));
	if (finding->state == MG_LINT_KNOWN)
		mg_buf_add(out, " (known)");
	mg_buf_add(out, "\n");
	add_source(view, out, place);
	add_extra(view, out, "cost", mg_lint_cost(view->context->arena, finding));
	add_facts(view, out, finding);
	add_extra(view, out, "probe", mg_lint_probe(view->lint, finding, "detail"));
	add_extra(view, out, "detail", finding->detail);
	add_extra(view, out, "hint", finding->hint);
}

static void
add_rest(const MgLintView *view, MgBuf *out)
{
	for (int i = 0; i < view->lint->vanished_count; i++)
	{
		const MgLintVanished *v = &view->lint->vanished[i];

		mg_buf_addf(out, "%s: note: gone, but in the baseline: %s [%s]", clean(view, v->path),
					clean(view, v->message), clean(view, v->rule));
		mg_buf_add(out, v->count > 1 ? mg_printf(view->context->arena, " (%d times)\n", v->count) :
									   "\n");
	}
}

static void
add_summary(const MgLintView *view, MgBuf *out)
{
	int allowed = mg_lint_count_state(view->lint, MG_LINT_ALLOWED);
	int known = mg_lint_count_state(view->lint, MG_LINT_KNOWN);
	bool first = true;

	for (int severity = MG_SEVERITY_ERROR; severity > MG_SEVERITY_OFF; severity--)
	{
		int n = mg_lint_count(view->lint, (MgSeverity) severity);
		const char *name = mg_severity_name((MgSeverity) severity);

		if (n == 0)
			continue;
		mg_buf_addf(out, "%s%d %s%s", first ? "" : ", ", n, name,
					n == 1 || severity == MG_SEVERITY_INFO ? "" : "s");
		first = false;
	}
	if (first)
		mg_buf_add(out, "no findings");
	if (allowed > 0)
		mg_buf_addf(out, ", %d allowed", allowed);
	if (known > 0)
		mg_buf_addf(out, ", %d known", known);
	mg_buf_add(out, "\n");
}

/* What is put together for one finding is not kept until the last is written. */
static void
add_finding_by_itself(const MgLintView *view, MgBuf *out, const MgLintFinding *finding)
{
	MgContext context = *view->context;
	MgLintView own = *view;
	MgBuf text;

	context.arena = mg_arena_new();
	own.context = &context;
	mg_buf_init(&text, context.arena);
	add_finding(&own, &text, finding);
	mg_buf_add_bytes(out, text.data, text.len);
	mg_arena_free(context.arena);
}

void
mg_lint_write_text(const MgLintView *view, MgBuf *out)
{
	for (int i = 0; i < view->lint->count; i++)
		if (view->all || view->lint->findings[i].state == MG_LINT_OPEN)
			add_finding_by_itself(view, out, &view->lint->findings[i]);
	add_rest(view, out);
	add_summary(view, out);
}
