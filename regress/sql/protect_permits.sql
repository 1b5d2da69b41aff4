-- Permits: what they are bound to, how often they serve, and what is on record.
-- ids differ from run to run, so most errors are shown without their text
LOAD 'safedeploy';
\set SHOW_CONTEXT never
CREATE SCHEMA permits;
SET search_path = permits;
CREATE TABLE a (i integer);
CREATE TABLE b (i integer);
CREATE VIEW av AS SELECT * FROM a;
CREATE VIEW pg_temp.record AS
	SELECT u.verdict, u.committed, u.permit_id IS NOT NULL AS by_permit, u.tag, u.objects, u.statement, u.nested, u.run_tag
	FROM safedeploy.permit_use u WHERE u.pid = pg_backend_pid() ORDER BY u.id;
CREATE FUNCTION pg_temp.why_not(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN SQLSTATE 'SD102' THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN regexp_replace(regexp_replace(d, '^Lost would be [^.]*\.[^.]*\. ?', ''), 'Permit \d+', 'Permit N');
END $$;
SET safedeploy.protect = enforce;

-- a statement is known by its tokens, not by its layout
CREATE FUNCTION pg_temp.mark(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE made bigint := safedeploy.permit(statement, ARRAY['none'], 'mark', '1 second');
BEGIN
	RETURN (SELECT p.fingerprint FROM safedeploy.permit p WHERE p.id = made);
END $$;
SELECT pg_temp.mark(s) = pg_temp.mark('DROP TABLE permits.x') AS same, s
FROM (VALUES ('drop  table permits . x ;'), (E'DROP /* x /* y */ */ TABLE\n-- z\npermits.x'), ('DROP TABLE permits.X'),
	('DROP TABLE permits."x"'), ('DROP TABLE permits.y'), ('DROP TABLE permits.x CASCADE'), ('DROP TABLE permits.x; SELECT 1')) x (s);
SELECT count(DISTINCT pg_temp.mark(s)) AS distinct_ones
FROM (VALUES ('UPDATE a SET x = ''It'''), ('UPDATE a SET x = ''it'''), ('UPDATE a SET x = ''it '''), ('UPDATE a SET x = E''it'''), ('UPDATE a SET x = "it"'), ('UPDATE a SET x = it')) x (s);

-- what a permit must have
\set VERBOSITY terse
SELECT safedeploy.permit(NULL, ARRAY['table permits.a'], 'x');
SELECT safedeploy.permit('DROP TABLE a', NULL, 'x');
SELECT safedeploy.permit('DROP TABLE a', ARRAY[NULL], 'x');
SELECT safedeploy.permit('DROP TABLE a', '{}', 'x');
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a'], '');
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a'], 'x', uses => NULL);
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a'], 'x', uses => 0);
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a'], 'x', NULL);
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a'], 'x', '-1 hour');
\set VERBOSITY default

-- bound to the statement
SELECT safedeploy.permit('drop table  permits.a cascade', ARRAY['table permits.a', 'view permits.av'], 'no longer used') AS p \gset
SELECT pg_temp.why_not('DROP TABLE permits.a');
SELECT pg_temp.why_not('DROP TABLE a CASCADE');
-- rolled back, it does not count
BEGIN;
DROP TABLE permits.a CASCADE;
ROLLBACK;
BEGIN;
SAVEPOINT s;
DROP TABLE permits.a CASCADE;
ROLLBACK TO s;
COMMIT;
SELECT state, used FROM safedeploy.permits WHERE id = :p;
-- within one transaction it is there once
BEGIN;
DROP TABLE permits.a /* at last */ CASCADE;
CREATE TABLE permits.c (i integer);
COMMIT;
SELECT state, used FROM safedeploy.permits WHERE id = :p;
SET safedeploy.protect = off;
CREATE TABLE a (i integer);
CREATE VIEW av AS SELECT * FROM a;
SET safedeploy.protect = enforce;
SELECT pg_temp.why_not('DROP TABLE permits.a CASCADE');

-- bound to the objects: all that would be lost, by the names that they have now
SELECT safedeploy.permit('DROP TABLE permits.a CASCADE', ARRAY['table permits.a'], 'x') AS p \gset
SELECT pg_temp.why_not('DROP TABLE permits.a CASCADE');
SELECT safedeploy.revoke_permit(:p, 'wrong');
SELECT state FROM safedeploy.permits WHERE id = :p;
SELECT safedeploy.permit('DROP TABLE a', ARRAY['table permits.a', 'table other.a'], 'x') AS p \gset
SET search_path = pg_catalog;
SELECT pg_temp.why_not('DROP TABLE permits.b');
CREATE SCHEMA other;
SET safedeploy.protect = off;
CREATE TABLE other.a (i integer);
CREATE TABLE other.b (i integer);
SET safedeploy.protect = enforce;
SET search_path = other;
SELECT safedeploy.permit('DROP TABLE b', ARRAY['table permits.b'], 'x') AS q \gset
SELECT pg_temp.why_not('DROP TABLE b');
SELECT pg_temp.why_not('DROP TABLE a');
SET search_path = permits;
SELECT pg_temp.why_not('DROP TABLE b');

-- two uses, revoked after one
SET safedeploy.protect = off;
CREATE TABLE b (i integer);
SET safedeploy.protect = enforce;
SELECT safedeploy.permit('TRUNCATE b', ARRAY['rows of table permits.b'], 'nightly', uses => 3) AS p \gset
TRUNCATE b;
BEGIN;
TRUNCATE b;
TRUNCATE b;
SELECT pg_temp.why_not('TRUNCATE b');
ROLLBACK;
TRUNCATE b;
SELECT state, used FROM safedeploy.permits WHERE id = :p;
SELECT safedeploy.revoke_permit(:p, 'enough');
SELECT pg_temp.why_not('TRUNCATE b');
SELECT state, used FROM safedeploy.permits WHERE id = :p;
SELECT safedeploy.revoke_permit(-1, 'none');

-- expired
SELECT safedeploy.permit('TRUNCATE b', ARRAY['rows of table permits.b'], 'x', '1 millisecond') AS p \gset
SELECT pg_sleep(0.01);
SELECT pg_temp.why_not('TRUNCATE b');
SELECT state FROM safedeploy.permits WHERE id = :p;

-- for a role
SELECT safedeploy.permit('TRUNCATE permits.b', ARRAY['rows of table permits.b'], 'x', for_role => 'nobody') AS p \gset
SELECT pg_temp.why_not('TRUNCATE permits.b');

-- for a run: any statement, any object, for its sessions with a current token only
SELECT safedeploy.try_lock('permits', 'run', 'a0000000-0000-0000-0000-000000000001') AS token \gset
SELECT safedeploy.permit(NULL, NULL, 'plan approved', uses => NULL, run_id => 'a0000000-0000-0000-0000-000000000001', token => :token, for_role => session_user::name) AS p \gset
SELECT pg_temp.why_not('DROP TABLE permits.b');
SET safedeploy.run_id = 'a0000000-0000-0000-0000-000000000001';
SELECT pg_temp.why_not('DROP TABLE permits.b');
SET safedeploy.run_id = 'nonsense';
SET safedeploy.fence_token = :token;
SELECT pg_temp.why_not('DROP TABLE permits.b');
SET safedeploy.run_id = 'a0000000-0000-0000-0000-000000000001';
DROP TABLE b;
TRUNCATE a;
DO $$ BEGIN DROP VIEW permits.av; END $$;
-- the fence goes first, and the token is looked at even without it
SELECT safedeploy.unlock('permits', :token);
\set VERBOSITY sqlstate
DROP TABLE a;
SET safedeploy.fence = off;
DROP TABLE a;
\set VERBOSITY default
RESET safedeploy.fence;
RESET safedeploy.fence_token;
RESET safedeploy.run_id;

-- a transaction that loses its token before the end commits nothing, not even the use
SELECT safedeploy.try_lock('permits', 'run', 'a0000000-0000-0000-0000-000000000002') AS token \gset
SELECT safedeploy.permit(NULL, ARRAY['table permits.a'], 'plan approved', uses => NULL, run_id => 'a0000000-0000-0000-0000-000000000002', token => :token) AS p \gset
SET safedeploy.fence_token = :token;
SET safedeploy.run_id = 'a0000000-0000-0000-0000-000000000002';
SELECT pg_temp.why_not('DROP TABLE other.b');
BEGIN;
DROP TABLE a;
SELECT safedeploy.unlock('permits', :token);
\set VERBOSITY sqlstate
COMMIT;
\set VERBOSITY default
SELECT to_regclass('permits.a');
RESET safedeploy.fence_token;
RESET safedeploy.run_id;
SELECT used FROM safedeploy.permits WHERE id = :p;

-- the record
SELECT * FROM pg_temp.record;
\set VERBOSITY terse
UPDATE safedeploy.permit SET uses = 100;
DELETE FROM safedeploy.permit_use;
TRUNCATE safedeploy.permit_use;
BEGIN;
SET LOCAL safedeploy.protect = off;
ALTER TABLE safedeploy.permit_use DISABLE TRIGGER append_only_rows;
SELECT what, detail FROM safedeploy.verify_guards();
ROLLBACK;
-- only deployers make permits
CREATE ROLE regress_permits_user;
CREATE ROLE regress_permits_reader;
CREATE ROLE regress_permits_deployer;
SELECT safedeploy.grant_reader('regress_permits_reader');
SELECT safedeploy.grant_deployer('regress_permits_deployer');
GRANT CREATE, USAGE ON SCHEMA permits TO PUBLIC;
SET ROLE regress_permits_user;
SELECT safedeploy.permit('TRUNCATE a', ARRAY['rows of table permits.a'], 'x');
SET ROLE regress_permits_reader;
SELECT safedeploy.permit('TRUNCATE a', ARRAY['rows of table permits.a'], 'x');
SELECT safedeploy.revoke_permit(1, 'x');
INSERT INTO safedeploy.permit_use DEFAULT VALUES;
SELECT count(*) > 0 AS may_read FROM safedeploy.permits;
SET ROLE regress_permits_deployer;
SELECT safedeploy.permit('TRUNCATE a', ARRAY['rows of table permits.a'], 'x') IS NOT NULL AS made;
INSERT INTO safedeploy.permit (statement) VALUES ('x');
RESET ROLE;
SET safedeploy.protect = off;
DROP SCHEMA permits, other CASCADE;
SELECT safedeploy.grant_reader('regress_permits_reader');
DROP OWNED BY regress_permits_reader, regress_permits_deployer;
DROP ROLE regress_permits_user, regress_permits_reader, regress_permits_deployer;
