# The n-th allocation, write, fsync, rename, connect, send, open or fork of migguard fails, for n from 1 until a run
# in which none does.  No signal, no success that is none, no lock, session or half of a backup left.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp;
use JSON::PP ();
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C7', 'the n-th malloc, write, fsync, rename, connect, send, open, fork fails');
seed();

my $dir = File::Temp->newdir;
my $lib = "$dir/fail_nth.so";
exit_is(run_program([ qw(gcc -shared -fPIC -O1 -o), $lib, dirname(__FILE__) . '/../lib/fail_nth.c', '-ldl' ]), 0, 'the library that fails compiles');

my $faults = SafeDeployTest::Faults->new('nth');
my $server = $faults->server;
my $json   = JSON::PP->new->canonical;

# In a build with the address sanitizer, memory is not the C library's.
my @classes = $ENV{SD_INSTRUMENT} && $ENV{SD_INSTRUMENT} eq 'sanitize' ? () : qw(malloc crypto);
push @classes, qw(write fsync rename connect send open fork);

# What libcrypto allocates at its start is the same everywhere; one command is enough, the cheapest.
my %only = (crypto => 'verify');

# Numbers to try of $count calls: all of them in the long tier, else a few with a start of their own.
sub numbers
{
	my ($count) = @_;
	my $tries = 2 * repeats();
	return 1 .. $count if repeats() >= 20 || $count <= $tries;
	my $step = $count / $tries;
	my $from = rand $step;
	return map { 1 + int($from + $_ * $step) } 0 .. $tries - 1;
}

sub preload
{
	my ($class, $n) = @_;
	unlink "$dir/note";
	return { LD_PRELOAD => $lib, FAIL_NOTE => "$dir/note", defined $class ? (FAIL_CLASS => $class, FAIL_AT => $n) : () };
}

sub noted
{
	return -e "$dir/note" ? SafeDeployTest::Process::slurp("$dir/note") : '';
}

# What every end must be like.
sub wrong_end
{
	my ($p) = @_;
	my @wrong;
	return 'ended by signal ' . $p->term_signal unless defined $p->exit_code;
	push @wrong, 'an error without a message' if $p->exit_code != 0 && $p->stderr !~ /error: ./ && $p->stderr !~ /"level":"error"/;
	push @wrong, 'exit code 70 for ' . $p->stderr if $p->exit_code == 70 && $p->stderr !~ /out of memory|could not/;
	return @wrong;
}

