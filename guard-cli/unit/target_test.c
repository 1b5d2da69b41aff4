/*
 * target_test.c
 *	  Reading of database URLs, and saying them again to libpq, tools and people.
 */
#include "target.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "unit.h"

static MgArena *arena;
static MgError err;

static MgTarget
parse(const char *text)
{
	MgTarget target;

	mg_err_init(&err, arena);
	if (!mg_target_parse(arena, text, &target, &err))
		memset(&target, 0, sizeof target);
	return target;
}

static void
clean_environment(void)
{
	static const char *const names[] = { "PGHOST",	   "PGPORT",	 "PGUSER",
										 "PGDATABASE", "PGPASSWORD", "PGSERVICE",
										 "PGSSLMODE",  "PGAPPNAME",	 "PGOPTIONS" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
}

static void
test_parse(void)
{
	MgTarget t =
		parse("postgresql+psycopg2://us%20er:se%40cret@db.example:5433/d%C3%A4ta?sslmode=require");

	unit_is(t.scheme, "postgresql+psycopg2", "scheme with a driver");
	unit_is(t.host, "db.example", "host");
	unit_is(t.port, "5433", "port");
	unit_is(t.user, "us er", "user, decoded");
	unit_is(t.password, "se@cret", "password, decoded");
	unit_is(t.database, "d\xC3\xA4ta", "database, decoded");
	unit_is(mg_target_url(arena, &t, NULL, false),
			"postgresql+psycopg2://us%20er@db.example:5433/d%C3%A4ta?sslmode=require",
			"URL without the password");
	unit_is(mg_target_url(arena, &t, "postgres", true),
			"postgres://us%20er:se%40cret@db.example:5433/d%C3%A4ta?sslmode=require",
			"URL with it, in another scheme");
	unit_is(mg_log_redact(arena, "se@cret se%40cret"), "*** ***",
			"the password is a secret from now on");
	unit_is(mg_target_display(arena, &t), "db.example:5433/d\xC3\xA4ta as us er", "for people");
	t = parse("host=/run/my sock dbname='a b' user=u");
	unit_ok(err.set, "a conninfo string must be well-formed");
	t = parse("host='/run/my sock' dbname='a b' user=u");
	unit_is(mg_target_url(arena, &t, NULL, true),
			"postgresql://u@/a%20b?host=%2Frun%2Fmy%20sock&port=5432",
			"a socket's directory is a parameter");
	t = parse("postgresql://u@[::1]:6000/x");
	unit_is(mg_target_url(arena, &t, NULL, true), "postgresql://u@[::1]:6000/x", "IPv6");
	parse("postgresql://u:pass@word@h/d");
	unit_ok(err.set, "an @ in a password is not taken for the end of it");
	parse("postgresql://u:pa/ss@h/d");
	unit_ok(err.set, "nor a / for the end of a port");
	parse("postgresql://u:pa?ss/word@h/d");
	unit_ok(err.set, "nor is there a port without a number");
	t = parse("postgresql://u@h/d?application_name=a@b&options=c@d");
	unit_ok(!err.set, "parameters may have an @");
	t = parse("postgresql://h/");
	unit_is(t.database, t.user, "the database defaults to the user");
}

static void
test_environment(void)
{
	MgTarget t;

	setenv("PGHOST", "envhost", 1);
	setenv("PGUSER", "envuser", 1);
	setenv("PGPASSWORD", "envsecret", 1);
	setenv("PGDATABASE", "envdb", 1);
	t = parse(NULL);
	unit_is(mg_target_url(arena, &t, NULL, false), "postgresql://envuser@envhost:5432/envdb",
			"without a text the environment counts");
	t = parse("postgresql://h2/d2");
	unit_is(mg_target_url(arena, &t, NULL, false), "postgresql://envuser@h2:5432/d2",
			"with one it fills in the rest");
	unit_is(mg_log_redact(arena, "envsecret"), "***", "PGPASSWORD is a secret");
	clean_environment();
}

static void
test_service(void)
{
	char file[] = "/tmp/mg-service-XXXXXX";
	int fd = mkstemp(file);
	MgTarget t;

	dprintf(fd, "[far]\nhost=service.example\nport=6543\ndbname=sdb\nuser=su\n");
	close(fd);
	setenv("PGSERVICEFILE", file, 1);
	setenv("PGHOST", "envhost", 1);
	t = parse("service=far dbname=mine");
	unit_is(mg_target_url(arena, &t, NULL, false), "postgresql://su@service.example:6543/mine",
			"a service wins over the environment, the text over the service");
	unit_is(getenv("PGSERVICE"), NULL, "the environment is as before");
	setenv("PGSERVICE", "far", 1);
	t = parse(NULL);
	unit_is(t.host, "service.example", "PGSERVICE wins over PGHOST");
	t = parse("service=nowhere");
	unit_is(t.keywords[0], "service", "an unknown service is left to libpq to refuse");
	unsetenv("PGSERVICEFILE");
	unlink(file);
	clean_environment();
}

static void
test_passwords(void)
{
	setenv("PGPASSWORD", "envsecret", 1);
	unit_ok(mg_target_holds_password("postgresql://u:p%40ss@h/d"), "a URL with a password");
	unit_ok(mg_target_holds_password("postgresql+x://h/d?password=p"), "or with one as a parameter");
	unit_ok(mg_target_holds_password("host=h password=p"), "a conninfo string with one");
	unit_ok(!mg_target_holds_password("postgresql://u@h/d"), "one without, whatever PGPASSWORD is");
	unit_ok(!mg_target_holds_password("nonsense"), "what cannot be read holds none");
	clean_environment();
}

static const char *
variable(const MgStrings *environment, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < environment->count; i++)
		if (strncmp(environment->items[i], name, len) == 0 && environment->items[i][len] == '=')
			return environment->items[i] + len + 1;
	return NULL;
}

