# What a superuser does to the ledger is found by verify_ledger(): at once where the chain
# shows it, and against a head that was kept where a whole chain was put in its place.
use strict;
use warnings;

use SafeDeployTest;
use SafeDeployTest::Faults;
use Test::More;

promise('G1', 'tampering by a superuser is found; honest rows raise no alarm');

my $server = SafeDeployTest->new('tamper');
my $node = $server->node;
$server->create_database('app');
my $fill = sub { "DO \$\$ DECLARE id uuid; BEGIN FOR i IN 1..$_[0] / 20 LOOP
	id := safedeploy.begin_run(NULL, 'run', 'alembic', 'app', 'a' || i, 'b' || i, NULL, '{\"version\": \"0.1\", \"pid\": 1}');
	FOR j IN 1..18 LOOP PERFORM safedeploy.record_event(id, 'migrate', 'note', CASE WHEN j % 5 > 0 THEN 'step ' || j END, CASE WHEN j % 3 > 0 THEN jsonb_build_object('n', i * j) END); END LOOP;
	PERFORM safedeploy.end_run(id, 'done', 0, '', '{\"revision\": \"b2\"}');
	END LOOP; END \$\$" };
$server->sql('app', $fill->(60));
my $early = $node->basedir . '/early.dump';
exit_is(run_program([ 'pg_dump', '-Fc', '-f', $early, $server->url('app') ]), 0, 'an early dump');
$server->sql('app', "SELECT safedeploy.try_lock('app'); SELECT safedeploy.permit('DROP TABLE t', ARRAY['table public.t'], 'x')");
$server->sql('app', $fill->(60));
my $head = $server->sql('app', 'SELECT safedeploy.ledger_head()');
is($server->sql('app', "SELECT * FROM safedeploy.verify_ledger('$head')"), '', 'the honest ledger verifies');

# The hash of a row, once more, so that a forger can put right what he changed.
$server->sql('app', <<'SQL');
CREATE SCHEMA forger;
CREATE FUNCTION forger.part(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT int4send(length($1)) || $1';
CREATE FUNCTION forger.hash(e safedeploy.event) RETURNS bytea LANGUAGE sql SET client_encoding = 'UTF8' AS $$
	SELECT sha256(forger.part('event') || string_agg(forger.part(n::bytea) || forger.part(v), '' ORDER BY o)) FROM (VALUES
		(1, 'seq', int8send((e).seq)), (2, 'run_id', uuid_send((e).run_id)), (3, 'at', timestamptz_send((e).at)), (4, 'state', convert_to((e).state, 'UTF8')),
		(5, 'status', convert_to((e).status, 'UTF8')), (6, 'result', convert_to((e).result, 'UTF8')), (7, 'exit_code', int4send((e).exit_code)),
		(8, 'message', convert_to((e).message, 'UTF8')), (9, 'detail', convert_to((e).detail::text, 'UTF8')), (10, 'prev_hash', (e).prev_hash)) c (o, n, v)
	WHERE v IS NOT NULL $$;
CREATE PROCEDURE forger.rechain(first bigint) LANGUAGE plpgsql AS $$
DECLARE
	e safedeploy.event;
	previous bytea := (SELECT hash FROM safedeploy.event WHERE seq < first ORDER BY seq DESC LIMIT 1);
BEGIN
	FOR e IN SELECT * FROM safedeploy.event WHERE seq >= first ORDER BY seq LOOP
		e.prev_hash := previous;
		previous := forger.hash(e);
		UPDATE safedeploy.event SET prev_hash = e.prev_hash, hash = previous WHERE seq = e.seq;
	END LOOP;
END $$;
SQL
is($server->sql('app', 'SELECT count(*) FROM safedeploy.event e WHERE hash IS DISTINCT FROM forger.hash(e)'), 0, 'the forger knows how to make hashes');

# A trial: statements of a superuser in a transaction that is taken back, and what is found then,
# without a kept head and with it.
sub found
{
	my ($sql, $given) = @_;
	my ($rc, $out, $err) = $server->try_sql('app', "SET client_min_messages = error; BEGIN; ALTER TABLE safedeploy.event DISABLE TRIGGER USER; ALTER TABLE safedeploy.run DISABLE TRIGGER USER; $sql;
		ALTER TABLE safedeploy.event ENABLE ALWAYS TRIGGER append_only_rows; ALTER TABLE safedeploy.event ENABLE ALWAYS TRIGGER append_only_truncate;
		ALTER TABLE safedeploy.run ENABLE ALWAYS TRIGGER append_only_rows; ALTER TABLE safedeploy.run ENABLE ALWAYS TRIGGER append_only_truncate;
		SELECT coalesce(string_agg(DISTINCT what, ' '), '') FROM safedeploy.verify_ledger(" . ($given ? "'$head'" : 'NULL') . '); ROLLBACK');
	return "error: $err" if $rc != 0;
	my @lines = split /\n/, $out;
	return @lines ? $lines[-1] : '';
}
sub finds
{
	my ($name, $sql, $want, $with_head) = @_;
	my $got = found($sql, $with_head);
	verdict('G1', $got !~ /^error/ && $got =~ /$want/, $name . ($with_head ? ', with the head' : ''), "found: $got");
	return;
}

my $forged = q{CASE atttypid::regtype::text WHEN 'text' THEN '''forged''' WHEN 'uuid' THEN '''ffffffff-0000-0000-0000-000000000000''' WHEN 'jsonb' THEN '''{"forged": true}'''
	WHEN 'bytea' THEN 'sha256(''forged'')' WHEN 'inet' THEN '''192.0.2.1''' WHEN 'timestamp with time zone' THEN '''2000-01-01''' ELSE '999' END};
foreach my $column ($server->json('app', "SELECT relname, quote_ident(attname) AS attname, NOT attnotnull AS nullable, $forged AS value FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
	WHERE attrelid IN ('safedeploy.run'::regclass, 'safedeploy.event'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum"))
{
	my ($table, $name) = @$column{qw(relname attname)};
	finds("$table.$name edited", "UPDATE safedeploy.$table SET $name = $column->{value} WHERE ctid = (SELECT ctid FROM safedeploy.$table ORDER BY " . ($table eq 'event' ? 'seq' : 'started_at') . ' OFFSET 1 LIMIT 1)', qr/\w_\w/);
	next unless $column->{nullable};
	my $rows = $server->sql('app', "SELECT count($name) FROM safedeploy.$table");
	finds("$table.$name taken away", "UPDATE safedeploy.$table SET $name = NULL WHERE $name IS NOT NULL", qr/\w_\w/) if $rows;
}
my $events = $server->sql('app', 'SELECT count(*) FROM safedeploy.event');
my $middle = int($events / 2);
finds('first event deleted',  'DELETE FROM safedeploy.event WHERE seq = 1', qr/events_missing/);
finds('middle event deleted', "DELETE FROM safedeploy.event WHERE seq = $middle", qr/events_missing/);
finds('middle event deleted, gap closed', "DELETE FROM safedeploy.event WHERE seq = $middle; UPDATE safedeploy.event SET seq = -seq WHERE seq > $middle; UPDATE safedeploy.event SET seq = -seq - 1 WHERE seq < 0", qr/event_changed|link_broken/);
finds('last event deleted', "DELETE FROM safedeploy.event WHERE seq = $events", qr/tail_missing/, 1);
finds('the last ten deleted', "DELETE FROM safedeploy.event WHERE seq > $events - 10", qr/tail_missing/, 1);
finds('event put in at the end', 'INSERT INTO safedeploy.event SELECT seq + 1, run_id, at, state, status, result, exit_code, message, detail, hash, hash FROM safedeploy.event ORDER BY seq DESC LIMIT 1', qr/event_changed|event_after_end/);
finds('event put in, with a right hash', "INSERT INTO safedeploy.event SELECT $events + 1, run_id, at, state, status, result, exit_code, message, detail, hash, hash FROM safedeploy.event WHERE seq = $events;
	UPDATE safedeploy.event e SET hash = forger.hash(e) WHERE seq = $events + 1", qr/event_after_end/);
finds('event put in the middle', "UPDATE safedeploy.event SET seq = -seq WHERE seq > $middle; UPDATE safedeploy.event SET seq = 1 - seq WHERE seq < 0; INSERT INTO safedeploy.event SELECT seq + 1, run_id, at, state, status, result, exit_code, message, detail, prev_hash, hash FROM safedeploy.event WHERE seq = $middle", qr/event_changed|link_broken/);
finds('two events swapped', "UPDATE safedeploy.event SET seq = -seq WHERE seq IN ($middle, $middle + 1); UPDATE safedeploy.event SET seq = 2 * $middle + 1 + seq WHERE seq < 0", qr/event_changed/);
finds('contents of two events swapped', "UPDATE safedeploy.event e SET message = o.message, detail = o.detail, at = o.at FROM safedeploy.event o WHERE e.seq IN (2, 3) AND o.seq = 5 - e.seq", qr/event_changed/);
finds('event changed, with a right hash', "UPDATE safedeploy.event SET message = 'forged' WHERE seq = $middle; UPDATE safedeploy.event e SET hash = forger.hash(e) WHERE seq = $middle", qr/link_broken/);
finds('truncated', 'TRUNCATE safedeploy.event', qr/begin_missing/);
finds('all truncated', 'TRUNCATE safedeploy.event, safedeploy.run', qr/tail_missing/, 1);
finds('run deleted', 'DELETE FROM safedeploy.run WHERE run_id = (SELECT run_id FROM safedeploy.run LIMIT 1)', qr/run_missing/);
finds('run with all its events deleted', "DELETE FROM safedeploy.event WHERE run_id = (SELECT run_id FROM safedeploy.event WHERE seq = $middle); DELETE FROM safedeploy.run r WHERE NOT EXISTS (SELECT FROM safedeploy.event e WHERE e.run_id = r.run_id)", qr/events_missing/);
finds('run put in', q{INSERT INTO safedeploy.run SELECT 'ffffffff-0000-0000-0000-000000000000', started_at, command, tool, lock_name, database, from_revision, to_revision, token, "session_user", client_addr, client, server_version_num, hash FROM safedeploy.run LIMIT 1}, qr/begin_missing|run_changed/);
finds('an event given to another run', "UPDATE safedeploy.event SET run_id = (SELECT run_id FROM safedeploy.event WHERE seq = 1) WHERE seq = $middle", qr/event_changed/);
finds('sequence of tokens set back', 'ALTER SEQUENCE safedeploy.fencing_token RESTART', qr/sequence_reset/);
finds('sequence of permits set back', 'ALTER SEQUENCE safedeploy.permit_id_seq RESTART', qr/sequence_reset/);
finds('chain recomputed after a change', "UPDATE safedeploy.event SET message = 'forged' WHERE seq = $middle; CALL forger.rechain($middle)", qr/head_differs/, 1);
finds('chain recomputed without an event', "DELETE FROM safedeploy.event WHERE seq = $middle; UPDATE safedeploy.event SET seq = -seq WHERE seq > $middle; UPDATE safedeploy.event SET seq = -seq - 1 WHERE seq < 0; CALL forger.rechain($middle)", qr/tail_missing|head_differs/, 1);
is(found("UPDATE safedeploy.event SET message = 'forged' WHERE seq = $middle; CALL forger.rechain($middle)"), '', 'which only the head shows');

# An old dump put in the place of the ledger
$server->create_database('old', extension => 0);
exit_is(run_program([ 'pg_restore', '--exit-on-error', '-d', $server->url('old'), $early ]), 0, 'the early dump is restored');
is($server->sql('old', 'SELECT * FROM safedeploy.verify_ledger()'), '', 'in itself it is intact');
verdict('G1', $server->sql('old', "SELECT what FROM safedeploy.verify_ledger('$head')") eq 'tail_missing', 'an old dump restored, with the head');
# and gone on with, past the head
$server->sql('old', $fill->(120));
verdict('G1', $server->sql('old', "SELECT what FROM safedeploy.verify_ledger('$head')") eq 'head_differs', 'an old dump restored and gone on with, with the head');

# As a user asks: the head is what the log of a pipeline has
my $p = $server->migguard('app', [ 'ledger', '--head', $head ]);
exit_is($p, 0, 'migguard ledger --head: intact') or diag($p->stderr);
like($p->stdout, qr/contains the head that was kept/, 'it says so');
$p = $server->migguard('old', [ 'ledger', '--format=json', '--head', $head ]);
exit_is($p, 30, 'migguard ledger --head: the old dump has exit code 30');
is(JSON::PP::decode_json($p->stdout)->{faults}[0]{what}, 'head_differs', 'and the fault by name');
exit_is($server->migguard('old', ['ledger']), 0, 'without a head it is intact in itself');
exit_is($server->migguard('old', [ 'ledger', '--head', '12' ]), 65, 'what is no head is refused');

# 0 false alarms: 2,000 honest rows, in the long tier 100,000, some in one transaction each
my $rows = share(100_000) > 5_000 ? share(100_000) : 2_000;
$server->sql('app', 'CREATE TABLE forger.ids (id uuid)');
$server->sql('app', $fill->($rows));
verdict('G1', $server->sql('app', "SELECT count(*) FROM safedeploy.verify_ledger('$head')") eq '0', 'no false alarm in ' . $server->sql('app', 'SELECT count(*) FROM safedeploy.event') . ' honest rows');

$node->stop;
done_testing();
