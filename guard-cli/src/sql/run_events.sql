-- Events of one run, in order; parameter: its id.
SELECT e.seq,
       pg_catalog.to_json(e.at) OPERATOR(pg_catalog.#>>) '{}' AS at,
       e.state, e.status, e.result, e.exit_code, e.message, e.detail,
       pg_catalog.encode(e.hash, 'hex') AS hash
  FROM safedeploy.event AS e
 WHERE e.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
 ORDER BY e.seq
