-- Everything that roles short of superuser can think of against lock and ledger.
-- Four roles: one without any grant, one of an application, a deployer, and the
-- owner of the tables.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE attack_none;
CREATE ROLE attack_app;
CREATE ROLE attack_deployer;
CREATE ROLE attack_owner;
SELECT safedeploy.grant_reader('attack_app');
SELECT safedeploy.grant_deployer('attack_deployer');
SELECT safedeploy.grant_reader('attack_owner');
GRANT CREATE ON SCHEMA public TO attack_app, attack_deployer, attack_owner;
-- without this some attacks would fail for a lesser reason
GRANT CREATE ON SCHEMA safedeploy TO attack_owner;
ALTER TABLE safedeploy.run OWNER TO attack_owner;
ALTER TABLE safedeploy.event OWNER TO attack_owner;
ALTER TABLE safedeploy.lock OWNER TO attack_owner;
-- a row in each table, or statements that change rows would have nothing to do
SELECT safedeploy.try_lock('attack') AS token \gset
SELECT safedeploy.unlock('attack', :token);
SELECT safedeploy.begin_run('b0000000-0000-0000-0000-000000000001', 'run', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT safedeploy.ledger_head() AS head \gset
SELECT count(*) AS events FROM safedeploy.event \gset

-- SQLSTATE of a statement as some role; it is rolled back when it succeeds
CREATE FUNCTION attempt(role text, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RAISE 'SUCCEEDED' USING ERRCODE = 'P9999';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'P9999' THEN 'SUCCEEDED' ELSE SQLSTATE END;
END $$;
CREATE TABLE attack (id int GENERATED ALWAYS AS IDENTITY, statement text, per_table boolean);
INSERT INTO attack (per_table, statement) VALUES
	(true, 'INSERT INTO safedeploy.%I SELECT * FROM safedeploy.%1$I'),
	(true, 'INSERT INTO safedeploy.%I SELECT * FROM safedeploy.%1$I ON CONFLICT DO NOTHING'),
	(true, 'WITH d AS (DELETE FROM safedeploy.%I RETURNING 1) SELECT count(*) FROM d'),
	(true, 'DELETE FROM safedeploy.%I'),
	(true, 'UPDATE safedeploy.%I SET run_id = NULL'),
	(true, 'TRUNCATE safedeploy.%I'),
	(true, 'DROP TABLE safedeploy.%I'),
	(true, 'DROP TABLE safedeploy.%I CASCADE'),
	(true, 'ALTER TABLE safedeploy.%I DISABLE TRIGGER append_only_rows'),
	(true, 'ALTER TABLE safedeploy.%I DISABLE TRIGGER ALL'),
	(true, 'ALTER TABLE safedeploy.%I DISABLE TRIGGER USER'),
	(true, 'ALTER TABLE safedeploy.%I ENABLE REPLICA TRIGGER append_only_rows'),
	(true, 'DROP TRIGGER append_only_rows ON safedeploy.%I'),
	(true, 'ALTER TRIGGER append_only_truncate ON safedeploy.%I RENAME TO harmless'),
	(true, 'CREATE TRIGGER aaa BEFORE INSERT ON safedeploy.%I FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
	(true, 'CREATE RULE aaa AS ON INSERT TO safedeploy.%I DO INSTEAD NOTHING'),
	(true, 'ALTER TABLE safedeploy.%I RENAME TO other'),
	(true, 'ALTER TABLE safedeploy.%I RENAME COLUMN run_id TO other'),
	(true, 'ALTER TABLE safedeploy.%I SET SCHEMA public'),
	(true, 'ALTER TABLE safedeploy.%I DROP COLUMN run_id'),
	(true, 'ALTER TABLE safedeploy.%I ADD COLUMN more text DEFAULT ''x'''),
	(true, 'ALTER TABLE safedeploy.%I ALTER run_id TYPE text USING ''forged'''),
	(true, 'ALTER TABLE safedeploy.%I ADD CHECK (false) NOT VALID'),
	(true, 'ALTER TABLE safedeploy.%I ENABLE ROW LEVEL SECURITY'),
	(true, 'ALTER TABLE safedeploy.%I FORCE ROW LEVEL SECURITY'),
	(true, 'ALTER TABLE safedeploy.%I SET UNLOGGED'),
	(true, 'CREATE POLICY p ON safedeploy.%I USING (false)'),
	(true, 'CREATE TABLE public.child () INHERITS (safedeploy.%I)'),
	(true, 'CREATE INDEX aaa ON safedeploy.%I ((run_id IS NULL))'),
	(true, 'COPY safedeploy.%I FROM PROGRAM ''true'''),
	(true, 'LOCK TABLE safedeploy.%I IN EXCLUSIVE MODE'),
	(false, 'ALTER TABLE safedeploy.event DROP COLUMN prev_hash'),
	(false, 'ALTER TABLE safedeploy.event ALTER prev_hash TYPE text USING ''forged'''),
	(false, 'DROP INDEX safedeploy.event_run_id_seq_idx'),
	(false, 'ALTER INDEX safedeploy.event_run_id_seq_idx RENAME TO other'),
	(false, 'ALTER TABLE safedeploy.event DROP CONSTRAINT event_pkey'),
	(false, 'SELECT setval(''safedeploy.fencing_token'', 1)'),
	(false, 'ALTER SEQUENCE safedeploy.fencing_token RESTART'),
	(false, 'CREATE OR REPLACE FUNCTION safedeploy.refuse_write() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END'''),
	(false, 'ALTER FUNCTION safedeploy.refuse_write() RENAME TO other'),
	(false, 'DROP FUNCTION safedeploy.refuse_write() CASCADE'),
	(false, 'CREATE OR REPLACE VIEW safedeploy.history AS SELECT 1'),
	(false, 'ALTER EVENT TRIGGER safedeploy_guard DISABLE'),
	(false, 'DROP EVENT TRIGGER safedeploy_guard_drop'),
	(false, 'DROP EXTENSION safedeploy CASCADE'),
	(false, 'ALTER EXTENSION safedeploy DROP TABLE safedeploy.event'),
	(false, 'DROP SCHEMA safedeploy CASCADE'),
	(false, 'ALTER SCHEMA safedeploy RENAME TO other'),
	(false, 'CREATE TABLE safedeploy.planted (i int)'),
	(false, 'DROP OWNED BY CURRENT_USER CASCADE'),
	(false, 'REASSIGN OWNED BY CURRENT_USER TO attack_app'),
	(false, 'SET session_replication_role = replica'),
	(false, 'SET safedeploy.fence = off'),
	(false, 'CREATE TRIGGER t BEFORE INSERT ON attack_bait FOR EACH ROW EXECUTE FUNCTION safedeploy.refuse_write()'),
	(false, 'SELECT safedeploy.grant_deployer(''attack_app'')');
CREATE TABLE attack_bait (i int);
GRANT ALL ON attack_bait TO PUBLIC;

CREATE TABLE outcome AS
SELECT a.id, t.relname, r.role, format(a.statement, t.relname) AS statement, attempt(r.role, format(a.statement, t.relname)) AS outcome
FROM attack a
JOIN (VALUES ('run'), ('event'), ('lock')) t (relname) ON a.per_table OR t.relname = 'run'
CROSS JOIN (VALUES ('attack_none'), ('attack_app'), ('attack_deployer'), ('attack_owner')) r (role);
-- what succeeds is harmless: a lock delays, an empty table is none of ours, and
-- who owns nothing can drop or give away nothing
SELECT role, statement FROM outcome WHERE outcome = 'SUCCEEDED' ORDER BY id, relname, role;
-- all that are not the owner fail for want of a privilege
SELECT role, outcome, count(*) FROM outcome WHERE role <> 'attack_owner' GROUP BY 1, 2 ORDER BY 1, 2;
-- the owner, by what stops him
SELECT statement, outcome FROM outcome WHERE role = 'attack_owner' AND relname IN ('run', 'event') ORDER BY id, relname;
-- and nothing has happened
SELECT count(*) = :events AS same FROM safedeploy.event;
SELECT * FROM safedeploy.verify_ledger(:'head');

-- reading is granted, not given
SELECT attempt('attack_none', 'SELECT * FROM safedeploy.history') AS reads_nothing, attempt('attack_app', 'SELECT * FROM safedeploy.history') AS reads;
-- functions that write are for the deployer only
SELECT role, attempt(role, $$SELECT safedeploy.begin_run(NULL, 'run', NULL, NULL, NULL, NULL, NULL, NULL)$$), attempt(role, $$SELECT safedeploy.try_lock('x')$$), attempt(role, $$SELECT safedeploy.break_lock('x', 'y')$$)
FROM (VALUES ('attack_none'), ('attack_app'), ('attack_deployer'), ('attack_owner')) r (role) ORDER BY 1;

SELECT safedeploy.end_run('b0000000-0000-0000-0000-000000000001', 'nothing_to_do', 3) > 0 AS ended;
ALTER TABLE safedeploy.run OWNER TO CURRENT_USER;
ALTER TABLE safedeploy.event OWNER TO CURRENT_USER;
ALTER TABLE safedeploy.lock OWNER TO CURRENT_USER;
DROP TABLE attack, outcome, attack_bait;
DROP FUNCTION attempt;
DROP OWNED BY attack_none, attack_app, attack_deployer, attack_owner;
DROP ROLE attack_none, attack_app, attack_deployer, attack_owner;
