/*
 * tool_test.c
 *	  What the wrapped tools are recognised by, and how their files are read.
 */
#include "tool.h"

#include <stdlib.h>
#include <unistd.h>

#include "alembic_command.h"
#include "alembic_graph.h"
#include "alembic_ini.h"
#include "alembic_text.h"
#include "file.h"
#include "flyway_files.h"
#include "sql_files.h"
#include "tool_util.h"
#include "unit.h"

static MgArena *arena;

static const char *
recognised(const char *line)
{
	MgStrings words;

	mg_strings_init(&words, arena);
	mg_tool_words(&words, line);
	for (const MgToolOps *const *ops = mg_tools; *ops != NULL; ops++)
		if ((*ops)->recognise(words.items))
			return (*ops)->name;
	return NULL;
}

static void
test_recognise(void)
{
	static const char *const yes[][2] = {
		{ "alembic upgrade head", "alembic" },
		{ "/opt/x/bin/alembic -c x.ini -n Main -x a=b -x c=d upgrade --tag t abc", "alembic" },
		{ "alembic --config=x.ini -nMain --raiseerr upgrade +1", "alembic" },
		{ "python -m alembic upgrade head", "alembic" },
		{ "/usr/bin/python3.11 -m alembic upgrade head", "alembic" },
		{ "poetry run alembic upgrade head", "alembic" },
		{ "uv run python -m alembic upgrade head", "alembic" },
		{ "flyway migrate", "flyway" },
		{ "flyway/flyway -url=jdbc:x -X migrate -target=3", "flyway" },
	};
	static const char *const no[] = {
		"alembic",
		"alembic upgrade",
		"alembic downgrade base",
		"alembic upgrade head --sql",
		"alembic upgrade a b",
		"alembic -c",
		"python -m pytest",
		"python alembic upgrade head",
		"echo alembic upgrade head",
		"poetry add alembic upgrade head",
		"flyway info",
		"flyway clean migrate",
		"flyway",
		"psql -f x.sql",
	};

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		unit_is(recognised(yes[i][0]), yes[i][1], yes[i][0]);
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		unit_is(recognised(no[i]), NULL, no[i]);
}

static void
test_alembic_command(void)
{
	char *argv[] = { (char *) "alembic",		(char *) "-c",
					 (char *) "my.ini",			(char *) "-x",
					 (char *) "tenant=a b",		(char *) "--config",
					 (char *) "pyproject.toml", (char *) "upgrade",
					 (char *) "ab@head",		NULL };
	MgAlembicCommand command;

	unit_ok(mg_alembic_command_parse(arena, argv, true, &command), "a command line is taken apart");
	unit_is(command.ini, "my.ini", "its ini");
	unit_is(command.revision, "ab@head", "its revision");
	unit_is_int(command.globals.count, 2, "its other options");
	unit_is(command.globals.items[0], "-xtenant=a b", "with their values");
	unit_is(command.globals.items[1], "--config=pyproject.toml", "a pyproject.toml is not the ini");
}

static const char history[] =
	"Rev: e5 (head) (mergepoint)\nMerges: c3, d4\nPath: /x/e5.py\n\n"
	"    joined\n    Rev: not one\n    \n\n"
	"Rev: d4\nParent: b2\nAlso depends on: a1\nPath: /x/d4.py\n\n    right\n\n"
	"Rev: c3\nParent: b2\nBranch names: left\nPath: /x/c3.py\n\n    left\n\n"
	"Rev: b2 (branchpoint)\nParent: a1\nBranches into: c3, d4\nPath: /x/b2.py\n\n"
	"Rev: a1\nParent: <base>\nPath: /x/a1.py\n\n    first, -> of all\n";

static const char *
ids(const MgStrings *list)
{
	MgBuf buf;

	mg_buf_init(&buf, arena);
	for (int i = 0; i < list->count; i++)
		mg_buf_addf(&buf, "%s%s", i > 0 ? " " : "", list->items[i]);
	return buf.data;
}

static const char *
after_downgrade(const MgAlembicGraph *graph, const char *to)
{
	char *start[] = { (char *) "e5" };
	bool *marks = mg_alembic_graph_closure(arena, graph, start, 1);
	MgStrings tops;

	mg_alembic_graph_downgrade(arena, graph, to, marks);
	mg_alembic_graph_tops(arena, graph, marks, &tops);
	return ids(&tops);
}

