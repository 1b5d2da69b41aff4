-- A warm shadow, if it is there; parameters: its name, whether to count what it takes, which only those see who may
-- connect to it.
SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
       CASE WHEN $2::pg_catalog.bool AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            THEN pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.oid)) END AS size
  FROM pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) $1::pg_catalog.text
