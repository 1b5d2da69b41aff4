-- Distinct application names of living sessions that start with parameter 1, in this database.
SELECT DISTINCT s.application_name
  FROM pg_catalog.pg_stat_activity AS s
 WHERE pg_catalog.starts_with(s.application_name, $1)
   AND s.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND s.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
