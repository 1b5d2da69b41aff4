package SafeDeployTest::Steps;

=head1 NAME

SafeDeployTest::Steps - single Alembic steps through regress/real/alembic_steps.py

=head1 SYNOPSIS

  my $steps = SafeDeployTest::Steps->of_prefect($server);
  my @revisions = $steps->revisions;
  my $error = $steps->ask('upgrade', $server->url('prefect'), $revisions[0]);

=cut

use strict;
use warnings;

use Carp;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Open2;
use JSON::PP ();

use SafeDeployTest::Real;

my $program = abs_path(dirname(__FILE__) . '/../../real') . '/alembic_steps.py';

sub new
{
	my ($class, $ini, $python) = @_;
	my $self = bless {}, $class;
	$self->{pid} = open2($self->{answers}, $self->{questions}, $python, $program, $ini);
	return $self;
}

=head2 of_prefect($server)

Steps of prefect's history, and an empty database "prefect" that has Alembic's table.

=cut

sub of_prefect
{
	my ($class, $server) = @_;
	my ($keep, $dir) = real_alembic_project();
	my $self = $class->new("$dir/alembic.ini", dirname(real_tool('prefect')) . '/python');
	$self->{keep} = $keep;
	$server->create_database('prefect');
	my $error = $self->ask('ensure', $server->url('prefect'));
	croak "no version table: $error" if defined $error;
	return $self;
}

=head2 ask($command, @arguments)

Returns undef when it went well, else the error.

=cut

sub ask
{
	my ($self, @command) = @_;
	my $answer = $self->exchange(@command);
	return $answer->{ok} ? undef : $answer->{error};
}

sub revisions
{
	my ($self) = @_;
	return @{ $self->exchange('revisions')->{revisions} };
}

sub exchange
{
	my ($self, @command) = @_;
	print { $self->{questions} } JSON::PP::encode_json(\@command), "\n";
	$self->{questions}->flush;
	my $line = readline $self->{answers};
	croak 'alembic_steps.py has ended' unless defined $line;
	return JSON::PP::decode_json($line);
}

sub DESTROY
{
	my ($self) = @_;
	local $?;
	close $self->{questions};
	waitpid $self->{pid}, 0;
	return;
}

1;
