-- Changes that are in only one of the ways from snapshot 1 to 2 and from 3 to 4 (NULL: the schema as it is),
-- but for the tables in parameter 5.
WITH a AS MATERIALIZED (
	SELECT c.op, c.kind, c.identity, c.path, c.old, c.new, c.summary
	  FROM safedeploy.diff($1::pg_catalog.int8, $2::pg_catalog.int8) AS c
	 WHERE c.class OPERATOR(pg_catalog.=) 'real' AND c.identity OPERATOR(pg_catalog.<>) ALL ($5::pg_catalog.text[])),
b AS MATERIALIZED (
	SELECT c.op, c.kind, c.identity, c.path, c.old, c.new, c.summary
	  FROM safedeploy.diff($3::pg_catalog.int8, $4::pg_catalog.int8) AS c
	 WHERE c.class OPERATOR(pg_catalog.=) 'real' AND c.identity OPERATOR(pg_catalog.<>) ALL ($5::pg_catalog.text[]))
SELECT 'real', 'none', 'only as rehearsed: ' OPERATOR(pg_catalog.||) o.summary
  FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b) AS o
UNION ALL
SELECT 'real', 'none', 'only in reality: ' OPERATOR(pg_catalog.||) o.summary
  FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a) AS o
