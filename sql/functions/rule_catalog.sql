CREATE FUNCTION safedeploy.rule_catalog(OUT rule text, OUT family text, OUT severity text, OUT applies_to text, OUT since integer, OUT until integer, OUT summary text, OUT hint text, OUT reference text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_rule_catalog';
REVOKE ALL ON FUNCTION safedeploy.rule_catalog() FROM PUBLIC;
COMMENT ON FUNCTION safedeploy.rule_catalog() IS 'rows of the view safedeploy.rules';
