# L5: a guard that is killed leaves nothing behind: its tool, what that has started and
# their sessions are gone within 2 s, whatever the tool and whenever that happens.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use SafeDeployTest::Gate;
use Test::More;
use Time::HiRes qw(time sleep);

promise('L5', 'a tool, what it started and its sessions are gone 2 s after a kill of the guard');

my $limit = 2;
my $gate = SafeDeployTest::Gate->new('child');
my $server = $gate->server;
seed();

# A tool that leaves processes behind on purpose, in sessions of their own, with and without a parent.
my $daemons = <<'PYTHON';
import subprocess
subprocess.Popen(["setsid", "sleep", "600"])
subprocess.run(["sh", "-c", "setsid sh -c 'sleep 600 & exec sleep 600' & trap '' TERM INT HUP"])
op.execute("SELECT gate()")
PYTHON
my $script = "CREATE TABLE late (i integer);\nSELECT gate();\n";
# How often each is killed in the midst of it, and at any time, in the long tier.
my @kinds = (
	[ 'psql', $gate->scene('sql', $script), 90, 10 ],
	[ 'Alembic', $gate->scene('alembic', $script), 60, 0 ],
	[ 'Alembic with daemons', $gate->scene('alembic', { up => $daemons =~ s/\n\z//r, down => 'pass' }), 30, 10 ],
	[ 'Flyway', $gate->scene('flyway', $script), 20, 10 ]);

sub judge
{
	my ($trial, $name, $processes) = @_;
	my @wrong;
	my $killed = time;
	$trial->{guard}->signal('KILL');
	$trial->{guard}->wait(10);
	push @wrong, 'it had ended before' unless defined $trial->{guard}->term_signal;
	my %gone;
	while (time < $killed + 30)
	{
		$gone{processes} ||= time - $killed unless $gate->processes($trial);
		$gone{sessions}  ||= time - $killed unless $gate->sessions($trial);
		last if keys %gone == 2;
		sleep 0.01;
	}
	foreach my $what (qw(processes sessions))
	{
		my $after = $gone{$what};
		push @wrong, defined $after ? sprintf('the last of its %s ended after %.2f s', $what, $after) : "its $what never ended" unless defined $after && $after <= $limit;
	}
	verdict('L5', !@wrong, sprintf('%s, %d processes: gone after %.2f s', $name, $processes, (sort { $b <=> $a } values %gone, 0)[0]), @wrong,
		map { local $/; open my $f, '<', "/proc/$_/cmdline"; my $line = $f && <$f>; defined $line ? "$_ $line" : () } $gate->processes($trial));
	$gate->finish($trial);
	return;
}

foreach my $kind (@kinds)
{
	my ($name, $scene, $midst, $anywhere) = @$kind;
	my @todo = (1) x (repeats() > 1 ? share($midst) : 1);
	while (my @now = splice @todo, 0, 5)
	{
		my @trials = map { $gate->start($scene) } @now;
		$gate->wait_for(@trials);
		foreach my $trial (@trials)
		{
			my $processes = $gate->processes($trial);
			# guard, keeper and tool; two that sleep and a shell
			die "only $processes processes of $name are known" if $processes < ($name =~ /daemons/ ? 6 : 3);
			judge($trial, "$name in the midst of it", $processes);
		}
	}
	# at any time, the start of the tool included
	foreach (1 .. share($anywhere))
	{
		my $trial = $gate->start($scene);
		my $before = rand 1.5;
		sleep $before;
		judge($trial, sprintf('%s %.2f s after its start', $name, $before), scalar $gate->processes($trial));
	}
}
$server->node->stop;
done_testing();
