-- Tries to take the lock: name, reason, run; NULL when another session holds it.
SELECT safedeploy.try_lock($1, $2, $3::pg_catalog.uuid)
