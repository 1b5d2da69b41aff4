# The module fails at each of its points: by an error, which the session survives with nothing held,
# and by a fatal one, which the server survives.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('C8', 'an error inside of the module');
my $server = SafeDeployTest->new('module', preload => 1);
my $count  = 0;

# What comes to a point: statements of a session in a database that has table "here".
my $run = '11111111-1111-4111-8111-111111111111';
my $armed = "SELECT safedeploy.try_lock('armed', 'r', '$run') AS token \\gset\nSET safedeploy.run_id = '$run';\nSET safedeploy.fence_token = :'token';\n";
my $begun = "SELECT safedeploy.begin_run('$run', 'run', 'sql', 'armed', NULL, NULL, NULL, '{}');\n";
my $permit = "SELECT safedeploy.permit('DROP TABLE here', ARRAY['table public.here'], 'r');\n";
my %scenes = (
	'lock.taken'      => { act => "SELECT safedeploy.try_lock('l');" },
	'lock.issued'     => { act => "SELECT safedeploy.try_lock('l');" },
	'lock.written'    => { act => "SELECT safedeploy.try_lock('l');" },
	'unlock.released' => { before => "SELECT safedeploy.try_lock('l') AS t \\gset\n", act => "SELECT safedeploy.unlock('l', :t);" },
	'break.ended'     => { holder => 1, act => "SELECT safedeploy.break_lock('held', 'r');" },
	'ledger.locked'   => { act => $begun },
	'ledger.before'   => { act => $begun },
	'ledger.after'    => { before => $begun, act => "SELECT safedeploy.record_event('$run', 'lock', 'begin');" },
	'fence.commit'    => { before => $armed, act => 'CREATE TABLE more ();' },
	'fence.held'      => { before => $armed, act => 'CREATE TABLE more ();' },
	'permit.written'  => { act => $permit },
	'permit.use'      => { before => "SET safedeploy.protect = enforce;\n$permit", act => 'DROP TABLE here;' },
	'trace.store'     => { before => "$armed$begun", act => "BEGIN;\nSET LOCAL safedeploy.trace = on;\nCREATE TABLE more ();\nCOMMIT;" },
	'drift.record'    => { act => 'CREATE TABLE more ();' },
	'snapshot.walk'   => { act => 'SELECT safedeploy.take_snapshot();' },
	'snapshot.object' => { act => 'SELECT safedeploy.take_snapshot();' },
	'snapshot.header' => { act => 'SELECT safedeploy.take_snapshot();' });

# The list of points is the hint of a wrong setting: each must be met here.
my (undef, undef, $hint) = $server->try_sql('postgres', "LOAD 'safedeploy'; SET safedeploy.failpoint = 'list'");
my @points = split ' ', ($hint =~ /HINT: +(.*)/)[0] || '';
is_deeply([ sort keys %scenes ], [ sort @points ], 'every point of the module is met') or diag($hint);

sub database
{
	my $name = 'module_' . ++$count;
	$server->sql('postgres', "CREATE DATABASE $name TEMPLATE scene");
	return $name;
}

$server->create_database('scene');
$server->sql('scene', 'CREATE TABLE here (i integer)');
my $since = $server->sql('postgres', 'SELECT pg_postmaster_start_time()');

# Locks that outlive a statement: none may, but that of the deploy lock while it is held.
my $held = "SELECT 'locks ' || count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND (locktype IN ('advisory', 'object') OR mode LIKE '%Exclusive%') AND locktype <> 'virtualxid'";

# What is wrong with a server after that: locks of sessions that are gone, a ledger that is broken, a crash.
sub aftermath
{
	my ($database) = @_;
	my @wrong;
	my $crashed = $server->sql('postgres', 'SELECT pg_postmaster_start_time()') ne $since || $server->node->log_contains('PANIC:|was terminated by signal|server process .* was terminated');
	push @wrong, 'the server has crashed' if $crashed;
	push @wrong, map { "ledger: $_->{what}" } map { { what => join ' ', %$_ } } $server->faults($database);
	my $locks = $server->sql($database, q{SELECT string_agg(locktype || ' ' || mode, ', ') FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()});
	push @wrong, "locks are left: $locks" if $locks ne '';
	return @wrong;
}

foreach my $point (sort keys %scenes)
{
	my $scene = $scenes{$point};
	foreach my $action (qw(error fatal))
	{
		my $database = database();
		my $holder;
		if ($scene->{holder})
		{
			$holder = start_program([ 'psql', '-XAtqc', "SELECT safedeploy.try_lock('held')", '-c', 'SELECT pg_sleep(60)', $server->url($database) ]);
			wait_until(sub { $server->sql($database, 'SELECT count(*) FROM safedeploy.lock_holders') }, 20, 'the holder');
		}
		my $script = ($scene->{before} || '') . "SELECT 'pid ' || pg_backend_pid();\nSET safedeploy.failpoint = '$point=$action';\n$scene->{act}\n"
		  . ($action eq 'error' ? "SET safedeploy.failpoint = '';\nSELECT 'pid ' || pg_backend_pid();\n$held;\n$scene->{act}\nSELECT 'done';\n" : '');
		my ($rc, $out, $err) = $server->try_sql($database, $script, on_error_stop => 0);
		my @wrong;
		push @wrong, "it is not met: $err" unless $err =~ /failpoint "\Q$point\E"/;
		if ($action eq 'error')
		{
			my @pids  = $out =~ /^pid (\d+)$/mg;
			my ($locks) = $out =~ /^locks (\d+)$/m;
			push @wrong, 'the session has ended' unless @pids == 2 && $pids[0] == $pids[1] && $out =~ /^done$/m;
			# a session that holds the deploy lock holds it on
			my $may_hold = ($scene->{before} || '') =~ /try_lock/ && $point ne 'unlock.released' ? 1 : 0;
			push @wrong, "it holds $locks locks, not $may_hold" unless defined $locks && $locks == $may_hold;
			# what failed goes well the second time; the lock that was released, or the holder that was ended, is gone
			my @errors = $err =~ /(ERROR: .*)/g;
			push @wrong, "again: $errors[1]" if @errors > 1 && $point !~ /^(?:unlock|break)/;
		}
		else { push @wrong, "psql ended with $rc" if $rc != 2; }
		if ($holder) { $holder->kill_group; wait_until(sub { !$server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$database'") }, 10, 'its end'); }
		push @wrong, aftermath($database);
		verdict('C8', !@wrong, "$action at $point", @wrong, $out, $err);
		$server->drop_database($database);
	}
}

# What is written when a session ends fails there.
my %at_exit = (
	'permit.use'  => "SET safedeploy.protect = enforce;\nDROP TABLE here;\n",
	'trace.store' => "$armed${begun}SET safedeploy.trace = on;\nBEGIN;\nCREATE TABLE more ();\nROLLBACK;\n");
foreach my $point (sort keys %at_exit)
{
	foreach my $action (qw(error fatal))
	{
		my $database = database();
		my (undef, $out, $err) = $server->try_sql($database, "$at_exit{$point}SET safedeploy.failpoint = '$point=$action';\n", on_error_stop => 0);
		wait_until(sub { !$server->sql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$database'") }, 20, 'the end of the session');
		my $met = $server->node->log_contains("failpoint \"$point\"");
		verdict('C8', $met && !aftermath($database), "$action at $point when the session ends", aftermath($database), $out, $err);
		$server->drop_database($database);
	}
}
done_testing();
