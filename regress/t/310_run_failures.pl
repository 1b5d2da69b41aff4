# A tool that fails, lies or hangs: the schema decides, not the exit code.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('failures');
my @bare = ('--no-backup', '--no-rehearsal');

# Makes a database and a project at revision a1, with more revisions to come; returns its name and a guard.
my $count = 0;
my $start;    # of the last scene: starts a guard without waiting for its end

sub scene
{
	my ($revisions, %opt) = @_;
	my $database = 'app' . ++$count;
	my $project = SafeDeployTest::Alembic->new(
		configure => $opt{configure},
		revisions => [ { id => 'a1', up_sql => ['CREATE TABLE t (id integer)'], down_sql => ['DROP TABLE t'] } ]);
	$server->create_database($database);
	my $env = { DATABASE_URL => $server->url($database) };
	exit_is(run_program([ $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => $env), 0, "$database is at a1");
	$project->add($_) foreach @$revisions;
	if ($opt{env_py})
	{
		open my $handle, '<', $project->dir . '/migrations/env.py' or die $!;
		local $/;
		my $text = <$handle>;
		$text =~ s/^(url = .*\n)/$1$opt{env_py}{before}\n/m if $opt{env_py}{before};
		$text .= "\n$opt{env_py}{after}\n" if $opt{env_py}{after};
		$project->write('migrations/env.py', $text);
	}
	$project->write('migguard.ini', $opt{ini}) if $opt{ini};
	my $guard = sub {
		my ($arguments, %more) = @_;
		return $server->migguard($database, [ @$arguments, '--', $project->alembic, 'upgrade', $opt{target} || 'head' ],
			cwd => $project->dir, %more);
	};
	$start = sub {
		my ($arguments, %more) = @_;
		return $server->start_migguard($database, [ @$arguments, '--', $project->alembic, 'upgrade', 'head' ],
			cwd => $project->dir, %more);
	};
	return ($database, $guard, $server->fingerprint($database), $project);
}

sub revision { return $server->sql($_[0], 'SELECT version_num FROM alembic_version'); }
sub result   { return ($server->runs($_[0]))[0]; }

my $good = { id => 'b2', up_sql => ['ALTER TABLE t ADD COLUMN c text'], down_sql => ['ALTER TABLE t DROP COLUMN c'] };

# exits with 0 and did nothing
my ($database, $guard, $before) = scene([$good], env_py => { before => 'raise SystemExit(0)' });
my $p = $guard->([ 'run', @bare ]);
exit_is($p, 20, 'a tool that exits with 0 but did nothing has failed');
like($p->stderr, qr/exited with 0 but did nothing/, 'and it is said');
is($server->fingerprint($database), $before, 'nothing has changed');
is(result($database)->{result}, 'failed_unchanged', 'which the ledger says');

# exits with 1 after having committed
($database, $guard, $before) = scene([$good], env_py => { after => 'raise SystemExit(1)' });
$p = $guard->([ 'run', @bare ]);
exit_is($p, 21, 'a tool that exits with 1 after having committed is brought back');
is($server->fingerprint($database), $before, 'the schema is as before, although the downgrade exits with 1 as well');
is(revision($database), 'a1', 'with its revision');
is(result($database)->{result}, 'rolled_back', 'which the ledger says');

# fails in the middle, all in one transaction
($database, $guard, $before) = scene([ $good, { id => 'c3', up_sql => ['SELECT 1/0'], down_sql => ['SELECT 1'] } ]);
$p = $guard->([ 'run', @bare ]);
exit_is($p, 20, 'a failed transaction leaves nothing to bring back');
like($p->stderr, qr/division by zero/, 'the reason is told');

# fails in the middle, one transaction for each migration
($database, $guard, $before) = scene(
	[ $good, { id => 'c3', up_sql => ['SELECT 1/0'], down_sql => ['SELECT 1'] } ],
	configure => 'transaction_per_migration=True');
$p = $guard->([ 'run', @bare ]);
exit_is($p, 21, 'half of the migrations are brought back');
is($server->fingerprint($database), $before, 'the schema is as before');
is(revision($database), 'a1', 'and so is the revision');

# a migration with its own COMMIT
($database, $guard, $before) = scene(
	[ { id => 'b2', up_sql => [ 'CREATE TABLE u (id integer)', 'COMMIT', 'SELECT 1/0' ], down_sql => ['DROP TABLE u'] } ]);
$p = $guard->([ 'run', @bare ]);
exit_is($p, 22, 'a migration that commits by itself and fails cannot be brought back by its downgrade');
like($p->stderr, qr/table "public\.u"/i, 'what it left is named');
is(result($database)->{result}, 'rolled_back_unproved', 'in the ledger too');
$p = $guard->([ 'run', @bare ]);
exit_is($p, 24, 'the next run refuses to go on from there');
like($p->stderr, qr/--accept-state/, 'and says how to go on');
$server->sql($database, 'DROP TABLE u');
exit_is($guard->([ 'run', @bare, '--fail-on', 'never' ]), 22, 'once it is put right by hand, a run goes its way again');
$p = $guard->([ 'run', @bare, '--accept-state' ]);
like($p->stderr, qr/is accepted as it is/, 'a person can accept the state');
ok((grep { $_->{status} eq 'note' && $_->{message} =~ /accepted/ } $server->events($database)), 'which is recorded');

# a migration with its own COMMIT that is well
($database, $guard, $before) = scene(
	[ { id => 'b2', up_sql => [ 'CREATE TABLE u (id integer)', 'COMMIT', 'BEGIN' ], down_sql => ['DROP TABLE u'] } ]);
exit_is($guard->([ 'run', '--no-backup' ]), 0, 'a migration with a COMMIT of its own that works is rehearsed and run');

# hangs
($database, $guard, $before) = scene([ { id => 'b2', up_sql => [ 'CREATE TABLE u (id integer)', 'SELECT pg_sleep(600)' ], down_sql => ['DROP TABLE u'] } ]);
$p = $guard->([ 'run', @bare, '--timeout', '3s' ], timeout => 60);
exit_is($p, 20, 'a tool that hangs is ended');
cmp_ok($p->seconds, '<', 12, 'in time');
is($server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}), 0, 'no session of it is left');
is($server->fingerprint($database), $before, 'nothing has changed');

