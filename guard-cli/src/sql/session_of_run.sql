-- Settings of a session that changes the schema for a run: its id, its fencing token, time limits in ms.
SELECT pg_catalog.set_config('safedeploy.run_id', $1, false),
       pg_catalog.set_config('safedeploy.fence_token', $2, false),
       pg_catalog.set_config('lock_timeout', $3, false),
       pg_catalog.set_config('statement_timeout', $4, false),
       pg_catalog.set_config('check_function_bodies', 'off', false)
