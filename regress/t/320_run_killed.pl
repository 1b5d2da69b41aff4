# Signals, kill -9, a lost lock: nothing lives on, and the next run finds out what happened.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;
use Time::HiRes qw(time sleep);

my $server = SafeDeployTest->new('killed');
my @bare = ('--no-backup', '--no-rehearsal');
my $count = 0;

# A database at revision a1 and one more revision, which waits for a lock on table gate in the middle.
sub scene
{
	my ($revision, %opt) = @_;
	my $database = 'app' . ++$count;
	my $project = SafeDeployTest::Alembic->new(
		configure => $opt{configure},
		revisions => [ { id => 'a1', up_sql => ['CREATE TABLE t (id integer)'], down_sql => ['DROP TABLE t'] } ]);
	$server->create_database($database);
	$server->sql($database, 'CREATE TABLE gate (id integer)');
	exit_is(run_program([ $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => { DATABASE_URL => $server->url($database) }),
		0, "$database is at a1");
	$project->add($_) foreach ref $revision eq 'ARRAY' ? @$revision : $revision;
	$project->write('migguard.ini', "[run]\nlock_timeout = 0\nblocker_wait = 0\n" . ($opt{ini} || ''));
	my @arguments = ('--', $project->alembic, 'upgrade', 'head');
	return {
		database => $database,
		before   => $server->fingerprint($database),
		start    => sub { $server->start_migguard($database, [ @{ $_[0] }, @arguments ], cwd => $project->dir) },
		guard    => sub { $server->migguard($database, [ @{ $_[0] }, @arguments ], cwd => $project->dir) },
	};
}

my $waits = { id => 'b2', up_sql => [ 'ALTER TABLE t ADD COLUMN c text', 'LOCK TABLE gate' ], down_sql => ['ALTER TABLE t DROP COLUMN c'] };

# Somebody who keeps the table gate, until he is told to stop.
sub close_gate
{
	my ($scene) = @_;
	my $p = start_program([ 'psql', '-Xqc', 'BEGIN; LOCK TABLE gate; SELECT pg_sleep(600)', $server->url($scene->{database}) ]);
	wait_until(sub { $server->sql($scene->{database}, q{SELECT count(*) FROM pg_locks WHERE relation = 'gate'::regclass AND granted}) }, 20, 'the gate');
	return $p;
}

sub open_gate
{
	my ($scene) = @_;
	$server->sql($scene->{database}, q{SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'gate'::regclass AND granted});
	return;
}

# Waits until the tool stands at the gate.
sub at_gate
{
	my ($scene) = @_;
	wait_until(sub { $server->sql($scene->{database}, q{SELECT count(*) FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted}) }, 30, 'the tool at the gate');
	return;
}

sub sessions { return $server->sql($_[0]{database}, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%'}); }

# Processes that were started for a run: its tag is in their environment.
sub processes
{
	my ($run_id) = @_;
	my $tag = 'PGAPPNAME=migguard:' . substr($run_id, 0, 8);
	my @found;
	foreach my $file (glob '/proc/[0-9]*/environ')
	{
		open my $handle, '<', $file or next;
		local $/;
		my $text = <$handle>;
		push @found, $file if defined $text && index($text, $tag) >= 0;
	}
	return @found;
}

sub last_run { return ($server->runs($_[0]{database}))[0]; }

foreach my $signal (qw(INT TERM HUP))
{
	my $scene = scene($waits);
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	$p->signal($signal);
	$p->wait(30);
	exit_is($p, 20, "SIG$signal ends the tool, nothing has changed");
	is(sessions($scene), 0, 'no session of the run is left');
	is($server->fingerprint($scene->{database}), $scene->{before}, 'the schema is as before');
	is(last_run($scene)->{result}, 'failed_unchanged', 'the ledger says so');
	like($p->stdout, qr/^ledger head: +\d+:[0-9a-f]{64}$/m, 'and its head is printed');
	unlike($p->stderr, qr/could not be ended in order/, 'without complaint');
	open_gate($scene);
}

# a signal after a part is committed
{
	my $scene = scene([ { id => 'b2', up_sql => ['ALTER TABLE t ADD COLUMN c text'], down_sql => ['ALTER TABLE t DROP COLUMN c'] },
		{ id => 'c3', up_sql => ['LOCK TABLE gate'], down_sql => ['SELECT 1'] } ], configure => 'transaction_per_migration=True');
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	$p->signal('TERM');
	$p->wait(30);
	exit_is($p, 21, 'SIGTERM after a part is committed: it is brought back');
	is($server->fingerprint($scene->{database}), $scene->{before}, 'the schema is as before');
	open_gate($scene);
}

# a signal to a guard that waits for the lock
{
	my $scene = scene($waits);
	my $gate = close_gate($scene);
	my $first = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	my $second = $scene->{start}->([ 'run', @bare, '--lock-wait', '1h' ]);
	wait_until(sub { $second->stderr =~ /waiting for deploy lock/ }, 20, 'the second guard');
	like($second->stderr, qr/It is held by user \S+ \(application migguard:[0-9a-f]{8}:guard, process \d+\)/, 'who waits is told who holds the lock');
	$second->signal('INT');
	$second->wait(10);
	exit_is($second, 20, 'a guard that waits can be stopped');
	my $third = $scene->{guard}->([ 'run', @bare, '--lock-wait', '1s' ]);
	exit_is($third, 11, 'a guard that does not get the lock in time leaves');
	like($third->stderr, qr/deploy lock "default" not obtained within 1 s/, 'and says so');
	open_gate($scene);
	$first->wait(30);
	exit_is($first, 0, 'the first one goes on');
}

# kill -9 in the middle of a transaction
{
	my $scene = scene($waits);
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	my $run_id = last_run($scene)->{run_id};
	ok(scalar processes($run_id), 'the tool runs');
	$p->signal('KILL');
	my $killed = time;
	$p->wait(10);
	wait_until(sub { sessions($scene) == 0 && !processes($run_id) }, 10, 'the end of what the guard started');
	cmp_ok(time - $killed, '<', 2, 'kill -9: the tool and its sessions are gone within 2 s');
	is($server->sql($scene->{database}, 'SELECT count(*) FROM safedeploy.lock_holders'), 0, 'and so is the lock');
	open_gate($scene);
	is($server->fingerprint($scene->{database}), $scene->{before}, 'the schema is as before');
	$p = $scene->{guard}->([ 'run', @bare ]);
	exit_is($p, 0, 'the next run finds out that nothing happened, and goes on');
	like($p->stderr, qr/had died in state migrate: nothing happened: revision a1 as before it, schema as before it/, 'and says it in one line');
	is(($server->runs($scene->{database}))[1]{result}, 'failed_unchanged', 'the dead run has its end');
}

# kill -9 with a part committed: in between
{
	my $scene = scene([ { id => 'b2', up_sql => ['ALTER TABLE t ADD COLUMN c text'], down_sql => ['ALTER TABLE t DROP COLUMN c'] },
		{ id => 'c3', up_sql => ['LOCK TABLE gate'], down_sql => ['SELECT 1'] } ], configure => 'transaction_per_migration=True');
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	$p->signal('KILL');
	$p->wait(10);
	wait_until(sub { sessions($scene) == 0 }, 10, 'the end of the sessions');
	open_gate($scene);
	my $dead = last_run($scene);
	is($dead->{result}, undef, 'the run has no end');
	$p = $scene->{guard}->([ 'run', @bare ]);
	exit_is($p, 24, 'the next run finds the database in between, and refuses');
	my $short = substr $dead->{run_id}, 0, 8;
	like($p->stderr, qr/run $short had died in state migrate: some of its migrations are applied: revision is b2 \(it went from a1 to c3\)/, 'it says what it found');
	like($p->stderr, qr/migguard rollback --run $short/, 'and the command for a person');
	exit_is($scene->{guard}->([ 'run', @bare ]), 24, 'it refuses as long as nothing is done');
	$p = $scene->{guard}->([ 'rollback', '--run', $short, '--no-rehearsal' ]);
	exit_is($p, 0, 'that command brings it back');
	is($server->fingerprint($scene->{database}), $scene->{before}, 'the schema is as before');
	exit_is($scene->{guard}->([ 'run', @bare ]), 0, 'and then it runs');
}

# kill -9 when all is applied and rehearsed: the next run finishes
{
	my $scene = scene({ id => 'b2', up_sql => ['ALTER TABLE t ADD COLUMN c text'], down_sql => ['ALTER TABLE t DROP COLUMN c'] },
		ini => "[verify.assertions]\nslow = SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM gate) THEN 0 ELSE 600 END) IS NOT NULL\n[preflight]\ncommand_timeout = 10min\n");
	my $p = $scene->{start}->([ 'run', '--no-backup' ]);
	wait_until(sub { $server->sql($scene->{database}, q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'}) }, 60, 'the assertion');
	$p->signal('KILL');
	$p->wait(10);
	$server->sql($scene->{database}, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()});
	$server->sql($scene->{database}, 'INSERT INTO gate VALUES (1)');
	$p = $scene->{guard}->([ 'run', '--no-backup' ]);
	exit_is($p, 3, 'the next run finds it fully applied and has nothing to do');
	like($p->stderr, qr/had died in state verify: fully applied: revision b2 as it was to be, schema as it was to be/, 'and says so');
	is(($server->runs($scene->{database}))[1]{result}, 'done', 'the dead run has its end');
	is($server->sql($scene->{database}, 'SELECT revision FROM safedeploy.last_known_good'), 'b2', 'and is the last known good');
}

# kill -9 during the rehearsal: the next run cleans up
{
	my $scene = scene($waits);
	my $p = $scene->{start}->([ 'plan' ]);
	my $scratch = q{SELECT count(*) FROM pg_database WHERE datname ~ '^migguard_[0-9a-f]{8}_'};
	wait_until(sub { $server->sql('postgres', $scratch) }, 30, 'the scratch database');
	$p->signal('KILL');
	$p->wait(10);
	is($server->sql('postgres', $scratch), 1, 'a killed plan leaves its scratch database');
	is($server->fingerprint($scene->{database}), $scene->{before}, 'and the real one as it was');
	sleep 2;
	$p = $scene->{guard}->([ 'plan' ]);
	exit_is($p, 0, 'the next plan goes on');
	like($p->stderr, qr/scratch database migguard_[0-9a-f]{8}_rehearsal of dead run [0-9a-f]{8} was dropped/, 'and drops it');
	is($server->sql('postgres', $scratch), 0, 'none is left');
}

# the session that holds the lock is terminated, and nobody else comes
{
	my $scene = scene($waits);
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	$server->sql($scene->{database}, 'SELECT pg_terminate_backend(pid) FROM safedeploy.lock_holders');
	$p->wait(30);
	exit_is($p, 20, 'a lost lock ends the tool; taken again, nothing has changed');
	like($p->stderr, qr/was lost \(token \d+\); the lock was free and has been taken again \(token \d+\)/, 'which is said');
	ok((grep { $_->{status} eq 'note' && $_->{message} =~ /taken again/ } $server->events($scene->{database})), 'and recorded');
	is(sessions($scene), 0, 'no session of the run is left');
	open_gate($scene);
}

# the same, and another session takes the lock at once
{
	my $scene = scene($waits);
	my $gate = close_gate($scene);
	my $p = $scene->{start}->([ 'run', @bare ]);
	at_gate($scene);
	# the other one asks without pause, so that it comes before the guard has connected again
	my $other = start_program([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', $server->url($scene->{database}) ],
		stdin => <<'SQL' x 50_000);
SELECT safedeploy.try_lock('default') IS NOT NULL AS got \gset
\if :got
\echo taken
SELECT pg_sleep(5);
\q
\endif
SQL
	wait_until(sub { $server->sql($scene->{database}, q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%try_lock%' AND pid <> pg_backend_pid()}) }, 10, 'the other session');
	$server->sql($scene->{database}, 'SELECT pg_terminate_backend(pid) FROM safedeploy.lock_holders');
	$p->wait(30);
	exit_is($p, 24, 'a lock lost to another session leaves the rest to a person');
	is(last_run($scene)->{result}, 'interrupted', 'which is recorded');
	is(sessions($scene), 0, 'no session of the run is left');
	is($server->fingerprint($scene->{database}), $scene->{before}, 'nothing of it was committed');
	open_gate($scene);
	$other->wait(60);
	like($other->stdout, qr/taken/, 'the other session had it');
	is_deeply([ $server->faults($scene->{database}) ], [], 'the ledger verifies');
}

done_testing();
