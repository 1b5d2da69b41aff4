# SIGKILL at any time of a run.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;
use Time::HiRes qw(sleep time);

promise('C2', 'SIGKILL at a random time');
seed();
my $faults = SafeDeployTest::Faults->new('random');

# How long a run takes here and now, so that the times are spread over all of it.
my $database = $faults->database('A');
my $longest  = $faults->guard($database, ['run'])->seconds * 1.1;
$faults->gone($database);

foreach my $n (1 .. share(500))
{
	my $delay = rand $longest;
	$faults->trial('C2', sprintf('killed after %.0f of %.0f ms', $delay * 1000, $longest * 1000),
		again  => [ $n % 4 ? ('--no-backup', '--no-rehearsal') : () ],
		during => sub {
			my ($self, $trial) = @_;
			sleep $delay;
			$trial->{process}->signal('KILL');
		});
}
done_testing();
