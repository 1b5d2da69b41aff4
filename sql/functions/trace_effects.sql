CREATE FUNCTION safedeploy.trace_effects()
RETURNS SETOF safedeploy.effect
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_trace_effects';
COMMENT ON FUNCTION safedeploy.trace_effects() IS
'What the statements of trace_report() did; statement is their seq.  A statement has the effects of all that ran inside of it, under the names that were valid when it began.';
REVOKE ALL ON FUNCTION safedeploy.trace_effects() FROM PUBLIC;
