# Alembic, Debian's and the newest: up, up to a target, down to a revision, what is
# pending, what is refused, and that nothing of it goes anywhere but where it is told to.
use strict;
use warnings;
use utf8;

use File::Path qw(make_path);
use File::Temp;
use JSON::PP ();

use SafeDeployTest;
use SafeDeployTest::Alembic;
use SafeDeployTest::Real;
use Test::More;

my $server = SafeDeployTest->new('alembic');
my %quick  = (MIGGUARD_BACKUP_POLICY => 'none', MIGGUARD_PREFLIGHT_GIT_CLEAN => 'off', MIGGUARD_RUN_FAIL_ON => 'never');
# Rehearsals are tested where they matter here, and for all else elsewhere.
my %fast   = (%quick, MIGGUARD_REHEARSE_MODE => 'off');
my $canary = 'canary-7f3a';

# What the session of a migration looks like, kept in a table.
my $session_sql = <<'SQL';
CREATE TABLE session AS SELECT current_setting('application_name') AS app, current_setting('lock_timeout') AS lock_timeout,
	current_setting('statement_timeout') AS statement_timeout, current_setting('safedeploy.run_id', true) AS run_id,
	coalesce(current_setting('safedeploy.fence_token', true), '') AS token,
	current_setting('local_preload_libraries') AS preload, current_setting('work_mem') AS work_mem
SQL

sub head_of { return $server->sql($_[0], 'SELECT string_agg(version_num, \',\' ORDER BY version_num) FROM alembic_version'); }

sub revisions
{
	return (
		{ id => 'a1', message => 'first -> of all (head), "x".', up_sql => [$session_sql], down_sql => ['DROP TABLE session'] },
		{ id => 'b2', message => "zweite für O'Brien", up_sql => ['CREATE TABLE b (i integer)'], down_sql => ['DROP TABLE b'] },
		{ id => 'c3', up_sql => ['ALTER TABLE b ADD COLUMN j integer'], down_sql => ['ALTER TABLE b DROP COLUMN j'] });
}

