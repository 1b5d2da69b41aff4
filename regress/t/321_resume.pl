# Runs that died, in every state that the table of verdicts knows: "resume" finishes them, goes on, brings
# them back, or refuses and says what to do.  What a dead run has left is written by hand, so that each row is met.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Dead;
use Test::More;

my $server = SafeDeployTest->new('resume');
my $dead = SafeDeployTest::Dead->new(
	$server,
	sql => 'CREATE SEQUENCE thirteen',
	ini => "[verify.assertions]\nno thirteen = SELECT NOT EXISTS (SELECT FROM pg_sequences WHERE sequencename = 'thirteen' AND last_value = 13)\n");

sub guard  { return $dead->migguard(@_); }
sub up     { return $dead->up(@_); }
sub record { return $dead->record(@_); }
sub forget { return $dead->forget(@_); }
sub schema { return $dead->schema(@_); }
sub revision  { return $dead->revision(@_); }
sub result_of { return $dead->result_of(@_); }
my @to_lock = $dead->to_lock;
my @to_migrate = $dead->to_migrate;
my @unrehearsed = $dead->unrehearsed;
my @to_verify = $dead->to_verify;
my @to_rollback = $dead->to_rollback;
my @back = $dead->back;
sub back { return $dead->back(@_); }

# One trial: what resume says, leaves and records; run => what the next run says before.
sub trial
{
	my ($name, %case) = @_;
	my ($database, $id) = $dead->scene($case{command} || 'run', $case{events});
	$case{do}->($database, substr $id, 0, 8) if $case{do};
	subtest "$case{verdict}: $name" => sub {
		my $before = schema($database);
		my $p = guard($database, 'resume', '--dry-run', @{ $case{options} || [] });
		exit_is($p, $case{dry} // ($case{exit} == 24 ? 24 : $case{exit} == 3 ? 3 : 0), 'resume --dry-run');
		is(result_of($database, $id), '', 'which records nothing of the dead run') unless $case{ended};
		is(schema($database), $before, 'and changes nothing');
		if ($case{run})
		{
			$p = guard($database, 'run', '--no-rehearsal');
			exit_is($p, $case{run}, 'the next run');
			like($p->stderr, qr/migguard (?:resume|run --accept-state)/, 'names the way on') if $case{run} == 24;
		}
		$p = guard($database, 'resume', @{ $case{options} || [] });
		exit_is($p, $case{exit}, 'resume');
		like($p->stderr . $p->stdout, $case{like}, 'says what it found');
		is($server->sql($database, qq{SELECT max(detail ->> 'verdict') FROM safedeploy.event WHERE state = 'lock' AND detail ->> 'resumes' = '$id'}), $case{verdict}, 'the row of the table') unless $case{early};
		is(revision($database), $case{revision}, 'the revision afterwards') if defined $case{revision};
		is(schema($database), $case{schema}, 'the schema afterwards') if defined $case{schema};
		is(result_of($database, $id), $case{result}, 'the end of the dead run in the ledger');
		like($p->stderr, qr/migguard runbook $case{page}\b/, 'the refusal names its page') if $case{page};
		is($server->sql($database, q{SELECT count(*) FROM safedeploy.lock_holders}), 0, 'the lock is free');
		is($server->sql($database, q{SELECT count(*) FROM safedeploy.unfinished_runs}), $case{unfinished} || 0, 'no run is without an end');
		is(scalar $server->faults($database), 0, 'the ledger verifies');
		$case{then}->($database, $id) if $case{then};
	};
	$server->drop_database($database);
	return;
}

sub next_is { my ($exit) = @_; return sub { exit_is(guard($_[0], 'run', '--no-rehearsal'), $exit, 'a run after it'); }; }

# nothing of it is there
trial('killed before it came to the database', verdict => 'not-begun', events => [@to_lock], exit => 0, like => qr/it had not touched the database/,
	revision => 3, schema => 'after', result => 'failed_unchanged', then => next_is(3));
trial('killed in migrate, nothing applied', verdict => 'nothing-happened', events => \@to_migrate, exit => 0, like => qr/nothing happened: revision 1 as before it/,
	revision => 3, schema => 'after', result => 'failed_unchanged', then => next_is(3));
trial('the upgrade had failed and left nothing', verdict => 'nothing-happened', events => [ @to_migrate, [qw(migrate failed)] ], exit => 20, like => qr/it had failed, and nothing is changed/,
	revision => 1, schema => 'before', result => 'failed_unchanged', then => next_is(0));
trial('killed after the way back', verdict => 'brought-back', events => \@to_rollback, exit => 21, like => qr/it is brought back/,
	revision => 1, schema => 'before', result => 'rolled_back', then => next_is(0));
trial('a plan that was killed', command => 'plan', verdict => 'not-begun', early => 1, events => [@to_lock], exit => 3, like => qr/it had not touched the database/,
	revision => 1, schema => 'before', result => 'failed_unchanged');

# all of it is there
trial('killed in verify, all applied', verdict => 'fully-applied', events => \@to_verify, do => sub { up($_[0], 2, 3) }, exit => 0, like => qr/fully applied: revision 3 as it was to be, schema as it was to be/,
	revision => 3, schema => 'after', result => 'done', then => sub {
		is($server->sql($_[0], 'SELECT revision FROM safedeploy.last_known_good'), 3, 'it is the last known good');
		next_is(3)->(@_);
	});
trial('killed in done', verdict => 'fully-applied', events => [ @to_verify, $dead->verified, [qw(done begin)] ], do => sub { up($_[0], 2, 3) },
	exit => 0, like => qr/fully applied and proved/, revision => 3, schema => 'after', result => 'done', then => next_is(3));

trial('all applied, but an assertion does not hold', verdict => 'applied-but-failed', events => \@to_verify, do => sub { up($_[0], 2, 3); $server->sql($_[0], q{SELECT setval('thirteen', 13)}) }, run => 24, ended => 1,
	exit => 21, like => qr/assertion "no thirteen" does not hold/, revision => 1, schema => 'before', result => 'interrupted', then => sub {
		$server->sql($_[0], q{SELECT setval('thirteen', 1)});
		next_is(0)->(@_);
	});

# some of it is there
trial('killed between two migrations', verdict => 'some-applied', events => \@to_migrate, do => sub { up($_[0], 2) }, run => 24, ended => 1,
	exit => 0, like => qr/some of its migrations are applied: revision is 2 \(it went from 1 to 3\)/, revision => 3, schema => 'after', result => 'interrupted', then => sub {
		next_is(3)->(@_);
		exit_is(guard($_[0], 'rollback', '--no-rehearsal'), 0, 'and it can be undone as one run');
		is(revision($_[0]), 1, 'from its beginning to its end');
	});
trial('between two migrations, and something else was changed', verdict => 'some-applied', events => \@to_migrate, do => sub { up($_[0], 2); $server->sql($_[0], 'CREATE TABLE foreign_one (id integer)') },
	dry => 24, exit => 24, like => qr/foreign_one/, revision => 2, result => 'interrupted', page => 'left-in-migrate', then => next_is(24));
trial('between two migrations, without a rehearsal', verdict => 'some-applied', events => \@to_migrate, do => sub { up($_[0], 2) }, options => ['--no-rehearsal'],
	dry => 24, exit => 24, like => qr/without a rehearsal nothing proves/, revision => 2, schema => 'between', result => 'interrupted');
trial('a part of the first migration', verdict => 'applied-in-part', events => \@to_migrate, do => sub { $server->sql($_[0], 'CREATE TABLE extra (id integer)') }, run => 24, ended => 1,
	exit => 21, like => qr/a part of its first migration is there/, revision => 1, schema => 'before', result => 'interrupted', then => next_is(0));
trial('what is there is none of its migrations', verdict => 'foreign-changes', events => \@to_migrate, do => sub { $server->sql($_[0], 'CREATE TABLE foreign_one (id integer)') }, run => 24, ended => 1,
	exit => 24, like => qr/changes that are none of its migrations/, revision => 1, result => 'interrupted', page => 'foreign-changes', then => sub {
		$server->sql($_[0], 'DROP TABLE foreign_one');
		exit_is(guard($_[0], 'resume', '--no-rehearsal'), 0, 'put right by hand, it is done anew');
		is(revision($_[0]), 3, 'to its end');
	});
trial('a half-built index', verdict => 'half-built-index', events => \@to_migrate, do => sub {
		up($_[0], 2);
		$server->sql($_[0], 'INSERT INTO t VALUES (1), (2)');
		$server->try_sql($_[0], 'CREATE UNIQUE INDEX CONCURRENTLY t_c ON t ((1))');
	}, exit => 24, like => qr/Clean up by: DROP INDEX CONCURRENTLY public\.t_c/, revision => 2, result => 'interrupted', page => 'half-built-index', then => sub {
		$server->sql($_[0], 'DROP INDEX CONCURRENTLY t_c');
		exit_is(guard($_[0], 'resume'), 0, 'dropped by that command, it goes on');
		is(schema($_[0]), 'after', 'to its end');
	});

# it was to be brought back
trial('killed in the rollback, all applied', verdict => 'applied-but-failed', events => \@to_rollback, do => sub { up($_[0], 2, 3) }, run => 24, ended => 1,
	exit => 21, like => qr/was to be brought back/, revision => 1, schema => 'before', result => 'interrupted', then => next_is(0));
trial('killed in the rollback, half-way', verdict => 'some-left', events => \@to_rollback, do => sub { up($_[0], 2) },
	exit => 21, like => qr/were to be brought back/, revision => 1, schema => 'before', result => 'interrupted', then => next_is(0));
trial('the revision is reached, the schema is another one', verdict => 'not-as-rehearsed', events => \@to_verify, do => sub { up($_[0], 2, 3); $server->sql($_[0], 'DROP INDEX t_c; CREATE INDEX t_c ON t (id)') },
	exit => 21, like => qr/not the rehearsed one/, revision => 1, schema => 'before', result => 'interrupted');

# version table and schema contradict each other
trial('the schema is there, the revision is not', verdict => 'revision-behind', events => \@to_migrate, do => sub { up($_[0], 2, 3); forget($_[0], 3, 2) }, run => 24, ended => 1,
	exit => 24, like => qr/the schema is as it was to be, but the tool's revision is not/, revision => 1, schema => 'after', result => 'interrupted', page => 'revision-and-schema', then => sub {
		record($_[0], $_) foreach 2, 3;
		exit_is(guard($_[0], 'resume'), 0, 'with the revision set, it is recorded as done');
		is($server->sql($_[0], 'SELECT revision FROM safedeploy.last_known_good'), 3, 'and is the last known good');
	});
