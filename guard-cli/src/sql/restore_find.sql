-- Databases that a restore has made or kept, with what it says of them.
SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
  FROM pg_catalog.pg_database AS d
 WHERE pg_catalog.starts_with(pg_catalog.shobj_description(d.oid, 'pg_database'), 'migguard: restore {')
 ORDER BY d.datname
