-- What 32_scale measures.  A script is a prefix, and one line a statement, in which %1$s is the number of the statement and
-- %2$s that of one of the tables.
CREATE EXTENSION safedeploy;
CREATE FUNCTION cpu_ms() RETURNS float8 LANGUAGE c VOLATILE AS :'module', 'cpu_ms';
CREATE TABLE shapes (id serial, name text, prefix text, line text, statements integer DEFAULT 1);
DO $$ BEGIN
	FOR i IN 1 .. 2000 LOOP
		EXECUTE format('CREATE TABLE t%s (id bigserial PRIMARY KEY, a integer, b varchar(20), c text)', i);
		EXECUTE format('INSERT INTO t%s SELECT g, g, g, g FROM generate_series(1, 10) g', i);
		EXECUTE format('CREATE VIEW v%s AS SELECT a, b FROM t%1$s', i);
		EXECUTE format('CREATE FUNCTION f%s() RETURNS bigint LANGUAGE plpgsql AS ''BEGIN RETURN (SELECT max(a) FROM t%1$s); END''', i);
		COMMIT;
	END LOOP;
END $$;
CREATE TABLE parent (id bigint, a integer) PARTITION BY LIST (a);
CREATE TABLE big AS SELECT g AS id, g AS a, 'x'::text AS c FROM generate_series(1, 20000) g;
CREATE TYPE label AS ENUM ('a');
ANALYZE big;

