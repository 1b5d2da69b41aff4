-- Tags this session with run and fencing token, so that its own writes are fenced too.
SELECT pg_catalog.set_config('safedeploy.run_id', $1, false),
       pg_catalog.set_config('safedeploy.fence_token', $2, false)
