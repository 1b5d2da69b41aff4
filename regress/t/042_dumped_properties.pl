# What the fixtures of single properties make, all of it together: a restored dump of it
# has the same fingerprint.  See SafeDeployTest::Properties.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Properties;
use Test::More;

my $server = SafeDeployTest->new('dumped', conf => "fsync = off\nwal_level = logical");
%ENV = (%ENV, $server->libpq_env('postgres'));

my $properties = SafeDeployTest::Properties->new;
$properties->dump_area($_) for grep { $_ ne 'environment' } SafeDeployTest::Properties::areas();
done_testing();
