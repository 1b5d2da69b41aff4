-- What objects and their parts refer to, as phys has it.
SET client_min_messages = warning;
\pset format unaligned
SET search_path = public;
CREATE SCHEMA dep;
CREATE TYPE dep.e AS ENUM ('a', 'b');
CREATE DOMAIN dep.d AS text CHECK (value <> 'x');
CREATE FUNCTION dep.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE dep.p (id serial PRIMARY KEY, e dep.e DEFAULT 'a', es dep.e[], d dep.d, n integer DEFAULT dep.f(1), CHECK (dep.f(n) > 0));
CREATE TABLE dep.c (id integer REFERENCES dep.p, x integer, g integer GENERATED ALWAYS AS (x * 2) STORED);
CREATE INDEX i ON dep.p (dep.f(n)) WHERE e = 'a';
CREATE VIEW dep.v AS SELECT id, e, count(*) FROM dep.p GROUP BY id;
CREATE FUNCTION dep.tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER t BEFORE UPDATE OF n ON dep.p FOR EACH ROW WHEN (new.n > 3) EXECUTE FUNCTION dep.tg();
CREATE POLICY pol ON dep.p USING (n IN (SELECT x FROM dep.c));
CREATE RULE r AS ON INSERT TO dep.c DO ALSO INSERT INTO dep.p (n) VALUES (1);
CREATE TABLE dep.par (a integer, b text) PARTITION BY RANGE (a);
CREATE TABLE dep.par1 PARTITION OF dep.par FOR VALUES FROM (1) TO (10);
CREATE STATISTICS dep.st ON a, b FROM dep.par;
CREATE TYPE dep.comp AS (a integer, e dep.e);
CREATE FUNCTION dep.ff(dep.p) RETURNS SETOF dep.e LANGUAGE sql AS 'SELECT ''a''::dep.e';
CREATE OPERATOR dep.@@@ (FUNCTION = dep.f, RIGHTARG = integer);
SELECT kind, identity, phys->'depends' AS depends FROM safedeploy.objects() WHERE phys ? 'depends' AND identity LIKE '%dep.%' ORDER BY identity COLLATE "C", kind;
SELECT identity, part.key, part.value FROM safedeploy.objects(), jsonb_each(phys->'part_depends') AS part WHERE identity LIKE '%dep.%' ORDER BY identity COLLATE "C", part.key COLLATE "C";
DROP SCHEMA dep CASCADE;
