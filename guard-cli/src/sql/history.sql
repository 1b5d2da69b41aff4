-- Runs, newest first; parameter: how many (NULL: all).
SELECT h.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(h.started_at) OPERATOR(pg_catalog.#>>) '{}' AS started_at,
       pg_catalog.to_json(h.ended_at) OPERATOR(pg_catalog.#>>) '{}' AS ended_at,
       pg_catalog.round((pg_catalog.date_part('epoch', h.duration) OPERATOR(pg_catalog.*) 1000)::pg_catalog.numeric)::pg_catalog.int8 AS duration_ms,
       h.command, h.tool, h.database, h.from_revision, h.to_revision, h.result, h.exit_code,
       h.last_state, h.message, h."session_user"
  FROM safedeploy.history AS h
 ORDER BY h.started_at DESC, h.run_id
 LIMIT $1::pg_catalog.int8
