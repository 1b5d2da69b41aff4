-- One run; parameter: its id.
SELECT r.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(r.started_at) OPERATOR(pg_catalog.#>>) '{}' AS started_at,
       pg_catalog.to_json(h.ended_at) OPERATOR(pg_catalog.#>>) '{}' AS ended_at,
       pg_catalog.round((pg_catalog.date_part('epoch', h.duration) OPERATOR(pg_catalog.*) 1000)::pg_catalog.numeric)::pg_catalog.int8 AS duration_ms,
       r.command, r.tool, r.lock_name, r.token, r.database, r.from_revision, r.to_revision,
       h.result, h.exit_code, h.last_state, h.message, r."session_user",
       pg_catalog.host(r.client_addr) AS client_addr, r.client, r.server_version_num
  FROM safedeploy.run AS r
  JOIN safedeploy.history AS h ON h.run_id OPERATOR(pg_catalog.=) r.run_id
 WHERE r.run_id OPERATOR(pg_catalog.=) $1::pg_catalog.uuid
