# L1 and L2: guards started together on one database.  Exactly one applies, the others
# find nothing to do or do not get the lock, no two work at the same time, and each ends
# in time and is on record.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;
use Time::HiRes qw(time);

my ($rounds, $guards) = repeats() > 1 ? (20, 50) : (3, 10);
my $patience = 30;    # seconds, on top of all the work

promise('L1', "of $guards guards started together one works at a time, and one applies");
promise('L2', 'each guard ends in time, with a code of its own and a record');

my $server = SafeDeployTest->new('fifty');
$server->create_database('app');
$server->sql('app', 'CREATE TABLE applied (round integer, token text, began timestamptz DEFAULT clock_timestamp(), ended timestamptz)');

my $dir = File::Temp->newdir;
sub migration
{
	my ($round) = @_;
	my %text = (
		up   => "INSERT INTO applied (round, token) VALUES ($round, current_setting('safedeploy.fence_token'));\nCREATE TABLE t$round (id integer);\nSELECT pg_sleep(0.2);\nUPDATE applied SET ended = clock_timestamp() WHERE round = $round;\n",
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

# From the event that the lock is had to the last one of the run.
my $held = q{
	SELECT run_id, min(at) FILTER (WHERE state = 'lock' AND status = 'ok') AS taken, max(at) AS ended, max(at) - min(at) AS work
	  FROM safedeploy.event GROUP BY run_id HAVING bool_or(state = 'lock' AND status = 'ok')};

my $before = 0;
foreach my $round (1 .. $rounds)
{
	migration($round);
	my $started = time;
	my @running;
	foreach my $n (1 .. $guards)
	{
		# One half will not wait for the lock, the other waits and looks again.
		push @running, $server->start_migguard('app', ['run'],
			env => {
				MIGGUARD_TOOL_NAME           => 'sql',
				MIGGUARD_TOOL_DIRECTORY      => "$dir",
				MIGGUARD_BACKUP_POLICY       => 'none',
				MIGGUARD_REHEARSE_MODE       => 'off',
				MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off',
				MIGGUARD_LOCK_WAIT           => $n % 2 ? '0' : '120s',
			});
	}
	my (%ended, @said);
	foreach my $guard (@running)
	{
		eval { $guard->wait(150); 1 } or push @said, $@;
		my $code = $guard->exit_code;
		$code = 'signal ' . $guard->term_signal unless defined $code;
		$ended{$code}++;
		push @said, "ended with $code: " . $guard->stderr unless $code =~ /^(0|3|11)$/;
	}
	my $seconds = time - $started;
	my $counts  = join ', ', map { "$ended{$_} with $_" } sort keys %ended;

	my @wrong;
	push @wrong, "not one applies: $counts" if ($ended{0} || 0) != 1;
	push @wrong, 'applied more than once' if $server->sql('app', "SELECT count(*) FROM applied WHERE round = $round") != 1;
	push @wrong, "two held the lock at the same time: $_" foreach split /\n/, $server->sql('app', "SELECT a.run_id, b.run_id FROM ($held) AS a JOIN ($held) AS b
		ON a.run_id < b.run_id AND (a.taken, a.ended) OVERLAPS (b.taken, b.ended)");
	push @wrong, 'it did not work for the newest token' if $server->sql('app', "SELECT bool_and(token::bigint > coalesce(before, 0)) FROM (SELECT round, token, lag(token::bigint) OVER (ORDER BY round) AS before FROM applied) AS a") ne 't';
	verdict('L1', !@wrong, "round $round: $counts", @wrong, @said);

	@wrong = ();
	my $recorded = $server->sql('app', q{SELECT count(*) FROM safedeploy.history WHERE result IN ('done', 'nothing_to_do', 'refused_lock')});
	push @wrong, $recorded - $before . ' records' if $recorded - $before != $guards;
	push @wrong, 'runs without an end' if $server->sql('app', 'SELECT count(*) FROM safedeploy.unfinished_runs') != 0;
	push @wrong, "other ends: $counts" if ($ended{0} || 0) + ($ended{3} || 0) + ($ended{11} || 0) != $guards;
	my $work = $server->sql('app', "SELECT extract(epoch FROM sum(work)) FROM (SELECT work FROM ($held) AS h ORDER BY ended DESC LIMIT $guards) AS w");
	push @wrong, sprintf 'they took %.1f s for %.1f s of work', $seconds, $work if $seconds > $work + $patience;
	verdict('L2', !@wrong, sprintf('round %d: all over after %.1f s', $round, $seconds), @wrong, @said);
	$before = $recorded;
}
is(scalar $server->faults('app'), 0, 'the ledger is intact');

$server->node->stop;
done_testing();
