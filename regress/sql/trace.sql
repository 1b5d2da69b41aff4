-- What the statements of a session really do.
CREATE EXTENSION IF NOT EXISTS safedeploy;
LOAD 'safedeploy';
SET client_min_messages = warning;
CREATE SCHEMA trace;
SET search_path = trace;
CREATE TABLE p (id integer PRIMARY KEY, a integer);
CREATE TABLE c (id integer PRIMARY KEY, pid integer, t text);
INSERT INTO p SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO c SELECT i, i, 'x' FROM generate_series(1, 10) i;
-- what was read before the trace is nobody's
SELECT count(*) FROM p;

-- off: nothing is recorded
SELECT count(*) FROM safedeploy.trace_report();

-- shown: what was done since the last time
CREATE TABLE pg_temp.shown AS SELECT 0 AS seq;
CREATE FUNCTION pg_temp.show() RETURNS TABLE (n text, statement text, calls bigint, sqlstate text, outcome text, effects text[])
LANGUAGE plpgsql SET safedeploy.trace = off SET search_path = pg_catalog AS $$
DECLARE
	since integer := (SELECT max(s.seq) FROM pg_temp.shown s);
BEGIN
	INSERT INTO pg_temp.shown SELECT coalesce(max(r.seq), since) FROM safedeploy.trace_report() r;
	RETURN QUERY SELECT repeat('>', r.nesting) || r.tag, left(r.statement, 70), r.calls, r.sqlstate, r.outcome,
		ARRAY(SELECT concat_ws(' ', e.effect, e.kind, e.object, e.lock_mode, e.detail) COLLATE "C"
			FROM safedeploy.trace_effects() e WHERE e.statement = r.seq ORDER BY 1)
	FROM safedeploy.trace_report() r WHERE r.seq > since AND r.statement !~ 'pg_temp.show' ORDER BY r.seq;
END $$;
SET safedeploy.trace = on;
SELECT * FROM pg_temp.show();

-- locks, with those of other tables; a query that the server runs for it
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (pid) REFERENCES p;
ALTER TABLE p ADD COLUMN b integer DEFAULT 1;
SELECT * FROM pg_temp.show();

-- rewrites, builds, full reads; an index that keeps its file is not built
CREATE INDEX c_t ON c (t);
ALTER TABLE p ALTER a TYPE bigint;
ALTER TABLE c ALTER t TYPE varchar;
ALTER TABLE c ALTER t SET NOT NULL;
VACUUM FULL p;
CLUSTER c USING c_pkey;
REINDEX INDEX c_t;
SELECT * FROM pg_temp.show();

-- statements that commit in their midst
CREATE INDEX CONCURRENTLY c_pid ON c (pid);
REINDEX INDEX CONCURRENTLY c_pid;
DROP INDEX CONCURRENTLY c_pid;
SELECT * FROM pg_temp.show();

-- TRUNCATE gives a new file, and copies nothing
TRUNCATE c;
SELECT * FROM pg_temp.show();

-- drops, asked for and not
CREATE VIEW v AS SELECT id, b FROM p;
SELECT * FROM pg_temp.show() WHERE false;
ALTER TABLE p DROP COLUMN b CASCADE;
DROP TABLE p CASCADE;
SELECT * FROM pg_temp.show();

-- a DO block: what is inside, and the sum of it under the names at its begin
DO $$
BEGIN
	CREATE TABLE made (a integer);
	ALTER TABLE made ADD b double precision DEFAULT random();
	CREATE INDEX ON made (a);
	ALTER TABLE c RENAME TO d;
	EXECUTE 'ALTER TABLE d ALTER t TYPE varchar(10)';
	FOR i IN 1..5 LOOP
		INSERT INTO made (a) VALUES (i);
	END LOOP;
	BEGIN
		DROP TABLE d;
		PERFORM 1 / i FROM generate_series(0, 1) i;
	EXCEPTION WHEN division_by_zero THEN
		ALTER TABLE d RENAME TO c;
	END;
END $$;
SELECT * FROM pg_temp.show();

-- a function that does DDL, called by a query; a trigger
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM made; RETURN NULL; END $$;
CREATE TRIGGER tr AFTER INSERT ON c EXECUTE FUNCTION by_trigger();
CREATE FUNCTION ddl() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE made SET (fillfactor = 90); RETURN 1; END $$;
SELECT * FROM pg_temp.show() WHERE false;
SELECT ddl() AS called;
INSERT INTO c VALUES (1, 1, 'x');
SELECT * FROM pg_temp.show();

