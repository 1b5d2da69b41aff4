/*
 * alembic_scan.c
 *	  A reader of the four assignments at the head of a revision's file.
 *
 * It understands one line "name = literal" or "name: annotation = literal" at
 * the beginning of a line, where the literal is None, a string, or a tuple or
 * list of strings, and gives up on everything else.
 */
#include "alembic_scan.h"

#include <ctype.h>
#include <string.h>

#include "alembic_ini.h"
#include "file.h"

typedef enum Variable
{
	REVISION,
	DOWN_REVISION,
	BRANCH_LABELS,
	DEPENDS_ON,
	VARIABLES
} Variable;

static const char *const names[VARIABLES] = { "revision", "down_revision", "branch_labels",
											  "depends_on" };

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r");
}

/* A string without escapes; what follows it is at *rest. */
static const char *
read_string(MgArena *arena, const char *p, const char **rest)
{
	char quote = *p;
	size_t len;

	if ((quote != '"' && quote != '\'') || p[1] == '\0')
		return NULL;
	len = strcspn(p + 1, (const char[]){ quote, '\\', '\n', '\0' });
	if (len == 0 || p[1 + len] != quote)
		return NULL;
	*rest = p + len + 2;
	return mg_strndup(arena, p + 1, len);
}

static bool
at_end(const char *p)
{
	p = skip_blanks(p);
	return *p == '\0' || *p == '\n' || *p == '#';
}

/* The strings of a literal; none for None. */
static bool
read_literal(const char *p, MgStrings *values)
{
	char close = *p == '(' ? ')' : *p == '[' ? ']' : '\0';
	const char *value;

	if (strncmp(p, "None", 4) == 0)
		return at_end(p + 4);
	if (close == '\0')
	{
		value = read_string(values->arena, p, &p);
		if (value != NULL)
			mg_strings_add(values, value);
		return value != NULL && at_end(p);
	}
	for (p = skip_blanks(p + 1); *p != close; p = skip_blanks(p))
	{
		value = read_string(values->arena, p, &p);
		if (value == NULL)
			return false;
		mg_strings_add(values, value);
		p = skip_blanks(p);
		if (*p == ',')
			p++;
		else if (*p != close)
			return false;
	}
	/* ("x") is a string in brackets, and Alembic takes it as one */
	return at_end(p + 1);
}

/* Where the value of an assignment starts, NULL when the line does not assign to the name. */
static const char *
assigned(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0)
		return NULL;
	line = skip_blanks(line + len);
	if (*line == ':')
		line += strcspn(line, "=\n#\"'");
	return *line == '=' && line[1] != '=' ? skip_blanks(line + 1) : NULL;
}

/* The name is used in a way that may change it: anything but a comment or a longer word. */
static bool
mentions(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 && !isalnum((unsigned char) line[len]) && line[len] != '_';
}

static bool
read_variables(const char *text, MgStrings *values, int *seen)
{
	for (const char *line = text; line != NULL; line = strchr(line, '\n'))
	{
		line += *line == '\n';
		for (int v = 0; v < VARIABLES; v++)
		{
			const char *value;

			if (!mentions(line, names[v]))
				continue;
			value = assigned(line, names[v]);
			if (value == NULL || seen[v]++ > 0 || !read_literal(value, &values[v]))
				return false;
		}
	}
	return true;
}

/* The first line of the docstring, which Alembic shows as the title. */
static const char *
read_title(MgArena *arena, const char *text)
{
	text += strspn(text, " \t\r\n");
	if (strncmp(text, "\"\"\"", 3) != 0 && strncmp(text, "'''", 3) != 0)
		return "";
	text += 3;
	text += strspn(text, " \t\r\n");
	return mg_strndup(arena, text, strcspn(text, "\r\n\"'"));
}

