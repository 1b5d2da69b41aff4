-- Destructive statements are refused, warned of, or let through, as safedeploy.protect says.
LOAD 'safedeploy';
\set SHOW_CONTEXT never
CREATE SCHEMA protect;
SET search_path = protect;
-- made before protection is on; what the session makes later is its own
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE t (id serial PRIMARY KEY, a text, m mood, n bigint, c text);
INSERT INTO t (a, m, n) SELECT i::text, 'good', i FROM generate_series(1, 1000) i;
CREATE VIEW v AS SELECT id, a FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM v WHERE id <= 10;
CREATE TABLE child (t_id integer REFERENCES t);
CREATE TABLE parts (k integer, w text) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts SELECT i % 2 + 1, i FROM generate_series(1, 100) i;
CREATE SEQUENCE s;
CREATE INDEX t_a ON t (a);
CREATE FUNCTION f() RETURNS mood LANGUAGE sql AS $$ SELECT 'good'::protect.mood $$;
CREATE SCHEMA empty;
CREATE ROLE regress_protect_owner;
CREATE TABLE owned (i integer);
CREATE TEMP TABLE early (i integer);
ALTER TABLE owned OWNER TO regress_protect_owner;
ANALYZE t, mv, child, parts, parts_1, parts_2, owned;

