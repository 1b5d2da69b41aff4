-- Who holds what a run will want, but for the run's own sessions, whose application names start with
-- parameter 2.  Parameter 1: what it will lock, as JSON objects with object and lock_mode.  Parameter 3:
-- whether it waits for older transactions as well, as statements with CONCURRENTLY do.
WITH conflict(wanted, held) AS (VALUES
  ('AccessShareLock', ARRAY['AccessExclusiveLock']),
  ('RowShareLock', ARRAY['ExclusiveLock', 'AccessExclusiveLock']),
  ('RowExclusiveLock', ARRAY['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
  ('ShareUpdateExclusiveLock', ARRAY['ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
  ('ShareLock', ARRAY['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
  ('ShareRowExclusiveLock', ARRAY['RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
  ('ExclusiveLock', ARRAY['RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']),
  ('AccessExclusiveLock', ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'])
), wanted AS MATERIALIZED (
  SELECT pg_catalog.to_regclass(w.object)::pg_catalog.oid AS relation, c.held
    FROM pg_catalog.json_to_recordset($1::pg_catalog.json) AS w(object pg_catalog.text, lock_mode pg_catalog.text)
    JOIN conflict AS c ON c.wanted OPERATOR(pg_catalog.=) w.lock_mode
), held AS (
  SELECT l.pid, l.virtualtransaction,
         pg_catalog.string_agg(DISTINCT pg_catalog.concat(l.mode, ' on ', l.relation::pg_catalog.regclass), ', ') AS locks
    FROM pg_catalog.pg_locks AS l
    JOIN wanted AS w ON w.relation OPERATOR(pg_catalog.=) l.relation AND l.mode OPERATOR(pg_catalog.=) ANY (w.held)
   WHERE l.granted
     AND l.locktype OPERATOR(pg_catalog.=) 'relation'
     AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d
                                             WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   GROUP BY l.pid, l.virtualtransaction
), every AS (
  SELECT 'lock' AS part, h.pid, h.virtualtransaction, h.locks
    FROM held AS h
   UNION ALL
  SELECT 'snapshot', a.pid, l.virtualtransaction, 'a snapshot'
    FROM pg_catalog.pg_stat_activity AS a
    JOIN pg_catalog.pg_locks AS l ON l.pid OPERATOR(pg_catalog.=) a.pid
                                 AND l.locktype OPERATOR(pg_catalog.=) 'virtualxid' AND l.granted
   WHERE $3::pg_catalog.bool
     AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
     AND a.backend_xmin IS NOT NULL
     AND a.backend_type OPERATOR(pg_catalog.=) 'client backend'
     AND a.pid OPERATOR(pg_catalog.<>) ALL (SELECT h.pid FROM held AS h WHERE h.pid IS NOT NULL)
)
SELECT e.part, COALESCE(e.pid, 0) AS pid, e.virtualtransaction AS transaction, e.locks AS lock,
       CASE WHEN e.pid IS NULL THEN 'prepared' ELSE a.backend_type END AS kind,
       COALESCE(a.usename, x.owner) AS usename,
       COALESCE(a.application_name, x.gid) AS application_name,
       pg_catalog.host(a.client_addr) AS client, a.state,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
         OPERATOR(pg_catalog.-) COALESCE(a.xact_start, x.prepared)) OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8 AS transaction_ms,
       CASE WHEN a.backend_type OPERATOR(pg_catalog.=) 'autovacuum worker' THEN a.query
            ELSE pg_catalog.left(safedeploy.shape(a.query), 200) END AS query
  FROM every AS e
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) e.pid
  LEFT JOIN pg_catalog.pg_locks AS xl
         ON e.pid IS NULL AND xl.pid IS NULL
        AND xl.locktype OPERATOR(pg_catalog.=) 'transactionid' AND xl.granted
        AND xl.virtualtransaction OPERATOR(pg_catalog.=) e.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts AS x ON x.transaction OPERATOR(pg_catalog.=) xl.transactionid
 WHERE a.application_name IS NULL
    OR NOT pg_catalog.starts_with(a.application_name, $2)
 ORDER BY transaction_ms DESC NULLS FIRST, pid
