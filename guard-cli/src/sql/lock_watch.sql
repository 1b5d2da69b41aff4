-- The tool's sessions in this database, by application name parameter 1, that wait for a lock or build
-- an index (own); whom they wait for (ahead); and who waits for them, directly or behind others, to read
-- or to write (behind): what else waits is maintenance.  Needs nothing that a role without further
-- rights is not shown, but for what describes a session.
WITH RECURSIVE own AS MATERIALIZED (
  SELECT a.pid
    FROM pg_catalog.pg_stat_activity AS a
   WHERE a.application_name OPERATOR(pg_catalog.=) $1
     AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
     AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
), waiting AS MATERIALIZED (
  SELECT l.pid,
         pg_catalog.pg_blocking_pids(l.pid) AS blockers,
         CASE l.locktype WHEN 'relation' THEN l.mode OPERATOR(pg_catalog.=) ANY (ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'])
              ELSE l.locktype OPERATOR(pg_catalog.<>) 'virtualxid' END AS traffic,
         CASE WHEN l.locktype OPERATOR(pg_catalog.=) 'relation'
              THEN pg_catalog.concat(l.mode, ' on ', l.relation::pg_catalog.regclass)
              WHEN l.locktype OPERATOR(pg_catalog.=) 'virtualxid' THEN 'the end of older transactions'
              WHEN l.locktype OPERATOR(pg_catalog.=) 'transactionid' THEN 'the end of a transaction'
              ELSE pg_catalog.concat(l.mode, ' on a ', l.locktype) END AS lock
    FROM pg_catalog.pg_locks AS l
   WHERE NOT l.granted
     AND EXISTS (SELECT FROM own)
), behind(pid) AS (
  SELECT w.pid
    FROM waiting AS w
   WHERE w.blockers OPERATOR(pg_catalog.&&) ARRAY(SELECT o.pid FROM own AS o)
     AND w.pid OPERATOR(pg_catalog.<>) ALL (SELECT o.pid FROM own AS o)
   UNION
  SELECT w.pid
    FROM behind AS b
    JOIN waiting AS w ON b.pid OPERATOR(pg_catalog.=) ANY (w.blockers)
   WHERE w.pid OPERATOR(pg_catalog.<>) ALL (SELECT o.pid FROM own AS o)
), ahead AS (
  SELECT DISTINCT p.pid
    FROM waiting AS w, pg_catalog.unnest(w.blockers) AS p(pid)
   WHERE w.pid OPERATOR(pg_catalog.=) ANY (SELECT o.pid FROM own AS o)
     AND p.pid OPERATOR(pg_catalog.<>) ALL (SELECT o.pid FROM own AS o)
), part AS (
  SELECT 'own' AS part, o.pid, w.lock
    FROM own AS o
    LEFT JOIN waiting AS w ON w.pid OPERATOR(pg_catalog.=) o.pid
   UNION ALL
  SELECT 'ahead', pid, NULL FROM ahead
   UNION ALL
  SELECT 'behind', b.pid, w.lock
    FROM behind AS b
    JOIN waiting AS w ON w.pid OPERATOR(pg_catalog.=) b.pid
   WHERE w.traffic
)
SELECT p.part, p.pid, p.lock,
       CASE WHEN p.pid OPERATOR(pg_catalog.=) 0 THEN 'prepared' ELSE a.backend_type END AS kind,
       a.usename, a.application_name, pg_catalog.host(a.client_addr) AS client, a.state,
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) a.xact_start)
         OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8 AS transaction_ms,
       CASE WHEN p.part OPERATOR(pg_catalog.<>) 'own' THEN pg_catalog.left(safedeploy.shape(a.query), 200) END AS query,
       i.phase, i.lockers_total, i.lockers_done,
       CASE WHEN i.blocks_total OPERATOR(pg_catalog.>) 0
            THEN i.blocks_done OPERATOR(pg_catalog.*) 100 OPERATOR(pg_catalog./) i.blocks_total END AS percent
  FROM part AS p
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) p.pid
  LEFT JOIN pg_catalog.pg_stat_progress_create_index AS i
         ON i.pid OPERATOR(pg_catalog.=) p.pid AND p.part OPERATOR(pg_catalog.=) 'own'
