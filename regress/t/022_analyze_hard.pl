# analyze() and statements() on input that is hostile, broken or large: they never fail on a text,
# never run code of it, never wait for a lock, and leave the session as it was.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;
use Time::HiRes qw(time);

use SafeDeployTest;

my $server = SafeDeployTest->new('hard', conf => 'track_counts = off');
$server->create_database('hard', options => "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
$server->sql('hard', <<'SQL');
CREATE TABLE t (a integer, b varchar(10));
INSERT INTO t SELECT g, 'x' FROM generate_series(1, 1000) g;
-- whoever plants these hopes that the planner evaluates them; the sequence keeps the trace
CREATE SEQUENCE traces;
CREATE TABLE keyed (a integer PRIMARY KEY);
CREATE FUNCTION planted(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('traces'); RETURN 1; END $$;
CREATE FUNCTION wrapper() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT planted(1)';
CREATE DOMAIN trap AS integer CHECK (planted(1) = VALUE);
CREATE ROLE nobody_special;
SELECT safedeploy.grant_reader('nobody_special');
SQL

# analyze SCRIPT-EXPRESSION: rules found, comma separated, without what is for information only; the
# expression is SQL
sub rules_of
{
	my ($expression, %opt) = @_;
	my $before = $opt{before} || '';
	my ($rc, $out, $err) = $server->try_sql('hard', "SET statement_timeout = '60s'; $before SELECT string_agg(rule, ',' ORDER BY statement, rule) FROM safedeploy.analyze($expression) WHERE severity <> 'info';");
	return $rc == 0 ? "$out$err" : "error: $err";
}

# What fuzzing has found: every function answers, and the server stays up.
foreach my $file (glob abs_path(dirname(__FILE__) . '/../fixtures/fuzz') . '/*.sql')
{
	my $sql = 'pg_read_file(' . quote_literal($file) . ')';
	foreach my $function (qw(statements analyze predict))
	{
		my ($rc, $out, $err) = $server->try_sql('hard', "SELECT count(*) > 0 FROM safedeploy.$function($sql)");
		is("$rc $out$err", "0 t", "$function() of " . basename($file));
	}
}

# Broken text
like(rules_of(q{repeat('(', 100000)}),        qr/^syntax-error$/,  '100,000 open parentheses');
like(rules_of(q{'SELECT ' || repeat('(', 4000) || '1' || repeat(')', 4000)}), qr/^(unanalysable)?$/, '4,000 parentheses');
like(rules_of(q{'SELECT ' || repeat('1+', 3000) || '1; DROP TABLE t'}), qr/drop-table$/, 'a sum of 3,000 terms');
like(rules_of(q{'SELECT ' || repeat('1+', 300000) || '1; DROP TABLE t'}), qr/^unanalysable,drop-table$/, 'a tree too deep to walk is said so, and what follows is seen');
like(rules_of(q{'DELETE FROM t WHERE ' || repeat('NOT ', 5000) || 'true'}), qr/^(unanalysable|syntax-error)?$/, 'a deep condition');
like(rules_of(q{repeat('/*', 500000)}),       qr/^syntax-error$/,  'comments that are not closed');
like(rules_of(q{E'SELECT \x27a; DROP TABLE t;'}), qr/^syntax-error$/, 'a quote that is not closed');
like(rules_of(q{'SELECT $a$; DROP TABLE t;'}), qr/^syntax-error$/, 'a dollar quote that is not closed');
like(rules_of(q{'DO $$ BEGIN DELETE FROM t; DROP TABLE t $$'}), qr/delete-without-where/, 'a body that ends early');
like(rules_of(q{'DO $$ BEGIN ' || repeat('IF x THEN ', 10000) || ' TRUNCATE t; $$'}), qr/^truncate$/, 'deep blocks');
like(rules_of(q{'DO $a$ BEGIN DO $b$ BEGIN DO $c$ BEGIN TRUNCATE t; END $c$; END $b$; END $a$'}), qr/^truncate$/, 'bodies in bodies');
is(rules_of(q{''}), '', 'nothing');
is(rules_of(q{E'\n\t '}), '', 'blanks');
is(rules_of(q{'DROP TABLE a.b.c.d'}), 'drop-table,missing-object', 'a name of four parts');
is(rules_of(q{'DROP TABLE other.public.t'}), 'drop-table', 'a name of three parts');
is(rules_of(q{'DROP SCHEMA "' || repeat('x', 500) || '"'}), 'drop-schema,identifier-too-long', 'a long name');
is(rules_of(q{'DROP TYPE a.b.c CASCADE'}), 'drop-type-cascade', 'a type that is nowhere');
is(rules_of(q{'ALTER TABLE t ALTER COLUMN a TYPE nothing.at_all'}), 'alter-column-type-rewrite', 'a type that is nowhere is not called harmless');
is(rules_of(q{'ALTER TABLE t ALTER COLUMN nix SET NOT NULL'}), 'missing-object,set-not-null-scan', 'a column that is nowhere is not called harmless');
is(rules_of(q{'SET search_path = "unclosed; TRUNCATE t'}), 'syntax-error', 'a setting that is broken');
is(rules_of(q{'SET search_lath TO a, b; TRUNCATE t'}), 'truncate', 'a setting that takes no list');
is(rules_of(q{'SET search_path = 1.5; TRUNCATE public.t'}), 'truncate', 'a setting of the wrong kind');

# Random bytes, and random pieces of SQL
my $fuzz = <<'SQL';
SET client_min_messages = error;
DO $do$
DECLARE
	words text[] := ARRAY['DROP', 'TABLE', 't', 'ALTER', 'COLUMN', 'a', 'TYPE', 'integer', 'USING', '(', ')', ';', '''', '"', '$$', '$a$', 'BEGIN', 'END', 'CASE', 'DO', 'EXECUTE',
		'--', E'\n', '/*', '*/', E'\\', 'COPY', 'FROM', 'stdin', E'\\.', 'E''', ',', 'SELECT', '1', 'CREATE', 'FUNCTION', 'AS', 'LANGUAGE', 'plpgsql', 'INTO', 'STRICT', 'FOR', 'IN', 'LOOP', 'SET', 'search_path', '=', 'WITH', 'DELETE', 'UPDATE', 'TRUNCATE', 'VALIDATE', 'CONSTRAINT', 'ADD', 'CHECK', 'DEFAULT', 'RENAME', 'TO', 'SCHEMA', 'INDEX', 'ON', 'ROLLBACK', 'SAVEPOINT', 'x', U&'\00E9'];
	script text;
	n bigint := 0;
BEGIN
	PERFORM setseed(0.5);
	FOR i IN 1 .. 3000 LOOP
		SELECT string_agg(words[1 + floor(random() * array_length(words, 1))::int], CASE WHEN random() < 0.9 THEN ' ' ELSE '' END)
			INTO script FROM generate_series(1, 1 + floor(random() * 40)::int);
		PERFORM count(*) FROM safedeploy.analyze(script);
		PERFORM count(*) FROM safedeploy.statements(script);
		n := n + 1;
	END LOOP;
	FOR i IN 1 .. 1000 LOOP
		SELECT string_agg(chr(1 + floor(random() * 126)::int), '') INTO script FROM generate_series(1, 1 + floor(random() * 200)::int);
		PERFORM count(*) FROM safedeploy.analyze(script);
		n := n + 1;
	END LOOP;
	EXECUTE 'CREATE TABLE fuzzed AS SELECT ' || n || ' AS n';
END $do$;
SELECT n FROM fuzzed;
SQL
is($server->sql('hard', $fuzz), '4000', '4,000 random scripts');
is($server->sql('hard', 'SELECT count(*) FROM t'), '1000', 'none of them did anything');

# Pieces cover the text: what is not in a statement is blank, comment or semicolon
is($server->sql('hard', <<'SQL'), 't', 'statements are in order and hold the text at their position');
WITH s(script) AS (VALUES (E'SELECT 1; -- é\n  SELECT ''ü;'' ;\r\n\\echo é\nCOPY t FROM stdin;\né\n\\.\nSELECT é')),
r AS (SELECT x.*, script, lag(position + length, 1, 1) OVER (ORDER BY number) AS free FROM s, safedeploy.statements(script) x)
SELECT bool_and(substr(script, position, length) = text AND position >= free AND line = 1 + length(substr(script, 1, position - 1)) - length(replace(substr(script, 1, position - 1), E'\n', ''))) FROM r
SQL

# Large text and time-outs
my $big = q{(SELECT string_agg('INSERT INTO t VALUES (' || g || ', ''' || repeat('x', 60) || ''')', E';\n') FROM generate_series(1, 12000) g)};
is(rules_of($big), '', 'a script above 1 MB');
my ($rc, $out, $err) = $server->try_sql('hard', qq{SET safedeploy.max_script_size = '1MB'; SELECT count(*) FROM safedeploy.analyze(repeat('SELECT 1; ', 200000))});
like($err, qr/54000/, 'a script above safedeploy.max_script_size is refused');
like($err, qr/safedeploy\.max_script_size/, 'and the way through is named');
my $start = time;
($rc, $out, $err) = $server->try_sql('hard', qq{SET statement_timeout = '300ms'; SELECT count(*) FROM safedeploy.analyze(repeat('ALTER TABLE t ADD COLUMN c int DEFAULT planted(1); ', 150000))});
like($err, qr/57014/, 'a time-out is obeyed');
cmp_ok(time - $start, '<', 5, 'and soon');

# What is known of a table goes with its name, and grows no longer by each new one
unlike(rules_of(q{'ALTER TABLE t ADD COLUMN c integer; ' || repeat('ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t; ', 200) || 'ALTER TABLE t DROP COLUMN c'}),
	qr/error|drop-column/, 'a table that is renamed 400 times');

# What was read of routines is kept in the session, and no longer than it is true
my $session = $server->node->background_psql('hard');
my $breaks = q{SELECT count(*) FROM safedeploy.analyze('ALTER TABLE named_by RENAME TO x') WHERE rule = 'plpgsql-body-break';};
my $uses = q{FUNCTION uses_it() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM 1 FROM named_by; END'};
my $does_not = q{CREATE OR REPLACE FUNCTION uses_it() RETURNS void LANGUAGE plpgsql AS 'BEGIN NULL; END'};
$server->sql('hard', 'CREATE TABLE named_by (a integer)');
is($session->query($breaks), 0, 'nobody names a table');
$server->sql('hard', "CREATE $uses");
is($session->query($breaks), 1, 'a routine that another session makes is seen');
$session->query("BEGIN; $does_not");
is($session->query($breaks), 0, 'and what the own transaction makes of it');
$session->query('ROLLBACK');
is($session->query($breaks), 1, 'until it is rolled back');
$session->query($does_not);
is($session->query($breaks), 0, 'or done');
$session->quit;

# Code of the database or the script is not run
for my $script (
	'ALTER TABLE t ADD COLUMN c integer DEFAULT planted(1)',
	'ALTER TABLE t ADD COLUMN c integer DEFAULT wrapper()',
	'ALTER TABLE t ADD COLUMN c trap',
	'ALTER TABLE t ALTER COLUMN a TYPE bigint USING planted(1)',
	'ALTER TABLE t ALTER COLUMN a TYPE trap',
	'SELECT planted(1)', 'CALL planted(1)')
{
	unlike(rules_of(quote_literal($script)), qr/error/, "analysed: $script");
	is($server->sql('hard', 'SELECT is_called FROM traces'), 'f', 'and its code not run');
}
$server->sql('hard', 'SELECT planted(1)');
is($server->sql('hard', 'SELECT is_called FROM traces'), 't', 'a run would have left its trace');

# Locks of others are not waited for
my $holder = $server->node->background_psql('hard');
$holder->query_safe('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE;');
$start = time;
is(rules_of(
		q{'DROP TABLE t; ROLLBACK; ALTER TABLE t ALTER COLUMN b TYPE varchar(5); ALTER TABLE t ALTER COLUMN a SET NOT NULL, ADD COLUMN c integer DEFAULT 1 CHECK (c > 0); CREATE INDEX ON t (a)'},
		before => q{SET statement_timeout = '20s';}),
	'drop-table,own-commit,alter-column-type-rewrite,alter-type-narrowing,add-column-check,new-restriction,set-not-null-scan,create-index-nonconcurrent',
	'a locked table is analysed');
cmp_ok(time - $start, '<', 5, 'without waiting');
$holder->query_safe('ROLLBACK');
$holder->quit;

# The session stays as it was
is($server->sql('hard', <<'SQL'), "off|pg_catalog, public|t\n0", 'settings and locks are as before');
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET search_path = pg_catalog, public;
BEGIN;
CREATE TEMPORARY TABLE found AS SELECT * FROM safedeploy.analyze('SET search_path = nowhere; SET timezone = ''Asia/Tokyo''; SET standard_conforming_strings = off; ALTER TABLE public.t ADD COLUMN c integer DEFAULT 1');
SELECT current_setting('standard_conforming_strings'), current_setting('search_path'), current_setting('timezone') <> 'Asia/Tokyo';
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.t'::regclass;
COMMIT;
SQL
like(rules_of(q{'SELECT 1'}, before => 'SET standard_conforming_strings = off; SET escape_string_warning = off;'),
	qr/^standard-conforming-strings-off$/, 'a session that reads backslashes as escapes is told so');
like(rules_of(q{$$SELECT 'a\'; DROP TABLE t; --'$$}, before => 'SET standard_conforming_strings = off; SET escape_string_warning = off;'),
	qr/drop-table/, 'and hides nothing by it');
is(rules_of(q{'DROP TABLE t'}, before => 'BEGIN READ ONLY;'), 'drop-table', 'in a read-only transaction');
is(rules_of(q{'DROP TABLE t'}, before => 'SET search_path = pg_catalog;'), 'drop-table,missing-object', q{names follow the caller's search_path});
is($server->sql('hard', "SET ROLE nobody_special; SELECT string_agg(rule, ',') FROM safedeploy.analyze('TRUNCATE public.t') WHERE severity <> 'info'; SELECT count(*) > 0 FROM safedeploy.rules"), "truncate,insufficient-privilege\nt", 'a reader may analyse');
($rc, $out, $err) = $server->try_sql('hard', "REVOKE ALL ON SCHEMA safedeploy FROM nobody_special; CREATE ROLE outsider; GRANT USAGE ON SCHEMA safedeploy TO outsider; SET ROLE outsider; SELECT * FROM safedeploy.analyze('SELECT 1')");
like($err, qr/42501/, 'others may not');

done_testing();
