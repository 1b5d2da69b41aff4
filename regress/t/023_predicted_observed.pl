# What safedeploy.predict() says of statements beside what the server does: every case of
# regress/fixtures/statements, and the cases of regress/fixtures/rules that are run.
# See SafeDeployTest::Predictions.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Predictions;
use Test::More;

my $server = SafeDeployTest->new('predictions', conf => "fsync = off\nwal_level = logical");
%ENV = (%ENV, $server->libpq_env('postgres'));

my $totals = SafeDeployTest::Predictions->new->run;
cmp_ok($totals->{cases}, '>=', 400, 'enough statements are compared');
done_testing();
