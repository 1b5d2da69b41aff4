# SIGKILL at each point of what leads back: a rollback, a run that is brought back, a restore,
# and the resume of a run that was killed.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C1', 'SIGKILL, SIGTERM, SIGINT or SIGHUP at a boundary');
my $faults = SafeDeployTest::Faults->new('back');
my %met    = map { $_ => 1 } $faults->points('run');

my @points = $faults->points('rollback');
my %wanted = map { $_ => 1 } (grep { !$met{$_} } @points), some_of(@points);
foreach my $point (grep { $wanted{$_} } @points)
{
	$met{$point} = 1;
	$faults->trial('C1', "rollback, KILL at $point", command => 'rollback', fault => "$point=kill") foreach 1 .. share(4);
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
