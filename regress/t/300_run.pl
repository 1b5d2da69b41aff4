# A good run from end to end: what it does, what it records, what it leaves alone.
use strict;
use warnings;

use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('run');
my $project = SafeDeployTest::Alembic->new(
	git       => 1,
	revisions => [
		{ id => 'a1', up_sql => [ 'CREATE TABLE account (id serial PRIMARY KEY, name text)' ], down_sql => ['DROP TABLE account'] },
		{ id => 'b2', up_sql => [ 'ALTER TABLE account ADD COLUMN email text' ], down_sql => ['ALTER TABLE account DROP COLUMN email'] },
	]);
my @upgrade = ('--', $project->alembic, 'upgrade', 'head');

# Runs migguard in the project.
sub guard
{
	my ($database, $arguments, %opt) = @_;
	return $server->migguard($database, $arguments, cwd => $project->dir, %opt);
}

# States and statuses of a run's events, in order.
sub states
{
	my ($database, $run_id) = @_;
	return join ' ', map { "$_->{state}:$_->{status}" } grep { $_->{status} ne 'note' } $server->events($database, $run_id);
}

# Everything that a plan must leave alone, as one text.
sub production
{
	my ($database) = @_;
	return join "\n", $server->fingerprint($database),
	  $server->sql($database, q{SELECT string_agg(schemaname || '.' || sequencename || '=' || coalesce(last_value, 0), ',' ORDER BY 1)
		FROM (SELECT * FROM pg_sequences WHERE schemaname <> 'safedeploy') s}),
	  map { "$_: " . $server->sql($database, "SELECT coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), 'empty') FROM $_ t") }
	  split /\n/, $server->sql($database, q{SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'safedeploy') ORDER BY 1});
}

$server->create_database('app');
$server->sql('app', q{CREATE TABLE keep (id serial, v text); INSERT INTO keep (v) VALUES ('one'), ('two')});

# plan
my $before = production('app');
my $p = guard('app', [ 'plan', @upgrade ]);
exit_is($p, 0, 'a plan of good migrations ends with 0');
is(production('app'), $before, 'a plan leaves schema, rows and sequences alone');
like($p->stdout, qr/a1.*b2/s, 'and names what is pending');
my ($plan) = $server->runs('app');
is($plan->{command}, 'plan', 'it is in the ledger as a plan');
is(states('app', $plan->{run_id}),
	'begin:begin preflight:begin preflight:ok lock:begin lock:ok capture:begin capture:ok '
	  . 'rehearse:begin rehearse:ok end:ok', 'with the states of one');
is($server->sql('app', 'SELECT count(*) FROM safedeploy.last_known_good'), 0, 'a plan is no last known good');
is_deeply([ $server->scratch_databases ], [], 'the scratch database is gone');

# run
$p = guard('app', [ '--format', 'json', 'run', @upgrade ]);
exit_is($p, 0, 'the run ends with 0');
my $result = JSON::PP->new->decode($p->stdout);
is($result->{result}, 'done', 'its result is done');
is("$result->{from} $result->{to}", '(base) b2', 'from the start to the head');
is($result->{downgrade}, 'restores the schema', 'the downgrade is proved');
is($result->{ledger_head}, $server->sql('app', 'SELECT safedeploy.ledger_head()'), 'the head of the ledger is printed');
is($server->sql('app', 'SELECT version_num FROM alembic_version'), 'b2', 'Alembic is at the head');
is(states('app', $result->{run_id}),
	'begin:begin preflight:begin preflight:ok lock:begin lock:ok capture:begin capture:ok '
	  . 'rehearse:begin rehearse:ok backup:begin backup:ok migrate:begin migrate:ok verify:begin verify:ok done:begin done:ok end:ok',
	'every state is begun and closed in the ledger');
my ($good) = $server->json('app', 'SELECT * FROM safedeploy.last_known_good');
is($good->{revision}, 'b2', 'the last known good has moved');
is($good->{fingerprint}, $server->fingerprint('app'), 'to the schema as it is');
is_deeply([ $server->faults('app') ], [], 'the ledger verifies');
is($server->sql('app', 'SELECT count(*) FROM safedeploy.lock_holders'), 0, 'the lock is free');

# the bare tool comes to the same
$server->create_database('bare');
$server->sql('bare', q{CREATE TABLE keep (id serial, v text)});
run_program([ $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => { DATABASE_URL => $server->url('bare') });
is($server->fingerprint('bare'), $server->fingerprint('app'), 'the schema is the one that the bare tool makes');

# again
$p = guard('app', [ 'run', @upgrade ]);
exit_is($p, 3, 'a second run has nothing to do');
is(($server->runs('app'))[0]{result}, 'nothing_to_do', 'and says so in the ledger');

# back
$p = guard('app', [ 'rollback', @upgrade ]);
exit_is($p, 0, 'a rollback brings it back');
is($server->sql('app', 'SELECT count(*) FROM alembic_version'), 0, 'to the revision before');
is($server->sql('app', q{SELECT to_regclass('account') IS NULL}), 't', 'and the schema before');
exit_is(guard('app', [ 'rollback', @upgrade ]), 3, 'a second rollback has nothing to do');
exit_is(guard('app', [ 'run', '--no-backup', '--target', 'a1', @upgrade ]), 0, 'up to a revision');
is($server->sql('app', 'SELECT version_num FROM alembic_version'), 'a1', 'and no further');
exit_is(guard('app', [ 'rollback', '--to', 'base', '--no-rehearsal', @upgrade ]), 0, 'down to a revision by name');
is($server->sql('app', 'SELECT v FROM keep ORDER BY id'), "one\ntwo", 'rows of other tables are as ever');

# the table explains itself
$p = guard('app', [ 'run', '--explain' ]);
exit_is($p, 0, 'the states are explained');
like($p->stdout, qr/^migrate +verify +rollback +no/m, 'with what follows on them');
is_deeply([ $server->faults('app') ], [], 'the ledger verifies at the end');

done_testing();
