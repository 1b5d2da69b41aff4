# Lock and ledger survive pg_upgrade, guards and all.
use strict;
use warnings;

use PostgreSQL::Test::Utils ();
use SafeDeployTest;
use Test::More;

my $old = SafeDeployTest->new('old');
$old->create_database('app');
$old->sql('app', <<'SQL');
SELECT safedeploy.try_lock('app');
SELECT safedeploy.begin_run('10000000-0000-0000-0000-000000000001', 'run', NULL, 'app', NULL, NULL, NULL, NULL);
SELECT safedeploy.end_run('10000000-0000-0000-0000-000000000001', 'done', 0, NULL, '{"revision": "b2"}');
SQL
my ($head, $token) = map { $old->sql('app', $_) } 'SELECT safedeploy.ledger_head()', 'SELECT max(token) FROM safedeploy.lock';
$old->node->stop;

my $new = SafeDeployTest->new('new');
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
my ($rc, undef, $err) = $new->try_sql('app', 'DELETE FROM safedeploy.event');
like($err, qr/SD101/, 'the ledger is append-only');
$new->sql('app', q{SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)});
is($new->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')"), '', 'and goes on');

$new->node->stop;
done_testing();