trial('the revision is there, the schema is not', verdict => 'revision-ahead', events => \@to_migrate, do => sub { record($_[0], 2); record($_[0], 3) }, run => 24, ended => 1,
	exit => 24, like => qr/the schema is as before/, revision => 3, schema => 'before', result => 'interrupted', page => 'revision-and-schema', then => sub {
		forget($_[0], 3, 2);
		exit_is(guard($_[0], 'resume', '--no-rehearsal'), 0, 'with the revision set back, it is done anew');
		is(schema($_[0]), 'after', 'to its end');
	});
trial('a revision from elsewhere', verdict => 'elsewhere', events => [ @to_lock, $dead->capture(target => ['2'], pending => ['2']), $dead->rehearsed, [qw(migrate begin)] ], do => sub { up($_[0], 2, 3) },
	exit => 24, like => qr/none of the way/, revision => 3, result => 'interrupted', page => 'contradiction');
# only a snapshot of this very database knows that a table is not the same one any more
sub own_start { return $dead->to_migrate(snapshot_id => 0 + $dead->snapshot($_[0])); }
trial('what it had dropped was made again', verdict => 'data-lost', events => \&own_start, do => sub { $server->sql($_[0], 'DROP TABLE t; ' . $dead->up_sql(1)) }, run => 24, ended => 1,
	exit => 24, like => qr/made again without its data/, revision => 1, schema => 'before', result => 'interrupted', page => 'data-lost', then => sub {
		exit_is(guard($_[0], 'run', '--no-rehearsal', '--accept-state'), 0, 'accepted by a person, the next run goes on');
	});
