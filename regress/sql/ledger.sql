-- Writing to the ledger, its views, and finding what was done to it.
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set run1 '''a0000000-0000-0000-0000-000000000001'''
\set run2 '''a0000000-0000-0000-0000-000000000002'''
SELECT safedeploy.version() = (SELECT extversion FROM pg_extension WHERE extname = 'safedeploy') AS version, safedeploy.protocol_version();
SELECT safedeploy.begin_run(:run1, 'run', 'alembic', 'ledger', 'a1', 'b2', NULL, '{"version": "0.1", "pid": 1}');
SELECT * FROM safedeploy.verify_ledger();
SELECT safedeploy.record_event(:run1, 'preflight', 'begin') AS first \gset
SELECT safedeploy.record_event(:run1, 'preflight', 'ok', 'all checks passed', '{"checks": 7}') - :first AS next;
SELECT safedeploy.record_event(:run1, 'migrate', 'begin', '') - :first AS next;
SELECT command, tool, from_revision, to_revision, ended_at, result, exit_code, last_state, message, "session_user" = session_user AS me, database = current_database() AS here
FROM safedeploy.history WHERE run_id = :run1;
SELECT command, lock_name, last_state, last_status, holder_pid, holder_alive, client FROM safedeploy.unfinished_runs WHERE run_id = :run1;
SELECT safedeploy.end_run(:run1, 'done', 0, 'at b2', '{"revision": "b2", "snapshot_id": 12, "fingerprint": "c0ffee"}') - :first AS next;
SELECT ended_at IS NOT NULL AS ended, duration = ended_at - started_at AS duration, result, exit_code, last_state, message FROM safedeploy.history WHERE run_id = :run1;
SELECT count(*) FROM safedeploy.unfinished_runs WHERE run_id = :run1;
SELECT run_id, revision, snapshot_id, fingerprint FROM safedeploy.last_known_good WHERE lock_name = 'ledger';

-- a failed run changes what is known good in nothing; a run has the lock of its id
SELECT safedeploy.try_lock('ledger', NULL, :run2) AS token \gset
SELECT safedeploy.begin_run(:run2, 'run', 'alembic', 'ledger', 'b2', 'c3', :token, NULL);
SELECT holder_alive, holder_pid = pg_backend_pid() AS me FROM safedeploy.unfinished_runs WHERE run_id = :run2;
SELECT safedeploy.end_run(:run2, 'rolled_back', 21, 'x', '{"revision": "b2", "snapshot_id": "none"}') > 0 AS ended;
SELECT safedeploy.unlock('ledger', :token);
SELECT revision FROM safedeploy.last_known_good WHERE lock_name = 'ledger';
SELECT state, status, result, exit_code, seq - :first AS seq, prev_hash = lag(hash) OVER (ORDER BY seq) AS linked FROM safedeploy.event WHERE run_id IN (:run1, :run2) ORDER BY seq;
SELECT started_at >= lead(started_at) OVER () AS newest_first FROM safedeploy.history LIMIT 1;

-- the id can be made, and a snapshot_id that is no number is no error
SELECT safedeploy.begin_run(NULL, 'run', NULL, 'ledger2', NULL, NULL, NULL, NULL) AS run3 \gset
SELECT safedeploy.end_run(:'run3', 'done', 0, NULL, '{"snapshot_id": "x"}') > 0 AS ended;
SELECT revision, snapshot_id, fingerprint FROM safedeploy.last_known_good WHERE lock_name = 'ledger2';

