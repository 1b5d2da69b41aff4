CREATE FUNCTION safedeploy.export_snapshot(id bigint) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'safedeploy_export_snapshot'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.export_snapshot(bigint) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.export_snapshot(bigint) IS 'lines of a stored snapshot, in order: a header, one line an object, a footer; each carries the SHA-256 of the rest of it; errors SD220 when it is not there, SD221 when it is not complete';
