# The test helpers themselves: a test that cannot fail would otherwise go unseen.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Alembic;
use Test::More;

my $p = run_program([ $^X, '-e', 'print "out"; print STDERR "err"; exit 7' ]);
is($p->exit_code, 7,     'exit code');
is($p->stdout,    'out', 'stdout');
is($p->stderr,    'err', 'stderr');
is(run_program([ $^X, '-e', 'print <STDIN>, $ENV{A}, exists $ENV{HOME} ? 1 : 0' ],
		stdin => 'in', env => { A => 'a', HOME => undef })->stdout, 'ina0', 'stdin and environment');

$p = start_program([ $^X, '-e', 'sleep 60' ]);
ok($p->running, 'a started program runs');
$p->signal('TERM');
$p->wait(10);
is($p->exit_code,   undef, 'no exit code after a signal');
is($p->term_signal, 15,    'but the signal');

ok(!eval { run_program([ $^X, '-e', 'sleep 60' ], timeout => 0.2); 1 }, 'the time limit ends a program');
like($@, qr/time limit of 0\.2 s exceeded/, 'and says so');
ok(!eval { wait_until(sub { 0 }, 0.1, 'nothing'); 1 }, 'wait_until has a time limit');

my $secret = 'helpers-canary-' . $$;
my $watcher = SafeDeployTest::watch_process_list($secret);
my $teller = start_program([ $^X, '-e', 'sleep 60', $secret ]);
select undef, undef, undef, 0.5;
is(scalar SafeDeployTest::stop_watching($watcher), 1, 'the watcher sees a secret in the process list');
$teller->kill_group;

my $server = SafeDeployTest->new('helpers');
my $database = q{od d"q'%ä};
$server->create_database($database);
is($server->sql($database, 'SELECT extname FROM pg_extension WHERE extname = $$safedeploy$$'),
	'safedeploy', 'a database with the extension and an odd name');
is(run_program([ 'psql', '-XAtc', 'SELECT current_database()', $server->url($database) ])->stdout,
	"$database\n", 'URLs are quoted');
my ($row) = $server->json('postgres', q{SELECT 1 AS one, 'x' AS x});
is_deeply($row, { one => 1, x => 'x' }, 'rows as JSON');
my ($rc, undef, $err) = $server->try_sql('postgres', 'SELECT 1/0');
is($rc, 3, 'psql ends with 3');
like($err, qr/22012/, 'the SQLSTATE shows');

my $project = SafeDeployTest::Alembic->new(
	git       => 1,
	revisions => [
		{ id => 'a1', up_sql => [ q{CREATE TABLE t (id integer, note text DEFAULT 'a:b ''%s''' )} ], down_sql => ['DROP TABLE t'] },
		{ id => 'b2', up => "op.add_column('t', sa.Column('c', sa.Text()))", down => "op.drop_column('t', 'c')" },
	]);
$server->create_database('app');
my @alembic = ($project->alembic);
my %where = (cwd => $project->dir, env => { DATABASE_URL => $server->url('app') });
exit_is(run_program([ @alembic, 'upgrade', 'head' ], %where), 0, 'Alembic upgrades');
is($server->sql('app', 'SELECT version_num FROM alembic_version'), 'b2', 'to the head');
is($server->sql('app', 'INSERT INTO t DEFAULT VALUES RETURNING note'), q{a:b '%s'}, 'SQL arrives as written');
exit_is(run_program([ @alembic, 'downgrade', 'base' ], %where), 0, 'and downgrades');
is($server->sql('app', q{SELECT to_regclass('t') IS NULL}), 't', 'to nothing');
like(run_program([ @alembic, 'upgrade', 'head', '--sql' ], %where)->stdout, qr/CREATE TABLE t /, 'and shows its SQL');
is(run_program([ 'git', '-C', $project->dir, 'status', '--porcelain' ])->stdout, '', 'the project is a clean work tree');

done_testing();
