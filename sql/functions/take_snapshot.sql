CREATE FUNCTION safedeploy.take_snapshot(label text DEFAULT NULL, run_id uuid DEFAULT NULL, environment boolean DEFAULT false) RETURNS bigint
	AS 'MODULE_PATHNAME', 'safedeploy_take_snapshot'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 10000
	SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.take_snapshot(text, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.take_snapshot(text, uuid, boolean) IS 'stores the live schema, with "environment" also what surrounds it, as objects() does, and returns the id in safedeploy.snapshot; with unread objects (see objects()) it warns, and the snapshot is not complete; errors as of objects()';
