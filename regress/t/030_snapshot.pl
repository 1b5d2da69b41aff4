# A dumped and restored schema has the same fingerprint; reading it neither waits
# for a lock on a table nor tears when the schema changes meanwhile.
use strict;
use warnings;

use FindBin;
use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time);

my $server = SafeDeployTest->new('snapshot', conf => "wal_level = logical\nmax_locks_per_transaction = 256");
my $node = $server->node;

sub fingerprint
{
	my ($database, $facets) = @_;
	return $server->sql($database, 'SELECT safedeploy.fingerprint(' . ($facets || 'NULL') . ')');
}

# What differs between two databases, for the output of a failed test.
sub differences
{
	my (@databases) = @_;
	my @sets = map {
		my $database = $_;
		+{ map { ("$_->{kind} $_->{identity}" => $_->{definition}) }
			  $server->json($database, 'SELECT kind, identity, definition::text FROM safedeploy.objects()') }
	} @databases;
	my %all = (%{ $sets[0] }, %{ $sets[1] });
	return map { diag("$_\n  $databases[0]: " . ($sets[0]{$_} || '-') . "\n  $databases[1]: " . ($sets[1]{$_} || '-')) }
	  grep { ($sets[0]{$_} || '') ne ($sets[1]{$_} || '') } sort keys %all;
}

# 1. Dump and restore, in every way.
my $template = q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'};
$server->create_database('rich', options => $template);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../fixtures/snapshot/rich.sql", $server->url('rich') ]),
	0, 'a schema with something of every kind');
my %kinds = map { $_->{kind} => $_->{n} } $server->json('rich', 'SELECT kind, count(*) AS n FROM safedeploy.objects() GROUP BY kind');
is(join(', ', sort keys %kinds),
	'aggregate, collation, composite type, default acl, domain, enum, event trigger, extension, foreign table, function, '
	  . 'materialized view, procedure, publication, range, schema, sequence, server, statistics, table, view',
	'of every kind there is');
my ($print, $order) = (fingerprint('rich'), fingerprint('rich', q{'{order}'}));
my $id = $server->sql('rich', q{SELECT safedeploy.take_snapshot('rich')});

my %file = map { $_ => $node->basedir . "/rich.$_" } qw(plain custom);
exit_is(run_program([ 'pg_dump', '-f', $file{plain}, $server->url('rich') ]), 0, 'plain dump');
exit_is(run_program([ 'pg_dump', '-Fc', '-f', $file{custom}, $server->url('rich') ]), 0, 'custom dump');
$server->create_database($_, extension => 0, options => $template) for qw(plain custom);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file{plain}, $server->url('plain') ]), 0, 'plain restore');
exit_is(run_program([ 'pg_restore', '--exit-on-error', '-d', $server->url('custom'), $file{custom} ]), 0, 'custom restore');
for my $database (qw(plain custom))
{
	is(fingerprint($database), $print, "$database: same fingerprint") || differences('rich', $database);
	is(fingerprint($database, q{'{order}'}), $order, "$database: same order of columns");
	is($server->sql($database, "SELECT fingerprint FROM safedeploy.snapshot WHERE id = $id"), $print, "$database: the stored snapshot came along");
	is($server->sql($database, 'SELECT safedeploy.take_snapshot() > ' . $id), 't', "$database: and ids go on after it");
}

# a dump of the restored one, restored again, is a fixed point
exit_is(run_program([ 'pg_dump', '-f', $file{plain}, $server->url('custom') ]), 0, 'dump of the restored one');
$server->create_database('again', extension => 0, options => $template);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file{plain}, $server->url('again') ]), 0, 'restored again');
is(fingerprint('again'), $print, 'again the same fingerprint') || differences('rich', 'again');

# constructs that print in more than one way
$server->create_database($_, extension => $_ eq 'exotic', options => $template) for qw(exotic exotic2);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../fixtures/snapshot/exotic.sql", $server->url('exotic') ]),
	0, 'a schema of odd constructs');
