-- Ways back that are more than one statement: what uses what, names that meet, rings.
-- Single properties are in regress/fixtures/properties.
SET client_min_messages = warning;
\pset format unaligned
-- what is asked of each case
\set changed 'SELECT op, kind, identity, path FROM safedeploy.diff(:s) WHERE class = ''real'' AND cause IS NULL AND identity LIKE ''%rv%'' ORDER BY seq LIMIT 3'
\set back 'SELECT sql FROM safedeploy.revert_sql(:s) WHERE sql IS NOT NULL ORDER BY seq'
\set left_over 'SELECT op, kind, identity, path, class FROM safedeploy.diff(:s) WHERE class IN (''real'', ''cosmetic'')'

-- a label goes, and with it everything that is of the type or names one of its labels
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TYPE comp AS (a integer, e e);
CREATE TABLE p (id serial PRIMARY KEY, e e DEFAULT 'a', es e[], n integer, CHECK (e <> 'b'));
CREATE INDEX pi ON p (n) WHERE e = 'a';
CREATE VIEW v AS SELECT id, e, count(*) FROM p GROUP BY id;
CREATE VIEW v2 AS SELECT * FROM v;
GRANT SELECT ON v TO PUBLIC;
COMMENT ON VIEW v IS 'one';
CREATE FUNCTION f(p) RETURNS SETOF e LANGUAGE sql AS 'SELECT ''a''::rv.e';
INSERT INTO p (e, es) VALUES ('a', '{a,b}');
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
ALTER TYPE e ADD VALUE 'c';
RESET search_path;
SELECT level, data_loss, reason FROM safedeploy.revert_sql(:s) WHERE reason IS NOT NULL ORDER BY seq;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
-- rows are there still
SELECT e, es FROM rv.p;
DROP SCHEMA rv CASCADE;

-- a label comes back and is used in the same transaction
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE TABLE t (e e DEFAULT 'c');
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
ALTER TABLE t ALTER e DROP DEFAULT;
ALTER TYPE e RENAME TO e_old;
CREATE TYPE e AS ENUM ('a', 'b');
ALTER TABLE t ALTER e TYPE e USING e::text::e;
DROP TYPE e_old;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv CASCADE;

-- names go round: columns, indexes, constraints, tables
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TABLE a (id integer PRIMARY KEY, b integer, at text, k text, CONSTRAINT u UNIQUE (k), CONSTRAINT c1 CHECK (b > 0));
CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a, x integer);
CREATE INDEX i1 ON a (at);
CREATE INDEX i2 ON a (k);
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
ALTER TABLE a RENAME at TO fmt;
ALTER TABLE a ADD at text;
ALTER TABLE a RENAME CONSTRAINT u TO uu;
ALTER TABLE a RENAME CONSTRAINT c1 TO c2;
ALTER TABLE a DROP CONSTRAINT c2;
ALTER TABLE a ADD CONSTRAINT c2 CHECK (b > 1);
ALTER INDEX i1 RENAME TO itmp;
ALTER INDEX i2 RENAME TO i1;
ALTER INDEX itmp RENAME TO i2;
ALTER TABLE b RENAME x TO y;
ALTER TABLE b RENAME a TO x;
ALTER TABLE a RENAME TO z;
ALTER TABLE b RENAME TO a;
ALTER TABLE z RENAME TO b;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv CASCADE;

-- tables that refer to each other go, and come back
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TABLE kept (id integer PRIMARY KEY);
CREATE TABLE x (id integer PRIMARY KEY, y integer, k integer REFERENCES kept);
CREATE TABLE y (id integer PRIMARY KEY, x integer REFERENCES x);
ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y;
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
DROP TABLE x, y CASCADE;
CREATE TABLE t1 (id integer PRIMARY KEY, r integer);
CREATE TABLE t2 (id integer PRIMARY KEY, r integer REFERENCES t1, r2 integer REFERENCES t1);
ALTER TABLE t1 ADD FOREIGN KEY (r) REFERENCES t2;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv CASCADE;

