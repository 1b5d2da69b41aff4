# A run on a live database: what it does about transactions in its way, and what it does not leave others to wait for.
use strict;
use warnings;

use POSIX ();

use SafeDeployTest;
use SafeDeployTest::Live;
use Test::More;
use Time::HiRes qw(sleep);

my $server = SafeDeployTest->new('live_locks');
my $live = SafeDeployTest::Live->new($server);
my @column = (up => ['ALTER TABLE t ADD COLUMN c integer'], down => ['ALTER TABLE t DROP COLUMN c']);
my $bare = "[rehearse]\nmode = off\n";

# One that waits behind others is cancelled for those who come behind it.
{
	my $scene = $live->scene(@column, ini => "$bare\[run]\nlock_timeout = 30s\nlock_retries = 9\nlock_retry_pause = 200ms\nmax_blocking = 500ms\nblocker_wait = 0\n");
	$scene->blocker;
	my $run = $scene->start;
	wait_until(sub { $run->stderr =~ /waits for AccessExclusiveLock/ }, 60, 'a wait');
	$scene->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'migguard:%:watch'});
	wait_until(sub { $run->stderr =~ /was lost, another goes on/ }, 60, 'another watch in place of one that was ended');
	$scene->traffic;
	wait_until(sub { $run->stderr =~ /attempt 2 of 10/ }, 60, 'a second attempt');
	$scene->end_blocker;
	$run->wait(60);
	my $longest = $scene->longest;
	exit_is($run, 0, 'a run that others wait behind gives way, and succeeds when the blocker is gone');
	my @attempts = $scene->attempts;
	my ($seen) = sort { $b <=> $a } map { $_->{longest_behind_ms} } @attempts;
	note("longest wait of a reader or writer: $longest s, as the watch has seen it: " . $seen / 1000 . ' s');
	cmp_ok($longest, '<=', 1.5, 'nobody has waited for longer than the limit and a second');
	cmp_ok($seen / 1000, '<=', $longest + 0.3, 'the watch reports about what the traffic has felt');
	is($attempts[0]{failed_by}, 'max_blocking', 'the first attempt was ended for those who waited');
	like($run->stderr, qr/waits for AccessExclusiveLock on public\.t since .*behind process \d+ \(user \S+, application "reporting", idle in transaction/, 'whom it waits for is said meanwhile');
	unlike($run->stderr, qr/a secret/, 'without the literals of its statement');
	like($run->stderr, qr/select count\(\*\) from t where '\*\*\*' <> '\*\*\*'/i, 'but with its shape');
	my ($id) = map { $_->{run_id} } $server->runs($scene->db);
	my $show = $server->migguard($scene->db, [ 'show', $id ]);
	like($show->stdout, qr/note .*was cancelled at max_blocking and changed nothing; attempt 2 of 10 in .*; others waited up to .* behind it/, 'show tells of the attempts');
	like($show->stdout, qr/"waited_for": \["process \d+ \(user/, 'and of the blockers');
}

# On its own a run waits for an old transaction before it asks for the lock.
{
	my $scene = $live->scene(@column, ini => "[run]\nmax_blocking = 1s\n");
	$scene->blocker;
	sleep 1.2; # one that is younger than max_blocking is no old one
	$scene->traffic;
	my $run = $scene->start;
	wait_until(sub { $run->stderr =~ /in the way: process \d+ .*"reporting"/ }, 60, 'the name of the blocker');
	sleep 1;
	$scene->end_blocker;
	$run->wait(60);
	my $longest = $scene->longest;
	exit_is($run, 0, 'a run waits for an old transaction');
	note("waiting outside of the queue: longest wait of a reader or writer: $longest s");
	cmp_ok($longest, '<=', 1, 'while nobody waits');
	my @attempts = $scene->attempts;
	is(scalar @attempts, 1, 'one attempt is enough');
	cmp_ok($attempts[0]{waited_for_blockers_ms}, '>=', 1000, 'the wait is on record');
	like(join(' ', @{ $attempts[0]{blockers} }), qr/"reporting", idle in transaction, transaction of .*AccessShareLock on public\.t/, 'and whom it was for');
}

# What else a run does about them
{
	my $scene = $live->scene(@column, ini => "[run]\nmax_blocking = 300ms\non_blockers = refuse\n");
	$scene->blocker;
	sleep 0.4;
	my $before = $server->fingerprint($scene->db);
	my $plan = $scene->run('plan');
	exit_is($plan, 10, 'a plan is refused for them where that is wanted');
	like($plan->stderr, qr/1 older transaction holds locks that the migrations need.*"reporting"/s, 'by name');
	exit_is($scene->run, 10, 'and so is a run');
	is($server->fingerprint($scene->db), $before, 'nothing has changed');

	my $short = "$bare\[run]\nmax_blocking = 300ms\nblocker_wait = 300ms\nlock_retries = 0\nlock_timeout = 500ms\n";
	$scene->settings("$short on_blockers = terminate\n" =~ s/ on_/on_/r);
	exit_is($scene->run, 10, 'to end sessions, their applications have to be named');
	$scene->settings("${short}on_blockers = terminate\nblocker_applications = other, pg_dump\n");
	my $run = $scene->run;
	exit_is($run, 20, 'those of other names are left alone');
	like($run->stderr, qr/did not get a lock within \[run\] lock_timeout/, 'and the reason of the failure is told');
	is($scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'}), 1, 'they live');
	$scene->settings("${short}on_blockers = terminate\nblocker_applications = other, reporting\n");
	exit_is($scene->run, 0, 'those that are named are ended, and the run succeeds');
	is($scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'}), 0, 'they are gone');
	like(join("\n", map { $_->{message} // '' } $server->events($scene->db)), qr/terminated a session in the way, as \[run\] on_blockers asks: process \d+ .*"reporting"/, 'which is on record');
}

# A prepared transaction and a dump are named as what they are.
{
	my $scene = $live->scene(@column, ini => "[preflight]\nprepared_transactions = off\nrunning_dump = off\n[run]\nmax_blocking = 1ms\n");
	$scene->sql(q{BEGIN; SELECT count(*) FROM t; PREPARE TRANSACTION 'left over'});
	my $plan = $scene->run('plan');
	exit_is($plan, 0, 'a plan with a prepared transaction in the way');
	like($plan->stdout, qr/finding: +locks: prepared transaction "left over" \(user \S+, transaction of .*AccessShareLock on public\.t\) is in the way/, 'names it');
	$scene->sql(q{ROLLBACK PREPARED 'left over'});
}

# What runs CONCURRENTLY waits longer than lock_timeout, and holds up nobody.
{
	my @index = (up => ['CREATE INDEX CONCURRENTLY t_n ON t (n)'], down => ['DROP INDEX IF EXISTS t_n']);
	my $scene = $live->scene(@index, ini => "[run]\nlock_timeout = 300ms\nlock_retries = 0\nmax_blocking = 300ms\nblocker_wait = 0\n");
	$scene->blocker('UPDATE t SET n = 7 WHERE id = 1001');
	my $run = $scene->start;
	wait_until(sub { $run->stderr =~ /waits for the end of older transactions/ || !$run->running }, 60, 'an index build that waits');
	sleep 0.8;
	$scene->end_blocker;
	$run->wait(60);
	exit_is($run, 0, 'an index build waits longer than lock_timeout');
	like($run->stderr, qr/waits for the end of older transactions since .*; it is at: waiting for .*; behind process \d+ .*"reporting"/, 'says for whom, and how far it is');
	is($scene->sql(q{SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass}), 't', 'the index is valid');

	$scene = $live->scene(@index, ini => "$bare\[run]\nconcurrently_lock_timeout = 300ms\nlock_timeout = 30s\nlock_retries = 0\nblocker_wait = 0\n");
	$scene->blocker('UPDATE t SET n = 7 WHERE id = 1001');
	$run = $scene->run;
	isnt($run->exit_code, 0, 'its own limit ends it');
	like($run->stderr . join(' ', map { $_->{message} // '' } $server->events($scene->db)), qr/lock timeout|lock_timeout/, 'as what it is');
	$scene->end_blocker;
	$scene->sql('DROP INDEX IF EXISTS t_n');
	$scene->sql('CREATE UNIQUE INDEX t_bad ON t (id)');
	$scene->sql(q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_bad'::regclass});
	$run = $scene->run('plan', '--accept-state');
	like($run->stderr, qr/index public\.t_bad is invalid.*DROP INDEX CONCURRENTLY public\.t_bad/, 'what an earlier build has left is named');
}

# What an attempt has applied as a whole stays.
{
	my $scene = $live->scene(up => [ 'CREATE TABLE u (id integer)', 'ALTER TABLE t ADD COLUMN c integer' ], down => [ 'DROP TABLE u', 'ALTER TABLE t DROP COLUMN c' ],
		ini => "[run]\nlock_timeout = 300ms\nlock_retries = 50\nlock_retry_pause = 100ms\nblocker_wait = 0\n");
	$scene->blocker;
	my $run = $scene->start;
	wait_until(sub { $run->stderr =~ /has applied 1 of 2 migrations, which are whole and stay; attempt 2/ || !$run->running }, 60, 'a part that stays');
	$scene->end_blocker;
	$run->wait(60);
	exit_is($run, 0, 'the rest is applied when the blocker is gone');
	like($run->stderr, qr/has applied 1 of 2 migrations, which are whole and stay/, 'a migration that is whole stays');
	unlike($run->stderr, qr/not as rehearsed/, 'and is part of what was rehearsed');
	is($scene->sql('SELECT string_agg(version, $$,$$ ORDER BY version) FROM safedeploy.applied_migration'), '1,2', 'each is applied once');

	# one that has changed something beside its record is no whole
	$scene = $live->scene(up => [ "BEGIN;\nCREATE TABLE u (id integer);\nCOMMIT", 'ALTER TABLE t ADD COLUMN c integer' ], down => [ 'DROP TABLE u', 'ALTER TABLE t DROP COLUMN c' ],
		ini => "[run]\nfail_on = never\nlock_timeout = 300ms\nlock_retries = 50\nlock_retry_pause = 100ms\nblocker_wait = 0\n");
	$scene->blocker;
	$run = $scene->run;
	exit_is($run, 21, 'where that is not proved, it is brought back');
	$scene->end_blocker;
}

# What holds a lock for long is a limit of its own, and told beforehand.
{
	my $scene = $live->scene(up => ["ALTER TABLE t ADD COLUMN c integer;\nSELECT pg_sleep(2.5)"], down => ['ALTER TABLE t DROP COLUMN c'],
		ini => "[run]\nmax_blocking = 1s\nmax_holding = 700ms\nblocker_wait = 0\n");
	$scene->traffic;
	my $run = $scene->run;
	my $longest = $scene->longest;
	exit_is($run, 20, 'a run that holds a lock for too long is ended');
	note("longest wait for a lock that is held: $longest s");
	cmp_ok($longest, '<=', 1.7, 'before others have waited for longer than the limit and a second');
	my @attempts = $scene->attempts;
	is_deeply([ map { $_->{failed_by} } @attempts ], ['max_holding'], 'once, for it would be the same again');
	like($run->stderr, qr/locks: in the rehearsal, public\.t was kept from readers for 2\.5 s/, 'the rehearsal has told');
	like($run->stderr, qr/let it do less in one transaction/, 'and what to do about it is said');
}

# The way back waits for locks as well.
{
	my $scene = $live->scene(@column, ini => "$bare\[run]\nlock_timeout = 300ms\nlock_retries = 50\nlock_retry_pause = 100ms\nblocker_wait = 0\n[verify.assertions]\nno = SELECT pg_sleep(1.5) IS NULL\n");
	my $run = $scene->start;
	wait_until(sub { $scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'}) || !$run->running }, 60, 'the assertion');
	$scene->blocker('SELECT c FROM t');
	wait_until(sub { $run->stderr =~ /hit lock_timeout.*and changed nothing; attempt 2/ || !$run->running }, 60, 'a way back that waits');
	$scene->end_blocker;
	$run->wait(60);
	exit_is($run, 21, 'a downgrade that met a lock is tried again, and proved');
}

# One on demand, and what the server adds to it, are watched and tried again as the way there is.
sub reads_behind
{
	my ($scene) = @_;
	return start_program([ 'psql', '-Xqc', 'SELECT count(*) FROM t', $server->url($scene->db) ], env => { PGAPPNAME => 'behind' });
}

sub way_back
{
	my ($name, $list, $who, %migration) = @_;
	my $limits = "[run]\nlock_timeout = 60s\nlock_retries = 90\nlock_retry_pause = 200ms\nmax_blocking = 300ms\nblocker_wait = 0\n";
	my $scene = $live->scene(%migration, ini => $limits);
	exit_is($scene->run, 0, "$name: the way there");
	$scene->blocker;
	my $run = $scene->start('rollback');
	wait_until(sub { $run->stderr =~ /$who waits for AccessExclusiveLock on public\.t/ || !$run->running }, 120, 'a wait for the lock');
	my $reader = reads_behind($scene);
	wait_until(sub { $run->stderr =~ /$who was cancelled at max_blocking and changed nothing; attempt 2/ || !$run->running }, 120, 'a second attempt');
	exit_is($reader->wait(120), 0, "$name: who had come behind it goes first");
	$scene->end_blocker;
	exit_is($run->wait(120), 0, "$name: succeeds when the blocker is gone");
	like($run->stderr, qr/$who was cancelled at max_blocking and changed nothing; attempt 2/, "$name: others did not wait for it");
	my ($detail) = map { $_->{detail} } grep { $_->{state} eq 'rollback' && $_->{status} eq 'ok' } $server->events($scene->db);
	is($detail->{$list}[0]{failed_by}, 'max_blocking', "$name: which is on record");
	like(join(' ', @{ $detail->{$list}[0]{waited_for} || [] }), qr/"reporting"/, "$name: with the blocker");
	is($scene->sql(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'}), 0, "$name: it is gone");
	return;
}
way_back('a rollback on demand', 'attempts', 'sql', @column);
way_back('a repair', 'repair_attempts', 'the repair', up => ["ALTER TABLE t ADD COLUMN c integer;\nCREATE TABLE u (id integer)"], down => ['DROP TABLE u']);

# A dump that runs, and a vacuum that the server does not end for others.
{
	my $scene = $live->scene(@column, ini => "[preflight]\nprepared_transactions = off\nrunning_dump = off\n[run]\nmax_blocking = 1ms\nblocker_wait = 1ms\nlock_timeout = 200ms\nlock_retries = 0\n");
	$scene->sql('ALTER TABLE t SET (fillfactor = 10, autovacuum_enabled = off, autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)');
	$scene->sql(q{INSERT INTO t SELECT g, 0 FROM generate_series(1001, 15000) AS g});

	# nobody reads what it writes, so it stands still with its locks; what the server has sent is less than a
	# socket takes, for one that waits for its client keeps DROP DATABASE waiting
	my $pipe = $scene->dir . '/dump.pipe';
	run_program([ 'mkfifo', $pipe ]);
	my $dump = start_program([ 'pg_dump', '-f', $pipe, $server->url($scene->db) ], env => { PGAPPNAME => undef });
	sysopen my $reader, $pipe, POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "$pipe: $!";
	wait_until(sub { $scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND state = 'idle in transaction' AND query LIKE 'COPY public.t %'}) }, 120, 'a dump that stands still');
	my $plan = $scene->run('plan');
	exit_is($plan, 0, 'a plan with a dump in the way');
	like($plan->stdout, qr/finding: +locks: process \d+ \(a dump, user \S+, application "pg_dump", .*AccessShareLock on public\.t.*is in the way/, 'names it');
	my $run = $scene->run;
	exit_is($run, 20, 'a run that does not wait for its end');
	like($run->stderr, qr/in the way: process \d+ \(a dump, user/, 'names it before the attempt');
	my ($attempt) = $scene->attempts;
	like(join(' ', @{ $attempt->{blockers} || [] }), qr/"pg_dump"/, 'which is on record');
	$dump->kill_group;
	close $reader;
	wait_until(sub { !$scene->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'}) }, 120, 'its end');

	# a hundred thousand transactions make the table old enough, and only that starts a vacuum of it
	$scene->sql('SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1 .. 100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$');
	$scene->sql($_) foreach q{ALTER SYSTEM SET autovacuum_naptime = '1s'}, q{ALTER SYSTEM SET autovacuum = on}, 'SELECT pg_reload_conf()';
	my $vacuums = q{FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'autovacuum: VACUUM %public.t (to prevent wraparound)%'};
	wait_until(sub { $scene->sql("SELECT count(*) $vacuums") }, 300, 'a vacuum to prevent wraparound');
	$plan = $scene->run('plan');
	exit_is($plan, 0, 'a plan with such a vacuum in the way');
	like($plan->stdout, qr/finding: +locks: process \d+ \(an autovacuum against wraparound, which does not give way, .*ShareUpdateExclusiveLock on public\.t.*to prevent wraparound.*is in the way/, 'names it as what it is');
	$run = $scene->run;
	exit_is($run, 20, 'a run that does not wait for its end');
	like($run->stderr, qr/in the way: process \d+ \(an autovacuum against wraparound/, 'names it before the attempt');
	($attempt) = map { $_->{blockers} ? $_ : () } reverse $scene->attempts;
	like(join(' ', @{ $attempt->{blockers} || [] }), qr/to prevent wraparound/, 'which is on record');
	$scene->sql($_) foreach q{ALTER SYSTEM SET autovacuum = off}, 'ALTER SYSTEM RESET autovacuum_naptime', 'SELECT pg_reload_conf()';
	wait_until(sub { !$scene->sql("SELECT count(pg_terminate_backend(pid)) $vacuums") }, 120, 'its end');
	exit_is($scene->run, 0, 'without them the run succeeds');
}

done_testing();
