-- How an analysis is made; parameter: how long the script will wait for a lock, 0 for no bound.
SELECT pg_catalog.set_config('lock_timeout', $1::pg_catalog.text, false),
       pg_catalog.set_config('safedeploy.context', 'on', false)
