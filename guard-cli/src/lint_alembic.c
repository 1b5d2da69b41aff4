/*
 * lint_alembic.c
 *	  Alembic's revisions, by the SQL that Alembic prints for them.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "alembic.h"
#include "file.h"
#include "lint_source.h"
#include "tools.h"

/* Of each revision: what is at the beginning of a line of its program. */
static bool
has_line_start(const char *text, const char *word)
{
	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
		if (at == text || at[-1] == '\n')
			return true;
	return false;
}

bool
mg_lint_is_revision(const char *text)
{
	return has_line_start(text, "down_revision") && has_line_start(text, "revision") &&
		   has_line_start(text, "def upgrade");
}

/* Opens the project once; that it cannot be is said of each of its revisions. */
static bool
open_project(MgLintSources *sources, const char *path, MgError *err)
{
	const char *name = mg_config_string(sources->config, MG_SET_TOOL_NAME);
	const char *found;
	MgTool *tool;
	MgError why;

	if (sources->alembic != NULL || sources->alembic_failed != NULL)
		return true;
	if (name != NULL && strcmp(name, "alembic") != 0)
	{
		sources->alembic_failed = mg_printf(sources->arena, "the tool is %s", name);
		return true;
	}
	found = mg_lint_find_above(sources->arena, path, "alembic.ini");
	if (mg_config_string(sources->config, MG_SET_TOOL_CONFIG) == NULL && found != NULL)
	{
		if (!mg_config_set(sources->config, MG_SET_TOOL_CONFIG, found, "the migrations' place", err))
			return false;
		/* paths in the ini are taken from where Alembic runs: beside it, as a rule */
		if (mg_config_string(sources->config, MG_SET_TOOL_WORKDIR) == NULL &&
			!mg_config_set(sources->config, MG_SET_TOOL_WORKDIR,
						   mg_strndup(sources->arena, found, (size_t) (mg_file_name(found) - found)),
						   "the migrations' place", err))
			return false;
	}
	tool = mg_alloc(sources->arena, sizeof *tool);
	tool->ops = &mg_tool_alembic;
	tool->arena = sources->arena;
	tool->config = sources->config;
	mg_err_init(&why, sources->arena);
	if (tool->ops->open(tool, &why))
		sources->alembic = tool;
	else if (why.exit_code == MG_EXIT_INTERRUPTED)
		*err = why;
	else
		sources->alembic_failed = why.detail != NULL ?
									  mg_printf(sources->arena, "%s; %s", why.message, why.detail) :
									  why.message;
	return !err->set;
}

/* Position of the file's revision in the graph, -1 when it is not there. */
static int
find_revision(const MgLintSources *sources, const char *path)
{
	const MgAlembicGraph *graph;
	char *real = realpath(path, NULL);
	int found = -1;

	if (sources->alembic == NULL || real == NULL)
	{
		free(real);
		return -1;
	}
	graph = &mg_alembic(sources->alembic)->graph;
	for (int i = 0; i < graph->count && found < 0; i++)
	{
		char *other = graph->items[i].path != NULL ? realpath(graph->items[i].path, NULL) : NULL;

		if (other != NULL && strcmp(other, real) == 0)
			found = i;
		free(other);
	}
	free(real);
	return found;
}

bool
mg_lint_alembic_place(MgLintSources *sources, MgLintSource *source, MgError *err)
{
	source->version = NULL;
	if (!open_project(sources, source->path, err))
		return false;
	source->rank = find_revision(sources, source->path);
	if (source->rank < 0)
		source->rank = INT_MAX;
	return true;
}

/* Where a function of the revision's program begins, and the next one. */
static size_t
function_at(const char *text, const char *name, size_t *end)
{
	char line[64];
	const char *at;
	const char *next;

	snprintf(line, sizeof line, "\ndef %s(", name);
	at = strstr(text, line);
	if (at == NULL)
	{
		*end = strlen(text);
		return 0;
	}
	next = strstr(at + 1, "\ndef ");
	*end = next != NULL ? (size_t) (next - text) : strlen(text);
	return (size_t) (at - text) + 1;
}

/* The last statement of a text keeps Alembic's own books, which are no matter here. */
static char *
without_books(MgArena *arena, const char *text)
{
	static const char *const begins[] = { "INSERT INTO ", "UPDATE ", "DELETE FROM " };
	const char *last = text;

	for (const char *at = strstr(text, ";\n\n"); at != NULL; at = strstr(at + 1, ";\n\n"))
		last = at + 3;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		if (strncmp(last, begins[i], strlen(begins[i])) == 0 && strstr(last, "version_num") != NULL)
			return mg_strndup(arena, text, (size_t) (last - text));
	return mg_strdup(arena, text);
}

