CREATE FUNCTION safedeploy.keep_objects(facets text[] DEFAULT NULL, physical boolean DEFAULT false)
RETURNS TABLE (number integer, kind text, identity text, hash bytea)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000 COST 10000
SET search_path = pg_catalog, pg_temp
-- 10,000 objects are kept without a file
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'safedeploy_keep_objects';
REVOKE ALL ON FUNCTION safedeploy.keep_objects(text[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.keep_objects(text[], boolean) IS 'reads the live schema as objects() does, keeps it to the end of the transaction, and returns no more than a number and a hash of each object: over "facets" (NULL: all) and, with "physical", over its physical identity; the hash of an unread object is NULL. Two databases are compared by it without storing anything in either: those objects of the new one whose hashes differ are handed from its kept_objects() to keep_others() in a session of the old one, for diff_others(). Errors as of objects()';
