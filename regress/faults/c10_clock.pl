# Clocks that are wrong, and that step while migguard runs: time limits are kept, durations are never negative, and the
# order of the ledger is the server's.
use strict;
use warnings;

use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

my ($lib) = glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'no libfaketime; regress/setup-deps brings it' unless $lib;

promise('C10', 'a clock that is an hour off, or steps back an hour in the midst of a run');

my $faults = SafeDeployTest::Faults->new('clock', files => {
	'1_base.up.sql' => "CREATE TABLE t (i integer);\n", '1_base.down.sql' => "DROP TABLE t;\n",
	'2_more.up.sql' => "CREATE TABLE u (i integer);\nSELECT pg_sleep(1);\n", '2_more.down.sql' => "DROP TABLE u;\n" });
my $server = $faults->server;
my $dir    = File::Temp->newdir;

# The clock that people read; the one that only goes forward is the kernel's.
sub clock
{
	my ($name, $offset) = @_;
	my $file = "$dir/$name";
	step($file, $offset);
	return ($file, { LD_PRELOAD => $lib, FAKETIME_TIMESTAMP_FILE => $file, FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1 });
}

sub step
{
	my ($file, $offset) = @_;
	open my $handle, '>', "$file.new" or die "$file: $!";
	print $handle "$offset\n";
	close $handle;
	rename "$file.new", $file or die "$file: $!";
	return;
}

# What is wrong with the times of the run that is newest.
sub wrong_times
{
	my ($database, $seconds) = @_;
	my ($run) = $server->runs($database);
	my @events = $server->events($database, $run->{run_id});
	my @wrong;
	for my $i (1 .. $#events)
	{
		push @wrong, "event $events[$i]{seq} is older than the one before" if $events[$i]{at} lt $events[ $i - 1 ]{at};
	}
	foreach my $event (@events)
	{
		my $ms = ref $event->{detail} ? $event->{detail}{elapsed_ms} : undef;
		push @wrong, "$event->{state} took $ms ms of " . $seconds * 1000 if defined $ms && ($ms < 0 || $ms > $seconds * 1000 + 1000);
	}
	push @wrong, 'no event has a duration' unless grep { ref $_->{detail} && defined $_->{detail}{elapsed_ms} } @events;
	return @wrong;
}

foreach my $case ([ 'an hour ahead', '+3600' ], [ 'an hour behind', '-3600' ], [ 'steps back', '+0', '-3600' ], [ 'steps ahead', '+0', '+3600' ])
{
	my ($name, $first, $then) = @$case;
	my ($file, $env) = clock($name =~ tr/ /_/r, $first);
	$faults->trial('C10', "the clock is $name", env => $env, arguments => [qw(--no-backup --no-rehearsal)], again => [qw(--no-backup --no-rehearsal)], must_end => '0',
		during => sub {
			my ($self, $trial) = @_;
			return unless defined $then;
			wait_until(sub { !$trial->{process}->running || $server->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%' AND pid <> pg_backend_pid()}) }, 60, 'the migration');
			step($file, $then);
		},
		after => sub { my ($self, $trial) = @_; return wrong_times($trial->{database}, $trial->{process}->seconds); });
}

# time limits, while the clock goes back: of the lock, and of the tool
{
	my $database = $faults->database('A');
	my ($file, $env) = clock('lock', '+0');
	my $holder = start_program([ 'psql', '-Xqc', q{SELECT safedeploy.try_lock('default')}, '-c', 'SELECT pg_sleep(60)', $server->url($database) ]);
	wait_until(sub { $server->sql($database, 'SELECT count(*) FROM safedeploy.lock_holders') == 1 }, 20, 'the lock');
	my $p = $faults->start_guard($database, [qw(run --no-backup --no-rehearsal --lock-wait 2s)], env => $env);
	Time::HiRes::sleep(0.8);
	step($file, '-3600');
	$p->wait(60);
	verdict('C10', $p->exit_code == 11 && $p->seconds > 1.5 && $p->seconds < 20, sprintf('a lock is waited for as long as it should: %.1f s', $p->seconds), $p->stderr);
	$holder->kill_group;
	$faults->gone($database);
}
{
	my ($file, $env) = clock('limit', '+0');
	$faults->trial('C10', 'a tool is ended after its time', env => { %$env, MIGGUARD_RUN_TIMEOUT => '500ms' }, arguments => [qw(--no-backup --no-rehearsal)],
		again => [qw(--no-backup --no-rehearsal)], must_end => '2[01]',
		during => sub { Time::HiRes::sleep(0.3); step($file, '-3600'); },
		after => sub { my ($self, $trial) = @_; return $trial->{process}->stderr =~ /timed out/ ? () : 'it does not say why'; });
}

done_testing();