static void
test_alembic_graph(void)
{
	MgAlembicGraph graph;
	MgStrings heads;

	mg_alembic_graph_parse(arena, history, &graph);
	unit_is_int(graph.count, 5, "five revisions");
	unit_is(graph.items[0].id, "a1", "the oldest first");
	unit_is(graph.items[0].title, "first, -> of all", "with its title");
	unit_is(graph.items[1].title, "", "or none");
	unit_is(ids(&graph.items[4].parents), "c3 d4", "a merge has two parents");
	unit_is(ids(&graph.items[3].depends), "a1", "a dependency");
	mg_alembic_graph_heads(arena, &graph, &heads);
	unit_is(ids(&heads), "e5", "one head");
	unit_is(after_downgrade(&graph, "c3"), "c3 d4", "a downgrade into a merge leaves both");
	unit_is(after_downgrade(&graph, "b2"), "b2", "one below it takes both");
}

static void
test_alembic_text(void)
{
	static const char output[] =
		"BEGIN;\n\nCREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL\n);\n\n"
		"-- Running upgrade  -> a1\n\nCREATE TABLE a ();\n\nCOMMIT;\n\nBEGIN;\n\n"
		"-- Running upgrade a1 -> b2\n\nCOMMIT;\n\nCREATE INDEX CONCURRENTLY i ON a (b);\n\nBEGIN;\n\n"
		"UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';\n\n"
		"COMMIT;\n\n";
	static const char down[] =
		"-- Running downgrade a1 -> \n\nDROP TABLE a;\n\n"
		"DELETE FROM alembic_version WHERE alembic_version.version_num = 'a1';\n\n"
		"DROP TABLE alembic_version;\n\nCOMMIT;\n\n";
	const char *texts[5] = { NULL };
	MgAlembicGraph graph;

	mg_alembic_graph_parse(arena, history, &graph);
	mg_alembic_text_split(arena, &graph, output, true, true, texts);
	unit_is(texts[0], "CREATE TABLE a ();\n", "a text without the transaction around it");
	unit_is(texts[1],
			"COMMIT;\n\nCREATE INDEX CONCURRENTLY i ON a (b);\n\nBEGIN;\n\n"
			"UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';\n",
			"one that leaves the transaction");
	texts[1] = NULL;
	unit_ok(mg_alembic_text_split(arena, &graph, output, true, false, texts) == 1,
			"it is told where a failed command has ended");
	unit_is(texts[1], NULL, "the last one of a failed command is not complete");
	texts[0] = NULL;
	mg_alembic_text_split(arena, &graph, down, false, true, texts);
	unit_is(texts[0],
			"DROP TABLE a;\n\nDELETE FROM alembic_version WHERE alembic_version.version_num = 'a1';\n",
			"a downgrade to the base keeps the version table");
}

static void
test_alembic_ini(void)
{
	static const char ini[] = "# sqlalchemy.url = comment\n[alembic]\nscript_location = %(here)s/x\n"
							  "SQLAlchemy.URL: postgresql+psycopg2://u:p@h/\n    db\n# tail\n"
							  "[other]\nsqlalchemy.url = sqlite://\n";
	char *redirected;

	unit_is(mg_alembic_ini_value(arena, ini, "alembic", "sqlalchemy.url"),
			"postgresql+psycopg2://u:p@h/", "the URL of a section, keys in any case");
	unit_is(mg_alembic_ini_value(arena, ini, "third", "sqlalchemy.url"), NULL,
			"a section without one");
	unit_is(mg_alembic_ini_value(arena, "[DEFAULT]\nsqlalchemy.url=a\n[x]\n", "x", "sqlalchemy.url"),
			"a", "the one for all sections");
	redirected = mg_alembic_ini_redirect(arena, ini, "alembic", "postgresql://u:100%25@h/c", "/a%b");
	unit_contains(redirected,
				  "%(here)s/x\nsqlalchemy.url = postgresql://u:100%%25@h/c\n# tail\n[other]\n"
				  "sqlalchemy.url = sqlite://\n",
				  "only the URL of the section is replaced, with all its lines");
	unit_contains(redirected, "\n[DEFAULT]\nhere = /a%%b\n", "%(here)s stays what it was");
	unit_ok(strstr(redirected, "u:p@h") == NULL, "the old one is gone");
}

