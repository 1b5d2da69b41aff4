-- Ends all sessions in database parameter 1 but that of process parameter 2; how many there were.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(s.pid))
  FROM pg_catalog.pg_stat_activity AS s
 WHERE s.datname OPERATOR(pg_catalog.=) $1
   AND s.pid OPERATOR(pg_catalog.<>) $2::pg_catalog.int4
