# L7: every packet between guard and server is lost, while the guard stands at a point of
# its run or its tool works.  The server frees the lock and ends the run's sessions within
# 30 s, the next deploy goes on, and the guard changes nothing when the network is back.
use strict;
use warnings;

use SafeDeployTest::Network;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;
use Time::HiRes qw(time sleep);

promise('L7', 'a cut network frees the lock within 30 s, and nothing happens afterwards');

my $limit = 30;
my $batch = 16;
my $network = SafeDeployTest::Network->new;
my $server = SafeDeployTest->new('cut', conf => $network->server_conf);
$network->allow($server);
my $faults = SafeDeployTest::Faults->new('cut', server => $server);

# Who keeps the tool waiting in the midst of a statement: it wants a table that somebody reads.
sub hold_table
{
	my ($database) = @_;
	my $p = start_program([ 'psql', '-Xqc', 'BEGIN; LOCK TABLE t IN SHARE MODE; SELECT pg_sleep(600)', $server->url($database) ]);
	wait_until(sub { $server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$database' AND wait_event = 'PgSleep'") }, 30, 'a lock on the table');
	return $p;
}

sub begin
{
	my ($point) = @_;
	my $trial = { point => $point, command => 'run', start => 'A', goal => 'B', log => [], way => [], database => $faults->database('A') };
	$trial->{runs}  = $server->sql($trial->{database}, 'SELECT count(*) FROM safedeploy.run');
	$trial->{pause} = $faults->path("pause_$trial->{database}");
	my %lean = SafeDeployTest::Faults::lean($point);
	$trial->{again} = $lean{again};
	my %env = (%{ $lean{env} }, DATABASE_URL => $network->url($server, $trial->{database}));
	if ($point eq 'statement')
	{
		$trial->{reader} = hold_table($trial->{database});
		@env{qw(MIGGUARD_RUN_LOCK_TIMEOUT MIGGUARD_RUN_BLOCKER_WAIT)} = ('0', '0');
		push @{ $lean{arguments} }, '--no-rehearsal';
	}
	else { $env{MIGGUARD_FAILPOINT} = "$point=pause:$trial->{pause}"; }
	$trial->{process} = $faults->start_guard($trial->{database}, [ 'run', @{ $lean{arguments} } ], prefix => [ $network->prefix ], env => \%env);
	return $trial;
}

sub arrive
{
	my ($trial) = @_;
	return $faults->reached($trial) if $trial->{point} ne 'statement';
	wait_until(sub { $server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$trial->{database}' AND application_name LIKE '%:migrate' AND wait_event_type = 'Lock'") }, 60, 'the tool in its statement');
	return 1;
}

# Notes when each trial's sessions are gone; all that come over the network are of some trial.
sub watch
{
	my ($since, @trials) = @_;
	my $remote = q{SELECT coalesce(string_agg(DISTINCT datname, ' '), '') FROM pg_stat_activity WHERE client_addr IS NOT NULL};
	my $over = 0;
	while (!$over && time < $since + 2 * $limit)
	{
		my $there = $server->sql('postgres', $remote);
		my $now = time - $since;
		$over = $there eq '';
		foreach my $trial (@trials) { $trial->{free} ||= $now if $there !~ /\b$trial->{database}\b/; }
		sleep 0.2 unless $over;
	}
	return $over;
}

sub judge
{
	my ($trial) = @_;
	my @wrong;
	push @wrong, defined $trial->{free} ? sprintf('the lock was free after %.1f s', $trial->{free}) : 'the lock was never free' unless defined $trial->{free} && $trial->{free} <= $limit;
	$trial->{reader}->kill_group, $server->sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$trial->{database}' AND wait_event = 'PgSleep'") if $trial->{reader};
	my $look = $faults->look($trial->{database});
	$trial->{where} = $faults->where($look);
	push @wrong, 'the lock is held' if $look->{holders};
	push @wrong, $faults->faults_of($trial, $look, undef);
	# the guard still lives and may be at work on a backup; once it has come back there must be none
	push @wrong, grep { !/^half-made backup/ } eval { $faults->mend($trial) };
	push @wrong, $@ if $@;
	$trial->{wrong} = \@wrong;
	return;
}

# The guard finds its network again: it must not do anything any more.
sub come_back
{
	my ($trial) = @_;
	my $process = $trial->{process};
	my @wrong = @{ $trial->{wrong} };
	unlink $trial->{pause};
	eval { $process->wait(90); 1 } or push @wrong, $@;
	my $ended = defined $process->exit_code ? $process->exit_code : 'signal ' . ($process->term_signal || '?');
	push @wrong, "the guard that was cut off ends with $ended" if $ended eq '0' && $trial->{where} ne 'B' || $ended =~ /^(?:1[0-3]|20|21)$/ && $trial->{where} ne 'A';
	my $look = $faults->look($trial->{database});
	push @wrong, 'it led to ' . $faults->where($look) if $faults->where($look) ne 'B';
	push @wrong, $faults->litter($trial->{database}, $look);
	verdict('L7', !@wrong, sprintf('cut at %s: free after %.1f s, %s, then %s; the guard ends with %s', $trial->{point}, $trial->{free} || -1, $trial->{where}, join(', ', @{ $trial->{way} }), $ended),
		@wrong, @wrong ? (@{ $trial->{log} }, $process->stdout, $process->stderr) : ());
	$faults->gone($trial->{database});
	return;
}

my %quick = map { $_ => 1 } qw(lock.taken dump.written migrate.ran done.begun);
my @points = $faults->points('run');
my @todo = ('statement', grep { repeats() > 1 || $quick{$_} } grep { $_ ne 'start' } @points);
while (my @now = splice @todo, 0, $batch)
{
	my @trials = map { begin($_) } @now;
	arrive($_) or die "a guard is not at $_->{point}:\n" . $_->{process}->stderr foreach @trials;
	my $since = time;
	$network->cut;
	ok(watch($since, @trials), sprintf 'no session is left %.1f s after the cut', time - $since);
	judge($_) foreach @trials;
	$network->mend;
	come_back($_) foreach @trials;
}
$server->node->stop;
done_testing();
