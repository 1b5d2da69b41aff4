package SafeDeployTest::Network;

=head1 NAME

SafeDeployTest::Network - a server and guards on two sides of a network that can be cut

=head1 SYNOPSIS

  use SafeDeployTest::Network;    # before SafeDeployTest
  use SafeDeployTest;

  my $network = SafeDeployTest::Network->new;
  my $server = SafeDeployTest->new('cut', conf => $network->server_conf);
  my $guard = $server->start_migguard(undef, ['run'], prefix => [ $network->prefix ], env => ...);
  $network->cut;
  $network->mend;

Loading it moves the whole test into a user and network namespace of its own,
where no root is needed; the server's Unix socket is reached from both sides,
cut or not.  Where that is not allowed the test is skipped, with the reason.

=cut

use strict;
use warnings;

use Carp;
use Time::HiRes qw(sleep);

my ($server_address, $guard_address) = ('10.213.77.1', '10.213.77.2');

sub import
{
	return if $ENV{SD_NETWORK_NAMESPACE};
	my @unshare = qw(unshare --user --map-current-user --keep-caps --net);
	my $why = `@unshare ip link set lo up 2>&1`;
	if ($? != 0)
	{
		chomp $why;
		$why =~ s/\s+/ /g;
		print "1..0 # SKIP no network namespace of its own: $why\n";
		exit 0;
	}
	$ENV{SD_NETWORK_NAMESPACE} = 1;
	exec @unshare, $^X, (map { "-I$_" } @INC), $0, @ARGV;
	die "could not execute unshare: $!\n";
}

sub ip
{
	my ($self, $prefix, @arguments) = @_;
	system(@$prefix, 'ip', @arguments) == 0 or croak "ip @arguments failed";
	return;
}

sub new
{
	my ($class) = @_;
	my $self = bless {}, $class;
	# The other side lives as long as this process.
	$self->{holder} = open $self->{pipe}, '|-', 'unshare', '--net', 'cat';
	croak "could not start unshare: $!" unless $self->{holder};
	my $mine = readlink '/proc/self/ns/net';
	for (1 .. 500)
	{
		my $theirs = readlink "/proc/$self->{holder}/ns/net";
		last if defined $theirs && $theirs ne $mine;
		sleep 0.01;
	}
	$self->ip([], qw(link set lo up));
	$self->ip([], qw(link add sd0 type veth peer name sd1 netns), $self->{holder});
	$self->ip([], qw(addr add), "$server_address/30", qw(dev sd0));
	$self->ip([], qw(link set sd0 up));
	$self->ip([ $self->prefix ], qw(link set lo up));
	$self->ip([ $self->prefix ], qw(addr add), "$guard_address/30", qw(dev sd1));
	$self->ip([ $self->prefix ], qw(link set sd1 up));
	return $self;
}

=head2 prefix, server_conf, url($server, $database)

What to put before a command so that it runs on the other side; lines for the
server's configuration; where the server is for the other side.

=cut

sub prefix { return ('nsenter', "--net=/proc/$_[0]{holder}/ns/net"); }

sub server_conf
{
	return "listen_addresses = '$server_address'\n";
}

sub allow
{
	my ($self, $server) = @_;
	$server->node->append_conf('pg_hba.conf', "host all all $guard_address/32 trust");
	$server->node->reload;
	return;
}

sub url
{
	my ($self, $server, $database) = @_;
	return 'postgresql://' . $server->user . "\@$server_address:" . $server->node->port . "/$database";
}

=head2 cut, mend

From the cut on every packet of both sides is lost without a word: each sends to
an address that nobody has.

=cut

sub cut
{
	my ($self) = @_;
	my @wrong = qw(lladdr 02:00:00:00:00:99 nud permanent dev);
	$self->ip([], qw(neigh replace), $guard_address, @wrong, 'sd0');
	$self->ip([ $self->prefix ], qw(neigh replace), $server_address, @wrong, 'sd1');
	return;
}

sub mend
{
	my ($self) = @_;
	$self->ip([], qw(neigh del), $guard_address, qw(dev sd0));
	$self->ip([ $self->prefix ], qw(neigh del), $server_address, qw(dev sd1));
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	close $self->{pipe} if $self->{pipe};
	return;
}

1;
