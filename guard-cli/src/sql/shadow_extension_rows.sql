-- Queries that digest the rows of tables that belong to extensions other than safedeploy, one a table.  Parameter:
-- true: only those rows that a dump of the schema has as well, because the extension has marked them; false: all.
SELECT CASE c.relkind
       WHEN 'S' THEN pg_catalog.format('SELECT %L AS name, pg_catalog.concat(s.last_value, s.is_called) AS digest FROM %s AS s',
                                       c.oid::pg_catalog.regclass, c.oid::pg_catalog.regclass)
       ELSE pg_catalog.format('SELECT %L AS name, pg_catalog.concat(pg_catalog.count(*), '':'', '
                              'pg_catalog.sum(pg_catalog.hashtextextended(r::pg_catalog.text COLLATE "C", 0))) AS digest '
                              'FROM (SELECT * FROM %s %s) AS r',
                              c.oid::pg_catalog.regclass, c.oid::pg_catalog.regclass,
                              CASE WHEN $1::pg_catalog.bool THEN m.condition END) END
  FROM (SELECT u.oid, u.condition, true AS dumped
          FROM pg_catalog.pg_extension AS e,
               ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS u(oid, condition)
         WHERE e.extname OPERATOR(pg_catalog.<>) 'safedeploy'
        UNION ALL
        SELECT x.objid, NULL, false
          FROM pg_catalog.pg_depend AS x
          JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) x.refobjid
         WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
           AND x.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND x.deptype OPERATOR(pg_catalog.=) 'e'
           AND e.extname OPERATOR(pg_catalog.<>) 'safedeploy') AS m
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) m.oid
 WHERE m.dumped OPERATOR(pg_catalog.=) $1::pg_catalog.bool
   AND c.relkind OPERATOR(pg_catalog.=) ANY (CASE WHEN $1::pg_catalog.bool THEN ARRAY['r', 'S'] ELSE ARRAY['r'] END::pg_catalog."char"[])
 ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text COLLATE "C"
