/*
 * alembic_scan_test.c
 *	  Which revision files are read directly, and which are left to Alembic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alembic_scan.h"
#include "unit.h"

static const char plain_ini[] = "[alembic]\nscript_location = %(here)s/m\n# version_locations = x\n";

static MgArena *arena;
static char top[] = "/tmp/alembic_scan_test.XXXXXX";

static void
put(const char *name, const char *text)
{
	FILE *file = fopen(mg_printf(arena, "%s/m/versions/%s", top, name), "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static void
drop(const char *name)
{
	unlink(mg_printf(arena, "%s/m/versions/%s", top, name));
}

static bool
scan(const char *ini, MgAlembicGraph *graph)
{
	return mg_alembic_scan(arena, ini, "alembic", top, top, graph);
}

/* The scan gives up when this file is there besides the plain ones. */
static void
gives_up(const char *text, const char *name)
{
	MgAlembicGraph graph;

	put("x.py", text);
	unit_ok(!scan(plain_ini, &graph), name);
	drop("x.py");
}

int
main(void)
{
	MgAlembicGraph graph;

	arena = mg_arena_new();
	if (mkdtemp(top) == NULL || mkdir(mg_printf(arena, "%s/m", top), 0700) != 0 ||
		mkdir(mg_printf(arena, "%s/m/versions", top), 0700) != 0)
		abort();
	unit_ok(!scan(plain_ini, &graph), "an empty directory is left to Alembic");
	put("b.py", "\"\"\"second one\n\nRevises: a1\n\"\"\"\nrevision: str = 'b2'  # x\n"
				"down_revision: Union[str, None] = 'a1'\nbranch_labels = None\ndepends_on = None\n");
	put("c.py", "revision = \"a1\"\ndown_revision = None\nrevision_note = 1\n");
	put("d.py", "revision = \"d4\"\ndown_revision = (\"b2\", 'c3',)\n");
	put("e.py", "revision = \"c3\"\ndown_revision = [\"a1\"]\n");
	put("__init__.py", "");
	put("notes.txt", "revision = nothing");
	unit_ok(scan(plain_ini, &graph), "plain files are read");
	unit_is_int(graph.count, 4, "each is a revision");
	unit_is(graph.items[0].id, "a1", "the base comes first");
	unit_is(graph.items[3].id, "d4", "the merge comes last");
	unit_is_int(graph.items[3].parents.count, 2, "it has two parents");
	unit_is(graph.items[mg_alembic_graph_find(&graph, "b2")].title, "second one",
			"the docstring's first line is the title");

	gives_up("down_revision = None\n", "no revision");
	gives_up("revision = 'x'\n", "no down_revision");
	gives_up("revision = 'x'\nrevision = 'y'\ndown_revision = None\n", "assigned twice");
	gives_up("revision = name()\ndown_revision = None\n", "not a literal");
	gives_up("revision = 'x' + 'y'\ndown_revision = None\n", "an expression");
	gives_up("revision = f'x'\ndown_revision = None\n", "a formatted string");
	gives_up("revision = 'x\\x41'\ndown_revision = None\n", "an escape");
	gives_up("revision = 'x'\ndown_revision = ('a1',\n 'b2')\n", "a tuple over two lines");
	gives_up("revision = 'x'\ndown_revision = None\nrevision += 'y'\n", "changed later");
	gives_up("revision = 'x'\ndown_revision = 'gone'\n", "a parent that is not there");
	gives_up("revision = 'a1'\ndown_revision = None\n", "an id that is there twice");
	gives_up("revision = 'x'\ndown_revision = 'x'\n", "a circle");
	gives_up("revision = 'x'\ndown_revision = None\nbranch_labels = ('l',)\n", "a branch label");
	gives_up("revision = 'x'\ndown_revision = None\ndepends_on = 'a1'\n", "a dependency");

	unit_ok(!scan("[alembic]\nscript_location = p:m\n", &graph), "a package is left to Alembic");
	unit_ok(!scan("[alembic]\nscript_location = m\nversion_locations = m/v\n", &graph),
			"so are several directories");
	unit_ok(!scan("[alembic]\nscript_location = m\nsourceless = true\n", &graph),
			"so are compiled files");
	unit_ok(scan("[alembic]\nscript_location = m\n", &graph), "a relative directory is read");

	for (const char *const *name = (const char *const[]){ "b.py", "c.py", "d.py", "e.py",
														  "__init__.py", "notes.txt", NULL };
		 *name != NULL; name++)
		drop(*name);
	rmdir(mg_printf(arena, "%s/m/versions", top));
	rmdir(mg_printf(arena, "%s/m", top));
	rmdir(top);
	mg_arena_free(arena);
	return unit_done();
}
