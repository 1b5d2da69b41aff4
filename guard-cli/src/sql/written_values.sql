-- Of tables and columns, named as a permit names them: those that are there, with the query that returns a row
-- when one holds a value that is not its column's default; no query where the rows may not be read.
SELECT o.name,
       CASE WHEN o.attname IS NULL THEN pg_catalog.format('SELECT FROM %s LIMIT 1', o.oid::pg_catalog.regclass)
            ELSE pg_catalog.format('SELECT FROM %s WHERE %I IS NOT NULL%s LIMIT 1', o.oid::pg_catalog.regclass, o.attname,
                                   CASE WHEN o.value OPERATOR(pg_catalog.!~) '[(]'
                                        THEN pg_catalog.format(' AND %I::pg_catalog.text IS DISTINCT FROM (%s)::pg_catalog.text', o.attname, o.value) END) END AS query,
       pg_catalog.has_table_privilege(o.oid, 'SELECT') AS readable
  FROM (SELECT c.oid, a.attname, i.type OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) i.identity AS name,
               pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS value
          FROM pg_catalog.pg_class AS c
          LEFT JOIN pg_catalog.pg_attribute AS a
            ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
          LEFT JOIN pg_catalog.pg_attrdef AS d
            ON d.adrelid OPERATOR(pg_catalog.=) c.oid AND d.adnum OPERATOR(pg_catalog.=) a.attnum
         CROSS JOIN LATERAL (
               SELECT t.type, t.identity FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum::pg_catalog.int4) AS t
                WHERE a.attnum IS NOT NULL) AS i
         WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
           -- only those that can be meant: naming every column of a large database takes seconds
           AND pg_catalog.strpos(pg_catalog.array_to_string($1::pg_catalog.text[], ' '),
                                 pg_catalog.replace(c.relname::pg_catalog.text, '"', '""')) OPERATOR(pg_catalog.>) 0
         UNION ALL
        SELECT c.oid, NULL, i.type OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) i.identity, NULL
          FROM pg_catalog.pg_class AS c
         CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0) AS i
         WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
           AND pg_catalog.strpos(pg_catalog.array_to_string($1::pg_catalog.text[], ' '),
                                 pg_catalog.replace(c.relname::pg_catalog.text, '"', '""')) OPERATOR(pg_catalog.>) 0) AS o
 WHERE o.name OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
 ORDER BY o.name
