# Protection over several sessions: who is protected, what waits, what is on record, who stands
# down, and what only shows while a statement runs.
use strict;
use warnings;

use PostgreSQL::Test::Utils qw(slurp_file);
use SafeDeployTest;
use SafeDeployTest::Library;
use Test::More;

my $server = SafeDeployTest->new('protect', conf => "shared_preload_libraries = 'safedeploy'\nwal_level = logical\nmax_wal_senders = 4\nmax_replication_slots = 4\n");
my $node = $server->node;
my $chains = 0;
$server->create_database('app');
$server->create_database('other', extension => 0);
$server->sql('app', <<'SQL');
CREATE ROLE owner LOGIN;
CREATE ROLE deployer LOGIN;
SELECT safedeploy.grant_deployer('deployer');
CREATE SCHEMA work AUTHORIZATION owner;
ALTER DATABASE app OWNER TO owner;
ALTER DATABASE app SET safedeploy.protect = enforce;
SQL

# session($database, $sql, user =>, options =>): a session of its own, to its end
sub start_session
{
	my ($database, $sql, %opt) = @_;
	return start_program([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', $server->url($database, user => $opt{user} || 'owner') ],
		stdin => $sql, env => { PGOPTIONS => $opt{options} || '', PGAPPNAME => $opt{name} || 'psql' });
}
sub session { return start_session(@_)->wait(60); }

sub refused
{
	my ($what, $like, @session) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $p = session(@session);
	exit_is($p, 3, "$what: refused");
	like($p->stderr, qr/SD102: $like/, "$what: so");
	return $p;
}

# Who is protected: database and role decide, and nobody but a superuser gets out
exit_is(session('app', 'CREATE TABLE work.t (i int); INSERT INTO work.t VALUES (1); DROP TABLE IF EXISTS work.none'), 0, 'making things goes on');
refused('of another session', 'DROP TABLE without a permit for table work.t', 'app', 'DROP TABLE work.t');
exit_is(session('app', 'SET safedeploy.protect = off; DROP TABLE work.t'),   3, 'the owner cannot switch it off');
exit_is(session('app', 'ALTER DATABASE app RESET safedeploy.protect'),       3, 'nor for the database');
exit_is(session('app', 'ALTER ROLE owner SET safedeploy.protect = off'),     3, 'nor for himself');
exit_is(session('app', 'ALTER DATABASE app RESET ALL'),                      0, 'a reset of all his settings');
refused('after that', 'DROP TABLE', 'app', 'DROP TABLE work.t');
isnt(session('app', 'DROP TABLE work.t', options => '-c safedeploy.protect=off')->exit_code, 0, 'nor by options of the connection');
$server->sql('app', 'ALTER ROLE owner IN DATABASE app SET safedeploy.protect = warn');
like(session('app', 'BEGIN; DROP TABLE work.t; ROLLBACK')->stderr, qr/WARNING:  SD102: DROP TABLE without a permit/, 'the role may be set apart');
$server->sql('app', 'ALTER ROLE owner IN DATABASE app RESET safedeploy.protect');
$server->sql('other', 'CREATE TABLE t (i int); DROP TABLE t');
pass('another database is not protected');
like((session('app', 'DROP TABLE work.t', user => $server->user))->stderr, qr/SD102/, 'a superuser is, until he says otherwise');

# A refusal waits for nobody and holds up nobody
my $holder = start_session('app', "BEGIN; LOCK TABLE work.t IN ACCESS EXCLUSIVE MODE; SELECT pg_advisory_lock(1); SELECT pg_sleep(600)");
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted}) }, 30, 'the table is locked');
foreach my $sql ('DROP TABLE work.t', 'TRUNCATE work.t', 'ALTER TABLE work.t DROP COLUMN i', 'DROP SCHEMA work CASCADE', 'ALTER TABLE work.t ALTER i TYPE smallint')
{
	refused("while the table is locked, $sql", '', 'app', "SET lock_timeout = '1ms'; $sql");
}
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1});
$holder->wait(30);