INSERT INTO shapes (name, prefix, line, statements) VALUES
	('add columns', '', 'ALTER TABLE t%2$s ADD COLUMN c%1$s integer;', 1),
	('add columns, one transaction', 'BEGIN;', 'ALTER TABLE t%2$s ADD COLUMN c%1$s integer;', 1),
	('one ALTER TABLE', 'ALTER TABLE t1 ADD COLUMN first integer', ', ADD COLUMN c%1$s integer', 1),
	('one ALTER TABLE that drops', 'ALTER TABLE t1 ADD COLUMN first integer', ', ADD COLUMN c%1$s integer, DROP COLUMN c%1$s', 2),
	('rename columns', 'BEGIN;', 'ALTER TABLE t%2$s RENAME COLUMN a TO a%1$s;', 1),
	('rename tables', 'BEGIN;', 'ALTER TABLE t%2$s RENAME TO x%1$s;', 1),
	('make and rename', 'BEGIN;', E'CREATE TABLE n%1$s (id int);\nALTER TABLE n%1$s RENAME TO m%1$s;', 2),
	('drop tables', 'BEGIN;', 'DROP TABLE t%2$s CASCADE;', 1),
	('drop views', 'BEGIN;', E'DROP VIEW v%2$s;\nCREATE VIEW v%2$s AS SELECT 1 AS a;', 2),
	('drop routines', 'BEGIN;', 'DROP FUNCTION f%2$s();', 1),
	('drop one by one if there', '', E'DROP TABLE IF EXISTS x%1$s;\nCREATE TABLE x%1$s (id bigint PRIMARY KEY);', 2),
	('drop in one statement', 'DROP TABLE t1', ', t%2$s', 1),
	('drop columns', '', 'ALTER TABLE t%2$s DROP COLUMN c;', 1),
	('drop constraints', '', 'ALTER TABLE t%2$s DROP CONSTRAINT t%2$s_pkey;', 1),
	('replace views', '', 'CREATE OR REPLACE VIEW v%2$s AS SELECT a, b FROM t%2$s;', 1),
	('replace routines', '', 'CREATE OR REPLACE FUNCTION f%2$s() RETURNS bigint LANGUAGE plpgsql AS ''BEGIN RETURN 1; END'';', 1),
	('make routines', '', 'CREATE FUNCTION g%1$s() RETURNS bigint LANGUAGE plpgsql AS ''BEGIN UPDATE t%2$s SET a = 1; RETURN 1; END'';', 1),
	('make and call routines', '', E'CREATE FUNCTION g%1$s() RETURNS bigint LANGUAGE plpgsql AS ''BEGIN UPDATE t%2$s SET a = 1; RETURN 1; END'';\nSELECT g%1$s();', 2),
	('call routines', '', 'SELECT f%2$s();', 1),
	('DO', '', 'DO $d$ BEGIN UPDATE t%2$s SET a = 1; END $d$;', 1),
	('one DO', 'DO $d$ BEGIN', E'UPDATE t%2$s SET a = %1$s;', 1),
	('prove not null', '', E'ALTER TABLE t%2$s ADD CONSTRAINT k%1$s CHECK (a IS NOT NULL) NOT VALID;\nALTER TABLE t%2$s VALIDATE CONSTRAINT k%1$s;\nALTER TABLE t%2$s ALTER COLUMN a SET NOT NULL;', 3),
	('prove not null of one table', '', E'ALTER TABLE t1 ADD CONSTRAINT k%1$s CHECK (a IS NOT NULL) NOT VALID;\nALTER TABLE t1 VALIDATE CONSTRAINT k%1$s;\nALTER TABLE t1 ALTER COLUMN a SET NOT NULL;', 3),
	('set not null', '', E'ALTER TABLE t%2$s ADD CONSTRAINT k%1$s CHECK (a > 0);\nALTER TABLE t%2$s ALTER COLUMN a SET NOT NULL;', 2),
	('attach', '', E'ALTER TABLE t%2$s ADD CONSTRAINT k%1$s CHECK (a = %1$s);\nALTER TABLE parent ATTACH PARTITION t%2$s FOR VALUES IN (%1$s);', 2),
	('index, then rewrite', '', E'CREATE INDEX ON t%2$s (a);\nALTER TABLE t%2$s ALTER COLUMN a TYPE bigint;', 2),
	('index, then rewrite others', '', E'CREATE INDEX ON t1 (a);\nALTER TABLE t%2$s ALTER COLUMN a TYPE bigint;', 2),
	('make indexes, rewrite big', '', E'CREATE INDEX ON n%1$s (a);\nALTER TABLE big ALTER COLUMN a TYPE bigint;', 2),
	('index expressions', '', 'CREATE INDEX ON t%2$s (lower(c));', 1),
	('index expressions, analyse', '', E'CREATE INDEX ON t%2$s (lower(c));\nANALYZE t%2$s;', 2),
	('drop indexes', '', 'DROP INDEX t%2$s_pkey;', 1),
	('foreign keys', '', 'ALTER TABLE t%2$s ADD CONSTRAINT k%1$s FOREIGN KEY (a) REFERENCES t1 (id);', 1),
	('foreign keys, one transaction', 'BEGIN;', 'ALTER TABLE t%2$s ADD CONSTRAINT k%1$s FOREIGN KEY (a) REFERENCES t1 (id);', 1),
	('foreign keys of new tables', 'BEGIN;', 'CREATE TABLE n%1$s (id int REFERENCES t%2$s);', 1),
	('change rows under locks', 'BEGIN;', E'ALTER TABLE t%2$s ADD COLUMN c%1$s integer;\nUPDATE big SET c = 1;', 2),
	('read under locks', 'BEGIN;', E'ALTER TABLE t%2$s ADD COLUMN c%1$s integer;\nSELECT * FROM big;', 2),
	('lock tables', 'BEGIN;', 'LOCK TABLE t%2$s;', 1),
	('explicit keys', '', 'INSERT INTO t%2$s (id, a) SELECT %1$s, 1;', 1),
	('update', '', 'UPDATE t%2$s SET c = %1$s;', 1),
	('delete', '', 'DELETE FROM t%2$s WHERE a = %1$s;', 1),
	('labels', 'BEGIN;', E'ALTER TYPE label ADD VALUE ''x%1$s'';', 1),
	('labels and their use', 'BEGIN;', E'ALTER TYPE label ADD VALUE ''x%1$s'';\nINSERT INTO t1 (c) VALUES (''y%1$s'');', 2),
	('row security', 'BEGIN;', 'ALTER TABLE t%2$s ENABLE ROW LEVEL SECURITY;', 1),
	('policies', 'BEGIN;', E'CREATE POLICY p%1$s ON t%2$s USING (true);\nALTER TABLE t%2$s ENABLE ROW LEVEL SECURITY;', 2),
	('make tables without keys', '', 'CREATE TABLE n%1$s (a integer);', 1),
	('make schemas', '', E'CREATE SCHEMA s%1$s;\nCREATE TABLE s%1$s.x (a integer);\nDROP SCHEMA s%1$s CASCADE;', 3),
	('make types', '', E'CREATE TYPE y%1$s AS ENUM (''a'');\nCREATE TABLE n%1$s (a y%1$s);', 2),
	('set search_path', '', E'SET search_path = s%1$s, public;\nCREATE TABLE n (a integer);', 2),
	('search_path of many schemas', (SELECT 'SET search_path = public, ' || string_agg('s' || g, ', ') || ';' FROM generate_series(1, 200) g), 'ALTER TABLE t%2$s ADD COLUMN c%1$s integer;', 1),
	('settings', '', E'SET lock_timeout = %1$s;\nALTER TABLE t%2$s ADD COLUMN c%1$s integer;', 2),
	('savepoints', 'BEGIN;', E'SAVEPOINT s%1$s;\nCREATE TABLE n%1$s (a integer);', 2),
	('savepoints taken back', 'BEGIN;', E'SAVEPOINT s;\nCREATE TABLE n%1$s (a integer);\nROLLBACK TO s;', 3),
	('transactions', '', E'BEGIN;\nALTER TABLE t%2$s ADD COLUMN c%1$s integer;\nCOMMIT;', 3),
	('grants', '', 'GRANT SELECT ON t%2$s TO PUBLIC;', 1),
	('comments', '', 'COMMENT ON TABLE t%2$s IS ''%1$s'';', 1),
	('prepare', '', E'PREPARE p%1$s AS SELECT 1;\nEXECUTE p%1$s;', 2),
	('syntax errors', '', 'ALTER TABEL t%2$s;', 1),
	('syntax error at the end', '', 'CREATE TABLE n%1$s (a integer);', 1),
	('psql commands', '', E'\\echo %1$s', 1),
	('COPY', '', E'COPY t%2$s FROM stdin;\n1\t1\n\\.', 2),
	('COPY without an end', '', E'COPY t%2$s FROM stdin;', 1),
	('drop columns of one table', 'BEGIN;', 'ALTER TABLE t1 DROP COLUMN IF EXISTS c%1$s;', 1),
	('rename back and forth', 'BEGIN;', E'ALTER TABLE t1 RENAME TO u1;\nALTER TABLE u1 RENAME TO t1;', 2),
	('refresh', '', 'REFRESH MATERIALIZED VIEW m%1$s;', 1),
	('triggers', '', 'CREATE TRIGGER r%1$s BEFORE INSERT ON t%2$s FOR EACH ROW EXECUTE FUNCTION f%2$s();', 1),
	('not null with default', '', E'ALTER TABLE t%2$s ADD COLUMN c%1$s integer NOT NULL DEFAULT 1;\nINSERT INTO t%2$s (a) VALUES (1);', 2),
	('alter system', '', 'ALTER ROLE postgres SET lock_timeout = %1$s;', 1),
	('drop if there, again', '', E'DROP TABLE IF EXISTS x%2$s;\nCREATE INDEX x%1$s ON t%2$s (b);', 2);

