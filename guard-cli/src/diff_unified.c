/*
 * diff_unified.c
 *	  Changes as a unified difference of the statements that make each object.
 */
#include "diff_report.h"

#include <string.h>

#include "log.h"
#include "pg_catalog_snapshot.h"
#include "report.h"
#include "udiff.h"

#define MG_DIFF_AROUND 3

typedef struct Unified
{
	MgContext context; /* with memory for one object */
	const char *old_name;
	const char *new_name;
} Unified;

static void
print_line(const MgContext *context, MgColor color, const char *mark, const char *text)
{
	MgBuf line;

	/* a tab is part of a definition's look, any other control character may be an attack on it */
	mg_buf_init(&line, context->arena);
	mg_buf_add(&line, mark);
	text = mg_log_redact(context->arena, text);
	for (const char *tab; (tab = strchr(text, '\t')) != NULL; text = tab + 1)
	{
		mg_buf_add(&line, mg_report_clean(context->arena,
										  mg_strndup(context->arena, text, (size_t) (tab - text))));
		mg_buf_add(&line, "\t");
	}
	mg_buf_add(&line, mg_report_clean(context->arena, text));
	puts(mg_report_color(context, color, line.data));
}

static void
print_hunk_line(void *arg, char mark, const char *text)
{
	const MgContext *context = arg;
	const char marks[2] = { mark, '\0' };

	switch (mark)
	{
		case '@':
			print_line(context, MG_COLOR_DIM, "", text);
			break;
		case '-':
			print_line(context, MG_COLOR_RED, marks, text);
			break;
		case '+':
			print_line(context, MG_COLOR_GREEN, marks, text);
			break;
		case '\\':
			print_line(context, MG_COLOR_DIM, "\\ ", text);
			break;
		default:
			print_line(context, MG_COLOR_NONE, marks, text);
			break;
	}
}

static void
print_head(const MgContext *context, const char *mark, const char *object, const char *identity,
		   const char *side)
{
	print_line(context, MG_COLOR_BOLD, mark,
			   identity == NULL ? "/dev/null" :
								  mg_printf(context->arena, "%s %s\t%s", object, identity, side));
}

/* One object: kind, identities, texts. */
static bool
print_object(void *arg, int columns, char *const *cells, MgError *err)
{
	Unified *unified = arg;
	const char *old_text = cells[3] != NULL ? cells[3] : "";
	const char *new_text = cells[4] != NULL ? cells[4] : "";

	(void) columns;
	(void) err;
	unified->context.arena = mg_arena_new();
	print_head(&unified->context, "--- ", cells[0], cells[1], unified->old_name);
	print_head(&unified->context, "+++ ", cells[0], cells[2], unified->new_name);
	mg_udiff(unified->context.arena, old_text, new_text, MG_DIFF_AROUND, print_hunk_line,
			 &unified->context);
	mg_arena_free(unified->context.arena);
	return true;
}

bool
mg_diff_print_unified(MgContext *context, MgPg *pg, long long old_id, long long new_id,
					  const char *facets, const char *old_name, const char *new_name, MgError *err)
{
	Unified unified = { *context, old_name, new_name };

	return mg_snapshot_definitions(pg, old_id, new_id, facets, print_object, &unified, err);
}
