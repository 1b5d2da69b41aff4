/*
 * config_test.c
 *	  Reading of migguard.ini and MIGGUARD_*: values, precedence, every kind of mistake.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static MgArena *arena;
static MgError err;
static char directory[] = "/tmp/mg-config-XXXXXX";
static const char *path;

static void
write_file(const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	fwrite(text, 1, len, file);
	fclose(file);
}

static MgConfig *
load_bytes(const char *text, size_t len)
{
	MgConfig *config = NULL;

	write_file(text, len);
	mg_err_init(&err, arena);
	return mg_config_load(arena, path, &config, &err) ? config : NULL;
}

static MgConfig *
load(const char *text)
{
	return load_bytes(text, strlen(text));
}

static void
test_values(void)
{
	MgConfig *c = load("# comment\n; another\n[lock]\nname = my lock ; not a comment\nwait = 1.5min\n"
					   "[run]\nallow_irreversible = Yes\nlock_retries=7\nfail_on = warning\n"
					   "[preflight]\npooler = off\nrequired_env = A, B ,C,\n"
					   "[tool]\ndirectory = migrations\nconfig=/abs/alembic.ini\nurl_env=\n");
	MgStrings list;

	unit_is(mg_config_string(c, MG_SET_LOCK_NAME), "my lock ; not a comment",
			"a string, to the line's end");
	unit_is_int(mg_config_ms(c, MG_SET_LOCK_WAIT), 90000, "a duration");
	unit_ok(mg_config_bool(c, MG_SET_RUN_ALLOW_IRREVERSIBLE), "a switch");
	unit_is_int(mg_config_int(c, MG_SET_RUN_LOCK_RETRIES), 7, "a number");
	unit_is(mg_config_string(c, MG_SET_RUN_FAIL_ON), "warning", "a choice");
	unit_is_int(mg_config_level(c, MG_SET_PREFLIGHT_POOLER), MG_LEVEL_OFF, "a level");
	unit_is_int(mg_config_level(c, MG_SET_PREFLIGHT_ROLE), MG_LEVEL_REQUIRED, "a level's default");
	mg_config_list(c, MG_SET_PREFLIGHT_REQUIRED_ENV, &list);
	unit_ok(list.count == 3 && strcmp(list.items[1], "B") == 0 && strcmp(list.items[2], "C") == 0,
			"a list");
	unit_is(mg_config_string(c, MG_SET_TOOL_DIRECTORY),
			mg_printf(arena, "%s/migrations", directory), "a path is relative to the file");
	unit_is(mg_config_string(c, MG_SET_TOOL_CONFIG), "/abs/alembic.ini", "an absolute one stays");
	unit_is(mg_config_string(c, MG_SET_TOOL_URL_ENV), NULL, "an empty value unsets the default");
	unit_is(mg_config_source(c, MG_SET_LOCK_WAIT), mg_printf(arena, "%s:5", path),
			"source is file and line");
	unit_is(mg_config_source(c, MG_SET_RUN_TIMEOUT), "default", "or the default");
	unit_is_int(mg_config_ms(c, MG_SET_RUN_TIMEOUT), 3600000, "which is understood too");
	unit_is(mg_config_path(c), path, "path of the file");
}

static void
test_named(void)
{
	MgConfig *c = load("[env]\nDB_URL = {url}\n[verify.assertions]\n"
					   "a_rather_long_name_that_is_well_over_the_limit_of_fifty_bytes = SELECT true\n"
					   "  AND 1 = 1\n"
					   "second = SELECT 1 = 1\n");
	const MgNamed *n = mg_config_named(c, "verify.assertions");

	unit_is(mg_config_named(c, "env")->name, "DB_URL", "a name of the user's");
	unit_is(mg_config_named(c, "env")->value, "{url}", "and its value");
	unit_is(n->name, "a_rather_long_name_that_is_well_over_the_limit_of_fifty_bytes", "a long name");
	unit_is(n->value, "SELECT true\nAND 1 = 1", "a value that goes on in the next line");
	unit_is(n->where, mg_printf(arena, "%s:4", path), "where it begins");
	unit_is(n->next->name, "second", "the order of the file");
	unit_ok(mg_config_named(c, "preflight.commands") == NULL, "an empty section");
}

static void
test_precedence(void)
{
	MgConfig *c;

	setenv("MIGGUARD_LOCK_NAME", "from env", 1);
	setenv("MIGGUARD_PREFLIGHT_GIT_CLEAN", "off", 1);
	c = load("[lock]\nname = from file\n");
	unit_is(mg_config_string(c, MG_SET_LOCK_NAME), "from env", "the environment wins over the file");
	unit_is(mg_config_source(c, MG_SET_LOCK_NAME), "MIGGUARD_LOCK_NAME", "and is the source");
	unit_is_int(mg_config_level(c, MG_SET_PREFLIGHT_GIT_CLEAN), MG_LEVEL_OFF,
				"a key with underscores");
	mg_config_set(c, MG_SET_LOCK_NAME, "from flag", "flag --lock-name", &err);
	unit_is(mg_config_string(c, MG_SET_LOCK_NAME), "from flag", "a flag wins over both");
	unit_ok(!mg_config_set(c, MG_SET_LOCK_WAIT, "soon", "flag --lock-wait", &err),
			"a bad flag is refused");
	unit_is(err.where, "flag --lock-wait", "with its name");
	setenv("MIGGUARD_LOCK_WAIT", "never", 1);
	unit_ok(load("") == NULL, "a bad variable is refused");
	unit_is(err.where, "MIGGUARD_LOCK_WAIT", "with its name");
	unsetenv("MIGGUARD_LOCK_NAME");
	unsetenv("MIGGUARD_LOCK_WAIT");
	unsetenv("MIGGUARD_PREFLIGHT_GIT_CLEAN");
	setenv("DATABASE_URL", "postgresql://h/from_env", 1);
	unit_is(mg_config_source(load(""), MG_SET_DATABASE_URL), "DATABASE_URL", "DATABASE_URL fills in");
	unit_contains(mg_config_string(load("[database]\nurl=postgresql://h/from_file\n"),
								   MG_SET_DATABASE_URL),
				  "from_file", "but the file wins over it");
	unsetenv("DATABASE_URL");
}

static void
test_env_url(void)
{
	MgConfig *c;

	setenv("MY_URL", "postgresql://u:sesame@h/d", 1);
	c = load("[database]\nurl = env:MY_URL\n");
	unit_is(mg_config_string(c, MG_SET_DATABASE_URL), "postgresql://u:sesame@h/d",
			"env:NAME is looked up");
	unit_contains(mg_config_source(c, MG_SET_DATABASE_URL), "variable MY_URL",
				  "and named as the source");
	unsetenv("MY_URL");
	unit_ok(load("[database]\nurl = env:MY_URL\n") == NULL, "a missing variable is refused");
	unit_is(err.where, mg_printf(arena, "%s:2", path), "with file and line");
}

/* The text is refused with exit code 65, at the line, with words in message and hint. */
static void
refused(const char *text, size_t len, int line, const char *message, const char *hint,
		const char *name)
{
	bool loaded = load_bytes(text, len) != NULL;

	unit_ok(!loaded && err.set && err.exit_code == MG_EXIT_CONFIG, name);
	unit_is(err.where, mg_printf(arena, "%s:%d", path, line), "  file and line");
	unit_contains(err.message, message, "  message");
	unit_contains(err.hint, hint, "  hint");
}

