-- How many sessions with application_name parameter 1 there are in this database.
SELECT pg_catalog.count(*)
  FROM pg_catalog.pg_stat_activity AS s
 WHERE s.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND s.application_name OPERATOR(pg_catalog.=) $1
   AND s.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
