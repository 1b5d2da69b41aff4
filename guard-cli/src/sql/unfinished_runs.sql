-- Runs without an end, oldest first.
SELECT u.run_id::pg_catalog.text AS run_id,
       pg_catalog.to_json(u.started_at) OPERATOR(pg_catalog.#>>) '{}' AS started_at,
       u.command, u.tool, u.lock_name, u.last_state, u.last_status, u.last_message,
       u.holder_pid, u.holder_alive
  FROM safedeploy.unfinished_runs AS u
