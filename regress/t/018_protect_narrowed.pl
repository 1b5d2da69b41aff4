# A run in a protected database may take away what its rehearsal took away, and nothing else.
use strict;
use warnings;

use JSON::PP ();

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $server = SafeDeployTest->new('narrowed', conf => "shared_preload_libraries = 'safedeploy'\nsafedeploy.protect = enforce\nsafedeploy.protect_classes = 'all'\n");
my %quick = (MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
my $count = 0;

# database($setup): a new one
sub database
{
	my $name = 'app' . ++$count;
	$server->create_database($name);
	$server->sql($name, "CREATE TABLE t (id integer, c text, d text); INSERT INTO t VALUES (1, 'a', 'b'); CREATE TABLE gone (id integer); CREATE TABLE kept (id integer)");
	return $name;
}

sub guard
{
	my ($db, $project, $command, %env) = @_;
	return $server->migguard($db, [ $command, '--format', 'json', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir,
		env => { %quick, DATABASE_URL => $server->url($db) =~ s/^postgresql/postgresql+psycopg2/r, %env });
}
sub permits { return $server->sql($_[0], q{SELECT coalesce(string_agg(split_part(reason, ' ', 1) || ': ' || CASE WHEN objects IS NULL THEN 'anything' ELSE array_to_string(ARRAY(SELECT o FROM unnest(objects) o ORDER BY o COLLATE "C"), ', ') END, E'\n' ORDER BY id), '') FROM safedeploy.permit WHERE run_id IS NOT NULL}); }
sub uses { return $server->sql($_[0], q{SELECT coalesce(string_agg(concat_ws(' ', verdict, array_to_string(objects, ', ')), E'\n' ORDER BY id), '') FROM safedeploy.permit_use WHERE run_tag IS NOT NULL AND statement !~ 'migguard_'}); }
sub there { return $server->sql($_[0], "SELECT to_regclass('$_[1]') IS NOT NULL"); }

my %differs = (id => 'a1', up => <<'UP', down => 'op.execute("CREATE TABLE gone (id integer)")');
connection = op.get_bind()
op.execute("DROP TABLE gone")
if connection.execute(sa.text("SELECT count(*) FROM t")).scalar() > 0:
    op.execute("DROP TABLE kept")
UP

my %empties = (%differs, up => $differs{up} =~ s/DROP TABLE kept/TRUNCATE kept/r);

# what is done alike goes through: drops, narrowed values, emptied tables, the tool's own table
{
	my $project = SafeDeployTest::Alembic->new(revisions => [
			{ id => 'a1', up_sql => [ 'ALTER TABLE t ADD COLUMN n integer' ], down_sql => ['ALTER TABLE t DROP COLUMN n'] },
			{ id => 'b2', up_sql => [ 'DROP TABLE gone', 'ALTER TABLE t ALTER c TYPE varchar(3)', 'DELETE FROM t', 'TRUNCATE kept', 'ALTER TABLE t DROP COLUMN d' ],
				down_sql => [ 'CREATE TABLE gone (id integer)', 'ALTER TABLE t ALTER c TYPE text', 'ALTER TABLE t ADD d text' ] } ]);
	my $db = database();
	my $run = guard($db, $project, 'run', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on');
	exit_is($run, 0, 'a run that drops what its rehearsal dropped') or diag($run->stderr);
	is(permits($db), 'migrate: rows of table public.kept, rows of table public.t, table column public.t.d, table public.gone, values of table column public.t.c', 'by a permit that names it')
	  or diag(permits($db));
	like(uses($db), qr/^permitted table public\.gone$/m, 'and is used');
	unlike(uses($db), qr/refused|warned/, 'for all of it');
	my ($event) = grep { $_->{state} eq 'migrate' && $_->{status} eq 'ok' } $server->events($db);
	is(scalar @{ $event->{detail}{permitted} }, 5, 'the ledger has what was permitted');

	# the way back drops what the upgrade made; a failed run goes back by what its rehearsal's downgrade took away
	$project->add({ id => 'c3', up => <<'UP', down => 'op.execute("DROP TABLE extra")' });
with op.get_context().autocommit_block():
    op.execute("CREATE TABLE extra (id integer)")
if op.get_bind().execute(sa.text("SELECT current_database()")).scalar().startswith("app"):
    op.execute("SELECT 1/0")
UP
	$run = guard($db, $project, 'run');
	cmp_ok($run->exit_code, '>=', 20, 'a run that fails only on the real database');
	unlike(uses($db), qr/refused/, 'nothing of its way back is refused') or diag($run->stderr);
}

# what is done only on the real database is refused
{
	my $project = SafeDeployTest::Alembic->new(revisions => [ \%differs ]);
	my $db = database();
	my $run = guard($db, $project, 'run', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on');
	exit_is($run, 20, 'a run that drops more than its rehearsal is stopped') or diag($run->stderr);
	like($run->stderr, qr/DROP TABLE without a permit for table public\.kept/, 'by the server');
	like($run->stderr, qr/Permit \d+ does not name table public\.kept/, 'because the permit does not name it');
	like($run->stderr, qr/Find out why the rehearsal of this run did not do it/, 'with what to do');
	is(permits($db), 'migrate: table public.gone', 'the permit names what the rehearsal lost');
	is(there($db, 'gone') . there($db, 'kept'), 'tt', 'and all is there as before');
	like(uses($db), qr/^refused table public\.kept$/m, 'the refusal is on record');

	$project = SafeDeployTest::Alembic->new(revisions => [ \%empties ]);
	# without a rehearsal, or without a trace of it, nobody knows what to name
	foreach my $env ([ MIGGUARD_REHEARSE_MODE => 'off' ], [ MIGGUARD_RUN_TRACE => 'off' ])
	{
		$db = database();
		$run = guard($db, $project, 'run', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on', @$env);
		exit_is($run, 0, "$$env[0] = off: the run is permitted as a whole") or diag($run->stderr);
		is(permits($db), 'migrate: anything', 'which its permit says');
	}
}

# where it only warns, the same goes on and is on record
{
	my $project = SafeDeployTest::Alembic->new(revisions => [ \%empties ]);
	my $db = database();
	$server->sql('postgres', "ALTER DATABASE $db SET safedeploy.protect = warn");
	my $run = guard($db, $project, 'run', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on');
	exit_is($run, 0, 'with warn it goes on') or diag($run->stderr);
	is(uses($db), "permitted table public.gone\nwarned rows of table public.kept", 'which is on record');
	my $told = JSON::PP->new->utf8->decode($run->stdout);
	ok((grep { /not as rehearsed: not rehearsed: TRUNCATE kept/ } @{ $told->{findings} }), 'and told in the report');
}

# a rollback on demand is rehearsed and observed as a run is, and may take away what its rehearsal took away
{
	my %makes = (id => 'a1', up_sql => [ 'CREATE TABLE made (id integer)', 'ALTER TABLE t ADD COLUMN n integer' ]);
	my $project = SafeDeployTest::Alembic->new(revisions => [ { %makes, down_sql => [ 'DROP TABLE made', 'ALTER TABLE t DROP COLUMN n' ] } ]);
	my $db = database();
	exit_is(guard($db, $project, 'run'), 0, 'a run');
	my $run = guard($db, $project, 'rollback');
	exit_is($run, 0, 'its rollback') or diag($run->stderr);
	like(permits($db), qr/^rollback: table column public\.t\.n, table public\.made$/m, 'is permitted what its rehearsal lost') or diag(permits($db));
	unlike(uses($db), qr/refused|warned/, 'which is all that it does');
	my $told = JSON::PP->new->utf8->decode($run->stdout);
	my ($drop) = grep { $_->{statement} eq 'DROP TABLE made' } @{ $told->{downgrade_statements} };
	foreach my $side (qw(observed live))
	{
		ok((grep { $_->{effect} eq 'drop' && $_->{object} eq 'public.made' } @{ $drop->{$side} || [] }), "$side: what it drops") or diag(JSON::PP->new->encode($told));
		ok((grep { $_->{effect} eq 'lock' && $_->{object} eq 'public.made' && $_->{lock_mode} eq 'AccessExclusiveLock' } @{ $drop->{$side} || [] }), "$side: what it locks");
	}
	ok((grep { /drop of table public\.made .*\(observed-drop\)/ } @{ $told->{findings} }), 'and what is lost is a finding, which does not hold it up') or diag(join "\n", @{ $told->{findings} });

	$project = SafeDeployTest::Alembic->new(revisions => [ { %makes, down => <<'DOWN' } ]);
op.execute("DROP TABLE made")
op.execute("ALTER TABLE t DROP COLUMN n")
if op.get_bind().execute(sa.text("SELECT current_database()")).scalar().startswith("app"):
    op.execute("DROP TABLE kept")
DOWN
	$db = database();
	exit_is(guard($db, $project, 'run'), 0, 'a run whose downgrade does more on the real database');
	$run = guard($db, $project, 'rollback', MIGGUARD_RUN_FAIL_ON => 'error');
	exit_is($run, 20, 'is not rolled back') or diag($run->stderr);
	like($run->stderr, qr/DROP TABLE without a permit for table public\.kept/, 'the server refuses what was not rehearsed');
	is(there($db, 'kept') . there($db, 'made'), 'tt', 'all is there as before');
	$run = guard($db, $project, 'rollback', MIGGUARD_REHEARSE_MODE => 'off', MIGGUARD_RUN_ALLOW_IRREVERSIBLE => 'on');
	cmp_ok($run->exit_code, '==', 22, 'without a rehearsal it is permitted as a whole, and not proved') or diag($run->stderr);
	is(there($db, 'kept'), 'f', 'as nobody has seen it before');
}

# a rehearsal that loses nothing permits nothing
{
	my $project = SafeDeployTest::Alembic->new(revisions => [ { id => 'a1', up => <<'UP', down => 'pass' } ]);
connection = op.get_bind()
if connection.execute(sa.text("SELECT count(*) FROM t")).scalar() > 0:
    op.execute("DO $$ BEGIN EXECUTE 'TRUNCATE kept'; END $$")
UP
	my $db = database();
	my $run = guard($db, $project, 'run');
	exit_is($run, 20, 'a run whose rehearsal lost nothing may lose nothing') or diag($run->stderr);
	like($run->stderr, qr/TRUNCATE( TABLE)? without a permit for rows of table public\.kept/, 'not inside of a DO block either');
	is(permits($db), 'migrate: ', 'by a permit of nothing');
}

done_testing();
