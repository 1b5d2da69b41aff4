/*
 * mask_test.c
 *	  Secrets known by the words before them.
 */
#include "mask.h"
#include "unit.h"

static const struct
{
	const char *text;
	const char *masked;
} cases[] = {
	{ "nothing of that kind", "nothing of that kind" },
	{ "CREATE ROLE a PASSWORD 'x''y' LOGIN", "CREATE ROLE a PASSWORD '***' LOGIN" },
	{ "alter role a password E'x\\'y' login", "alter role a password E'***' login" },
	{ "PASSWORD $a$x$b$y$a$ LOGIN", "PASSWORD *** LOGIN" },
	{ "PASSWORD NULL", "PASSWORD NULL" },
	{ "OPTIONS (user 'u', password 'x')", "OPTIONS (user 'u', password '***')" },
	{ "host=h password=x dbname=d", "host=h password=*** dbname=d" },
	{ "PGPASSWORD=x psql", "PGPASSWORD=*** psql" },
	{ "password = \"x y\";", "password = \"***\";" },
	{ "{'password': 'x', 'host': 'h'}", "{'password': '***', 'host': 'h'}" },
	{ "{\"password\": \"x\", \"a\": \"b\"}", "{\"password\": \"***\", \"a\": \"b\"}" },
	{ "postgresql://u:x@h:5432/d", "postgresql://u:***@h:5432/d" },
	{ "postgresql://u:x@y@h/d", "postgresql://u:***@h/d" },
	{ "postgresql://u@h:5432/d", "postgresql://u@h:5432/d" },
	{ "http://h:80/a@b", "http://h:80/a@b" },
	{ "password authentication failed for user \"u\"",
	  "password authentication failed for user \"u\"" },
	{ "password: ", "password: " },
	{ "PASSWORD 'x", "PASSWORD '***'" },
	{ "EXECUTE 'ALTER ROLE a PASSWORD ''x'''; END", "EXECUTE 'ALTER ROLE a PASSWORD '***'; END" },
	{ "format('ALTER ROLE %I PASSWORD %L', 'a', 'x')\nnext",
	  "format('ALTER ROLE %I PASSWORD ***\nnext" },
	{ "LINE 1: ...x'; END $$ NONSENSE;\n   ^", "LINE 1: ...***; END $$ NONSENSE;\n   ^" },
	{ "LINE 12: SELECT 'a' NONSENSE\n", "LINE 12: SELECT 'a' NONSENSE\n" },
	{ "LINE 1: ALTER ROLE a PASSWORD ' || 'x' NONSENSE", "LINE 1: ALTER ROLE a PASSWORD***" },
	{ "OPTIONS (passcode 'x', passwort 'y', pass 'z')",
	  "OPTIONS (passcode '***', passwort '***', pass '***')" },
	{ "host=h pass=x db_pass = y", "host=h pass=*** db_pass = ***" },
	{ "bypass=on passengers='9' 5 passes = 5", "bypass=on passengers='9' 5 passes = 5" },
	{ "fencing token \"5\" is stale", "fencing token \"5\" is stale" },
};

static const struct
{
	const char *text;
	const char *masked;
} json_cases[] = {
	{ "{\"a\":\"PASSWORD 'x\\\"y' b\",\"c\":1}", "{\"a\":\"PASSWORD '***' b\",\"c\":1}" },
	{ "{\"a\":\"PASSWORD 'x\",\"c\":\"it's\"}", "{\"a\":\"PASSWORD '***'\",\"c\":\"it's\"}" },
	{ "{\"password\":\"kept\",\"c\":1}", "{\"password\":\"kept\",\"c\":1}" },
	{ "{\"a\":\"password=x\",\"c\":1}", "{\"a\":\"password=***\",\"c\":1}" },
	{ "{\"a\":\"postgres://u:x@h\",\"c\":\"@\"}", "{\"a\":\"postgres://u:***@h\",\"c\":\"@\"}" },
	{ "{\"a\":\"postgres://u:x\",\"c\":\"@\"}", "{\"a\":\"postgres://u:x\",\"c\":\"@\"}" },
};

int
main(void)
{
	MgArena *arena = mg_arena_new();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		unit_is(mg_mask(arena, cases[i].text, false), cases[i].masked, cases[i].text);
	for (size_t i = 0; i < sizeof json_cases / sizeof json_cases[0]; i++)
		unit_is(mg_mask(arena, json_cases[i].text, true), json_cases[i].masked, json_cases[i].text);
	mg_arena_free(arena);
	return unit_done();
}
