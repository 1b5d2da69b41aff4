# The fence in the sessions of a migration tool: a role without any rights on the
# extension loads the library from $libdir/plugins, as migguard has it do.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('fence', conf => <<CONF);
wal_level = replica
max_wal_senders = 2
synchronous_commit = local
synchronous_standby_names = 'nosuch'
CONF
my $node = $server->node;
$server->create_database('app');
$server->create_database('plain', extension => 0);
$server->sql('app', 'CREATE ROLE child LOGIN');
$server->sql($_, 'CREATE SCHEMA work AUTHORIZATION child') for qw(app plain);

# A session that takes the lock and keeps it, idle: one in a transaction would
# hold up CREATE INDEX CONCURRENTLY.  Returns (process, pid, token).
sub hold
{
	my $process = start_program([ 'psql', '-XAt', '-c', q{SELECT safedeploy.try_lock('app')}, '-c', '\\! exec sleep 600', $server->url('app') ]);
	my ($row) = @{ wait_until(sub { my @r = $server->json('app', 'SELECT pid, token FROM safedeploy.lock_holders'); @r && \@r }, 30, 'the lock is held') };
	return ($process, $row->{pid}, $row->{token});
}

sub lose
{
	my ($process, $pid) = @_;
	$server->sql('app', "SELECT pg_terminate_backend($pid)");
	wait_until(sub { !$server->sql('app', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") }, 30, 'the holder is gone');
	$process->kill_group;
	return;
}

sub start_child
{
	my ($token, $sql, %opt) = @_;
	my $options = "-c local_preload_libraries=safedeploy -c safedeploy.fence_token=$token " . ($opt{options} || '');
	return start_program([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', $server->url($opt{database} || 'app', user => 'child') ],
		stdin => $sql, env => { PGOPTIONS => $options });
}

sub child
{
	return start_child(@_)->wait(60);
}

my ($holder, $pid, $token) = hold();
exit_is(child($token, 'CREATE TABLE work.t (i int); CREATE INDEX CONCURRENTLY t_i ON work.t (i); INSERT INTO work.t VALUES (1);'), 0,
	'DDL and rows with the current token');
is($server->sql('app', q{SELECT has_schema_privilege('child', 'safedeploy', 'USAGE')}), 'f', 'by a role without any right on the extension');

# Began in time, lost the lock before its end; an advisory lock keeps it waiting.
my $gate = start_program([ 'psql', '-XAtc', 'SELECT pg_advisory_lock(7)', '-c', '\\! exec sleep 600', $server->url('app') ]);
my $gate_pid = wait_until(sub { $server->sql('app', q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted}) }, 30, 'the gate is shut');
my $orphan = start_child($token, 'BEGIN; CREATE TABLE work.late (i int); SELECT pg_advisory_lock(7); COMMIT;');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted}) }, 30, 'the orphan has done its DDL');
lose($holder, $pid);
my ($second, $second_pid, $second_token) = hold();
cmp_ok($second_token, '>', $token, 'another deploy has a newer token, though the orphan goes on');
$server->sql('app', "SELECT pg_terminate_backend($gate_pid)");
$gate->kill_group;
$orphan->wait(60);
exit_is($orphan, 3, 'the orphan is refused');
like($orphan->stderr, qr/SD202: COMMIT refused/, 'at its commit');
is($server->sql('app', q{SELECT to_regclass('work.late') IS NULL}), 't', 'and left nothing');

# What no rollback takes back is refused before it happens.
$server->sql('app', 'CREATE SEQUENCE work.s; ALTER SEQUENCE work.s OWNER TO child');
foreach my $sql (q{SELECT setval('work.s', 77)}, q{SELECT setval('work.s', 77, false)}, q{DO $$ BEGIN PERFORM setval('work.s', 77); END $$})
{
	my $p = child($token, "$sql;");
	exit_is($p, 3, "stale: $sql");
	like($p->stderr, qr/SD202: setval\(\) refused/, 'refused');
}
is($server->sql('app', 'SELECT last_value FROM work.s'), 1, 'the sequence is where it was');
exit_is(child($second_token, q{SELECT setval('work.s', 78);}), 0, 'the newer token may set it');

for my $case (
	[ 'CREATE TABLE work.x (i int)', 'CREATE TABLE' ],
	[ 'ALTER TABLE work.t ADD j int', 'ALTER TABLE' ],
	[ 'CREATE INDEX CONCURRENTLY ON work.t (i)', 'CREATE INDEX' ],
	[ 'DROP TABLE work.t', 'DROP TABLE' ],
	[ 'TRUNCATE work.t', 'TRUNCATE TABLE' ],
	[ 'DO $$ BEGIN EXECUTE \'DROP TABLE work.t\'; END $$', 'DROP TABLE' ],
	[ 'DELETE FROM work.t', 'COMMIT' ],
	[ 'COPY work.t FROM STDIN', 'COPY' ])
{
	my ($sql, $what) = @$case;
	my $p = child($token, "$sql;");
	exit_is($p, 3, "stale: $sql");
	like($p->stderr, qr/SD202: $what refused: fencing token "$token" of this session is stale/, 'refused');
}
exit_is(child($token, 'DROP TABLE work.t;', options => '-c safedeploy.fence=off'), 3, 'the child cannot switch the fence off');
exit_is(child($token, 'SELECT * FROM work.t;'), 0, 'it may read');
exit_is(child($second_token, 'UPDATE work.t SET i = 2;'), 0, 'the newer token may write');
exit_is(child($token, 'CREATE TABLE work.t (i int);', database => 'plain'), 0, 'a database without the extension has no fence');


# Somebody's own schema of that name is not ours, whatever lies in it.
$server->sql('plain', 'CREATE SCHEMA safedeploy; CREATE TABLE safedeploy.lock (name int, token text)');
exit_is(child($token, 'CREATE TABLE work.u (i int);', database => 'plain'), 0, 'a schema safedeploy without the extension is not looked at');

# While a fenced commit is under way no newer token is issued.
my $slow = start_child($second_token, 'SET synchronous_commit = on; INSERT INTO work.t VALUES (3);');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'}) > 0 }, 30, 'a commit waits for its standby');
lose($second, $second_pid);
is($server->sql('app', q{SELECT safedeploy.lock_holder_pid('app') IS NULL}), 't', 'nobody holds the lock');
is($server->sql('app', q{SELECT safedeploy.try_lock('app') IS NULL}), 't', 'but a token is not to be had while the old one commits');
$server->sql('app', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'});
$slow->wait(60);
my $third = wait_until(sub { $server->sql('app', q{SELECT safedeploy.try_lock('app')}) }, 30, 'the lock');
cmp_ok($third, '>', $second_token, 'it is when that has ended');
is($server->sql('app', 'SELECT count(*) FROM work.t WHERE i = 3'), '1', 'with what the older one committed');

$node->stop;
done_testing();
