# L9: the answer of unlock() counts.  A lock that was lost before the end of a run, or
# that cannot be released, never passes as success and never hides an earlier error.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('L9', 'a lock that is lost at the end or cannot be released is an error of its own');

my $faults = SafeDeployTest::Faults->new('unlock');
my $server = $faults->server;

# A run that is held up at the point, whose session is ended there; somebody else may have the lock then.
sub hurt
{
	my ($point, $other) = @_;
	my $database = $faults->database('A');
	my $pause = $faults->path("pause_$database");
	my %trial = (database => $database, pause => $pause, command => 'run', start => 'A', goal => 'B', log => [], way => [], again => [ '--no-backup', '--no-rehearsal' ]);
	$trial{process} = $faults->start_guard($database, [ 'run', '--no-backup', '--no-rehearsal' ], env => { MIGGUARD_FAILPOINT => "$point=pause:$pause" });
	$faults->reached(\%trial) or die $trial{process}->stderr;
	my $pid = $server->sql($database, 'SELECT pid FROM safedeploy.lock_holders');
	$server->sql($database, "SELECT pg_terminate_backend($pid)");
	wait_until(sub { !$server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") }, 30, 'the end of its session');
	$server->sql($database, q{SELECT safedeploy.try_lock('default')}) if $other;
	$faults->release(\%trial);
	$trial{process}->wait(60);
	$trial{exit} = $trial{process}->exit_code // 'a signal';
	return \%trial;
}

sub judge
{
	my ($name, $trial, $exit, $said, $result, @more) = @_;
	my @wrong = @more;
	my $process = $trial->{process};
	my $look = $faults->look($trial->{database});
	my ($run) = @{ $look->{runs} };
	push @wrong, "it ended with $trial->{exit}" if $trial->{exit} ne $exit;
	push @wrong, 'it does not say so' if $process->stderr !~ $said;
	push @wrong, "the ledger says " . ($run->{result} // 'nothing') if ($run->{result} // '') ne $result;
	$trial->{where} = $faults->where($look);
	push @wrong, eval { $faults->mend($trial) };
	push @wrong, $@ if $@;
	verdict('L9', !@wrong, "$name: exit $trial->{exit}, $result", @wrong, @wrong ? ($process->stderr, @{ $trial->{log} }) : ());
	$faults->gone($trial->{database});
	return;
}

foreach (1 .. repeats())
{
	judge('lost before the end is recorded, and free', hurt('end.begin'), 0, qr/the lock was free and has been taken again/, 'done');
	judge('lost before the end is recorded, and somebody else had it', hurt('end.begin', 1), 24, qr/error: the session that holds the deploy lock was lost/, 'interrupted');
	judge('lost between the end and its release', hurt('end.recorded'), 24, qr/error: deploy lock "default" could not be released/, 'done');
}

# A run that has failed keeps its own code and its own error.
$faults->write('migrations/5_bad.up.sql', "SELECT 1 / 0;\n");
$faults->write('migrations/5_bad.down.sql', "SELECT 1;\n");
foreach (1 .. repeats())
{
	my $trial = hurt('end.recorded');
	my $said = $trial->{process}->stderr;
	my @wrong;
	push @wrong, "it ended with $trial->{exit}" if $trial->{exit} ne '21';
	push @wrong, 'the first error is not the one that is told' if $said !~ /^migguard: error: sql exited with 3/m;
	push @wrong, 'the lock is not mentioned' if $said !~ /warning: .*deploy lock "default" could not be released/;
	verdict('L9', !@wrong, "a failed run: exit $trial->{exit}", @wrong, $said);
	$faults->gone($trial->{database});
}

$server->node->stop;
done_testing();
