CREATE FUNCTION safedeploy.import_snapshot(lines jsonb[], id bigint DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'safedeploy_import_snapshot'
	LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
	SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION safedeploy.import_snapshot(jsonb[], bigint) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.import_snapshot(jsonb[], bigint) IS 'stores lines of export_snapshot() in order, in one call or several: the first starts with the header and returns the id, the next ones get that id, and the footer completes the snapshot; error SD221 for a line that is damaged, missing or there twice, SD222 for a format that is not known';
