-- The newest good run of a deploy lock; parameter: name of the lock.
SELECT g.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(g.at) OPERATOR(pg_catalog.#>>) '{}' AS at,
       g.revision, g.snapshot_id, g.fingerprint
  FROM safedeploy.last_known_good AS g
 WHERE g.lock_name OPERATOR(pg_catalog.=) $1::pg_catalog.text
