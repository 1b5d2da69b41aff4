# L3: tokens only ever grow: with eight clients after the same locks, over crashes of
# the server in the midst of it, and in a database that is restored from a dump.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

my ($crashes, $wanted) = repeats() > 1 ? (20, 10_000) : (2, 300);
my $clients = 8;
my $server = SafeDeployTest->new('tokens');
my $node = $server->node;

promise('L3', 'tokens only grow, over crashes of the server and in a restored dump');
$server->create_database('app');
# What is written while the lock is held is in the order of the holders.
$server->sql('app', 'CREATE TABLE issued (id bigserial, name text, token bigint, pid integer DEFAULT pg_backend_pid(), at timestamptz DEFAULT clock_timestamp())');

sub script
{
	my ($times) = @_;
	my $text = '';
	foreach (1 .. $times)
	{
		my $name = $_ % 3 ? 'one' : 'two';
		$text .= <<"SQL";
\\unset token
SELECT safedeploy.try_lock('$name') AS token \\gset
\\if :{?token}
\\echo $name :token
INSERT INTO issued (name, token) VALUES ('$name', :token);
SELECT safedeploy.unlock('$name', :token);
\\endif
SQL
	}
	return $text;
}

my %seen;
my %highest = (one => 0, two => 0);
my $got = 0;
my $script = script(20_000);
foreach my $epoch (1 .. $crashes + 1)
{
	my @running = map { start_program([ 'psql', '-XAtq', $server->url('app') ], stdin => $script) } 1 .. $clients;
	my $quota = $wanted * $epoch / ($crashes + 1);
	my $told = sub { return map { $_->stdout } @running; };
	my $before = $got;
	wait_until(sub { $before + (() = join('', $told->()) =~ /^\w+ \d+\n/gm) >= $quota }, 120, "$quota tokens");
	$node->stop($epoch > $crashes ? 'fast' : 'immediate');
	$_->wait(30) foreach @running;
	$node->start;

	# What a client was told, and what the holders wrote; the last line of one that was cut off may be half a line.
	my @wrong;
	foreach my $line (map { /^(\w+ \d+)\n/gm } $told->())
	{
		my ($name, $token) = split / /, $line;
		push @wrong, "token $token was issued twice" if $seen{$token}++;
		push @wrong, "token $token after a crash, when $highest{$name} had been issued" if $token <= $highest{$name};
		$got++;
	}
	push @wrong, map { "out of order: $_" } split /\n/, $server->sql('app',
		'SELECT name, before, token FROM (SELECT name, token, lag(token) OVER (PARTITION BY name ORDER BY id) AS before FROM issued) AS i WHERE token <= before');
	foreach my $name (keys %highest)
	{
		my ($top) = sort { $b <=> $a } map { /^$name (\d+)\n/gm } $told->();
		$highest{$name} = $top if defined $top;
	}
	push @wrong, 'the ledger is damaged' if $server->faults('app');
	verdict('L3', !@wrong, sprintf('%d tokens to %d clients, then %s', $got - $before, $clients, $epoch > $crashes ? 'a stop' : 'a crash'), @wrong);
}

my $top = (sort { $b <=> $a } values %highest)[0];
my $dump = File::Temp->new(SUFFIX => '.dump');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump->filename, $server->url('app') ], 'a dump');
$server->create_database('restored', extension => 0);
$node->command_ok([ 'pg_restore', '-d', $server->url('restored'), $dump->filename ], 'restored');
foreach my $name (qw(one two new))
{
	my $token = $server->sql('restored', "SELECT safedeploy.try_lock('$name')");
	verdict('L3', $token > $top, "lock $name in a restored dump: $token after $top");
	$top = $token if $token > $top;
}

$node->stop;
done_testing();
