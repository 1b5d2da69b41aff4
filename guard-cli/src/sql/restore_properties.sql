-- Statements that give database parameter 2 what parameter 1 has and no dump of a database holds: owner, limit of
-- connections, privileges, settings, also of roles in it, security labels.  Settings that are lists are stored as
-- they are written, all others as one literal.
WITH d AS (
	SELECT x.*, pg_catalog.format('%I', $2::pg_catalog.text) AS fresh
	  FROM pg_catalog.pg_database AS x
	 WHERE x.datname OPERATOR(pg_catalog.=) $1
)
SELECT pg_catalog.format('ALTER DATABASE %s OWNER TO %I', d.fresh, pg_catalog.pg_get_userbyid(d.datdba)), 1 AS place
  FROM d
UNION ALL
SELECT pg_catalog.format('ALTER DATABASE %s CONNECTION LIMIT %s', d.fresh, d.datconnlimit), 2 FROM d
UNION ALL
SELECT pg_catalog.format('ALTER DATABASE %s IS_TEMPLATE %s', d.fresh, d.datistemplate::pg_catalog.text), 2 FROM d
UNION ALL
SELECT pg_catalog.format('REVOKE ALL ON DATABASE %s FROM PUBLIC, %I', d.fresh, pg_catalog.pg_get_userbyid(d.datdba)), 3
  FROM d
 WHERE d.datacl IS NOT NULL
UNION ALL
SELECT pg_catalog.format('GRANT %s ON DATABASE %s TO %s%s', a.privilege_type, d.fresh,
                         CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
                         CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END), 4
  FROM d, pg_catalog.aclexplode(d.datacl) AS a
UNION ALL
SELECT pg_catalog.format('ALTER DATABASE %s RESET ALL', d.fresh), 5 FROM d
UNION ALL
SELECT pg_catalog.format('%s SET %s TO %s',
                         CASE WHEN s.setrole OPERATOR(pg_catalog.=) 0
                              THEN pg_catalog.format('ALTER DATABASE %s', d.fresh)
                              ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %s', pg_catalog.pg_get_userbyid(s.setrole), d.fresh) END,
                         v.name,
                         CASE WHEN v.name OPERATOR(pg_catalog.=) ANY (ARRAY['search_path', 'temp_tablespaces',
                                     'local_preload_libraries', 'session_preload_libraries'])
                                   AND v.value OPERATOR(pg_catalog.<>) ''
                              THEN v.value ELSE pg_catalog.quote_literal(v.value) END), 6
  FROM d
  JOIN pg_catalog.pg_db_role_setting AS s ON s.setdatabase OPERATOR(pg_catalog.=) d.oid,
       pg_catalog.unnest(s.setconfig) AS c(setting),
       LATERAL (SELECT pg_catalog.split_part(c.setting, '=', 1) AS name,
                       pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') OPERATOR(pg_catalog.+) 1) AS value) AS v
UNION ALL
SELECT pg_catalog.format('SECURITY LABEL FOR %I ON DATABASE %s IS %L', l.provider, d.fresh, l.label), 7
  FROM d
  JOIN pg_catalog.pg_shseclabel AS l ON l.objoid OPERATOR(pg_catalog.=) d.oid
   AND l.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_database'::pg_catalog.regclass
 ORDER BY place