trial('the same, while it was being brought back', verdict => 'brought-back-with-loss', events => sub { (own_start(@_), [qw(migrate failed)], [qw(rollback begin)]) }, do => sub { $server->sql($_[0], 'DROP TABLE t; ' . $dead->up_sql(1)) },
	exit => 21, like => qr/brought back, but data is lost/, revision => 1, schema => 'before', result => 'rolled_back');
trial('changed after it was proved', verdict => 'foreign-changes', events => [ @to_verify, $dead->verified ], do => sub { up($_[0], 2, 3); $server->sql($_[0], 'CREATE TABLE foreign_one ()') },
	exit => 24, like => qr/changed after it was proved/, revision => 3, result => 'interrupted', page => 'foreign-changes');
trial('taken back behind the back of a run that had ended well', verdict => 'foreign-changes', events => \@to_verify, do => sub { up($_[0], 2) },
	exit => 24, like => qr/somebody has taken back some/, revision => 2, result => 'interrupted', page => 'foreign-changes');

# not rehearsed
trial('not rehearsed, the tool had ended well', verdict => 'applied-unrehearsed', events => [ @unrehearsed, [qw(migrate ok)] ], do => sub { up($_[0], 2, 3) },
	exit => 0, like => qr/was not rehearsed/, revision => 3, schema => 'after', result => 'done', then => next_is(3));
