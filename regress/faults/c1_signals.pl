# Signals that can be caught, at each boundary of a run.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C1', 'SIGKILL, SIGTERM, SIGINT or SIGHUP at a boundary');
my $faults = SafeDeployTest::Faults->new('signals');

foreach my $boundary ($faults->boundaries)
{
	my ($name, $point) = @$boundary;
	foreach my $signal (qw(TERM INT HUP))
	{
		$faults->trial('C1', "$name, $signal at $point", lean($point), fault => "$point=" . lc $signal) foreach 1 .. repeats();
	}
}
done_testing();
