-- DDL made outside of a run is on record; the library is loaded here as a preload would.
CREATE EXTENSION IF NOT EXISTS safedeploy;
LOAD 'safedeploy';
SELECT safedeploy.forget_drift('infinity') >= 0 AS emptied;
CREATE ROLE regress_drift_user;
CREATE ROLE regress_drift_reader;
CREATE VIEW pg_temp.seen AS
	SELECT tag, objects, statement, nested, "session_user" = session_user AS mine,
		"current_user" = 'regress_drift_user' AS users
	FROM safedeploy.drift ORDER BY id;
CREATE FUNCTION pg_temp.take() RETURNS SETOF pg_temp.seen LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT * FROM pg_temp.seen;
	PERFORM safedeploy.forget_drift('infinity');
END $$;
-- roles are no business of event triggers: tag and text
SELECT * FROM pg_temp.take();

-- plain statements, one string with several
CREATE SCHEMA drift;
CREATE TABLE drift.t (id serial PRIMARY KEY, a text);
ALTER TABLE drift.t ADD COLUMN b integer, DROP COLUMN a\; CREATE INDEX t_b ON drift.t (b)\;   COMMENT ON COLUMN drift.t.b IS 'x' ;
GRANT SELECT ON drift.t TO PUBLIC;
CREATE VIEW drift.v AS SELECT id FROM drift.t;
DROP VIEW drift.v;
SELECT 1 AS one INTO drift.made;
CREATE SCHEMA drift_parts CREATE TABLE inner_table (a integer);
SELECT tag, objects, statement, nested FROM pg_temp.take();

-- nested: DO, function, dynamic SQL
DO $$ BEGIN CREATE TABLE drift.by_do (a integer); EXECUTE 'ALTER TABLE drift.by_do ADD COLUMN ' || 'b text'; END $$;
CREATE FUNCTION drift.maker() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN DROP TABLE drift.by_do; END';
SELECT drift.maker();
SELECT tag, objects, statement, nested FROM pg_temp.take();

-- no change of the schema, nothing permanent, or nothing at all
CREATE TEMP TABLE temporary_table (a integer);
ALTER TABLE temporary_table ADD COLUMN b integer;
COMMENT ON TABLE temporary_table IS 'x';
DROP TABLE temporary_table;
CREATE TABLE IF NOT EXISTS drift.t (a integer);
DROP TABLE IF EXISTS drift.not_there;
TRUNCATE drift.t;
REINDEX TABLE drift.t;
CLUSTER drift.t USING t_pkey;
VACUUM FULL drift.t;
ANALYZE drift.t;
INSERT INTO drift.t (b) VALUES (1);
SELECT tag, objects FROM pg_temp.take();

-- what is rolled back left no row
BEGIN;
CREATE TABLE drift.never (a integer);
ROLLBACK;
BEGIN;
SAVEPOINT s;
CREATE TABLE drift.never (a integer);
ROLLBACK TO s;
CREATE TABLE drift.kept (a integer);
COMMIT;
DO $$ BEGIN
	BEGIN
		CREATE TABLE drift.never (a integer);
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
	CREATE TABLE drift.after_error (a integer);
END $$;
SELECT tag, objects FROM pg_temp.take();

-- statements that manage their own transactions
CREATE INDEX CONCURRENTLY t_c ON drift.t (b);
DROP INDEX CONCURRENTLY drift.t_c;
SELECT tag, objects, statement FROM pg_temp.take();

-- secrets stay out
CREATE ROLE regress_drift_secret PASSWORD 'hunter2';
ALTER ROLE regress_drift_secret PASSWORD 'hunter3';
ALTER ROLE regress_drift_secret SET application_name = 'hunter4';
ALTER ROLE regress_drift_secret CREATEDB;
CREATE FOREIGN DATA WRAPPER regress_drift_fdw;
CREATE SERVER regress_drift_server FOREIGN DATA WRAPPER regress_drift_fdw OPTIONS (password 'hunter5');
CREATE USER MAPPING FOR regress_drift_secret SERVER regress_drift_server OPTIONS (password 'hunter6');
DROP FOREIGN DATA WRAPPER regress_drift_fdw CASCADE;
DROP ROLE regress_drift_secret;
SELECT count(*) AS with_secrets FROM safedeploy.drift d WHERE d::text LIKE '%hunter%';
SELECT tag, objects, statement FROM pg_temp.take();

