CREATE FUNCTION safedeploy.keep_others(objects safedeploy.object[])
RETURNS integer
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_keep_others';
REVOKE ALL ON FUNCTION safedeploy.keep_others(safedeploy.object[]) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.keep_others(safedeploy.object[]) IS 'keeps objects of another database beside those of keep_objects(), and returns how many came; can be called again with more. Errors: 55000 an earlier call of it failed, 22023 not an object of a database';
