# What findings say of their table where the server is at work: rates, followers, sessions,
# statements; what a role may not see; and how that weighs.
use strict;
use warnings;

use File::Temp;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use SafeDeployTest;
use Test::More;

my $server = SafeDeployTest->new(
	'context',
	conf => "shared_preload_libraries = 'pg_stat_statements'\nwal_level = logical\nmax_wal_senders = 4\nmax_replication_slots = 4\n"
		. "synchronous_commit = off\nlog_statement = none");
my $node = $server->node;
$server->create_database('app');

# analyze SCRIPT, SETTINGS: findings as hash references, with their context decoded
sub analyze
{
	my ($script, $settings, $role) = @_;
	my $sql = ($settings || '') . '; SET safedeploy.context = on;' . ($role ? "SET ROLE $role;" : '')
		. 'SELECT coalesce(json_agg(f), \'[]\') FROM safedeploy.analyze($sd$' . $script . '$sd$) AS f';
	return @{ decode_json($server->sql('app', $sql)) };
}

# context_of TABLE: the context of a finding about it
sub context_of
{
	my ($table, @more) = @_;
	my ($finding) = grep { $_->{context} } analyze("LOCK TABLE $table", @more);
	return $finding->{context};
}

sub severity_of
{
	my ($rule, @findings) = @_;
	my ($found) = grep { $_->{rule} eq $rule } @findings;
	return $found ? $found->{severity} : 'none';
}

# the same change of three tables
$server->sql('app', <<'SQL');
CREATE TABLE empty (id integer PRIMARY KEY, a integer);
CREATE TABLE large (id integer PRIMARY KEY, a integer);
CREATE TABLE hot (id integer PRIMARY KEY, a integer);
CREATE TABLE queue (id integer PRIMARY KEY, a integer);
INSERT INTO large SELECT g, g FROM generate_series(1, 60000) AS g;
INSERT INTO hot SELECT g, g FROM generate_series(1, 500) AS g;
VACUUM ANALYZE;
SQL

# rows of one transaction, however many, make nothing hot
$server->sql('app', "SELECT pg_stat_force_next_flush()");
is(context_of('large')->{hot}, JSON::PP::false, 'a table that was only filled is not hot');
cmp_ok(context_of('large')->{writes_per_second}, '>', 100, 'though many rows were written');

# writes of many transactions do; all tables count from now on
$server->sql('app', "SELECT pg_stat_reset_single_table_counters('large'::regclass)");
# the counters of less than a minute count as those of a minute
my $file = File::Temp->new;
print $file "\\set id random(1, 500)\nUPDATE hot SET a = a + 1 WHERE id = :id;\n"
	. "INSERT INTO queue VALUES (:id, 1) ON CONFLICT DO NOTHING;\nDELETE FROM queue WHERE id = :id;\n";
close $file;
exit_is(run_program([ 'pgbench', '-n', '-c', '2', '-t', '2000', '-f', "$file", 'app' ], env => { $server->libpq_env('app') }), 0, 'pgbench');
$server->sql('app', 'DELETE FROM queue; VACUUM queue');
wait_until(sub { $server->sql('app', "SELECT pg_stat_get_tuples_updated('hot'::regclass) >= 4000") eq 't' }, 30, 'the counters of hot');
my $hot = context_of('hot', 'SET safedeploy.hot_table = 20');
is($hot->{hot}, JSON::PP::true, 'a table that many transactions write is');
cmp_ok($hot->{transactions_per_second}, '>=', 20, 'by their rate');
cmp_ok($hot->{transactions_per_second}, '<', 200, 'of a minute at least');
like($hot->{summary}, qr/^about \d+ rows, \d+ kB, \d+ writes\/s, \d+ reads\/s/, 'which people are told');
ok($hot->{since}, 'with the time since when it is counted');