-- refusals
SELECT safedeploy.begin_run(:run1, 'run', NULL, NULL, NULL, NULL, NULL, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.begin_run(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT safedeploy.begin_run(NULL, 'run', NULL, 'ledger', NULL, NULL, :token, NULL);
\set VERBOSITY terse
SELECT safedeploy.record_event('a0000000-0000-0000-0000-00000000000f', 'migrate', 'ok');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.record_event(NULL, 'migrate', 'ok');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.record_event(:run1, 'migrate', 'ok');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.end_run(:run1, 'done', 0);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.record_event(:run1, 'begin', 'ok');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.record_event(:run1, 'migrate', 'fine');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.end_run(:run1, 'perfect', 0);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.end_run(:run1, 'done', NULL);
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SELECT safedeploy.record_event(:run1, 'migrate', 'ok');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

SET default_transaction_read_only = on;
SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.record_event(:run1, 'migrate', 'ok');
\echo :LAST_ERROR_SQLSTATE
SELECT safedeploy.try_lock('ledger');
\echo :LAST_ERROR_SQLSTATE
RESET default_transaction_read_only;

-- settings and an old snapshot change nothing
SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET bytea_output = 'escape'; SET search_path = ''; SET default_transaction_isolation = 'repeatable read';
SELECT safedeploy.begin_run('a0000000-0000-0000-0000-000000000003', 'run', NULL, NULL, NULL, NULL, NULL, '{"x": 1.50}');
SELECT * FROM safedeploy.verify_ledger();
RESET ALL;
SELECT * FROM safedeploy.verify_ledger();
SELECT safedeploy.end_run('a0000000-0000-0000-0000-000000000003', 'nothing_to_do', 3) > 0 AS ended;

-- the head, kept
SELECT safedeploy.ledger_head() AS head \gset
SELECT :'head' ~ '^[0-9]+:[0-9a-f]{64}$' AS head, split_part(:'head', ':', 1)::bigint = max(seq) AS newest FROM safedeploy.event;
SELECT * FROM safedeploy.verify_ledger(:'head');
SELECT * FROM safedeploy.verify_ledger('0:');
SELECT * FROM safedeploy.verify_ledger('12');
\echo :LAST_ERROR_SQLSTATE

-- what a superuser does with the guards; rolled back
SELECT what, detail FROM safedeploy.verify_guards();
BEGIN;
ALTER TABLE safedeploy.event DISABLE TRIGGER append_only_rows;
ALTER TABLE safedeploy.run ENABLE TRIGGER append_only_truncate;
DROP TRIGGER append_only_rows ON safedeploy.lock;
CREATE TRIGGER mine BEFORE INSERT ON safedeploy.run FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE nothing AS ON DELETE TO safedeploy.event DO INSTEAD NOTHING;
ALTER TABLE safedeploy.event ENABLE ROW LEVEL SECURITY;
CREATE TABLE more_events () INHERITS (safedeploy.event);
ALTER EVENT TRIGGER safedeploy_guard DISABLE;
DROP TRIGGER append_only_truncate ON safedeploy.event;
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON safedeploy.event EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT what, detail FROM safedeploy.verify_guards() ORDER BY what, detail;
ROLLBACK;
-- a guard that lets everything pass, and sequences set back
SELECT safedeploy.permit('DROP TABLE kept', ARRAY['table kept'], 'x') > 0 AS permit, safedeploy.permit('DROP TABLE kept', ARRAY['table kept'], 'x') > 0 AS another;
BEGIN;
CREATE OR REPLACE FUNCTION safedeploy.refuse_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ALTER SEQUENCE safedeploy.fencing_token RESTART WITH 1;
ALTER SEQUENCE safedeploy.permit_id_seq RESTART WITH 1;
SELECT what, regexp_replace(detail, '\d+', 'N', 'g') AS detail FROM safedeploy.verify_guards() ORDER BY what, detail;
ROLLBACK;

CREATE FUNCTION tamper(statements text[], head text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	found text;
BEGIN
	ALTER TABLE safedeploy.event DISABLE TRIGGER ALL;
	ALTER TABLE safedeploy.run DISABLE TRIGGER ALL;
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE statement;
	END LOOP;
	SELECT string_agg(DISTINCT what, ' ' ORDER BY what) INTO found FROM safedeploy.verify_chain(head);
	RAISE 'found: %', coalesce(found, 'NOTHING') USING ERRCODE = 'P9999';
EXCEPTION WHEN SQLSTATE 'P9999' THEN
	RETURN SQLERRM;
END $$;
-- every column of both tables, changed (keys are changed below)
SELECT relname, attname, tamper(ARRAY[
	format('ALTER TABLE safedeploy.%I ALTER %I DROP NOT NULL', relname, attname),
	format('UPDATE safedeploy.%1$I SET %2$I = %3$s WHERE ctid = (SELECT ctid FROM safedeploy.%1$I WHERE run_id = %4$L ORDER BY %5$s LIMIT 1)', relname, attname,
		CASE atttypid::regtype::text
			WHEN 'text' THEN '''forged'''
			WHEN 'uuid' THEN '''ffffffff-0000-0000-0000-000000000000'''
			WHEN 'jsonb' THEN '''{"forged": true}'''
			WHEN 'bytea' THEN 'sha256(''forged'')'
			WHEN 'inet' THEN '''192.0.2.1'''
			WHEN 'timestamp with time zone' THEN '''2000-01-01'''
			ELSE '999' END, :run1, CASE relname WHEN 'event' THEN 'seq DESC' ELSE 'run_id' END)])
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE attrelid IN ('safedeploy.run'::regclass, 'safedeploy.event'::regclass) AND attnum > 0 AND NOT attisdropped
	AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = attrelid AND k.contype = 'p' AND k.conkey[1] = attnum)
ORDER BY relname, attnum;
SELECT tamper(ARRAY['UPDATE safedeploy.event SET message = NULL WHERE message = ''''']) AS empty_to_null;
SELECT tamper(ARRAY['UPDATE safedeploy.run SET tool = tool || command, command = '''' WHERE run_id = ' || quote_literal(:run1)]) AS moved_between_columns;
SELECT tamper(ARRAY['DELETE FROM safedeploy.event WHERE seq = 1']) AS first_deleted;
SELECT tamper(ARRAY['DELETE FROM safedeploy.event WHERE seq = ' || :first]) AS middle_deleted;
SELECT tamper(ARRAY['DELETE FROM safedeploy.event WHERE seq = ' || :first, 'UPDATE safedeploy.event SET seq = seq - 1 WHERE seq > ' || :first]) AS middle_deleted_and_closed;
SELECT tamper(ARRAY['DELETE FROM safedeploy.event WHERE seq = (SELECT max(seq) FROM safedeploy.event)']) AS last_deleted_no_head;
SELECT tamper(ARRAY['DELETE FROM safedeploy.event WHERE seq = (SELECT max(seq) FROM safedeploy.event)'], :'head') AS last_deleted;
SELECT tamper(ARRAY['TRUNCATE safedeploy.event, safedeploy.run'], :'head') AS all_deleted;
SELECT tamper(ARRAY['INSERT INTO safedeploy.event SELECT seq + 1, run_id, at, state, status, result, exit_code, message, detail, prev_hash, hash FROM safedeploy.event ORDER BY seq DESC LIMIT 1']) AS inserted;
SELECT tamper(ARRAY['ALTER TABLE safedeploy.event DROP CONSTRAINT event_pkey', 'INSERT INTO safedeploy.event SELECT * FROM safedeploy.event WHERE seq = ' || :first]) AS inserted_twice;
SELECT tamper(ARRAY[format('UPDATE safedeploy.event e SET seq = -seq WHERE seq IN (%s, %s)', :first, :first + 1), format('UPDATE safedeploy.event e SET seq = %s + seq WHERE seq < 0', :first * 2 + 1)]) AS swapped;
SELECT tamper(ARRAY['DELETE FROM safedeploy.run WHERE run_id = ' || quote_literal(:run1)]) AS run_deleted;
SELECT tamper(ARRAY['INSERT INTO safedeploy.run SELECT ''ffffffff-0000-0000-0000-000000000000'', started_at, command, tool, lock_name, database, from_revision, to_revision, token, "session_user", client_addr, client, server_version_num, hash FROM safedeploy.run LIMIT 1']) AS run_inserted;
-- everything rewritten after a change: only the kept head shows it
SELECT tamper(ARRAY['UPDATE safedeploy.event SET hash = sha256(''other'') WHERE seq = ' || split_part(:'head', ':', 1)], :'head') AS head_rewritten;

-- with the triggers on no superuser does anything but restore right rows
DELETE FROM safedeploy.event;
\echo :LAST_ERROR_SQLSTATE
UPDATE safedeploy.run SET command = 'x';
\echo :LAST_ERROR_SQLSTATE
TRUNCATE safedeploy.event;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO safedeploy.event SELECT seq + 1, run_id, at, state, status, result, exit_code, message, detail, prev_hash, hash FROM safedeploy.event ORDER BY seq DESC LIMIT 1;
\echo :LAST_ERROR_SQLSTATE
SET session_replication_role = replica;
DELETE FROM safedeploy.run;
\echo :LAST_ERROR_SQLSTATE
RESET session_replication_role;
SELECT * FROM safedeploy.verify_ledger(:'head');
DROP FUNCTION tamper;
