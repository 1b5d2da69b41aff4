-- Which objects are in this database; parameter: array of {"kind": ..., "object": ...}, named as pg_identify_object()
-- names them.
SELECT pg_catalog.concat(o.kind, ' ', o.object)
  FROM (SELECT o.value OPERATOR(pg_catalog.->>) 'kind' AS kind, o.value OPERATOR(pg_catalog.->>) 'object' AS object
          FROM pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb) AS o(value)) AS o
 WHERE CASE o.kind
       WHEN 'table column' THEN EXISTS (
            SELECT 1
              FROM pg_catalog.parse_ident(o.object) AS p(names)
              JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.format('%I.%I', p.names[1], p.names[2]))::pg_catalog.oid
               AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) p.names[3]
               AND NOT a.attisdropped)
       WHEN 'schema' THEN pg_catalog.to_regnamespace(o.object) IS NOT NULL
       WHEN 'type' THEN pg_catalog.to_regtype(o.object) IS NOT NULL
       WHEN 'extension' THEN EXISTS (SELECT 1 FROM pg_catalog.pg_extension AS e
                                      WHERE pg_catalog.quote_ident(e.extname) OPERATOR(pg_catalog.=) o.object)
       ELSE pg_catalog.to_regclass(o.object) IS NOT NULL END
