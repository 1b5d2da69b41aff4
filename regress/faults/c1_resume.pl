# A run that was killed half-way, and a resume that is killed as well: the next resume finishes it or brings
# it back, or refuses, and then the command that it names brings it back.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C1r', 'SIGKILL of "migguard resume" at a boundary, and resumed again');
# without a statement that leaves a half-built index behind, which only a person may drop
my $faults = SafeDeployTest::Faults->new('resume', env => { MIGGUARD_REHEARSE_SHADOW => 'off' }, files => {
	'2_shape.up.sql'   => "ALTER TABLE t ADD COLUMN size integer;\n",
	'2_shape.down.sql' => "ALTER TABLE t DROP COLUMN size;\n",
	'3_more.up.sql'    => "CREATE TABLE w (id bigserial PRIMARY KEY);\n",
	'3_more.down.sql'  => "DROP TABLE w;\n",
	'4_last.up.sql'    => "CREATE VIEW v AS SELECT id, size FROM t;\n",
	'4_last.down.sql'  => "DROP VIEW v;\n" });

# Only what goes on half-way needs a rehearsal.
sub arguments { my ($scene) = @_; return ('--no-backup', $scene->{lean} ? '--no-rehearsal' : ()); }

# The rehearsal goes the same steps before.
my @all = $faults->points('run', list => 1, arguments => ['--no-backup']);
my ($from) = grep { $all[$_] eq 'migrate.begun:1' } 0 .. $#all;
my (undef, $second) = grep { /^sql\.stepped:/ } @all[ $from .. $#all ];

# Where the first run is killed, and where that must lead.
my %scenes = (
	'some applied'     => { fault => "$second=kill", goal => 'B' },
	'in verify'        => { fault => 'verify.begun=kill', goal => 'B', lean => 1 },
	'being taken back' => { fault => 'rollback.begun=kill', goal => 'A', lean => 1, fails => 1 });

sub killed
{
	my ($scene) = @_;
	my $database = $faults->database('A');
	my %env = $scene->{fails} ? (MIGGUARD_CONFIG => failing()) : ();
	my $run = $faults->guard($database, [ 'run', arguments($scene) ], env => { %env, MIGGUARD_FAILPOINT => $scene->{fault} });
	return ($database, $run);
}

sub failing
{
	$faults->write('failing.ini', "[verify.assertions]\nno = SELECT false\n");
	return $faults->path('failing.ini');
}

# The points that a resume of that scene reaches.
sub points_of
{
	my ($scene) = @_;
	my ($database, $run) = killed($scene);
	BAIL_OUT('the run was not killed: ' . $run->stderr) if defined $run->exit_code;
	my $trace = $faults->path('resume_trace');
	unlink $trace;
	my $p = $faults->guard($database, [ 'resume', arguments($scene) ], env => { MIGGUARD_FAILPOINT_TRACE => $trace });
	my (%seen, @points);
	open my $handle, '<', $trace or die "$trace: $!";
	while (my $point = <$handle>) { chomp $point; push @points, $point unless $seen{$point}++; }
	close $handle;
	my $where = $faults->where($faults->look($database));
	verdict('C1r', $where eq $scene->{goal}, "resumed without a fault: $where", $p->stdout, $p->stderr);
	$faults->gone($database);
	return @points;
}

# What is wrong after resume was run to an end.
sub wrong_with
{
	my ($scene, $p, $look) = @_;
	my $exit = defined $p->exit_code ? $p->exit_code : 'signal ' . $p->term_signal;
	my $where = $faults->where($look);
	my @wrong;
	push @wrong, "it ended with $exit" unless grep { $exit eq $_ } 0, 3, 20, 21;
	push @wrong, "it led to $where by $exit" unless $where eq 'A' || $where eq 'B';
	push @wrong, "0, and it led to $where" if $exit eq '0' && $where ne 'B';
	push @wrong, "$exit, and it led to $where" if $exit =~ /^2[01]$/ && $where ne 'A';
	foreach my $what (qw(unfinished holders sessions scratch faults)) { push @wrong, "$what are left" if $look->{$what}; }
	return @wrong;
}

foreach my $name (sort keys %scenes)
{
	my $scene = $scenes{$name};
	my @points = points_of($scene);
	@points = grep { /^(?:lock\.taken|recover\.done|(?:migrate|rollback)\.(?:begun|closed)|end\.recorded)$/ } @points if repeats() == 1;
	foreach my $point (@points)
	{
		foreach (1 .. share(3))
		{
			my ($database, $run) = killed($scene);
			my $first = $faults->guard($database, [ 'resume', arguments($scene) ], env => { MIGGUARD_FAILPOINT => "$point=kill" });
			my @wrong = defined $first->exit_code ? "resume was not killed, but ended with " . $first->exit_code : ();
			my $second = $faults->guard($database, [ 'resume', arguments($scene), '--lock-wait', '30s' ]);
			push @wrong, wrong_with($scene, $second, $faults->look($database));
			verdict('C1r', !@wrong, "$name, resume killed at $point: " . ($second->exit_code // '?'), @wrong ? (@wrong, $run->stderr, $first->stderr, $second->stderr) : ());
			$faults->gone($database);
		}
	}
}

done_testing();
