-- Statements that hardly any migration has: what is found in each, and what it would do.
CREATE SCHEMA rare;
SET search_path = rare, public;
-- How often a table was used would depend on when statistics arrive.
SET track_counts = off;
SET safedeploy.trace = off;
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE t (id integer PRIMARY KEY, p integer REFERENCES p, note text DEFAULT 'x', n numeric(6,2));
CREATE UNLOGGED TABLE u (id integer PRIMARY KEY, mood mood);
CREATE INDEX t_note ON t (note) INCLUDE (n);
CREATE VIEW v AS SELECT id, note FROM t;
CREATE VIEW w AS SELECT t.id, p.id AS other FROM t JOIN p ON p.id = t.p;
CREATE SEQUENCE s;
CREATE TABLE whole (id integer, part integer) PARTITION BY LIST (part);
CREATE TABLE one PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE parent (a integer);
CREATE TABLE child () INHERITS (parent);
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER fires BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fires();
CREATE POLICY mine ON t USING (true);
INSERT INTO p SELECT generate_series(1, 1000);
INSERT INTO t SELECT g, g, 'note ' || g, g FROM generate_series(1, 1000) g;
ANALYZE p, t, u;

CREATE FUNCTION found(script text, in_transaction boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(format('%s: %s%s', severity, rule, ' ' || object), E'\n' ORDER BY statement, rule, object), 'nothing')
  FROM safedeploy.analyze(script, in_transaction) WHERE rule NOT IN ('no-lock-timeout', 'lock-taken', 'no-statement-timeout') $$;
CREATE FUNCTION does(script text, in_transaction boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(concat_ws(' ', statement, effect, object, lock_mode, CASE WHEN NOT certain THEN '(perhaps)' END), E'\n' ORDER BY statement, effect, object, lock_mode), 'nothing')
  FROM safedeploy.predict(script, in_transaction) WHERE object IS NULL OR object !~ '^pg_' $$;
\pset format unaligned
\pset tuples_only on

-- conditions that leave no row out
SELECT found('DELETE FROM t WHERE true::boolean; DELETE FROM t WHERE ''yes''::bool OR id = 1; UPDATE t SET n = 1 WHERE NOT false AND 1 = 1');
SELECT found('DELETE FROM t WHERE ''no''::bool; DELETE FROM t WHERE NULL; DELETE FROM t WHERE id = id');
-- what runs in no transaction
SELECT script, found(script) FROM (VALUES ('REINDEX TABLE CONCURRENTLY t'), ('REINDEX INDEX t_note'), ('REINDEX SCHEMA rare'), ('REINDEX SYSTEM contrib_regression'),
	('DISCARD ALL'), ('DISCARD PLANS'), ('COMMIT PREPARED ''x'''), ('DECLARE c CURSOR FOR SELECT 1'), ('SET CONSTRAINTS ALL DEFERRED')) AS s (script);
