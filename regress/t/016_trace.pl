# The trace in sessions of all kinds: the extended protocol, waits, errors, ends of sessions,
# two-phase commit, beside other modules with the same hooks, and what it leaves in the log.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('trace', conf => <<CONF);
shared_preload_libraries = 'pg_stat_statements,auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
max_prepared_transactions = 2
CONF
my $node  = $server->node;
my $count = 0;
$server->create_database('app');
$server->sql('app', 'CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id integer PRIMARY KEY, a integer); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i');

sub new_run { return sprintf '00000000-0000-4000-8000-%012d', ++$count; }
sub options { return "-c local_preload_libraries=safedeploy -c safedeploy.trace=on -c safedeploy.run_id=$_[0]"; }

# start($run, $sql, %opt): a traced session of psql
sub start
{
	my ($run, $sql, %opt) = @_;
	return start_program([ 'psql', '-XAtq', $server->url('app', %{ $opt{url} || {} }) ], stdin => $sql,
		env => { PGOPTIONS => options($run) . ' ' . ($opt{options} || '') });
}

# rows($run): what a session left, when it is gone
sub rows
{
	my ($run) = @_;
	wait_until(sub { !$server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND pid <> pg_backend_pid()}) }, 90, 'the session is gone');
	return $server->json('app', "SELECT * FROM safedeploy.run_statement WHERE run_id = '$run' ORDER BY backend_start, pid, seq");
}

sub traced { my ($sql, %opt) = @_; my $run = new_run(); start($run, $sql, %opt)->wait(60); return rows($run); }

sub effects { return join ', ', sort map { join ' ', grep { defined } @{$_}{qw(effect object lock_mode)} } @{ $_[0]{effects} }; }

# the extended protocol: parse, bind and execute apart, and prepared once
foreach my $mode (qw(simple extended prepared))
{
	my $run  = new_run();
	my $file = $node->basedir . "/$mode.sql";
	open my $handle, '>', $file or die $!;
	print $handle "BEGIN;\nALTER TABLE t ADD COLUMN x integer;\nUPDATE t SET a = a WHERE id < 10;\nSELECT count(*) FROM t;\nROLLBACK;\nALTER TABLE t ALTER a SET STATISTICS 10;\n";
	close $handle or die $!;
	my $bench = run_program([ 'pgbench', '-n', '-M', $mode, '-t', '2', '-f', $file, $server->url('app') ], env => { PGOPTIONS => options($run) });
	exit_is($bench, 0, "$mode: the session works");
	my @rows = grep { $_->{statement} !~ /pg_catalog|^SELECT o\.n/ } rows($run);
	is(join(' ', map { $_->{tag} =~ s/ /_/gr } @rows), join(' ', ('BEGIN ALTER_TABLE UPDATE SELECT ROLLBACK ALTER_TABLE') x 2), "$mode: every statement is on record once");
	is(effects($rows[1]), 'lock public.t AccessExclusiveLock', "$mode: with its locks");
	is($rows[2]{rows}, 9, "$mode: rows");
	is(effects($rows[3]), 'scan public.t', "$mode: full reads");
	is(join(' ', map { $_->{rolled_back} ? 1 : 0 } @rows[ 0 .. 5 ]), '1 1 1 1 1 0', "$mode: and what was rolled back");
	is(effects($rows[5]), 'lock public.t ShareUpdateExclusiveLock', "$mode: what is behind a rollback gains its locks anew");
}

# hold(): a session that locks the table until somebody has waited for it half a second, or has given up
sub hold
{
	return start_program([ 'psql', '-XAtq', $server->url('app') ], stdin => <<'SQL');
BEGIN;
LOCK TABLE t IN SHARE MODE;
DO $$
DECLARE
	waits CONSTANT text := 'SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = ''t''::regclass';
	n integer;
	seen integer := 0;
BEGIN
	FOR i IN 1..1200 LOOP
		EXECUTE waits INTO n;
		seen := seen + n;
		EXIT WHEN seen >= 10 OR (seen > 0 AND n = 0);
		PERFORM pg_sleep(0.05);
	END LOOP;
END $$;
COMMIT;
SQL
}

# waits for locks
{
	my $holder = hold();
	wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND relation = 't'::regclass}) }, 90, 'the table is locked');
	my ($altered) = traced('ALTER TABLE t ALTER a SET NOT NULL;');
	cmp_ok($altered->{lock_wait_ms}, '>', 100, 'a wait is measured');
	cmp_ok($altered->{lock_wait_ms}, '<=', $altered->{duration_ms} + 50, 'and no longer than the statement');
	is(effects($altered), 'lock public.t AccessExclusiveLock, scan public.t', 'whose effects are those without a wait');
	$holder->wait(90);

	$holder = hold();
	wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND relation = 't'::regclass}) }, 90, 'the table is locked again');
	my @rows = traced("CREATE TABLE mine (); DO \$\$ BEGIN LOCK TABLE mine; ALTER TABLE t ALTER a DROP NOT NULL; END \$\$; DROP TABLE mine;", options => '-c lock_timeout=300ms');
	my ($do, $lock, $alter) = @rows[ 1, 2, 3 ];
	is($alter->{sqlstate}, '55P03', 'a lock time-out is an error on record');
	cmp_ok($alter->{lock_wait_ms}, '>', 100, 'with the wait');
	is($do->{sqlstate}, '55P03', 'of the statement around it too');
	ok($do->{rolled_back} && $lock->{rolled_back} && !$rows[0]{rolled_back}, 'which was rolled back with what it did');
	is(effects($do), 'lock public.mine AccessExclusiveLock', 'and had locked something by then');
	$holder->wait(90);
}

