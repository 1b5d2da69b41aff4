CREATE FUNCTION safedeploy.check_fence(token bigint)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_check_fence';
COMMENT ON FUNCTION safedeploy.check_fence(bigint) IS
'True when that fencing token is the newest of its lock and a live session holds that lock.  False for a token that was never issued in this database.';
REVOKE ALL ON FUNCTION safedeploy.check_fence(bigint) FROM PUBLIC;
