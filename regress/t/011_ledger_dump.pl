# The ledger is kept by pg_dump, verifies after a restore, goes on there, and a
# dump that was edited is refused.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('dump');
my $node = $server->node;
my $utf8 = q{TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'};
$server->create_database('app', options => $utf8);

my $runs = $server->sql('app', <<'SQL');
CREATE TABLE ids AS SELECT safedeploy.begin_run(NULL, 'run', 'alembic', 'app', '', E'a''b\\c\n"d"\t', NULL, '{"user": "J\u00fcrgen", "x": 1.50}') AS id;
SELECT safedeploy.record_event(id, 'preflight', 'ok', '', '[]') FROM ids;
SELECT safedeploy.record_event(id, 'backup', 'ok', NULL, 'null') FROM ids;
SELECT safedeploy.record_event(id, 'migrate', 'begin', E'gr\u00fc\u00df, \\N \\. \n done', '{"n": 1e3, "s": "\u00e9"}') FROM ids;
SELECT safedeploy.record_event(id, 'migrate', 'note', repeat('long ', 20000)) FROM ids;
SELECT safedeploy.end_run(id, 'done', 0, 'fine', '{"revision": "b2", "snapshot_id": 1, "fingerprint": "ff"}') FROM ids;
SQL
my $head = $server->sql('app', 'SELECT safedeploy.ledger_head()');
my $content = q{SELECT md5(string_agg(e::text, '' ORDER BY seq)) FROM safedeploy.event e};
my $want = $server->sql('app', $content);

sub restored_well
{
	my ($database, $how) = @_;
	is($server->sql($database, "SELECT * FROM safedeploy.verify_ledger('$head')"), '', "$how: verifies, up to the head that was kept");
	is($server->sql($database, 'SELECT revision FROM safedeploy.last_known_good'), 'b2', "$how: last known good");
	is($server->sql($database, 'SELECT count(*) FROM safedeploy.unfinished_runs'), '0', "$how: nothing unfinished");
	$server->sql($database, q{SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)});
	is($server->sql($database, "SELECT * FROM safedeploy.verify_ledger('$head')"), '', "$how: goes on");
	is($server->sql($database, q{SELECT split_part(safedeploy.ledger_head(), ':', 1)}), 7, "$how: at the next place");
	return;
}

# An append in progress, holding the end of the chain, does not hold up a dump.
my $appender = start_program([ 'psql', '-XAtc', <<'SQL', $server->url('app') ]);
DO $$ BEGIN PERFORM safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL); PERFORM pg_sleep(600); END $$
SQL
wait_until(sub { $server->sql('app', q{SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass AND mode = 'ExclusiveLock' AND granted}) eq 't' }, 30, 'an append in progress');
my %file = map { $_ => $node->basedir . "/app.$_" } qw(custom plain inserts);
exit_is(run_program([ 'pg_dump', '--lock-wait-timeout=2s', '-Fc', '-f', $file{custom}, $server->url('app') ]), 0, 'pg_dump -Fc during an append');
$appender->kill_group;
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %pg_sleep%' AND pid <> pg_backend_pid()});
exit_is(run_program([ 'pg_dump', '-Fp', '-f', $file{plain}, $server->url('app') ]), 0, 'pg_dump -Fp');
exit_is(run_program([ 'pg_dump', '-Fp', '--inserts', '-f', $file{inserts}, $server->url('app') ]), 0, 'pg_dump --inserts');

$server->create_database($_, extension => 0, options => $utf8) for qw(custom plain inserts edited short);
$server->create_database('latin1', extension => 0, options => q{TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'});
exit_is(run_program([ 'pg_restore', '--exit-on-error', '-d', $server->url('custom'), $file{custom} ]), 0, 'pg_restore');
is($server->sql('custom', $content), $want, 'the same rows');
restored_well('custom', 'custom');
for my $how (qw(plain inserts))
{
	exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file{$how}, $server->url($how) ]), 0, "restore of $how");
	restored_well($how, $how);
}
exit_is(run_program([ 'pg_restore', '--exit-on-error', '-d', $server->url('latin1'), $file{custom} ]), 0, 'pg_restore into another encoding');
restored_well('latin1', 'LATIN1');

# Edited on its way: the row is refused.
my $text = PostgreSQL::Test::Utils::slurp_file($file{plain});
ok($text =~ s/\tfine\t/\tfinest\t/, 'a message of the dump is edited');
my $edited = $node->basedir . '/edited.sql';
PostgreSQL::Test::Utils::append_to_file($edited, $text);
my $psql = run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-f', $edited, $server->url('edited') ]);
exit_is($psql, 3, 'the restore of an edited dump fails');
like($psql->stderr, qr/SD101.*written by the functions.*\n.*hash is not that of its content/, 'because of the hash');

# A row that was left out shows.
ok($text =~ s/^\d+\t[^\n]*\tfinest\t[^\n]*\n//m, 'a row of the dump is left out');
my $short = $node->basedir . '/short.sql';
PostgreSQL::Test::Utils::append_to_file($short, $text);
exit_is(run_program([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $short, $server->url('short') ]), 0, 'the rest is restored');
is($server->sql('short', "SELECT what FROM safedeploy.verify_ledger('$head')"), 'tail_missing', 'and does not verify');

$node->stop;
done_testing();
