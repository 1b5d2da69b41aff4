-- What keeps this database from being a schema and nothing else, at most ten.  Tables that belong to an extension are
-- compared by their rows instead.  Many dropped columns bring a table near the limit that they count against.
SELECT f.fault
  FROM (SELECT pg_catalog.concat('table ', c.oid::pg_catalog.regclass, ' has rows') AS fault
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
           AND c.oid OPERATOR(pg_catalog.>=) 16384
           AND pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS x
                            WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                              AND x.objid OPERATOR(pg_catalog.=) c.oid AND x.deptype OPERATOR(pg_catalog.=) 'e')
        UNION ALL
        SELECT pg_catalog.concat('sequence ', s.seqrelid::pg_catalog.regclass, ' is in use')
          FROM pg_catalog.pg_sequence AS s
         WHERE pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE, SELECT')
           AND pg_catalog.pg_sequence_last_value(s.seqrelid) IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS x
                            WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                              AND x.objid OPERATOR(pg_catalog.=) s.seqrelid AND x.deptype OPERATOR(pg_catalog.=) 'e')
        UNION ALL
        SELECT pg_catalog.concat('materialized view ', c.oid::pg_catalog.regclass, ' is populated')
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'm' AND c.relispopulated
        UNION ALL
        SELECT pg_catalog.concat('table ', a.attrelid::pg_catalog.regclass, ' has ', pg_catalog.count(*), ' dropped columns')
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attisdropped
         GROUP BY a.attrelid
        HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 100
        UNION ALL
        SELECT 'snapshots are stored'
         WHERE EXISTS (SELECT 1 FROM safedeploy.snapshot)
        UNION ALL
        SELECT 'migrations are recorded'
         WHERE EXISTS (SELECT 1 FROM safedeploy.applied_migration)
        UNION ALL
        SELECT 'statements of a rehearsal are recorded'
         WHERE EXISTS (SELECT 1 FROM safedeploy.run_statement)
        UNION ALL
        SELECT 'there are large objects'
         WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata)) AS f
 LIMIT 10
