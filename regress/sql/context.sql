-- What findings say of their table beside the hazard, and how that weighs; rates and
-- followers have tests of their own in regress/t.
SET client_min_messages = error;
CREATE SCHEMA context;
SET search_path = context;
SET lock_timeout = '3s';
SET safedeploy.context = on;
-- how much of a rush the other tests make is not for here
SET safedeploy.hot_table = 1e6;
-- One key of the context of each finding of a script, in the order of statements.
CREATE FUNCTION told(script text, VARIADIC path text[]) RETURNS SETOF text LANGUAGE sql
AS $$ SELECT DISTINCT context #>> path FROM safedeploy.analyze(script) ORDER BY 1 $$;
-- Severities with the reason for them, without the figures.
CREATE FUNCTION weighed(script text) RETURNS TABLE (rule text, severity text, because text) LANGUAGE sql
AS $$ SELECT f.rule, f.severity, (regexp_match(f.detail, 'weighs (\w+ than usual, because [^:.]*)'))[1]
FROM safedeploy.analyze(script) AS f JOIN safedeploy.rules AS r USING (rule)
WHERE r.family IN ('scan', 'rewrite', 'lock') ORDER BY f.position, f.rule $$;

CREATE TABLE nothing (id integer, a integer);
CREATE TABLE few (id integer, a integer);
CREATE INDEX few_a ON few (a);
INSERT INTO few SELECT g, g FROM generate_series(1, 10) AS g;
CREATE TABLE many (id integer, a integer);
CREATE INDEX many_a ON many (a);
INSERT INTO many SELECT g, g FROM generate_series(1, 5000) AS g;
VACUUM ANALYZE few, many;

-- The same statements on a table that is empty, small, middling and large.
CREATE FUNCTION same(name text) RETURNS text LANGUAGE sql
AS $$ SELECT format('ALTER TABLE context.%1$I ALTER a SET NOT NULL; ALTER TABLE context.%1$I ALTER a TYPE bigint; CREATE INDEX ON context.%1$I (id);', name) $$;
SELECT * FROM weighed(same('nothing'));
SELECT * FROM weighed(same('few'));
SELECT * FROM weighed(same('many'));
SET safedeploy.large_table = '100kB';
SELECT * FROM weighed(same('many'));
SELECT rule, object FROM safedeploy.analyze(same('many')) WHERE rule = 'large-table';
RESET safedeploy.large_table;
-- In constant use: no size makes it harmless but none at all.
SET safedeploy.hot_table = 1e-9;
SELECT pg_sleep(1.1) IS NOT NULL AS slept;
SELECT count(*) FROM few;
SELECT pg_stat_clear_snapshot() IS NOT NULL AS cleared;
SELECT * FROM weighed(same('few'));
SELECT rule, severity, regexp_replace(message, '\(.*\)', '(...)') AS message FROM safedeploy.analyze(same('few')) WHERE rule = 'hot-table';
-- What is not about time weighs what it did.
SELECT rule, severity, detail LIKE '%than usual%' AS weighed FROM safedeploy.analyze('ALTER TABLE few DROP COLUMN a') WHERE rule IN ('drop-column', 'cached-plan-change', 'publication-ddl') ORDER BY 1;
SET safedeploy.hot_table = 1e6;
-- Short locks: of a small table that is hardly used they weigh less.
SELECT * FROM weighed('DROP INDEX few_a; LOCK TABLE few; DROP INDEX many_a; LOCK TABLE many');
-- What is not known is neither small nor unused.
SET safedeploy.sizes_unknown = on;
SELECT * FROM weighed(same('nothing'));
SELECT * FROM weighed('LOCK TABLE few');
SELECT told('LOCK TABLE few', 'size_known'), told('LOCK TABLE few', 'rows'), told('LOCK TABLE few', 'writes_per_second'), told('LOCK TABLE few', 'summary') = '' AS silent;
RESET safedeploy.sizes_unknown;
SET track_counts = off;
SELECT * FROM weighed('ALTER TABLE few ALTER a SET NOT NULL; LOCK TABLE few');
SELECT told('LOCK TABLE few', 'hot') AS hot, told('LOCK TABLE few', 'reads_per_second') AS reads, told('LOCK TABLE few', 'unknown', 'use') AS unknown, told('LOCK TABLE few', 'summary') AS summary;
RESET track_counts;
-- A routine that is only made is for information, whatever its table is like.
SET safedeploy.large_table = '100kB';
SELECT * FROM weighed('CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN ALTER TABLE context.many ALTER a TYPE bigint; END $f$');
RESET safedeploy.large_table;

-- Sizes, with those of partitions and of what ANALYZE never saw.
SELECT told('LOCK TABLE nothing', 'bytes') AS nothing, told('LOCK TABLE many', 'rows') AS many, told('LOCK TABLE many', 'bytes')::bigint > 100000 AS bytes;
CREATE TABLE part (id integer) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
INSERT INTO part SELECT g FROM generate_series(0, 19) AS g;
VACUUM ANALYZE part;
SELECT told('LOCK TABLE part', 'rows') AS rows, told('LOCK TABLE part', 'bytes') AS bytes;
-- An index has the context of its table.
SELECT told('DROP INDEX many_a', 'relation'), told('DROP INDEX many_a', 'rows');
-- What is about no relation of the catalog has none.
SELECT rule, context FROM safedeploy.analyze('DROP TABLE missing; CREATE TABLE made (); ALTER TABLE made ADD x integer');