-- errors, savepoints, rollbacks
BEGIN;
ALTER TABLE c ADD z integer;
SAVEPOINT s;
ALTER TABLE c ADD z integer;
ROLLBACK TO s;
COMMENT ON TABLE c IS 'x';
DROP TABLE made;
ROLLBACK;
SELECT * FROM pg_temp.show();

-- a second statement on what is locked already gains nothing
BEGIN;
ALTER TABLE c ADD z integer;
ALTER TABLE c ADD y integer DEFAULT 1;
SELECT count(*) FROM c;
COMMIT;
SELECT * FROM pg_temp.show();

-- prepared statements, cursors, CREATE TABLE AS, procedures that commit
PREPARE q AS UPDATE c SET pid = 1;
EXECUTE q;
CREATE TABLE copied AS SELECT * FROM c;
BEGIN;
DECLARE cur CURSOR FOR SELECT * FROM copied;
FETCH 1 FROM cur;
FETCH 1 FROM cur;
COMMIT;
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE c ADD x1 integer;
	COMMIT;
	ALTER TABLE copied ADD x1 integer;
	ROLLBACK;
	COMMENT ON TABLE copied IS 'x';
END $$;
CALL commits();
SELECT * FROM pg_temp.show();

-- secrets: the shape is kept, also of what carried them here
CREATE ROLE regress_trace PASSWORD 'hunter2';
DO $$ BEGIN EXECUTE format('ALTER ROLE regress_trace PASS%s %L', 'WORD', 'hunter3'); END $$;
DROP ROLE regress_trace;
SELECT tag, statement, masked FROM safedeploy.trace_report() WHERE masked;
SELECT count(*) FROM safedeploy.trace_report() WHERE statement ~ 'hunter';
SELECT * FROM pg_temp.show() WHERE false;

-- a type is locked, and its values are kept
CREATE TYPE mood AS ENUM ('a');
ALTER TYPE mood ADD VALUE 'b';
DROP TYPE mood;
SELECT * FROM pg_temp.show();

-- what the server said, and nothing of it in the log or to the client
ALTER TABLE c ALTER pid TYPE bigint;
SELECT messages FROM safedeploy.trace_report() WHERE statement ~ 'pid TYPE bigint';
SHOW log_min_messages;

-- settings that a statement makes hold
DO $$ BEGIN SET LOCAL work_mem = '5MB'; SET lock_timeout = '7s'; ALTER TABLE c ADD x2 integer; END $$;
SHOW lock_timeout;
RESET lock_timeout;

-- rows, WAL
SELECT * FROM pg_temp.show() WHERE false;
INSERT INTO copied (id) SELECT generate_series(1, 100);
SELECT tag, rows, wal_bytes > 1000 AS wal FROM safedeploy.trace_report() WHERE statement ~ '1, 100';

-- rows in run_statement: only of a session that works for a run
SELECT count(*) FROM safedeploy.run_statement;
SET safedeploy.run_id = '00000000-0000-4000-8000-000000000001';
BEGIN;
ALTER TABLE c ADD w integer;
ROLLBACK;
ALTER TABLE c ADD w2 integer;
SELECT tag, statement, rolled_back, effects FROM safedeploy.run_statement WHERE statement ~ 'ADD w' ORDER BY seq;
SELECT count(*) > 10 AS earlier FROM safedeploy.run_statement;
SELECT length(safedeploy.run_statement_digest('00000000-0000-4000-8000-000000000001'));
SELECT count(*) FROM safedeploy.run_statement WHERE effects::text ~ 'safedeploy[.]';
-- a transaction that may only read is recorded too
BEGIN READ ONLY;
SELECT 1 AS "only read";
COMMIT;
SELECT count(*) FROM safedeploy.run_statement WHERE statement ~ 'only read';
-- a role that may not read the table writes nothing to it
CREATE ROLE regress_trace_user;
SET safedeploy.trace = off;
SET SESSION AUTHORIZATION regress_trace_user;
SET safedeploy.trace = on;
SELECT 1 AS by_nobody;
SET safedeploy.trace = off;
SELECT 1;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM safedeploy.run_statement WHERE "session_user" = 'regress_trace_user';
RESET safedeploy.run_id;
DROP ROLE regress_trace_user;
DROP SCHEMA trace CASCADE;
