# The rehearsal: what it refuses, what it lets through, and that it stays on the clone.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('rehearsal');
my $base = { id => 'a1', up_sql => [ 'CREATE TABLE t (id integer, c text, d text)' ], down_sql => ['DROP TABLE t'] };
my $count = 0;

# A database at revision a1 with one more revision pending.
sub scene
{
	my ($revision, %opt) = @_;
	my $database = 'app' . ++$count;
	my $project = SafeDeployTest::Alembic->new(revisions => [$base]);
	$server->create_database($database, %{ $opt{create} || {} });
	$server->sql($database, $opt{sql}) if $opt{sql};
	run_program([ $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => { DATABASE_URL => $server->url($database) });
	$project->add($revision);
	# what the server can add to a downgrade is in 331
	my $ini = "[run]\nfail_on = never\n[rehearse]\nrepair = off\n";
	$project->write('migguard.ini', $ini . ($opt{ini} || ''));
	my $before = $server->fingerprint($database);
	my $guard = sub {
		my ($arguments, %more) = @_;
		return $server->migguard($database, [ @$arguments, '--', $project->alembic, 'upgrade', 'head' ],
			cwd => $project->dir, %more);
	};
	return { database => $database, guard => $guard, before => $before, project => $project };
}

sub rehearsed
{
	my ($scene) = @_;
	my ($event) = grep { $_->{state} eq 'rehearse' && $_->{status} =~ /ok|failed/ } reverse $server->events($scene->{database});
	return $event;
}

sub untouched
{
	my ($scene, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($server->fingerprint($scene->{database}) . $server->sql($scene->{database}, 'SELECT version_num FROM alembic_version'),
		"$scene->{before}a1", "$what: the real database is untouched");
	is_deeply([ $server->scratch_databases ], [], 'and the scratch database gone');
	return;
}

# a downgrade that leaves something
my $leaves = { id => 'b2', up_sql => [ q{CREATE TYPE mood AS ENUM ('good', 'bad')}, 'ALTER TABLE t ADD COLUMN m mood' ],
	down_sql => ['ALTER TABLE t DROP COLUMN m'] };
my $scene = scene($leaves);
my $p = $scene->{guard}->([ 'run', '--no-backup' ]);
exit_is($p, 12, 'a downgrade that leaves a type behind is refused');
like($p->stderr, qr/the downgrade does not restore the schema.*mood/s, 'with what it leaves');
is(($server->runs($scene->{database}))[0]{result}, 'refused_rehearsal', 'in the ledger too');
untouched($scene, 'refused');
like("@{rehearsed($scene)->{detail}{downgrade_leaves}}", qr/mood/, 'the differences are in the ledger');
# and the upgrade after it fails, which no permission helps
exit_is($scene->{guard}->([ 'plan' ]), 12, 'a plan says the same');

# let through, on record
$p = $scene->{guard}->([ 'run', '--no-backup', '--allow-irreversible' ]);
exit_is($p, 0, 'with permission it goes on');
like(rehearsed($scene)->{detail}{allowed}, qr/does not restore/, 'the permission is recorded');
like(rehearsed($scene)->{detail}{allowed_by}, qr/allow-irreversible/, 'with where it came from');
is($server->sql($scene->{database}, 'SELECT version_num FROM alembic_version'), 'b2', 'the upgrade is done');
$p = $scene->{guard}->([ 'rollback' ]);
exit_is($p, 12, 'the way back on demand is refused for the same reason');
exit_is($scene->{guard}->([ 'rollback', '--allow-irreversible' ]), 22, 'or ends as not proved');
is(($server->runs($scene->{database}))[0]{result}, 'rolled_back_unproved', 'which the ledger says');
exit_is($scene->{guard}->([ 'run', '--no-backup', '--no-rehearsal' ]), 24, 'and the next run wants it put right first');

# only the order of columns
$scene = scene({ id => 'b2', up_sql => ['ALTER TABLE t DROP COLUMN c'], down_sql => ['ALTER TABLE t ADD COLUMN c text'] });
$p = $scene->{guard}->([ 'plan' ]);
exit_is($p, 0, 'a downgrade that only changes the order of columns passes');
like($p->stderr, qr/restores the schema but for the order of columns/, 'with a warning');
untouched($scene, 'a plan');

# an upgrade that fails on the clone, a downgrade that fails, an upgrade that differs the second time
$scene = scene({ id => 'b2', up_sql => ['ALTER TABLE nowhere ADD COLUMN c text'], down_sql => ['SELECT 1'] });
$p = $scene->{guard}->([ 'run' ]);
exit_is($p, 12, 'an upgrade that fails is refused');
like($p->stderr, qr/the upgrade fails on the clone.*nowhere/s, 'with the reason');
untouched($scene, 'a failed upgrade');
$scene = scene({ id => 'b2', up_sql => ['CREATE TABLE u (id integer)'], down => "raise NotImplementedError('no way back')" });
$p = $scene->{guard}->([ 'run' ]);
exit_is($p, 12, 'a downgrade that fails is refused');
like($p->stderr, qr/the downgrade fails on the clone.*no way back/s, 'with the reason');
untouched($scene, 'a failed downgrade');
$scene = scene({ id => 'b2', up_sql => [ q{DO $$ BEGIN IF to_regprocedure('once()') IS NULL THEN CREATE TABLE u (id integer); ELSE CREATE TABLE u (id bigint); END IF; END $$} ],
	down_sql => ['DROP TABLE u', 'CREATE FUNCTION once() RETURNS integer LANGUAGE sql AS $$SELECT 1$$'] });
$p = $scene->{guard}->([ 'run', '--no-backup', '--allow-irreversible' ]);
exit_is($p, 0, 'a permission ends the rehearsal with the downgrade');
$scene = scene({ id => 'b2', up_sql => [ 'CREATE TABLE u (id integer)', q{DO $$ BEGIN IF (SELECT count(*) FROM pg_class WHERE relname = 'u') = 1 AND (SELECT last_value FROM ticks) > 1 THEN ALTER TABLE u ADD COLUMN v text; END IF; PERFORM nextval('ticks'); END $$} ],
	down_sql => [ 'DROP TABLE u', q{SELECT nextval('ticks')} ] }, sql => 'CREATE SEQUENCE ticks');
$p = $scene->{guard}->([ 'run', '--no-backup' ]);
exit_is($p, 12, 'an upgrade that leads elsewhere the second time is refused');
like($p->stderr, qr/the upgrade after the downgrade leads to another schema.*"?v"?/s, 'with the difference');
is($server->sql($scene->{database}, 'SELECT last_value FROM ticks'), 1, 'no sequence of the real database moved');
untouched($scene, 'another schema');

# a tool that goes where it wants to
$scene = scene({ id => 'b2', up_sql => ['CREATE TABLE u (id integer)'], down_sql => ['DROP TABLE u'] });
my $env_py = SafeDeployTest::Process::slurp($scene->{project}->dir . '/migrations/env.py');
my $url = $server->url($scene->{database});
$env_py =~ s/^url = .*$/url = "$url"/m;
$scene->{project}->write('migrations/env.py', $env_py);
$p = $scene->{guard}->([ 'run', '--no-backup' ]);
exit_is($p, 12, 'a tool that ignores where it is sent is refused');
like($p->stderr, qr/alembic does not go where it is told to/, 'and told so');
untouched($scene, 'never sent to the clone');

# what production has and a schema dump has not
$scene = scene({ id => 'b2', up_sql => ['CREATE TABLE here.u (id integer)'], down_sql => ['DROP TABLE here.u'] },
	sql => 'CREATE SCHEMA here');
$server->sql($scene->{database}, qq{ALTER DATABASE $scene->{database} SET search_path = here, public});
$scene->{before} = $server->fingerprint($scene->{database});
$scene->{project}->write('migrations/versions/002_b2.py', SafeDeployTest::Process::slurp($scene->{project}->dir . '/migrations/versions/002_b2.py') =~ s/here\.u/u/gr);
exit_is($scene->{guard}->([ 'plan' ]), 0, 'settings of the database hold on the clone');

# odd names, in databases, files and tables
{
	my $database = qq{od d"d'%b\xc3\xa4};
	my $dir = File::Temp->newdir;
	my $migrations = qq{$dir/mi "g'r\xc3\xa4 tions};
	mkdir $migrations or die $!;
	my %text = (
		"1_ta 'b.up.sql"   => qq{CREATE TABLE "we ird ""q' \xc3\xa4" ("c o'l\nn" integer);\n},
		"1_ta 'b.down.sql" => qq{DROP TABLE "we ird ""q' \xc3\xa4";\n},
		"2_x.up.sql"       => qq{ALTER TABLE "we ird ""q' \xc3\xa4" ADD COLUMN "%s\\" text;\n},
		"2_x.down.sql"     => qq{ALTER TABLE "we ird ""q' \xc3\xa4" DROP COLUMN "%s\\";\n});
	while (my ($name, $text) = each %text)
	{
		open my $handle, '>:raw', "$migrations/$name" or die $!;
		print $handle $text;
		close $handle;
	}
	$server->create_database($database, options => q{ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
	my %where = (cwd => "$dir", env => { MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => $migrations });
	exit_is($server->migguard($database, [ 'run', '--target', '1' ], %where), 0, 'odd names are rehearsed, backed up and upgraded');
	exit_is($server->migguard($database, ['run'], %where), 0, 'and again, with the rows of the first run on the clone');
	exit_is($server->migguard($database, ['rollback'], %where), 0, 'and brought back');
	is_deeply([ $server->faults($database) ], [], 'the ledger verifies');
}

# a role without superuser rights, with a template that has the extension
$server->sql('postgres', q{CREATE ROLE deployer LOGIN CREATEDB; CREATE DATABASE with_safedeploy OWNER deployer});
$server->sql('with_safedeploy', q{CREATE EXTENSION safedeploy; SELECT safedeploy.grant_deployer('deployer'); ALTER DATABASE with_safedeploy IS_TEMPLATE true});
$scene = scene({ id => 'b2', up_sql => ['CREATE TABLE u (id integer)'], down_sql => ['DROP TABLE u'] }, create => { options => 'OWNER deployer' },
	ini => "template = with_safedeploy\n");
$server->sql($scene->{database}, q{SELECT safedeploy.grant_deployer('deployer'); GRANT CREATE ON SCHEMA public TO deployer;
	ALTER TABLE t OWNER TO deployer; ALTER TABLE alembic_version OWNER TO deployer});
$p = $scene->{guard}->([ 'run', '--no-backup' ], env => { DATABASE_URL => $server->url($scene->{database}, user => 'deployer') });
exit_is($p, 0, 'a role without superuser rights rehearses and upgrades');
exit_is($scene->{guard}->([ 'rollback' ], env => { DATABASE_URL => $server->url($scene->{database}, user => 'deployer') }), 0, 'and rolls back');
$scene->{project}->write('migguard.ini', "[run]\nfail_on = never\n[rehearse]\nshadow = off\n");
$p = $scene->{guard}->([ 'run', '--no-backup' ], env => { DATABASE_URL => $server->url($scene->{database}, user => 'deployer') });
exit_is($p, 12, 'without the template it is refused');
like($p->stderr, qr/\[rehearse\] template/, 'and told what to do');

done_testing();
