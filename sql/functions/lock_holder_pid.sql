CREATE FUNCTION safedeploy.lock_holder_pid(name text)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_lock_holder_pid';
COMMENT ON FUNCTION safedeploy.lock_holder_pid(text) IS
'PID of the session that holds the deploy lock of that name, NULL when nobody does.';
REVOKE ALL ON FUNCTION safedeploy.lock_holder_pid(text) FROM PUBLIC;