/* The numbers are those that Flyway 11.8.2 wrote into its history for these texts. */
static void
test_flyway(void)
{
	unit_is_int(mg_flyway_checksum("create table a(i int);\r\ninsert into a values (1);\n"
								   "-- \xc3\xa9 end without newline"),
				-1956483666, "checksum over all kinds of line ends");
	unit_is_int(mg_flyway_checksum("\xef\xbb\xbf"
								   "create table b(i int);\n\n\n"),
				-303286557, "checksum without the byte order mark");
	unit_is_int(mg_flyway_lock_key(arena, "public", "flyway_schema_history"), 77433833903597LL,
				"key of the lock");
	unit_ok(mg_flyway_version_compare("1.10", "1.9") > 0, "1.10 is above 1.9");
	unit_ok(mg_flyway_version_compare("001", "1.0.0") == 0, "001 is 1.0.0");
	unit_ok(mg_flyway_version_compare("2", "1.99999999999999999999") > 0, "2 is above 1.999...");
	unit_ok(mg_flyway_version_compare("1.99999999999999999999", "1.99999999999999999998") > 0,
			"numbers of any width");
	unit_ok(mg_flyway_is_version("1.2") && !mg_flyway_is_version("1.") &&
				!mg_flyway_is_version("x") && !mg_flyway_is_version(""),
			"what a version is");
}

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static void
test_flyway_config(void)
{
	static const char *const toml[][2] = {
		{ "[flyway]\nx = \"\"\"a\"\"\"\n", "strings over several lines" },
		{ "[flyway]\nx = \"\\q\"\n", "unknown escape" },
		{ "[flyway]\n= 1\n", "expected" },
		{ "[flyway]\nx = [\"a\" \"b\"]\n", "expected \",\" or \"]\" in a list" },
		{ "[flyway]\nx = { a = 1 }\n", "expected a string, a number, true, false or a list" },
		{ "[flyway\nx = 1\n", "expected \"]\" after the name of a table" },
		{ "[flyway]\nx 1\n", "expected \"=\" after a key" },
		{ "[flyway]\nx = 1 y\n", "expected the end of the line" },
	};
	char directory[] = "/tmp/tool_testXXXXXX";
	MgFlywayConfig config;
	MgBuf many;
	MgError err;
	char *path;

	if (mkdtemp(directory) == NULL)
		abort();
	setenv("TOOL_TEST_VARIABLE", "from outside", 1);
	mg_err_init(&err, arena);
	path = mg_file_join(arena, directory, "flyway.toml");
	write_text(path, "[environments.prod]\nschemas = [\n  \"a\", # one\n  'b\\',\n]\n[flyway]\n"
					 "environment = \"prod\"\noutOfOrder = true\nplaceholders.\"Who Is\" = \"x\\ty\"\n"
					 "encoding = \"${env.TOOL_TEST_VARIABLE}\"\n");
	mg_flyway_config_init(&config, arena);
	unit_ok(mg_flyway_config_read(&config, path, &err), "TOML is read");
	unit_is(mg_flyway_config_environment(&config, "schemas"), "a,b\\", "a list, of the environment");
	unit_ok(mg_flyway_config_bool(&config, "outOfOrder", false), "a truth value");
	unit_is(mg_flyway_config_get(&config, "placeholders.who is", NULL), "x\ty", "a dotted key");
	unit_is(mg_flyway_config_get(&config, "encoding", NULL), "from outside", "a variable");
	write_text(path, "[flyway]\n\nlocations = \"x\n");
	unit_ok(!mg_flyway_config_read(&config, path, &err), "a string without an end");
	unit_contains(err.where, "flyway.toml:3", "is found with its line");
	for (size_t i = 0; i < sizeof toml / sizeof toml[0]; i++)
	{
		write_text(path, toml[i][0]);
		mg_flyway_config_init(&config, arena);
		mg_err_clear(&err);
		unit_ok(!mg_flyway_config_read(&config, path, &err), toml[i][0]);
		unit_contains(err.message, toml[i][1], "is told");
	}
	mg_buf_init(&many, arena);
	mg_buf_add(&many, "[flyway.placeholders]\n");
	for (int i = 0; i < 200; i++)
		mg_buf_addf(&many, "n%d = \"%d\"\n", i, i);
	write_text(path, many.data);
	mg_flyway_config_init(&config, arena);
	mg_err_clear(&err);
	unit_ok(mg_flyway_config_read(&config, path, &err), "many settings");
	unit_is(mg_flyway_config_get(&config, "placeholders.n199", NULL), "199", "are all there");
	unlink(path);

	path = mg_file_join(arena, directory, "flyway.conf");
	write_text(path,
			   "# c\n flyway.locations = a,\\\n   b\n! c\nflyway.table=${TOOL_TEST_VARIABLE}\n");
	mg_flyway_config_init(&config, arena);
	mg_err_clear(&err);
	unit_ok(mg_flyway_config_read(&config, path, &err), "a flyway.conf is read");
	unit_is(mg_flyway_config_get(&config, "locations", NULL), "a,b", "a value on two lines");
	unit_is(mg_flyway_config_get(&config, "table", NULL), "from outside", "a variable");
	unlink(path);
	rmdir(directory);

	setenv("FLYWAY_DEFAULT_SCHEMA", "s", 1);
	setenv("FLYWAY_PLACEHOLDERS_WHO", "w", 1);
	mg_flyway_config_environ(&config);
	unit_is(mg_flyway_config_get(&config, "defaultSchema", NULL), "s", "FLYWAY_DEFAULT_SCHEMA");
	unit_is(mg_flyway_config_get(&config, "placeholders.Who", NULL), "w", "FLYWAY_PLACEHOLDERS_WHO");
}

