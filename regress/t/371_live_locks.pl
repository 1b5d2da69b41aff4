# A run on a live database: nobody waits behind the tool for longer than the settings say.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('live_locks');
my $bindir = $server->node->config_data('--bindir');
my $temp = File::Temp->newdir;
my $scene = 0;

# A database with a table, and a project of plain SQL whose migrations are the texts.
sub scene
{
	my ($ini, @up) = @_;
	my $database = 'live' . ++$scene;
	my $dir = "$temp/$database";
	mkdir $dir or die $!;
	$server->create_database($database);
	$server->sql($database, 'CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL); INSERT INTO t SELECT g, 0 FROM generate_series(1, 1000) AS g');
	put("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[backup]\npolicy = none\n[preflight]\nidle_in_transaction = off\nlong_transactions = off\ngit_clean = off\n$ini");
	my $number = 0;
	foreach my $text (@up)
	{
		$number++;
		put("$dir/${number}_step.up.sql", "$text->[0];\n");
		put("$dir/${number}_step.down.sql", "$text->[1];\n");
	}
	return ($database, $dir);
}

sub put
{
	my ($path, $text) = @_;
	open my $handle, '>', $path or die "$path: $!";
	print $handle $text;
	close $handle;
	return;
}

# Sits in a transaction that has read the table; the closure ends it.
sub blocker
{
	my ($database, %opt) = @_;
	my $name = $opt{name} || 'reporting';
	my $p = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', $server->url($database) ],
		stdin => "BEGIN; SELECT count(*) FROM t WHERE 'a secret' <> 'b';\n\\! sleep " . ($opt{seconds} || 100) . "\nCOMMIT;\n",
		env => { PGAPPNAME => $name });
	wait_until(sub { $server->sql($database, "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$name' AND state = 'idle in transaction'") }, 20, $name);
	return $p;
}

# Readers and writers of the table for some seconds; longest() gives the longest of their transactions in seconds.
sub traffic
{
	my ($database, $seconds) = @_;
	my $dir = "$temp/$database";
	put("$dir/read.pgbench", "\\set id random(1, 1000)\nSELECT n FROM t WHERE id = :id;\n\\sleep 5 ms\n");
	put("$dir/write.pgbench", "\\set id random(1, 1000)\nUPDATE t SET n = n + 1 WHERE id = :id;\n\\sleep 5 ms\n");
	return start_program(
		[ "$bindir/pgbench", '-n', '-c', 4, '-j', 1, '-T', $seconds, '-l', '-f', "$dir/read.pgbench\@3", '-f', "$dir/write.pgbench\@1", $database ],
		cwd => $dir, env => { $server->libpq_env($database) });
}

sub longest
{
	my ($p, $database) = @_;
	$p->wait(60);
	my ($longest, $count) = (0, 0);
	foreach my $file (glob "$temp/$database/pgbench_log.*")
	{
		open my $handle, '<', $file or die $!;
		while (<$handle>)
		{
			my $us = (split)[2];
			$count++;
			$longest = $us if $us > $longest;
		}
	}
	BAIL_OUT('pgbench has done nothing: ' . $p->stderr) unless $count > 10;
	return $longest / 1e6;
}

sub attempts { return map { @{ ($_->{detail} || {})->{attempts} || [] } } grep { $_->{state} eq 'migrate' && $_->{status} ne 'note' } $server->events($_[0]); }

my @column = ('ALTER TABLE t ADD COLUMN c integer', 'ALTER TABLE t DROP COLUMN c');

