-- What the sessions of a run did in this database, in the order in which they did it; parameters: id of the run, time
-- before or at which the sessions began that are left out.
SELECT s.nesting, s.transaction, s.tag, s.statement, s.masked, s.duration_ms, s.lock_wait_ms, s.rows,
       s.wal_bytes, s.sqlstate, pg_catalog.to_jsonb(s.messages) AS messages, s.rolled_back, s.effects,
       pg_catalog.to_jsonb(s.losses) AS losses,
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(safedeploy.normalized(s.statement), 'UTF8')), 'hex') AS hash,
       pg_catalog.concat(s.pid, ' ', s.backend_start) AS session,
       pg_catalog.max(s.backend_start) OVER () AS newest
  FROM ONLY safedeploy.run_statement AS s
 WHERE s.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
   AND s.backend_start OPERATOR(pg_catalog.>) $2::pg_catalog.timestamptz
 ORDER BY s.started_at, s.pid, s.seq