#define REFUSED(text, line, message, hint, name) \
	refused(text, sizeof(text) - 1, line, message, hint, name)

static void
test_mistakes(void)
{
	REFUSED("[lock]\n\nwiat = 5s\n", 3, "unknown key \"wiat\" in section \"lock\"", "\"wait\"",
			"unknown key");
	REFUSED("[lock]\nstatement_timeout = 5s\n", 2, "unknown key", "belongs to section [run]",
			"key of another section");
	REFUSED("[lock]\nqqqqqqqqqqqq = 5s\n", 2, "unknown key", "Keys of [lock] are: name, ",
			"key that is like none");
	REFUSED("[verify.asertion]\nx = 1\n", 1, "unknown section", "[verify.assertions]",
			"a section of the user's names");
	REFUSED("[rules]\nqqqqqqqqqq = off\n", 2, "unknown rule", "lists the rules",
			"a rule that is like none");
	REFUSED("[lokc]\nwait = 5s\n", 1, "unknown section \"lokc\"", "[lock]", "unknown section");
	REFUSED("[completely_else]\nwait = 5s\n", 1, "unknown section", "Sections are: database, tool",
			"unknown section without a near one");
	REFUSED("wait = 5s\n", 1, "before the first section", "[database]", "key without a section");
	REFUSED("[lock]\nwait = 5s\nname = x\nwait = 6s\n", 4, "given twice", "Remove",
			"key given twice");
	REFUSED("[env]\nA = 1\nA = 2\n", 3, "given twice", "Remove", "name given twice");
	REFUSED("[lock]\nwait = 5 weeks\n", 2, "invalid value for lock.wait: \"5 weeks\"", "500ms",
			"bad duration");
	REFUSED("[lock]\nwait = -1s\n", 2, "invalid value", "500ms", "negative duration");
	REFUSED("[run]\nlock_retries = many\n", 2, "invalid value", "whole number", "bad number");
	REFUSED("[run]\nallow_irreversible = perhaps\n", 2, "invalid value", "on or off", "bad switch");
	REFUSED("[preflight]\nrole = maybe\n", 2, "invalid value", "required, warning or off",
			"bad level");
	REFUSED("[backup]\npolicy = ful\n", 2, "invalid value", "full targeted external none",
			"bad choice");
	REFUSED("[run]\ntarget x\n", 2, "neither [section] nor key = value", "#", "no equal sign");
	REFUSED("[run\ntarget = x\n", 1, "neither [section] nor key = value", "#", "unclosed section");
	REFUSED("[run]\ntarget = a\n  b\n", 3, "goes on in a second line", "one line", "continued value");
	REFUSED("[run]\ntarget = \xE4\n", 2, "not valid UTF-8", "UTF-8", "Latin-1");
	REFUSED("[run]\n# x\ntarget = a\0b\n", 3, "zero byte", "UTF-8", "zero byte");
	REFUSED("[database]\nurl = mysql://h/d\n", 2, "scheme \"mysql\"", "postgresql://", "bad URL");
}

