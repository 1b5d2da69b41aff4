CREATE FUNCTION safedeploy.protocol_version()
RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_protocol_version';
COMMENT ON FUNCTION safedeploy.protocol_version() IS
'Version of the SQL API: grows when a function changes in a way that a client notices.';
REVOKE ALL ON FUNCTION safedeploy.protocol_version() FROM PUBLIC;
