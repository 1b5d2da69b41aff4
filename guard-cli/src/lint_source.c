/*
 * lint_source.c
 *	  Which files there are to look at, what tool each is for, and their order.
 */
#include "lint_source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "input.h"
#include "log.h"
#include "sql_files.h"

#include "flyway_files.h"

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len > strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* A number at the beginning of the name, as most tools have it. */
static const char *
leading_number(MgArena *arena, const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits > 0 ? mg_sql_without_zeros(mg_strndup(arena, name, digits)) : NULL;
}

static bool
has_line(const char *text, const char *mark)
{
	const char *at = strcasestr(text, mark);

	while (at != NULL)
	{
		const char *start = at;

		while (start > text && (start[-1] == ' ' || start[-1] == '\t' || start[-1] == '-'))
			start--;
		if (start < at && (start == text || start[-1] == '\n') && strncmp(start, "--", 2) == 0)
			return true;
		at = strcasestr(at + 1, mark);
	}
	return false;
}

static bool
is_marked(const char *text)
{
	static const char *const marks[] = { "+goose Up",	 "+goose Down", "migrate:up",
										 "migrate:down", "+migrate Up", "+migrate Down" };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (has_line(text, marks[i]))
			return true;
	return false;
}

/* What the name and the text say of a file. */
static bool
classify(MgLintSources *sources, MgLintSource *source, bool *leave_out, MgError *err)
{
	const char *name = mg_file_name(source->path);

	*leave_out = false;
	source->directory = name == source->path ?
							"." :
							mg_strndup(sources->arena, source->path, (size_t) (name - source->path));
	source->version = leading_number(sources->arena, name);
	if (ends_with(name, ".py"))
	{
		source->kind = MG_LINT_ALEMBIC;
		return mg_lint_alembic_place(sources, source, err);
	}
	if (!mg_lint_flyway_place(sources, source, err))
		return false;
	if (source->kind == MG_LINT_FLYWAY)
		return true;
	if (source->version != NULL && (ends_with(name, ".up.sql") || ends_with(name, ".down.sql")))
	{
		source->kind = MG_LINT_PAIR;
		source->down = ends_with(name, ".down.sql");
		return true;
	}
	if (is_marked(source->text))
	{
		source->kind = MG_LINT_MARKED;
		return true;
	}
	return mg_lint_sqitch_place(sources, source, leave_out, err);
}

static bool
is_there(const MgLintSources *sources, const char *absolute)
{
	for (int i = 0; i < sources->count; i++)
		if (strcmp(sources->items[i].absolute, absolute) == 0)
			return true;
	return false;
}

bool
mg_lint_source_add(MgLintSources *sources, const char *path, const char *text, bool wanted,
				   int given, MgError *err)
{
	MgLintSource source = { .text = text, .wanted = wanted, .given = given };
	bool leave_out = false;
	char *read = NULL;

	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	source.absolute = mg_file_absolute(sources->arena, NULL, path);
	if (is_there(sources, source.absolute))
		return true;
	source.path = mg_strdup(sources->arena, path);
	if (text == NULL)
	{
		if (!mg_input_text(sources->arena, path, &read, err))
			return false;
		source.text = read;
	}
	if (strcmp(path, "-") == 0)
	{
		source.directory = "";
		source.kind = is_marked(source.text) ? MG_LINT_MARKED : MG_LINT_PLAIN;
	}
	else if (!classify(sources, &source, &leave_out, err))
		return false;
	if (leave_out)
	{
		mg_log_verbose("\"%s\" verifies and changes nothing: left out", path);
		return true;
	}
	if (sources->count == sources->size)
	{
		MgLintSource *old = sources->items;

		sources->size = sources->size * 2 + 64;
		sources->items = mg_alloc(sources->arena, (size_t) sources->size * sizeof *old);
		if (sources->count > 0)
			memcpy(sources->items, old, (size_t) sources->count * sizeof *old);
	}
	sources->items[sources->count++] = source;
	return true;
}

/* Migrations by their names; a program in Python is one when it is a revision. */
static bool
is_migration(MgArena *arena, const char *path)
{
	MgError ignored;
	const char *text;
	size_t len;

	if (ends_with(path, ".sql"))
		return true;
	mg_err_init(&ignored, arena);
	return ends_with(path, ".py") && mg_file_read(arena, path, &text, &len, &ignored) &&
		   mg_lint_is_revision(text);
}

/* Below a directory that begins with a dot is what other programs keep for themselves. */
static bool
is_hidden(const char *path, const char *directory)
{
	path += strlen(directory);
	return strstr(path, "/.") != NULL;
}

static bool
add_directory(MgLintSources *sources, const char *directory, int given, MgError *err)
{
	int before = sources->count;
	MgStrings paths;

	if (!mg_file_walk(sources->arena, directory, &paths, err))
		return false;
	for (int i = 0; i < paths.count; i++)
		if (!is_hidden(paths.items[i], directory) && is_migration(sources->arena, paths.items[i]) &&
			!mg_lint_source_add(sources, paths.items[i], NULL, true, given, err))
			return false;
	if (sources->count > before)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "there is no migration in \"%s\"", directory);
	return mg_err_hint(err, "Migrations are files *.sql, and revisions of Alembic's.");
}

