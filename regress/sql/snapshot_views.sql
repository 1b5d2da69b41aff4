-- The query of a view is deparsed without its tables.  The text is the one that the server itself
-- prints, whatever has happened to the tables since.
\pset format unaligned
CREATE SCHEMA sv;
CREATE TABLE sv.a (id integer, x integer, gone text, y text);
CREATE TABLE sv.b (id integer, z integer, "Odd ""n" text, x2 integer);
CREATE TABLE sv.c (id integer, z integer, w integer) PARTITION BY LIST (id);
CREATE TABLE sv.c1 PARTITION OF sv.c DEFAULT;
CREATE TABLE sv."T t" (id integer, "select" integer);
CREATE TYPE sv.pair AS (l integer, r integer);
CREATE FUNCTION sv.f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION sv.rows(integer) RETURNS SETOF sv.a LANGUAGE sql AS 'SELECT * FROM sv.a';
CREATE FUNCTION sv.out(OUT p integer, OUT q text) RETURNS SETOF record LANGUAGE sql AS $$SELECT 1, 'x'$$;
CREATE VIEW sv.plain AS SELECT id, x AS "X y", y FROM sv.a WHERE sv.f(x) > 1;
CREATE VIEW sv.alias AS SELECT k.id, k.x FROM sv.a AS k WHERE EXISTS (SELECT FROM sv.a WHERE a.id = k.id);
CREATE VIEW sv.renamed AS SELECT p, q FROM sv.a AS k (p, q);
CREATE VIEW sv.renamed_partly AS SELECT p, x FROM sv.a AS k (p) JOIN sv.b ON b.id = p;
CREATE VIEW sv.using1 AS SELECT id, a.y, b.z FROM sv.a JOIN sv.b USING (id);
CREATE VIEW sv.using2 AS SELECT * FROM sv.b JOIN sv.c USING (id, z);
CREATE VIEW sv.using3 AS SELECT id, w FROM (sv.a LEFT JOIN sv.b USING (id)) LEFT JOIN sv.c USING (id);
CREATE VIEW sv.using4 AS SELECT id FROM sv.a FULL JOIN sv.b USING (id) FULL JOIN sv.c USING (id);
CREATE VIEW sv.using5 AS SELECT a.id FROM sv.a JOIN sv.b USING (id), sv.c JOIN sv."T t" AS t USING (id);
CREATE VIEW sv.natural1 AS SELECT * FROM sv.b NATURAL JOIN sv.c;
CREATE VIEW sv.named AS SELECT j.i, j.x FROM (sv.a JOIN sv.b ON a.id = b.id) AS j (i);
CREATE VIEW sv.ons AS SELECT a.x, b.z, c.w FROM sv.a LEFT JOIN sv.b ON a.id = b.id CROSS JOIN sv.c RIGHT JOIN sv."T t" ON "T t".id = c.id;
CREATE VIEW sv.self AS SELECT a.x, a2.x AS x2, (SELECT a.x FROM sv.a WHERE a.id = a2.id LIMIT 1) AS one FROM sv.a, sv.a AS a2;
CREATE VIEW sv.nested AS SELECT * FROM (SELECT a.id, q.z FROM sv.a, LATERAL (SELECT b.z FROM sv.b WHERE b.id = a.id LIMIT 1) AS q) AS s;
CREATE VIEW sv.ctes AS WITH RECURSIVE a AS (SELECT id FROM sv.a UNION ALL SELECT a.id + 1 FROM a JOIN sv.b ON b.id = a.id), d (n) AS (SELECT x FROM sv.a) SELECT a.id, d.n FROM a, d, sv.a AS real_a;
CREATE VIEW sv.shadowed AS WITH c AS (SELECT 1 AS id) SELECT c.id, o.id AS other FROM c, sv.c AS o, ONLY sv.b;
CREATE VIEW sv.sets AS SELECT id, x FROM sv.a UNION (SELECT id, z FROM sv.b EXCEPT ALL SELECT id, w FROM sv.c) ORDER BY 1 LIMIT 3;
CREATE VIEW sv.given AS VALUES (1, 'a'), (2, 'b');
CREATE VIEW sv.given_too AS SELECT a.id, v.t FROM sv.a, (VALUES (1, 'a')) AS v (n, t);
CREATE VIEW sv.windows AS SELECT x, rank() OVER w, sum(x) OVER (w ROWS 1 PRECEDING) FROM sv.a WINDOW w AS (PARTITION BY y ORDER BY x);
CREATE VIEW sv.groups AS SELECT y, count(*) FILTER (WHERE x > 1) AS n FROM sv.a GROUP BY GROUPING SETS ((y), ()) HAVING max(x) > 0;
CREATE VIEW sv.whole AS SELECT a, a.x, ROW (a.id, a.x)::text AS t, b IS NULL AS n FROM sv.a, sv.b;
CREATE VIEW sv.sample AS SELECT id FROM sv.a TABLESAMPLE bernoulli (50) REPEATABLE (1);
CREATE VIEW sv.sample_alias AS SELECT s.id FROM sv.a AS s TABLESAMPLE system (50), sv.b;
CREATE VIEW sv.system AS SELECT a.ctid, a.tableoid::regclass AS r, b.id FROM sv.a JOIN sv.b USING (id);
CREATE VIEW sv.functions AS SELECT r.x, o.q, g FROM sv.rows(1) AS r, sv.out() AS o, generate_series(1, 3) AS g, ROWS FROM (sv.out(), sv.rows(2)) WITH ORDINALITY AS z;
CREATE VIEW sv.row_type AS SELECT (ROW (1, 2)::sv.pair).l, (sv.rows(1)).y, id FROM sv.a;
CREATE VIEW sv.locked AS SELECT a.id FROM sv.a, sv.b AS k FOR UPDATE OF a FOR SHARE OF k SKIP LOCKED;
CREATE VIEW sv.onto AS SELECT p."X y", a.named FROM sv.plain AS p JOIN (SELECT y AS named, id FROM sv.alias JOIN sv.a USING (id, x)) AS a ON a.id = p.id;
CREATE VIEW sv.odd AS SELECT "T t"."select", "Odd ""n" FROM sv."T t", sv.b WHERE "T t"."select" IN (SELECT "select" FROM sv."T t");
CREATE VIEW sv.catalog AS SELECT c.relname, a.id FROM pg_catalog.pg_class AS c JOIN sv.a ON a.id = c.oid::integer, information_schema.tables;
CREATE VIEW sv.empty AS SELECT FROM sv.a;
CREATE MATERIALIZED VIEW sv.stored AS SELECT DISTINCT ON (x) x, id FROM sv.a JOIN sv.b USING (id) ORDER BY x, id;