/* Where a line of SQL stands in the function, when it stands there once; else its beginning. */
static size_t
place_of(const char *text, size_t start, size_t end, const char *line, size_t len)
{
	const char *found = NULL;

	if (len > 0 && line[len - 1] == ';')
		len--;
	if (len < 8)
		return start;
	for (const char *p = text + start; p + len <= text + end; p++)
		if (memcmp(p, line, len) == 0)
		{
			if (found != NULL)
				return start;
			found = p;
		}
	return found != NULL ? (size_t) (found - text) : start;
}

/* A span for each statement, which Alembic parts by blank lines. */
static void
add_spans(MgLintSources *sources, const MgLintSource *source, MgLintFile *file, size_t start,
		  size_t end, MgLintPart *part)
{
	int count = 1;
	MgLintSpan *spans;

	for (const char *at = part->text; (at = strstr(at, "\n\n")) != NULL; at += 2)
		count++;
	spans = mg_alloc(sources->arena, (size_t) count * sizeof *spans);
	for (const char *at = part->text; at != NULL && *at != '\0';)
	{
		spans[part->span_count++] =
			(MgLintSpan){ (size_t) (at - part->text), file,
						  place_of(source->text, start, end, at, strcspn(at, "\n")), true };
		at = strstr(at, "\n\n");
		at = at != NULL ? at + 2 : NULL;
	}
	if (part->span_count == 0)
		spans[part->span_count++] = (MgLintSpan){ 0, file, start, true };
	part->spans = spans;
}

static void
report_opaque(MgLintSources *sources, MgLintFile *file, size_t at, bool down, const char *why)
{
	MgLintFinding finding = {
		.rule = "migration-opaque",
		.message = mg_printf(sources->arena, "the SQL of this %s cannot be told",
							 down ? "downgrade" : "upgrade"),
		.detail = why,
		.down = down,
	};

	if (file != NULL)
		mg_lint_report(sources->lint, file, at, at, &finding);
}

/* Calls by which a revision finds out what it does only when it runs. */
static const char *
looks_around(const char *text, size_t start, size_t end)
{
	static const char *const calls[] = { "get_bind(", "is_offline_mode(", "get_context(",
										 "inspect(", "Session(" };
	char *body = strndup(text + start, end - start);
	const char *found = NULL;

	for (size_t i = 0; body != NULL && i < sizeof calls / sizeof calls[0] && found == NULL; i++)
		if (strstr(body, calls[i]) != NULL)
			found = calls[i];
	free(body);
	return found;
}

static bool
add_part(MgLintSources *sources, const MgLintSource *source, MgLintFile *file, int at, bool down,
		 MgLintPart *parts, int *count, MgError *err)
{
	const MgAlembicRevision *revision = &mg_alembic(sources->alembic)->graph.items[at];
	MgMigration migration = { .id = revision->id };
	const char *why_not;
	const char *text;
	const char *call;
	size_t end;
	size_t start = function_at(source->text, down ? "downgrade" : "upgrade", &end);
	MgLintPart *part = &parts[*count];

	if (!sources->alembic->ops->sql(sources->alembic, &migration, down ? MG_DOWN : MG_UP, &text,
									&why_not, err))
		return false;
	if (text == NULL)
	{
		report_opaque(sources, file, start, down, why_not);
		return true;
	}
	call = looks_around(source->text, start, end);
	if (call != NULL)
		report_opaque(sources, file, start, down,
					  mg_printf(sources->arena,
								"It calls %s), so that what it does may depend on the database; "
								"only what Alembic prints without one is looked at.",
								call));
	*part = (MgLintPart){
		.text = without_books(sources->arena, text),
		.down = down,
		.in_transaction = memmem(source->text + start, end - start, "autocommit_block", 16) == NULL,
	};
	add_spans(sources, source, file, start, end, part);
	(*count)++;
	return true;
}

bool
mg_lint_alembic_parts(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
					  MgLintPart *parts, int *count, MgError *err)
{
	int at = find_revision(sources, source->path);
	const char *why = sources->alembic_failed;
	const char *there;
	size_t len;
	size_t end;

	if (at < 0 && why == NULL)
		why = "It is not among the revisions of the project.";
	/* Alembic reads the work tree */
	if (why == NULL)
	{
		if (!mg_file_read(sources->arena, source->path, &there, &len, err))
			return false;
		if (strcmp(there, source->text) != 0)
			why = "The file in the work tree, which Alembic reads, is not the one at the end of the "
				  "range.";
	}
	if (why != NULL)
	{
		report_opaque(sources, file, function_at(source->text, "upgrade", &end), false, why);
		return true;
	}
	return add_part(sources, source, file, at, false, parts, count, err) &&
		   (!has_line_start(source->text, "def downgrade") ||
			add_part(sources, source, file, at, true, parts, count, err));
}