SELECT found('DECLARE c CURSOR FOR SELECT 1; SET CONSTRAINTS ALL DEFERRED', false);
-- PL/pgSQL in all its forms
SELECT found($s$DO $$
<<outside>>
DECLARE a integer[]; r record; c CURSOR FOR SELECT 1;
BEGIN
  a[1] := 2; r.x = 3; outside.a[2] := (SELECT 1);
  WHILE a[1] < 3 LOOP a[1] := a[1] + 1; CONTINUE WHEN a[1] > 9; END LOOP;
  SELECT id, note INTO a[1], r.note FROM t;
  EXECUTE 'DELETE FROM t' INTO r USING 1;
  FOR r IN EXECUTE 'TRUNCATE t' LOOP NULL; END LOOP;
  FOREACH a IN ARRAY a LOOP UPDATE t SET n = 1; END LOOP;
  CASE a[1] WHEN 1 THEN DELETE FROM p; ELSE NULL; END CASE;
  GET DIAGNOSTICS a = ROW_COUNT;
EXCEPTION WHEN OTHERS THEN TRUNCATE p;
END $$;
CREATE FUNCTION many() RETURNS SETOF t LANGUAGE plpgsql AS $f$
BEGIN
  RETURN NEXT (SELECT t FROM t LIMIT 1);
  RETURN QUERY SELECT * FROM t;
  RETURN QUERY EXECUTE 'SELECT * FROM t';
  RETURN;
END $f$;$s$);
-- rows that are locked, by name, in joins and below
SELECT does('SELECT * FROM t FOR UPDATE; SELECT * FROM t JOIN p ON true FOR SHARE OF p; SELECT * FROM (SELECT * FROM t) q, p FOR UPDATE OF q; SELECT 1 FROM v FOR NO KEY UPDATE OF v');
SELECT does('WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO p SELECT id FROM gone; WITH x AS (SELECT 1 AS i) UPDATE t SET n = i FROM x; WITH x AS (SELECT 1 AS i) DELETE FROM p USING x WHERE id = i');
SELECT does('INSERT INTO v VALUES (1, ''a''); UPDATE v SET note = ''b''; DELETE FROM w; LOCK TABLE w IN SHARE MODE; TRUNCATE ONLY parent');
SELECT does('COPY t (id, p) FROM STDIN; COPY t TO STDOUT; COPY (SELECT * FROM v) TO STDOUT');
SELECT does('SELECT nextval(''s''), setval(''rare.s''::regclass, 4), currval(''s''::text::regclass)');
-- statements in statements
SELECT does('PREPARE q AS SELECT * FROM t; CREATE TABLE made AS EXECUTE q; EXPLAIN ANALYZE CREATE TABLE other AS SELECT * FROM p; EXPLAIN ANALYZE EXECUTE q; EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT * FROM p');
SELECT does('CREATE TABLE like_t (LIKE t INCLUDING ALL, LIKE nowhere, UNIQUE (note)); CREATE SCHEMA AUTHORIZATION CURRENT_USER CREATE TABLE inside (i integer)');
SELECT does('ALTER TABLE t SET UNLOGGED; ALTER TABLE u SET LOGGED; ALTER TABLE t SET UNLOGGED, ADD COLUMN z mood; VACUUM t, nowhere, u', false);
SELECT does('ALTER TABLE whole ATTACH PARTITION t FOR VALUES IN (2); ALTER INDEX t_note ATTACH PARTITION nowhere; REASSIGN OWNED BY nobody_at_all TO CURRENT_USER');
SELECT does('BEGIN; SAVEPOINT a; DROP TABLE child; SAVEPOINT b; DROP TABLE parent; ROLLBACK TO a; ALTER TABLE parent RENAME TO progenitor; TRUNCATE progenitor; COMMIT', false);
-- a label of an enum is used before it is committed
SELECT found($s$ALTER TYPE mood ADD VALUE 'glad' BEFORE 'sad'; ALTER TYPE mood ADD VALUE 'mad';
CREATE TABLE e (m mood DEFAULT 'glad', CHECK (m <> 'mad'));
CREATE VIEW ev AS SELECT 'glad'::mood AS m;
CREATE TABLE ec AS SELECT 'mad'::mood AS m;
CREATE INDEX ei ON u (mood) WHERE mood = 'mad';
CREATE POLICY ep ON u USING (mood = 'glad');
CREATE RULE er AS ON DELETE TO u WHERE OLD.mood = 'mad' DO INSTEAD NOTHING$s$);
-- names that are taken, and names that are not there
SELECT found('CREATE INDEX t_note ON t (id); CREATE INDEX IF NOT EXISTS t_note ON p (id); CREATE INDEX IF NOT EXISTS t_note ON t (note, id); CREATE SCHEMA rare; CREATE TYPE mood AS ENUM (); CREATE DOMAIN mood AS text;'
	' CREATE TRIGGER fires AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION fires(); CREATE POLICY mine ON t; CREATE TABLE IF NOT EXISTS t (id integer, extra text, LIKE p)');
