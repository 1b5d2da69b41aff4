-- Deploy locks held by living sessions.
SELECT l.name, l.token, l.pid, l.usename, l.application_name,
       pg_catalog.host(l.client_addr) AS client_addr, l.reason, l.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(l.acquired_at) OPERATOR(pg_catalog.#>>) '{}' AS acquired_at,
       pg_catalog.round((pg_catalog.date_part('epoch', l.held_for) OPERATOR(pg_catalog.*) 1000)::pg_catalog.numeric)::pg_catalog.int8 AS held_for_ms
  FROM safedeploy.lock_holders AS l
 ORDER BY l.name
