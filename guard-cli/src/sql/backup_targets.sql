-- Tables behind the objects that a migration changes (parameters: kinds, identities), with partitions, and those that
-- a foreign key changes with them.  refused tells why one cannot be backed up alone; NULL: nothing against it.
WITH RECURSIVE named(object, oid) AS (
	SELECT o.object, CASE WHEN o.kind OPERATOR(pg_catalog.=) 'table'
	            THEN pg_catalog.to_regclass(o.object)
	            ELSE pg_catalog.to_regclass(pg_catalog.format('%I.%I', p.parts[1], p.parts[2])) END
	  FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS o(kind, object),
	       pg_catalog.parse_ident(o.object) AS p(parts)
), changed(oid) AS (
	SELECT n.oid::pg_catalog.oid FROM named AS n WHERE n.oid IS NOT NULL
	UNION
	SELECT m.oid
	  FROM changed AS c,
	       LATERAL (SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid
	                 UNION ALL
	                SELECT f.conrelid FROM pg_catalog.pg_constraint AS f
	                 WHERE f.confrelid OPERATOR(pg_catalog.=) c.oid AND f.contype OPERATOR(pg_catalog.=) 'f'
	                   AND (f.confdeltype OPERATOR(pg_catalog.=) ANY (ARRAY['c', 'n', 'd']::pg_catalog."char"[])
	                        OR f.confupdtype OPERATOR(pg_catalog.=) ANY (ARRAY['c', 'n', 'd']::pg_catalog."char"[]))) AS m(oid)
)
SELECT pg_catalog.format('%I.%I', s.nspname, r.relname) AS name,
       (SELECT pg_catalog.format('trigger %I of table %I.%I may change others', t.tgname, s.nspname, r.relname)
          FROM pg_catalog.pg_trigger AS t
         WHERE t.tgrelid OPERATOR(pg_catalog.=) r.oid AND NOT t.tgisinternal
           AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
         ORDER BY t.tgname LIMIT 1) AS refused,
       r.relkind OPERATOR(pg_catalog.=) 'r' AS holds_rows
  FROM changed AS c
  JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) c.oid
  JOIN pg_catalog.pg_namespace AS s ON s.oid OPERATOR(pg_catalog.=) r.relnamespace
 WHERE r.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
   AND s.nspname OPERATOR(pg_catalog.<>) 'safedeploy'
UNION ALL
SELECT n.object, pg_catalog.format('%s is not there under this name now', n.object), false
  FROM named AS n
 WHERE n.oid IS NULL
 ORDER BY 1