my %read;
for my $table (qw(empty large hot))
{
	my @found = analyze("ALTER TABLE $table ALTER a TYPE bigint", "SET safedeploy.large_table = '1MB'; SET safedeploy.hot_table = 20");
	my ($rewrite) = grep { $_->{rule} eq 'alter-column-type-rewrite' } @found;
	$read{$table} = "$rewrite->{severity}: " . ($rewrite->{detail} =~ /(because it is [a-z ]+)/)[0];
	is(severity_of('hot-table', @found), $table eq 'hot' ? 'warning' : 'none', "$table: hot-table");
}
is($read{empty}, 'notice: because it is empty', 'the same change of an empty table');
is($read{large}, 'error: because it is large', 'of a large one');
my @queue = analyze('ALTER TABLE queue ALTER a TYPE bigint', 'SET safedeploy.hot_table = 20');
is($queue[0]{context}{bytes}, 0, 'a queue may be empty at times');
is(severity_of('alter-column-type-rewrite', @queue), 'warning', 'which makes it no less busy');
is($read{hot}, 'error: because it is in constant use', 'and of a hot one');
my @short = analyze('ALTER TABLE hot ADD COLUMN b integer', 'SET safedeploy.hot_table = 20');
is(severity_of('hot-table', @short), 'warning', 'a short lock of a hot table is told too');
is(severity_of('hot-table', analyze('ALTER TABLE hot ADD COLUMN b integer', 'SET safedeploy.hot_table = 0')), 'none', 'unless that is switched off');
my @twice = analyze('BEGIN; ALTER TABLE hot ADD COLUMN b integer; ALTER TABLE hot ADD COLUMN c integer; COMMIT; ALTER TABLE hot ADD COLUMN d integer',
	'SET safedeploy.hot_table = 20');
is(scalar(grep { $_->{rule} eq 'hot-table' } @twice), 2, 'once a transaction');

# who works with it now
my $session = start_session($server);
$session->('BEGIN; SELECT count(*) FROM large;');
my $context = context_of('large');
is($context->{session_count}, 1, 'a session that has it locked is counted');
cmp_ok($context->{sessions}[0]{seconds}, '>=', 0, 'with the age of its transaction');
like($context->{summary}, qr/locked by 1 transaction now \(for \d+ s\)/, 'for people too');
cmp_ok($context->{oldest_transaction_seconds}, '>', 0, 'the oldest transaction is known');

