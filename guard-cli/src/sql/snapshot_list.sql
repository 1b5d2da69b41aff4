-- Stored snapshots, newest first.
SELECT s.id,
       pg_catalog.to_json(s.taken_at) OPERATOR(pg_catalog.#>>) '{}' AS taken_at,
       s.label,
       s.run_id::pg_catalog.text AS run_id,
       s.database,
       s.objects,
       s.fingerprint,
       s.complete
  FROM safedeploy.snapshot AS s
 ORDER BY s.id DESC
