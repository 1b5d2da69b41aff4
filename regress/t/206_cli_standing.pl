# init, doctor and status: what is put in place, what is missing, where the database stands.
use strict;
use warnings;

use File::Temp;
use JSON::PP;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('cli_standing', tcp => 1);
my $dir    = File::Temp->newdir;

sub slurp { my ($file) = @_; open my $handle, '<:raw', $file or die "could not open $file: $!"; local $/; return scalar <$handle>; }
sub save
{
	my ($name, $text) = @_;
	open my $handle, '>:raw', "$dir/$name" or die "could not write $name: $!";
	print $handle $text;
	close $handle;
	return;
}

# init
my $database = qq{in"it'\nä};
$server->create_database($database, extension => 0);
sub guard { my ($arguments, %opt) = @_; return $server->migguard($database, $arguments, cwd => "$dir", %opt); }

my $run = guard(['doctor']);
exit_is($run, 10, 'doctor without the extension');
like($run->stdout, qr/^missing  extension    .*is not in this database$/m, 'names it');
like($run->stdout, qr/^ +hint: Run "migguard init"/m,                      'and the way on');

$run = guard(['init']);
exit_is($run, 0, 'init');
like($run->stdout, qr/^extension safedeploy created in .*in"it'\\n\xc3\xa4 as /m, 'says what it did');
is($server->sql($database, q{SELECT count(*) FROM pg_extension WHERE extname = 'safedeploy'}), 1, 'the extension is there');
my $written = slurp("$dir/migguard.ini");
like($written, qr/^\[lock\]\n# name of the deploy lock/m, 'migguard.ini explains the settings');
unlike($written, qr/^[^#\[\n]/m, 'and sets none');
save('migguard.ini', "[lock]\nname = mine\n");
$run = guard(['init']);
exit_is($run, 0, 'init again');
like($run->stdout, qr/^extension safedeploy unchanged/m, 'changes nothing');
is(slurp("$dir/migguard.ini"), "[lock]\nname = mine\n", 'and keeps the file');
$run = guard([ 'init', '--config', 'other.ini', '--format=json' ]);
exit_is($run, 0, 'init with a file that is not there');
is(decode_json($run->stdout)->{config_file}, 'other.ini', 'writes it');
ok(-s "$dir/other.ini", 'really');
unlink "$dir/migguard.ini", "$dir/other.ini";
guard([ 'init', '--no-config' ]);
ok(!-e "$dir/migguard.ini", '--no-config');
chmod 0555, "$dir";
$run = guard(['init']);
chmod 0755, "$dir";
exit_is($run, 65, 'a directory that may not be written');
like($run->stderr, qr/could not create "migguard\.ini": Permission denied/, 'says so');

my $role = qq{Dep"loy'er ä};
$run = guard([ 'init', '--no-config', '--deployer', $role ]);
exit_is($run, 65, 'a role that is not there');
like($run->stderr, qr/there is no role "Dep"loy'er \xc3\xa4"/, 'says so');
$server->sql('postgres', 'CREATE ROLE ' . quote_ident($role) . ' LOGIN; CREATE ROLE reading LOGIN');
$run = guard([ 'init', '--no-config', '--deployer', $role, '--reader', 'reading' ]);
exit_is($run, 0, 'grants to an odd name');
foreach my $who ($role, 'reading')
{
	my %as = (env => { DATABASE_URL => $server->url($database, user => $who) });
	exit_is(guard(['history'], %as), 0, "history as $who");
	exit_is(guard(['snapshot'], %as), $who eq $role ? 0 : 69, "snapshot as $who");
}
my $template = qq{tem"pl'ate ä};
$run = guard([ 'init', '--no-config', '--deployer', $role, '--rehearsal-template', $template ]);
exit_is($run, 0, 'a template for rehearsals');
is($server->sql('postgres', q{SELECT count(*) FROM pg_database WHERE datistemplate AND datname = } . quote_literal($template)), 1, 'is a template');
is($server->sql($template, q{SELECT has_function_privilege(} . quote_literal($role) . q{, 'safedeploy.take_snapshot(text, uuid, boolean)', 'EXECUTE')}),
	't', 'with the extension and its grants');
exit_is(guard([ 'init', '--no-config', '--rehearsal-template', $template ]), 0, 'made again it stays');
$run = guard([ 'init', '--no-config', '--rehearsal-template', $database ]);
exit_is($run, 65, 'a database that is no template');
like($run->stderr, qr/is there and is no template/, 'is left alone');

$server->sql('postgres', 'CREATE DATABASE plain OWNER ' . quote_ident($role));
$run = $server->migguard(undef, ['init'], cwd => "$dir", env => { DATABASE_URL => $server->url('plain', user => $role) });
exit_is($run, 69, 'init without the right to create the extension');
like($run->stderr, qr/permission denied.*SQLSTATE 42501/, 'says so');
like($run->stderr, qr/hint: Run "migguard init" once as a superuser/, 'and who may');

# doctor
my $canary = 'standing-canary-5582';
$server->create_database('app');
$run = $server->migguard('app', ['doctor'], cwd => "$dir",
	env => { PGPASSWORD => $canary, MIGGUARD_LOCK_WAIT => '7s', DATABASE_URL => $server->url('app', password => $canary) });
exit_is($run, 0, 'doctor');
like($run->stdout, qr/^lock\.wait +7s +MIGGUARD_LOCK_WAIT$/m, 'a setting from the environment');
like($run->stdout, qr/^run\.lock_timeout +5s +default$/m,     'a default');
like($run->stdout, qr/^database\.url +postgresql:.* DATABASE_URL$/m, 'where the database URL comes from');
unlike($run->stdout . $run->stderr, qr/$canary/, 'without the password');
like($run->stdout, qr/^ok +$_ /m, "$_ is looked at") foreach qw(connection server role preload extension pg_dump pg_restore psql git);
like($run->stdout, qr/^warning +tool /m, 'no tool is named');
my $report = decode_json($server->migguard('app', [ 'doctor', '--format=json' ], cwd => "$dir")->stdout);
is_deeply([ grep { $_->{level} eq 'missing' } @{ $report->{checks} } ], [], 'as JSON');
ok((grep { $_->{section} eq 'lock' && $_->{key} eq 'wait' } @{ $report->{settings} }), 'with the settings');

exit_is($server->migguard(undef, ['doctor'], env => { DATABASE_URL => 'postgresql://u@/d?host=/nonexistent' }), 69, 'doctor without a server');
$run = $server->migguard('app', ['doctor'], env => { MIGGUARD_PROGRAMS_PG_DUMP => 'no-such-pg_dump' });
exit_is($run, 10, 'doctor without pg_dump');
like($run->stdout, qr/^missing +pg_dump +could not find program "no-such-pg_dump"/m, 'names it');
exit_is($server->migguard('app', ['doctor'],
		env => { MIGGUARD_PROGRAMS_PG_DUMP => 'no-such-pg_dump', MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_REHEARSE_MODE => 'off' }),
	0, 'which is fine when nothing needs it');
$run = $server->migguard('app', ['doctor'], env => { MIGGUARD_TOOL_NAME => 'nonesuch' });
exit_is($run, 10, 'doctor with a tool that is not known');
like($run->stdout, qr/^missing +tool +there is no tool "nonesuch"/m, 'names it');
$server->sql('app', q{CREATE OR REPLACE FUNCTION safedeploy.protocol_version() RETURNS integer LANGUAGE sql AS 'SELECT 0'});
$run = $server->migguard('app', ['doctor']);
exit_is($run, 10, 'doctor with an old extension');
like($run->stdout, qr/^missing +extension .* too old/m, 'names it');
$server->drop_database('app');
$server->create_database('app');
$server->sql('postgres', q{CREATE ROLE plain_role LOGIN; GRANT CONNECT ON DATABASE app TO plain_role});
$run = $server->migguard(undef, ['doctor'], env => { DATABASE_URL => $server->url('app', user => 'plain_role') });
exit_is($run, 10, 'doctor as a role without rights');
like($run->stdout, qr/^missing +extension +permission denied/m, 'names what is denied');
like($run->stdout, qr/^warning +role +plain_role may not create the scratch database/m, 'and that it cannot rehearse here');
my %as_plain = (DATABASE_URL => $server->url('app', user => 'plain_role'));
like($server->migguard(undef, ['doctor'], env => { %as_plain, MIGGUARD_REHEARSE_URL => $server->url('postgres') })->stdout,
	qr/^ok +role +plain_role; rehearsals run at rehearse\.url$/m, 'unless there is another server for that');
$server->sql('postgres', 'ALTER ROLE plain_role CREATEDB');
$run = $server->migguard(undef, ['doctor'], env => {%as_plain});
like($run->stdout, qr/^warning +role +plain_role may not create the extension.*\n +hint: .*--rehearsal-template/m, 'nor with CREATEDB alone');
$run = $server->migguard(undef, ['doctor'], env => { %as_plain, MIGGUARD_REHEARSE_TEMPLATE => $template });
like($run->stdout, qr/^ok +role +plain_role$/m, 'but from a template');


# what doctor finds in the database, in the programs and in the tool
$server->sql('app', "SELECT safedeploy.grant_deployer('plain_role'); REVOKE EXECUTE ON FUNCTION safedeploy.begin_run FROM plain_role;"
	. q{ALTER DATABASE app SET safedeploy.protect = 'warn'; UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'safedeploy'});
save('old-pg_dump', "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n");
chmod 0755, "$dir/old-pg_dump";
$run = $server->migguard(undef, ['doctor'],
	env => { %as_plain, MIGGUARD_PROGRAMS_PG_DUMP => "$dir/old-pg_dump", MIGGUARD_PROGRAMS_PSQL => '/bin/false' });
exit_is($run, 10, 'doctor of much that is not as it should be');
like($run->stdout, qr/^warning +protect +warn, but the library is not loaded into every session/m, 'protection without the library');
like($run->stdout, qr/^warning +extension +safedeploy 0\.0, the server has /m, 'an extension that could be updated');
like($run->stdout, qr/^warning +rights +plain_role may not use 1 parts .*begin_run.*\n +hint: Let a superuser run in database app: .*grant_deployer/m, 'a right that is missing');
like($run->stdout, qr/^missing +pg_dump +pg_dump \(PostgreSQL\) 9\.6 is older than the server\n +hint: Set programs\.pg_dump to one of version \d+/m, 'an old pg_dump');
like($run->stdout, qr{^warning +psql +/bin/false --version exited with 1$}m, 'a psql that does not work');
$server->sql('app', q{UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'safedeploy') WHERE extname = 'safedeploy';}
	. q{ALTER DATABASE app SET session_preload_libraries = 'safedeploy'});
my $with_library = $server->migguard('app', ['doctor'])->stdout;
like($with_library, qr/^ok +preload +the library is loaded into every session/m, 'the library in every session');
like($with_library, qr/^ok +protect +warn: destructive statements without a permit are warned of/m, 'protection that warns');
$server->sql('app', q{ALTER DATABASE app SET safedeploy.protect = 'enforce'});
like($server->migguard('app', ['doctor'])->stdout, qr/^ok +protect +enforce: destructive statements outside of a run .*\n +hint: What postgresql\.conf says can be hidden/m, 'and one that refuses');
$server->sql('app', 'ALTER DATABASE app RESET ALL');

# status
mkdir "$dir/migrations";
save('migrations/1_first.up.sql', 'CREATE TABLE one (id integer);');
save('migrations/1_first.down.sql', 'DROP TABLE one;');
save('migrations/2_second.up.sql', 'CREATE TABLE two (id integer);');
save('migrations/2_second.down.sql', 'DROP TABLE two;');
save('migguard.ini', "[tool]\nname = sql\ndirectory = migrations\n");
like($server->migguard(undef, ['doctor'], cwd => "$dir", env => { DATABASE_URL => 'postgresql://u@/d?host=/nonexistent' })->stdout,
	qr/^ok +tool +sql$/m, 'doctor knows the tool without a server');
sub status { my (@more) = @_; return $server->migguard('app', [ 'status', @more ], cwd => "$dir"); }
$run = status();
exit_is($run, 0, 'status of a new database');
like($run->stdout, qr/^tool: +sql$/m, 'the tool');
like($run->stdout, qr/^revision: +\(base\)$/m, 'no revision');
like($run->stdout, qr/^pending: +2 migrations, up to \S/m, 'what is pending');
like($run->stdout, qr/^last known good: +none yet$/m, 'no good run');

$server->sql('app', q{CREATE TABLE one (id integer)});
$server->sql('app', q{SELECT safedeploy.record_migration('default', '1', '1_first.up.sql',
	encode(sha256('CREATE TABLE one (id integer);'), 'hex'))});
my $revision = decode_json(status('--format=json')->stdout)->{tool}{current};
my $good = '33333333-0000-4000-8000-000000000001';
$server->sql('app', "SELECT safedeploy.begin_run('$good', 'run', 'sql', 'default', NULL, '1', NULL, NULL)");
my ($snapshot) = guard_snapshot();
sub guard_snapshot { return $server->sql('app', 'SELECT safedeploy.take_snapshot()'); }
$server->sql('app', "SELECT safedeploy.end_run('$good', 'done', 0, NULL, jsonb_build_object('revision', '$revision', 'snapshot_id', $snapshot))");
$run = status();
exit_is($run, 0, 'status after a good run');
like($run->stdout, qr/^last known good: +\Q$revision\E, run 33333333, /m, 'names it');
like($run->stdout, qr/^schema: +as the last good run left it$/m, 'and that nothing changed');
like($run->stdout, qr/^pending: +1 migration, up to/m, 'one is pending');

$server->sql('app', q{SELECT safedeploy.begin_run('44444444-0000-4000-8000-000000000002', 'run', 'sql', 'default', NULL, NULL, NULL, NULL)});
my $holder = $server->node->background_psql('app');
$holder->query_safe(q{SELECT safedeploy.try_lock('default', 'test')});
$run = status();
like($run->stdout, qr/^unfinished run: +44444444 \(run\), last in begin, its session is gone; see "migguard resume"$/m, 'a run without an end');
like($run->stdout, qr/^lock held: +"default" by /m, 'a lock that is held');
$holder->quit;

$server->sql('app', q{ALTER TABLE one ADD COLUMN "by hand" text});
$run = status();
exit_is($run, 30, 'a change behind the guard');
like($run->stderr, qr/see: migguard runbook drift$/m, 'names its page');
like($run->stdout, qr/^drift: +1 change since the last good run\n  .*by hand/m, 'is shown');
my $json = decode_json(status('--format=json')->stdout);
ok($json->{drift}, 'as JSON');
is(scalar @{ $json->{changes} }, 1, 'with the change');
$server->sql('app', q{ALTER TABLE one DROP COLUMN "by hand"});
save('migrations/1_first.up.sql', 'CREATE TABLE one (id bigint);');
$run = status('--format=json');
exit_is($run, 0, 'a migration that was changed after it was applied');
is(decode_json($run->stdout)->{tool}{pending}, undef, 'is no reason to show nothing');
like(status()->stdout, qr{^problem: +migration "1_first\.up\.sql" was changed after it was applied}m, 'but it says why');
like($server->migguard('app', ['doctor'], cwd => "$dir")->stdout, qr/^missing +tool .*1_first\.up\.sql/m, 'and doctor names it');
save('migrations/1_first.up.sql', 'CREATE TABLE one (id integer);');
like($server->migguard('app', ['status'], cwd => "$dir", env => { MIGGUARD_TOOL_NAME => 'nonesuch' })->stdout,
	qr/^tool: +there is no tool "nonesuch"/m, 'nor is a tool that is not known');
$server->sql('app', join ';', map { "CREATE TABLE many_$_ ()" } 1 .. 22);
like(status()->stdout, qr/^  and 2 more; see "migguard diff $snapshot"$/m, 'many changes are counted');
$server->sql('app', join(';', map { "DROP TABLE many_$_" } 1 .. 22) . "; SELECT safedeploy.drop_snapshot($snapshot)");
$run = status();
exit_is($run, 0, 'the snapshot of the last good run is gone');
like($run->stdout, qr/^schema: +not compared: its snapshot is not stored any more$/m, 'which is said');
$server->sql('app', q{SELECT safedeploy.forget_migration('default', '1')});
$run = status();
exit_is($run, 30, 'another revision than that of the last good run');
like($run->stdout, qr/^drift: +the tool's revision is not that of the last good run$/m, 'is shown');

done_testing();
