# Guards that wait for the lock do not hold up what the holder does.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('waiting');
my $dir = File::Temp->newdir;
$server->create_database('app');
$server->sql('app', 'CREATE TABLE big AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 200000) g');

# The pause lets the others queue up before the index is begun.
write_file("$dir/1_index.up.sql", "-- migguard: no-transaction\nSELECT pg_sleep(2);\nCREATE INDEX CONCURRENTLY big_id ON big (id);\n");
write_file("$dir/1_index.down.sql", "DROP INDEX big_id;\n");
write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[backup]\npolicy = none\n[run]\nlock_timeout = 20s\nfail_on = never\n");

my @guards = map { $server->start_migguard('app', [ 'run', '--lock-wait', '2min' ], cwd => "$dir") } 1 .. 11;
my $waiting = sub { scalar grep { $_->stderr =~ /waiting for deploy lock/ } @guards };
wait_until(sub { $waiting->() >= 10 }, 60, 'ten guards that wait');
pass('ten guards wait while one builds an index concurrently');
$_->wait(120) foreach @guards;
my %ends;
$ends{ $_->exit_code // 'signal' }++ foreach @guards;
is_deeply(\%ends, { 0 => 1, 3 => 10 }, 'it ends well, and the others find nothing to do')
  or diag(join "\n", map { $_->stderr } @guards);
is($server->sql('app', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_id'::regclass}), 't', 'the index is valid');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.history WHERE result = 'nothing_to_do'}), 10, 'every guard is in the ledger');
is($server->sql('app', q{SELECT count(DISTINCT detail->>'token') FROM safedeploy.event WHERE state = 'lock' AND status = 'ok'}), 11, 'each had a token of its own');
is_deeply([ $server->faults('app') ], [], 'the ledger verifies');

done_testing();