exit_is(run_program([ 'pg_dump', '-f', $file{plain}, $server->url('exotic') ]), 0, 'its dump');
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file{plain}, $server->url('exotic2') ]), 0, 'its restore');
is(fingerprint('exotic2'), fingerprint('exotic'), 'odd constructs: same fingerprint') || differences('exotic', 'exotic2');

# 2. Export here, import there, compare with what is live there.
my $lines = $node->basedir . '/lines';
$server->sql('rich', "COPY (SELECT l FROM safedeploy.export_snapshot($id) AS l) TO '$lines'");
$server->sql('plain', "CREATE TEMP TABLE lines (n serial, l jsonb); COPY lines (l) FROM '$lines'; SELECT safedeploy.import_snapshot(array_agg(l ORDER BY n)) FROM lines");
is($server->sql('plain', "SELECT count(*) FROM safedeploy.snapshot WHERE complete AND database = 'rich' AND fingerprint = '$print'"), 2,
	'an exported snapshot is imported through a file');

# 3. What moves data and files changes nothing.
for my $command ('VACUUM FULL', 'VACUUM FULL pg_class', 'VACUUM FULL pg_attribute', 'VACUUM FULL pg_constraint', 'REINDEX DATABASE rich', 'ANALYZE', 'CLUSTER app.customer', 'CHECKPOINT')
{
	$server->sql('rich', $command);
	is(fingerprint('rich'), $print, "$command changes nothing");
}
$node->restart;
is(fingerprint('rich'), $print, 'nor does a restart');

# 4. Locks.  A table that another session holds exclusively is read all the same.
my $locker = $node->background_psql('rich', on_error_stop => 1);
$locker->query_safe('BEGIN; LOCK TABLE app.parent1 IN ACCESS EXCLUSIVE MODE; LOCK TABLE app.to_hashed IN ACCESS EXCLUSIVE MODE');
my $start = time;
is(fingerprint('rich'), $print, 'a locked table is read without waiting');
cmp_ok(time - $start, '<', 4, 'at once');
$locker->query_safe('LOCK TABLE app.customer IN ACCESS EXCLUSIVE MODE');
$start = time;
is(fingerprint('rich'), $print, 'so is a table under views');
cmp_ok(time - $start, '<', 4, 'at once as well');
$locker->query_safe('ROLLBACK');
is(fingerprint('rich'), $print, 'well again afterwards');
is($server->sql('rich', "BEGIN; LOCK TABLE app.customer IN ACCESS EXCLUSIVE MODE; SELECT safedeploy.fingerprint() = '$print'; ROLLBACK"), 't', 'the session that holds the lock can read');
is($server->sql('rich', "BEGIN; SELECT safedeploy.fingerprint() = '$print'; SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384; ROLLBACK"), "t\n0", 'and it keeps no lock on a table');
# a catalog is waited for, but not for ever
$locker->query_safe('BEGIN; LOCK TABLE pg_catalog.pg_policy IN ACCESS EXCLUSIVE MODE');
$start = time;
my (undef, undef, $error) = $server->try_sql('rich', q{SET lock_timeout = '300ms'; SELECT safedeploy.fingerprint()});
like($error, qr/ERROR:  55P03/, 'a locked catalog ends it after lock_timeout');
cmp_ok(time - $start, '<', 4, 'in time');
$locker->query_safe('ROLLBACK');
$locker->quit;

# 5. The schema changes between two states all the time: every fingerprint is that of one of them.
$server->create_database('churn');
my %state = (
	a => 'ALTER TABLE c.t RENAME COLUMN b TO a; ALTER INDEX c.i RENAME TO j; DROP VIEW IF EXISTS c.extra; COMMENT ON TABLE c.t IS NULL',
	b => q{ALTER TABLE c.t RENAME COLUMN a TO b; ALTER INDEX c.j RENAME TO i; CREATE VIEW c.extra AS SELECT * FROM c.t; COMMENT ON TABLE c.t IS 'x'});
