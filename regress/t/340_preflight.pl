# Each check of preflight refuses, warns or is off, as the settings say.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('preflight');
my $project = SafeDeployTest::Alembic->new(
	git       => 1,
	revisions => [ { id => 'a1', up_sql => ['CREATE TABLE t (id integer)'], down_sql => ['DROP TABLE t'] } ]);
my @upgrade = ('--', $project->alembic, 'upgrade', 'head');
$server->create_database('app');
$server->sql('app', 'CREATE TABLE other (id integer)');
my $before = $server->fingerprint('app');

# A plan without a rehearsal ends right behind the checks.
sub checked
{
	my ($ini, %opt) = @_;
	$project->write('migguard.ini', $ini);
	return $server->migguard(defined $opt{url} ? undef : 'app', [ 'plan', '--no-rehearsal', @upgrade ], cwd => $project->dir,
		env => { (defined $opt{url} ? (DATABASE_URL => $opt{url}) : ()), %{ $opt{env} || {} } });
}

# The check refuses when required, warns when a warning, and is not done when off.
sub check
{
	my ($name, $text, $ini, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $p = checked("[preflight]\n$name = required\n" . ($ini || ''), %opt);
	exit_is($p, 10, "$name refuses");
	like($p->stderr, qr/preflight check $name: .*$text/s, 'and says why');
	my ($run) = $server->runs('app');
	is($run->{result}, 'refused_preflight', 'the ledger has it');
	is($run->{last_state}, 'preflight', 'nothing came after it');
	$p = checked("[preflight]\n$name = warning\n" . ($ini || ''), %opt);
	exit_is($p, 0, "$name warns");
	like($p->stderr, qr/warning: preflight check $name: .*$text/s, 'and goes on');
	$p = checked("[preflight]\n$name = off\n" . ($ini || ''), %opt);
	exit_is($p, 0, "$name is off");
	unlike($p->stderr, qr/check $name/, 'and silent');
	return;
}

# A session that does something until it is told to stop; returns a closure for that.
sub session
{
	my ($sql, $ready, %env) = @_;
	my $p = start_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', $server->url('app') ],
		stdin => "$sql;\n\\! sleep 60\n", env => \%env);
	wait_until(sub { $server->sql('app', "SELECT count(*) FROM pg_stat_activity WHERE $ready") }, 20, $sql);
	return sub { $p->kill_group; wait_until(sub { !$server->sql('app', "SELECT count(*) FROM pg_stat_activity WHERE $ready") }, 20, 'its end'); };
}

exit_is(checked("[preflight]\nactive_sessions = required\nlong_transactions = required\nidle_in_transaction = required\ngit_clean = off\n"), 0,
	'all checks pass on a quiet database');

# sessions
my $stop = session('BEGIN; SELECT 1 FROM other', q{state = 'idle in transaction'}, PGAPPNAME => 'lazy');
check('idle_in_transaction', 'lazy', "git_clean = off\n");
check('long_transactions', 'lazy', "git_clean = off\nidle_in_transaction = off\nmax_transaction_age = 1ms\n");
$stop->();
my $busy = start_program([ 'psql', '-Xqc', 'SELECT pg_sleep(600)', $server->url('app') ], env => { PGAPPNAME => 'busy' });
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'}) }, 20, 'the busy session');
check('active_sessions', 'busy', "git_clean = off\n");
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'busy'});
$busy->wait(10);

# a real dump, held up by a lock
my $gate = session('BEGIN; LOCK TABLE other', q{state = 'idle in transaction'});
my $dump = start_program([ 'pg_dump', '-f', '/dev/null', $server->url('app') ], env => { PGAPPNAME => undef });
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'}) }, 20, 'the dump');
check('running_dump', 'pg_dump', "git_clean = off\nidle_in_transaction = off\n");
$gate->();
$dump->wait(20);

$server->sql('app', q{BEGIN; CREATE TABLE prepared (id integer); PREPARE TRANSACTION 'left over'});
check('prepared_transactions', 'left over', "git_clean = off\n");
$server->sql('app', q{ROLLBACK PREPARED 'left over'});

