-- When and of what a snapshot was taken, and whether sessions as this one record DDL that is made
-- outside of runs, as far as the role may see that.
SELECT pg_catalog.to_json(s.taken_at) OPERATOR(pg_catalog.#>>) '{}' AS taken_at,
       s.label, s.run_id::pg_catalog.text AS run_id, s.database,
       (SELECT coalesce(pg_catalog.bool_or(p.setting OPERATOR(pg_catalog.~) '\msafedeploy\M'), false)
          FROM pg_catalog.pg_settings AS p
         WHERE p.name OPERATOR(pg_catalog.=) ANY (ARRAY['shared_preload_libraries', 'session_preload_libraries']))
       AND coalesce(pg_catalog.current_setting('safedeploy.record_drift', true) OPERATOR(pg_catalog.=) 'on', false) AS recording
  FROM safedeploy.snapshot AS s
 WHERE s.id OPERATOR(pg_catalog.=) $1::pg_catalog.int8