-- what objects() says of a view is what the server says
CREATE VIEW sv.compared AS SELECT o.identity, rtrim(o.definition -> 'core' ->> 'definition', ';') AS ours,
	rtrim(pg_get_viewdef((o.phys ->> 'oid')::oid), ';') AS theirs
	FROM safedeploy.objects() AS o WHERE o.kind IN ('view', 'materialized view') AND o.identity LIKE 'sv.%' AND o.identity <> 'sv.compared';
SET search_path = pg_catalog;
\set show 'SELECT count(*) > 30 AS many, count(ours) = count(*) AS all_there, count(*) FILTER (WHERE ours IS DISTINCT FROM theirs) AS differ FROM sv.compared; SELECT identity, ours, theirs FROM sv.compared WHERE ours IS DISTINCT FROM theirs'
:show;
-- columns come later
ALTER TABLE sv.a ADD COLUMN late integer, ADD COLUMN z integer;
ALTER TABLE sv.c ADD COLUMN y text, ADD COLUMN x2 integer;
ALTER TABLE sv."T t" ADD COLUMN late integer;
:show;
-- columns go and are renamed
ALTER TABLE sv.a DROP COLUMN gone;
ALTER TABLE sv.a RENAME COLUMN x TO "new x";
ALTER TABLE sv.b RENAME COLUMN z TO zz;
ALTER TABLE sv.c RENAME COLUMN w TO late;
:show;
-- columns of USING too, and to a name that is taken
ALTER TABLE sv.a RENAME COLUMN id TO ident;
ALTER TABLE sv.c RENAME COLUMN x2 TO ident;
ALTER TABLE sv.a ADD COLUMN id text;
ALTER TABLE sv.b ADD COLUMN ident integer;
:show;
-- the tables themselves
ALTER TABLE sv.a RENAME TO b2;
ALTER TABLE sv.b RENAME TO a;
ALTER TABLE sv.b2 RENAME TO "b 2";
ALTER VIEW sv.plain RENAME TO c2;
ALTER TABLE sv.c RENAME TO late;
:show;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA sv CASCADE;
