/*
 * lint_github.c
 *	  Open findings as workflow commands, which GitHub shows at their lines.
 */
#include <string.h>

#include "lint_output.h"

/* GitHub knows three levels. */
static const char *
command_of(MgSeverity severity)
{
	return severity >= MG_SEVERITY_ERROR   ? "error" :
		   severity == MG_SEVERITY_WARNING ? "warning" :
											 "notice";
}

/* Text of a command; what would end it or, in a property, part it is percent-encoded. */
static void
add_escaped(MgBuf *out, const char *text, bool property)
{
	for (;;)
	{
		size_t plain = strcspn(text, property ? "%\r\n:," : "%\r\n");

		mg_buf_add_bytes(out, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		mg_buf_addf(out, "%%%02X", (unsigned char) *text++);
	}
}

void
mg_lint_write_github(const MgLintView *view, MgBuf *out)
{
	MgArena *arena = view->context->arena;

	for (int i = 0; i < view->lint->count; i++)
	{
		const MgLintFinding *finding = &view->lint->findings[i];
		const MgLintPlace *place = &finding->place;

		if (finding->state != MG_LINT_OPEN)
			continue;
		mg_buf_addf(out, "::%s file=", command_of(finding->severity));
		add_escaped(out, mg_lint_path(arena, place->file), true);
		mg_buf_addf(out, ",line=%d", place->line);
		if (place->end_line > 0)
			mg_buf_addf(out, ",endLine=%d", place->end_line);
		/* columns are taken for one line only */
		if (place->end_line == 0 || place->end_line == place->line)
			mg_buf_addf(out, ",col=%d", place->column);
		if (place->end_line == place->line)
			mg_buf_addf(out, ",endColumn=%d", place->end_column);
		mg_buf_add(out, ",title=");
		add_escaped(out, finding->rule, true);
		mg_buf_add(out, "::");
		add_escaped(out, mg_lint_full_text(arena, finding), false);
		mg_buf_add(out, "\n");
	}
}