-- a long text is cut
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE drift.t IS %L', repeat('ä', 10000)); END $$;
SELECT tag, octet_length(statement) FROM pg_temp.take();

-- anybody's DDL, without any right on the record
GRANT CREATE, USAGE ON SCHEMA drift TO regress_drift_user;
SELECT count(*) FROM pg_temp.take();
SET SESSION AUTHORIZATION regress_drift_user;
CREATE TABLE drift.users (a integer);
SELECT count(*) FROM safedeploy.drift;
SELECT safedeploy.note_ddl('{lie}');
RESET SESSION AUTHORIZATION;
SELECT tag, objects, mine, users FROM pg_temp.take();
SELECT safedeploy.grant_reader('regress_drift_reader');
SELECT count(*) > 10 AS granted FROM pg_temp.take();
SET ROLE regress_drift_reader;
SELECT count(*) FROM safedeploy.drift;
RESET ROLE;

-- an extension is its one statement
CREATE EXTENSION hstore SCHEMA drift VERSION '1.4';
ALTER EXTENSION hstore UPDATE TO '1.5';
DROP EXTENSION hstore;
SELECT tag, objects, statement FROM pg_temp.take();

-- a session that works for a run leaves nothing; one that only says so does
SELECT safedeploy.try_lock('regress_drift', 'test') AS token \gset
SELECT safedeploy.begin_run(NULL, 'test', NULL, 'regress_drift', NULL, NULL, :token, NULL) AS run \gset
SET safedeploy.run_id = :'run';
SET safedeploy.fence_token = :'token';
CREATE TABLE drift.by_run (a integer);
SELECT count(*) FROM pg_temp.take();
RESET safedeploy.fence_token;
CREATE TABLE drift.by_liar (a integer);
SELECT tag, objects, run_tag = :'run' AS run_tag, during_run = :'run' AS during_run FROM safedeploy.drift;
SELECT count(*) FROM pg_temp.take();
RESET safedeploy.run_id;
SELECT safedeploy.end_run(:'run', 'failed_unchanged', 20) > 0 AS ended;
SELECT safedeploy.unlock('regress_drift', :token);
CREATE TABLE drift.after_run (a integer);
SELECT tag, objects, during_run FROM safedeploy.drift;
SELECT count(*) FROM pg_temp.take();

-- event triggers switched off: the statement is recorded without its objects
ALTER EVENT TRIGGER safedeploy_drift DISABLE;
CREATE TABLE drift.unnoted (a integer);
ALTER EVENT TRIGGER safedeploy_drift ENABLE ALWAYS;
SET session_replication_role = replica;
CREATE TABLE drift.on_replica (a integer);
RESET session_replication_role;
SELECT tag, objects, statement FROM pg_temp.take();

-- switched off
SET safedeploy.record_drift = off;
CREATE TABLE drift.unrecorded (a integer);
RESET safedeploy.record_drift;
SELECT count(*) FROM pg_temp.take();
SET SESSION AUTHORIZATION regress_drift_user;
SET safedeploy.record_drift = off;
RESET SESSION AUTHORIZATION;

-- without the extension nothing happens, and dropping it works
BEGIN;
DROP FUNCTION pg_temp.take();
DROP VIEW pg_temp.seen;
DROP EXTENSION safedeploy CASCADE;
CREATE TABLE drift.no_extension (a integer);
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA drift, drift_parts CASCADE;
DROP OWNED BY regress_drift_user, regress_drift_reader;
DROP ROLE regress_drift_user, regress_drift_reader;
SELECT safedeploy.forget_drift('infinity') > 0 AS emptied;
