-- What the sessions of a run did in this database, in the order in which they did it; parameter: id of the run.
SELECT s.nesting, s.transaction, s.tag, s.statement, s.masked, s.duration_ms, s.lock_wait_ms, s.rows,
       s.wal_bytes, s.sqlstate, pg_catalog.to_jsonb(s.messages) AS messages, s.rolled_back, s.effects,
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(safedeploy.normalized(s.statement), 'UTF8')), 'hex') AS hash
  FROM ONLY safedeploy.run_statement AS s
 WHERE s.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
 ORDER BY s.started_at, s.pid, s.seq
