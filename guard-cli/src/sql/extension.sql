-- The extension in this database: installed version, the version the server could install, and
-- whether it has the handshake.  NULL where there is none.
SELECT e.extversion AS installed,
       a.default_version AS available,
       p.oid IS NOT NULL AS has_protocol
  FROM (SELECT 1) AS one(row)
  LEFT JOIN pg_catalog.pg_extension AS e ON e.extname OPERATOR(pg_catalog.=) 'safedeploy'
  LEFT JOIN pg_catalog.pg_available_extensions AS a ON a.name OPERATOR(pg_catalog.=) 'safedeploy'
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) 'safedeploy'
  LEFT JOIN pg_catalog.pg_proc AS p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
   AND p.proname OPERATOR(pg_catalog.=) 'protocol_version'
   AND p.pronargs OPERATOR(pg_catalog.=) 0
