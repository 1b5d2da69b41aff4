-- Tables whose rows a dump has: quoted name, name in pg_dump's messages, bytes, and which rows of an extension's
-- own table it takes.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       pg_catalog.format('%s.%s', n.nspname, c.relname) AS plain,
       pg_catalog.pg_table_size(c.oid) AS bytes,
       coalesce(x.condition, '') AS condition
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  LEFT JOIN pg_catalog.pg_depend AS d
    ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
   AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
  LEFT JOIN LATERAL (SELECT e.extcondition[i.i] AS condition
                       FROM pg_catalog.pg_extension AS e,
                            pg_catalog.generate_subscripts(e.extconfig, 1) AS i(i)
                      WHERE e.oid OPERATOR(pg_catalog.=) d.refobjid
                        AND e.extconfig[i.i] OPERATOR(pg_catalog.=) c.oid) AS x ON true
 WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
   AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
   AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
   AND (d.objid IS NULL OR x.condition IS NOT NULL)
 ORDER BY 1
