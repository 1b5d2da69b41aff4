-- Releases the lock: name, token.
SELECT safedeploy.unlock($1, $2::pg_catalog.int8)
