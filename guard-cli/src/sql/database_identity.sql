-- What is the same for two sessions of one database and for no others, not even those of its copy.
SELECT pg_catalog.concat_ws(' ', c.system_identifier, d.oid, pg_catalog.pg_postmaster_start_time()) AS identity
  FROM pg_catalog.pg_control_system() AS c
 CROSS JOIN pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
