CREATE FUNCTION safedeploy.kept_objects(numbers integer[] DEFAULT NULL, others boolean DEFAULT false)
RETURNS SETOF safedeploy.object
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'safedeploy_kept_objects';
REVOKE ALL ON FUNCTION safedeploy.kept_objects(integer[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.kept_objects(integer[], boolean) IS 'what keep_objects() has kept in this transaction, those of the numbers or all; with "others" what keep_others() has. Error 55000 when nothing is kept';
