# Probes beside others: locks that keep readers out, the bound in time, a cancel by the user, time-outs
# of the session, samples of large tables, indexes.  Whatever ends a probe, the session goes on.
use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use SafeDeployTest;

my $server = SafeDeployTest->new('bounds');
$server->create_database('app');
$server->sql('app', <<'SQL');
CREATE TABLE t (id integer PRIMARY KEY, a integer);
INSERT INTO t SELECT g, g FROM generate_series(1, 1000) g;
CREATE FUNCTION slow(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(0.05); RETURN true; END';
CREATE FUNCTION writes(integer) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM nextval(''public.s''); RETURN true; END';
CREATE SEQUENCE s;
CREATE TABLE large (id integer PRIMARY KEY, a integer, b integer, c integer, fill text);
INSERT INTO large SELECT g, CASE WHEN g <> 19999 THEN g END, CASE WHEN g % 3 > 0 THEN g END, g, repeat('x', 200) FROM generate_series(1, 20000) g;
CREATE INDEX ON large (a);
ANALYZE;
SQL

# probe SCRIPT, SETTINGS: the row of probe(), and the seconds that it took; in a transaction that then goes on
sub probe
{
	my ($script, $settings) = @_;
	my $began = time;
	my $out   = $server->sql('app', join "\n", 'BEGIN;', ($settings // ''),
		"SELECT to_json(p) FROM safedeploy.probe(\$p\$$script\$p\$) p;", 'SELECT count(*) FROM t;', 'COMMIT;');
	my $took = time - $began;
	my ($json, $count) = $out =~ /^(\{.*\})\n(\d+)$/m;
	is($count, 1000, "the session goes on after: $script");
	return (JSON::PP->new->decode($json), $took);
}

# a lock that keeps readers out
{
	my $holder = $server->node->background_psql('app');
	$holder->query_safe('BEGIN');
	$holder->query_safe('LOCK TABLE large');
	my ($row, $took) = probe('ALTER TABLE large ALTER a SET NOT NULL');
	is($row->{verdict}, 'unknown', 'a locked table');
	like($row->{detail}, qr/another session holds a lock/, 'says so');
	cmp_ok($took, '<', 5, 'nobody waited');
	my $analyzed = $server->sql('app', "SET safedeploy.probe = on; SELECT probe ->> 'verdict' FROM safedeploy.analyze('ALTER TABLE large ALTER a SET NOT NULL') WHERE probe IS NOT NULL AND rule = 'set-not-null-scan'");
	is($analyzed, 'unknown', 'neither did analyze()');
	$holder->query_safe('ROLLBACK');
	$holder->quit;
}

# the bound in time
{
	my ($row, $took) = probe('ALTER TABLE t ADD CHECK (slow(a))', "SET LOCAL safedeploy.probe_time = '300ms';");
	is($row->{verdict}, 'unknown', 'a slow condition');
	is($row->{bound},   'time',    'is ended in time');
	like($row->{detail}, qr/the bound is safedeploy\.probe_time \(300 ms\)/, 'says so');
	cmp_ok($took, '<', 10, 'and not after all rows');
}

# a time-out of the session is the session's, and not an answer
{
	my ($rc, undef, $err) = $server->try_sql('app', "SET statement_timeout = '300ms'; SELECT * FROM safedeploy.probe('ALTER TABLE t ADD CHECK (slow(a))');");
	like($err, qr/statement timeout/, 'statement_timeout is in force');
	is($server->sql('app', "SET statement_timeout = '20s'; SET safedeploy.probe_time = '100ms'; SELECT bound FROM safedeploy.probe('ALTER TABLE t ADD CHECK (slow(a))'); SHOW statement_timeout;"),
		"time\n20s", 'and stays what it was');
}

# a cancel by the user ends the statement, also inside of a transaction with savepoints
{
	my $run = start_program([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $server->url('app'),
			'-c', "SET application_name = 'victim'; SET safedeploy.probe_time = '1min'", '-c', "SELECT * FROM safedeploy.probe('ALTER TABLE t ADD CHECK (slow(a))')",
			'-c', "SELECT 'still ' || count(*) FROM t" ]);
	wait_until(sub { $server->sql('app', "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND query LIKE '%slow%' AND state = 'active' AND wait_event = 'PgSleep'") > 0 }, 60, 'the probe to run');
	my $began = time;
	$server->sql('app', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
	$run->wait(60);
	cmp_ok(time - $began, '<', 10, 'cancelled at once');
	like($run->stderr, qr/57014/, 'with the state of a cancel');
	like($run->stdout, qr/^still 1000$/m, 'the session goes on');
}

# nothing is written, whatever a function says of itself
{
	my ($row) = probe('ALTER TABLE t ADD CHECK (writes(a))');
	is($row->{verdict}, 'unknown', 'a function that writes');
	like($row->{detail}, qr/calls something that writes/, 'says so');
	is($server->sql('app', 'SELECT is_called FROM s'), 'f', 'and did not');
}

# a table of more rows than may be looked at: by an index where there is one, else a sample
{
	my ($row) = probe('ALTER TABLE large ALTER a SET NOT NULL', 'SET LOCAL safedeploy.probe_rows = 1000;');
	is_deeply([ @{$row}{qw(verdict rows_bad example complete)} ], [ 'will fail', 1, 'id = 19999', JSON::PP::true ], 'an index tells all');
	($row) = probe('ALTER TABLE large ALTER b SET NOT NULL', 'SET LOCAL safedeploy.probe_rows = 1000;');
	is_deeply([ @{$row}{qw(verdict complete bound)} ], [ 'will fail', JSON::PP::false, 'rows' ], 'a sample finds what there is much of');
	cmp_ok($row->{rows_checked}, '<=', 1000, 'within its bound');
	($row) = probe('ALTER TABLE large ALTER c SET NOT NULL', 'SET LOCAL safedeploy.probe_rows = 1000;');
	is_deeply([ @{$row}{qw(verdict bound rows_bad)} ], [ 'unknown', 'rows', 0 ], 'a sample without bad rows proves nothing');
	like($row->{detail}, qr/^checked \d+ of about 20000 rows, none has NULL in c; the bound is safedeploy\.probe_rows/, 'says so');
	($row) = probe('CREATE UNIQUE INDEX ON large (c)', 'SET LOCAL safedeploy.probe_rows = 1000;');
	is($row->{verdict}, 'unknown', 'nor does one for a key');
}
done_testing();
