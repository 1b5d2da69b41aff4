-- Ways back of kinds other than tables that take more than one statement, or look at what surrounds them.
SET client_min_messages = warning;
\pset format unaligned
-- what is asked of each case
\set back 'SELECT sql FROM safedeploy.revert_sql(:s) WHERE sql IS NOT NULL ORDER BY seq'
\set left_over 'SELECT op, kind, identity, path, class FROM safedeploy.diff(:s) WHERE class IN (''real'', ''cosmetic'')'
CREATE ROLE regress_kind_a;
CREATE ROLE regress_kind_b;

-- a composite type in use: it steps aside, and the rows stay
CREATE SCHEMA rk;
SET search_path = rk;
CREATE TYPE pr AS (x integer, y text);
CREATE TABLE us (p pr, ps pr[]);
RESET search_path;
SELECT safedeploy.take_snapshot() AS s \gset
SET search_path = rk;
ALTER TABLE us ALTER p TYPE text USING p::text, ALTER ps TYPE text USING ps::text;
ALTER TYPE pr ALTER ATTRIBUTE x TYPE bigint;
ALTER TABLE us ALTER p TYPE pr USING p::pr, ALTER ps TYPE pr[] USING ps::pr[];
INSERT INTO us VALUES ('(1,a)', '{"(2,b)"}');
RESET search_path;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
SELECT * FROM rk.us;
DROP SCHEMA rk CASCADE;

-- what somebody handed on is not the owner's to revoke, except in a cascade; who keeps it gets it from the owner
CREATE SCHEMA rk;
GRANT CREATE ON SCHEMA rk TO regress_kind_b;
SELECT safedeploy.take_snapshot() AS s \gset
GRANT CREATE, USAGE ON SCHEMA rk TO regress_kind_a WITH GRANT OPTION;
SET ROLE regress_kind_a;
GRANT CREATE, USAGE ON SCHEMA rk TO regress_kind_b;
RESET ROLE;
SELECT sql FROM safedeploy.revert_sql(:s) WHERE kind = 'schema' ORDER BY seq;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rk CASCADE;

-- default privileges, which only take away, act on what is made again
CREATE SCHEMA rk;
CREATE FUNCTION rk.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SELECT safedeploy.take_snapshot() AS s \gset
DROP FUNCTION rk.f();
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
SELECT has_function_privilege('regress_kind_a', 'rk.f()', 'EXECUTE');
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
DROP SCHEMA rk CASCADE;

-- routines whose identities are long and the same but for their ends are not taken for each other
CREATE SCHEMA rk;
\set many 'repeat(''timestamptz, '', 40)'
SELECT format('CREATE FUNCTION rk.f(%s %s) RETURNS integer LANGUAGE sql AS ''SELECT %s''', :many, last, number)
  FROM (VALUES ('integer', 1), ('text', 2)) AS routine (last, number) \gexec
SELECT format('CREATE VIEW rk.v_%s AS SELECT rk.f(%s NULL::%s)', last, repeat('NULL::timestamptz, ', 40), last)
  FROM (VALUES ('integer'), ('text')) AS routine (last) \gexec
SELECT safedeploy.take_snapshot() AS s \gset
SELECT format('DROP FUNCTION rk.f(%s integer) CASCADE', :many) \gexec
SELECT format('CREATE OR REPLACE FUNCTION rk.f(%s text) RETURNS integer LANGUAGE sql AS ''SELECT 3''', :many) \gexec
SELECT op, kind, right(identity, 10) AS identity, path, (SELECT array_agg(hit) FROM unnest(hits) hit WHERE hit LIKE 'view %') AS views
  FROM safedeploy.diff(:s) WHERE class = 'real' AND cause IS NULL ORDER BY seq;
BEGIN;
\set ECHO none
:back \gexec
\set ECHO all
COMMIT;
:left_over;
DROP SCHEMA rk CASCADE;
DROP ROLE regress_kind_a, regress_kind_b;
