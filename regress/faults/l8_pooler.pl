# Behind a real PgBouncer: in transaction and in statement mode nothing is begun, no lock is left and no pooled session
# is changed; in session mode it is refused too, unless the check is turned into a warning, and works then.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

my $pgbouncer = (grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer')[0];
plan skip_all => 'no pgbouncer; regress/setup-deps brings it' unless $pgbouncer;

promise('L8', 'a pooler is found out before any change, and leaves no lock');

my $faults = SafeDeployTest::Faults->new('pooler', files => {
	'1_base.up.sql' => "CREATE TABLE t (i integer);\n", '1_base.down.sql' => "DROP TABLE t;\n",
	'2_more.up.sql' => "CREATE TABLE u (i integer);\n", '2_more.down.sql' => "DROP TABLE u;\n" });
my $server = $faults->server;
my $dir    = File::Temp->newdir;

sub pooler
{
	my ($mode, $database) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	open my $handle, '>', "$dir/$mode.ini" or die "$mode.ini: $!";
	print $handle "[databases]\n$database = host=", $server->node->host, ' port=', $server->node->port, " user=", $server->user, " pool_size=", $mode eq 'session' ? 20 : 1, "\n",
	  "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = $port\nunix_socket_dir =\nauth_type = any\npool_mode = $mode\n",
	  "ignore_startup_parameters = extra_float_digits, options\nlogfile = $dir/$mode.log\n";
	close $handle;
	my $process = start_program([ $pgbouncer, '-q', "$dir/$mode.ini" ]);
	my $url = 'postgresql://' . $server->user . "\@127.0.0.1:$port/$database";
	wait_until(sub { run_program([ 'psql', '-Xc', 'SELECT 1', $url ])->exit_code == 0 }, 20, 'the pooler');
	return ($process, $url);
}

sub through
{
	my ($url, @arguments) = @_;
	return $faults->guard(undef, \@arguments, env => { DATABASE_URL => $url });
}

sub pooled_path { return run_program([ 'psql', '-XAtc', 'SHOW search_path', $_[0] ])->stdout; }
sub locks { return $server->sql($_[0], q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}); }

foreach my $mode (qw(transaction statement))
{
	my $database = $faults->database('A');
	my ($process, $url) = pooler($mode, $database);
	my $before = $faults->look($database);
	my $path   = pooled_path($url);
	foreach my $command ([qw(run --no-backup)], ['plan'], ['rollback'], ['resume'], ['status'])
	{
		my $p     = through($url, @$command);
		my $after = $faults->look($database);
		my $code  = defined $p->exit_code ? $p->exit_code : 'signal';
		my @wrong;
		push @wrong, "it ends with $code" if $command->[0] =~ /^(run|plan|rollback)$/ && $code ne '10';
		push @wrong, 'it does not say why' if $code eq '10' && $p->stderr !~ /not a session of its own/;
		push @wrong, 'it does not say what to do' if $code eq '10' && $p->stderr !~ /leads to the server directly/;
		push @wrong, 'something has changed' unless SafeDeployTest::Faults::same($before, $after);
		push @wrong, 'the ledger has a new run' if $before->{runs}[0]{run_id} ne $after->{runs}[0]{run_id};
		push @wrong, 'locks are left: ' . locks($database) if locks($database) != 0;
		push @wrong, 'the pooled session now has search_path ' . pooled_path($url) if pooled_path($url) ne $path;
		verdict('L8', !@wrong, "$mode mode, $command->[0]: $code", @wrong, $p->stderr);
	}
	$process->signal('TERM');
	$process->wait(20);
}

my $database = $faults->database('A');
my ($process, $url) = pooler('session', $database);
my $p = through($url, qw(run --no-backup));
verdict('L8', $p->exit_code == 10 && locks($database) == 0, 'session mode: refused too, because it cannot be told apart', $p->stderr);
$p = $faults->guard(undef, [qw(run --no-backup --no-rehearsal)], env => { DATABASE_URL => $url, MIGGUARD_PREFLIGHT_POOLER => 'warning' });
my $look = $faults->look($database);
diag($p->stderr);
$process->signal('TERM');
$process->wait(20);
verdict('L8', $p->exit_code =~ /^(0|10|20|21|69)$/ && $faults->where($look) eq ($p->exit_code == 0 ? 'B' : 'A') && locks($database) == 0,
	'session mode, with a warning: ' . $p->exit_code, $p->stderr);

done_testing();
