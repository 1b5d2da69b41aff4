-- Other sessions in this database, but for the run's own, whose application names start with
-- parameter 1.  Ages are in milliseconds.
SELECT s.pid,
       s.usename,
       s.application_name,
       pg_catalog.host(s.client_addr) AS client,
       s.state,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) s.xact_start)
         OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8 AS transaction_ms,
       s.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker'
         AND s.query OPERATOR(pg_catalog.~~) '%to prevent wraparound%' AS wraparound
  FROM pg_catalog.pg_stat_activity AS s
 WHERE s.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND s.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND NOT pg_catalog.starts_with(s.application_name, $1)
   AND s.backend_type OPERATOR(pg_catalog.=) ANY (ARRAY['client backend', 'autovacuum worker'])
 ORDER BY s.xact_start NULLS LAST, s.pid
