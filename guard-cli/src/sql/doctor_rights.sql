-- What grant_deployer() would give and this role does not have, with the command that gives it.
SELECT current_user AS role,
       pg_catalog.current_database() AS database,
       pg_catalog.format('SELECT safedeploy.grant_deployer(%L);', pg_catalog.quote_ident(current_user)) AS command,
       pg_catalog.count(*) AS missing,
       (pg_catalog.array_agg(m.name ORDER BY m.name))[1] AS first
  FROM (SELECT pg_catalog.concat('function ', p.proname) AS name
          FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace OPERATOR(pg_catalog.=) 'safedeploy'::pg_catalog.regnamespace::pg_catalog.oid
           AND p.prorettype OPERATOR(pg_catalog.<>) 'pg_catalog.trigger'::pg_catalog.regtype::pg_catalog.oid
           AND p.prorettype OPERATOR(pg_catalog.<>) 'pg_catalog.event_trigger'::pg_catalog.regtype::pg_catalog.oid
           AND p.proname OPERATOR(pg_catalog.<>) ALL (ARRAY['grant_reader', 'grant_deployer', 'note_ddl', 'require_fence', 'forget_drift']::pg_catalog.name[])
           AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
         UNION ALL
        SELECT pg_catalog.concat('table ', c.relname)
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) 'safedeploy'::pg_catalog.regnamespace::pg_catalog.oid
           AND (c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'v']::pg_catalog."char"[])
                OR c.relkind OPERATOR(pg_catalog.=) 'S' AND EXISTS (
                   SELECT FROM pg_catalog.pg_extension AS e
                    WHERE e.extname OPERATOR(pg_catalog.=) 'safedeploy' AND c.oid OPERATOR(pg_catalog.=) ANY (e.extconfig)))
           AND NOT CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
                                  ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END) AS m
