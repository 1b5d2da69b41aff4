# What the server adds to a downgrade that does not restore the schema, or does in its place:
# rehearsed, kept, run for real as far as it was rehearsed, and told to the author.
use strict;
use warnings;

use File::Temp;
use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('repair', tcp => 1);
my $base = { id => 'a1', up_sql => [ 'CREATE TABLE t (id integer NOT NULL, c text)', 'CREATE UNIQUE INDEX t_c ON t (c)' ],
	down_sql => ['DROP TABLE t'] };
my $count = 0;

# scene($revision, ini => text, sql => before the upgrade): a database at a1, with one more revision pending
sub scene
{
	my ($revision, %opt) = @_;
	my $database = 'app' . ++$count;
	my $project = SafeDeployTest::Alembic->new(revisions => [$base]);
	$server->create_database($database);
	run_program([ $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => { DATABASE_URL => $server->url($database) });
	$server->sql($database, $opt{sql}) if $opt{sql};
	$project->add($revision);
	$project->write('migguard.ini', "[run]\nfail_on = never\n[backup]\npolicy = none\n" . ($opt{ini} || ''));
	my $guard = sub {
		my ($arguments, %more) = @_;
		return $server->migguard($database, [ @$arguments, '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, %more);
	};
	return { database => $database, guard => $guard, before => $server->fingerprint($database), project => $project };
}

sub last_detail
{
	my ($scene, $state) = @_;
	my ($event) = grep { $_->{state} eq $state && $_->{status} =~ /ok|failed/ } reverse $server->events($scene->{database});
	return $event->{detail};
}

sub is_back
{
	my ($scene, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($server->fingerprint($scene->{database}), $scene->{before}, "$what: the schema is as before");
	is($server->sql($scene->{database}, 'SELECT version_num FROM alembic_version'), 'a1', "$what: and so is the revision");
	is(scalar $server->faults($scene->{database}), 0, "$what: the ledger is intact");
	return;
}

# Each kind of thing that downgrades of real histories forget: the statements for the author,
# an upgrade that fails its assertion and comes back, and the way back on demand.
my %forgets = (
	'a type' => {
		up_sql   => [ q{CREATE TYPE mood AS ENUM ('good', 'bad')}, 'ALTER TABLE t ADD COLUMN m mood' ],
		down_sql => ['ALTER TABLE t DROP COLUMN m'],
		paste    => qr/op\.execute\("DROP TYPE public\.mood"\)/ },
	'NOT NULL' => {
		up_sql   => ['ALTER TABLE t ALTER COLUMN id DROP NOT NULL'],
		down_sql => ['SELECT 1'],
		paste    => qr/op\.execute\("ALTER TABLE public\.t ALTER COLUMN id SET NOT NULL"\)/ },
	'UNIQUE' => {
		up_sql   => ['DROP INDEX t_c'],
		down_sql => ['CREATE INDEX t_c ON t (c)'],
		paste    => qr/op\.execute\("CREATE UNIQUE INDEX t_c ON public\.t/ },
	'the name of a constraint' => {
		up_sql   => ['ALTER TABLE t ADD CONSTRAINT t_id CHECK (id > 0)'],
		down_sql => ['ALTER TABLE t RENAME CONSTRAINT t_id TO t_other'],
		paste    => qr/DROP CONSTRAINT t_other/ },
	'a label' => {
		on_demand => 1,
		sql      => q{CREATE TYPE state AS ENUM ('on', 'off'); ALTER TABLE t ADD COLUMN s state DEFAULT 'on'},
		up_sql   => [ 'COMMIT', q{ALTER TYPE state ADD VALUE 'idle'} ],
		down_sql => ['SELECT 1'],
		paste    => qr/CREATE TYPE public\.state AS ENUM \('on', 'off'\)/ });
foreach my $what (sort keys %forgets)
{
	my $case = $forgets{$what};
	my $scene = scene({ id => 'b2', %$case }, sql => $case->{sql}, ini => "[verify.assertions]\nnever = SELECT false\n");
	my $p = $scene->{guard}->(['run']);
	exit_is($p, 21, "$what is forgotten, and the failed run comes back all the same");
	like($p->stderr, $case->{paste}, "$what: the author is told");
	isnt(scalar @{ last_detail($scene, 'rehearse')->{downgrade_leaves} }, 0, "$what: what was left is in the ledger");
	isnt(scalar @{ last_detail($scene, 'rollback')->{repaired_by} }, 0, "$what: and what repaired it");
	is_back($scene, $what);

	next unless $case->{on_demand};
	$scene->{project}->write('migguard.ini', "[run]\nfail_on = never\n[backup]\npolicy = none\n");
	exit_is($scene->{guard}->(['run']), 0, "$what: a good run is done");
	exit_is($scene->{guard}->(['rollback']), 0, "$what: and undone on demand");
	is_back($scene, "$what, on demand");
}

# without any downgrade
my $none = { id => 'b2', up_sql => [ 'CREATE TABLE u (id serial)', 'ALTER TABLE t ADD COLUMN d integer' ],
	down => "raise NotImplementedError('no way back')" };
my $scene = scene($none, ini => "[verify.assertions]\nnever = SELECT false\n");
my $p = $scene->{guard}->(['run']);
exit_is($p, 21, 'a run whose tool has no way back is brought back by the server');
like($p->stderr, qr/there is no downgrade that works.*op\.execute\("DROP TABLE public\.u"\)/s, 'and the author is told');
like($p->stderr, qr/loses data/, 'and what is lost');
is_back($scene, 'no downgrade');
$scene->{project}->write('migguard.ini', "[run]\nfail_on = never\n[backup]\npolicy = none\n");
exit_is($scene->{guard}->(['run']), 0, 'a good run is done');
exit_is($scene->{guard}->(['rollback']), 0, 'and undone on demand');
is_back($scene, 'no downgrade, on demand');

# without any downgrade, and the server's way back fails on the clone as well
$scene = scene({ id => 'b2', up_sql => [ 'DROP INDEX t_c', q{INSERT INTO t VALUES (1, 'x'), (2, 'x')} ], down => "raise NotImplementedError('no way back')" });
$p = $scene->{guard}->(['plan']);
exit_is($p, 12, 'a way back in place of the downgrade that fails on the clone is none');
like($p->stderr, qr/no way back/, "and it is the downgrade's failure that is told");

# only what is wanted
$scene = scene($none, ini => "[rehearse]\nrepair = rest\n");
exit_is($scene->{guard}->(['run']), 12, 'not when only the rest is to be repaired');
$scene = scene({ id => 'b2', %{ $forgets{UNIQUE} } }, ini => "[rehearse]\nrepair = rest\n");
exit_is($scene->{guard}->(['plan']), 0, 'which then is repaired');
$scene = scene({ id => 'b2', %{ $forgets{UNIQUE} } }, ini => "[rehearse]\nrepair = off\n");
exit_is($scene->{guard}->(['plan']), 12, 'and not when it is off');

# A repair that the data does not allow: nothing of it stays, and nothing is claimed.
$scene = scene({ id => 'b2', up_sql => [ 'DROP INDEX t_c', q{INSERT INTO t VALUES (1, 'x'), (2, 'x')} ], down_sql => ['CREATE INDEX t_c ON t (c)'] });
exit_is($scene->{guard}->(['run']), 12, 'a repair that fails on the rows that the upgrade itself makes is no way back');
$scene = scene({ id => 'b2', %{ $forgets{UNIQUE} } });
exit_is($scene->{guard}->(['run']), 0, 'done');
$server->sql($scene->{database}, q{INSERT INTO t VALUES (1, 'x'), (2, 'x')});
$p = $scene->{guard}->(['rollback']);
isnt($p->exit_code, 0, 'a repair that the rows of the real database forbid is no success');
like($p->stderr, qr/the repair failed: could not create unique index/, 'and says why');
is($server->sql($scene->{database}, q{SELECT indisunique FROM pg_index WHERE indexrelid = 't_c'::regclass}), 'f', 'nothing is half done');

# What is left for real is not what was rehearsed: it is not touched.
$scene = scene({ id => 'b2', %{ $forgets{'a type'} } });
exit_is($scene->{guard}->(['run']), 0, 'done');
$server->sql($scene->{database}, q{CREATE TYPE by_hand AS ENUM ('x')});
exit_is($scene->{guard}->([ 'rollback', '--allow-irreversible' ]), 22, 'a type made by hand meanwhile is not dropped');
is($server->sql($scene->{database}, q{SELECT count(*) FROM pg_type WHERE typname = 'by_hand'}), 1, 'it is there');

# Plain SQL without a down file, and Flyway Community, which has no undo
{
	my $dir = File::Temp->newdir;
	my %files = ('1_a.up.sql' => 'CREATE TABLE t (id integer);', '1_a.down.sql' => 'DROP TABLE t;', '2_b.up.sql' => 'ALTER TABLE t ADD COLUMN b text;');
	foreach my $name (keys %files) { open my $handle, '>', "$dir/$name" or die $!; print $handle $files{$name}; close $handle; }
	my %where = (cwd => "$dir", env => { MIGGUARD_TOOL_NAME => 'sql', MIGGUARD_TOOL_DIRECTORY => "$dir", MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_RUN_FAIL_ON => 'never' });
	$server->create_database('plain');
	exit_is($server->migguard('plain', [ 'run', '--target', '1' ], %where), 0, 'plain SQL: the first is done');
	my $before = $server->fingerprint('plain');
	exit_is($server->migguard('plain', ['run'], %where), 0, 'plain SQL: one without a down file is rehearsed with a way back');
	exit_is($server->migguard('plain', ['rollback'], %where), 0, 'and undone');
	is($server->fingerprint('plain'), $before, 'the schema is as before');
	is($server->sql('plain', 'SELECT string_agg(version, $$ $$) FROM safedeploy.applied_migration'), '1', 'and so is the list of migrations');
}
{
	my $dir = File::Temp->newdir;
	my %files = ('V1__a.sql' => 'CREATE TABLE t (id integer);', 'V2__b.sql' => 'CREATE VIEW v AS SELECT id FROM t; ALTER TABLE t ADD COLUMN b text;');
	foreach my $name (keys %files) { open my $handle, '>', "$dir/$name" or die $!; print $handle $files{$name}; close $handle; }
	$server->create_database('fly');
	my @tool = (real_tool('flyway'), "-locations=filesystem:$dir", 'migrate');
	my %where = (cwd => "$dir", env => { DATABASE_URL => $server->url('fly', tcp => 1), MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_RUN_FAIL_ON => 'never', LC_ALL => 'C.UTF-8' });
	exit_is($server->migguard(undef, [ 'run', '--target', '1', '--', @tool ], %where), 0, 'Flyway: the first is done');
	my $before = $server->fingerprint('fly');
	exit_is($server->migguard(undef, [ 'run', '--', @tool ], %where), 0, 'Flyway: the second is rehearsed with a way back, without any undo file');
	exit_is($server->migguard(undef, [ 'rollback', '--', @tool ], %where), 0, 'and undone');
	is($server->fingerprint('fly'), $before, 'the schema is as before');
	is($server->sql('fly', q{SELECT string_agg(version, ' ') FROM flyway_schema_history}), '1', "and so is Flyway's history");
	exit_is($server->migguard(undef, [ 'run', '--', @tool ], %where), 0, 'which Flyway goes on from');
}

is_deeply([ $server->scratch_databases ], [], 'no scratch database is left');
done_testing();
