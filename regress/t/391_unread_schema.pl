# What another session's lock hides is waited for a little, and then proves nothing: a run is refused
# before it changed anything, and ends for a person when the lock comes later.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use Test::More;
use Time::HiRes qw(time);

my $server = SafeDeployTest->new('unread');
my $dir    = File::Temp->newdir;

write_file("$dir/migguard.ini", "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[backup]\npolicy = none\n");
write_file("$dir/1_first.up.sql", "CREATE TABLE fresh (id integer);\n");
write_file("$dir/1_first.down.sql", "DROP TABLE fresh;\n");

sub fresh_database
{
	my ($name) = @_;
	$server->create_database($name);
	# a view that cannot be read without its table
	$server->sql($name, 'CREATE TABLE hidden (id integer); CREATE VIEW hides AS SELECT id FROM hidden TABLESAMPLE system (1)');
	my $locker = $server->node->background_psql($name, on_error_stop => 1);
	return $locker;
}
my $lock = 'BEGIN; LOCK TABLE hidden IN ACCESS EXCLUSIVE MODE';

# 1. From the beginning.
my $locker = fresh_database('before');
$locker->query_safe($lock);
my $start = time;
my $run = $server->migguard('before', ['run'], cwd => "$dir");
cmp_ok(time - $start, '<', 60, 'a lock that stays does not keep it waiting for long');
exit_is($run, 10, 'the run is refused');
like($run->stderr, qr/capture\s+failed .*snapshot \d+ is not complete: 1 object not read/, 'when it takes the state before');
like($run->stderr, qr/view public\.hides was not read\. It needs relation public\.hidden, which process \d+ of user/, 'and says what hides what');
is($server->sql('before', q{SELECT to_regclass('fresh') IS NULL, (SELECT count(*) FROM safedeploy.snapshot)}), 't|0', 'nothing was done, and no half snapshot is left');
$locker->query_safe('ROLLBACK');

# 2. From the middle.
$locker = fresh_database('middle');
write_file("$dir/1_first.up.sql", "CREATE TABLE fresh (id integer);\nSELECT pg_sleep(3);\n");
my $child = $server->start_migguard('middle', ['run'], cwd => "$dir");
wait_until(sub { $server->sql('middle', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND wait_event = 'PgSleep'}) eq '1' }, 30, 'the migration');
$locker->query_safe($lock);
$child->wait(120);
exit_is($child, 22, 'a lock that comes later: rolled back, not proved equal');
like($child->stderr, qr/verify\s+failed .*not complete/, 'the upgrade was not proved');
like($child->stderr, qr/NOT proved equal: .*Whether view "public\.hides" changed is not known/, 'nor was the way back');
unlike($child->stderr, qr/data did not come back/, 'of data nothing is said');
$locker->query_safe('ROLLBACK');
my $status = $server->migguard('middle', ['status'], cwd => "$dir");
unlike($status->stdout, qr/not known/, 'after the lock all is known again');

# 3. For a moment only.
$locker = fresh_database('moment');
write_file("$dir/1_first.up.sql", "CREATE TABLE fresh (id integer);\n");
$locker->query_safe($lock);
$child = $server->start_migguard('moment', ['run'], cwd => "$dir");
sleep 2;
$locker->query_safe('ROLLBACK');
$child->wait(60);
exit_is($child, 0, 'a lock that goes in time is waited for');
is($server->sql('moment', q{SELECT count(*) FILTER (WHERE complete), count(*) FILTER (WHERE NOT complete) FROM safedeploy.snapshot}), '2|0', 'and leaves whole snapshots only');
$locker->quit;

done_testing();
