-- The search_path of a session of migguard's own.
SET search_path = pg_catalog, pg_temp
