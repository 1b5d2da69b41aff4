-- The backup that a run has made (parameter: its id): where it is, and the hash of its manifest.
SELECT e.detail OPERATOR(pg_catalog.->>) 'path', e.detail OPERATOR(pg_catalog.->>) 'manifest_sha256'
  FROM safedeploy.event AS e
 WHERE e.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
   AND e.state OPERATOR(pg_catalog.=) 'backup' AND e.status OPERATOR(pg_catalog.=) 'ok'
   AND e.detail OPERATOR(pg_catalog.?) 'manifest_sha256'
 ORDER BY e.seq DESC LIMIT 1
