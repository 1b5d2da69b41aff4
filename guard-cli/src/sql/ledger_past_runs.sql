-- What the ledger knows of past runs of lock parameter 1, newest first: parameter 2 is "unfinished",
-- "done" (the last upgrade that was), "touched" (the last one that came to change the schema), "last"
-- (likewise, that has an end) or the start of ids ("" is all).
-- Parameter 3 is the run that asks.
SELECT r.run_id,
       r.command,
       r.tool,
       r.started_at,
       l.state AS last_state,
       l.status AS last_status,
       l.message AS last_message,
       e.result,
       capture.detail AS capture,
       rehearse.detail AS rehearse,
       verify.detail AS verify,
       migrate.seq AS touched,
       migrate.up AS migrated,
       e.detail AS ending,
       r.database OPERATOR(pg_catalog.=) pg_catalog.current_database() AS here
  FROM safedeploy.run AS r
  LEFT JOIN LATERAL (SELECT v.result, v.detail
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.=) 'end') AS e ON true
  LEFT JOIN LATERAL (SELECT v.state, v.status, v.message
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.<>) 'end'
                      ORDER BY v.seq DESC LIMIT 1) AS l ON true
  LEFT JOIN LATERAL (SELECT v.detail
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.=) 'capture'
                        AND v.status OPERATOR(pg_catalog.=) 'ok'
                      ORDER BY v.seq DESC LIMIT 1) AS capture ON true
  LEFT JOIN LATERAL (SELECT v.detail
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.=) 'rehearse'
                        AND v.status OPERATOR(pg_catalog.=) 'ok'
                      ORDER BY v.seq DESC LIMIT 1) AS rehearse ON true
  LEFT JOIN LATERAL (SELECT v.detail
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.=) 'verify'
                        AND v.status OPERATOR(pg_catalog.=) 'ok'
                      ORDER BY v.seq DESC LIMIT 1) AS verify ON true
  LEFT JOIN LATERAL (SELECT pg_catalog.min(v.seq) AS seq,
                            pg_catalog.min(v.seq) FILTER (WHERE v.state OPERATOR(pg_catalog.=) 'migrate') AS up
                       FROM safedeploy.event AS v
                      WHERE v.run_id OPERATOR(pg_catalog.=) r.run_id
                        AND v.state OPERATOR(pg_catalog.=) ANY (ARRAY['migrate', 'rollback'])
                        AND v.status OPERATOR(pg_catalog.=) 'begin') AS migrate ON true
 WHERE r.lock_name OPERATOR(pg_catalog.=) $1
   AND r.run_id OPERATOR(pg_catalog.<>) $3::pg_catalog.uuid
   AND ($2 OPERATOR(pg_catalog.<>) 'unfinished' OR e.result IS NULL)
   AND CASE $2
         WHEN 'unfinished' THEN true
         WHEN 'done' THEN e.result OPERATOR(pg_catalog.=) 'done' AND migrate.up IS NOT NULL
         WHEN 'touched' THEN migrate.seq IS NOT NULL
         WHEN 'last' THEN e.result IS NOT NULL AND migrate.seq IS NOT NULL
         ELSE pg_catalog.starts_with(r.run_id::pg_catalog.text, pg_catalog.lower($2))
       END
 -- one that waited long for the lock has begun early and come late
 ORDER BY CASE WHEN $2 OPERATOR(pg_catalog.=) ANY (ARRAY['done', 'last', 'touched']) THEN migrate.seq END DESC NULLS LAST,
          r.started_at DESC
 LIMIT CASE WHEN $2 OPERATOR(pg_catalog.=) ANY (ARRAY['done', 'last', 'touched']) THEN 1 END