SET client_min_messages = warning;
CREATE FUNCTION script_of(s shapes, n integer) RETURNS text LANGUAGE sql AS $f$
	SELECT s.prefix || E'\n' || string_agg(format(s.line, g, 1 + g % 2000), E'\n') ||
		CASE s.name WHEN 'one DO' THEN ' END $d$;' WHEN 'syntax error at the end' THEN 'CREATE TABEL' ELSE '' END
	FROM generate_series(1, n / s.statements) g
$f$;
-- the better of two: the first one of a session fills the server's caches
CREATE FUNCTION us_a_statement(s shapes, n integer) RETURNS numeric LANGUAGE plpgsql AS $f$
DECLARE
	script text := script_of(s, n);
	started float8;
	best float8;
BEGIN
	FOR i IN 1 .. 2 LOOP
		started := cpu_ms();
		PERFORM count(*) FROM safedeploy.analyze(script);
		best := least(best, cpu_ms() - started);
	END LOOP;
	RETURN best * 1000 / n;
END $f$;
SET safedeploy.rules_on = 'all';
SET statement_timeout = '60s';
-- each shape is a query of its own: one that takes too long is told, and the others go on
\unset ON_ERROR_STOP
SELECT format('SELECT format(''%%-32s %%8s us %%8s us %%8s us   ratio %%6s'', name, round(a, 1), round(b, 1), round(c, 1), round(c / a, 2)) FROM (SELECT name, us_a_statement(s, 1000) AS a, us_a_statement(s, 4000) AS b, us_a_statement(s, 16000) AS c FROM shapes s WHERE id = %s OFFSET 0) x', id)
FROM shapes WHERE :'wanted' = '' OR name = :'wanted' ORDER BY id
\gexec