static bool
read_revision(MgArena *arena, const char *path, MgAlembicRevision *revision)
{
	MgStrings values[VARIABLES];
	int seen[VARIABLES] = { 0 };
	const char *text;
	size_t len;
	MgError ignored;

	mg_err_init(&ignored, arena);
	for (int v = 0; v < VARIABLES; v++)
		mg_strings_init(&values[v], arena);
	if (mg_file_kind(path) != MG_FILE_REGULAR || !mg_file_read(arena, path, &text, &len, &ignored) ||
		strlen(text) != len || !read_variables(text, values, seen))
		return false;
	if (seen[REVISION] != 1 || values[REVISION].count != 1 || seen[DOWN_REVISION] != 1 ||
		values[BRANCH_LABELS].count > 0 || values[DEPENDS_ON].count > 0)
		return false;
	revision->id = values[REVISION].items[0];
	revision->title = read_title(arena, text);
	revision->path = path;
	revision->parents = values[DOWN_REVISION];
	revision->depends = values[DEPENDS_ON];
	return true;
}

/* Puts each revision behind its parents; false when one is missing, there twice, or in a circle. */
static bool
sort_graph(MgArena *arena, MgAlembicGraph *graph)
{
	MgAlembicGraph sorted = { .count = 0 };
	bool *done = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *done);

	sorted.items = mg_alloc(arena, (size_t) (graph->count + 1) * sizeof *sorted.items);
	while (sorted.count < graph->count)
	{
		int before = sorted.count;

		for (int i = 0; i < graph->count; i++)
		{
			const MgStrings *parents = &graph->items[i].parents;
			bool ready = !done[i];

			for (int j = 0; ready && j < parents->count; j++)
				ready = mg_alembic_graph_find(&sorted, parents->items[j]) >= 0;
			if (!ready)
				continue;
			if (mg_alembic_graph_find(&sorted, graph->items[i].id) >= 0)
				return false;
			done[i] = true;
			sorted.items[sorted.count++] = graph->items[i];
		}
		if (sorted.count == before)
			return false;
	}
	*graph = sorted;
	return true;
}

/* The directory that script_location means, NULL when it is not a plain one. */
static const char *
script_directory(MgArena *arena, const char *ini_text, const char *section, const char *here,
				 const char *directory)
{
	static const char here_mark[] = "%(here)s";
	static const char *const elsewhere[] = { "version_locations", "recursive_version_locations",
											 "sourceless" };
	const char *value = mg_alembic_ini_value(arena, ini_text, section, "script_location");

	if (value == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		if (mg_alembic_ini_value(arena, ini_text, section, elsewhere[i]) != NULL)
			return NULL;
	if (strncmp(value, here_mark, sizeof here_mark - 1) == 0)
		value = mg_printf(arena, "%s%s", here, value + sizeof here_mark - 1);
	if (strpbrk(value, "%:") != NULL)
		return NULL;
	return mg_file_absolute(arena, directory, value);
}

bool
mg_alembic_scan(MgArena *arena, const char *ini_text, const char *section, const char *here,
				const char *directory, MgAlembicGraph *graph)
{
	const char *versions = script_directory(arena, ini_text, section, here, directory);
	MgStrings files;
	MgError ignored;

	mg_err_init(&ignored, arena);
	if (versions == NULL)
		return false;
	versions = mg_file_join(arena, versions, "versions");
	if (mg_file_kind(versions) != MG_FILE_DIRECTORY ||
		!mg_file_list(arena, versions, &files, &ignored))
		return false;
	graph->count = 0;
	graph->items = mg_alloc(arena, (size_t) (files.count + 1) * sizeof *graph->items);
	for (int i = 0; i < files.count; i++)
	{
		const char *name = files.items[i];
		size_t len = strlen(name);

		/* what Alembic itself passes over */
		if (len < 4 || strcmp(name + len - 3, ".py") != 0 || strncmp(name, ".#", 2) == 0 ||
			strncmp(name, "__init__", 8) == 0)
			continue;
		if (!read_revision(arena, mg_file_join(arena, versions, name), &graph->items[graph->count]))
			return false;
		graph->count++;
	}
	return graph->count > 0 && sort_graph(arena, graph);
}