# an assertion that does not hold
($database, $guard, $before) = scene([$good], ini => <<'INI');
[verify.assertions]
there = SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'
rows = SELECT count(*) > 0 FROM t
INI
$p = $guard->([ 'run', @bare ]);
exit_is($p, 21, 'an upgrade whose assertion fails is brought back');
like($p->stderr, qr/migguard\.ini:3: assertion "rows" does not hold/, 'with the place of the assertion');
is($server->fingerprint($database), $before, 'the schema is as before');
$server->sql($database, 'INSERT INTO t VALUES (1)');
exit_is($guard->([ 'run', @bare ]), 0, 'when it holds, the upgrade stays');

# the real schema is not the rehearsed one
($database, $guard, $before) = scene([ { id => 'b2', up_sql => [
	q{DO $$ BEGIN IF current_database() NOT LIKE 'migguard%' THEN EXECUTE 'CREATE TABLE surprise (id integer)'; END IF; END $$},
	'ALTER TABLE t ADD COLUMN c text' ],
	down_sql => [ 'DROP TABLE IF EXISTS surprise', 'ALTER TABLE t DROP COLUMN c' ] } ]);
$p = $guard->([ 'run', '--no-backup', '--fail-on', 'never' ]);
exit_is($p, 21, 'an upgrade that does something else than rehearsed is brought back');
like($p->stderr, qr/not the rehearsed one.*surprise/s, 'and told what');
is($server->fingerprint($database), $before, 'the schema is as before');

# lock_timeout
($database, $guard, $before) = scene([$good], ini => "[run]\nlock_timeout = 300ms\nlock_retries = 20\n");
my $blocker = start_program([ 'psql', '-Xqc', 'BEGIN; LOCK TABLE t; SELECT pg_sleep(600)', $server->url($database) ]);
my $locked = q{SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 't'::regclass};
wait_until(sub { $server->sql($database, $locked) }, 20, 'the lock');
$p = $start->([ 'run', @bare ]);
wait_until(sub { $p->stderr =~ /hit lock_timeout and changed nothing; attempt 2/ }, 60, 'a run that meets a lock says that it tries again');
$server->sql($database, q{SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 't'::regclass});
$p->wait(60);
exit_is($p, 0, 'a run that met a lock goes on when it is free');
is(scalar(grep { $_->{state} eq 'migrate' && $_->{status} eq 'begin' } $server->events($database)), 1, 'within the same state');

# an index left invalid
($database, $guard, $before) = scene([ { id => 'b2',
	up => "with op.get_context().autocommit_block():\n    op.execute('CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id)')",
	down_sql => ['DROP INDEX t_id'] } ], ini => "[run]\nprobe = off\n");
$server->sql($database, 'INSERT INTO t VALUES (1), (1)');
$p = $guard->([ 'run', @bare ]);
exit_is($p, 22, 'an index that a failed build left is no proof of equality');
like($p->stderr, qr/DROP INDEX CONCURRENTLY public\.t_id/, 'and the way to clean up is told');

# a revision that the code does not know, two heads
($database, $guard, $before) = scene([$good]);
$server->sql($database, q{UPDATE alembic_version SET version_num = 'zzz'});
$p = $guard->([ 'run', @bare ]);
exit_is($p, 10, 'an unknown revision is refused');
like($p->stderr, qr/zzz/, 'by name');
($database, $guard, $before) = scene([ $good, { id => 'x9', parent => 'a1', up_sql => ['SELECT 1'], down_sql => ['SELECT 1'] } ]);
$p = $guard->([ 'run', @bare ]);
exit_is($p, 10, 'two heads are refused');
like($p->stderr, qr/b2.*x9|x9.*b2/s, 'with their names');
is($server->fingerprint($database), $before, 'and nothing is changed');
is_deeply([ $server->faults($database) ], [], 'the ledger verifies');

done_testing();