bool
mg_lint_source_operand(MgLintSources *sources, const char *operand, int given, MgError *err)
{
	MgStrings paths;

	if (strcmp(operand, "-") != 0 && mg_file_kind(operand) == MG_FILE_DIRECTORY)
		return add_directory(sources, operand, given, err);
	if (mg_file_kind(operand) != MG_FILE_ABSENT || !mg_lint_is_glob(operand))
		return mg_lint_source_add(sources, operand, NULL, true, given, err);
	if (!mg_lint_glob(sources->arena, operand, &paths, err))
		return false;
	for (int i = 0; i < paths.count; i++)
		if (!mg_lint_source_add(sources, paths.items[i], NULL, true, given, err))
			return false;
	if (paths.count > 0)
		return true;
	mg_err_set(err, MG_EXIT_CONFIG, "no file fits \"%s\"", operand);
	return mg_err_hint(err, "\"*\" stays in a directory; \"**/\" goes into those below.");
}

/* Where the other migrations of the project of this one are. */
static bool
list_neighbours(MgLintSources *sources, const MgLintSource *source, MgStrings *paths, MgError *err)
{
	const char *directory = source->directory;
	MgStrings names;

	if (source->kind == MG_LINT_SQITCH)
		return mg_file_walk(sources->arena, mg_file_join(sources->arena, directory, "deploy"),
							paths, err);
	/* a directory for each migration */
	if (strcmp(mg_file_name(source->path), "migration.sql") == 0)
		return mg_file_walk(sources->arena, mg_file_join(sources->arena, directory, ".."), paths,
							err);
	mg_strings_init(paths, sources->arena);
	if (!mg_file_list(sources->arena, directory, &names, err))
		return false;
	for (int i = 0; i < names.count; i++)
	{
		char *path = strcmp(directory, ".") == 0 ?
						 names.items[i] :
						 mg_file_join(sources->arena, directory, names.items[i]);

		if (mg_file_kind(path) == MG_FILE_REGULAR)
			mg_strings_add(paths, path);
	}
	return true;
}

bool
mg_lint_source_earlier(MgLintSources *sources, MgError *err)
{
	int count = sources->count;
	MgStrings done;

	mg_strings_init(&done, sources->arena);
	for (int i = 0; i < count; i++)
	{
		/* a copy, as the list may move */
		MgLintSource source = sources->items[i];
		MgStrings paths;

		if (mg_strings_has(&done, source.directory) ||
			mg_file_kind(source.directory) != MG_FILE_DIRECTORY)
			continue;
		mg_strings_add(&done, source.directory);
		if (!list_neighbours(sources, &source, &paths, err))
			return false;
		for (int p = 0; p < paths.count; p++)
		{
			int before = sources->count;

			if (!is_migration(sources->arena, paths.items[p]))
				continue;
			if (!mg_lint_source_add(sources, paths.items[p], NULL, false, source.given, err))
				return false;
			/* seeds and the like belong to no project of migrations */
			if (sources->count > before && sources->items[before].kind != source.kind)
				sources->count = before;
		}
	}
	return true;
}

/* A project of these tools is in one order, wherever its files are. */
static bool
has_one_order(const MgLintSource *source)
{
	return source->kind == MG_LINT_FLYWAY || source->kind == MG_LINT_SQITCH ||
		   source->kind == MG_LINT_ALEMBIC;
}

static int
compare_versions(const MgLintSource *a, const MgLintSource *b)
{
	if (a->version == NULL || b->version == NULL)
		return (a->version == NULL) - (b->version == NULL);
	return a->kind == MG_LINT_FLYWAY ? mg_flyway_version_compare(a->version, b->version) :
									   mg_sql_version_compare(a->version, b->version);
}

static int
compare(const void *x, const void *y)
{
	const MgLintSource *a = x;
	const MgLintSource *b = y;
	bool one = has_one_order(a) && a->kind == b->kind;
	int order = 0;

	if (!one)
		order = strverscmp(a->directory, b->directory);
	if (order == 0 && has_one_order(a) != has_one_order(b))
		order = has_one_order(a) ? 1 : -1;
	if (order == 0)
		order = (a->rank > b->rank) - (a->rank < b->rank);
	if (order == 0 && has_one_order(a) == has_one_order(b))
		order = compare_versions(a, b);
	/* a downgrade comes when its upgrade is there */
	if (order == 0 && a->version != NULL)
		order = (a->down ? 1 : 0) - (b->down ? 1 : 0);
	return order != 0 ? order : strverscmp(a->path, b->path);
}

void
mg_lint_source_sort(MgLintSources *sources)
{
	bool all = true;

	for (int i = 0; i < sources->count; i++)
		if (sources->items[i].version == NULL && !has_one_order(&sources->items[i]) &&
			sources->items[i].wanted)
			all = false;
	/* files that say nothing of an order stay in that of the operands */
	for (int first = 0, last; first < sources->count; first = last)
	{
		last = first + 1;
		while (last < sources->count &&
			   (all || sources->items[last].given == sources->items[first].given))
			last++;
		qsort(sources->items + first, (size_t) (last - first), sizeof *sources->items, compare);
	}
}
