-- Repeated fingerprints; the setting makes each of them an error that differs from one that reads everything.
SET safedeploy.fingerprint_check = on;
CREATE FUNCTION pg_temp.changes(edit text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	before text := safedeploy.fingerprint();
BEGIN
	IF safedeploy.fingerprint() <> before THEN
		RAISE 'not the same twice';
	END IF;
	EXECUTE edit;
	RETURN safedeploy.fingerprint() <> before;
END $$;
CREATE SCHEMA fr;
CREATE SCHEMA fr2;
CREATE TYPE fr.mood AS ENUM ('low', 'high');
CREATE DOMAIN fr.level AS fr.mood;
CREATE TYPE fr.pair AS (m fr.mood, n integer);
CREATE FUNCTION fr.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + 1';
CREATE TABLE fr.hub (id integer PRIMARY KEY, code text);
CREATE TABLE fr.gone (a integer);
CREATE TABLE fr.names (h integer REFERENCES fr.hub, m fr.mood);
CREATE TABLE fr.t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hub integer REFERENCES fr.hub, m fr.mood DEFAULT 'low', ms fr.mood[] DEFAULT '{low}',
	l fr.level DEFAULT 'high', p fr.pair DEFAULT '(low,1)', names regclass[] DEFAULT '{fr.gone}', c text CHECK (fr.f(length(c)) > 1), n integer GENERATED ALWAYS AS (hub + 1) STORED);
CREATE INDEX t_f ON fr.t (fr.f(hub)) WHERE m = 'high';
CREATE STATISTICS fr.s ON id, hub FROM fr.t;
CREATE VIEW fr.v AS SELECT t.id, h.code FROM fr.t JOIN fr.hub h ON h.id = t.hub;
CREATE VIEW fr.vv AS SELECT * FROM fr.v;
CREATE POLICY pol ON fr.t USING (hub IN (SELECT id FROM fr.hub));
SELECT safedeploy.fingerprint() IS NULL;
SELECT edit, pg_temp.changes(edit) FROM unnest(ARRAY[
	'ALTER TABLE fr.t ADD COLUMN z integer',
	'ALTER TABLE fr.hub RENAME TO hub2',
	'ALTER TABLE fr.hub2 RENAME COLUMN code TO kode',
	'ALTER TYPE fr.mood RENAME VALUE ''low'' TO ''deep''',
	'ALTER TYPE fr.mood RENAME TO state',
	'ALTER TYPE fr.pair RENAME ATTRIBUTE n TO nn',
	'ALTER FUNCTION fr.f SET SCHEMA fr2',
	'ALTER TABLE fr.gone RENAME TO gone2',
	'ALTER TABLE fr.t RENAME c TO d',
	'ALTER SEQUENCE fr.t_id_seq RENAME TO q',
	'ALTER TABLE fr.hub2 DISABLE TRIGGER ALL',
	'ALTER INDEX fr.t_f RENAME TO t_g',
	'COMMENT ON POLICY pol ON fr.t IS ''x''',
	'COMMENT ON INDEX fr.t_g IS ''x''',
	'ALTER TABLE fr.t SET (toast.autovacuum_enabled = off)',
	'CREATE TABLE fr2.new (id serial PRIMARY KEY, r integer REFERENCES fr.hub2)',
	'ALTER TABLE fr2.new SET SCHEMA fr',
	'DROP VIEW fr.vv',
	'ALTER DOMAIN fr.level ADD CHECK (VALUE <> ''deep'')',
	'CREATE OR REPLACE FUNCTION fr2.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS ''SELECT a + 2''',
	'GRANT SELECT (d) ON fr.t TO PUBLIC',
	'ALTER SCHEMA fr2 RENAME TO fr3',
	'CREATE TEMP TABLE mine (a fr.state)',
	'ANALYZE fr.t',
	'DROP TABLE fr.t CASCADE']) WITH ORDINALITY AS e(edit, n) ORDER BY n;
-- what comes to nothing
SELECT safedeploy.fingerprint() AS before \gset
BEGIN;
ALTER TABLE fr.hub2 ADD COLUMN a integer;
SAVEPOINT s;
ALTER TABLE fr.hub2 ADD COLUMN b integer;
SELECT safedeploy.fingerprint() AS inside \gset
ROLLBACK TO s;
SELECT safedeploy.fingerprint() IN (:'before', :'inside');
ROLLBACK;
SELECT safedeploy.fingerprint() = :'before';
-- as with a new session, and without memory
DISCARD ALL;
SELECT safedeploy.fingerprint() = :'before';
SET safedeploy.fingerprint_cache = 0;
SELECT safedeploy.fingerprint() = :'before';
SET client_min_messages = warning;
DROP SCHEMA fr, fr3 CASCADE;