SET safedeploy.protect = enforce;
-- each kind of object
DROP TABLE t;
DROP TABLE t CASCADE;
DROP TABLE IF EXISTS missing, child;
DROP VIEW v CASCADE;
DROP MATERIALIZED VIEW mv;
DROP SEQUENCE s;
DROP SCHEMA empty;
DROP TYPE pair;
DROP TYPE mood CASCADE;
DROP TABLE parts;
DROP TABLE parts_2;
DROP OWNED BY regress_protect_owner;
-- columns, also those of partitions
ALTER TABLE t ADD COLUMN x integer, DROP COLUMN n;
ALTER TABLE t DROP COLUMN a CASCADE;
ALTER TABLE parts DROP COLUMN w;
ALTER TABLE IF EXISTS missing DROP COLUMN w;
ALTER TABLE t DROP COLUMN IF EXISTS missing;
ALTER TYPE pair DROP ATTRIBUTE b;
-- rows
TRUNCATE child;
TRUNCATE t CASCADE;
TRUNCATE parts;
TRUNCATE ONLY parts_1, s_missing;
-- values
ALTER TABLE t ALTER COLUMN n TYPE integer;
ALTER TABLE t ALTER COLUMN c TYPE varchar(2) USING left(c, 2);
ALTER TABLE t ALTER COLUMN c TYPE text USING 'x';
ALTER TABLE t ALTER COLUMN c TYPE integer USING length(c);
BEGIN;
ALTER TABLE t ALTER COLUMN c TYPE varchar;
ALTER TABLE parts ALTER COLUMN w TYPE varchar(10);
ROLLBACK;
BEGIN;
ALTER TABLE owned ALTER COLUMN i TYPE smallint;
ROLLBACK;
-- the same, inside of other statements
DO $$ BEGIN DROP TABLE protect.child; END $$;
CREATE FUNCTION dropper(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE format('DROP TABLE protect.%I', name); END $$;
SELECT dropper('child');
CREATE PROCEDURE emptier() LANGUAGE sql AS $$ TRUNCATE protect.child $$;
CALL emptier();
PREPARE p AS SELECT dropper('child');
EXECUTE p;
DEALLOCATE p;
-- an error that is caught leaves everything as it was
DO $$
DECLARE state text;
BEGIN
	DROP TABLE protect.child;
EXCEPTION WHEN SQLSTATE 'SD102' THEN
	RAISE NOTICE 'caught';
END $$;
SELECT count(*) AS kept FROM pg_class WHERE relname IN ('t', 'v', 'mv', 'child', 'parts', 'parts_1', 'parts_2', 's', 'owned');

-- not refused: what is not destructive
ALTER TABLE t ADD COLUMN x integer;
CREATE OR REPLACE VIEW v AS SELECT id, a FROM t;
REFRESH MATERIALIZED VIEW mv;
REINDEX TABLE t;
CLUSTER t USING t_pkey;
VACUUM FULL t;
DELETE FROM child;
DROP INDEX t_a;
DROP FUNCTION f();
-- not refused: what is temporary, or made by the session itself
TRUNCATE early;
DROP TABLE early;
CREATE TEMP TABLE tmp (i integer);
CREATE VIEW pg_temp.tmpv AS SELECT i FROM tmp;
TRUNCATE tmp;
ALTER TABLE tmp DROP COLUMN i CASCADE;
DROP TABLE tmp;
CREATE TEMP TABLE gone (i integer) ON COMMIT DROP;
CREATE TABLE mine (i serial, m mood);
CREATE VIEW mine_v AS SELECT * FROM mine;
ALTER TABLE mine DROP COLUMN m CASCADE;
TRUNCATE mine;
DROP TABLE mine;
ALTER TABLE t DROP COLUMN x;
CREATE TYPE mine AS ENUM ('a');
DROP TYPE mine;
CREATE SCHEMA mine CREATE TABLE inner_table (i integer);
DROP SCHEMA mine CASCADE;
CREATE TABLE mine (i integer);
BEGIN;
SAVEPOINT s;
DROP TABLE mine;
ROLLBACK TO s;
DROP TABLE mine;
COMMIT;
-- but what was moved into it is not
CREATE SCHEMA mine;
CREATE TABLE mine.root (k integer, w text) PARTITION BY LIST (k);
ALTER TABLE parts DETACH PARTITION parts_2;
ALTER TABLE mine.root ATTACH PARTITION parts_2 FOR VALUES IN (2);
DROP TABLE mine.root;
TRUNCATE mine.root;
ALTER TABLE mine.root DROP COLUMN w;
ALTER TABLE mine.root ALTER COLUMN w TYPE varchar(1) USING left(w, 1);
SET safedeploy.protect_classes = 'delete, update';
DELETE FROM mine.root;
UPDATE mine.root SET w = '';
RESET safedeploy.protect_classes;
ALTER SEQUENCE s SET SCHEMA mine;
DROP SCHEMA mine CASCADE;
ALTER SEQUENCE mine.s SET SCHEMA protect;

-- other classes
SET safedeploy.protect_classes = 'index, constraint, function, delete, update';
CREATE INDEX other ON t (n);
SET safedeploy.protect = off;
CREATE INDEX t_a ON t (a);
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
SET safedeploy.protect = enforce;
DROP INDEX other;
DROP INDEX t_a;
DROP FUNCTION f();
ALTER TABLE child DROP CONSTRAINT child_t_id_fkey;
ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE;
DROP TABLE s;
BEGIN;
DROP SEQUENCE s;
ROLLBACK;
DELETE FROM t;
DELETE FROM t WHERE true;
DELETE FROM t WHERE 1 = 1 OR id > 3;
UPDATE t SET a = 'x';
UPDATE parts SET w = 'x';
WITH gone AS (DELETE FROM child RETURNING *) SELECT count(*) FROM gone;
DO $$ BEGIN DELETE FROM protect.t; END $$;
PREPARE p AS UPDATE t SET n = 0;
EXECUTE p;
EXPLAIN (COSTS OFF) DELETE FROM t;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) DELETE FROM t;
BEGIN;
DELETE FROM t WHERE id < 0;
DELETE FROM t WHERE false;
UPDATE t SET a = 'x' WHERE id = 1;
UPDATE parts SET w = 'x' WHERE k = 1;
DELETE FROM t USING child WHERE t.id = child.t_id;
CREATE TEMP TABLE tmp (i integer);
DELETE FROM tmp;
TRUNCATE parts;
ROLLBACK;
DEALLOCATE p;
SET safedeploy.protect_classes = 'large_object';
SELECT lo_create(0) AS made \gset
SELECT lo_unlink(:made);
SET safedeploy.protect = off;
SELECT lo_create(423142) AS made \gset
SET safedeploy.protect = enforce;
SELECT lo_unlink(423142);
SET safedeploy.protect_classes = 'all';
SELECT lo_unlink(423142);
SET safedeploy.protect_classes = 'table, horses';
RESET safedeploy.protect_classes;

-- warn: the same, and the statement runs
SET safedeploy.protect = warn;
BEGIN;
DROP TABLE parts;
TRUNCATE child;
DO $$ BEGIN DROP TABLE protect.owned; END $$;
ROLLBACK;
-- settings of the superuser
CREATE ROLE regress_protect_user;
SET ROLE regress_protect_user;
SET safedeploy.protect = off;
SET safedeploy.protect_classes = 'type';
RESET ROLE;

SET safedeploy.protect = off;
SELECT lo_unlink(423142);
DROP SCHEMA protect CASCADE;
DROP ROLE regress_protect_owner, regress_protect_user;