-- moves take along what is owned
CREATE SCHEMA rv;
SET search_path = rv;
CREATE SCHEMA rv_other;
CREATE SCHEMA rv_ren;
CREATE TABLE t (id serial PRIMARY KEY, i integer GENERATED ALWAYS AS IDENTITY, d integer);
CREATE VIEW v AS SELECT * FROM t;
CREATE FUNCTION g(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE rv_ren.x (id serial, y t);
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
ALTER TABLE t SET SCHEMA rv_other;
ALTER TABLE rv_other.t RENAME TO tt;
ALTER SEQUENCE rv_other.t_id_seq RENAME TO sq;
ALTER SEQUENCE rv_other.t_i_seq RENAME TO iseq;
ALTER SCHEMA rv_ren RENAME TO rv_ren2;
ALTER FUNCTION g(integer) RENAME TO h;
ALTER TABLE rv_ren2.x RENAME y TO z;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv, rv_other, rv_ren CASCADE;

-- a column changes under views, policies, triggers and a computed column
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TABLE t (id integer, n smallint, g integer GENERATED ALWAYS AS (n * 2) STORED);
CREATE VIEW v AS SELECT n FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT n + 1 AS m FROM v;
CREATE UNIQUE INDEX ON mv (m);
CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER tr BEFORE UPDATE OF n ON t FOR EACH ROW WHEN (new.n > 3) EXECUTE FUNCTION tg();
CREATE POLICY pol ON t USING (n > 1);
CREATE RULE r AS ON DELETE TO t WHERE old.n = 1 DO INSTEAD NOTHING;
COMMENT ON TRIGGER tr ON t IS 'one';
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
DROP MATERIALIZED VIEW mv;
DROP VIEW v;
DROP TRIGGER tr ON t;
DROP POLICY pol ON t;
DROP RULE r ON t;
ALTER TABLE t DROP g;
ALTER TABLE t ALTER n TYPE bigint;
CREATE VIEW v AS SELECT n, id FROM t;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv CASCADE;

-- partitions and their keys
CREATE SCHEMA rv;
SET search_path = rv;
CREATE TABLE part (id integer, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part_2 (v text, at date NOT NULL, id integer NOT NULL);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX part_v ON part (v);
ALTER INDEX part_1_v_idx RENAME TO odd_name;
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rv;
DROP INDEX part_v;
ALTER TABLE part DETACH PARTITION part_1;
ALTER TABLE part DROP CONSTRAINT part_pkey;
DROP TABLE part_2;
CREATE TABLE part_3 PARTITION OF part DEFAULT;
RESET search_path;
:changed;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rv CASCADE;

-- a step fails rather than cut a value or lose a row
CREATE SCHEMA rv;
CREATE TYPE rv.e AS ENUM ('a');
CREATE TABLE rv.t (v varchar(3), e rv.e);
SELECT safedeploy.take_snapshot() AS s \gset
ALTER TABLE rv.t ALTER v TYPE text;
INSERT INTO rv.t VALUES ('abcd', 'a');
BEGIN;
:back \gexec
ROLLBACK;
ALTER TYPE rv.e ADD VALUE 'b';
UPDATE rv.t SET v = 'abc', e = 'b';
BEGIN;
SELECT sql FROM safedeploy.revert_sql(:s) WHERE sql IS NOT NULL AND kind IN ('enum', 'table') ORDER BY seq \gexec
ROLLBACK;
SELECT * FROM rv.t;
DROP SCHEMA rv CASCADE;

-- forms that keep writers going
CREATE SCHEMA rv;
CREATE TABLE rv.p (id integer PRIMARY KEY);
CREATE TABLE rv.t (a integer CONSTRAINT fk REFERENCES rv.p, b integer, CONSTRAINT c CHECK (b > 0));
CREATE INDEX i ON rv.t (a);
SELECT safedeploy.take_snapshot() AS s \gset
DROP INDEX rv.i;
CREATE INDEX j ON rv.t (b);
ALTER TABLE rv.t DROP CONSTRAINT c, DROP CONSTRAINT fk;
SELECT sql, transactional FROM safedeploy.revert_sql(:s, concurrently => true) WHERE kind <> 'setting' ORDER BY seq;
BEGIN;
SELECT sql FROM safedeploy.revert_sql(:s, concurrently => true) WHERE transactional ORDER BY seq \gexec
COMMIT;
SELECT sql FROM safedeploy.revert_sql(:s, concurrently => true) WHERE NOT transactional ORDER BY seq \gexec
:left_over;
DROP SCHEMA rv CASCADE;

-- between two stored snapshots; nothing to do; errors
CREATE TABLE public.rv (a integer);
SELECT safedeploy.take_snapshot() AS s \gset
ALTER TABLE public.rv ADD b integer DEFAULT 1;
SELECT safedeploy.take_snapshot() AS n \gset
SELECT sql, level, data_loss FROM safedeploy.revert_sql(:s, :n);
SELECT sql, level, data_loss FROM safedeploy.revert_sql(:n, :s);
SELECT count(*) FROM safedeploy.revert_sql(:n);
SELECT * FROM safedeploy.revert_sql(NULL);
SELECT * FROM safedeploy.revert_sql(-1);
SELECT safedeploy.definition_sql('table', 'public.rv', definition) FROM safedeploy.objects() WHERE identity = 'public.rv';
SELECT safedeploy.definition_sql('thing', 'x', '{}');
SELECT safedeploy.definition_sql('table', 'x', '[]');
DROP TABLE public.rv;
