-- Of what a snapshot of this database would be: version, cluster, OID; and who is superuser there.
SELECT pg_catalog.current_setting('server_version_num') AS version,
       c.system_identifier,
       d.oid,
       (SELECT pg_catalog.array_agg(pg_catalog.quote_ident(r.rolname))
          FROM pg_catalog.pg_roles AS r
         WHERE r.rolsuper)::pg_catalog.text AS superusers
  FROM pg_catalog.pg_control_system() AS c
 CROSS JOIN pg_catalog.pg_database AS d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