# a role that may not look is told so, and never a zero
$server->sql('app', <<'SQL');
CREATE ROLE looker;
GRANT USAGE ON SCHEMA safedeploy TO looker;
GRANT EXECUTE ON FUNCTION safedeploy.analyze(text, boolean) TO looker;
GRANT SELECT ON large TO looker;
SQL
$context = context_of('large', '', 'looker');
is($context->{session_count}, 1, 'another role sees that it is locked');
is($context->{sessions}[0]{seconds}, undef, 'not since when');
is($context->{oldest_transaction_seconds}, undef, 'nor how long the oldest transaction lasts');
like($context->{unknown}{oldest_transaction_seconds}, qr/pg_read_all_stats/, 'and is told why');
unlike($context->{summary}, qr/now \(/, 'also in words');
is($context->{replicas}{senders}, undef, 'nor who follows');
$server->sql('app', 'GRANT pg_read_all_stats TO looker');
cmp_ok(context_of('large', '', 'looker')->{oldest_transaction_seconds}, '>', 0, 'a member of pg_read_all_stats does');
$server->sql('app', 'REVOKE pg_read_all_stats FROM looker');
$session->('ROLLBACK;');
$session->();
wait_until(sub { context_of('large')->{session_count} == 0 }, 30, 'the end of the session');
is(context_of('large')->{session_count}, 0, 'and nobody when it is over');

# a prepared transaction has no process, but its locks
$server->sql('app', "BEGIN; INSERT INTO empty VALUES (1, 1); PREPARE TRANSACTION 'kept'");
$context = context_of('empty');
is($context->{session_count}, 1, 'a prepared transaction holds it');
is($context->{sessions}[0]{pid}, undef, 'without a process');
$server->sql('app', "ROLLBACK PREPARED 'kept'");

# statements
is(context_of('hot')->{statements}, undef, 'without pg_stat_statements nothing is known of statements');
like(context_of('hot')->{unknown}{statements}, qr/not in this database/, 'and that is said');
$server->sql('app', <<'SQL');
CREATE SCHEMA monitoring;
CREATE EXTENSION pg_stat_statements SCHEMA monitoring;
SELECT monitoring.pg_stat_statements_reset();
SELECT a FROM hot WHERE id = 42;
SELECT a FROM hot WHERE id = 43;
SELECT 'hot is only in a string', 'geheim';
ALTER TABLE hot ADD CONSTRAINT c CHECK (a <> 4711) NOT VALID;
SQL
$context = context_of('hot');
my @told = @{ $context->{statements} };
my ($select) = grep { ($_->{query} || '') =~ /^SELECT a FROM hot/ } @told;
is($select->{calls}, 2, 'calls of a statement that names the table');
cmp_ok($select->{mean_ms}, '>', 0, 'and how long they take');
is(scalar(grep { ($_->{query} || '') =~ /string/ } @told), 0, 'not one that has it in a string');
unlike(encode_json($context), qr/4711|geheim|42/, 'and no literal');
like($context->{summary}, qr/named by \d+ statements? with \d+ calls/, 'which people are told');
$server->sql('app', 'GRANT USAGE ON SCHEMA monitoring TO looker; GRANT SELECT ON hot TO looker');
$context = context_of('hot', '', 'looker');
is_deeply($context->{statements}, [], 'another role sees no text');
like($context->{unknown}{statements}, qr/the text of \d+ more is shown to members/, 'and is told that there is more');
# a function of that name which is not the extension's own is not called
$server->sql('app', <<'SQL');
CREATE FUNCTION monitoring.pg_stat_statements(integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$called$$; END';
SQL
isnt(context_of('hot')->{statements}, undef, 'others of that name are left alone');

# followers, slots and publications
$server->sql('app', <<'SQL');
CREATE PUBLICATION changes FOR TABLE hot;
SELECT pg_create_logical_replication_slot('reader', 'pgoutput');
SQL
$server->sql('postgres', "SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$node->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('follower')");
$standby->append_conf('postgresql.conf', "primary_slot_name = 'follower'");
$standby->start;
$node->wait_for_catchup($standby, 'replay');
$context = context_of('hot');
is_deeply($context->{publications}, ['changes'], 'its publication');
my %slots = map { $_->{name} => $_ } @{ $context->{replicas}{slots} };
is_deeply([ sort keys %slots ], [ 'follower', 'reader' ], 'slots that read this database');
is($slots{reader}{kind}, 'logical', 'a logical one');
is($slots{follower}{kind}, 'physical', 'and that of a standby');
is($slots{follower}{active}, JSON::PP::true, 'which is there');
is($slots{reader}{active}, JSON::PP::false, 'and one that nobody reads');
cmp_ok($slots{reader}{behind_bytes}, '>', 0, 'so that it falls behind');
is($context->{replicas}{senders}[0]{name}, 'standby', 'the standby by its name');
is($context->{replicas}{senders}[0]{state}, 'streaming', 'and state');
like($context->{summary}, qr/in 1 publication, .*1 follower, 1 logical slot/, 'for people');
$context = context_of('hot', '', 'looker');
is($context->{replicas}{sender_count}, 1, 'anybody sees that there is one');
like($context->{unknown}{replicas}, qr/pg_read_all_stats/, 'and why not which');
# on the standby it can be asked as well
my $there = $standby->safe_psql('app', q{SET safedeploy.context = on; SELECT context->>'relation' FROM safedeploy.analyze('LOCK TABLE hot') WHERE context IS NOT NULL LIMIT 1});
is($there, 'public.hot', 'a standby tells it too');
$standby->stop;

# the command line
my $dir = File::Temp->newdir;
open my $handle, '>', "$dir/m.sql" or die $!;
print $handle "ALTER TABLE hot ADD COLUMN b integer;\nCREATE INDEX ON hot (a);\n";
close $handle;
my $run = $server->migguard('app', [ 'lint', '--fail-on=never', 'm.sql' ], cwd => "$dir");
exit_is($run, 0, 'lint');
like($run->stdout, qr/^    facts: public\.hot: about \d+ rows, .*in 1 publication/m, 'prints the facts');
is(scalar(() = $run->stdout =~ /^    facts: /mg), 2, 'once a statement');
like($run->stdout, qr/\[no-lock-timeout\]/, 'and that lock_timeout is not set');
$run = $server->migguard('app', [ 'lint', '--fail-on=never', '--format=json', 'm.sql' ], cwd => "$dir", env => { MIGGUARD_RUN_LOCK_TIMEOUT => '7s' });
my $json = decode_json($run->stdout);
is(scalar(grep { $_->{rule} eq 'no-lock-timeout' } @{ $json->{findings} }), 0, 'not where the configuration has it');
is($json->{findings}[0]{context}{lock_timeout}{ms}, 7000, 'which the context has');
is($json->{findings}[0]{context}{relation}, 'public.hot', 'with all the rest');
$run = $server->migguard('app', [ 'lint', '--fail-on=never', '--format=sarif', 'm.sql' ], cwd => "$dir");
is(decode_json($run->stdout)->{runs}[0]{results}[0]{properties}{context}{relation}, 'public.hot', 'also in SARIF');

done_testing();

# start_session SERVER: a function that sends SQL to an open session, and without any ends it
sub start_session
{
	my ($in_server) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $handle = IPC::Run::start([ 'psql', '-XAtq', '-d', $in_server->node->connstr('app') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return sub {
		my ($sql) = @_;
		if (!defined $sql)
		{
			$in .= "\\q\n";
			$handle->finish;
			return;
		}
		$out = '';
		$in .= "$sql\n\\echo done\n";
		$handle->pump until $out =~ /done/;
		return;
	};
}