# What came after the judgement: a view that another session makes while the statement waits for its lock
sub permit { my ($sql, $objects, $more) = @_; $more = '' unless defined $more; return $server->sql('app', "SELECT safedeploy.permit('$sql', ARRAY[$objects], 'test'$more)"); }
permit('DROP TABLE work.t CASCADE', q{'table work.t'});
my $gate = start_session('app', 'SELECT pg_advisory_lock(3); SELECT pg_sleep(600)', name => 'gate');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND granted}) }, 30, 'the gate is shut');
my $maker = start_session('app', 'BEGIN; CREATE VIEW work.v AS SELECT * FROM work.t; SELECT pg_advisory_lock(3); COMMIT;');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND NOT granted}) }, 30, 'a view is being made');
my $dropper = start_session('app', 'DROP TABLE work.t CASCADE', name => 'dropper');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropper' AND wait_event_type = 'Lock'}) }, 30, 'the drop waits for it');
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate'});
$_->wait(60) foreach $gate, $maker, $dropper;
exit_is($maker, 0, 'the view is there');
exit_is($dropper, 3, 'what was not judged is refused while the statement runs');
like($dropper->stderr, qr/SD102: DROP TABLE without a permit for view work.v\b/, 'by its name');
is($server->sql('app', q{SELECT to_regclass('work.t') IS NOT NULL}), 't', 'and nothing is gone');

# The record: refusals come with the end of the session, whatever ends it
is($server->sql('app', q{SELECT count(*) FROM safedeploy.permit_use WHERE verdict = 'refused' AND application_name = 'dropper'}), '1', 'the refusal is on record after the session');
my $talker = start_session('app', "\\set ON_ERROR_STOP 0\nDROP TABLE work.t;\nSELECT pg_sleep(600);", name => 'talker');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'talker' AND wait_event = 'PgSleep'}) }, 30, 'a refused session goes on');
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'talker'});
$talker->wait(30);
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM safedeploy.permit_use WHERE application_name = 'talker'}) == 1 }, 30, 'the record of a terminated session');
pass('it is on record when the session is terminated');
session('app', "\\set ON_ERROR_STOP 0\nDROP TABLE work.t;\nSELECT 1;\nSELECT count(*) FROM work.t;", name => 'onward');
is($server->sql('app', q{SELECT count(*) FROM safedeploy.permit_use WHERE application_name = 'onward'}), '1', 'once, when the session goes on');
session('app', "SET default_transaction_read_only = on;\n\\set ON_ERROR_STOP 0\nDROP TABLE work.t;\nSELECT 1;", name => 'reader');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM safedeploy.permit_use WHERE application_name = 'reader'}) == 1 }, 30, 'the record of a read-only session');
pass('and after a session that is read-only');

# One use is one use, also for two sessions at once
my $id = permit('DROP TABLE work.once', q{'table work.once'});
session('app', 'CREATE TABLE work.once (i int)');
my $first = start_session('app', 'BEGIN; DROP TABLE work.once; SELECT pg_advisory_lock(4); SELECT pg_sleep(600)');
wait_until(sub { $server->sql('app', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4 AND objsubid = 1}) }, 30, 'the permit is being used');
like(refused('the second session', 'DROP TABLE', 'app', 'DROP TABLE work.once')->stderr, qr/Permit $id is being used by another transaction/, 'why');
$server->sql('app', q{SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4 AND objsubid = 1});
$first->wait(30);
is($server->sql('app', "SELECT state FROM safedeploy.permits WHERE id = $id"), 'open', 'the transaction that was ended has not used it');
wait_until(sub { $server->sql('app', "SELECT count(*) FROM safedeploy.permit_use WHERE permit_id = $id AND NOT committed") == 1 }, 30, 'the record of it');
exit_is(session('app', "BEGIN; DROP TABLE work.once; PREPARE TRANSACTION 'p'"), 0, 'a prepared transaction uses it');
like(refused('while it is prepared', '', 'app', 'DROP TABLE work.once')->stderr, qr/Permit $id is being used/, 'why');
$server->sql('app', q{COMMIT PREPARED 'p'});
is($server->sql('app', "SELECT state FROM safedeploy.permits WHERE id = $id"), 'used up', 'when it commits');

