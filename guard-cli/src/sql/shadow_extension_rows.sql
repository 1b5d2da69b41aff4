-- Queries that digest the rows of tables and sequences that belong to extensions other than safedeploy, one each.
SELECT CASE c.relkind
       WHEN 'S' THEN pg_catalog.format('SELECT %L AS name, pg_catalog.concat(s.last_value, s.is_called) AS digest FROM %s AS s',
                                       c.oid::pg_catalog.regclass, c.oid::pg_catalog.regclass)
       ELSE pg_catalog.format('SELECT %L AS name, pg_catalog.concat(pg_catalog.count(*), '':'', '
                              'pg_catalog.sum(pg_catalog.hashtextextended(r::pg_catalog.text COLLATE "C", 0))) AS digest '
                              'FROM %s AS r',
                              c.oid::pg_catalog.regclass, c.oid::pg_catalog.regclass) END
  FROM pg_catalog.pg_depend AS x
  JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) x.refobjid
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) x.objid
 WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
   AND x.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
   AND x.deptype OPERATOR(pg_catalog.=) 'e'
   AND e.extname OPERATOR(pg_catalog.<>) 'safedeploy'
   AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'S']::pg_catalog."char"[])
 ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text COLLATE "C"
