-- Restores under lock parameter 1 that have no end, but for run parameter 2.
SELECT r.run_id
  FROM safedeploy.run AS r
 WHERE r.command OPERATOR(pg_catalog.=) 'restore'
   AND r.lock_name OPERATOR(pg_catalog.=) $1
   AND r.run_id OPERATOR(pg_catalog.<>) $2::pg_catalog.uuid
   AND NOT EXISTS (SELECT FROM safedeploy.event AS e
                    WHERE e.run_id OPERATOR(pg_catalog.=) r.run_id
                      AND e.state OPERATOR(pg_catalog.=) 'end')
 ORDER BY r.started_at
