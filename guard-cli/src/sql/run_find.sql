-- Runs whose id begins with the parameter, at most ten.
SELECT r.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(r.started_at) OPERATOR(pg_catalog.#>>) '{}' AS started_at,
       r.command
  FROM safedeploy.run AS r
 WHERE pg_catalog.starts_with(r.run_id::pg_catalog.text, $1::pg_catalog.text)
 ORDER BY r.started_at DESC
 LIMIT 10
