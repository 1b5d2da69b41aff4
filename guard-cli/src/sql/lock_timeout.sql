-- How long this session waits for a lock; parameter: the time, 0 for no bound.
SELECT pg_catalog.set_config('lock_timeout', $1::pg_catalog.text, false)