static void
test_sql_versions(void)
{
	unit_is(mg_sql_without_zeros("0007"), "7", "0007 is 7");
	unit_is(mg_sql_without_zeros("000"), "0", "000 is 0");
	unit_ok(mg_sql_version_compare("10", "9") > 0, "10 is above 9");
	unit_ok(mg_sql_version_compare("20240101000000", "20231231235959") > 0, "dates as numbers");
}

/* What the environment of the child says, whatever that of migguard says. */
static void
test_environment(void)
{
	MgToolSession session = { .application_name = "a b",
							  .run_id = "r\\ 1",
							  .fence_token = "7",
							  .lock_timeout_ms = 5,
							  .server_version = 130000,
							  .arm_fence = true };
	MgTool tool = { .arena = arena };
	MgStrings environment;
	MgConfig *config;
	MgTarget target;
	MgError err;

	mg_err_init(&err, arena);
	unsetenv("PGHOSTADDR");
	setenv("PGOPTIONS", "-c work_mem=7MB", 1);
	setenv("DATABASE_URL", "postgresql+asyncpg://u@real:1/live?options=-c%20a.b%3D1", 1);
	setenv("MIGGUARD_TOOL_URL_ENV", "DATABASE_URL, OTHER_URL", 1);
	unit_ok(mg_config_load(arena, NULL, &config, &err) &&
				mg_target_parse(arena, "postgresql://u:p%40@clone:2/db", &target, &err),
			"a target");
	tool.config = config;
	session.target = &target;
	mg_tool_environment(&tool, &session, &environment);
	unit_ok(mg_strings_has(&environment, "PGHOST=clone") &&
				mg_strings_has(&environment, "PGDATABASE=db"),
			"PG* lead to the target");
	unit_ok(mg_strings_has(&environment, "DATABASE_URL=postgresql+asyncpg://u:p%40@clone:2/db"),
			"so does the URL, with the driver of the user's and without its options");
	unit_ok(mg_strings_has(&environment, "PGAPPNAME=a b"), "the name of the session");
	unit_ok(mg_strings_has(&environment,
						   "PGOPTIONS=-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
						   "-c tcp_user_timeout=20000 -c work_mem=7MB -c lock_timeout=5 -c safedeploy.concurrently_lock_timeout=0 -c safedeploy.run_id=r\\\\\\ 1 "
						   "-c safedeploy.fence_token=7 -c local_preload_libraries=safedeploy"),
			"the settings of the session, behind the user's, which only what a silent client may stands before");
	session.server_version = 140000;
	mg_tool_environment(&tool, &session, &environment);
	unit_contains(ids(&environment), "-c client_connection_check_interval=500",
				  "a server that can sees that its client is gone");
}

int
main(void)
{
	arena = mg_arena_new();
	test_recognise();
	test_alembic_command();
	test_alembic_graph();
	test_alembic_text();
	test_alembic_ini();
	test_flyway();
	test_flyway_config();
	test_sql_versions();
	test_environment();
	mg_arena_free(arena);
	return unit_done();
}
