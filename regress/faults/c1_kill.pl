# SIGKILL at each boundary of a run, and at each point between them.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C1', 'SIGKILL, SIGTERM, SIGINT or SIGHUP at a boundary');
my $faults = SafeDeployTest::Faults->new('kill');
my %met;

foreach my $boundary ($faults->boundaries)
{
	my ($name, $point) = @$boundary;
	$met{ $point =~ s/:.*//r } = 1;
	$faults->trial('C1', "$name, KILL at $point", lean($point), fault => "$point=kill") foreach 1 .. repeats();
}

foreach my $point (grep { !$met{$_} } $faults->points('run'))
{
	$faults->trial('C1', "run, KILL at $point", command => 'run', lean($point), fault => "$point=kill") foreach 1 .. share(4);
}
done_testing();
