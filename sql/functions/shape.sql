CREATE FUNCTION safedeploy.shape(sql text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_shape';
REVOKE ALL ON FUNCTION safedeploy.shape(text) FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.shape(text) IS 'a statement without comments and with *** in place of each literal and number, to be shown where it may hold secrets; also of a text that was cut; NULL while standard_conforming_strings is off, when nobody can be sure where a literal ends';
