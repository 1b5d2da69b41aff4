# Runs in a database that is protected: what passes the gates is permitted, in the clone, on the
# real database and on the way back; nothing else is.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('protect_run', conf => "shared_preload_libraries = 'safedeploy'\nsafedeploy.protect = enforce\nsafedeploy.protect_classes = 'all'\n");
my $temp = File::Temp->newdir;
my %env = (MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$temp/sql", MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');

sub migration
{
	my ($name, $up, $down) = @_;
	make_path("$temp/sql");
	foreach ([ up => $up ], [ down => $down ])
	{
		open my $handle, '>', "$temp/sql/$name.$$_[0].sql" or die "$name: $!";
		print $handle $$_[1];
		close $handle;
	}
	return;
}
sub guard
{
	my ($database, $arguments, %more) = @_;
	my $user = delete $more{user};
	return $server->migguard($database, $arguments, cwd => "$temp", env => { %env, ($user ? (DATABASE_URL => $server->url($database, user => $user)) : ()), %more });
}
sub permits { return $server->sql($_[0], q{SELECT coalesce(string_agg(concat_ws('|', p.used, p.for_role, p.reason), E'\n' ORDER BY p.id), '') FROM safedeploy.permits p WHERE p.run_id IS NOT NULL}); }
sub committed { return $server->sql($_[0], q{SELECT coalesce(string_agg(tag || ': ' || array_to_string(objects, ', '), E'\n' ORDER BY id), '') FROM safedeploy.permit_use WHERE committed AND run_tag IS NOT NULL AND statement !~ 'migguard_'}); }

$server->create_database('app');
$server->sql('app', 'CREATE TABLE old (i int, j int); INSERT INTO old VALUES (1, 2); CREATE VIEW old_v AS SELECT i FROM old; CREATE INDEX old_j ON old (j)');
migration('1_drops', "ALTER TABLE old DROP COLUMN j;\nDROP VIEW old_v;\nDELETE FROM old;\nDO \$\$ BEGIN EXECUTE 'CREATE TABLE made (i int)'; END \$\$;\n",
	"DROP TABLE made;\nALTER TABLE old ADD COLUMN j int;\nCREATE INDEX old_j ON old (j);\nCREATE VIEW old_v AS SELECT i FROM old;\n");

my ($rc, undef, $err) = $server->try_sql('app', 'ALTER TABLE old DROP COLUMN j');
like($err, qr/SD102/, 'by hand it is refused');
my $run = guard('app', ['plan']);
exit_is($run, 0, 'a plan, rehearsed on a clone that is protected too') or diag($run->stderr);
is(permits('app'), '', 'permits nothing yet');
$run = guard('app', ['run']);
exit_is($run, 0, 'the run') or diag($run->stderr);
like(permits('app'), qr/^3\|\S+\|migrate of a run whose gates let it pass$/, 'by one permit of its own');
is(committed('app'), "ALTER TABLE: table column public.old.j\nDROP VIEW: view public.old_v\nDELETE: rows of table public.old", 'and all that it dropped is on record')
  or diag($server->sql('app', 'SELECT * FROM safedeploy.permit_use'));
is_deeply([ $server->scratch_databases ], [], 'scratch databases are dropped by permits');
($rc, undef, $err) = $server->try_sql('app', 'DROP TABLE made');
like($err, qr/SD102/, 'by hand it is refused as before');

# The run's tag alone is worth nothing, nor is its token once the lock is gone
my ($id, $token) = split /\|/, $server->sql('app', 'SELECT run_id, token FROM safedeploy.permit WHERE run_id IS NOT NULL');
foreach my $options ("-c safedeploy.run_id=$id", "-c safedeploy.run_id=$id -c safedeploy.fence_token=$token")
{
	my $p = run_program([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-c', 'DROP TABLE made', $server->url('app') ], env => { PGOPTIONS => $options });
	like($p->stderr, qr/SD[12]02/, "a session that says $options");
}

# The way back
$run = guard('app', ['rollback', '--yes']);
$run = guard('app', ['rollback']) if $run->exit_code == 64;
exit_is($run, 0, 'a rollback on demand drops what the upgrade made') or diag($run->stderr);
is($server->sql('app', q{SELECT to_regclass('made') IS NULL}), 't', 'it is gone');

migration('1_drops', "ALTER TABLE old DROP COLUMN j;\nDROP VIEW old_v;\n", "ALTER TABLE old ADD COLUMN j int;\nCREATE INDEX old_j ON old (j);\nCREATE VIEW old_v AS SELECT i FROM old;\n");
migration('2_makes', "CREATE TABLE second (i int);\n", "DROP TABLE second;\n");
migration('3_fails', "INSERT INTO old SELECT 1 / count(*) FROM old;\n", "SELECT 1;\n");
$server->sql('app', 'SET safedeploy.protect = off; DELETE FROM old');
$run = guard('app', ['run'], MIGGUARD_REHEARSE_MODE => 'off');
exit_is($run, 21, 'a run that fails half way is rolled back, which drops too') or diag($run->stderr);

# A deployer who is no superuser, protected by his role alone
$server->node->append_conf('postgresql.conf', "safedeploy.protect = off\n");
$server->node->reload;
$server->sql('postgres', 'CREATE ROLE deployer LOGIN CREATEDB');
exit_is(guard('postgres', [ 'init', '--rehearsal-template', 'with_extension' ]), 0, 'a template');
$server->create_database('two');
$server->sql('two', q{SELECT safedeploy.grant_deployer('deployer'); GRANT CREATE ON SCHEMA public TO deployer; ALTER ROLE deployer SET safedeploy.protect = enforce; ALTER DATABASE two SET safedeploy.protect = enforce});
$server->sql('with_extension', q{SELECT safedeploy.grant_deployer('deployer'); GRANT CREATE ON SCHEMA public TO deployer}) ;
system("rm -rf $temp/sql");
migration('1_makes', "CREATE TABLE a (i int);\n", "DROP TABLE a;\n");
my %deployer = (user => 'deployer', MIGGUARD_REHEARSE_TEMPLATE => 'with_extension');
$run = guard('two', ['run'], %deployer);
exit_is($run, 0, 'a first run by a deployer') or diag($run->stderr);
migration('2_drops', "DROP TABLE a;\n", "CREATE TABLE a (i int);\n");
$run = guard('two', ['run'], %deployer);
exit_is($run, 0, 'and one that drops') or diag($run->stderr);
like(permits('two'), qr/^1\|deployer\|migrate/m, 'by the permit of that run, for its role');

# What the doctor says
like(guard('two', ['doctor'], %deployer)->stdout, qr/ok\s+protect\s+enforce: destructive statements outside of a run and without a permit are refused/, 'doctor: enforced');
$server->sql('postgres', 'ALTER DATABASE app SET safedeploy.protect = warn');
like(guard('two', ['doctor'], %deployer)->stdout, qr/ok\s+rights\s+deployer may use all that a deployer needs/, 'doctor: the deployer has his rights');
# as after an update that brings a function and a table
$server->sql('two', 'REVOKE EXECUTE ON FUNCTION safedeploy.predict(text, boolean) FROM deployer; REVOKE SELECT ON safedeploy.permit FROM deployer');
my $doctor = guard('two', ['doctor'], %deployer)->stdout;
like($doctor, qr/warning\s+rights\s+deployer may not use 2 parts of the extension that a deployer needs, such as function predict/, 'doctor: what is missing');
my ($command) = $doctor =~ /Let a superuser run in database two: (SELECT safedeploy\.grant_deployer\('deployer'\);)/;
ok($command, 'with the command') or diag($doctor);
$server->sql('two', $command || 'SELECT 1');
like(guard('two', ['doctor'], %deployer)->stdout, qr/ok\s+rights/, 'that mends it');
like(guard('app', ['doctor'])->stdout, qr/ok\s+protect\s+warn: destructive statements without a permit are warned of/, 'doctor: warn');
$server->sql('postgres', 'ALTER DATABASE app RESET safedeploy.protect');
like(guard('app', ['doctor'])->stdout, qr/ok\s+protect\s+off; not promised: that nobody drops anything outside of a run/, 'doctor: off');
$server->node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$server->node->restart;
$server->sql('postgres', 'ALTER DATABASE app SET safedeploy.protect = enforce');
like(guard('app', ['doctor'])->stdout, qr/warning\s+protect\s+enforce, but the library is not loaded into every session; lost/, 'doctor: set in vain');

$server->node->stop;
done_testing();
