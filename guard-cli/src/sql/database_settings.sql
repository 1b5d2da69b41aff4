-- Settings given by ALTER DATABASE ... SET (without a role), which a dump of the schema leaves out.  Those of the
-- extension take a superuser to set, and are about the real database.
SELECT pg_catalog.split_part(c.setting, '=', 1) AS name,
       pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') OPERATOR(pg_catalog.+) 1) AS value
  FROM pg_catalog.pg_db_role_setting AS s
  JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) s.setdatabase,
       pg_catalog.unnest(s.setconfig) AS c(setting)
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND s.setrole OPERATOR(pg_catalog.=) 0
   AND c.setting OPERATOR(pg_catalog.!~~) 'safedeploy.%'
