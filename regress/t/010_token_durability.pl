# Tokens strictly increase, and what the ledger has taken stays there: across
# many clients, immediate shutdowns and a dump.  synchronous_commit is off and the
# WAL writer asleep, so only what the module itself flushes survives a shutdown.
use strict;
use warnings;

use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new('token', conf => <<CONF);
synchronous_commit = off
wal_writer_delay = 10s
wal_writer_flush_after = 1GB
CONF
my $node = $server->node;
$server->create_database('app');
my $run = $server->sql('app', q{SELECT safedeploy.begin_run(NULL, 'run', NULL, 'app', NULL, NULL, NULL, NULL)});

my ($newest, $last_seq) = (0, 0);
for my $crash (1 .. 4)
{
	# Each flush is put to the test alone: an event written after a token would
	# bring it to disk too.  More tokens than the 32 that a sequence logs ahead.
	my $record = $crash % 2 ? "SELECT safedeploy.record_event('$run', 'migrate', 'note', 'token ' || :token) AS seq \\gset" : "\\set seq $last_seq";
	my $script = join "\n", map { <<SQL } 1 .. 40;
SELECT safedeploy.try_lock('app') AS token \\gset
SELECT safedeploy.unlock('app', :token);
$record
\\echo :token :seq
SQL
	my @lines = grep { /^\d+ \d+$/ } split /\n/, $server->sql('app', $script);
	$node->stop('immediate');
	$node->start;
	my @tokens = map { (split / /)[0] } @lines;
	is(scalar @tokens, 40, "round $crash: 40 tokens");
	my $grows = grep { $tokens[$_] > ($_ ? $tokens[ $_ - 1 ] : $newest) } 0 .. $#tokens;
	is($grows, 40, 'each greater than all before it, those before the shutdown too');
	($newest, $last_seq) = split / /, $lines[-1];
	is($server->sql('app', 'SELECT max(seq) FROM safedeploy.event'), $last_seq, 'the last event survived');
	is($server->sql('app', q{SELECT token FROM safedeploy.lock WHERE name = 'app'}), $newest, 'and so did the last holder');
}
is($server->sql('app', 'SELECT * FROM safedeploy.verify_ledger()'), '', 'the ledger is intact');

# A session that dies with the lock leaves it free and its token stale.
my $holder = start_program([ 'env', 'PGAPPNAME=a deploy', 'psql', '-XAt', '-c', q{SELECT safedeploy.try_lock('app')}, '-c', 'SELECT pg_sleep(600)', $server->url('app') ]);
my $pid = wait_until(sub { $server->sql('app', 'SELECT pid FROM safedeploy.lock_holders') }, 30, 'the lock is held');
my ($held) = $server->json('app', 'SELECT * FROM safedeploy.lock_holders');
cmp_ok($held->{token}, '>', $newest, 'the holder has a newer token');
is($held->{application_name}, 'a deploy', 'and is shown with its application');
my ($rc, undef, $err) = $server->try_sql('app', "SELECT safedeploy.unlock('app', $held->{token})");
like($err, qr/SD201: this session does not hold lock "app"/, 'nobody else can release it');
like($err, qr/DETAIL:  Lock "app" is held by the session with PID $pid, taken at .* by user ".*" from a local socket, application "a deploy", run none, token $held->{token}\./, 'who holds it is in the detail');
$holder->signal('KILL');
$server->sql('app', "SELECT pg_terminate_backend($pid)");
wait_until(sub { !$server->sql('app', "SELECT safedeploy.lock_holder_pid('app')") }, 30, 'the lock is free');
is($server->sql('app', "SELECT safedeploy.check_fence($held->{token})"), 'f', 'its token is stale');
$newest = $held->{token};

# Eight clients at once: never two in the critical section, tokens in its order.
$server->sql('app', 'CREATE TABLE probe (id bigserial, token bigint, what text)');
my $script = $node->basedir . '/lock.pgbench';
PostgreSQL::Test::Utils::append_to_file($script, <<'SQL');
SELECT coalesce(safedeploy.try_lock('app'), 0) AS token \gset
\if :token > 0
INSERT INTO probe (token, what) VALUES (:token, 'in');
INSERT INTO probe (token, what) VALUES (:token, 'out');
SELECT safedeploy.unlock('app', :token);
\endif
SQL
my $bench = run_program([ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', 400, '-f', $script, $server->url('app') ]);
exit_is($bench, 0, 'eight clients race for the lock');
cmp_ok($server->sql('app', q{SELECT count(*) FROM probe WHERE what = 'in'}), '>', 10, 'some get it');
is($server->sql('app', <<'SQL'), '0', 'in, out and tokens alternate in order');
SELECT count(*) FROM (
	SELECT what, token, lag(what) OVER w AS last_what, lag(token) OVER w AS last_token FROM probe WINDOW w AS (ORDER BY id)) p
WHERE NOT CASE what WHEN 'in' THEN coalesce(last_what = 'out' AND token > last_token, true) ELSE last_what = 'in' AND token = last_token END
SQL
$newest = $server->sql('app', 'SELECT max(token) FROM probe');

# A dump carries the newest token along.
my $dump = $node->basedir . '/app.dump';
exit_is(run_program([ 'pg_dump', '-Fc', '-f', $dump, $server->url('app') ]), 0, 'pg_dump');
$server->create_database('restored', extension => 0);
exit_is(run_program([ 'pg_restore', '-d', $server->url('restored'), $dump ]), 0, 'pg_restore');
cmp_ok($server->sql('restored', q{SELECT safedeploy.try_lock('app')}), '>', $newest, 'a restored database goes on above it');
is($server->sql('restored', "SELECT safedeploy.check_fence($newest)"), 'f', 'the token of the dumped one is stale there');

$node->stop;
done_testing();