static void
test_setenv(void)
{
	MgTarget t = parse("postgresql://u:s3cr3t@h:1/d?sslmode=disable");
	MgStrings environment;

	mg_strings_init(&environment, arena);
	mg_strings_add(&environment, "PGHOST=old");
	mg_strings_add(&environment, "PGSERVICE=old");
	mg_strings_add(&environment, "PGHOSTADDR=10.0.0.1");
	mg_strings_add(&environment, "HOME=/home/x");
	mg_target_setenv(&t, &environment);
	unit_is(variable(&environment, "PGHOST"), "h", "PGHOST is replaced");
	unit_is(variable(&environment, "PGPASSWORD"), "s3cr3t", "PGPASSWORD is set");
	unit_is(variable(&environment, "PGSSLMODE"), "disable", "PGSSLMODE is set");
	unit_is(variable(&environment, "PGSERVICE"), NULL, "a service does not lead elsewhere");
	unit_is(variable(&environment, "PGHOSTADDR"), NULL, "nor does an address");
	unit_is(variable(&environment, "HOME"), "/home/x", "other variables stay");
}

static void
test_variants(void)
{
	MgTarget t = parse("postgresql://u:pw12@h:1/d?sslmode=require&options=-c%20a%3Db");
	const MgTarget *other = mg_target_with_database(arena, &t, "clone \"x\"");

	unit_is(mg_target_url(arena, other, NULL, false),
			"postgresql://u@h:1/clone%20%22x%22?options=-c%20a%3Db&sslmode=require",
			"another database");
	unit_is(t.database, "d", "the first target stays");
	unit_contains(mg_target_url(arena, mg_target_with_option(arena, &t, "-c x=y"), NULL, false),
				  "options=-c%20a%3Db%20-c%20x%3Dy", "one more option");
	unit_is(mg_target_jdbc_url(arena, &t, "-c x=y", "app&name"),
			"jdbc:postgresql://h:1/d?sslmode=require&options=-c%20x%3Dy&ApplicationName=app%26name",
			"JDBC, without user and password");
	t = parse("postgresql://u@/d?host=/run/pg");
	unit_is(mg_target_jdbc_url(arena, &t, NULL, NULL), "jdbc:postgresql://localhost:5432/d",
			"JDBC knows no sockets");
}

static void
refused(const char *text, const char *part, const char *name)
{
	MgTarget target;

	mg_err_init(&err, arena);
	unit_ok(!mg_target_parse(arena, text, &target, &err) && err.exit_code == MG_EXIT_CONFIG, name);
	unit_contains(err.message, part, "and says why");
	unit_ok(err.hint != NULL, "with a hint");
	unit_ok(err.detail == NULL || strstr(err.detail, "hush") == NULL, "without the secret in it");
}

int
main(void)
{
	arena = mg_arena_new();
	clean_environment();
	test_parse();
	test_environment();
	test_service();
	test_passwords();
	test_setenv();
	test_variants();
	refused("mysql://u:hush@h/d", "scheme \"mysql\"", "another system's URL");
	refused("jdbc:postgresql://h/d?password=hush", "JDBC", "a JDBC URL");
	refused("postgresql://u:hush%zz@h/d", "cannot be understood", "a bad escape");
	refused("host=h password=hush extra hush", "cannot be understood", "a word too many");
	refused("mydb", "neither a URL", "a bare word");
	refused("postgresql://u@h/d?nonsense=hush", "cannot be understood", "an unknown parameter");
	mg_arena_free(arena);
	return unit_done();
}
