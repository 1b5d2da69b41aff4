-- What preflight wants to know of the server, the database and the role, in one row.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
       pg_catalog.pg_backend_pid() AS backend_pid,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on' AS read_only,
       r.rolsuper AS superuser,
       r.rolsuper OR r.rolcreatedb AS may_create_database,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') AS may_create_schema,
       current_user AS role,
       d.datname AS database,
       e.extversion AS extension,
       CASE WHEN n.oid IS NOT NULL THEN pg_catalog.has_schema_privilege(n.oid, 'USAGE') END AS may_use_extension,
       (SELECT pg_catalog.string_agg(p.gid, ', ' ORDER BY p.prepared)
          FROM pg_catalog.pg_prepared_xacts AS p
         WHERE p.database OPERATOR(pg_catalog.=) d.datname) AS prepared
  FROM pg_catalog.pg_database AS d
  JOIN pg_catalog.pg_roles AS r ON r.rolname OPERATOR(pg_catalog.=) current_user
  LEFT JOIN pg_catalog.pg_extension AS e ON e.extname OPERATOR(pg_catalog.=) 'safedeploy'
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
