CREATE FUNCTION safedeploy.version()
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_version';
COMMENT ON FUNCTION safedeploy.version() IS
'Version of the library that this server has loaded.';
REVOKE ALL ON FUNCTION safedeploy.version() FROM PUBLIC;