$server->sql('churn', <<'SQL');
CREATE SCHEMA c;
CREATE TABLE c.t (a integer CHECK (a > 0), g integer GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX j ON c.t ((a + 1)) WHERE a > 0;
CREATE VIEW c.v AS SELECT a AS x FROM c.t WHERE a > 1;
DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE c.t%s (a integer PRIMARY KEY, b text DEFAULT %L)', i, i); EXECUTE format('CREATE VIEW c.v%s AS SELECT a, b FROM c.t%s', i, i); END LOOP; END $$;
SQL
my %good;
$server->sql('churn', $state{b});
$good{ fingerprint('churn') } = 'b';
$server->sql('churn', $state{a});
$good{ fingerprint('churn') } = 'a';
is(scalar(keys %good), 2, 'two states');
my $churn = $node->basedir . '/churn.sql';
open(my $fh, '>', $churn) or die "$churn: $!";
print $fh "BEGIN; $state{b}; COMMIT;\nSELECT pg_sleep(0.01);\nBEGIN; $state{a}; COMMIT;\nSELECT pg_sleep(0.01);\n" x 2000;
close $fh;
my $writer = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $churn, $server->url('churn') ]);
my (%seen, @bad);
my $until = time + 8;
while (time < $until)
{
	my ($code, $out, $err) = $server->try_sql('churn', 'SELECT safedeploy.fingerprint()');
	if ($code == 0) { $good{$out} ? $seen{ $good{$out} }++ : push @bad, $out; }
	elsif ($err =~ /ERROR:  (55P03|40001):/) { $seen{$1}++; }
	else { push @bad, $err; }
}
ok($writer->running, 'the schema changed all the time');
$writer->kill_group;
is("@bad", '', 'no fingerprint of a state that never was');
cmp_ok(($seen{a} || 0) + ($seen{b} || 0), '>', 0, 'and there were some: ' . join(', ', map { "$_ $seen{$_}" } sort keys %seen));

# 6. What is no schema may change as it likes: temporary tables, statistics, data.
my $steady = fingerprint('churn', q{'{core,security,owner,storage,comment,version,order}'});
open($fh, '>', $churn) or die "$churn: $!";
print $fh "CREATE TEMP TABLE tmp (a integer PRIMARY KEY, b text DEFAULT 'x'); CREATE INDEX ON tmp (b); ANALYZE tmp; ANALYZE c.t1; INSERT INTO c.t1 VALUES (1) ON CONFLICT DO NOTHING; DROP TABLE tmp;\n" x 20000;
close $fh;
$writer = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $churn, $server->url('churn') ]);
wait_until(sub { $server->sql('churn', q{SELECT count(*) FROM c.t1}) eq '1' }, 30, 'the writer at work');
my @steady = map { fingerprint('churn', q{'{core,security,owner,storage,comment,version,order}'}) } 1 .. 20;
my @stored = map { $server->sql('churn', 'SELECT safedeploy.take_snapshot()') } 1 .. 10;
my @objects = map { $server->sql('churn', 'SELECT count(*) FROM safedeploy.objects()') } 1 .. 5;
ok($writer->running, 'temporary tables came and went all the time');
$writer->kill_group;
is(scalar(grep { $_ ne $steady } @steady), 0, 'and disturbed no fingerprint');
is($server->sql('churn', 'SELECT count(*), count(DISTINCT s.facets), bool_and(s.objects = (SELECT count(DISTINCT (o.kind, o.identity)) FROM safedeploy.snapshot_object AS o WHERE o.snapshot_id = s.id) AND s.objects = (SELECT count(*) FROM safedeploy.snapshot_object AS o WHERE o.snapshot_id = s.id)) FROM safedeploy.snapshot AS s'),
	'10|1|t', 'nor any stored snapshot, each object of which is there once');
is(join(' ', do { my %once; grep { !$once{$_}++ } @objects }), $server->sql('churn', 'SELECT count(*) FROM safedeploy.objects()'), 'nor objects()');

done_testing();
