/*
 * lint_part.c
 *	  What is run of a source: all of it, or the ways up and down that comments part.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "lint_source.h"

/* Comments that part a file, by the tools that read them. */
static const struct
{
	const char *mark; /* behind "--" and blanks */
	enum
	{
		UP,
		DOWN,
		NO_TRANSACTION
	} meaning;
	const char *no_transaction; /* behind the mark on its line; NULL: is no matter */
} marks[] = {
	{ "+goose Up", UP, NULL },
	{ "+goose Down", DOWN, NULL },
	{ "+goose NO TRANSACTION", NO_TRANSACTION, NULL },
	{ "migrate:up", UP, "transaction:false" },
	{ "migrate:down", DOWN, "transaction:false" },
	{ "+migrate Up", UP, "notransaction" },
	{ "+migrate Down", DOWN, "notransaction" },
};

/* The row of marks that a line is, -1 for another line. */
static int
mark_of(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "--", 2) != 0)
		return -1;
	line += 2;
	line += strspn(line, " \t");
	for (int i = 0; i < (int) (sizeof marks / sizeof marks[0]); i++)
	{
		size_t len = strlen(marks[i].mark);

		if (strncasecmp(line, marks[i].mark, len) == 0 && !isalnum((unsigned char) line[len]))
			return i;
	}
	return -1;
}

static bool
line_has(const char *line, const char *words)
{
	const char *at = words != NULL ? strcasestr(line, words) : NULL;

	return at != NULL && at < line + strcspn(line, "\n");
}

static const MgLintSpan *
one_span(MgArena *arena, MgLintFile *file, size_t from)
{
	MgLintSpan *span = mg_alloc(arena, sizeof *span);

	span->file = file;
	span->from = from;
	return span;
}

static void
end_part(MgLintSources *sources, MgLintPart *part, const char *start, const char *end)
{
	part->text = mg_strndup(sources->arena, start, (size_t) (end - start));
}

static void
marked_parts(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
			 MgLintPart *parts, int *count)
{
	const char *start = NULL;
	bool in_transaction = true;
	int open = -1;

	*count = 0;
	for (const char *line = source->text; *line != '\0';
		 line += strcspn(line, "\n"), line += *line == '\n')
	{
		int mark = mark_of(line);

		if (mark < 0)
			continue;
		if (marks[mark].meaning == NO_TRANSACTION)
		{
			/* for the whole file, wherever it stands */
			in_transaction = false;
			for (int i = 0; i < *count; i++)
				parts[i].in_transaction = false;
			continue;
		}
		if (open >= 0)
			end_part(sources, &parts[open], start, line);
		open = -1;
		if (*count == MG_LINT_PARTS)
			break;
		start = line;
		open = (*count)++;
		parts[open] = (MgLintPart){
			.spans = one_span(sources->arena, file, (size_t) (line - source->text)),
			.span_count = 1,
			.down = marks[mark].meaning == DOWN,
			.in_transaction = in_transaction && !line_has(line, marks[mark].no_transaction),
		};
	}
	if (open >= 0)
		end_part(sources, &parts[open], start, start + strlen(start));
}

bool
mg_lint_parts(MgLintSources *sources, const MgLintSource *source, MgLintFile *file,
			  MgLintPart *parts, int *count, MgError *err)
{
	*count = 0;
	if (source->kind == MG_LINT_FLYWAY)
		return mg_lint_flyway_parts(sources, source, file, parts, count, err);
	if (source->kind == MG_LINT_ALEMBIC)
		return mg_lint_alembic_parts(sources, source, file, parts, count, err);
	if (source->kind == MG_LINT_MARKED)
	{
		marked_parts(sources, source, file, parts, count);
		return true;
	}
	parts[(*count)++] = (MgLintPart){
		.text = source->text,
		.spans = one_span(sources->arena, file, 0),
		.span_count = 1,
		.down = source->down,
		/* psql, which Sqitch runs, begins no transaction */
		.in_transaction = source->kind == MG_LINT_SQITCH ? false : !sources->no_transaction,
		.by_content = source->kind == MG_LINT_PAIR,
	};
	return true;
}

const char *
mg_lint_find_above(MgArena *arena, const char *path, const char *name)
{
	char *directory = mg_file_absolute(arena, NULL, path);
	char *slash;

	while ((slash = strrchr(directory, '/')) != NULL)
	{
		char *found;

		slash[1] = '\0';
		found = mg_file_join(arena, directory, name);
		if (mg_file_kind(found) == MG_FILE_REGULAR)
			return found;
		/* another project begins above the top of a work tree */
		if (mg_file_kind(mg_file_join(arena, directory, ".git")) != MG_FILE_ABSENT)
			return NULL;
		slash[0] = '\0';
	}
	return NULL;
}
