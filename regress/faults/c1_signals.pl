# A signal at each boundary of a run, and SIGKILL at each point between them, of a run,
# of one that is brought back, of a rollback and of a restore.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C1', 'SIGKILL, SIGTERM, SIGINT or SIGHUP at a boundary');
my $faults = SafeDeployTest::Faults->new('signals');
my %met;

foreach my $boundary ($faults->boundaries)
{
	my ($name, $point) = @$boundary;
	$met{ $point =~ s/:.*//r } = 1;
	foreach my $signal (qw(KILL TERM INT HUP))
	{
		$faults->trial('C1', "$name, $signal at $point", lean($point), fault => "$point=" . lc $signal) foreach 1 .. repeats();
	}
}

foreach my $command (qw(run rollback))
{
	my @points = $faults->points($command);
	my %wanted = map { $_ => 1 } (grep { !$met{$_} } @points), $command eq 'run' ? () : some_of(@points);
	foreach my $point (grep { $wanted{$_} } @points)
	{
		$met{$point} = 1;
		$faults->trial('C1', "$command, KILL at $point", command => $command, $command eq 'run' ? lean($point) : (), fault => "$point=kill") foreach 1 .. share(4);
	}
}

# A run that does not pass its check, and is brought back; what its downgrade leaves is repaired.
{
	my %leaves = (
		'2_leaves.up.sql'   => "CREATE TYPE mood AS ENUM ('fine');\nALTER TABLE t ADD COLUMN m mood;\n",
		'2_leaves.down.sql' => "ALTER TABLE t DROP COLUMN m;\n");
	my $failing = SafeDeployTest::Faults->new('failing', server => $faults->server, files => \%leaves);
	$failing->write('migguard.ini', "[verify.assertions]\nno = SELECT false\n");
	my @fails = (goal => 'A', ends => [21], scene => { MIGGUARD_CONFIG => $failing->path('migguard.ini') }, arguments => ['--no-backup'], again => ['--no-backup']);
	foreach my $point (grep { /^(?:rollback|repair)\./ } $failing->points('run', @fails))
	{
		$met{$point} = 1;
		$failing->trial('C1', "a run that is brought back, $_ at $point", @fails, fault => "$point=" . lc) foreach repeats() > 1 ? qw(KILL TERM INT HUP) : 'KILL';
	}
}

# A restore in the place of a downgrade: the run before it has made the backup.
my %restore = (command => 'rollback', made_from => 'A', arguments => ['--from-backup'], again => ['--from-backup'], ends => [ 0, 3, 10 ],
	prepare => sub {
		my ($self, $trial) = @_;
		exit_is($self->guard($trial->{database}, [ 'run', '--no-rehearsal' ]), 0, 'a run with a backup');
	});
foreach my $point (grep { /^restore\./ } $faults->points('rollback', %restore))
{
	$met{$point} = 1;
	$faults->trial('C1', "a restore, KILL at $point", %restore, fault => "$point=kill") foreach 1 .. share(4);
}

# What an interrupted run has left is gone on with, or brought back, by a resume that is killed itself.
my @steps  = $faults->steps('run');
my %resume = (start => 'C', made_from => 'A', arguments => ['--no-backup'],
	prepare => sub {
		my ($self, $trial) = @_;
		my $run = $self->guard($trial->{database}, [ 'run', '--no-backup' ], env => { MIGGUARD_FAILPOINT => "$steps[1]=kill" });
		is($run->term_signal, 9, 'a run is killed between two migrations');
	});
foreach my $point (some_of($faults->points('resume', %resume)))
{
	$met{$point} = 1;
	$faults->trial('C1', "a resume, KILL at $point", %resume, command => 'resume', again_by => 'run', again => ['--no-backup'], goal => 'B', fault => "$point=kill") foreach 1 .. share(4);
}

is_deeply([ grep { !$met{$_} } $faults->all_points ], [], 'no point is left out');
done_testing();
