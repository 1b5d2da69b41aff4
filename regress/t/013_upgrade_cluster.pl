# Lock and ledger survive pg_upgrade, guards and all.
use strict;
use warnings;

use PostgreSQL::Test::Utils ();
use SafeDeployTest;
use Test::More;

# Protected from all: pg_upgrade drops databases and more, and is let through.
my $conf = "shared_preload_libraries = 'safedeploy'\nsafedeploy.protect = enforce\n";
my $old = SafeDeployTest->new('old', conf => $conf);
$old->create_database('app');
$old->sql('app', <<'SQL');
SELECT safedeploy.try_lock('app');
SELECT safedeploy.begin_run('10000000-0000-0000-0000-000000000001', 'run', NULL, 'app', NULL, NULL, NULL, NULL);
SELECT safedeploy.end_run('10000000-0000-0000-0000-000000000001', 'done', 0, NULL, '{"revision": "b2"}');
SQL
my ($head, $token) = map { $old->sql('app', $_) } 'SELECT safedeploy.ledger_head()', 'SELECT max(token) FROM safedeploy.lock';
my $permit = $old->sql('app', q{SELECT safedeploy.permit('DROP TABLE t', ARRAY['table public.t'], 'x')});
$old->node->stop;

my $new = SafeDeployTest->new('new', conf => $conf);
$new->node->stop;
my $bindir = $old->node->config_data('--bindir');
my $upgrade = run_program(
	[   'pg_upgrade', '--no-sync', '-d', $old->node->data_dir, '-D', $new->node->data_dir, '-b', $bindir, '-B', $bindir,
		'-s', $new->node->host, '-p', $old->node->port, '-P', $new->node->port, '-U', $old->user ],
	cwd => PostgreSQL::Test::Utils::tempdir());
exit_is($upgrade, 0, 'pg_upgrade');

$new->node->start;
is($new->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')"), '', 'the ledger verifies up to the kept head, its guards are on');
is($new->sql('app', 'SELECT revision FROM safedeploy.last_known_good'), 'b2', 'the last known good revision is known');
cmp_ok($new->sql('app', q{SELECT safedeploy.try_lock('app')}), '>', $token, 'tokens go on growing');
is($new->sql('app', 'SELECT max(id) FROM safedeploy.permit'), $permit, 'permits are there');
cmp_ok($new->sql('app', q{SELECT safedeploy.permit('DROP TABLE t', ARRAY['table public.t'], 'x')}), '>', $permit, 'and their numbers go on');
my ($rc, undef, $err) = $new->try_sql('app', 'DELETE FROM safedeploy.event');
like($err, qr/SD101/, 'the ledger is append-only');
$new->sql('app', q{SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)});
is($new->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')"), '', 'and goes on');

$new->node->stop;
done_testing();
