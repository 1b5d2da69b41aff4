-- Snapshots of two databases, carried over by export and import: only names
-- count, so nothing is called renamed or made anew, and what was built in
-- another order is no difference but one of order.
\set VERBOSITY terse
\pset null -
SELECT current_database() AS home \gset
CREATE DATABASE regress_diff_there TEMPLATE template0;

\c regress_diff_there
SET client_min_messages = warning;
CREATE EXTENSION safedeploy;
CREATE SCHEMA da;
-- use up some numbers first
CREATE TABLE da.gone (x integer);
DROP TABLE da.gone;
CREATE TYPE da.mood AS ENUM ('sad', 'happy');
CREATE FUNCTION da.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE da.t (tmp integer, id bigint GENERATED ALWAYS AS IDENTITY, code varchar(5) DEFAULT 'a' || 'b', m da.mood DEFAULT 'sad', at timestamptz DEFAULT '2020-01-01 00:00+00');
ALTER TABLE da.t DROP COLUMN tmp;
ALTER TABLE da.t ADD PRIMARY KEY (id);
ALTER TABLE da.t ADD CONSTRAINT t_code CHECK (code IN ('a', 'b', 'c'));
CREATE INDEX t_low ON da.t (lower(code)) WHERE m = 'sad';
CREATE TRIGGER tr BEFORE UPDATE ON da.t FOR EACH ROW EXECUTE FUNCTION da.touch();
CREATE VIEW da.v AS SELECT id, code FROM da.t WHERE m IN ('sad', 'happy');
COMMENT ON COLUMN da.t.code IS 'a code';
GRANT SELECT ON da.t TO PUBLIC;
CREATE TABLE da.p (id integer PRIMARY KEY, t_id bigint REFERENCES da.t);
SET TimeZone = 'Asia/Tokyo';
SET search_path = da;
SELECT safedeploy.take_snapshot('there') AS id \gset
SELECT array_agg(l ORDER BY n)::text AS lines FROM safedeploy.export_snapshot(:id) WITH ORDINALITY AS e (l, n) \gset

\c :home
SET client_min_messages = warning;
CREATE SCHEMA da;
CREATE TYPE da.mood AS ENUM ('sad', 'happy');
CREATE TABLE da.p (id integer PRIMARY KEY, t_id bigint);
CREATE TABLE da.t (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT '2020-01-01 09:00+09', code varchar(5) DEFAULT 'a' || 'b', m da.mood DEFAULT 'sad', CONSTRAINT t_code CHECK (code IN ('a', 'b', 'c')));
CREATE VIEW da.v AS SELECT id, code FROM da.t WHERE m IN ('sad', 'happy');
CREATE FUNCTION da.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE UPDATE ON da.t FOR EACH ROW EXECUTE FUNCTION da.touch();
CREATE INDEX t_low ON da.t (lower(code)) WHERE m = 'sad';
ALTER TABLE da.p ADD FOREIGN KEY (t_id) REFERENCES da.t;
COMMENT ON COLUMN da.t.code IS 'a code';
GRANT SELECT ON da.t TO PUBLIC;
SELECT safedeploy.import_snapshot(:'lines'::jsonb[]) AS there \gset
-- built another way, and the same
SELECT row_number() OVER (ORDER BY seq) AS seq, op, kind, identity, path, class, confidence FROM safedeploy.diff(:there) WHERE identity ~ '\mda\M';
-- a table renamed here is another table there
ALTER TABLE da.p RENAME TO q;
ALTER TABLE da.t RENAME code TO kode;
SELECT row_number() OVER (ORDER BY seq) AS seq, op, kind, identity, path, class, severity, data_loss, cause, confidence FROM safedeploy.diff(:there) WHERE identity ~ '\mda\M' ORDER BY seq;
ALTER TABLE da.q RENAME TO p;
ALTER TABLE da.t RENAME kode TO code;
-- other differences
ALTER TABLE da.t DROP CONSTRAINT t_code, ADD CONSTRAINT t_code CHECK (code IN ('a', 'b'));
REVOKE SELECT ON da.t FROM PUBLIC;
ALTER TYPE da.mood ADD VALUE 'so-so' BEFORE 'happy';
COMMENT ON COLUMN da.t.code IS 'the code';
SELECT row_number() OVER (ORDER BY seq) AS seq, op, kind, identity, path, old, new, class, severity, data_loss FROM safedeploy.diff(:there) WHERE identity ~ '\mda\M' ORDER BY seq;
-- a snapshot that came back home knows where it is from
SELECT safedeploy.take_snapshot('here') AS here \gset
SELECT array_agg(l ORDER BY n)::text AS lines FROM safedeploy.export_snapshot(:here) WITH ORDINALITY AS e (l, n) \gset
SELECT safedeploy.import_snapshot(:'lines'::jsonb[]) AS again \gset
SELECT count(*) FROM safedeploy.diff(:again, :here);
ALTER TABLE da.p RENAME TO q;
SELECT op, identity, confidence FROM safedeploy.diff(:again) WHERE identity ~ '\mda\M';
-- half of one is none
SELECT safedeploy.import_snapshot((:'lines'::jsonb[])[1:2]) AS half \gset
\set VERBOSITY sqlstate
SELECT count(*) FROM safedeploy.diff(:half);

SELECT count(safedeploy.drop_snapshot(id)) > 3 AS dropped FROM safedeploy.snapshot;
DROP SCHEMA da CASCADE;
DROP DATABASE regress_diff_there;
