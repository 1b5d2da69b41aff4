CREATE FUNCTION safedeploy.verify_chain(expected_head text)
RETURNS SETOF safedeploy.fault
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'safedeploy_verify_chain';
COMMENT ON FUNCTION safedeploy.verify_chain(text) IS
'The part of verify_ledger() that recomputes every hash and follows every link.';
REVOKE ALL ON FUNCTION safedeploy.verify_chain(text) FROM PUBLIC;
