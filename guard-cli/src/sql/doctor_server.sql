-- What the doctor looks at in a server: version, role, preloaded libraries as far as the role may
-- see them, and whether sessions like this one are kept from dropping things.
SELECT pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
       current_user AS role,
       r.rolsuper AS superuser,
       r.rolsuper OR r.rolcreatedb AS may_create_database,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       (SELECT coalesce(pg_catalog.string_agg(s.setting, ','), '')
          FROM pg_catalog.pg_settings AS s
         WHERE s.name OPERATOR(pg_catalog.=) ANY (ARRAY['shared_preload_libraries', 'session_preload_libraries'])) AS preloaded,
       coalesce(pg_catalog.current_setting('safedeploy.protect', true), 'off') AS protect,
       coalesce(pg_catalog.current_setting('safedeploy.protect_classes', true), 'default') AS protect_classes,
       -- a setting that no loaded library has defined is not listed
       EXISTS (SELECT 1 FROM pg_catalog.pg_settings AS s WHERE s.name OPERATOR(pg_catalog.=) 'safedeploy.protect') AS loaded,
       coalesce((SELECT s.setting OPERATOR(pg_catalog.!~) 'safedeploy' FROM pg_catalog.pg_settings AS s
                  WHERE s.name OPERATOR(pg_catalog.=) 'shared_preload_libraries'), false) AS loaded_late
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname OPERATOR(pg_catalog.=) current_user
