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
	foreach my $point ($faults->points($command))
	{
		next if $command eq 'run' && $met{$point};
		$met{$point} = 1;
		$faults->trial('C1', "$command, KILL at $point", command => $command, $command eq 'run' ? lean($point) : (), fault => "$point=kill");
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
		$failing->trial('C1', "a run that is brought back, $_ at $point", @fails, fault => "$point=" . lc) foreach qw(KILL TERM);
	}
}

diag('not met: ' . join ' ', grep { !$met{$_} } $faults->all_points);
done_testing();