static void
test_files(void)
{
	MgConfig *c = NULL;
	char *line = mg_alloc(arena, 70001);

	mg_err_init(&err, arena);
	unit_ok(!mg_config_load(arena, "/nonexistent/x.ini", &c, &err),
			"a file that is named must be there");
	unit_is_int(err.exit_code, MG_EXIT_CONFIG, "exit code");
	mg_err_init(&err, arena);
	unit_ok(mg_config_load_if_there(arena, "/nonexistent/x.ini", &c, &err), "unless it need not be");
	mg_err_init(&err, arena);
	unit_ok(!mg_config_load(arena, directory, &c, &err), "a directory is no file");
	unit_contains(err.message, "is not a regular file", "and told so");
	memset(line, 'x', 70000);
	memcpy(line, "[run]\ntarget=", 13);
	unit_ok(load(line) == NULL, "an endless line is refused");
	unit_contains(err.message, "longer than", "with its reason");
	unit_ok(load(mg_config_template(arena)) != NULL, "the file that init writes can be read");
	unit_ok(load("\xEF\xBB\xBF[run]\r\ntarget = x\r\n") != NULL, "byte order mark and DOS line ends");
	unit_is(mg_config_string(load("[run]\r\ntarget = x\r\n"), MG_SET_RUN_TARGET), "x",
			"without the CR");
	unit_ok(load("[lock]\nwait = 5s") != NULL, "no line end at the end");
	unit_is_int(mg_config_ms(load("[backup]\nmax_age = 36500d\n"), MG_SET_BACKUP_MAX_AGE),
				36500LL * 86400000, "a century");
	unit_is_int(mg_config_ms(load("[lock]\nwait = 1ms\n"), MG_SET_LOCK_WAIT), 1, "the shortest time");
	unit_is_int(mg_config_ms(load("[lock]\nwait = 0.0\n"), MG_SET_LOCK_WAIT), 0, "none at all");
}

int
main(void)
{
	arena = mg_arena_new();
	if (mkdtemp(directory) == NULL)
		return 1;
	path = mg_printf(arena, "%s/test.ini", directory);
	unsetenv("DATABASE_URL");
	test_values();
	test_named();
	test_precedence();
	test_env_url();
	test_mistakes();
	test_files();
	unlink(path);
	rmdir(directory);
	mg_arena_free(arena);
	return unit_done();
}
