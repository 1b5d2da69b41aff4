-- Backups that the ledger still needs: that of the last known good run of each lock, of runs without an end, and of
-- the newest run of each lock when that needs a person.
SELECT DISTINCT b.detail OPERATOR(pg_catalog.->>) 'manifest_sha256'
  FROM safedeploy.event AS b
 WHERE b.state OPERATOR(pg_catalog.=) 'backup' AND b.status OPERATOR(pg_catalog.=) 'ok'
   AND b.detail OPERATOR(pg_catalog.?) 'manifest_sha256'
   AND (b.run_id OPERATOR(pg_catalog.=) ANY (SELECT g.run_id FROM safedeploy.last_known_good AS g)
        OR b.run_id OPERATOR(pg_catalog.=) ANY (SELECT u.run_id FROM safedeploy.unfinished_runs AS u)
        OR b.run_id OPERATOR(pg_catalog.=) ANY (
             SELECT l.run_id
               FROM (SELECT DISTINCT ON (r.lock_name) r.run_id, e.result
                       FROM safedeploy.run AS r
                       JOIN safedeploy.event AS e ON e.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND e.state OPERATOR(pg_catalog.=) 'end'
                      WHERE r.lock_name IS NOT NULL AND r.command OPERATOR(pg_catalog.<>) 'plan'
                      ORDER BY r.lock_name, e.seq DESC) AS l
              WHERE l.result OPERATOR(pg_catalog.=) ANY (ARRAY['interrupted', 'rollback_failed', 'rolled_back_unproved'])))
