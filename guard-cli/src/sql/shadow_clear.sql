-- Statements that take everything but the schema out of this database: rows, the state of sequences, snapshots and
-- records of migrations and of what the rehearsal did.  In the order in which they are to be run.
SELECT q.statement
  FROM (SELECT 1 AS step, pg_catalog.concat('TRUNCATE TABLE ', pg_catalog.string_agg(c.oid::pg_catalog.regclass::pg_catalog.text, ', '), ' CASCADE') AS statement
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
           AND c.oid OPERATOR(pg_catalog.>=) 16384
           AND pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0
           AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS x
                            WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                              AND x.objid OPERATOR(pg_catalog.=) c.oid AND x.deptype OPERATOR(pg_catalog.=) 'e')
        HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
        UNION ALL
        SELECT 2, pg_catalog.format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', c.oid::pg_catalog.regclass)
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'm' AND c.relispopulated
        UNION ALL
        SELECT s.step, s.statement
          FROM (VALUES
                (3, 'SELECT pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata AS m'),
                (4, $$SELECT pg_catalog.setval(s.seqrelid, s.seqstart, false)
                        FROM pg_catalog.pg_sequence AS s
                       WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS x
                                          WHERE x.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                                            AND x.objid OPERATOR(pg_catalog.=) s.seqrelid AND x.deptype OPERATOR(pg_catalog.=) 'e')$$),
                (5, 'SELECT safedeploy.drop_snapshot(s.id) FROM safedeploy.snapshot AS s'),
                (6, 'SELECT safedeploy.forget_migration(m.project, m.version) FROM safedeploy.applied_migration AS m'),
                (7, 'SELECT safedeploy.forget_rehearsal()')
               ) AS s(step, statement)) AS q
 ORDER BY q.step