sub sessions
{
	my ($database) = @_;
	return $server->sql($database, q{SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migguard%' AND datname = current_database()})
	  + $server->sql($database, q{SELECT count(*) FROM safedeploy.lock_holders});
}

# Nothing is held any more; a server under load may take a moment to see that a client has gone.
sub wrong_leftovers
{
	my ($database) = @_;
	return eval { wait_until(sub { sessions($database) == 0 }, 10, 'the end of the sessions'); 1 } ? () : 'a session or a lock is left';
}

# Whole backups below the directory of a database, which must be good; all are removed.
sub wrong_backups
{
	my ($where) = @_;
	my @whole = grep { !/\.partial$/ } glob "'$where'/*";
	my @wrong;
	if (@whole)
	{
		my $p = run_program([ SafeDeployTest::migguard_program(), 'backup', 'verify', @whole ]);
		push @wrong, 'a backup that is bad has the name of a good one: ' . $p->stderr if $p->exit_code != 0;
	}
	remove_tree(glob "'$where'/*");
	return @wrong;
}

# The commands: "run" makes one trial with these variables and returns the process and what is wrong.
my $plan_db = $faults->database('A');
my $good = do {
	my $p = $faults->guard($plan_db, [ '--format', 'json', 'backup', 'create', '--kind', 'full' ], env => { MIGGUARD_BACKUP_DIRECTORY => "$dir/good" });
	exit_is($p, 0, 'a backup');
	JSON::PP->new->decode($p->stdout)->{backups}[0]{path};
};
system('cp', '-a', $good, "$good-damaged") == 0 or die 'cp failed';
{
	open my $handle, '+<:raw', "$good-damaged/database.dump" or die "no dump: $!";
	seek $handle, (-s $handle) / 2, 0;
	read $handle, my $byte, 1;
	seek $handle, -1, 1;
	print $handle chr(ord($byte) ^ 1);
	close $handle;
}

sub pending
{
	my ($p) = @_;
	my $plan = eval { $json->decode($p->stdout) } or return 'no plan: ' . $p->stdout;
	return $json->encode([ @$plan{qw(result from to steps pending)} ]);
}
my $pending = pending($faults->guard($plan_db, [ '--format', 'json', 'plan', '--no-rehearsal' ]));

sub state_trial
{
	my ($command, $env) = @_;
	my $trial = { promise => 'C7', command => $command, arguments => [ '--no-rehearsal', $command eq 'run' ? '--no-backup' : () ],
		env => $env, start => $command eq 'run' ? 'A' : 'B', goal => $command eq 'run' ? 'B' : 'A', log => [], way => [] };
	$trial->{database} = $faults->database($trial->{start});
	$trial->{pause}    = '';
	my @wrong = $faults->hurt($trial);
	# the scene's own run says nothing of this one, which may have failed before it had one
	@wrong = grep { !/^it says 0,/ } @wrong
	  if @wrong && $trial->{exit} && $faults->look($trial->{database})->{runs}[0]{run_id} eq $faults->{state}{ $trial->{start} }{runs}[0]{run_id};
	push @wrong, wrong_end($trial->{process}), wrong_leftovers($trial->{database});
	$faults->gone($trial->{database});
	return ($trial->{process}, @wrong);
}

my %commands = (
	verify => sub {
		my ($env) = @_;
		my $p = $faults->guard(undef, [ '--format', 'json', 'backup', 'verify', $good ], env => $env);
		return ($p, wrong_end($p));
	},
	'verify, damaged' => sub {
		my ($env) = @_;
		my $p = $faults->guard(undef, [ '--format', 'json', 'backup', 'verify', "$good-damaged" ], env => $env);
		return ($p, wrong_end($p), defined $p->exit_code && $p->exit_code == 0 ? 'a damaged backup is believed' : ());
	},
	plan => sub {
		my ($env) = @_;
		my $p = $faults->guard($plan_db, [ '--format', 'json', 'plan', '--no-rehearsal' ], env => $env);
		my @wrong = (wrong_end($p), wrong_leftovers($plan_db));
		push @wrong, 'another plan: ' . $p->stdout if defined $p->exit_code && $p->exit_code == 0 && pending($p) ne $pending;
		return ($p, @wrong);
	},
	'backup create' => sub {
		my ($env) = @_;
		my $where = "$dir/made";
		my $p = $faults->guard($plan_db, [ '--format', 'json', 'backup', 'create', '--kind', 'full' ], env => { %$env, MIGGUARD_BACKUP_DIRECTORY => $where });
		my @wrong = (wrong_end($p), wrong_leftovers($plan_db));
		if (defined $p->exit_code && $p->exit_code == 0)
		{
			my $path = eval { $json->decode($p->stdout)->{backups}[0]{path} };
			push @wrong, 'success without a backup' unless defined $path && -d $path && $path !~ /\.partial$/;
		}
		push @wrong, wrong_backups($where);
		return ($p, @wrong);
	},
	run      => sub { my ($env) = @_; return state_trial('run',      $env); },
	rollback => sub { my ($env) = @_; return state_trial('rollback', $env); });

foreach my $command (sort keys %commands)
{
	my ($clean, @bad) = $commands{$command}->(preload());
	my %count = noted() =~ /^(\w+) ([0-9]+)$/mg;
	ok(!@bad && %count, "$command, with nothing that fails") or diag(@bad, $clean->stderr);
	foreach my $class (@classes)
	{
		next if exists $only{$class} && $only{$class} ne $command;
		foreach my $n (numbers($count{$class}))
		{
			my ($p, @wrong) = $commands{$command}->(preload($class, $n));
			# what is done a little otherwise in a second run may make a call less
			my $end = noted() ne '' ? '' : ', which was not reached';
			verdict('C7', !@wrong, "$command, $class $n of $count{$class}: " . (defined $p->exit_code ? $p->exit_code : 'signal') . $end, @wrong, $p->stderr);
		}
	}
}

done_testing();