SELECT found('ALTER TABLE t RENAME COLUMN gone TO there; ALTER TABLE t RENAME COLUMN note TO n; ALTER TABLE t DROP COLUMN n, DROP COLUMN note; ALTER TABLE t RENAME note TO lost');
-- what a routine becomes
SELECT found('CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS ''SELECT 1''');
SELECT found('CREATE OR REPLACE FUNCTION f(integer) RETURNS integer LANGUAGE sql LEAKPROOF AS ''SELECT 1''');
SELECT found('CREATE OR REPLACE FUNCTION rare.f(integer) RETURNS integer LANGUAGE plpgsql PARALLEL SAFE AS ''BEGIN RETURN 1; END''');
-- run twice
SELECT found('SET safedeploy.rules_on = ''''; CREATE SEQUENCE s2; CREATE TYPE m2 AS ENUM (); CREATE TYPE c2 AS (a integer); CREATE SCHEMA z2; CREATE EXTENSION plpgsql; CREATE COLLATION k2 FROM "C"; CREATE VIEW v2 AS SELECT 1', false);
-- settings
SELECT found('SET search_path = nowhere; RESET ALL; DROP TABLE t; SET SESSION AUTHORIZATION DEFAULT; RESET search_path; SET LOCAL lock_timeout = ''nonsense''');
SELECT found('SELECT set_config(''search_path'', ''public''::text, false); DROP TABLE t');
-- privileges
SELECT found('GRANT SELECT (id), UPDATE (note) ON t TO PUBLIC; GRANT SELECT ON t TO CURRENT_USER WITH GRANT OPTION; REVOKE UPDATE (note) ON t FROM PUBLIC; GRANT pg_monitor TO PUBLIC');
-- literals of rows
SELECT found($s$INSERT INTO t VALUES (1, NULL, 'it''s', -1.5), (2, +3, E'\\', TRUE), (.5, 1e3, 'a', false)$s$);
SELECT found('SELECT 1 FROM t, LATERAL (SELECT 1) x JOIN p ON true WHERE t.id < 5 AND p.id = 1; CREATE TABLE big AS SELECT * FROM t CROSS JOIN p');
SELECT found('MERGE INTO t USING p ON true WHEN MATCHED THEN UPDATE SET note = ''''')::text ~ 'update-without-where|parse|syntax' AS merge;

-- what rows say, where other statements may have changed them or their meaning
SELECT script, (SELECT string_agg(kind || ' ' || verdict, ', ' ORDER BY kind, verdict) FROM safedeploy.probe(script || '; ALTER TABLE t ALTER note SET NOT NULL') WHERE object LIKE '%t%')
  FROM (VALUES ('COPY t FROM STDIN'), ('COPY (SELECT 1) TO STDOUT'), ('ALTER TABLE child NO INHERIT parent'), ('ALTER TABLE t INHERIT parent'), ('DROP FUNCTION f'), ('DROP TYPE mood'),
	('ALTER TYPE mood RENAME TO humour'), ('ALTER FUNCTION f RENAME TO g'), ('ALTER TABLE p RENAME TO q'), ('SET session_replication_role = replica'), ('RESET ALL'), ('INSERT INTO t SELECT id FROM v'),
	('WITH x AS (DELETE FROM t RETURNING 1) SELECT 1'), ('SELECT * FROM v'), ('CREATE RULE r AS ON INSERT TO p DO NOTHING'), ('LOCK TABLE nowhere')) AS s (script);
SELECT kind, verdict, detail FROM safedeploy.probe('ALTER TABLE t ALTER n TYPE integer[] USING ARRAY[n]; ALTER TABLE t ADD COLUMN IF NOT EXISTS note text NOT NULL; CREATE UNIQUE INDEX IF NOT EXISTS t_note ON t (note)');

\pset tuples_only off
\pset format aligned
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA rare CASCADE;
