CREATE FUNCTION safedeploy.normalized(sql text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_normalized';
REVOKE ALL ON FUNCTION safedeploy.normalized(text) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.normalized(text) IS 'a statement without comments, with one blank between tokens and words in lower case, to recognise it by when the file around it changes; what is quoted stays as it is';