# DROP DATABASE comes from elsewhere: the database's own word counts
$server->sql('postgres', 'CREATE DATABASE plain OWNER owner');
$server->sql('postgres', 'GRANT CONNECT ON DATABASE postgres TO owner');
refused('DROP DATABASE of a protected one', 'DROP DATABASE without a permit for database app', 'postgres', 'DROP DATABASE app');
refused('by a protected session', 'DROP DATABASE without a permit for database plain', 'app', 'DROP DATABASE plain');
exit_is(session('postgres', 'DROP DATABASE plain'), 0, 'one that nobody protects');
$server->sql('postgres', 'CREATE DATABASE plain OWNER owner');
$server->sql('postgres', 'ALTER DATABASE plain SET safedeploy.protect = off');
exit_is(session('app', 'DROP DATABASE plain'), 0, 'one that says it is not, whoever asks');
$server->sql('postgres', 'CREATE DATABASE plain OWNER owner');
permit('DROP DATABASE plain', q{'database plain'});
exit_is(session('app', 'DROP DATABASE plain'), 0, 'by a permit');
is($server->sql('app', q{SELECT committed FROM safedeploy.permit_use WHERE 'database plain' = ANY (objects) AND verdict = 'permitted'}), 't', 'on record');

# Without the extension there is no permit, and the message says so
$server->sql('other', 'CREATE TABLE t (i int)');
like(session('other', 'SET safedeploy.protect = enforce; DROP TABLE t', user => $server->user)->stderr, qr/Permits need the extension in this database/, 'a database without the extension');

# Extensions: what belongs to one goes with it, but not its tables; its scripts are not trusted with others' tables
my $extensions = $node->config_data('--sharedir') . '/extension';
sub extension_file { my ($name, $text) = @_; open my $file, '>', "$extensions/$name" or die "$name: $!"; print $file $text; close $file; return; }
END { unlink glob("$extensions/sd_protect_test*") if defined $extensions; }
extension_file('sd_protect_test.control', "default_version = '1'\nrelocatable = false\nschema = ext\n");
extension_file('sd_protect_test--1.sql', "CREATE TABLE scratch (i int); DROP TABLE scratch;\nCREATE VIEW v AS SELECT 1 AS one; CREATE TABLE old (i int); CREATE TYPE mood AS ENUM ('a');\n");
extension_file('sd_protect_test--1--2.sql', "DROP TABLE old; CREATE TABLE kept (i int);\n");
extension_file('sd_protect_test--2--3.sql', "DROP TABLE work.t CASCADE;\n");
my @root = (user => $server->user);
exit_is(session('app', 'CREATE EXTENSION sd_protect_test', @root), 0, 'CREATE EXTENSION');
exit_is(session('app', q{ALTER EXTENSION sd_protect_test UPDATE TO '2'}, @root), 0, 'its update drops a table of its own');
refused('its update drops a table of somebody else', 'DROP TABLE without a permit for view work.v', 'app', q{ALTER EXTENSION sd_protect_test UPDATE TO '3'}, @root);
session('app', 'CREATE TABLE work.uses (m ext.mood, i int)', @root);
refused('DROP EXTENSION', 'DROP EXTENSION without a permit for table ext.kept and 1 more', 'app', 'DROP EXTENSION sd_protect_test CASCADE', @root);
refused('the extension itself', 'DROP EXTENSION without a permit for table safedeploy', 'app', 'DROP EXTENSION safedeploy', @root);
permit('DROP EXTENSION sd_protect_test CASCADE', q{'table ext.kept', 'table column work.uses.m'});
exit_is(session('app', 'DROP EXTENSION sd_protect_test CASCADE', @root), 0, 'by a permit');