trial('not rehearsed, killed in migrate', verdict => 'not-proved', events => \@unrehearsed, do => sub { up($_[0], 2, 3) }, run => undef,
	exit => 24, like => qr/without a rehearsal nobody knows/, revision => 3, result => 'interrupted', page => 'not-comparable');
trial('its first snapshot is gone', verdict => 'not-comparable', events => [ @to_lock, $dead->capture(snapshot_id => 999999), $dead->rehearsed, [qw(migrate begin)] ], do => sub { up($_[0], 2) },
	exit => 24, like => qr/cannot be compared/, revision => 2, result => 'interrupted', page => 'not-comparable');

# a rollback on demand
trial('a rollback that had done nothing', command => 'rollback', verdict => 'nothing-happened', events => \@back, do => sub { up($_[0], 2, 3) },
	exit => 0, like => qr/nothing happened/, revision => 1, schema => 'before', result => 'failed_unchanged');
trial('a rollback half-way', command => 'rollback', verdict => 'back-in-part', events => \@back, do => sub { up($_[0], 2) }, run => 24, ended => 1,
	exit => 0, like => qr/a part of the way back is gone/, revision => 1, schema => 'before', result => 'interrupted');
trial('a rollback at its goal', command => 'rollback', verdict => 'goal-reached', events => \@back,
	exit => 0, like => qr/had reached its goal/, revision => 1, schema => 'before', result => 'done');
trial('a rollback, the schema at the goal', command => 'rollback', verdict => 'revision-ahead', events => \@back, do => sub { record($_[0], 2); record($_[0], 3) },
	exit => 24, like => qr/the schema is at the goal/, revision => 3, schema => 'before', result => 'interrupted', page => 'revision-and-schema');
