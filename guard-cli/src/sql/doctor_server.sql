-- What the doctor looks at in a server: version, role, preloaded libraries.
SELECT pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
       current_user AS role,
       r.rolsuper AS superuser,
       r.rolsuper OR r.rolcreatedb AS may_create_database,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.concat_ws(',', s.shared, s.session) AS preloaded
  FROM (SELECT pg_catalog.current_setting('shared_preload_libraries') AS shared,
               pg_catalog.current_setting('session_preload_libraries') AS session) AS s
  JOIN pg_catalog.pg_roles AS r ON r.rolname OPERATOR(pg_catalog.=) current_user
