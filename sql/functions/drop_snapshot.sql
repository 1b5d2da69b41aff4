CREATE FUNCTION safedeploy.drop_snapshot(id bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'safedeploy_drop_snapshot'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.drop_snapshot(bigint) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.drop_snapshot(bigint) IS 'removes a stored snapshot and the definitions that no other one needs; waits for snapshots that are being taken; error SD220 when it is not there';