-- What depends on it: views of views, foreign keys, policies, triggers, routines.
CREATE TABLE used (id integer PRIMARY KEY, "user" text);
CREATE VIEW v1 AS SELECT id FROM used;
CREATE VIEW "V 2" AS SELECT * FROM v1;
CREATE MATERIALIZED VIEW v3 AS SELECT count(*) FROM "V 2";
CREATE TABLE child (id integer REFERENCES used, self integer);
CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree);
ALTER TABLE used ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON used USING ("user" = current_user);
CREATE POLICY elsewhere ON child USING (id IN (SELECT u.id FROM used AS u));
CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER changed AFTER UPDATE ON used FOR EACH ROW EXECUTE FUNCTION on_change();
SELECT d->>'kind' AS kind, d->>'object' AS object FROM (SELECT DISTINCT context FROM safedeploy.analyze('LOCK TABLE used')) AS f, jsonb_array_elements(context->'dependents') AS d ORDER BY 1, 2;
SELECT told('LOCK TABLE used', 'policies'), told('LOCK TABLE used', 'triggers'), told('LOCK TABLE used', 'dependent_count');
SELECT told('LOCK TABLE tree', 'dependents') AS of_itself;
-- Routines that name it in their text, also in strings; not those of another schema's table, and not in comments.
CREATE FUNCTION by_name() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE used SET "user" = NULL; END';
CREATE FUNCTION by_string() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM context.used'; END $$;
CREATE FUNCTION by_capital() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM USED; END';
CREATE FUNCTION by_sql() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM context."used"';
CREATE FUNCTION comment_only() RETURNS void LANGUAGE plpgsql AS 'BEGIN /* FROM used */ NULL; END';
CREATE FUNCTION other_schema() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM elsewhere.used_too; END';
CREATE FUNCTION "quoted""name"() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM used; END';
SELECT b->>'routine' AS routine, b->>'found' AS found FROM (SELECT DISTINCT context FROM safedeploy.analyze('LOCK TABLE used')) AS f, jsonb_array_elements(context->'bodies') AS b ORDER BY 1;
SELECT told('LOCK TABLE used', 'summary') ~ '5 dependent objects' AS dependents, told('LOCK TABLE used', 'summary') ~ 'named by 5 routines' AS bodies, told('LOCK TABLE used', 'summary') ~ '1 policy, 1 trigger' AS policies;
-- A routine that the script makes anew is not counted: its old text is gone.
SELECT told('CREATE OR REPLACE FUNCTION by_capital() RETURNS void LANGUAGE plpgsql AS $b$ BEGIN NULL; END $b$; LOCK TABLE used', 'body_count');
-- Names with quotes, and one that no word is in.
CREATE TABLE "odd ""name""" (id integer);
CREATE TABLE "+" (id integer);
CREATE FUNCTION names_odd() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM "+"; END';
SELECT told('LOCK TABLE "odd ""name"""', 'relation'), told('LOCK TABLE "+"', 'bodies');

-- Publications: of the table, of all tables, of its partitioned table.
CREATE PUBLICATION context_some FOR TABLE context.used, context.part;
SELECT told('LOCK TABLE used', 'publications') AS used, told('LOCK TABLE many', 'publications') AS many, told('LOCK TABLE part_1', 'publications') AS partition, told('LOCK TABLE used', 'subscribed') AS subscribed;
CREATE PUBLICATION context_all FOR ALL TABLES;
SELECT told('LOCK TABLE used', 'publications') AS used, told('LOCK TABLE many', 'publications') AS many;
DROP PUBLICATION context_some, context_all;

-- lock_timeout, where the statement stands.
SELECT statement, context->'lock_timeout' AS lock_timeout FROM safedeploy.analyze('LOCK TABLE many; SET LOCAL lock_timeout = ''1min''; LOCK TABLE many; SET lock_timeout TO DEFAULT; LOCK TABLE many') WHERE rule = 'explicit-lock-table' ORDER BY 1;
RESET lock_timeout;
SELECT told('LOCK TABLE many', 'lock_timeout');

-- Without the extension that keeps statements nothing is said of them, not none.
SELECT told('LOCK TABLE many', 'statements') IS NULL AS null, told('LOCK TABLE many', 'unknown', 'statements') LIKE '%pg_stat_statements%' AS said;
-- It is there when it is asked for.
RESET safedeploy.context;
SELECT count(*) > 0 AS found, count(context) AS with_context FROM safedeploy.analyze('LOCK TABLE many');
SET safedeploy.context = on;
-- No lock stays behind.
BEGIN;
SELECT count(context) > 0 AS found FROM safedeploy.analyze('LOCK TABLE used, many, part; DROP INDEX many_a');
SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = relation WHERE pid = pg_backend_pid() AND relnamespace = 'context'::regnamespace;
COMMIT;
DROP SCHEMA context CASCADE;