# Replication carries out what was decided elsewhere
$server->create_database('subscriber');
$server->sql('subscriber', 'CREATE TABLE r (i int); ALTER DATABASE subscriber SET safedeploy.protect = enforce');
$server->sql('other', 'CREATE TABLE r (i int); INSERT INTO r VALUES (1); CREATE PUBLICATION p FOR TABLE r');
$server->sql('other', q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
my $conn = 'host=' . $node->host . ' port=' . $node->port . " dbname=other user=" . $server->user;
$server->sql('subscriber', "CREATE SUBSCRIPTION s CONNECTION '$conn' PUBLICATION p WITH (create_slot = false, slot_name = 's')");
wait_until(sub { $server->sql('subscriber', 'SELECT count(*) FROM r') == 1 }, 60, 'the first row is there');
$server->sql('other', 'TRUNCATE r; INSERT INTO r VALUES (2), (3)');
wait_until(sub { $server->sql('subscriber', 'SELECT count(*) FROM r') == 2 }, 60, 'TRUNCATE is replicated');
pass('the apply worker stands down');
$server->sql('subscriber', 'ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s');
$node->stop;

# Loaded when the session begins: what the client asks for must not hide what the database says
my $late = SafeDeployTest->new('protect_late', preload => 1);
$late->create_database('app');
$late->sql('app', 'CREATE ROLE owner LOGIN; CREATE SCHEMA work AUTHORIZATION owner; CREATE TABLE work.t (i int); ALTER TABLE work.t OWNER TO owner; ALTER DATABASE app SET safedeploy.protect = enforce; ALTER ROLE owner SET safedeploy.protect_classes = \'table, delete\'');
$server = $late;
foreach my $options ('', '-c safedeploy.protect=off', '-c safedeploy.protect=warn', '-c safedeploy.protect_classes=view')
{
	refused("with \"$options\"", 'DROP TABLE', 'app', 'DROP TABLE work.t', options => $options);
	refused("with \"$options\", rows", 'DELETE', 'app', 'DELETE FROM work.t', options => $options);
}
my $parallel = session('app', 'SET force_parallel_mode = on; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SELECT count(*) FROM work.t');
is($parallel->stderr, '', 'a parallel worker has the settings of its leader') if $late->node->config_data('--version') =~ / 1[345]/;
$late->node->stop;

# Neighbours in the same hooks see all that they would see, before us and after us
my $library = SafeDeployTest::Library->build('hook_counter');
my $counter = $library->file;
foreach my $order ("pg_stat_statements, $counter, safedeploy, auto_explain", "auto_explain, safedeploy, $counter, pg_stat_statements")
{
	my $chain = SafeDeployTest->new('chain' . ++$chains, conf => "shared_preload_libraries = '$order'\nauto_explain.log_min_duration = 0\nlog_min_messages = log\ncompute_query_id = on\n");
	$chain->create_database('app');
	$chain->sql('app', q{CREATE EXTENSION pg_stat_statements; CREATE TABLE t (i int); INSERT INTO t VALUES (1)});
	$server = $chain;
	foreach my $level (qw(off warn enforce))
	{
		my $p = session('app', "SET safedeploy.protect = $level; SET safedeploy.protect_classes = 'all';\n\\set ON_ERROR_STOP 0\nCREATE TABLE mine (i int); DROP TABLE mine; DELETE FROM t; UPDATE t SET i = 2 WHERE i = 1; SHOW hook_counter.seen", user => $chain->user);
		my ($utilities, $starts, $drops) = $p->stdout =~ /utilities=(\d+) starts=(\d+) drops=(\d+)/;
		cmp_ok($utilities, '>=', 5, "$level: utility statements come through");
		cmp_ok($starts, '>=', $level eq 'enforce' && $order =~ /safedeploy.*hook_counter/ ? 2 : 1, "$level: plans come through");
		cmp_ok($drops, '>=', 1, "$level: drops come through");
		is($p->stderr =~ /SD102/ ? 1 : 0, $level eq 'off' ? 0 : 1, "$level: and DELETE is judged");
	}
	is($chain->sql('app', q{SELECT string_agg(q, ' ' ORDER BY q) FROM (SELECT DISTINCT lower(split_part(query, ' ', 1)) AS q FROM pg_stat_statements WHERE query ~ '(TABLE mine|t SET i)') s}), 'create drop update', 'pg_stat_statements counts them');
	like(slurp_file($chain->node->logfile), qr/plan:\n\s*Query Text: UPDATE t SET i/, 'auto_explain explains them');
	$chain->node->stop;
}
done_testing();