# ends of sessions: nothing is lost
{
	my @rows = traced('BEGIN; ALTER TABLE t ADD COLUMN x integer;');
	is(join(' ', map { "$_->{tag}:" . ($_->{rolled_back} ? 1 : 0) } @rows), 'BEGIN:1 ALTER TABLE:1', 'a session that ends within a transaction leaves its rows');
	@rows = traced("ALTER TABLE t ADD COLUMN x integer; ALTER TABLE t DROP COLUMN x; SELECT 1 / (id - 1) FROM t; SELECT nonsense;");
	is(join(' ', map { $_->{sqlstate} // 'ok' } @rows), 'ok ok 22012', 'an error at the end is on record; what was never executed is not');

	my $run = new_run();
	my $p   = start($run, "BEGIN; ALTER TABLE t ADD COLUMN x integer; SELECT pg_sleep(60);");
	my $pid = wait_until(sub { $server->sql('app', q{SELECT pid FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep.60' AND state = 'active'}) }, 90, 'the session sleeps');
	$server->sql('app', "SELECT pg_terminate_backend($pid)");
	$p->wait(90);
	is(join(' ', map { "$_->{tag}:" . ($_->{rolled_back} ? 1 : 0) } rows($run)), 'BEGIN:1 ALTER TABLE:1 SELECT:1', 'and so does one that is terminated');
	is($server->sql('app', q{SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'x'}), 0, 'what it did is gone');
}

# two-phase commit
{
	my @rows = traced("BEGIN; ALTER TABLE t ALTER a SET STATISTICS 20; PREPARE TRANSACTION 'p'; SELECT 1 AS after;");
	is(join(' ', map { $_->{statement} } @rows), 'SELECT 1 AS after', 'rows of a prepared transaction come with it');
	$server->sql('app', q{COMMIT PREPARED 'p'});
	is($server->sql('app', q{SELECT count(*) FROM safedeploy.run_statement WHERE statement ~ 'SET STATISTICS 20'}), 1, 'when it commits');
}

# what cannot be seen is said
{
	my ($row) = traced('ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0);', options => '-c track_counts=off');
	like(effects($row), qr/opaque/, 'without counters full reads are not seen, which is no proof that there were none');
	$server->sql('app', 'ALTER TABLE t DROP CONSTRAINT positive');
}

# a session without rights on the extension
{
	$server->sql('app', 'CREATE ROLE child LOGIN; CREATE SCHEMA work AUTHORIZATION child; CREATE ROLE deployer LOGIN; GRANT CREATE ON SCHEMA work TO deployer; GRANT USAGE ON SCHEMA work TO deployer');
	$server->sql('app', q{SELECT safedeploy.grant_deployer('deployer')});
	my $run = new_run();
	exit_is(start($run, 'CREATE TABLE work.c ();', url => { user => 'child' })->wait(60), 0, 'any role may trace itself');
	is(scalar rows($run), 0, 'but writes nothing into the table of others');
	is(scalar traced('CREATE TABLE work.d ();', url => { user => 'deployer' }), 1, 'a deployer does');
}

# an index made with parallel workers, and a query with them
{
	my @rows = traced(join(' ', 'SET max_parallel_maintenance_workers = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;',
			'SET parallel_leader_participation = off; ALTER TABLE t SET (parallel_workers = 2); CREATE INDEX t_a ON t (a); SELECT sum(a) FROM t; DROP INDEX t_a;'));
	my ($index) = grep { $_->{tag} eq 'CREATE INDEX' } @rows;
	is(effects($index), 'build public.t_a, lock public.t ShareLock, new public.t_a, scan public.t', 'an index that workers build');
	my ($sum) = grep { $_->{statement} =~ /^SELECT sum/ } @rows;
	like(effects($sum), qr/scan public\.t/, 'a table that workers read');
}

# many statements of one kind cost one row
{
	$server->sql('app', 'CREATE TABLE child (id integer REFERENCES t)');
	my @rows = traced('INSERT INTO child SELECT i FROM generate_series(1, 1000) i; DO $$ BEGIN FOR i IN 1..5000 LOOP INSERT INTO child VALUES (1); END LOOP; END $$;');
	cmp_ok(scalar @rows, '<', 12, 'queries of a foreign key are counted, not listed');
	ok((grep { $_->{calls} > 4900 } @rows), 'as are those of a loop');
}

# more statements than a transaction keeps: said, never silent
{
	my @rows = traced('DO $$ BEGIN FOR i IN 1..10100 LOOP EXECUTE format(\'SELECT %s AS n\', i); END LOOP; END $$;');
	like(effects($rows[0]), qr/opaque/, 'statements without a record are said of the one around them');
	cmp_ok(scalar @rows, '<=', 10_000, 'which bounds the memory');
}

# other modules with the same hooks
cmp_ok($server->sql('app', q{SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE 'UPDATE t SET a%'}), '>=', 6, 'pg_stat_statements counts the same statements');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
like($log, qr/LOG:.*duration:.*plan:.*UPDATE t SET a/s, 'auto_explain shows its plans');
unlike($log, qr/DEBUG/, 'and the server\'s log has nothing that it would not have');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.run_statement WHERE effects::text ~ 'safedeploy[.]' OR statement ~* 'run_statement'}), 0, 'the trace itself is in no trace');
done_testing();
