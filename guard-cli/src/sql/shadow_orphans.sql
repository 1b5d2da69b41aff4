-- Warm shadows of this role whose database is not on this server any more.  That a shadow is of a database here,
-- not of one elsewhere, is told by its name, which must be the one that shadow_name.sql makes of its comment.
SELECT d.datname
  FROM pg_catalog.pg_database AS d,
       pg_catalog.substring(pg_catalog.shobj_description(d.oid, 'pg_database'),
                            '^migguard: run [0-9a-f-]{36} of database (.*)$') AS c(origin)
 WHERE d.datdba OPERATOR(pg_catalog.=) (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) current_user)
   AND d.datname OPERATOR(pg_catalog.=)
       pg_catalog.concat('migguard_shadow_',
                         pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.hashtextextended(
                             pg_catalog.concat_ws('/', 'here', current_user::pg_catalog.text, c.origin), 0)), 16, '0'))
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_database AS o WHERE o.datname OPERATOR(pg_catalog.=) c.origin)
 ORDER BY d.datname
