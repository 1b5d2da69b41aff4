# Every property that a user can set, edited one at a time: snapshot and diff see that
# change and no other, and the way back leads back.  See SafeDeployTest::Properties.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Properties;
use Test::More;

my $server = SafeDeployTest->new('properties', conf => "fsync = off\nwal_level = logical");
%ENV = (%ENV, $server->libpq_env('postgres'));

my $totals = SafeDeployTest::Properties->new->run;
cmp_ok($totals->{single}, '>=', 400, 'enough properties are edited alone');
done_testing();
