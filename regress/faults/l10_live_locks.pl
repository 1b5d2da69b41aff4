# L10: on a live database nobody waits behind the tool for longer than the settings say.
#
# A transaction holds a lock in the tool's way, and traffic comes behind it.  pgbench's own log says
# how long each transaction of it has taken.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use SafeDeployTest::Live;
use Test::More;
use Time::HiRes qw(time sleep);

promise('L10', 'nobody waits behind a lock that the tool waits for longer than max_blocking + 1 s');
promise('L10 limit', 'a lock is waited for no longer than lock_timeout + 1 s, and the attempts are counted');
promise('L10 control', 'without the limit they wait longer: the trial can fail');

my $server = SafeDeployTest->new('live_faults', tcp => 1);
my $live = SafeDeployTest::Live->new($server);
my $limit = 1;
my %longest;

# The readers of one run that meets a blocker; it ends when the condition is true.
sub meet
{
	my ($scene, $until) = @_;
	$scene->blocker;
	$scene->traffic;
	my $run = $scene->start;
	wait_until(sub { !$run->running || $until->($run) }, 120, 'the run in the queue');
	$scene->end_blocker;
	$run->wait(120);
	return ($run, $scene->longest);
}

sub text { return sprintf '%.3f s', $_[0]; }

sub watched
{
	my ($tool, $name, %opt) = @_;
	my $scene = $live->scene(tool => $tool, up => ['ALTER TABLE t ADD COLUMN c integer'], down => ['ALTER TABLE t DROP COLUMN c'], %opt,
		ini => "[rehearse]\nmode = off\n[run]\nlock_timeout = 30s\nlock_retries = 20\nlock_retry_pause = 200ms\nblocker_wait = 0\nmax_blocking = ${limit}s\n");
	my $enough = $tool eq 'flyway' ? 2 : 3;
	my ($run, $longest) = meet($scene, sub { $_[0]->stderr =~ /attempt $enough of/ });
	my @attempts = $scene->attempts;
	$longest{$name} = $longest if $longest > ($longest{$name} || 0);
	verdict('L10', ($run->exit_code // -1) == 0 && $longest <= $limit + 1 && @attempts >= $enough && $attempts[0]{failed_by} eq 'max_blocking',
		"$name: longest wait of a reader or writer " . text($longest) . ', attempts ' . @attempts, $run->stdout, $run->stderr);
	$server->drop_database($scene->db);
	return;
}

foreach my $trial (1 .. share(20))
{
	watched('sql',     'psql');
	watched('sql',     'psql as a role without further rights', user => 'deployer');
	watched('alembic', 'Alembic');
	watched('flyway',  'Flyway') if $trial <= share(5);

	# bounded by lock_timeout alone
	my $scene = $live->scene(up => ['ALTER TABLE t ADD COLUMN c integer'],
		ini => "[rehearse]\nmode = off\n[run]\nlock_timeout = 1s\nlock_retries = 2\nlock_retry_pause = 100ms\nblocker_wait = 0\nmax_blocking = 0\n");
	my ($run, $longest) = meet($scene, sub { 0 });
	my @attempts = $scene->attempts;
	my ($worst) = sort { $b <=> $a } map { $_->{waited_ms} } @attempts;
	verdict('L10 limit', ($run->exit_code // -1) == 20 && @attempts == 3 && $worst <= 2000 && $longest <= 2 && $attempts[2]{failed_by} eq 'lock_timeout',
		'three attempts, the longest of ' . $worst / 1000 . ' s; longest wait of a reader or writer ' . text($longest), $run->stdout, $run->stderr);
	$server->drop_database($scene->db);
}

# the same without the limit: the tool waits three seconds, and they behind it
{
	my $scene = $live->scene(up => ['ALTER TABLE t ADD COLUMN c integer'],
		ini => "[rehearse]\nmode = off\n[run]\nlock_timeout = 30s\nlock_retries = 0\nblocker_wait = 0\nmax_blocking = 0\n");
	my $since;
	my ($run, $longest) = meet($scene, sub {
		$since ||= time if $scene->sql(q{SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'});
		return $since && time - $since > 3;
	});
	verdict('L10 control', ($run->exit_code // -1) == 0 && $longest > $limit + 1, 'longest wait of a reader or writer ' . text($longest), $run->stdout, $run->stderr);
	$longest{'without the limit'} = $longest;
}

diag(sprintf '%-45s longest wait %s', $_, text($longest{$_})) foreach sort keys %longest;
done_testing();
