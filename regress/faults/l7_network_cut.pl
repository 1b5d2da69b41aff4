# L7: every packet between guard and server is lost.  The server frees the lock and
# ends the run's sessions within 30 s, the guard ends by itself, and another deploy goes on.
use strict;
use warnings;

use SafeDeployTest::Network;
use SafeDeployTest;
use File::Temp;
use Test::More;
use Time::HiRes qw(time sleep);

my $limit = 30;
my $network = SafeDeployTest::Network->new;
my $server = SafeDeployTest->new('cut', conf => $network->server_conf);
$network->allow($server);

sub write_file
{
	my ($dir, $name, $text) = @_;
	open my $handle, '>', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle or die "could not write $name: $!";
	return;
}

# What is under way when the network is cut: name, script, where the tool stands.
my @scenes = (
	[ 'statement', "CREATE TABLE t (i int);\nSELECT pg_sleep(600);\n", q{wait_event = 'PgSleep'} ],
	[ 'idle', "CREATE TABLE t (i int);\n\\! exec sleep 600\n", q{state = 'idle in transaction'} ],
	[ 'copy', "CREATE TABLE t (i int);\n\\copy t FROM PROGRAM 'exec sleep 600'\n", q{wait_event = 'ClientRead' AND query LIKE 'COPY%'} ]);

my @guards;
foreach (@scenes)
{
	my ($name, $script, $at) = @$_;
	my $dir = File::Temp->newdir;
	$server->create_database($name);
	write_file($dir, '1_cut.up.sql', $script);
	write_file($dir, '1_cut.down.sql', "DROP TABLE t;\n");
	write_file($dir, 'migguard.ini', "[tool]\nname = sql\ndirectory = .\n[rehearse]\nmode = off\n[backup]\npolicy = none\n[run]\nlock_timeout = 5s\nfail_on = never\n");
	my $guard = $server->start_migguard(undef, ['run'], cwd => "$dir", prefix => [ $network->prefix ], env => { DATABASE_URL => $network->url($server, $name) });
	push @guards, { name => $name, dir => $dir, guard => $guard, at => $at };
}
foreach my $g (@guards)
{
	eval { wait_until(sub { $server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$g->{name}' AND application_name LIKE 'migguard:%:migrate' AND $g->{at}") }, 30, "the tool of $g->{name}"); 1 } or diag($@ . $g->{guard}->stderr . $server->sql('postgres', "SELECT string_agg(row_to_json(a)::text, chr(10)) FROM pg_stat_activity a WHERE datname = '$g->{name}'"));
}
is($server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND application_name LIKE 'migguard:%'"), 2 * @guards, 'guards and tools come over the network');

my $cut = time;
$network->cut;
my %free;
wait_until(sub {
	foreach my $g (@guards)
	{
		$free{ $g->{name} } //= time - $cut
			unless $server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$g->{name}' AND client_addr IS NOT NULL");
	}
	return keys %free == @guards;
}, 3 * $limit, 'the end of the sessions');
cmp_ok($free{$_}, '<=', $limit, sprintf '%s: lock and sessions are gone after %.1f s', $_, $free{$_}) foreach map { $_->{name} } @guards;
foreach my $g (@guards)
{
	my $name = $g->{name};
	is($server->sql($name, q{SELECT to_regclass('t') IS NULL}), 't', "$name: nothing is left of it");
	write_file($g->{dir}, '1_cut.up.sql', "CREATE TABLE t (i int);\n");
	my $p = $server->migguard($name, [ 'run', '--lock-wait', '5s' ], cwd => "$g->{dir}");
	exit_is($p, 0, "$name: another deploy goes on without anybody's help");
	like($p->stderr, qr/had died in state migrate: nothing happened/, "$name: and has found out what happened");
}
foreach my $g (@guards)
{
	$g->{guard}->wait(120);
	exit_is($g->{guard}, 24, "$g->{name}: the guard that was cut off ends by itself");
	note(sprintf '%s: %.1f s after the cut', $g->{name}, time - $cut);
}
$network->mend;
foreach my $g (@guards)
{
	is($server->sql($g->{name}, q{SELECT count(*) FROM safedeploy.history WHERE result = 'done'}), 1, "$g->{name}: one run is done");
	is_deeply([ $server->faults($g->{name}) ], [], "$g->{name}: the ledger verifies");
}

$server->node->stop;
done_testing();