my %programs = (debian => ['/usr/bin/alembic'], newest => [ real_tool('alembic') =~ s/alembic$/python/r, '-m', 'alembic' ]);
my $temp     = File::Temp->newdir;
foreach my $name (sort keys %programs)
{
	my @alembic = @{ $programs{$name} };
	my $dir     = "$temp/$name pro \"j' é%";
	utf8::encode($dir);
	make_path($dir);
	my $project = SafeDeployTest::Alembic->new(dir => $dir, revisions => [ revisions() ]);
	my $guard   = sub {
		my ($database, $arguments, %env) = @_;
		return $server->migguard($database, $arguments, cwd => $dir,
			env => { %quick, MIGGUARD_RUN_STATEMENT_TIMEOUT => '77s', MIGGUARD_RUN_LOCK_TIMEOUT => '4321ms', PGOPTIONS => '-c work_mem=7MB',
				DATABASE_URL => $server->url($database) =~ s/^postgresql/postgresql+psycopg2/r, %env });
	};
	my $db = "app_$name";
	$server->create_database($db);

	my $plan = $guard->($db, [ 'plan', '--format', 'json', '--', @alembic, 'upgrade', 'head' ]);
	exit_is($plan, 0, "$name: plan");
	my $told = JSON::PP->new->utf8->decode($plan->stdout);
	is(join(' ', map { $_->{id} } @{ $told->{pending} }), 'a1 b2 c3', "$name: plan lists what is pending, in order");
	is($told->{pending}[1]{title}, "zweite für O'Brien", "$name: with its title");
	is($server->sql($db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0, "$name: a plan leaves the database alone");

	my $run = $guard->($db, [ 'run', '--', @alembic, 'upgrade', 'a1' ]);
	exit_is($run, 0, "$name: up to a target");
	is(head_of($db), 'a1', "$name: and no further");
	my ($history) = $server->runs($db);
	my ($session) = $server->json($db, 'SELECT * FROM session');
	like($session->{app}, qr/^migguard:@{[ substr $history->{run_id}, 0, 8 ]}:/, "$name: the session carries the name of the run");
	is($session->{lock_timeout},      '4321ms',           "$name: lock_timeout reaches the session");
	is($session->{statement_timeout}, '77s',              "$name: statement_timeout reaches the session");
	is($session->{run_id},            $history->{run_id}, "$name: the run id reaches the session");
	like($session->{token}, qr/^[0-9]+$/, "$name: the fencing token reaches the session");
	is($session->{preload}, 'safedeploy', "$name: the library is loaded into the session, so that its fence is armed");
	is($session->{work_mem}, '7MB', "$name: settings of the user reach the session as well");

	exit_is($guard->($db, [ 'run', '--', @alembic, 'upgrade', '+1' ], %fast), 0, "$name: up by one");
	is(head_of($db), 'b2', "$name: one it is");
	exit_is($guard->($db, [ 'run', '--', @alembic, 'upgrade', 'head' ], %fast), 0, "$name: up to the head");
	exit_is($guard->($db, [ 'run', '--', @alembic, 'upgrade', 'head' ], %fast), 3, "$name: nothing more to do");

	exit_is($guard->($db, [ 'rollback', '--to', 'a1', '--', @alembic, 'upgrade', 'head' ]), 0, "$name: down to a revision");
	is(head_of($db), 'a1', "$name: exactly that one");
	is($server->sql($db, "SELECT to_regclass('b') IS NULL"), 't', "$name: and the schema with it");

	my $unknown = $guard->($db, [ 'run', '--', @alembic, 'upgrade', 'nosuch' ]);
	ok($unknown->exit_code >= 10, "$name: a target that is not there is refused");
	like($unknown->stderr, qr/"nosuch"/, "$name: by its name");

	$server->sql($db, "UPDATE alembic_version SET version_num = 'fromtomorrow'");
	my $tomorrow = $guard->($db, [ 'run', '--', @alembic, 'upgrade', 'head' ], %fast);
	exit_is($tomorrow, 10, "$name: a revision that the code does not know is refused");
	like($tomorrow->stderr, qr/"fromtomorrow", which the migrations do not have/, "$name: by its name");
	$server->sql($db, "UPDATE alembic_version SET version_num = 'a1'");

	$project->add({ id => 'd4', parent => 'a1', up_sql => ['CREATE TABLE d ()'], down_sql => ['DROP TABLE d'] });
	my $heads = $guard->($db, [ 'run', '--', @alembic, 'upgrade', 'head' ], %fast);
	exit_is($heads, 10, "$name: two heads are refused");
	like($heads->stderr, qr/2 heads: (c3, d4|d4, c3)/, "$name: by their names");
	exit_is($guard->($db, [ 'run', '--', @alembic, 'upgrade', 'heads' ], %fast), 0, "$name: unless both are asked for");
	is(head_of($db), 'c3,d4', "$name: both are there");
	exit_is($guard->($db, [ 'rollback', '--to', 'a1', '--', @alembic, 'upgrade', 'heads' ], %fast), 0, "$name: and both go");
	is(head_of($db), 'a1', "$name: down to where they part");

	# an ini that holds the URL, in a section of another name, with a version table of its own
	my $ini_dir = "$temp/$name ini";
	make_path($ini_dir);
	my $other = SafeDeployTest::Alembic->new(dir => $ini_dir, revisions => [ revisions() ]);
	my $url   = $server->url("ini_$name") =~ s/^postgresql/postgresql+psycopg2/r;
	(my $in_ini = $url) =~ s/@/:$canary\@/;
	$in_ini =~ s/%/%%/g;
	$other->write('alembic.ini', "[DEFAULT]\nversion_table = my_version\n\n[Main DB]\nscript_location = %(here)s/migrations\n"
		  . "sqlalchemy.url = $in_ini\n\n[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nhandlers =\n");
	$other->write('migrations/env.py', <<'PYTHON');
from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool

fileConfig(context.config.config_file_name)
url = context.config.get_main_option("sqlalchemy.url")
options = dict(version_table=context.config.get_main_option("version_table"), version_table_schema="meta \"x")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
PYTHON
	$server->create_database("ini_$name");
	$server->sql("ini_$name", 'CREATE SCHEMA "meta ""x"');
	my @ini = (@alembic, '-c', "$ini_dir/alembic.ini", '-n', 'Main DB', 'upgrade', 'b2');
	my $ini_plan = $server->migguard("ini_$name", [ 'plan', '--', @ini ], env => \%quick, cwd => "$temp");
	exit_is($ini_plan, 0, "$name: the URL of an ini is led to the clone");
	is($server->sql("ini_$name", "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'meta \"x')"), 0,
		"$name: and not to the database that it names");
	my $ini_run = $server->migguard("ini_$name", [ 'run', '--', @ini ], env => \%quick, cwd => "$temp");
	exit_is($ini_run, 0, "$name: a run with an ini, a section and a version table of its own");
	is($server->sql("ini_$name", 'SELECT version_num FROM "meta ""x".my_version'), 'b2', "$name: has done it");
	my @left = grep { !m{/(migrations|alembic\.ini)$} } glob "'$ini_dir/'* '$ini_dir/'.[a-z]*";
	is_deeply(\@left, [], "$name: no copy of the ini is left");
	my $text = join '', map { $_->stdout . $_->stderr } $ini_plan, $ini_run;
	unlike($text, qr/\Q$canary/, "$name: the password of the ini is printed nowhere");
}

# A migration that asks the database has no SQL text, and runs all the same; one outside of
# a transaction is known as such.
{
	my $project = SafeDeployTest::Alembic->new(revisions => [
		{ id => 'a1', up_sql => ['CREATE TABLE t (i integer)'], down_sql => ['DROP TABLE t'] },
		{ id => 'b2',
			up   => "n = op.get_bind().execute(sa.text('SELECT count(*) FROM t')).scalar()\nop.add_column('t', sa.Column('c%d' % n, sa.Text()))",
			down => "op.drop_column('t', 'c0')" },
		{ id => 'c3', up => "with op.get_context().autocommit_block():\n    op.execute('CREATE INDEX CONCURRENTLY t_i ON t (i)')", down_sql => ['DROP INDEX t_i'] },
		{ id => 'd4', up_sql => ['DROP TABLE old'], down_sql => ['CREATE TABLE old (i integer)'] } ]);
	$server->create_database('offline');
	$server->sql('offline', 'CREATE TABLE old AS SELECT 1 AS i');
	my $lint = $server->migguard('offline', [ 'run', '-v', '--', $project->alembic, 'upgrade', 'd4' ], cwd => $project->dir,
		env => { %quick, MIGGUARD_RUN_FAIL_ON => 'error' });
	exit_is($lint, 13, 'findings of a later migration are seen although an earlier one has no text');
	like($lint->stderr, qr/b2: not analysed[^:]*: alembic upgrade a1:b2 --sql/, 'and what has none is named');
	like($lint->stderr, qr/d4, line 1: .*\(drop-table\)/, 'the finding is that of the later one');
	exit_is($server->migguard('offline', [ 'run', '--', $project->alembic, 'upgrade', 'c3' ], cwd => $project->dir, env => \%quick), 0,
		'a migration that asks the database and one outside of a transaction run');
	is(head_of('offline'), 'c3', 'to their end');
}

# A project that ignores where it is told to go must not be rehearsed on the real database.
{
	my $project = SafeDeployTest::Alembic->new(revisions => [ { id => 'a1', up_sql => ['CREATE TABLE t ()'], down_sql => ['DROP TABLE t'] } ]);
	$server->create_database('fixed');
	(my $text = do { local (@ARGV, $/) = $project->dir . '/migrations/env.py'; <> }) =~ s/os\.environ\["DATABASE_URL"\]/"@{[ $server->url('fixed') ]}"/;
	$project->write('migrations/env.py', $text);
	my $run = $server->migguard('fixed', [ 'run', '--', $project->alembic, 'upgrade', 'head' ], cwd => $project->dir, env => \%quick);
	exit_is($run, 12, 'a URL that is fixed in env.py is found out');
	is($server->sql('fixed', "SELECT to_regclass('t') IS NULL AND to_regclass('alembic_version') IS NULL"), 't', 'before anything happened');
}

# Other command lines
foreach my $case (
	[ [ '/usr/bin/alembic', 'downgrade', 'base' ],          'a downgrade' ],
	[ [ '/usr/bin/alembic', 'upgrade', 'head', '--sql' ],   'an upgrade that only prints' ],
	[ [ '/usr/bin/alembic', 'upgrade' ],                    'an upgrade without a revision' ],
	[ [ 'echo', 'alembic', 'upgrade', 'head' ],             'another program' ])
{
	my $run = $server->migguard('offline', [ 'run', '--', @{ $case->[0] } ], cwd => "$temp");
	exit_is($run, 64, "$case->[1] is not taken for an upgrade");
}
exit_is($server->migguard('offline', [ 'run', '--', '/nonexistent/alembic', 'upgrade', 'head' ], cwd => "$temp"), 69, 'no such program');

done_testing();
