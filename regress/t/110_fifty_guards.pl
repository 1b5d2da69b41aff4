# Fifty guards started together on one database: exactly one applies, the others
# find nothing to do or do not get the lock, and no two work at the same time.
# SD_GUARD_ROUNDS sets how often (default 20).
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use Test::More;

my $rounds = $ENV{SD_GUARD_ROUNDS} || 20;
my $guards = 50;

my $server = SafeDeployTest->new('fifty');
$server->create_database('app');
$server->sql('app', 'CREATE TABLE applied (round integer, at timestamptz DEFAULT clock_timestamp())');

my $dir = File::Temp->newdir;
sub migration
{
	my ($round) = @_;
	my %text = (
		up   => "INSERT INTO applied (round) VALUES ($round);\nCREATE TABLE t$round (id integer);\nSELECT pg_sleep(0.2);\n",
		down => "DROP TABLE t$round;\nDELETE FROM applied WHERE round = $round;\n");
	foreach my $direction (sort keys %text)
	{
		my $file = sprintf '%s/%03d_round.%s.sql', $dir, $round, $direction;
		open my $handle, '>', $file or die "could not write $file: $!";
		print $handle $text{$direction};
		close $handle or die "could not write $file: $!";
	}
	return;
}

foreach my $round (1 .. $rounds)
{
	migration($round);
	my @running;
	foreach my $n (1 .. $guards)
	{
		# One half will not wait for the lock, the other waits and looks again.
		push @running, $server->start_migguard('app', ['run'],
			env => {
				MIGGUARD_TOOL_NAME      => 'sql',
				MIGGUARD_TOOL_DIRECTORY => "$dir",
				MIGGUARD_BACKUP_POLICY  => 'none',
				MIGGUARD_REHEARSE_MODE  => 'off',
				MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
				MIGGUARD_LOCK_WAIT      => $n % 2 ? '0' : '120s',
			});
	}
	my %ended;
	foreach my $guard (@running)
	{
		my $code = $guard->wait(120)->exit_code;
		$code = 'signal ' . $guard->term_signal unless defined $code;
		$ended{$code}++;
		diag("ended with $code: " . $guard->stderr) unless $code =~ /^(0|3|11)$/;
	}
	my $as_it_must = ($ended{0} || 0) == 1 && ($ended{0} + ($ended{3} || 0) + ($ended{11} || 0)) == $guards;
	ok($as_it_must, "round $round: one applies, the others end with 3 or 11");
	my $count = "round $round: " . join ', ', map { "$ended{$_} with $_" } sort keys %ended;
	if ($as_it_must) { note($count); } else { diag($count); }
	is($server->sql('app', "SELECT count(*) FROM applied WHERE round = $round"), 1, "round $round: applied once");
}

is($server->sql('app', q{SELECT count(*) FROM safedeploy.history WHERE result = 'done'}), $rounds, 'the ledger has one run done for each round');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.unfinished_runs}), 0, 'and none unfinished');
my $held = q{
	SELECT run_id, min(at) FILTER (WHERE state = 'lock' AND status = 'ok') AS taken, max(at) AS ended
	  FROM safedeploy.event GROUP BY run_id HAVING bool_or(state = 'lock' AND status = 'ok')};
cmp_ok($server->sql('app', "SELECT count(*) FROM ($held) AS h"), '>=', $rounds, 'the ledger tells who held the lock');
is($server->sql('app', "SELECT count(*) FROM ($held) AS a JOIN ($held) AS b
	ON a.run_id < b.run_id AND (a.taken, a.ended) OVERLAPS (b.taken, b.ended)"), 0, 'no two held it at the same time');
is(scalar $server->faults('app'), 0, 'the ledger is intact');

done_testing();