# what is around
check('environment', 'SD_WANTED', "git_clean = off\nrequired_env = PATH, SD_WANTED\n");
check('environment', 'SD_WANTED', "git_clean = off\nrequired_env = PATH, SD_WANTED\n", env => { SD_WANTED => '' });
exit_is(checked("[preflight]\ngit_clean = off\nrequired_env = PATH, SD_WANTED\n", env => { SD_WANTED => 'x' }), 0, 'a variable that is set is enough');
check('commands', 'command "broken" exited with 3.*so it is', "git_clean = off\n[preflight.commands]\nfine = true\nbroken = perl -e 'print STDERR qq{so it is}; exit 3'\n");
check('commands', 'command "slow" timed out', "git_clean = off\ncommand_timeout = 1s\n[preflight.commands]\nslow = sleep 60\n");
check('commands', 'could not find program "no-such-program"', "git_clean = off\n[preflight.commands]\nmissing = no-such-program\n");
exit_is(checked("[preflight]\ngit_clean = off\n[preflight.commands]\nshell = test -z '\$(exit 1)' -o 1 = 1\n"), 0, 'no shell reads a command');

$project->write('.gitignore', "__pycache__/\nmigguard.ini\n");
$project->commit_all('Ignore the settings');
exit_is(checked("[preflight]\ngit_clean = required\n"), 0, 'a clean work tree passes');
$project->write('migrations/versions/notes.txt', 'not committed');
check('git_clean', 'notes\.txt');
unlink $project->dir . '/migrations/versions/notes.txt';

# disk space: a directory that cannot be written, and one too small
my $dir = File::Temp->newdir;
chmod 0500, "$dir";
check('disk_space', 'not writable', "git_clean = off\n[backup]\ndirectory = $dir/deep/er\n");
{
	# /sys is a file system without any room that every Linux has
	my $p = checked("[preflight]\ngit_clean = off\n[backup]\ndirectory = /sys\n");
	exit_is($p, 10, 'a directory without room is refused');
}

# the tool
$server->sql('app', q{CREATE TABLE alembic_version (version_num varchar(32) NOT NULL); INSERT INTO alembic_version VALUES ('gone')});
my $p = checked("[preflight]\ngit_clean = off\n");
exit_is($p, 10, 'a revision that the code does not know is refused');
like($p->stderr, qr/preflight check tool: .*gone/, 'by the check of the tool');
$server->sql('app', 'DROP TABLE alembic_version');

# role
$server->sql('app', 'CREATE ROLE nobody LOGIN; CREATE ROLE half LOGIN; GRANT USAGE ON SCHEMA safedeploy TO half');
$p = checked('', url => $server->url('app', user => 'nobody'));
exit_is($p, 10, 'a role without rights is refused');
like($p->stderr, qr/grant_deployer\('nobody'\)/, 'and told what to ask for');
$p = checked('', url => $server->url('app', user => 'half'));
exit_is($p, 10, 'a role with half of the rights too');
like($p->stderr, qr/It may not execute: .*try_lock/, 'with what it lacks');
$server->sql('app', q{SELECT safedeploy.grant_deployer('half')});
$p = $server->migguard(undef, [ 'plan', @upgrade ], cwd => $project->dir, env => { DATABASE_URL => $server->url('app', user => 'half') });
exit_is($p, 10, 'a rehearsal wants CREATEDB');
like($p->stderr, qr/may not create the scratch database/, 'which is said');

# server and extension
$server->create_database('plain', extension => 0);
$p = checked("[preflight]\ngit_clean = off\n", url => $server->url('plain'));
exit_is($p, 10, 'a database without the extension is refused');
like($p->stderr, qr/migguard init/, 'and told what to do');
$server->create_database('readonly');
$server->sql('postgres', 'ALTER DATABASE readonly SET default_transaction_read_only = on');
$p = checked("[preflight]\ngit_clean = off\n", url => $server->url('readonly'));
exit_is($p, 10, 'a server that takes no writes is refused');
like($p->stderr, qr/takes no writes/, 'and told so');
$p = checked("[preflight]\ngit_clean = off\n", url => 'postgresql://nobody@127.0.0.1:1/app');
exit_is($p, 69, 'no server is no refusal but unavailable');
$p = checked("[preflight]\ngit_clean = off\n", url => $server->url('nodatabase'));
exit_is($p, 69, 'neither is a missing database');

# an extension of an earlier time: made to look so in the catalog
$server->create_database('old');
$server->sql('old', q{UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'safedeploy'; CREATE OR REPLACE FUNCTION safedeploy.protocol_version() RETURNS integer LANGUAGE sql AS 'SELECT 0'});
$p = checked("[preflight]\ngit_clean = off\n", url => $server->url('old'));
exit_is($p, 10, 'an old extension is refused');
like($p->stderr, qr/preflight check extension: /, 'by its check');

is($server->fingerprint('app'), $before, 'nothing has changed by all that');
is_deeply([ $server->faults('app') ], [], 'the ledger verifies');

done_testing();
