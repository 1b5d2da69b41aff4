-- The comment of database parameter 1, as a literal.
SELECT pg_catalog.quote_nullable(pg_catalog.shobj_description(d.oid, 'pg_database'))
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) $1
