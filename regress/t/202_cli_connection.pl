# No server, wrong password, no database, no extension, one that is too old, no rights.
use strict;
use warnings;

use IO::Socket::INET;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('connection', tcp => 1);
my $canary = 'connection-canary-9921';
$server->create_database('app');
$server->create_database('bare', extension => 0);
$server->sql('postgres', "SET password_encryption = 'scram-sha-256'; CREATE ROLE guarded LOGIN PASSWORD '$canary'");
$server->node->append_conf('pg_hba.conf', '');
my $hba = $server->node->data_dir . '/pg_hba.conf';
{
	open my $in, '<', $hba or die $!;
	local $/;
	my $old = <$in>;
	close $in;
	open my $out, '>', $hba or die $!;
	print $out "host all guarded 127.0.0.1/32 scram-sha-256\n$old";
	close $out;
}
$server->node->reload;

sub refused
{
	my ($name, $run, $code, $message, $hint) = @_;
	exit_is($run, $code, $name);
	like($run->stderr, $message, '  message');
	like($run->stderr, qr/^migguard: hint: .*$hint/m, '  hint') if defined $hint;
	unlike($run->stdout . $run->stderr, qr/$canary/, '  no password');
	return;
}

my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;
refused('no server at a port', $server->migguard(undef, ['history'], env => { DATABASE_URL => "postgresql://u:$canary\@127.0.0.1:$closed/d" }),
	69, qr/could not connect.*\n.*127\.0\.0\.1:$closed.*refused/, qr/server runs/);
refused('no server at a socket', $server->migguard(undef, ['history'], env => { DATABASE_URL => "postgresql://u:$canary\@/d?host=/nonexistent" }),
	69, qr/could not connect/, qr/server runs/);
refused('no such host', $server->migguard(undef, ['history'], env => { DATABASE_URL => "postgresql://u:$canary\@no-such-host.invalid/d" }),
	69, qr/could not connect/, qr/name of the host/);
refused('wrong password', $server->migguard(undef, ['history'], env => { DATABASE_URL => $server->url('app', tcp => 1, user => 'guarded', password => "$canary-wrong") }),
	69, qr/SQLSTATE 28P01.*\n.*password authentication failed/, qr/user and password/);
refused('no password', $server->migguard(undef, ['history'], env => { DATABASE_URL => $server->url('app', tcp => 1, user => 'guarded') }),
	69, qr/no password supplied/, qr/PGPASSWORD/);
refused('no such service', $server->migguard('app', ['history'], env => { DATABASE_URL => 'service=nowhere' }),
	69, qr/definition of service "nowhere" not found/);
refused('no database', $server->migguard('nowhere', ['history']), 69, qr/"nowhere" does not exist/, qr/create it first/);
refused('no extension', $server->migguard('bare', ['history']), 69, qr/extension "safedeploy" is not in this database/, qr/migguard init/);

# A server that takes connections and says nothing
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
my $waiting = $server->migguard(undef, ['history'],
	env => { DATABASE_URL => 'postgresql://u@127.0.0.1:' . $silent->sockport . '/d?connect_timeout=1' }, timeout => 20);
refused('a silent server', $waiting, 69, qr/no answer from the server within 1 s/, qr/firewalls/);
$waiting = $server->start_migguard(undef, ['history'], env => { DATABASE_URL => 'postgresql://u@127.0.0.1:' . $silent->sockport . '/d' });
select undef, undef, undef, 0.5;
$waiting->signal('TERM');
$waiting->wait(5);
refused('a signal while connecting', $waiting, 24, qr/interrupted by signal 15/);

refused('a role without rights',
	$server->migguard(undef, ['history'], env => { DATABASE_URL => $server->url('app', tcp => 1, user => 'guarded', password => $canary) }),
	69, qr/permission denied.*SQLSTATE 42501/, qr/--deployer/);

# An extension whose handshake says another version; a superuser may replace a function.
my $handshake = 'CREATE OR REPLACE FUNCTION safedeploy.protocol_version() RETURNS integer LANGUAGE sql AS';
$server->sql('app', "$handshake 'SELECT 0'");
refused('an old extension', $server->migguard('app', ['history']), 69, qr/extension "safedeploy" \S+ is too old for migguard/, qr/migguard init/);
$server->sql('app', "$handshake 'SELECT 99'");
refused('an extension from the future', $server->migguard('app', ['history']), 69, qr/migguard \S+ is too old for extension/, qr/Install the migguard/);
$server->sql('app', 'ALTER EXTENSION safedeploy DROP FUNCTION safedeploy.protocol_version(); DROP FUNCTION safedeploy.protocol_version()');
refused('an extension without a handshake', $server->migguard('app', ['history']), 69, qr/is too old for migguard/, qr/migguard init/);

# A statement that hangs is cancelled by a signal, and the session is gone.
my $blocker = $server->node->background_psql('bare');
$server->sql('bare', 'CREATE EXTENSION safedeploy');
$blocker->query_safe('BEGIN; LOCK TABLE safedeploy.run IN ACCESS EXCLUSIVE MODE');
my $hanging = $server->start_migguard('bare', ['history']);
wait_until(sub { $server->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:history' AND wait_event_type = 'Lock'}) > 0 },
	20, 'history waits for the lock');
$hanging->signal('INT');
$hanging->wait(10);
refused('a signal while waiting for the server', $hanging, 24, qr/interrupted by signal 2/);
wait_until(sub { $server->sql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migguard:history'}) == 0 },
	10, 'its session is gone');
pass('no session is left behind');
$blocker->quit;

done_testing();