# The same twice: a blocker for five seconds, a tool that waits longer than that, traffic all along.
my %worst;
foreach my $limit ('1s', '0')
{
	my ($database, $dir) = scene("[run]\nlock_timeout = 30s\nlock_retries = 9\nlock_retry_pause = 300ms\nmax_blocking = $limit\nblocker_wait = 0\n[rehearse]\nmode = off\n", \@column);
	my $blocker = blocker($database, seconds => 5);
	my $traffic = traffic($database, 8);
	my $run = $server->migguard($database, ['run'], cwd => $dir);
	$worst{$limit} = longest($traffic, $database);
	exit_is($run, 0, "max_blocking = $limit: the run succeeds when the blocker is gone");
	$blocker->wait(20);
	my @attempts = attempts($database);
	my ($seen) = sort { $b <=> $a } map { $_->{longest_behind_ms} } @attempts;
	note("max_blocking = $limit: longest wait of a reader or writer: " . sprintf('%.3f', $worst{$limit}) . ' s, as the watch has seen it: ' . $seen / 1000 . " s, attempts: " . @attempts);
	cmp_ok($seen / 1000, '<=', $worst{$limit} + 0.3, 'the watch reports about what the traffic has felt');
	if ($limit ne '0')
	{
		cmp_ok($worst{$limit}, '<=', 2, 'nobody has waited for longer than the limit and a second');
		cmp_ok(scalar @attempts, '>', 1, 'there was more than one attempt');
		is($attempts[0]{failed_by}, 'max_blocking', 'the first was ended for those who waited');
		like($run->stderr, qr/waits for AccessExclusiveLock on public\.t since .*behind process \d+ \(user \S+, application "reporting", idle in transaction/, 'whom it waits for is said meanwhile');
		unlike($run->stderr, qr/a secret/, 'without the literals of its statement');
		like($run->stderr, qr/select count\(\*\) from t where '\*\*\*' <> '\*\*\*'/i, 'but with its shape');
		my ($id) = map { $_->{run_id} } $server->runs($database);
		my $show = $server->migguard($database, [ 'show', $id ]);
		like($show->stdout, qr/note .*others waited up to .* behind it and changed nothing; attempt 2 of 10/, 'show tells of the attempts');
		like($show->stdout, qr/"waited_for": \["process \d+ \(user/, 'and of the blockers');
	}
}
cmp_ok($worst{0}, '>', 2.5, 'without the limit they wait as long as the tool does');

# On its own a run waits for an old transaction before it asks for the lock.
{
	my ($database, $dir) = scene("[run]\nmax_blocking = 1s\n", \@column);
	my $blocker = blocker($database);
	my $traffic = traffic($database, 6);
	my $run = $server->start_migguard($database, ['run'], cwd => $dir);
	wait_until(sub { $run->stderr =~ /in the way: process \d+ .*"reporting"/ }, 60, 'the name of the blocker');
	select undef, undef, undef, 1;
	$server->sql($database, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reporting'});
	$run->wait(60);
	my $longest = longest($traffic, $database);
	exit_is($run, 0, 'a run waits for an old transaction');
	note('waiting outside of the queue: longest wait of a reader or writer: ' . sprintf('%.3f', $longest) . ' s');
	cmp_ok($longest, '<=', 1, 'while nobody waits');
	my @attempts = attempts($database);
	is(scalar @attempts, 1, 'one attempt is enough');
	cmp_ok($attempts[0]{waited_for_blockers_ms}, '>=', 1000, 'the wait is on record');
	like(join(' ', @{ $attempts[0]{blockers} }), qr/"reporting", idle in transaction, transaction of .*AccessShareLock on public\.t/, 'and whom it was for');
	$blocker->kill_group;
}

# What else a run does about it
{
	my ($database, $dir) = scene("[run]\nmax_blocking = 300ms\non_blockers = refuse\n", \@column);
	my $blocker = blocker($database);
	select undef, undef, undef, 0.4;
	my $before = $server->fingerprint($database);
	my $plan = $server->migguard($database, ['plan'], cwd => $dir);
	exit_is($plan, 10, 'a plan is refused for them where that is wanted');
	like($plan->stderr, qr/1 older transaction holds locks that the migrations need.*"reporting"/s, 'by name');
	my $run = $server->migguard($database, ['run'], cwd => $dir);
	exit_is($run, 10, 'and so is a run');
	is($server->fingerprint($database), $before, 'nothing has changed');

	my $ini = sub { my ($text) = @_; return [ 'run', '--config', do { put("$dir/other.ini", "[tool]\nname = sql\ndirectory = .\n[backup]\npolicy = none\n[rehearse]\nshadow = off\n[preflight]\nlong_transactions = off\nidle_in_transaction = off\n[run]\nmax_blocking = 300ms\nblocker_wait = 300ms\nlock_retries = 0\nlock_timeout = 500ms\n$text"); "$dir/other.ini" } ]; };
	$run = $server->migguard($database, $ini->("on_blockers = terminate\n"), cwd => $dir);
	exit_is($run, 10, 'to end sessions, their applications have to be named');
	$run = $server->migguard($database, $ini->("on_blockers = terminate\nblocker_applications = other, pg_dump\n"), cwd => $dir);
	exit_is($run, 20, 'those of other names are left alone');
	is($server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'}), 1, 'and live');
	$run = $server->migguard($database, $ini->("on_blockers = terminate\nblocker_applications = other, reporting\n"), cwd => $dir);
	exit_is($run, 0, 'those that are named are ended, and the run succeeds');
	is($server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'}), 0, 'they are gone');
	like(join("\n", map { $_->{message} // '' } $server->events($database)), qr/terminated a session in the way, as \[run\] on_blockers asks: process \d+ .*"reporting"/, 'which is on record');
	$blocker->kill_group;
}

done_testing();
