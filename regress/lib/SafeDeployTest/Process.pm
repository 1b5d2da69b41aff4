package SafeDeployTest::Process;

=head1 NAME

SafeDeployTest::Process - a child process with its output in files and a time limit

=head1 SYNOPSIS

  my $p = SafeDeployTest::Process->start([ 'migguard', 'run' ], env => { DATABASE_URL => $url }, cwd => $dir);
  $p->signal('TERM');
  $p->wait(60);
  is($p->exit_code, 24, $p->stderr);

=cut

use strict;
use warnings;

use Carp;
use File::Temp;
use POSIX ();
use Time::HiRes qw(time sleep);

my @started;

# What watches a program slows it: PostgreSQL's own setting, 180 by default, stretches every limit.
sub patience { return ($ENV{PG_TEST_TIMEOUT_DEFAULT} || 180) / 180; }

=head2 start(\@command, %options)

Starts the command in a process group of its own.  Options: C<env> (hash; undef
removes a variable), C<cwd>, C<stdin> (text; default is an empty file),
C<close> (list of descriptors to close).

=cut

sub start
{
	my ($class, $command, %opt) = @_;
	my $self = bless {
		command => [@$command],
		out     => File::Temp->new(TEMPLATE => 'outXXXXXX', TMPDIR => 1),
		err     => File::Temp->new(TEMPLATE => 'errXXXXXX', TMPDIR => 1),
		in      => File::Temp->new(TEMPLATE => 'inXXXXXX',  TMPDIR => 1),
		started => time,
	}, $class;
	if (defined $opt{stdin})
	{
		print { $self->{in} } $opt{stdin};
		$self->{in}->flush;
		seek $self->{in}, 0, 0;
	}

	my $pid = fork;
	croak "could not fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		# STDOUT and STDERR are tied by PostgreSQL::Test::Utils, so work on descriptors.
		setpgrp(0, 0);
		# Who started the tests in the background has them ignore SIGINT.
		$SIG{$_} = 'DEFAULT' foreach qw(INT QUIT HUP TERM PIPE);
		POSIX::dup2(fileno($self->{in}),  0);
		POSIX::dup2(fileno($self->{out}), 1);
		POSIX::dup2(fileno($self->{err}), 2);
		POSIX::close($_) foreach @{ $opt{close} || [] };
		foreach my $name (keys %{ $opt{env} || {} })
		{
			if   (defined $opt{env}{$name}) { $ENV{$name} = $opt{env}{$name}; }
			else                            { delete $ENV{$name}; }
		}
		if (defined $opt{cwd} && !chdir $opt{cwd})
		{
			syswrite \*STDERR, "could not enter $opt{cwd}: $!\n";
			POSIX::_exit(127);
		}
		# With the block form no shell is ever asked.
		{ no warnings 'exec'; exec { $command->[0] } @$command; }
		my $message = "could not execute $command->[0]: $!\n";
		POSIX::write(2, $message, length $message);
		POSIX::_exit(127);
	}
	# The child has its own; fifty children would use up what one process may open.
	close $self->{$_} foreach qw(in out err);
	$self->{pid} = $pid;
	push @started, $self;
	return $self;
}

sub pid     { return $_[0]{pid}; }
sub command { return join ' ', @{ $_[0]{command} }; }

=head2 running

True until the process has ended; collects its status.

=cut

sub running
{
	my ($self) = @_;
	return 0 if defined $self->{status};
	my $got = waitpid $self->{pid}, POSIX::WNOHANG;
	return 1 if $got == 0;
	$self->{status} = $got == $self->{pid} ? $? : -1;
	$self->{ended} = time;
	@started = grep { $_ != $self } @started;
	return 0;
}

=head2 wait($seconds)

Waits for the end and dies, after having killed the whole process group, when
that takes longer; twice the PG_TEST_TIMEOUT_DEFAULT is twice the limit.  Returns
the object.

=cut

sub wait
{
	my ($self, $seconds) = @_;
	$seconds = (defined $seconds ? $seconds : 180) * patience();
	my $until = time + $seconds;
	while ($self->running)
	{
		if (time > $until)
		{
			$self->kill_group;
			croak 'time limit of ' . $seconds . ' s exceeded: ' . $self->command
			  . "\nstdout:\n" . $self->stdout . "\nstderr:\n" . $self->stderr;
		}
		sleep 0.01;
	}
	return $self;
}

=head2 signal($name), kill_group

The first goes to the process alone, the second kills its whole group.

=cut

sub signal
{
	my ($self, $name) = @_;
	return kill $name, $self->{pid};
}

sub kill_group
{
	my ($self) = @_;
	kill 'KILL', -$self->{pid};
	kill 'KILL', $self->{pid};
	1 while $self->running && sleep 0.01;
	return;
}

=head2 exit_code, term_signal, seconds, stdout, stderr

Exit code is undef for a process ended by a signal.

=cut

sub exit_code
{
	my ($self) = @_;
	croak 'still running: ' . $self->command if $self->running;
	return $self->{status} & 127 ? undef : $self->{status} >> 8;
}

sub term_signal
{
	my ($self) = @_;
	croak 'still running: ' . $self->command if $self->running;
	return $self->{status} & 127;
}

sub seconds { return $_[0]{ended} - $_[0]{started}; }
sub stdout  { return slurp($_[0]{out}->filename); }
sub stderr  { return slurp($_[0]{err}->filename); }

sub slurp
{
	my ($file) = @_;
	open my $handle, '<:raw', $file or croak "could not read $file: $!";
	local $/;
	my $text = <$handle>;
	return defined $text ? $text : '';
}

# Nothing a test started outlives it.
END
{
	my $keep = $?;
	foreach my $process (my @living = @started) { $process->kill_group if $process->running; }
	$? = $keep;
}

1;
