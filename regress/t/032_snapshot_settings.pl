# No setting of a session, no role, no transaction and no standby changes what a snapshot says.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time);

my $server = SafeDeployTest->new('settings', conf => "wal_level = replica\nmax_wal_senders = 5\nhot_standby = on");
$server->create_database('app', options => q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'});
$server->sql('app', <<'SQL');
CREATE SCHEMA "Odd schema";
CREATE SCHEMA app;
CREATE TABLE app.t (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	"select" text DEFAULT E'back\\slash and ''quote''',
	d date DEFAULT DATE '2024-02-03' CHECK (d > DATE '1999-12-31'),
	ts timestamptz DEFAULT TIMESTAMPTZ '2024-02-03 04:05:06.789+09',
	i interval DEFAULT INTERVAL '1 year -2 months 3 days 04:05:06.7',
	by bytea DEFAULT '\xdeadbeef00'::bytea,
	f float8 DEFAULT 0.1::float8 + 0.2::float8 CHECK (f <> 1.0000000000000002::float8),
	r real DEFAULT 3.4028235e38::real,
	m money DEFAULT 1234567.89::money,
	x xml DEFAULT '<?xml version="1.0"?><a/>'::xml,
	reg regclass DEFAULT 'app.t'::regclass,
	arr text[] DEFAULT ARRAY['NULL', NULL, 'a b'],
	"ümläut ""x" text COLLATE "C"
);
CREATE TABLE app.p (at timestamptz, n interval) PARTITION BY RANGE (at, n);
CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM ('2024-01-01 00:00:00+09', '1 mon') TO ('2024-07-01 00:00:00-03', '1 mon 00:00:01');
CREATE TABLE app.lf (f float8) PARTITION BY LIST (f);
CREATE TABLE app.lf1 PARTITION OF app.lf FOR VALUES IN (0.30000000000000004);
CREATE TABLE "Odd schema"."T" ("order" integer, "Mixed" app.t);
CREATE INDEX "I x" ON "Odd schema"."T" (("order" + 1)) WHERE "order" > 5;
CREATE FUNCTION app.f(a timestamptz DEFAULT TIMESTAMPTZ 'epoch', b interval DEFAULT '36:00') RETURNS interval LANGUAGE sql RETURN b + (a - TIMESTAMPTZ '2001-02-03 04:05:06+00');
CREATE FUNCTION app.g() RETURNS void LANGUAGE plpgsql SET "DateStyle" = 'German' SET search_path = app, public AS 'BEGIN END';
CREATE VIEW app.v AS SELECT t.ts, t.d, app.f(t.ts, INTERVAL '3 days') AS f, '\x00ff'::bytea AS b, xmlelement(name a, '\x01'::bytea) AS xe FROM app.t JOIN "Odd schema"."T" AS o ON o."order" = t.id WHERE t.ts > TIMESTAMPTZ '2024-01-01 12:00:00+00' AND t.m > '$5.00'::money;
CREATE MATERIALIZED VIEW app.m AS SELECT d, count(*) FROM app.v GROUP BY d;
ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON app.t USING (ts > TIMESTAMPTZ '2020-02-02 20:20:20+00' AND "select" = current_user);
CREATE RULE r AS ON DELETE TO app.p WHERE old.at > TIMESTAMPTZ '2030-01-01 00:00:00+00' DO INSTEAD NOTHING;
CREATE FUNCTION app.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE UPDATE ON app.t FOR EACH ROW WHEN (OLD.ts < TIMESTAMPTZ '2022-02-02 20:20:20+00' AND NEW.by <> '\xab'::bytea) EXECUTE FUNCTION app.tr('x');
CREATE DOMAIN app.dom AS interval DEFAULT '1 day' CHECK (VALUE > INTERVAL '1 hour 1 min');
CREATE STATISTICS app.st ON (date_trunc('day', ts AT TIME ZONE 'UTC')), d FROM app.t;
COMMENT ON TABLE app.t IS 'ü';
-- what a search_path must not find
CREATE SCHEMA evil;
CREATE FUNCTION evil.format_type(oid, integer) RETURNS text LANGUAGE sql AS $$SELECT 'evil'$$;
CREATE FUNCTION evil.quote_ident(text) RETURNS text LANGUAGE sql AS $$SELECT 'evil'$$;
CREATE FUNCTION evil.no(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.no);
CREATE TABLE evil.pg_class (oid integer);
CREATE TYPE evil.text AS ENUM ('x');
CREATE ROLE other LOGIN;
SELECT safedeploy.grant_reader('other');
SQL

# What the server's own functions print, for comparison.
my $theirs = q{SELECT md5(string_agg(t, ' ' ORDER BY n, t)) FROM (
	SELECT adrelid::pg_catalog.text || adnum AS n, pg_get_expr(adbin, adrelid) AS t FROM pg_attrdef
	UNION ALL SELECT oid::pg_catalog.text, pg_get_constraintdef(oid) FROM pg_constraint WHERE oid >= 16384
	UNION ALL SELECT oid::pg_catalog.text, pg_get_viewdef(oid) FROM pg_catalog.pg_class WHERE relkind = 'v' AND oid >= 16384
	UNION ALL SELECT oid::pg_catalog.text, pg_get_expr(relpartbound, oid) FROM pg_catalog.pg_class WHERE relpartbound IS NOT NULL
	UNION ALL SELECT indexrelid::pg_catalog.text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid >= 16384) AS q};
my $ours = q{SELECT safedeploy.fingerprint(); SELECT md5(string_agg(kind || identity || definition::pg_catalog.text || coalesce(phys::pg_catalog.text, ''), ' ' ORDER BY kind COLLATE "C", identity COLLATE "C")) FROM safedeploy.objects()};

sub both
{
	my ($before) = @_;
	my @lines = split /\n/, $server->sql('app', "$before; SET client_min_messages = error; $ours; $theirs");
	return (join(' ', @lines[ -3, -2 ]), $lines[-1]);
}

# 1. Settings: name, value, whether the server's own functions are led by it.
my @locales = grep { /^(?:de_DE|fr_FR|en_US|C)\.(?:utf-?8)$/i } split /\n/, `locale -a`;
my @settings = (
	[ TimeZone => 'Asia/Tokyo', 1 ], [ TimeZone => 'America/St_Johns', 1 ], [ TimeZone => '<+0030>-00:30', 1 ],
	[ DateStyle => 'German, DMY', 1 ], [ DateStyle => 'SQL, MDY', 1 ], [ DateStyle => 'Postgres, YMD', 1 ],
	[ IntervalStyle => 'iso_8601', 1 ], [ IntervalStyle => 'sql_standard', 1 ], [ IntervalStyle => 'postgres_verbose', 1 ],
	[ search_path => 'app', 1 ], [ search_path => '', 0 ], [ search_path => 'evil, pg_catalog', 0 ], [ search_path => 'app, "Odd schema", evil', 1 ],
	[ quote_all_identifiers => 'on', 1 ], [ bytea_output => 'escape', 1 ], [ extra_float_digits => '-15', 1 ], [ extra_float_digits => '0', 1 ],
	[ xmlbinary => 'hex' ], [ xmloption => 'document' ], [ standard_conforming_strings => 'off' ], [ escape_string_warning => 'off' ],
	[ backslash_quote => 'off' ], [ array_nulls => 'off' ], [ transform_null_equals => 'on' ], [ row_security => 'off' ],
	[ default_transaction_isolation => 'serializable' ], [ default_transaction_isolation => 'repeatable read' ], [ default_transaction_read_only => 'on' ],
	[ default_transaction_deferrable => 'on' ], [ client_encoding => 'LATIN1' ], [ client_encoding => 'SQL_ASCII' ], [ work_mem => '64kB' ],
	[ default_tablespace => 'pg_default' ], [ default_table_access_method => 'heap' ], [ default_toast_compression => 'pglz' ], [ session_replication_role => 'replica' ],
	[ force_parallel_mode => 'on' ], [ jit => 'on' ], [ enable_indexscan => 'off' ], [ enable_seqscan => 'off' ], [ enable_hashjoin => 'off' ],
	[ plan_cache_mode => 'force_generic_plan' ], [ constraint_exclusion => 'on' ], [ check_function_bodies => 'off' ], [ lock_timeout => '1ms' ], [ role => 'other' ],
	(map { [ lc_messages => $_ ], [ lc_monetary => $_ ], [ lc_numeric => $_ ], [ lc_time => $_ ] } @locales));
my ($expected, $theirs_default) = both('SELECT 1');
my (@led, @wrong);
foreach my $case (@settings)
{
	my ($name, $value, $leads) = @$case;
	my ($mine, $server_text) = eval { both("SET $name = " . ($name eq 'search_path' ? ($value eq '' ? "''" : $value) : "'$value'")) };
	push @wrong, "$name = $value" . ($@ ? ": $@" : '') if !defined $mine || $mine ne $expected;
	push @led, "$name = $value" if $leads && $server_text eq $theirs_default;
}
is("@wrong", '', scalar(@settings) . ' settings, one after the other, change nothing');
is("@led", '', 'although ' . scalar(grep { $_->[2] } @settings) . ' of them change what pg_get_expr() and the like print');
my %last = map { ($_->[0] => $_->[1]) } grep { $_->[0] !~ /read_only|client_encoding|^role/ } @settings;
my ($all) = both(join '; ', map { "SET $_ = " . ($_ eq 'search_path' ? $last{$_} : "'$last{$_}'") } sort keys %last);
is($all, $expected, 'nor do all of them together');
is($server->sql('app', q{SET TimeZone = 'Asia/Tokyo'; SET extra_float_digits = 0; SET search_path = app; SELECT safedeploy.fingerprint() IS NOT NULL; SHOW TimeZone; SHOW extra_float_digits; SHOW search_path}),
	"t\nAsia/Tokyo\n0\napp", 'and they are as they were afterwards');
$server->try_sql('app', q{SELECT 1});
is($server->sql('app', q{SET lock_timeout = 0; SELECT safedeploy.fingerprint() IS NOT NULL; SHOW lock_timeout}), "t\n0", 'lock_timeout as well');

# 2. Roles: whoever may call it sees the same, whatever he may read.
my ($print) = split / /, $expected;
is($server->node->safe_psql('app', 'SELECT safedeploy.fingerprint()', extra_params => [ '-U', 'other' ]), $print, 'a role that may read no table sees the same');
my ($rc, undef, $error) = $server->try_sql('app', 'SET ROLE other; SELECT * FROM app.t');
like($error, qr/ERROR:  42501/, 'of which it may read nothing');

# 3. Transactions.
my $other = sub { $server->sql('app', $_[0]) };
foreach my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE', 'SERIALIZABLE READ ONLY DEFERRABLE')
{
	my $session = $server->node->background_psql('app', on_error_stop => 1);
	$session->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pg_class; SELECT safedeploy.fingerprint() = '$print'");
	$other->('ALTER TABLE app.p ADD COLUMN later integer; CREATE VIEW app.later AS SELECT later FROM app.p');
	my $now = $server->fingerprint('app');
	isnt($now, $print, 'another session changes the schema');
	is($session->query_safe('SELECT safedeploy.fingerprint()'), $now, "$level: the schema as it is now");
	is($session->query_safe(q{SELECT count(*) FROM safedeploy.objects() WHERE identity = 'app.later'}), 1, "$level: also in objects()");
	$other->('DROP VIEW app.later; ALTER TABLE app.p DROP COLUMN later');
	$session->query_safe('COMMIT');
	$session->quit;
}
# the dropped column leaves a hole that is no schema
is($server->fingerprint('app'), $print, 'and back');
my $id = $server->sql('app', q{SELECT safedeploy.take_snapshot('before')});
my $ddl = 'ALTER TABLE app.t RENAME COLUMN d TO d2; CREATE TABLE app.fresh (a integer DEFAULT 1); CREATE VIEW app.w AS SELECT d2 FROM app.t; CREATE TEMP TABLE tmp (a integer)';
my $inside = $server->sql('app', "BEGIN; $ddl; SELECT safedeploy.fingerprint(); ROLLBACK");
isnt($inside, $print, 'uncommitted DDL of its own is seen');
is($server->fingerprint('app'), $print, 'and gone after the rollback');
is($server->sql('app', "BEGIN; SAVEPOINT s; $ddl; SELECT safedeploy.fingerprint() = '$inside'; ROLLBACK TO s; SELECT safedeploy.fingerprint() = '$print'; $ddl; SELECT safedeploy.fingerprint() = '$inside'; ROLLBACK"),
	"t\nt\nt", 'likewise with a subtransaction that aborts');
is($server->sql('app', "BEGIN; SAVEPOINT s; SELECT safedeploy.take_snapshot() > 0; ROLLBACK TO s; SELECT count(*) FROM safedeploy.snapshot WHERE id > $id; COMMIT"), "t\n0", 'a snapshot of an aborted subtransaction is not there');
is($server->sql('app', "DO \$\$ BEGIN BEGIN ALTER TABLE app.t RENAME COLUMN d TO d2; IF safedeploy.fingerprint() = '$print' THEN RAISE 'not seen'; END IF; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; IF safedeploy.fingerprint() <> '$print' THEN RAISE 'left over'; END IF; END \$\$; SELECT 1"),
	1, 'also in a block with an exception handler');
is($server->sql('app', "BEGIN READ ONLY; SELECT safedeploy.fingerprint() = '$print', (SELECT count(*) > 0 FROM safedeploy.objects()), (SELECT count(*) FROM safedeploy.diff($id)); COMMIT"), 't|t|0', 'a read-only transaction can compare');
($rc, undef, $error) = $server->try_sql('app', 'BEGIN READ ONLY; SELECT safedeploy.take_snapshot()');
like($error, qr/ERROR:  25006/, 'but not store');

# 4. A standby.
my $node = $server->node;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('app', 'SELECT pg_is_in_recovery(), safedeploy.fingerprint()'), "t|$print", 'a standby has the same fingerprint');
is($standby->safe_psql('app', "SELECT count(*) FROM safedeploy.diff($id)"), 0, 'and compares with stored snapshots');
my $there = $standby->safe_psql('app', 'SELECT count(*) FROM safedeploy.objects()');
is($there, $server->sql('app', 'SELECT count(*) FROM safedeploy.objects()'), 'it has all objects');
($rc, undef, $error) = $standby->psql('app', 'SELECT safedeploy.take_snapshot()');
like($error, qr/read-only/, 'it cannot store one');
# an exclusive lock of the primary is held on the standby too
my $locker = $node->background_psql('app', on_error_stop => 1);
$server->sql('app', 'CREATE VIEW app.sample AS SELECT n FROM app.p TABLESAMPLE system (1)');
$locker->query_safe('BEGIN; ALTER TABLE app.p ADD COLUMN x integer');
$server->sql('app', 'CREATE TABLE app.after (a integer)');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my $start = time;
is($standby->safe_psql('app', q{SELECT string_agg(identity, ' ') FROM safedeploy.objects() WHERE definition ? 'unread'}), 'app.sample', 'what a lock of the primary hides is unread on the standby');
cmp_ok(time - $start, '<', 3, 'at once');
is($standby->safe_psql('app', q{SELECT count(*) FROM safedeploy.objects() WHERE identity = 'app.after'}), 1, 'the rest is there');
$locker->query_safe('ROLLBACK');
$locker->quit;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('app', 'SELECT safedeploy.fingerprint()'), $server->fingerprint('app'), 'both agree afterwards');
$standby->stop;

done_testing();