trial('a rollback, the revision at the goal', command => 'rollback', verdict => 'revision-behind', events => \@back, do => sub { up($_[0], 2, 3); forget($_[0], 3, 2) },
	exit => 24, like => qr/the tool's revision is at the goal/, revision => 1, schema => 'after', result => 'interrupted', page => 'revision-and-schema');

trial('a rollback that was to change only the schema', command => 'rollback', verdict => 'nothing-happened', events => [ back(revisions => ['1'], target => ['1'], snapshot_id => $dead->snapshot_id('after'), goal_snapshot_id => $dead->snapshot_id('between')) ],
	do => sub { up($_[0], 2, 3); forget($_[0], 3, 2) }, exit => 24, like => qr/nothing happened/, result => 'failed_unchanged');
trial('a rollback whose first snapshot is gone', command => 'rollback', verdict => 'not-comparable', events => [ back(snapshot_id => 999999) ], do => sub { up($_[0], 2) },
	exit => 24, like => qr/cannot be compared/, revision => 2, result => 'interrupted', page => 'not-comparable');
trial('a rollback without a snapshot of its goal', command => 'rollback', verdict => 'not-proved', events => [ back(goal_snapshot_id => undef, snapshot_id => $dead->snapshot_id('after')) ],
	do => sub { up($_[0], 2); forget($_[0], 2) }, exit => 24, like => qr/no snapshot of the goal/, result => 'interrupted', page => 'not-comparable');
trial('a rollback that went too far', command => 'rollback', verdict => 'elsewhere', events => \@back, do => sub { forget($_[0], 1) },
	exit => 24, like => qr/none of the way that the rollback went/, revision => 0, result => 'interrupted', page => 'contradiction');
trial('a rollback that made a table anew', command => 'rollback', verdict => 'data-lost', events => sub { up($_[0], 2, 3); return back(snapshot_id => 0 + $dead->snapshot($_[0])) },
	do => sub { $server->sql($_[0], 'DROP TABLE extra; CREATE TABLE extra (id integer)') }, exit => 24, like => qr/made again without its data/, revision => 3, schema => 'after', result => 'interrupted', page => 'data-lost');
trial('a rollback and a half-built index', command => 'rollback', verdict => 'half-built-index', events => \@back, do => sub {
		up($_[0], 2);
		$server->sql($_[0], 'INSERT INTO t VALUES (1), (2)');
		$server->try_sql($_[0], 'CREATE UNIQUE INDEX CONCURRENTLY t_c ON t ((1))');
	}, exit => 24, like => qr/Clean up by: DROP INDEX CONCURRENTLY public\.t_c/, revision => 2, result => 'interrupted', page => 'half-built-index');
trial('a rollback that migrates', command => 'rollback', verdict => 'contradiction', events => \@to_migrate, exit => 24, like => qr/states of it that such a run does not have/, result => 'interrupted', page => 'contradiction');

# more of what is in between
trial('brought back, but for something', verdict => 'brought-back-in-part', events => \@to_rollback, do => sub { $server->sql($_[0], 'CREATE TABLE foreign_one ()') }, dry => 24,
	exit => 24, like => qr/cannot be brought back: .*does not restore the schema/, revision => 1, result => 'interrupted', page => 'left-in-rollback');
trial('its revision taken back by hand, its schema not', verdict => 'foreign-changes', events => \@to_verify, do => sub { $server->sql($_[0], 'CREATE TABLE extra (id integer)') },
	exit => 24, like => qr/somebody has taken back its revision/, revision => 1, result => 'interrupted', page => 'foreign-changes');
trial('brought back by hand', verdict => 'brought-back', events => \@to_verify, exit => 21, like => qr/it is brought back/, revision => 1, schema => 'before', result => 'rolled_back');
trial('not rehearsed, something is there', verdict => 'not-proved', events => \@unrehearsed, do => sub { $server->sql($_[0], 'CREATE TABLE extra (id integer)') },
	exit => 24, like => qr/without a rehearsal nobody knows/, revision => 1, result => 'interrupted', page => 'not-comparable');
trial('not rehearsed, applied, and failed', verdict => 'applied-but-failed', events => [ @unrehearsed, [qw(migrate failed)] ], do => sub { up($_[0], 2, 3) },
	exit => 21, like => qr/had failed and was to be brought back/, revision => 1, schema => 'before', result => 'interrupted');
trial('overtaken by a later run', verdict => 'overtaken', early => 1, events => \@to_migrate, do => sub {
		my ($database) = @_;
		my $later = 'eeeeeeee-0000-4000-8000-000000000000';
		$server->sql($database, "SELECT safedeploy.begin_run('$later', 'run', 'sql', 'default', '1', '3', NULL, '{}')");
		$server->sql($database, "SELECT safedeploy.record_event('$later', 'migrate', 'begin')");
		$server->sql($database, "SELECT safedeploy.end_run('$later', 'done', 0)");
		up($database, 2, 3);
	}, exit => 3, like => qr/a later run has changed the database since/, revision => 3, result => 'interrupted', then => next_is(3));

# the ledger contradicts itself
trial('a plan that migrates', command => 'plan', verdict => 'contradiction', events => \@to_migrate, exit => 24, like => qr/states of it that such a run does not have/, result => 'interrupted', page => 'contradiction');
trial('a run without a beginning', verdict => 'nonsense', events => [ [qw(migrate begin)] ], exit => 24, like => qr/contradict each other/, result => 'interrupted', page => 'contradiction');
trial('verified without a migration', verdict => 'nonsense', events => [ @to_lock, $dead->capture(), [qw(verify begin)] ], exit => 24, like => qr/contradict each other/, result => 'interrupted', page => 'contradiction');

# somebody is alive
{
	my $work;
	trial('its tool is still at work', verdict => 'nothing-happened', events => \@to_migrate, do => sub {
			my ($database, $short) = @_;
			$work = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url($database) ], env => { PGAPPNAME => "migguard:$short:migrate" });
			wait_until(sub { $server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%:migrate'}) }, 20, 'the session');
		}, exit => 0, like => qr/1 sessions of dead run \S+ were ended/, revision => 3, schema => 'after', result => 'failed_unchanged', then => sub { isnt($work->wait(20)->exit_code, 0, 'it is ended'); });
	my $guard;
	trial('its guard is alive', verdict => 'alive', early => 1, unfinished => 1, events => \@to_migrate, do => sub {
			my ($database, $short) = @_;
			$guard = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url($database) ], env => { PGAPPNAME => "migguard:$short:guard" });
			wait_until(sub { $server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%:guard'}) }, 20, 'the session');
		}, run => 24, exit => 24, like => qr/its guard is alive/, revision => 1, schema => 'before', result => '', page => 'still-alive', then => sub {
			$guard->signal('KILL');
			$guard->wait(10);
			$server->sql($_[0], q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%:guard'});
			exit_is(guard($_[0], 'resume', '--no-rehearsal'), 0, 'once it is gone, resume goes on');
		});
}

# it waits for the lock, or may not be ended by this role
{
	my ($waits, $work);
	my $sleep = sub {
		my ($database, $short, $step) = @_;
		my $p = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url($database) ], env => { PGAPPNAME => "migguard:$short:$step" });
		wait_until(sub { $server->sql($database, qq{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:$short:$step'}) }, 20, 'the session');
		return $p;
	};
	my ($database, $id) = $dead->scene('run', \@to_lock);
	$waits = $sleep->($database, substr($id, 0, 8), 'guard');
	my $p = guard($database, 'resume');
	exit_is($p, 3, 'waiting: a run that waits for the lock is left alone');
	is(result_of($database, $id), '', 'and not ended');
	exit_is(guard($database, 'resume', $id), 3, 'also when it is named');
	$server->sql($database, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'});
	isnt($waits->wait(20)->exit_code, 0, 'it ends');

	($database, $id) = $dead->scene('run', \@to_migrate);
	$server->sql($database, q{CREATE ROLE deployer LOGIN CREATEDB; SELECT safedeploy.grant_deployer('deployer')});
	$work = $sleep->($database, substr($id, 0, 8), 'migrate');
	$p = $server->migguard($database, ['resume'], cwd => $dead->dir, env => { DATABASE_URL => $server->url($database, user => 'deployer') });
	exit_is($p, 24, 'stuck: a session that this role may not end');
	like($p->stderr, qr/sessions that it had started do not end.*migguard runbook still-alive/s, 'is told, with its page');
	is(result_of($database, $id), '', 'and the run is not ended');
	$server->sql($database, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'});
	isnt($work->wait(20)->exit_code, 0, 'a superuser ends it');
}

# what carries on loses a race for a lock before it has done anything: it has its attempts as any run
{
	my ($database, $id) = $dead->scene('run', \@to_migrate);
	up($database, 2);
	my $reader = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', $server->url($database) ], stdin => "BEGIN;\nSELECT count(*) FROM t;\n\\! sleep 600\n", env => { PGAPPNAME => 'reader' });
	wait_until(sub { $server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reader' AND state = 'idle in transaction'}) }, 60, 'the reader');
	my $run = $server->start_migguard($database, ['resume'], cwd => $dead->dir,
		env => { MIGGUARD_RUN_LOCK_TIMEOUT => '200ms', MIGGUARD_RUN_LOCK_RETRIES => 200, MIGGUARD_RUN_LOCK_RETRY_PAUSE => '100ms', MIGGUARD_RUN_BLOCKER_WAIT => '0' });
	wait_until(sub { $run->stderr =~ /hit lock_timeout and changed nothing; attempt 2 of/ || !$run->running }, 60, 'a second attempt');
	$server->sql($database, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'});
	$reader->kill_group;
	exit_is($run->wait(60), 0, 'some-applied: a rest that meets a lock is tried again');
	like($run->stderr, qr/hit lock_timeout and changed nothing; attempt 2 of 201/, 'from where the run had begun');
	is(revision($database) . ' ' . schema($database), '3 after', 'and is applied');
	is(result_of($database, $id), 'interrupted', 'the dead run has its end');
}

# the tool's version table cannot be read: preflight refuses, and where it is told not to, the verdict does
foreach my $case ([ 'run', \@to_migrate ], [ 'rollback', \@back ])
{
	my ($command, $events) = @$case;
	my ($database, $id) = $dead->scene($command, $events);
	up($database, 2);
	$server->sql($database, 'ALTER TABLE safedeploy.applied_migration RENAME COLUMN version TO no_version');
	exit_is(guard($database, 'resume'), 10, "revision-unreadable: $command: refused by preflight");
	is(result_of($database, $id), '', "$command: which leaves it as it is");
	my $p = $server->migguard($database, ['resume'], cwd => $dead->dir, env => { MIGGUARD_PREFLIGHT_TOOL => 'warning' });
	exit_is($p, 24, "revision-unreadable: $command: refused by the verdict");
	like($p->stderr, qr/the tool's revision cannot be read/, "$command: which says why");
	like($p->stderr, qr/Repair access to the tool's version table.*migguard runbook contradiction/s, "$command: and what to do, with its page");
	is($server->sql($database, qq{SELECT max(detail ->> 'verdict') FROM safedeploy.event WHERE state = 'lock' AND detail ->> 'resumes' = '$id'}), 'revision-unreadable', "$command: the row of the table");
	is(result_of($database, $id), 'interrupted', "$command: the dead run has its end");
	$server->drop_database($database);
}

# nothing to do, no ledger, wrong names
$server->sql('postgres', 'CREATE DATABASE other TEMPLATE base');
my $p = guard('other', 'resume');
exit_is($p, 3, 'nothing is to be resumed');
like($p->stderr, qr/no run is to be resumed/, 'which it says');
exit_is(guard('other', 'resume', 'ffffffff'), 10, 'a run that is not there');
my ($done) = map { $_->{run_id} } grep { $_->{result} eq 'done' } $server->runs('other');
$p = guard('other', 'resume', $done);
exit_is($p, 3, 'a run that ended in order');
exit_is(guard('other', 'resume', $done, $done), 64, 'two runs');
$server->sql('other', 'DROP EXTENSION safedeploy CASCADE');
$p = guard('other', 'resume');
exit_is($p, 10, 'without the extension there is no ledger to read');
like($p->stderr, qr/extension/, 'which it says');

done_testing();
