-- How many other sessions of clients are in this database.
SELECT pg_catalog.count(*)
  FROM pg_catalog.pg_stat_activity AS s
 WHERE s.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND s.backend_type OPERATOR(pg_catalog.=) 'client backend'
   AND s.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
